"""Static modules, written by hand in both languages. Each design gets copies under its own name.

Those of the AXI4-Stream export, `trigcnn_axis_*`, are in Verilog only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from trigcnn.hls.rtl.design import Language

_STATIC = re.compile(r"\btrigcnn_(\w+)")
_SUFFIXES: dict[Language, str] = {"verilog": "v", "vhdl": "vhd"}


def owned(module: str, design: str) -> str:
    """Return the name of a design's copy of a static module; other modules keep their name.

    >>> owned("trigcnn_fifo", "digits"), owned("digits_conv1", "digits")
    ('digits_trigcnn_fifo', 'digits_conv1')
    """
    return f"{design}_{module}" if module.startswith("trigcnn_") else module


def copies(design: str, modules: Iterable[str], language: Language) -> list[tuple[str, str]]:
    """Return name and text of a design's copies of static modules, with those that they need.

    Args:
        design: Name of the design.
        modules: Names of modules; those that are not in the library are left out.
        language: Of the text.
    """
    folder = Path(__file__).parent / language
    known = {path.stem: path.read_text() for path in folder.glob(f"*.{_SUFFIXES[language]}")}
    wanted = set(modules) & known.keys()
    while more := {f"trigcnn_{name}" for one in wanted for name in _STATIC.findall(known[one])} & known.keys() - wanted:
        wanted |= more
    return [(owned(name, design), _STATIC.sub(rf"{design}_trigcnn_\1", known[name])) for name in sorted(wanted)]

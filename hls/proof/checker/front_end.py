"""Yosys' front end: Verilog as a netlist of word-level cells; and GHDL's, which turns VHDL into Verilog."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from trigcnn.hls import tool
from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.rtl.design import Language
from trigcnn.hls.synthesis.yosys import run_script

# The last line of a choice in GHDL's Verilog.
_CHOICE = re.compile(r": (\w+) <= [^;]+;(?=\n *endcase)")
# Registers keep their data as it is: neither enables nor resets are found, which would be kinds of cells of their own.
_SCRIPT = """\
{sources}
hierarchy -check -top {top}
proc -norom
{boundaries}flatten
opt -fast -nodffe -nosdff
write_json netlist.json
"""


# Modules of the library that move words; these have no others inside. Memories become registers.
_MOVERS = ("collect", "fifo", "scan", "serialize", "window", "counter", "hold")
_WHOLE = _MOVERS[:-2]


def boundaries(top: str) -> str:
    """Return commands that keep the modules of a streaming design that move words, by the names of the library."""
    whole = " ".join(f"*{top}_trigcnn_{name}*" for name in _WHOLE)
    kept = "\n".join(f"setattr -mod -set keep_hierarchy 1 *{top}_trigcnn_{name}*" for name in _MOVERS)
    return f"memory -nomap\nmemory_map\nflatten {whole}\n{kept}\n"


def netlist(
    sources: Sequence[Path], top: str, folder: Path, language: Language, *, timeout_s: float, streaming: bool = False
) -> Path:
    """Read a design and write the netlist: flat, or of a streaming design with the modules that move words.

    Args:
        sources: Its files, each after those that it needs.
        top: Name of the top module.
        folder: Folder for the script, the log and the netlist.
        language: The language of the files.
        timeout_s: Time limit of each tool in seconds.
        streaming: Whether the design is streaming.

    Returns:
        The netlist, as JSON.

    Raises:
        ToolFailedError: Yosys or GHDL cannot read the files, or ran out of time.
        ToolMissingError: GHDL is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if language == "vhdl":
        sources = [_as_verilog(sources, top, folder, timeout_s)]
    copies = folder / "verilog"
    shutil.rmtree(copies, ignore_errors=True)
    copies.mkdir()
    for source in sources:
        # Names in the netlist come from the place of a file, so that must not differ.
        shutil.copyfile(source, copies / source.name)
    lines = "\n".join(f"read_verilog verilog/{source.name}" for source in sources)
    kept = boundaries(top) if streaming else ""
    run_script(_SCRIPT.format(sources=lines, top=top, boundaries=kept), "read", folder, timeout_s=timeout_s)
    shutil.rmtree(copies)
    if not (result := folder / "netlist.json").is_file():
        raise ToolFailedError(f"Yosys left no netlist; see {folder / 'read.log'}")
    return result


def _as_verilog(sources: Sequence[Path], top: str, folder: Path, timeout_s: float) -> Path:
    # GHDL writes to standard output; its messages, which are errors only, too.
    written = folder / "vhdl.v"
    options = ["--std=08", "--out=verilog", f"--workdir={folder.resolve()}"]
    words = ["ghdl", "--synth", *options, *(str(source.resolve()) for source in sources), "-e", top]
    tool.run(words, cwd=folder, log=written, timeout_s=timeout_s)
    # GHDL leaves out a choice whose value is not defined; Verilog would keep the last value there.
    written.write_text(_CHOICE.sub(r"\g<0>\n      default: \1 <= 'bx;", written.read_text()))
    return written


def version() -> str:
    """Return Yosys' version."""
    return metadata.version("pyosys")

"""The RTL behind AXI4-Stream as an IP of Vivado's catalogue: IP-XACT (IEEE 1685-2009) and a script that packages it."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from trigcnn.hls.export import axi_streams, axis
from trigcnn.hls.export.templates import fill
from trigcnn.hls.rtl.design import RtlDesign


def write(design: RtlDesign, project: Path, folder: Path, *, values_per_beat: int | None = None) -> None:
    """Write `component.xml`, `package.tcl` and the sources.

    Args:
        design: The RTL.
        project: Folder of its Verilog.
        folder: An empty folder.
        values_per_beat: The most values in a beat; by default a beat is a word of the design.

    Raises:
        ConversionError: The inputs have different numbers of words.
    """
    streams = axi_streams.of(design, values_per_beat)
    values = {
        "design": design,
        "streams": streams,
        "sources": axis.sources(streams, project, folder),
        "version": version("trigcnn"),
        "busses": ":".join(stream.name for stream in (*streams.inputs, *streams.outputs)),
    }
    for name in ("component.xml", "package.tcl", "README.md"):
        fill("ip", f"{name}.j2", folder / name, values)
    fill("axis", "streams.md.j2", folder / "STREAMS.md", values)

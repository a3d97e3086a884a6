"""The RTL as a core of FuseSoC: sources, test bench, constraints, and a `.core` file in the format CAPI2."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np

from trigcnn.common.files import copy_tree
from trigcnn.hls.export.templates import fill
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl import test_bench
from trigcnn.hls.rtl.design import RtlDesign


def write(
    graph: Graph,
    design: RtlDesign,
    projects: tuple[Path, Path | None],
    folder: Path,
    vectors: Vectors,
    *,
    clock_period_ns: float,
) -> None:
    """Write the core of a design.

    Args:
        graph: The network.
        design: Its RTL.
        projects: Folders of the Verilog and of the VHDL, if there is any.
        folder: An empty folder.
        vectors: Events and outputs of the test bench.
        clock_period_ns: Clock period of test bench and constraints, in ns.
    """
    verilog, vhdl = projects
    events = vectors.events.astype(np.float32).reshape(-1, *graph.input_shape)
    inputs, expected = test_bench.vectors(graph, design, events, vectors.outputs)
    copy_tree(verilog, folder, onto=True)
    sources = test_bench.write(folder, design, inputs, expected, clock_period_ns=clock_period_ns)
    values = {
        "design": design,
        "version": version("trigcnn"),
        "vlnv": f"trigcnn:networks:{design.top}:1.0.0",
        "verilog": sources[:-1],
        "bench": sources[-1],
        "bench_vectors": _vectors(folder, folder),
        "vhdl": (),
        "events": len(events),
        "clock_period_ns": f"{clock_period_ns:g}",
        "xdc": _only(folder, "*.xdc"),
        "sdc": _only(folder, "*.sdc"),
    }
    if vhdl is not None:
        place = folder / "vhdl"
        copy_tree(vhdl, place)
        sources = test_bench.write(place, design, inputs, expected, clock_period_ns=clock_period_ns, language="vhdl")
        values["vhdl"] = tuple(f"vhdl/{source}" for source in sources[:-1])
        values["vhdl_bench"] = f"vhdl/{sources[-1]}"
        values["vhdl_vectors"] = _vectors(folder, place)
    fill("fusesoc", "network.core.j2", folder / f"{design.top}.core", values)
    fill("fusesoc", "README.md.j2", folder / "README.md", values)


def _vectors(folder: Path, project: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in (project / "tb").glob("*.hex"))


def _only(folder: Path, pattern: str) -> str:
    (found,) = (folder / "src").glob(pattern)
    return found.relative_to(folder).as_posix()

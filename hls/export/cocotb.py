"""A test bench in Python for cocotb, with the emulator as the model beside the RTL."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np

from trigcnn.common.files import copy_tree
from trigcnn.hls.export import cpp
from trigcnn.hls.export.templates import fill
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl import test_bench
from trigcnn.hls.rtl.design import RtlDesign


def write(
    graph: Graph, design: RtlDesign, project: Path, folder: Path, vectors: Vectors, *, clock_period_ns: float
) -> None:
    """Write the test bench of a design.

    Args:
        graph: The network.
        design: Its RTL.
        project: Folder of the Verilog.
        folder: An empty folder.
        vectors: Golden events and outputs.
        clock_period_ns: Clock period of the simulation, in ns.

    Raises:
        ConversionError: The network has no emulator; see `cpp.write`.
    """
    copy_tree(project, folder, onto=True)
    model = folder / "model"
    model.mkdir()
    cpp.write(graph, model, vectors)
    events = vectors.events.astype(np.float32).reshape(-1, *graph.input_shape)
    inputs, outputs = test_bench.vectors(graph, design, events, vectors.outputs)
    rows = [np.concatenate([part.reshape(len(events), -1) for part in parts], axis=1) for parts in (inputs, outputs)]
    np.savez_compressed(folder / "golden.npz", inputs=rows[0], outputs=rows[1])
    values = {
        "design": design,
        "version": version("trigcnn"),
        "sources": design.sources["verilog"],
        "clock_period_ns": f"{clock_period_ns:g}",
    }
    for template, target in {
        "README.md.j2": "README.md",
        "bench.py.j2": f"{design.top}_bench.py",
        "test.py.j2": f"test_{design.top}.py",
        "run.py.j2": "run.py",
    }.items():
        fill("cocotb", template, folder / target, values)

"""A small design with golden vectors, for the tests of exports."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.hls.graphs import events_for
from tests.hls.streaming_graphs import wanted_of
from tests.hls.test_two_designs import network
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl import generation
from trigcnn.hls.rtl.design import Architecture, RtlDesign
from trigcnn.hls.rtl.options import RtlOptions


class Subject(NamedTuple):
    """A network, its RTL in `place/rtl` and `place/vhdl`, and twelve events."""

    graph: Graph
    design: RtlDesign
    place: Path
    vectors: Vectors


def subject(place: Path, architecture: Architecture, graph: Graph | None = None, *, valid: bool = True) -> Subject:
    """Generate the RTL of a graph, by default of the network `one`, at 5 ns."""
    graph = graph or network("one", 1)
    options = RtlOptions(architecture=architecture, language="vhdl", stage_delay=3.0, valid=valid)
    design = generation.generate(
        graph,
        place / "rtl",
        options,
        part="xcvu9p-flga2104-2L-e",
        clock_period_ns=5,
        log=place / "log",
        timeout_s=300,
    )
    events = events_for(graph, 12)[:12]
    rows = [values.reshape(len(events), -1).astype(np.float64) for values in (events, wanted_of(graph, events))]
    return Subject(graph, design, place, Vectors(*rows))

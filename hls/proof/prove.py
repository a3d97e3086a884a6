"""Graph = RTL for every input: searched, checked, and written down."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np

from trigcnn.hls.engines import Events, Outputs, rtl
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.proof import parallel, streaming
from trigcnn.hls.proof.checker import front_end
from trigcnn.hls.proof.checker.certificate import Certificate, digests
from trigcnn.hls.proof.checker.check import read, read_modules
from trigcnn.hls.proof.counterexample import Counterexample
from trigcnn.hls.rtl.design import Language, RtlDesign


def prove(
    graph: Graph,
    design: RtlDesign,
    convert: Path,
    place: Path,
    language: Language = "verilog",
    *,
    timeout_s: float,
    events: Events | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> tuple[Certificate, Counterexample | None]:
    """Try to prove that the sources of a design compute the graph for every input.

    Args:
        graph: The graph.
        design: The design; if it is streaming, in Verilog.
        convert: Folder of the stage that has both.
        place: Folder for Yosys' netlist and log, and for a simulation.
        language: Language of the sources.
        timeout_s: Time limit of Yosys in seconds.
        events: Events to try first, if there is no proof.
        note: Called with the name of the layer in work.

    Returns:
        The certificate, and an event that refutes.

    Raises:
        ToolFailedError: Yosys or GHDL cannot read the sources.
        ToolMissingError: GHDL is not installed.
        ProofError: The netlist has cells of kinds that are not known.
    """
    start = time.process_time()
    note(f"reading the {'Verilog' if language == 'verilog' else 'VHDL'}")
    if design.architecture == "parallel":
        netlist, digest = read(design, convert, place, language, timeout_s=timeout_s)
        result = parallel.attempt(graph, design, netlist, events, note)
    else:
        modules, digest = read_modules(design, convert, place, timeout_s=timeout_s)
        given = np.zeros((0, *graph.input_shape), dtype=np.float32) if events is None else events

        def simulate(events: Events) -> Outputs:
            return rtl.build(graph, design, convert / "rtl", place, timeout_s=timeout_s).predict(events)

        result = streaming.attempt(graph, design, modules, simulate, given, note)
    certificate = Certificate(
        design=design.top,
        language=language,
        status=result.status,
        reason=result.reason,
        shown=tuple(result.shown),
        claims=result.claims,
        units=result.units,
        files=digests(convert, design, language),
        netlist=digest,
        tool=front_end.version(),
        version=metadata.version("trigcnn"),
        seconds=round(time.process_time() - start, 2),
    )
    return certificate, result.event


__all__ = ["prove"]

"""Graph = RTL for every input, of a parallel design: searched, checked, and written down."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np

from trigcnn.hls.engines import Events
from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.proof.checker import front_end
from trigcnn.hls.proof.checker.certificate import Certificate, Status, digests
from trigcnn.hls.proof.checker.check import LatencyError, check_times, ports, read
from trigcnn.hls.proof.checker.equivalence import Claim, Equivalence, Obligation
from trigcnn.hls.proof.checker.netlist import Netlist
from trigcnn.hls.proof.counterexample import Counterexample, find, valid_differs
from trigcnn.hls.proof.search import Search
from trigcnn.hls.rtl.design import Language, RtlDesign

_DRAWN = 1 << 13
"""Events that are drawn to find one on which graph and netlist differ, if no proof was found."""


@dataclass
class Attempt:
    """What came of an attempt to prove a design.

    Attributes:
        shown: What was shown, in the order of the layers.
        claims: Bits of the netlist that hold elements, by layer and number of the element.
        reason: What could not be shown, and why; empty if all was.
        refuted: Whether the netlist was shown to differ from the graph, or from what the design says of its clocks.
        event: An event on which they differ; None if none was found.
    """

    shown: list[Obligation] = field(default_factory=list)
    claims: dict[str, dict[int, Claim]] = field(default_factory=dict)
    reason: str = ""
    refuted: bool = False
    event: Counterexample | None = None

    @property
    def status(self) -> Status:
        """What it came to."""
        return "refuted" if self.refuted else "open" if self.reason else "proved"


def attempt(
    graph: Graph,
    design: RtlDesign,
    netlist: Netlist,
    events: Events | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Attempt:
    """Try to prove that a netlist computes a graph for every input; if it fails, look for an event that shows why.

    Args:
        graph: The graph.
        design: What the netlist was read from.
        netlist: The netlist.
        events: Events to try first, if there is no proof; others are drawn.
        note: Called with the name of the layer in work.
    """
    result = Attempt()
    try:
        result.shown += check_times(netlist, design)
        equivalence = Equivalence(netlist, graph, ports(design.inputs))
        search = Search(equivalence)
        for layer in graph.layers:
            if layer.kind != "Input":
                note(f"layer {layer.name}")
                claims = search.claims(layer)
                result.claims |= {layer.name: claims} if claims else {}
                result.shown += equivalence.compare(layer, claims)
                search.defined(layer)
        result.shown += [equivalence.finish(port) for port in ports(design.outputs)]
    except LatencyError as error:
        result.reason, result.refuted = str(error), True
    except ProofError as error:
        result.reason = valid_differs(netlist, design) or str(error)
        result.refuted = result.reason != str(error)
        note("events on which graph and RTL differ")
        given = np.zeros((0, *graph.input_shape), dtype=np.float32) if events is None else events
        result.event = find(graph, design, netlist, given, count=_DRAWN)
        # A difference behind one layer may never reach an output, so only an event refutes.
        result.refuted |= result.event is not None
    return result


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
    """Try to prove that the sources of a parallel design compute the graph for every input.

    Args:
        graph: The graph.
        design: The design.
        convert: Folder of the stage that has both.
        place: Folder for Yosys' netlist and log.
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
    netlist, digest = read(design, convert, place, language, timeout_s=timeout_s)
    result = attempt(graph, design, netlist, events, note)
    certificate = Certificate(
        design=design.top,
        language=language,
        status=result.status,
        reason=result.reason,
        shown=tuple(result.shown),
        claims=result.claims,
        files=digests(convert, design, language),
        netlist=digest,
        tool=front_end.version(),
        version=metadata.version("trigcnn"),
        seconds=round(time.process_time() - start, 2),
    )
    return certificate, result.event


__all__ = ["Attempt", "attempt", "prove"]

"""Graph = RTL for every input, of a parallel design: searched, checked, and written down."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trigcnn.hls.engines import Events
from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.proof.attempt import Attempt
from trigcnn.hls.proof.checker.check import LatencyError, check_times, ports
from trigcnn.hls.proof.checker.equivalence import Equivalence
from trigcnn.hls.proof.checker.netlist import Netlist
from trigcnn.hls.proof.counterexample import find, valid_differs
from trigcnn.hls.proof.search import Search
from trigcnn.hls.rtl.design import RtlDesign

_DRAWN = 1 << 13
"""Events that are drawn to find one on which graph and netlist differ, if no proof was found."""


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


__all__ = ["attempt"]

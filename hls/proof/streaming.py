"""Graph = RTL for every event and every pattern of gaps, of a streaming design: what is searched for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from trigcnn.hls.engines import Events, Outputs, interpreter
from trigcnn.hls.errors import ProofError, SimulationError
from trigcnn.hls.graph.definition import Elements
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.graph.kinds import EACH_VALUE
from trigcnn.hls.proof.attempt import Attempt
from trigcnn.hls.proof.checker import streaming
from trigcnn.hls.proof.checker.equivalence import Claim, Equivalence
from trigcnn.hls.proof.checker.netlist import Netlist
from trigcnn.hls.proof.checker.units import Task
from trigcnn.hls.proof.counterexample import Counterexample, drawn
from trigcnn.hls.proof.search import Search
from trigcnn.hls.rtl.design import RtlDesign

_DRAWN = 1 << 10
"""Events that are drawn to find one on which graph and RTL differ, if no proof was found."""


class Finder:
    """Finds where elements are, and keeps the answers.

    Attributes:
        claims: The answers, by place.
    """

    def __init__(self) -> None:
        self.claims: dict[str, dict[int, Claim]] = {}
        self._search: tuple[Equivalence, Search, set[str]] | None = None

    def __call__(self, place: str, equivalence: Equivalence, layer: Layer, elements: Elements) -> Mapping[int, Claim]:
        """Return where elements are."""
        if self._search is None or self._search[0] is not equivalence:
            self._search = (equivalence, Search(equivalence), set())
        _, search, done = self._search
        for name in equivalence.elements.keys() - done:
            search.defined(equivalence.graph[name])
            done.add(name)
        found = search.claims(layer, elements)
        if found:
            self.claims[place] = found
        return found


def tasks(graph: Graph, top: Netlist, name: str) -> dict[str, Task]:
    """Guess from the names of units what they compute."""
    main = {box.name: _layer(graph, box.module.removeprefix(f"{name}_layer_")) for box in top.boxes}
    owners = {layer.name for layer in main.values()}
    readers = {layer.name: [o for o in graph.layers if layer.name in o.inputs] for layer in graph.layers}
    then: dict[str, list[str]] = {}
    for layer in main.values():
        then[layer.name], last = [], layer
        while len(readers[last.name]) == 1 and last.name not in graph.outputs:
            (reader,) = readers[last.name]
            if reader.name in owners or reader.kind not in EACH_VALUE:
                break
            then[layer.name].append(reader.name)
            last = reader
    results = {[name, *behind][-1] for name, behind in then.items()}
    found = {}
    for box, layer in main.items():
        if layer.kind == "Input":
            found[box] = Task({"in": layer.name}, (), tuple(then[layer.name]))
            continue
        before: list[str] = []
        sources = []
        for each in layer.inputs:
            while each not in results:
                before.insert(0, each)
                each = graph[each].inputs[0]
            sources.append(each)
        sides = ("in",) if len(sources) == 1 else ("left", "right")
        given = dict(zip(sides, sources, strict=True))
        found[box] = Task(given, (*before, layer.name), tuple(then[layer.name]))
    return found


def attempt(
    graph: Graph,
    design: RtlDesign,
    netlists: Mapping[str, Netlist],
    simulate: Callable[[Events], Outputs],
    events: Events,
    note: Callable[[str], None] = lambda _: None,
) -> Attempt:
    """Try to prove that the words of a streaming design are those of a graph; if it fails, look for an event.

    Args:
        graph: The graph.
        design: What the netlists were read from.
        netlists: Its modules.
        simulate: Simulates the design.
        events: Events to try if there is no proof; others are drawn.
        note: Called with the name of the unit in work.
    """
    finder, result = Finder(), Attempt()
    try:
        result.units = tasks(graph, netlists[design.top], design.top)
        result.shown += streaming.prove(netlists, graph, design, result.units, finder, note)
    except ProofError as error:
        note("events on which graph and RTL differ")
        result.reason = str(error)
        tried = np.concatenate([events, drawn(graph, _DRAWN).reshape(-1, *graph.input_shape)])
        wanted = interpreter.build(graph, optimize=False).predict(tried).reshape(len(tried), -1)
        try:
            found = simulate(tried).reshape(len(tried), -1)
        except SimulationError as stopped:
            result.reason, result.refuted = f"{error}; simulated, {stopped}", True
            return result
        wrong = np.flatnonzero((wanted != found).any(axis=1))
        if wrong.size:
            result.refuted = True
            result.event = Counterexample(tried[wrong[0]], wanted[wrong[0]], found[wrong[0]])
    result.claims = finder.claims
    return result


def _layer(graph: Graph, identifier: str) -> Layer:
    found = next((layer for layer in graph.layers if layer.identifier == identifier), None)
    if found is None:
        raise ProofError(f"no layer has the name of the unit {identifier}")
    return found

"""Why two engines differ: the first differing layer, the cause, and the fix.

The first layer that differs has equal inputs on both sides. What it must compute from them is known exactly, so
each number that it gives can be held against the exact one and against its number formats.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from trigcnn.hls.engines import Engine, Events
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph import arithmetic
from trigcnn.hls.graph.arithmetic import Values
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.graph.intervals import LayerRange, analyse
from trigcnn.pipeline.results.diagnosis import Diagnosis, Example, Finding, Fix
from trigcnn.pipeline.verification.comparison import differing_events
from trigcnn.pipeline.verification.diagnosis.blame import Case, Setup, blame

_EXAMPLES = 5
_EVENTS = "events of "


def explain(
    reference: Engine,
    engine: Engine,
    graph: Graph,
    events: Events,
    *,
    exact: Graph | None,
    setup: Setup,
) -> Diagnosis:
    """Return the first layer in which two engines differ, and why; then the later layers that are wrong by themselves.

    Args:
        reference: The engine that is held to be right; its traces are exact real numbers.
        engine: The other engine, which runs `graph`.
        graph: The graph, with the number formats in question.
        events: Events that differ, [events, ...]; some hundred are enough.
        exact: The same network converted with exact number formats; None where it is not known.
        setup: The configuration's number formats.
    """
    expected, found = dict(reference.trace(events)), dict(engine.trace(events))
    for layer, values in zip(graph.input_layers, graph.split_inputs(events), strict=True):
        expected[_EVENTS + layer.name] = values.astype(np.float64)
    differing = _differing_events(expected, found, graph, len(events))
    allowed = _allowed(graph)
    findings: list[Finding] = []
    for layer in graph.layers:
        if layer.name not in found:
            # Such as the padding that hls4ml adds; it is taken to be right.
            inputs = [found[name] for name in layer.inputs if name in found]
            computed = _exact(graph, layer, inputs) if len(inputs) == len(layer.inputs) else None
            if computed is not None:
                found[layer.name] = arithmetic.stored(computed, layer.result)
        else:
            case = _case(graph, layer, exact, expected, found, setup)
            finding = None if case is None else _finding(case, allowed.get(layer.name))
            if finding is not None:
                findings.append(finding)
    return Diagnosis(reference.name, engine.name, len(events), differing, tuple(findings))


def _differing_events(expected: dict[str, Values], found: dict[str, Values], graph: Graph, events: int) -> int:
    differing = np.zeros(events, bool)
    for name in graph.outputs:
        if name in expected and name in found:
            differing |= differing_events(expected[name], found[name])
    return int(differing.sum())


def _allowed(graph: Graph) -> dict[str, LayerRange]:
    try:
        return analyse(graph)
    except ConversionError:
        # A layer of hls4ml's own that has no ranges.
        return {}


def _case(
    graph: Graph,
    layer: Layer,
    exact_graph: Graph | None,
    expected: dict[str, Values],
    found: dict[str, Values],
    setup: Setup,
) -> Case | None:
    """Put a case together; None if what the layer was given is not known."""
    if any(name not in found for name in layer.inputs):
        return None
    inputs = [found[name] for name in layer.inputs] or [expected[_EVENTS + layer.name]]
    counterpart = _counterpart(layer, exact_graph)
    if exact_graph is not None and counterpart is not None and not _possible(exact_graph, counterpart, inputs):
        # What comes after a first error, with numbers that the model never has.
        return None
    exact = _exact(graph, layer, inputs)
    wanted = _exact(exact_graph, counterpart, inputs) if exact_graph is not None and counterpart is not None else exact
    if wanted is None:
        # hls4ml's own kind of layer: what the reference has stands for it, as long as nothing differed before.
        if layer.name not in expected:
            return None
        wanted = expected[layer.name].reshape(found[layer.name].shape)
    rounding = counterpart.result if counterpart is not None else setup.declared.get(layer.name)
    if rounding is not None:
        wanted = arithmetic.stored(wanted, rounding)
    return Case(layer, counterpart, exact, wanted, found[layer.name], setup)


def _counterpart(layer: Layer, exact_graph: Graph | None) -> Layer | None:
    known = {} if exact_graph is None else {other.name: other for other in exact_graph.layers}
    other = known.get(layer.name)
    return other if other is not None and (other.kind, other.shape) == (layer.kind, layer.shape) else None


def _possible(graph: Graph, layer: Layer, inputs: list[Values]) -> bool:
    """Return whether a layer's inputs are numbers that the exact network has there, too."""
    formats = [graph[name].result for name in layer.inputs]
    return all(np.array_equal(arithmetic.stored(x, one), x) for x, one in zip(inputs, formats, strict=False))


def _exact(graph: Graph, layer: Layer, inputs: list[Values]) -> Values | None:
    try:
        return arithmetic.exact(graph, layer, inputs)
    except (ConversionError, ValueError):
        # A kind that is not known, or a table for values of another number format.
        return None


def _finding(case: Case, allowed: LayerRange | None) -> Finding | None:
    """Name the cause at a layer; None if it does what the model says with the inputs that it was given."""
    layer = case.layer
    differing = case.wanted != case.found
    if not differing.any():
        return None
    cause = blame(case)
    by_event = differing.reshape(len(differing), -1).any(axis=1)
    return Finding(
        layer=layer.name,
        kind=layer.kind,
        cause=cause.cause,
        where=cause.where,
        detail=cause.detail,
        number_format=None if cause.number_format is None else str(cause.number_format),
        needed=None if cause.needed is None else str(cause.needed),
        seen=None if case.exact is None else (float(case.exact.min()), float(case.exact.max())),
        allowed=None if allowed is None else (allowed.exact.min, allowed.exact.max),
        events=int(by_event.sum()),
        values=int(differing.sum()),
        max_difference_lsb=float(np.abs(case.wanted - case.found).max() / layer.result.lsb),
        examples=tuple(_examples(case, differing)),
        fix=_fix(layer, cause.where, case.setup),
    )


def _examples(case: Case, differing: npt.NDArray[np.bool_]) -> Iterator[Example]:
    for index in np.argwhere(differing)[:_EXAMPLES]:
        place = tuple(int(n) for n in index)
        yield Example(
            event=place[0],
            position=place[1:],
            exact=None if case.exact is None else float(case.exact[place]),
            expected=float(case.wanted[place]),
            found=float(case.found[place]),
        )


def _fix(layer: Layer, where: str, setup: Setup) -> Fix:
    """The option to change: away with what the user set, or with hls4ml's own choice."""
    if where in setup.overrides.get(layer.name, {}):
        return Fix(f"hls.layers.{layer.name}.precision.{where}", None)
    return Fix("hls.number_formats", "exact")

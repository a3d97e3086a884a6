"""Compare engines in units of the last bit."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from trigcnn.hls.engines import Engine, Events, Outputs
from trigcnn.hls.graph.arithmetic import stored
from trigcnn.hls.graph.graph import Graph
from trigcnn.pipeline.results.comparison import Comparison


def compare(
    reference: Engine, engine: Engine, expected: Outputs, found: Outputs, *, graph: Graph, events: Events
) -> Comparison:
    """Compare two engines' outputs; where they differ, look for the first layer that does.

    Args:
        reference: Reference engine.
        engine: The other engine.
        expected: Outputs of the reference, [events, ...].
        found: Outputs of the other, of the same shape.
        graph: Gives the output's number format and the order of layers.
        events: What both were given.

    Raises:
        ValueError: The outputs have different shapes.
    """
    if len(expected) == len(found) and expected.size == found.size:
        # hls4ml leaves out a reshape at the end.
        found = found.reshape(expected.shape)
    if expected.shape != found.shape:
        raise ValueError(f"{reference.name} gives outputs of shape {expected.shape}, {engine.name} {found.shape}")
    differing = expected != found
    by_event = differing_events(expected, found)
    first = None
    if differing.any():
        first = first_differing_layer(reference, engine, graph, events[by_event][:_TRACED_EVENTS])
    lsb = graph.output_lsb.reshape(expected.shape[1:])
    return Comparison(
        reference=reference.name,
        engine=engine.name,
        events=len(events),
        outputs=expected.size,
        differing_outputs=int(differing.sum()),
        differing_events=int(by_event.sum()),
        max_difference_lsb=float((np.abs(expected - found) / lsb).max(initial=0.0)),
        first_layer=first,
    )


def differing_events(expected: Outputs, found: Outputs) -> npt.NDArray[np.bool_]:
    """Tell of each event whether any of its numbers differ; both are [events, ...], in any shape."""
    rows = (len(expected), math.prod(expected.shape[1:]))
    # NaN is never equal, so it always counts as a difference.
    return np.asarray((expected.reshape(rows) != found.reshape(rows)).any(axis=1))


_TRACED_EVENTS = 64


def first_differing_layer(reference: Engine, engine: Engine, graph: Graph, events: Events) -> str | None:
    """Return the first layer, in the graph's order, that both engines show and in which they differ."""
    expected, found = reference.trace(events), engine.trace(events)
    for layer in graph.layers:
        if layer.name in expected and layer.name in found:
            model, other = (trace[layer.name].reshape(len(events), -1) for trace in (expected, found))
            # In the graph a layer may do the cast that is a layer of its own in the model.
            if not np.array_equal(model, other) and not np.array_equal(stored(model, layer.result), other):
                return layer.name
    return None

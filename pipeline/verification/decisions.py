"""Outputs that are computed behind the network, compared with their definitions in plain NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.decisions import Decision, sources
from trigcnn.hls.graph.graph import Graph
from trigcnn.models.heads import Head
from trigcnn.pipeline.results.comparison import Comparison
from trigcnn.pipeline.results.decision import DecisionEntry

Values = npt.NDArray[Any]


@dataclass(frozen=True)
class Decided:
    """One such output.

    Attributes:
        entry: What the report shows.
        max_difference_lsb: Largest difference from its definition.
    """

    entry: DecisionEntry
    max_difference_lsb: float


def of_network(outputs: Values, heads: Sequence[Head]) -> Values:
    """Return the outputs of the network alone, [events, ...] of one and rows of several."""
    size = sum(head.size for head in heads)
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] == size:
        return outputs
    shape = heads[0].shape if len(heads) == 1 else (size,)
    return flat[:, :size].reshape(len(flat), *shape)


def decided(decisions: Sequence[Decision], heads: Sequence[Head], graph: Graph, outputs: Values) -> list[Decided]:
    """Compare each decision with its definition.

    Args:
        decisions: The decisions.
        heads: The network's outputs.
        graph: The graph, whose outputs are those of the network and of the decisions.
        outputs: All outputs of an engine, one row per event.
    """
    parts = graph.split_outputs(outputs)
    known = {head.name: part for head, part in zip(heads, parts, strict=False)}
    shapes = {head.name: head.shape for head in heads}
    found = []
    names, ends = sources(decisions, shapes), range(len(heads), len(parts))
    for decision, source, number in zip(decisions, names, ends, strict=True):
        values, layer = parts[number], graph.output_layers[number]
        difference = np.abs(values - decision.of(known[source])) / layer.result.lsb
        entry = DecisionEntry(
            name=decision.name,
            kind=decision.kind,
            definition=layer.meaning,
            format=str(layer.result),
            events=len(values),
            differing_events=int(np.count_nonzero(difference)),
            accepted=int(values.sum()) if decision.kind == "threshold" else None,
            low=float(values.min()),
            high=float(values.max()),
        )
        found.append(Decided(entry, float(difference.max())))
        known[decision.name] = values
    return found


def compare(found: Sequence[Decided], engine: str) -> Comparison:
    """Return the comparison of all decisions with their definitions.

    Args:
        found: The decisions, at least one.
        engine: Name of the engine.
    """
    differing = [each.entry.differing_events for each in found]
    return Comparison(
        reference="postprocessing in NumPy",
        engine=engine,
        events=found[0].entry.events,
        outputs=sum(each.entry.events for each in found),
        differing_outputs=sum(differing),
        differing_events=max(differing),
        max_difference_lsb=max(each.max_difference_lsb for each in found),
        first_layer=next((each.entry.name for each in found if each.entry.differing_events), None),
    )

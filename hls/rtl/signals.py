"""Names of the signals in parallel RTL: of which layer each operation is.

alkaid merges operations of the whole network and keeps no names. So the program runs on some random events. An
operation that has the values of a layer's result on all of them gets that layer's name. The others get the name of the
first layer that needs them. A name says where to look; nothing else depends on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.graph.graph import Graph, in_comment, pack

_EVENTS = 64
_SEED = 1

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StageNames:
    """Names in one stage.

    Attributes:
        doing: The layers that are computed there, in words.
        signals: A name for each operation: `LAYER_N` for value N of a layer's result, `LAYER_vN` for operation N.
    """

    doing: str
    signals: tuple[str, ...]


def named(graph: Graph, results: Any, stages: Sequence[Any]) -> list[StageNames]:
    """Return the names in each stage.

    Args:
        graph: What the stages compute.
        results: alkaid's `CombLogic` that gives the results of all layers, in the order of the graph.
        stages: alkaid's `CombLogic` of each stage.
    """
    events = _events(graph)
    known = _results(graph, results.predict(events, n_threads=1))
    found: list[list[tuple[int, int] | None]] = []
    values = events
    for stage in stages:
        found.append([known.get(_key(column)) for column in _all_values(stage, values).T])
        values = stage.predict(values, n_threads=1)
    last = len(graph.layers) - 1
    wanted = [last] * len(stages[-1].out_idxs)
    names = []
    for stage, results_of in zip(reversed(stages), reversed(found), strict=True):
        owners = _owners(stage, results_of, wanted)
        names.append(_names(graph, stage, results_of, owners))
        wanted = [last] * stage.shape[0]
        for operation, owner in zip(stage.ops, owners, strict=True):
            if operation.opcode == -1:
                wanted[operation.data[0]] = owner
    return names[::-1]


def _events(graph: Graph) -> Values:
    """Return random events; most have small values, which saturate less."""
    random = np.random.default_rng(_SEED)
    parts = []
    for layer in graph.input_layers:
        number_format = layer.result
        integers = random.integers(
            number_format.min_integer, number_format.max_integer + 1, (_EVENTS, layer.size), dtype=np.int64
        )
        parts.append(number_format.to_real(integers >> np.arange(_EVENTS)[:, None] % number_format.width))
    return pack(parts).reshape(_EVENTS, -1)


def _all_values(stage: Any, values: Values) -> Values:
    """Return the value of each operation [events, operations]; alkaid's own `dump` mixes them up (0.8.2)."""
    count = len(stage.ops)
    open_stage = stage._replace(
        shape=(stage.shape[0], count), out_idxs=[*range(count)], out_shifts=[0] * count, out_negs=[False] * count
    )
    result: Values = open_stage.predict(values, n_threads=1)
    return result


def _results(graph: Graph, values: Values) -> dict[bytes, tuple[int, int]]:
    """Return the layer and the index of each result by its values; of equal ones the first."""
    known: dict[bytes, tuple[int, int]] = {}
    columns = iter(values.T)
    for number, layer in enumerate(graph.layers):
        for index in range(layer.size):
            column = next(columns)
            # Many things are the same constant.
            if (column != column[0]).any():
                known.setdefault(_key(column), (number, index))
    return known


def _key(column: Values) -> bytes:
    """Return values without their scale: alkaid shifts where they are used."""
    exponent = np.frexp(np.abs(column).max())[1]
    # No negative zeros.
    plain: Values = np.ldexp(column, -exponent) + 0.0
    return plain.tobytes()


def _owners(stage: Any, results_of: Sequence[tuple[int, int] | None], wanted: Sequence[int]) -> list[int]:
    """Return the layer of each operation: that of its result, or else the first that needs it."""
    owners = [max(wanted)] * len(stage.ops)
    for index, owner in zip(stage.out_idxs, wanted, strict=True):
        if index >= 0:
            owners[index] = min(owners[index], owner)
    for number in reversed(range(len(stage.ops))):
        result = results_of[number]
        if result is not None:
            owners[number] = result[0]
        for index in stage.ops[number].addr:
            owners[index] = min(owners[index], owners[number])
    return owners


def _names(graph: Graph, stage: Any, results_of: Sequence[tuple[int, int] | None], owners: Sequence[int]) -> StageNames:
    taken: set[tuple[int, int]] = set()
    signals = []
    for number, (result, owner) in enumerate(zip(results_of, owners, strict=True)):
        identifier = graph.layers[owner].identifier
        # A value can come from an earlier stage and be passed on: only the first is the result itself.
        if result is None or result in taken:
            signals.append(f"{identifier}_v{number}")
        else:
            taken.add(result)
            signals.append(f"{identifier}_{result[1]}")
    computed = {owner for operation, owner in zip(stage.ops, owners, strict=True) if operation.opcode not in (-1, 5)}
    doing = ", ".join(in_comment(graph.layers[owner].name) for owner in sorted(computed)) or "none"
    return StageNames(f"{'layer' if len(computed) == 1 else 'layers'} {doing}", tuple(signals))

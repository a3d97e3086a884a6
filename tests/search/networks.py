"""Random QKeras networks that the admission table lets through, as a Hypothesis strategy."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.search import quantizers
from tests.search.layers import NARROW, RULES, Draft, Draw, cast, dense, up_sampling
from tests.search.network import Network
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.backends import FACTS

_LARGEST = 200


def _chain(draft: Draft, x: str, depth: int) -> str:
    """Some layers, one behind the other; behind most that widen numbers a cast follows."""
    for _ in range(depth):
        shape = draft.shape(x)
        fitting = [rule for rule in RULES[len(shape)] if int(np.prod(shape)) <= _LARGEST or rule is not up_sampling]
        rule = draft.pick(*fitting)
        x = rule(draft, x)
        if rule not in NARROW and draft.chance(85):
            x = cast(draft, x)
    return x


def _reuse_factors(rows: int, columns: int) -> list[int]:
    """What hls4ml takes for a matrix of the strategy Resource."""
    return [
        factor
        for factor in range(1, rows * columns + 1)
        if (rows * columns) % factor == 0
        and (-(-rows * columns // min(rows, factor)) % columns == 0 or factor >= rows)
        and (factor % rows == 0 or factor < rows)
    ]


def _options(draft: Draft) -> dict[str, Any]:
    backend = draft.pick(*FACTS)
    facts = FACTS[backend]
    options: dict[str, Any] = {
        "backend": backend,
        "io_type": draft.pick(*facts.io_types),
        "strategy": draft.pick(*facts.strategies),
        "reuse_factor": 1,
    }
    layers: dict[str, Any] = {}
    for step in draft.steps:
        if step.kind not in ("QDense", "QConv1D", "QConv2D") or not draft.chance(30):
            continue
        strategy = draft.pick(*facts.strategies)
        layer = draft.tensors[step.name].node.layer
        weight = layer.kernel.shape
        rows = int(np.prod(weight[:-1])) * step.arguments.get("groups", 1)
        if step.arguments.get("dilation_rate") or strategy == "Latency":
            layers[step.name] = [strategy, 1]
        else:
            # A convolution in io_parallel, such as a dense layer on pixels, takes no more than the weights of a filter.
            most = rows if len(draft.shape(step.name)) > 1 else rows * int(weight[-1])
            factors = [factor for factor in _reuse_factors(rows, int(weight[-1])) if factor <= most]
            layers[step.name] = [strategy, draft.draw(st.sampled_from(factors))]
    return {**options, "layers": layers}


def _input_shapes(draft: Draft) -> dict[str, tuple[int, ...]]:
    count = 2 if draft.chance(20) else 1
    shapes = {}
    for number in range(count):
        rank = draft.pick(3, 2, 1)
        sides = [draft.draw(st.integers(2, 7)) for _ in range(rank - 1)]
        shapes[f"events{number}"] = (*sides, draft.draw(st.integers(1, 3 if rank > 1 else 8)))
    return shapes


def networks() -> st.SearchStrategy[Network]:
    """Networks of one or two inputs and up to four outputs."""
    bring_up()
    return _networks()


@st.composite
def _networks(draw: Draw) -> Network:
    draft = Draft(draw)
    shapes = _input_shapes(draft)
    input_format = draw(quantizers.number_formats()) if draft.chance(15) else None
    starts = []
    for name, shape in shapes.items():
        draft.tensors[name] = bring_up().keras.Input(shape, name=name)
        starts.append(name if input_format else cast(draft, name))
    trunks = [_chain(draft, x, draw(st.integers(1, 3))) for x in starts]
    if len(trunks) > 1:
        trunks.append(_joined(draft, trunks))
    outputs = [_head(draft, _chain(draft, x, draw(st.integers(0, 3)))) for x in trunks]
    if draft.chance(25):
        outputs.append(_chain(draft, draft.pick(*trunks), draw(st.integers(1, 2))))
    return Network(
        shapes,
        tuple(draft.steps),
        tuple(dict.fromkeys(outputs)),
        draw(st.integers(0, 2**16)),
        draft.pick(1.2, 0.5, 4.0),
        _options(draft),
        input_format,
    )


def _joined(draft: Draft, trunks: list[str]) -> str:
    flat = [draft.add("Flatten", x) if len(draft.shape(x)) > 1 else x for x in trunks]
    return draft.add("Concatenate", tuple(flat))


def _head(draft: Draft, x: str) -> str:
    if draft.chance(40):
        x = dense(draft, draft.add("Flatten", x) if len(draft.shape(x)) > 1 else x)
        if draft.chance(30):
            x = draft.add("Activation", x, activation=draft.pick("softmax", "sigmoid"))
    return x

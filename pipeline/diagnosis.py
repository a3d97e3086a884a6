"""Why two engines part: the first layer at which they do, the cause, and what mends it.

The first layer that differs has equal inputs on both sides. What it must compute from them is known exactly, so
each number that it gives can be held against the exact one and against its number formats.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hls import arithmetic
from hls.arithmetic import Values
from hls.engines import Engine, Events
from hls.errors import ConversionError
from hls.fixed_point import FixedPoint
from hls.graph import Graph, Layer
from hls.intervals import LayerRange, analyse
from pipeline.verification import differing_events

Cause = Literal[
    "overflow by wrap",
    "saturation",
    "rounding mode",
    "lost fraction bits",
    "weights rounded",
    "table approximation",
    "dropped layer",
    "number format left at its default",
    "unknown",
]

# Kinds of hls4ml that take their values from a table over a range that does not depend on the input's format.
_TABLES = ("Softmax", "Sigmoid", "HardActivation", "ELU", "SeLU", "Activation", "ParametrizedActivation", "TernaryTanh")
_DEFAULT = (16, 6)


@dataclass(frozen=True)
class Change:
    """A change to the configuration.

    Attributes:
        key: Path of the option, such as `hls.layers.conv.precision`.
        value: Its new value; None removes the key.
    """

    key: str
    value: Any

    def __str__(self) -> str:
        return f"remove {self.key}" if self.value is None else f"{self.key}: {self.value}"


@dataclass(frozen=True)
class Example:
    """One number that differs.

    Attributes:
        event: Number of the event among those compared.
        position: Indices of the number in the layer's result.
        exact: What the layer must give before its cast.
        expected: What the reference has.
        found: What the other engine has.
    """

    event: int
    position: tuple[int, ...]
    exact: float | None
    expected: float
    found: float


@dataclass(frozen=True)
class Finding:
    """One cause at one layer.

    Attributes:
        layer: Name of the layer.
        kind: What it computes.
        cause: Why it differs.
        where: Which number format is to blame: `result`, `accum`, `weight`, `bias`, or what else.
        detail: The cause in words, with the number formats.
        number_format: The number format that is to blame; None where it is none.
        needed: The number format that loses nothing; None where it is not known.
        seen: Smallest and largest exact value among the events; None where it is not known.
        allowed: Smallest and largest value by interval analysis; None where it is not known.
        events: Events that have a number that differs in this layer.
        values: Numbers that differ.
        max_difference_lsb: Largest difference, in units of the result's last bit.
        examples: The first few.
        change: What mends it.
    """

    layer: str
    kind: str
    cause: Cause
    where: str
    detail: str
    number_format: str | None
    needed: str | None
    seen: tuple[float, float] | None
    allowed: tuple[float, float] | None
    events: int
    values: int
    max_difference_lsb: float
    examples: tuple[Example, ...]
    change: Change


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes:
        reference: Name of the engine that is held to be right.
        engine: Name of the other.
        events: Events looked at.
        differing_events: Events with an output that differs.
        findings: The first layer that differs, then those behind it that would differ by themselves, with the other
            engine's inputs taken for right.
    """

    reference: str
    engine: str
    events: int
    differing_events: int
    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding | None:
        """The first layer that differs; None if no layer that both show does."""
        return self.findings[0] if self.findings else None


@dataclass(frozen=True)
class Setup:
    """What the configuration says that bears on number formats.

    Attributes:
        overrides: Number formats that the user set, by layer and role.
        inferred: Whether hls4ml chose the others by itself.
        declared: Number formats that the model's quantizers say, by layer.
    """

    overrides: dict[str, dict[str, str]]
    inferred: bool
    declared: dict[str, FixedPoint]


_EXAMPLES = 5


def explain(
    reference: Engine,
    engine: Engine,
    graph: Graph,
    events: Events,
    *,
    exact: Graph | None,
    setup: Setup,
) -> Diagnosis:
    """Find the first layer at which two engines part, and why; then the layers behind it that err by themselves.

    Args:
        reference: The engine that is held to be right; its traces are exact real numbers.
        engine: The other engine, which runs `graph`.
        graph: The graph, with the number formats in question.
        events: Events that differ, [events, ...]; some hundred are enough.
        exact: The same network converted with exact number formats; None where it is not known.
        setup: What the configuration says.
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


@dataclass(frozen=True)
class _Case:
    """A layer, with what it was given and what came out.

    Attributes:
        layer: The layer.
        counterpart: The same layer with exact number formats; None if there is none.
        exact: What its constants give from its inputs, before its cast; None if that is not known.
        wanted: What the model gives from the same inputs, rounded where the model rounds.
        found: What the engine has.
        setup: What the configuration says.
    """

    layer: Layer
    counterpart: Layer | None
    exact: Values | None
    wanted: Values
    found: Values
    setup: Setup

    @property
    def rounding(self) -> FixedPoint | None:
        """The model's own cast; None if it is not known."""
        if self.counterpart is not None:
            return self.counterpart.result
        return self.setup.declared.get(self.layer.name)


def _case(
    graph: Graph,
    layer: Layer,
    exact_graph: Graph | None,
    expected: dict[str, Values],
    found: dict[str, Values],
    setup: Setup,
) -> _Case | None:
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
    return _Case(layer, counterpart, exact, wanted, found[layer.name], setup)


_EVENTS = "events of "


def _counterpart(layer: Layer, exact_graph: Graph | None) -> Layer | None:
    known = {} if exact_graph is None else {other.name: other for other in exact_graph.layers}
    other = known.get(layer.name)
    return other if other is not None and (other.kind, other.shape) == (layer.kind, layer.shape) else None


def _possible(graph: Graph, layer: Layer, inputs: list[Values]) -> bool:
    """Tell whether a layer's inputs are numbers that the exact network has there, too."""
    formats = [graph[name].result for name in layer.inputs]
    return all(np.array_equal(arithmetic.stored(x, one), x) for x, one in zip(inputs, formats, strict=False))


def _exact(graph: Graph, layer: Layer, inputs: list[Values]) -> Values | None:
    try:
        return arithmetic.exact(graph, layer, inputs)
    except (ConversionError, ValueError):
        # A kind that is not known, or a table for values of another number format.
        return None


def _finding(case: _Case, allowed: LayerRange | None) -> Finding | None:
    """Name the cause at a layer; None if it does what the model says with the inputs that it was given."""
    layer = case.layer
    differing = case.wanted != case.found
    if not differing.any():
        return None
    blame = _blame(case)
    by_event = differing.reshape(len(differing), -1).any(axis=1)
    return Finding(
        layer=layer.name,
        kind=layer.kind,
        cause=blame.cause,
        where=blame.where,
        detail=blame.detail,
        number_format=None if blame.number_format is None else str(blame.number_format),
        needed=None if blame.needed is None else str(blame.needed),
        seen=None if case.exact is None else (float(case.exact.min()), float(case.exact.max())),
        allowed=None if allowed is None else (allowed.exact.min, allowed.exact.max),
        events=int(by_event.sum()),
        values=int(differing.sum()),
        max_difference_lsb=float(np.abs(case.wanted - case.found).max() / layer.result.lsb),
        examples=tuple(_examples(case, differing)),
        change=_change(layer, blame.where, case.setup),
    )


def _examples(case: _Case, differing: npt.NDArray[np.bool_]) -> Iterator[Example]:
    for index in np.argwhere(differing)[:_EXAMPLES]:
        place = tuple(int(n) for n in index)
        yield Example(
            event=place[0],
            position=place[1:],
            exact=None if case.exact is None else float(case.exact[place]),
            expected=float(case.wanted[place]),
            found=float(case.found[place]),
        )


@dataclass(frozen=True)
class _Blame:
    """A cause, with the number format that is to blame and the one that would do."""

    cause: Cause
    where: str
    detail: str
    number_format: FixedPoint | None
    needed: FixedPoint | None = None


def _blame(case: _Case) -> _Blame:
    layer = case.layer
    if case.exact is None:
        cause: Cause = "table approximation" if layer.kind in _TABLES else "unknown"
        detail = f"hls4ml takes the values of its {layer.kind} from a table, as {layer.result}"
        return _Blame(cause, layer.kind, detail, layer.result)
    return _weights(case) or _accumulator(case, case.exact) or _result(case, case.exact)


def _weights(case: _Case) -> _Blame | None:
    """Tell whether constants are not those of the model."""
    if case.counterpart is None:
        return None
    for role, weights in case.layer.weights.items():
        model = case.counterpart.weights.get(role)
        if model is None or model.integers.size != weights.integers.size:
            continue
        if not np.array_equal(weights.values.ravel(), model.values.ravel()):
            detail = f"the {role} of the model, {model.format}, does not fit {weights.format}"
            return _Blame("weights rounded", role, detail, weights.format, model.format)
    return None


def _accumulator(case: _Case, exact: Values) -> _Blame | None:
    """Tell whether sums lost bits: the exact sum, cast once, is not what came out."""
    layer, accumulator = case.layer, case.layer.accumulator
    if accumulator is None or np.array_equal(arithmetic.stored(exact, layer.result), case.found):
        return None
    needed = case.counterpart.accumulator if case.counterpart is not None else None
    low, high = float(exact.min()), float(exact.max())
    if low < accumulator.min or high > accumulator.max:
        detail = f"sums from {low:g} to {high:g} do not fit the accumulator {accumulator}"
        return _Blame(_overflow(accumulator), "accum", detail, accumulator, needed)
    detail = f"products lose bits when they are added in the accumulator {accumulator}"
    return _Blame("lost fraction bits", "accum", detail, accumulator, needed)


def _overflow(number_format: FixedPoint) -> Cause:
    return "overflow by wrap" if number_format.overflow.startswith("WRAP") else "saturation"


def _result(case: _Case, exact: Values) -> _Blame:
    """Say what the cast to the result's number format does otherwise than the model."""
    result, rounding = case.layer.result, case.rounding
    if case.setup.inferred and (result.width, result.integer) == _DEFAULT:
        detail = f"hls4ml left it at its default {result}"
        return _Blame("number format left at its default", "result", detail, result, rounding)
    outside = (exact < result.min) | (exact > result.max)
    if (outside & (case.wanted != case.found)).any():
        detail = f"values from {float(exact.min()):g} to {float(exact.max()):g} do not fit {result}"
        return _Blame(_overflow(result), "result", detail, result, rounding)
    if rounding is not None and result.fraction > rounding.fraction:
        detail = f"the model rounds to {rounding} here; hls4ml dropped that and keeps {result}"
        return _Blame("dropped layer", "result", detail, result, rounding)
    if rounding is not None and rounding.fraction == result.fraction and rounding.rounding != result.rounding:
        detail = f"the model rounds by {rounding.rounding}, {result} by {result.rounding}"
        return _Blame("rounding mode", "result", detail, result, rounding)
    detail = f"{result} has {max(result.fraction, 0)} fraction bits, too few for what comes"
    return _Blame("lost fraction bits", "result", detail, result, rounding)


def _change(layer: Layer, where: str, setup: Setup) -> Change:
    """The option to change: away with what the user set, or with hls4ml's own choice."""
    if where in setup.overrides.get(layer.name, {}):
        return Change(f"hls.layers.{layer.name}.precision.{where}", None)
    return Change("hls.number_formats", "exact")

"""The cause of a difference at one layer: which of its number formats is to blame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph import arithmetic
from trigcnn.hls.graph.arithmetic import Values
from trigcnn.hls.graph.graph import Layer
from trigcnn.pipeline.results.diagnosis import Cause

# Kinds of hls4ml that take their values from a table over a range that does not depend on the input's format.
_TABLES = ("Softmax", "Sigmoid", "HardActivation", "ELU", "SeLU", "Activation", "ParametrizedActivation", "TernaryTanh")
_DEFAULT = (16, 6)


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


@dataclass(frozen=True)
class Case:
    """A layer with its inputs and results.

    Attributes:
        layer: The layer.
        counterpart: The same layer with exact number formats; None if there is none.
        exact: What its constants give from its inputs, before its cast; None if that is not known.
        wanted: What the model gives from the same inputs, rounded where the model rounds.
        found: What the engine has.
        setup: The configuration's number formats.
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


@dataclass(frozen=True)
class Blame:
    """A cause, with the number format to blame and the one that suffices."""

    cause: Cause
    where: str
    detail: str
    number_format: FixedPoint | None
    needed: FixedPoint | None = None


def blame(case: Case) -> Blame:
    """Name the cause: the first of weights, accumulator and result that explains the difference."""
    layer = case.layer
    if case.exact is None:
        cause: Cause = "table approximation" if layer.kind in _TABLES else "unknown"
        detail = f"hls4ml takes the values of its {layer.kind} from a table, as {layer.result}"
        return Blame(cause, layer.kind, detail, layer.result)
    return _weights(case) or _accumulator(case, case.exact) or _result(case, case.exact)


def _weights(case: Case) -> Blame | None:
    """Return whether constants are not those of the model."""
    if case.counterpart is None:
        return None
    for role, weights in case.layer.weights.items():
        model = case.counterpart.weights.get(role)
        if model is None or model.integers.size != weights.integers.size:
            continue
        if not np.array_equal(weights.values.ravel(), model.values.ravel()):
            detail = f"the {role} of the model, {model.format}, does not fit {weights.format}"
            return Blame("weights rounded", role, detail, weights.format, model.format)
    return None


def _accumulator(case: Case, exact: Values) -> Blame | None:
    """Return whether sums lost bits: the exact sum, cast once, is not what came out."""
    layer, accumulator = case.layer, case.layer.accumulator
    if accumulator is None or np.array_equal(arithmetic.stored(exact, layer.result), case.found):
        return None
    needed = case.counterpart.accumulator if case.counterpart is not None else None
    low, high = float(exact.min()), float(exact.max())
    if low < accumulator.min or high > accumulator.max:
        detail = f"sums from {low:g} to {high:g} do not fit the accumulator {accumulator}"
        return Blame(_overflow(accumulator), "accum", detail, accumulator, needed)
    detail = f"products lose bits when they are added in the accumulator {accumulator}"
    return Blame("lost fraction bits", "accum", detail, accumulator, needed)


def _overflow(number_format: FixedPoint) -> Cause:
    return "overflow by wrap" if number_format.overflow.startswith("WRAP") else "saturation"


def _result(case: Case, exact: Values) -> Blame:
    """Say what the cast to the result's number format does otherwise than the model."""
    result, rounding = case.layer.result, case.rounding
    if case.setup.inferred and (result.width, result.integer) == _DEFAULT:
        detail = f"hls4ml left it at its default {result}"
        return Blame("number format left at its default", "result", detail, result, rounding)
    outside = (exact < result.min) | (exact > result.max)
    if (outside & (case.wanted != case.found)).any():
        detail = f"values from {float(exact.min()):g} to {float(exact.max()):g} do not fit {result}"
        return Blame(_overflow(result), "result", detail, result, rounding)
    if rounding is not None and result.fraction > rounding.fraction:
        detail = f"the model rounds to {rounding} here; hls4ml dropped that and keeps {result}"
        return Blame("dropped layer", "result", detail, result, rounding)
    if rounding is not None and rounding.fraction == result.fraction and rounding.rounding != result.rounding:
        detail = f"the model rounds by {rounding.rounding}, {result} by {result.rounding}"
        return Blame("rounding mode", "result", detail, result, rounding)
    detail = f"{result} has {max(result.fraction, 0)} fraction bits, too few for what comes"
    return Blame("lost fraction bits", "result", detail, result, rounding)

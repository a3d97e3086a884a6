"""How far float32 can be from the normal form: a bound for every value, computed with the values themselves.

Keras computes the model in float32. A sum of n products in any order is wrong by at most
`gamma(n) * sum(|weight| * |x|)` with `gamma(n) = n * u / (1 - n * u)` and `u = 2**-24` (Higham, Accuracy and Stability
of Numerical Algorithms, 2nd edition, section 3.1); and by nothing where all partial sums are whole numbers of at most
24 bits, in units of a common last bit. A quantizer behind a value that is wrong by up to `e` gives what it gives at
`x - e`, at `x + e`, or something between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trigcnn.hls.graph.intervals import LayerRange
from trigcnn.hls.graph.kinds import WEIGHTED
from trigcnn.hls.graph.ranges import Range
from trigcnn.hls.rewriting.constants import FLOAT32_BITS
from trigcnn.hls.rewriting.ranges import inputs_of
from trigcnn.hls.rewriting.rewrite import NormalForm

Reals = npt.NDArray[np.float64]

UNIT = 2.0**-FLOAT32_BITS
"""Largest relative error of one operation in float32."""

_MORE_OPERATIONS = 8
"""Roundings besides those of the sum: a bias, a division, a factor."""

_NORMALIZATION_OPERATIONS = 16
"""Roundings of a batch normalization; a reciprocal square root counts for several."""


class Value(NamedTuple):
    """A tensor of the normal form, and how far that of the model can be from it; None if it is equal.

    Attributes:
        exact: [events, ...].
        error: Same shape, not negative.
    """

    exact: Reals
    error: Reals | None


@dataclass(frozen=True)
class Rounding:
    """The rules for the layers of a normal form.

    Attributes:
        normal: The normal form.
        ranges: Ranges of its layers, by name.
    """

    normal: NormalForm
    ranges: dict[str, LayerRange]

    def apply(self, layer: Any, inputs: Sequence[Value]) -> Value:
        """Return the result of a layer of the normal form."""
        exact = _called(layer, [x.exact for x in inputs])
        kind = type(layer).__name__
        if kind in WEIGHTED:
            error = self._weighted(layer, inputs[0])
        elif kind == "ScaleShift":
            error = self._scaled(layer, inputs[0])
        elif kind == "Quantize":
            error = self._quantized(layer, inputs[0], exact)
        elif kind == "Divide":
            error = _divided(layer, inputs[0], exact)
        elif "AveragePooling" in kind:
            error = self._mean(layer, inputs[0])
        elif kind in _ELEMENTWISE:
            error = self._merged(layer, inputs)
        elif kind.startswith(_MOVES):
            error = _moved(layer, inputs)
        else:
            raise TypeError(f"layer {layer.name}: how far float32 is off in a {kind} is not known")
        return Value(exact, error if error is not None and error.any() else None)

    def _given(self, layer: Any) -> list[Range]:
        """Return the ranges of what feeds a layer."""
        return [self.ranges[x.node.layer.name].result for x in inputs_of(layer)]

    def _weighted(self, layer: Any, x: Value) -> Reals | None:
        kernel, *bias = layer.get_weights()
        divided = layer.name in self.normal.divided
        rounded = self.normal.bias_errors.get(layer.name)
        sums = self.ranges[layer.name].sums
        narrow = sums is not None and sums.magnitude <= 1 << FLOAT32_BITS
        if narrow and x.error is None and rounded is None and not divided:
            return None
        absolute = _absolute(layer)
        terms = int(np.prod(kernel.shape[:-2] if type(layer).__name__.startswith("Depthwise") else kernel.shape[:-1]))
        total = absolute(np.abs(x.exact) if x.error is None else np.abs(x.exact) + x.error)
        carried = np.zeros_like(total)
        if x.error is not None:
            carried = absolute(x.error) - (np.abs(bias[0]) if bias else 0.0)
        fraction = None if divided or sums is None else sums.fraction
        error = carried + _rounded(_gamma(terms + _MORE_OPERATIONS) * total, total, fraction, carried)
        return error if rounded is None else np.asarray(error + rounded)

    def _scaled(self, layer: Any, x: Value) -> Reals:
        constants = layer.constants
        magnitude = np.abs(x.exact) if x.error is None else np.abs(x.exact) + x.error
        carried = 0.0 if x.error is None else x.error * np.abs(constants.scale)
        total = magnitude * np.abs(constants.scale) + constants.magnitude
        error = _rounded(_gamma(_NORMALIZATION_OPERATIONS) * total, total, constants.term_fraction, carried)
        return np.asarray(carried + error + magnitude * constants.scale_error + constants.shift_error)

    def _quantized(self, layer: Any, x: Value, exact: Reals) -> Reals | None:
        if layer.role == "table":
            if x.error is None:
                return None
            # Any entry of the table.
            values = self.ranges[layer.name].result
            return np.where(x.error > 0, values.max - values.min, 0.0)
        error = np.zeros_like(exact)
        x = self._after_detour(layer, x)
        if x.error is not None:
            low, high = (_called(layer, [x.exact + sign * x.error]) for sign in (-1, 1))
            error = np.maximum(high - exact, exact - low)
        if layer.role == "grid":
            return np.asarray(error + layer.number_format.lsb / 2)
        if layer.number_format is None:
            return error
        # QKeras computes x + (quantized - x), which is not exact where the last bit of x is above that of the result.
        reach = np.abs(x.exact) if x.error is None else np.abs(x.exact) + x.error
        far = reach >= layer.number_format.lsb / UNIT
        return np.asarray(error + np.where(far, _gamma(4) * reach, 0.0))

    def _after_detour(self, layer: Any, x: Value) -> Value:
        """Return an argument as float32 has it when something was added to it and subtracted again."""
        if not layer.detour:
            return x
        (given,) = self._given(layer)
        carried = np.zeros_like(x.exact) if x.error is None else x.error
        total = np.abs(x.exact) + carried + layer.detour
        # The sum is half as large as the result, and one bit finer.
        return Value(x.exact, carried + _rounded(_gamma(4) * total, total, given.fraction + 1, carried))

    def _mean(self, layer: Any, x: Value) -> Reals | None:
        (given,) = self._given(layer)
        window = getattr(layer, "pool_size", None) or layer.input.shape[1:-1]
        count = int(np.prod(window))
        if x.error is None and given.magnitude * count <= 1 << FLOAT32_BITS:
            return None
        carried = np.zeros((1,)) if x.error is None else _called(layer, [x.error])
        total = _called(layer, [np.abs(x.exact) if x.error is None else np.abs(x.exact) + x.error])
        bits = (count - 1).bit_length()
        return np.asarray(carried + _rounded(_gamma(count + 2) * total, total, given.fraction + bits, carried))

    def _merged(self, layer: Any, inputs: Sequence[Value]) -> Reals | None:
        (a, b), (first, second) = inputs, self._given(layer)
        a_error, b_error = (np.zeros(1) if x.error is None else x.error for x in (a, b))
        a_size, b_size = np.abs(a.exact) + a_error, np.abs(b.exact) + b_error
        if type(layer).__name__ == "Multiply":
            total, fraction = a_size * b_size, first.fraction + second.fraction
            carried = a_size * b_error + b_size * a_error
        else:
            total, fraction = a_size + b_size, max(first.fraction, second.fraction)
            carried = a_error + b_error
        return np.asarray(carried + _rounded(_gamma(2) * total, total, fraction, carried))


_MOVES = (
    "MaxPooling", "GlobalMaxPooling", "ZeroPadding", "UpSampling", "Flatten", "Reshape", "Permute", "Concatenate",
    "Maximum", "Minimum",
)  # fmt: skip
"""Layers that move values, or take the largest: no value is further off than the one that is furthest."""

_ELEMENTWISE = ("Add", "Subtract", "Multiply")


def _divided(layer: Any, x: Value, exact: Reals) -> Reals:
    """Only the normal form rounds a quotient to a grid; float32 holds the nearest number to it."""
    quotient = x.exact / layer.divisor
    carried = 0.0 if x.error is None else (1 + _gamma(2)) * x.error / layer.divisor
    return np.asarray(np.abs(quotient.astype(np.float32) - exact) + carried)


def _gamma(operations: int) -> float:
    return operations * UNIT / (1 - operations * UNIT)


def _rounded(error: Reals, total: Reals, fraction: int | None, carried: Any) -> Reals:
    """Return the error of a sum: none where no term is wrong and 24 bits hold every partial sum.

    Args:
        error: What it is otherwise.
        total: Sum of the magnitudes of the terms.
        fraction: Bits right of the binary point of all terms; None if they have more than float32 holds.
        carried: Error that the terms bring along.
    """
    if fraction is None:
        return error
    fits = (total <= 2.0 ** (FLOAT32_BITS - fraction)) & (np.asarray(carried) == 0)
    return np.where(fits, 0.0, error)


def _moved(layer: Any, inputs: Sequence[Value]) -> Reals | None:
    if all(x.error is None for x in inputs):
        return None
    errors = [np.zeros_like(x.exact) if x.error is None else x.error for x in inputs]
    if type(layer).__name__ in ("Maximum", "Minimum"):
        return np.asarray(np.maximum(*np.broadcast_arrays(*errors)))
    return _called(layer, errors)


def _called(layer: Any, values: Sequence[Reals]) -> Reals:
    return np.asarray(layer(list(values) if len(values) > 1 else values[0]), np.float64)


def _absolute(layer: Any) -> Callable[[Reals], Reals]:
    """Return the same layer with the magnitudes of its weights."""
    clone = type(layer).from_config(layer.get_config())
    clone.build(layer.input.shape)
    clone.set_weights([np.abs(values) for values in layer.get_weights()])
    return lambda values: _called(clone, [values])

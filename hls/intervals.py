"""Interval analysis: the values that each layer of a fixed-point graph can take, proved from its input's format.

Ranges are kept per channel (the last axis) in Python integers, so that nothing overflows however wide it gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ConversionError
from hls.fixed_point import FixedPoint
from hls.graph import Graph, Layer, Weights

Integers = npt.NDArray[Any]
"""Python integers, as an array of objects."""


@dataclass(frozen=True)
class Range:
    """Values of a tensor, by channel: multiples of `2**-fraction` from `low` to `high`.

    Attributes:
        low: Smallest value of each channel, [channels], in units of `2**-fraction`.
        high: Largest value of each channel, [channels].
        fraction: Bits right of the binary point.
    """

    low: Integers
    high: Integers
    fraction: int

    @classmethod
    def of(cls, number_format: FixedPoint, channels: int) -> Range:
        """All values of a number format."""
        return cls(
            _full(channels, number_format.min_integer),
            _full(channels, number_format.max_integer),
            number_format.fraction,
        )

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.low)

    @property
    def min(self) -> float:
        """Smallest value of all channels."""
        return float(min(self.low)) * 2.0**-self.fraction

    @property
    def max(self) -> float:
        """Largest value of all channels."""
        return float(max(self.high)) * 2.0**-self.fraction

    def with_fraction(self, fraction: int) -> Range:
        """The same values in finer units."""
        shift = fraction - self.fraction
        return Range(self.low * (1 << shift), self.high * (1 << shift), fraction)

    def shifted(self, bits: int) -> Range:
        """All values times `2**bits`."""
        return Range(self.low, self.high, self.fraction - bits)

    def joined(self) -> Range:
        """One channel that covers all."""
        return Range(_full(1, min(self.low)), _full(1, max(self.high)), self.fraction)

    def spread(self, channels: int) -> Range:
        """The channels again and again, as flattening an image does."""
        if channels % self.channels:
            return self.joined().spread(channels)
        times = channels // self.channels
        return Range(np.tile(self.low, times), np.tile(self.high, times), self.fraction)

    def with_zero(self) -> Range:
        """The range widened to hold zero, as padding does."""
        return Range(np.minimum(self.low, 0), np.maximum(self.high, 0), self.fraction)

    def hull(self, other: Range) -> Range:
        """The range that holds both."""
        a, b = common(self, other)
        return Range(np.minimum(a.low, b.low), np.maximum(a.high, b.high), a.fraction)

    def fits(self, number_format: FixedPoint) -> bool:
        """Tell whether every value is a value of the format."""
        if number_format.fraction < self.fraction:
            return False
        fine = self.with_fraction(number_format.fraction)
        return bool(min(fine.low) >= number_format.min_integer and max(fine.high) <= number_format.max_integer)

    def format(self) -> FixedPoint:
        """Give the smallest number format that holds every value.

        Raises:
            ValueError: It has more than 63 bits.
        """
        low, high = min(self.low), max(self.high)
        signed = low < 0
        bits = max(int(high).bit_length(), int(-low - 1).bit_length() if signed else 0)
        width = max(bits + int(signed), 1)
        return FixedPoint(signed, width, width - self.fraction)

    def through(self, number_format: FixedPoint) -> Range:
        """Give the range after a cast."""
        if self.fits(number_format):
            return self
        low = _rounded(self.low, self.fraction, number_format)
        high = _rounded(self.high, self.fraction, number_format)
        first, last = number_format.min_integer, number_format.max_integer
        inside = (low >= first) & (high <= last)
        match number_format.overflow:
            case "SAT" | "SAT_SYM":
                if number_format.overflow == "SAT_SYM" and number_format.signed:
                    first = -last
                low, high = np.clip(low, first, last), np.clip(high, first, last)
            case "SAT_ZERO":
                low = np.where(inside, low, np.maximum(np.minimum(low, 0), first))
                high = np.where(inside, high, np.minimum(np.maximum(high, 0), last))
            case _:
                low, high = np.where(inside, low, first), np.where(inside, high, last)
        return Range(low.astype(object), high.astype(object), number_format.fraction)


def _rounded(integers: Integers, fraction: int, number_format: FixedPoint) -> Integers:
    """Round as a cast does, and leave the range as it is."""
    dropped = fraction - number_format.fraction
    if dropped <= 0:
        return integers * (1 << -dropped)
    largest = max(abs(int(value)) for value in integers)
    # Wide enough for every value, so that nothing overflows.
    width = max((largest >> dropped).bit_length() + 3, 2)
    whole = FixedPoint(True, min(width, 63), min(width, 63) - number_format.fraction, number_format.rounding, "SAT")
    return whole.cast_integers(integers, fraction).astype(object)


def common(a: Range, b: Range) -> tuple[Range, Range]:
    """Bring two ranges to the same units."""
    fraction = max(a.fraction, b.fraction)
    return a.with_fraction(fraction), b.with_fraction(fraction)


@dataclass(frozen=True)
class LayerRange:
    """What a layer can compute.

    Attributes:
        exact: Its result before the cast.
        result: Its result.
        sums: Every partial sum on the way, whatever the order; None where nothing is summed.
    """

    exact: Range
    result: Range
    sums: Range | None = None


def analyse(graph: Graph) -> dict[str, LayerRange]:
    """Give the ranges of every layer, by name.

    The input may take every value of its number format.

    Raises:
        ConversionError: A kind of layer is not known.
    """
    found: dict[str, LayerRange] = {}
    for layer in graph.layers:
        found[layer.name] = layer_range(layer, [(found[name].result, graph[name].shape) for name in layer.inputs])
    return found


def layer_range(layer: Layer, inputs: list[tuple[Range, tuple[int, ...]]]) -> LayerRange:
    """Give the ranges of one layer, from the ranges and shapes of its inputs."""
    exact, sums = exact_range(layer, inputs)
    accumulated = exact
    if sums is not None and layer.accumulator is not None and not sums.fits(layer.accumulator):
        # Lost bits of the products, or sums that wrap: all that the accumulator can hold.
        accumulated = Range.of(layer.accumulator, exact.channels)
    return LayerRange(exact, accumulated.through(layer.result), sums)


def exact_range(layer: Layer, inputs: list[tuple[Range, tuple[int, ...]]]) -> tuple[Range, Range | None]:
    """Give the range of a layer's result before the cast, and of its partial sums.

    Raises:
        ConversionError: The kind of layer is not known.
    """
    if layer.kind == "Input":
        whole = Range.of(layer.result, layer.shape[-1])
        return whole, None
    try:
        rule = _RULES[layer.kind]
    except KeyError:
        raise ConversionError(f"layer {layer.name}: the values of a {layer.kind} are not known") from None
    return rule(layer, inputs)


_Inputs = list[tuple[Range, tuple[int, ...]]]
_Answer = tuple[Range, Range | None]


def _activation(layer: Layer, inputs: _Inputs) -> _Answer:
    ((x, _),) = inputs
    if layer.attributes["activation"] == "relu":
        return Range(np.maximum(x.low, 0), np.maximum(x.high, 0), x.fraction), None
    return x, None


def _table(layer: Layer, inputs: _Inputs) -> _Answer:
    table = layer.weights["table"]
    low, high = int(table.integers.min()), int(table.integers.max())
    channels = layer.shape[-1]
    return Range(_full(channels, low), _full(channels, high), table.format.fraction), None


def _dense(layer: Layer, inputs: _Inputs) -> _Answer:
    ((x, shape),) = inputs
    return _dot(layer, x.spread(shape[-1]), layer.weights["weight"].integers)


def _convolution(layer: Layer, inputs: _Inputs) -> _Answer:
    ((x, _),) = inputs
    kernel = layer.weights["weight"].integers
    taps = int(np.prod(kernel.shape[:-2]))
    x = _padded(layer, x)
    return _dot(layer, x.spread(taps * x.channels), kernel.reshape(-1, kernel.shape[-1]))


def _depthwise(layer: Layer, inputs: _Inputs) -> _Answer:
    ((x, _),) = inputs
    kernel = layer.weights["weight"].integers
    x = _padded(layer, x)
    # One column per channel, whose other taps are zero.
    taps = kernel.reshape(-1, kernel.shape[-2]).astype(object)
    low = np.minimum(taps * x.low, taps * x.high)
    high = np.maximum(taps * x.low, taps * x.high)
    return _sum(layer, low, high, x.fraction)


def _padded(layer: Layer, x: Range) -> Range:
    sides = [int(value) for name, value in layer.attributes.items() if name.startswith("pad_")]  # type: ignore[arg-type]
    return x.with_zero() if any(sides) else x


def _dot(layer: Layer, x: Range, kernel: Integers) -> _Answer:
    weights = kernel.astype(object)
    a, b = weights * x.low[:, None], weights * x.high[:, None]
    return _sum(layer, np.minimum(a, b), np.maximum(a, b), x.fraction)


def _sum(layer: Layer, low: Integers, high: Integers, fraction: int) -> _Answer:
    """Sum products, [terms, channels], and the bias."""
    weight_fraction = layer.weights["weight"].format.fraction
    products = Range(low.sum(axis=0), high.sum(axis=0), fraction + weight_fraction)
    # A partial sum may hold the terms of one sign only.
    partial = Range(np.minimum(low, 0).sum(axis=0), np.maximum(high, 0).sum(axis=0), fraction + weight_fraction)
    bias = constant(layer.weights["bias"])
    return _add(products, bias), _add(partial, bias).hull(_add(partial, zero(bias.channels)))


def constant(weights: Weights) -> Range:
    """The range of constants, one per channel."""
    values = weights.integers.reshape(-1).astype(object)
    return Range(values, values, weights.format.fraction)


def zero(channels: int) -> Range:
    """Nothing but zero."""
    return Range(_full(channels, 0), _full(channels, 0), 0)


def _add(a: Range, b: Range) -> Range:
    a, b = common(a, b)
    return Range(a.low + b.low, a.high + b.high, a.fraction)


def _multiply(a: Range, b: Range) -> Range:
    corners = np.stack([a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high])
    return Range(corners.min(axis=0), corners.max(axis=0), a.fraction + b.fraction)


def _normalization(layer: Layer, inputs: _Inputs) -> _Answer:
    ((x, _),) = inputs
    scale, bias = constant(layer.weights["scale"]), constant(layer.weights["bias"])
    return _add(_multiply(x, scale.spread(x.channels)), bias.spread(x.channels)), None


def _merge(layer: Layer, inputs: _Inputs) -> _Answer:
    (first, _), (second, _) = inputs
    a, b = common(first, second)
    match layer.attributes["op"]:
        case "add":
            return _add(a, b), None
        case "subtract":
            return Range(a.low - b.high, a.high - b.low, a.fraction), None
        case "multiply":
            return _multiply(first, second), None
        case "maximum":
            return Range(np.maximum(a.low, b.low), np.maximum(a.high, b.high), a.fraction), None
        case "minimum":
            return Range(np.minimum(a.low, b.low), np.minimum(a.high, b.high), a.fraction), None
    raise ConversionError(f"layer {layer.name}: the values of the merge {layer.attributes['op']} are not known")


def _concatenate(layer: Layer, inputs: _Inputs) -> _Answer:
    (first, shape), (second, _) = inputs
    a, b = common(first, second)
    if layer.attributes["axis"] == len(shape) - 1:
        return Range(np.concatenate([a.low, b.low]), np.concatenate([a.high, b.high]), a.fraction), None
    return a.hull(b), None


def _pooling(layer: Layer, inputs: _Inputs) -> _Answer:
    ((x, shape),) = inputs
    if layer.attributes["pool_op"] == "Max":
        # hls4ml's streaming pooling hands the maximum through its accumulator.
        return x, x
    if layer.kind.startswith("Global"):
        count = int(np.prod(shape[:-1]))
    else:
        axes = ("width",) if layer.kind == "Pooling1D" else ("height", "width")
        count = int(np.prod([layer.integer(f"pool_{axis}") for axis in axes]))
    bits = (count - 1).bit_length()
    fine = x.with_fraction(x.fraction + bits)
    sums = x.with_zero()
    total = Range(sums.low * count, sums.high * count, sums.fraction).with_fraction(fine.fraction)
    return fine, total.hull(fine)


def _zero_padding(layer: Layer, inputs: _Inputs) -> _Answer:
    ((x, _),) = inputs
    return _padded(layer, x), None


def _same(layer: Layer, inputs: _Inputs) -> _Answer:
    ((x, _),) = inputs
    return x, None


def _transpose(layer: Layer, inputs: _Inputs) -> _Answer:
    ((x, shape),) = inputs
    perm = layer.attributes["perm"]
    if isinstance(perm, tuple) and perm[-1] == len(shape) - 1:
        return x, None
    return x.joined().spread(layer.shape[-1]), None


def _reshape(layer: Layer, inputs: _Inputs) -> _Answer:
    ((x, shape),) = inputs
    if layer.shape[-1] == shape[-1]:
        return x, None
    return x.spread(layer.shape[-1]), None


_RULES: Mapping[str, Callable[[Layer, _Inputs], _Answer]] = {
    "Activation": _activation,
    "UnaryLUT": _table,
    "Dense": _dense,
    "Conv1D": _convolution,
    "Conv2D": _convolution,
    "DepthwiseConv1D": _depthwise,
    "DepthwiseConv2D": _depthwise,
    "BatchNormalization": _normalization,
    "Merge": _merge,
    "Concatenate": _concatenate,
    "Pooling1D": _pooling,
    "Pooling2D": _pooling,
    "GlobalPooling1D": _pooling,
    "GlobalPooling2D": _pooling,
    "ZeroPadding1D": _zero_padding,
    "ZeroPadding2D": _zero_padding,
    "Resize": _same,
    "Transpose": _transpose,
    "Reshape": _reshape,
}


def _full(channels: int, value: int) -> Integers:
    array = np.empty(channels, dtype=object)
    array[:] = value
    return array

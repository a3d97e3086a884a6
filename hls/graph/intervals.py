"""Interval analysis: bounds on the values of each layer of a fixed-point graph, for every input of the input's format.

Ranges are kept per channel (the last axis) in Python integers, which never overflow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph, Layer, Weights
from trigcnn.hls.graph.ranges import Integers, Range, common, constant, join


@dataclass(frozen=True)
class LayerRange:
    """The values that a layer can take.

    Attributes:
        exact: Its result before the cast.
        result: Its result.
        sums: Every partial sum on the way, whatever the order; None where nothing is summed.
    """

    exact: Range
    result: Range
    sums: Range | None = None


def analyse(graph: Graph) -> dict[str, LayerRange]:
    """Return the ranges of every layer, by name.

    The input may take every value of its number format.

    Raises:
        ConversionError: A kind of layer is not known.
    """
    found: dict[str, LayerRange] = {}
    for layer in graph.layers:
        found[layer.name] = layer_range(layer, [(found[name].result, graph[name].shape) for name in layer.inputs])
    return found


def layer_range(layer: Layer, inputs: list[tuple[Range, tuple[int, ...]]]) -> LayerRange:
    """Return the ranges of one layer, from the ranges and shapes of its inputs."""
    exact, sums = exact_range(layer, inputs)
    accumulated = exact
    if sums is not None and layer.accumulator is not None and not sums.fits(layer.accumulator):
        # Products lose bits, or sums wrap: every value that the accumulator can hold.
        accumulated = Range.of(layer.accumulator, exact.channels)
    return LayerRange(exact, accumulated.through(layer.result), sums)


def exact_range(layer: Layer, inputs: list[tuple[Range, tuple[int, ...]]]) -> tuple[Range, Range | None]:
    """Return the range of a layer's result before the cast, and of its partial sums.

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
    return Range(constant(channels, low), constant(channels, high), table.format.fraction), None


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
    bias = constants(layer.weights["bias"])
    return _add(products, bias), join([_add(partial, bias), _add(partial, zero(bias.channels))])


def constants(weights: Weights) -> Range:
    """The range of constants, one per channel."""
    values = weights.integers.reshape(-1).astype(object)
    return Range(values, values, weights.format.fraction)


def zero(channels: int) -> Range:
    """Return the range of zero alone."""
    return Range(constant(channels, 0), constant(channels, 0), 0)


def _add(a: Range, b: Range) -> Range:
    a, b = common(a, b)
    return Range(a.low + b.low, a.high + b.high, a.fraction)


def _multiply(a: Range, b: Range) -> Range:
    corners = np.stack([a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high])
    return Range(corners.min(axis=0), corners.max(axis=0), a.fraction + b.fraction)


def _normalization(layer: Layer, inputs: _Inputs) -> _Answer:
    ((x, _),) = inputs
    scale, bias = constants(layer.weights["scale"]), constants(layer.weights["bias"])
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
    return join([a, b]), None


def _pooling(layer: Layer, inputs: _Inputs) -> _Answer:
    ((x, shape),) = inputs
    if layer.attributes["pool_op"] == "Max":
        # hls4ml's streaming pooling passes the maximum through its accumulator. For Intel's tools, a global maximum
        # begins with the accumulator's sign bit set: the least number if it is signed, half of the range if not.
        begun = Range(np.minimum(x.low, -1), x.high, x.fraction) if layer.kind.startswith("Global") else x
        return x, begun
    if layer.kind.startswith("Global"):
        count = int(np.prod(shape[:-1]))
    else:
        axes = ("width",) if layer.kind == "Pooling1D" else ("height", "width")
        count = int(np.prod([layer.integer(f"pool_{axis}") for axis in axes]))
    bits = (count - 1).bit_length()
    fine = x.with_fraction(x.fraction + bits)
    sums = x.with_zero()
    total = Range(sums.low * count, sums.high * count, sums.fraction).with_fraction(fine.fraction)
    return fine, join([total, fine])


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

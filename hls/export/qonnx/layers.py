"""What each kind of layer is in ONNX, before its cast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.export.qonnx import casts
from trigcnn.hls.export.qonnx.exactness import SINGLE, bits, check_format, check_result, needs_double
from trigcnn.hls.export.qonnx.nodes import Nodes, Tensor, channels_first
from trigcnn.hls.graph.graph import Graph, Layer, Weights
from trigcnn.hls.graph.intervals import LayerRange, constants
from trigcnn.hls.graph.ranges import Range, common

# A correctly rounded quotient of such numbers is on the right side of every whole number and every half.
_MOST_QUOTIENT_BITS = 22
_MERGES = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "maximum": "Max", "minimum": "Min"}


def evaluate(
    nodes: Nodes, graph: Graph, layer: Layer, inputs: Sequence[Tensor], ranges: dict[str, LayerRange]
) -> Tensor:
    """Add the nodes of a layer, its cast included, and return its result.

    Args:
        nodes: Where the nodes go.
        graph: The layer's graph.
        layer: The layer.
        inputs: Results of the layers that feed it; for an input layer, the events.
        ranges: The ranges of all layers.

    Raises:
        ConversionError: QONNX has no such layer, number format or rounding that is exact; the message names the layer.
    """
    check_format(layer, layer.result)
    if layer.kind == "Input":
        return casts.cast_input(nodes, layer, inputs[0])
    own = ranges[layer.name]
    if layer.kind == "UnaryLUT":
        made = _table(nodes, layer, inputs[0], graph[layer.inputs[0]].result)
        return casts.cast(nodes, layer, made, own.exact, layer.result)
    if layer.kind not in _KINDS:
        raise ConversionError(f"layer {layer.name}: there is no QONNX for a layer of the kind {layer.kind}")
    arguments = list(inputs)
    if layer.kind not in _MOVING:
        possible = not ("Conv" in layer.kind or layer.kind.startswith("Pooling"))
        if needs_double(layer, _bits(layer, own), possible=possible):
            arguments = [nodes.widen(each) for each in inputs]
    divided = _divides(layer, inputs[0].shape, own)
    made, exact = _accumulated(nodes, layer, _KINDS[layer.kind](nodes, layer, arguments), own)
    return casts.cast(nodes, layer, made, exact, layer.result, divided=divided)


def _bits(layer: Layer, own: LayerRange) -> int:
    """Return the bits of the largest number on the way to a layer's cast."""
    needed = bits(own.exact if own.sums is None else own.sums)
    if layer.kind == "BatchNormalization":
        # The product may be larger than the sum.
        bias = common(own.exact, constants(layer.weights["bias"]))
        needed = sum(each.magnitude for each in bias).bit_length()
    # Half a unit may be added for the rounding.
    return needed + int(own.exact.fraction > layer.result.fraction)


def _accumulated(nodes: Nodes, layer: Layer, x: Tensor, own: LayerRange) -> tuple[Tensor, Range]:
    """Do what an accumulator does that does not hold every sum: one that only wraps may do so at the end."""
    to, sums = layer.accumulator, own.sums
    if to is None or sums is None or sums.fits(to) or layer.attributes.get("pool_op") == "Max":
        return x, own.exact
    if to.overflow != "WRAP" or sums.fraction > to.fraction or "pool_op" in layer.attributes:
        raise ConversionError(
            f"layer {layer.name}: its accumulator {to} does not hold every sum, and ONNX has no accumulators; give it "
            "more integer or fraction bits"
        )
    return casts.cast(nodes, layer, x, own.exact, to), own.exact.cast(to)


def _weights(nodes: Nodes, layer: Layer, weights: Weights, values: npt.NDArray[np.float64], x: Tensor) -> Tensor:
    """Return constants behind a quantizer, so that readers know their format, in the type of a tensor."""
    check_format(layer, weights.format)
    check_result(layer, constants(weights))
    plain = FixedPoint(weights.format.signed, weights.format.width, weights.format.integer)
    made = nodes.quant(Tensor(nodes.constant(values), values.shape, fixed=True), plain, "ROUND")
    return nodes.widen(made) if x.wide else made


def _plus(nodes: Nodes, layer: Layer, x: Tensor) -> Tensor:
    """Add the bias, which is by channel."""
    bias = layer.weights["bias"]
    if not bias.integers.any():
        return x
    return nodes.add("Add", [x, _by_channel(nodes, layer, bias, x)], x.shape)


def _by_channel(nodes: Nodes, layer: Layer, weights: Weights, x: Tensor) -> Tensor:
    values = np.resize(weights.values.reshape(-1), x.shape[0]).reshape(1, -1, *[1] * (len(x.shape) - 1))
    return _weights(nodes, layer, weights, values, x)


def _activation(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    return nodes.add("Relu", inputs, inputs[0].shape) if layer.attributes["activation"] == "relu" else inputs[0]


def _table(nodes: Nodes, layer: Layer, x: Tensor, stored: FixedPoint) -> Tensor:
    """Look values up: entries in the order of the values, counted from the least one."""
    from onnx import TensorProto

    if stored.width > SINGLE:
        raise ConversionError(f"layer {layer.name}: a table of {stored.width} bits; float32 holds {SINGLE}")
    table = layer.weights["table"]
    check_format(layer, table.format)
    check_result(layer, constants(table))
    entries = np.roll(table.values.reshape(-1), -stored.min_integer)
    index = nodes.on_each("Add", nodes.on_each("Mul", x, 2.0**stored.fraction), float(-stored.min_integer))
    index = nodes.add("Cast", [index], x.shape, like=Tensor("", (), whole=True), to=TensorProto.INT64)
    return nodes.add("Gather", [nodes.constant(entries), index], x.shape, like=x, axis=0)


def _dense(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    x = nodes.channels_last(inputs[0])
    kernel = layer.weights["weight"]
    weight = _weights(nodes, layer, kernel, kernel.values, x)
    made = nodes.add("MatMul", [x, weight], (*x.shape[:-1], kernel.integers.shape[-1]))
    return _plus(nodes, layer, nodes.channels_first(made))


def _convolution(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    kernel, (x,) = layer.weights["weight"], inputs
    by_channel = layer.kind.startswith("Depthwise")
    # To filters, channels, taps.
    axes = (-2, -1) if by_channel else (-1, -2)
    values = np.moveaxis(kernel.values, axes, (0, 1))
    weight = _weights(nodes, layer, kernel, values, x)
    made = nodes.add(
        "Conv",
        [x, weight],
        channels_first(layer.shape),
        kernel_shape=list(values.shape[2:]),
        # Readers ask for attributes that have a default too.
        dilations=[1] * (len(values.shape) - 2),
        strides=_strides(layer),
        pads=_pads(layer),
        group=x.shape[0] if by_channel else 1,
    )
    return _plus(nodes, layer, made)


def _axes(layer: Layer) -> tuple[str, ...]:
    return ("width",) if layer.kind.endswith("1D") else ("height", "width")


def _strides(layer: Layer) -> list[int]:
    return [layer.integer(f"stride_{axis}") for axis in _axes(layer)]


def _pads(layer: Layer) -> list[int]:
    sides = {"height": ("pad_top", "pad_bottom"), "width": ("pad_left", "pad_right")}
    return [layer.integer(sides[axis][end]) for end in (0, 1) for axis in _axes(layer)]


def _counts(layer: Layer, sizes: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return the number of pixels in each window; padding does not count.

    Args:
        layer: A pooling layer.
        sizes: Sizes of the image.
    """
    if layer.kind.startswith("Global"):
        return np.array(prod(sizes))
    pads, places = _pads(layer), layer.shape[:-1]
    counts = np.ones(places, np.int64)
    for axis, name in enumerate(_axes(layer)):
        starts = np.arange(places[axis]) * _strides(layer)[axis] - pads[axis]
        inside = np.minimum(starts + layer.integer(f"pool_{name}"), sizes[axis]) - np.maximum(starts, 0)
        counts = counts * inside.reshape([-1 if axis == other else 1 for other in range(len(places))])
    return counts


def _divides(layer: Layer, shape: tuple[int, ...], own: LayerRange) -> bool:
    """Return whether a mean needs a division that float32 rounds, which is harmless for few bits.

    Raises:
        ConversionError: There are too many bits for that.
    """
    if layer.attributes.get("pool_op") != "Average":
        return False
    counts = _counts(layer, shape[1:])
    if not (counts & (counts - 1)).any():
        return False
    if own.sums is None or layer.accumulator is not None:
        raise ConversionError(
            f"layer {layer.name}: a mean over {int(counts.max())} pixels in the accumulator {layer.accumulator}, which "
            "ONNX does not have; use windows whose number of pixels is a power of two"
        )
    units = int(counts.max()) << max(own.sums.fraction - layer.result.fraction + 1, 0)
    if (own.sums.magnitude + units).bit_length() > _MOST_QUOTIENT_BITS:
        raise ConversionError(
            f"layer {layer.name}: its sums have too many bits for a mean over {int(counts.max())} pixels in float32; "
            "give its input fewer bits, or use windows whose number of pixels is a power of two"
        )
    return True


def _pooling(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    (x,) = inputs
    sizes, strides, pads = [layer.integer(f"pool_{axis}") for axis in _axes(layer)], _strides(layer), _pads(layer)
    wanted, channels = channels_first(layer.shape), x.shape[0]
    rank = len(sizes)
    places = [(x.shape[1 + n] + pads[n] + pads[n + rank] - sizes[n]) // strides[n] + 1 for n in range(rank)]
    counts = _counts(layer, x.shape[1:])
    window: dict[str, Any] = {"kernel_shape": sizes, "strides": strides, "pads": pads}
    divisor = None
    if layer.attributes["pool_op"] == "Max":
        made = nodes.add("MaxPool", [x], (channels, *places), ceil_mode=0, **window)
    elif not (counts & (counts - 1)).any():
        made = nodes.add("AveragePool", [x], (channels, *places), count_include_pad=0, ceil_mode=0, **window)
    else:
        # Sums, and a division that is rounded once.
        ones = nodes.constant(np.ones((channels, 1, *sizes)))
        made = nodes.add("Conv", [x, ones], (channels, *places), group=channels, dilations=[1] * rank, **window)
        divisor = nodes.constant(counts[None, None])
    if made.shape != wanted:
        # Windows that our layer leaves out.
        parts = ([0] * rank, list(wanted[1:]), list(range(2, 2 + rank)))
        made = nodes.add("Slice", [made, *(nodes.constant(part, dtype=np.int64) for part in parts)], wanted)
    return made if divisor is None else nodes.add("Div", [made, divisor], wanted)


def _global_pooling(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    (x,) = inputs
    axes = list(range(2, 1 + len(x.shape)))
    count, shape = prod(x.shape[1:]), (x.shape[0], *[1] * len(axes))
    if layer.attributes["pool_op"] == "Max":
        made = nodes.add("GlobalMaxPool", [x], shape)
    else:
        made = nodes.add("ReduceSum", [x], shape, axes=axes, keepdims=1)
        made = (
            nodes.on_each("Div", made, float(count)) if count & (count - 1) else nodes.on_each("Mul", made, 1 / count)
        )
    return nodes.reshape(made, channels_first(layer.shape))


def _normalization(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    (x,) = inputs
    return _plus(nodes, layer, nodes.add("Mul", [x, _by_channel(nodes, layer, layer.weights["scale"], x)], x.shape))


def _merge(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    return nodes.add(_MERGES[str(layer.attributes["op"])], inputs, channels_first(layer.shape))


def _concatenate(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    axis = layer.integer("axis")
    place = 1 if axis == len(layer.shape) - 1 else axis + 2
    return nodes.add("Concat", inputs, channels_first(layer.shape), axis=place)


def _zero_padding(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    pads = _pads(layer)
    half = len(pads) // 2
    ends = nodes.constant([0, 0, *pads[:half], 0, 0, *pads[half:]], dtype=np.int64)
    return nodes.add("Pad", [inputs[0], ends], channels_first(layer.shape), mode="constant")


def _resize(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    axes = ("width",) if len(layer.shape) == 2 else ("height", "width")
    scales = [1.0, 1.0, *(float(layer.integer(f"factor_{axis}")) for axis in axes)]
    return nodes.add(
        "Resize",
        [inputs[0], nodes.constant(np.zeros(0)), nodes.constant(scales)],
        channels_first(layer.shape),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _transpose(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    perm = layer.attributes["perm"]
    last = nodes.channels_last(inputs[0])
    return nodes.channels_first(nodes.transpose(last, list(perm) if isinstance(perm, tuple) else []))


def _reshape(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    return nodes.channels_first(nodes.reshape(nodes.channels_last(inputs[0]), layer.shape))


# They compute nothing: any type holds what it held before.
_MOVING = frozenset(("Concatenate", "ZeroPadding1D", "ZeroPadding2D", "Resize", "Transpose", "Reshape"))
_KINDS: dict[str, Callable[[Nodes, Layer, list[Tensor]], Tensor]] = {
    "Activation": _activation,
    "Dense": _dense,
    "Conv1D": _convolution,
    "Conv2D": _convolution,
    "DepthwiseConv1D": _convolution,
    "DepthwiseConv2D": _convolution,
    "Pooling1D": _pooling,
    "Pooling2D": _pooling,
    "GlobalPooling1D": _global_pooling,
    "GlobalPooling2D": _global_pooling,
    "BatchNormalization": _normalization,
    "Merge": _merge,
    "Concatenate": _concatenate,
    "ZeroPadding1D": _zero_padding,
    "ZeroPadding2D": _zero_padding,
    "Resize": _resize,
    "Transpose": _transpose,
    "Reshape": _reshape,
}

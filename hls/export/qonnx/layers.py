"""What each kind of layer is in ONNX, before its cast."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.export.qonnx import casts
from trigcnn.hls.export.qonnx.constants import by_channel, plus, quantized
from trigcnn.hls.export.qonnx.exactness import SINGLE, bits, check_format, check_result, needs_double
from trigcnn.hls.export.qonnx.nodes import Nodes, Tensor, channels_first
from trigcnn.hls.export.qonnx.windows import convolution, divides, global_pooling, pooling, zero_padding
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.graph.intervals import LayerRange, constants
from trigcnn.hls.graph.ranges import Range, common

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
    wide = layer.kind not in _MOVING and needs_double(layer, _bits(layer, own))
    # Maxima of windows are there in float32 only, which holds them.
    early = wide and not (layer.kind.startswith("Pooling") and layer.attributes["pool_op"] == "Max")
    made = _KINDS[layer.kind](nodes, layer, [nodes.widen(each) for each in inputs] if early else list(inputs))
    divided = divides(layer, inputs[0].shape, own)
    made, exact = _accumulated(nodes, layer, nodes.widen(made) if wide else made, own)
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
    weight = quantized(nodes, layer, kernel, kernel.values, x)
    made = nodes.add("MatMul", [x, weight], (*x.shape[:-1], kernel.integers.shape[-1]))
    return plus(nodes, layer, nodes.channels_first(made))


def _normalization(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    (x,) = inputs
    return plus(nodes, layer, nodes.add("Mul", [x, by_channel(nodes, layer, layer.weights["scale"], x)], x.shape))


def _merge(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    return nodes.add(_MERGES[str(layer.attributes["op"])], inputs, channels_first(layer.shape))


def _concatenate(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    axis = layer.integer("axis")
    place = 1 if axis == len(layer.shape) - 1 else axis + 2
    return nodes.add("Concat", inputs, channels_first(layer.shape), axis=place)


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
    "Conv1D": convolution,
    "Conv2D": convolution,
    "DepthwiseConv1D": convolution,
    "DepthwiseConv2D": convolution,
    "Pooling1D": pooling,
    "Pooling2D": pooling,
    "GlobalPooling1D": global_pooling,
    "GlobalPooling2D": global_pooling,
    "BatchNormalization": _normalization,
    "Merge": _merge,
    "Concatenate": _concatenate,
    "ZeroPadding1D": zero_padding,
    "ZeroPadding2D": zero_padding,
    "Resize": _resize,
    "Transpose": _transpose,
    "Reshape": _reshape,
}

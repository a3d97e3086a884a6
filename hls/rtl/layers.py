"""What each kind of layer computes, on exact symbolic fixed-point numbers.

An alkaid `FVArray` holds one symbolic value per element, each with its own range and last bit. Sums and
products are exact; only `cast` drops bits. So a layer here is its mathematical definition and one cast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.rtl import windows
from trigcnn.hls.rtl.casts import cast, larger, smaller
from trigcnn.hls.rtl.sums import constants, last_bit, times, weighted_sums

# alkaid holds a table's entries as signed integers of 32 bits.
_TABLE_BITS = 31


def symbolic_input(number_format: FixedPoint, shape: tuple[int, ...]) -> Any:
    """Make an input port: one symbolic value per element, each any value of the format."""
    from alkaid.trace import FVArray

    ones = np.ones(shape, dtype=np.int64)
    sign = int(number_format.signed)
    return FVArray.from_kif(ones * sign, ones * (number_format.integer - sign), ones * number_format.fraction)


def evaluate(graph: Graph, *, on_layer: Callable[[Layer, list[Any]], None] | None = None) -> dict[str, Any]:
    """Evaluate a graph symbolically.

    Args:
        graph: What to evaluate.
        on_layer: Called with each layer and its inputs, before it is computed.

    Returns:
        The result of every layer by its name; that of an input layer is the input port.

    Raises:
        ConversionError: A layer has no hardware here.
    """
    results: dict[str, Any] = {}
    for layer in graph.layers:
        inputs = [results[name] for name in layer.inputs]
        if on_layer is not None:
            on_layer(layer, inputs)
        result = compute(graph, layer, inputs)
        if result.shape != layer.shape:
            raise ConversionError(f"layer {layer.name}: computed the shape {result.shape}, hls4ml has {layer.shape}")
        results[layer.name] = result
    return results


def compute(graph: Graph, layer: Layer, inputs: list[Any]) -> Any:
    """Evaluate one layer, cast to its result's format.

    Args:
        graph: The graph that the layer is in.
        layer: The layer.
        inputs: The results of the layers that feed it.

    Raises:
        ConversionError: The kind of layer, or what it does, has no hardware here.
    """
    if layer.kind == "Input":
        # The digitiser delivers this very format: nothing to cast.
        return symbolic_input(layer.result, layer.shape)
    if layer.kind == "UnaryLUT":
        check_formats(layer)
        return _look_up(layer, inputs[0], graph[layer.inputs[0]].result)
    if layer.kind not in _KINDS:
        raise ConversionError(f"layer {layer.name}: there is no RTL for a layer of the kind {layer.kind}")
    return as_result(layer, _KINDS[layer.kind](layer, *inputs))


def as_result(layer: Layer, values: Any) -> Any:
    """Cast what a layer computes to its result's format.

    Raises:
        ConversionError: A number format has a mode that the RTL does not support.
    """
    check_formats(layer)
    return cast(values, layer.result)


def check_formats(layer: Layer) -> None:
    """Check that the RTL supports a layer's number formats.

    Raises:
        ConversionError: It does not.
    """
    for number_format in (layer.result, layer.accumulator):
        if number_format is not None and number_format.overflow == "WRAP_SM":
            raise ConversionError(
                f"layer {layer.name}: there is no RTL for the overflow mode WRAP_SM of {number_format}; use WRAP or SAT"
            )


def _look_up(layer: Layer, x: Any, declared: FixedPoint) -> Any:
    """Look up every element in the table, which has an entry for each bit pattern of the declared format."""
    from alkaid.trace import FVArray

    entries = constants(layer, layer.weights["table"], "table")
    # Casting the entries here saves the hardware for it.
    entries = layer.result.to_real(layer.result.cast(entries))
    if np.abs(entries).max() / last_bit(entries).min() >= 2**_TABLE_BITS:
        raise ConversionError(
            f"layer {layer.name}: its table has results of more than {_TABLE_BITS} bits, which RTL cannot have; "
            "use a narrower number format"
        )
    if declared.signed:
        # alkaid counts from the smallest value, bit patterns from zero.
        entries = np.roll(entries, len(entries) // 2)
    return FVArray(
        np.array([_entry(value, entries, declared) for value in np.asarray(x).ravel()], dtype=object).reshape(x.shape),
        x.solver_options,
        hwconf=x.hwconf,
    )


def _entry(value: Any, entries: Any, declared: FixedPoint) -> Any:
    if value.low == value.high:
        index = int(declared.to_integers(value.low)) - declared.min_integer
        return value.from_const(float(entries[index]), hwconf=value.hwconf)
    return value.lookup(entries, original_qint=(declared.min, declared.max, declared.lsb))


def _activation(layer: Layer, x: Any) -> Any:
    from alkaid.trace.ops import relu

    match layer.attributes["activation"]:
        case "relu":
            return relu(x)
        case "linear":
            return x
    raise ConversionError(f"layer {layer.name}: there is no RTL for the activation {layer.attributes['activation']}")


def _dense(layer: Layer, x: Any) -> Any:
    weight, bias = (constants(layer, layer.weights[role], role) for role in ("weight", "bias"))
    return weighted_sums(layer, x.reshape(-1, weight.shape[0]), weight, bias).reshape(layer.shape)


def _batch_normalization(layer: Layer, x: Any) -> Any:
    scale, bias = (constants(layer, layer.weights[role], role) for role in ("scale", "bias"))
    return _elementwise(times, x, scale) + bias


def _merge(layer: Layer, x: Any, y: Any) -> Any:
    match layer.attributes["op"]:
        case "add":
            return x + y
        case "subtract":
            return x - y
        case "multiply":
            return x * y
        case "maximum":
            return _elementwise(larger, x, y)
        case "minimum":
            return _elementwise(smaller, x, y)
    raise ConversionError(f"layer {layer.name}: there is no RTL for merging by {layer.attributes['op']}")


def _elementwise(function: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    from alkaid.trace import FVArray

    left, right = np.broadcast_arrays(np.asarray(x), np.asarray(y))
    values = np.array([function(a, b) for a, b in zip(left.ravel(), right.ravel(), strict=True)], dtype=object)
    return FVArray(values.reshape(left.shape), x.solver_options, hwconf=x.hwconf)


def _resize(layer: Layer, x: Any) -> Any:
    for axis, name in enumerate(windows.axes_of(x)):
        x = np.repeat(x, layer.integer(f"factor_{name}"), axis=axis)
    return x


def _zero_padding(layer: Layer, x: Any) -> Any:
    return np.pad(x, windows.padding(layer, windows.axes_of(x)))


_KINDS: dict[str, Callable[..., Any]] = {
    "Activation": _activation,
    "BatchNormalization": _batch_normalization,
    "Concatenate": lambda layer, x, y: np.concatenate([x, y], axis=layer.integer("axis")),
    "Conv1D": windows.convolution,
    "Conv2D": windows.convolution,
    "Dense": _dense,
    "DepthwiseConv1D": windows.convolution,
    "DepthwiseConv2D": windows.convolution,
    "GlobalPooling1D": windows.global_pooling,
    "GlobalPooling2D": windows.global_pooling,
    "Merge": _merge,
    "Pooling1D": windows.pooling,
    "Pooling2D": windows.pooling,
    "Reshape": lambda layer, x: x.reshape(layer.shape),
    "Resize": _resize,
    "Transpose": lambda layer, x: x.transpose(layer.attributes["perm"]),
    "ZeroPadding1D": _zero_padding,
    "ZeroPadding2D": _zero_padding,
}

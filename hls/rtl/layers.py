"""What each kind of layer computes, on exact symbolic fixed-point numbers.

An alkaid `FVArray` holds one symbolic value per element, each with its own range and last bit. Sums and
products are exact; only `cast` drops bits. So a layer here is its mathematical definition and one cast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hls.errors import ConversionError
from hls.fixed_point import FixedPoint
from hls.graph import Graph, Layer


def symbolic_input(number_format: FixedPoint, shape: tuple[int, ...]) -> Any:
    """Make an input port: one symbolic value per element, each any value of the format."""
    from alkaid.trace import FVArray

    ones = np.ones(shape, dtype=np.int64)
    sign = int(number_format.signed)
    return FVArray.from_kif(ones * sign, ones * (number_format.integer - sign), ones * number_format.fraction)


def cast(x: Any, number_format: FixedPoint) -> Any:
    """Cast to a number format."""
    from alkaid.trace.ops import quantize

    sign = int(number_format.signed)
    return quantize(
        x,
        sign,
        number_format.integer - sign,
        number_format.fraction,
        number_format.overflow,
        number_format.rounding,
    )


def evaluate(graph: Graph, x: Any, *, on_layer: Callable[[Layer, list[Any], Any], None] | None = None) -> Any:
    """Evaluate a graph symbolically.

    Args:
        graph: With one input and one output.
        x: The input port.
        on_layer: Called with each layer, its inputs and its result.

    Raises:
        ConversionError: A layer has no hardware here.
    """
    results: dict[str, Any] = {}
    for layer in graph.layers:
        inputs = [x] if layer.kind == "Input" else [results[name] for name in layer.inputs]
        result = compute(layer, inputs)
        if result.shape != layer.shape:
            raise ConversionError(f"layer {layer.name}: computed the shape {result.shape}, hls4ml has {layer.shape}")
        results[layer.name] = result
        if on_layer is not None:
            on_layer(layer, inputs, result)
    return results[graph.output.name]


def compute(layer: Layer, inputs: list[Any]) -> Any:
    """Evaluate one layer, cast to its result's format.

    Raises:
        ConversionError: The kind of layer, or what it does, has no hardware here.
    """
    (x,) = inputs
    match layer.kind:
        case "Input":
            # The digitiser delivers this very format: nothing to cast.
            return x
        case "Reshape":
            return x.reshape(layer.shape)
        case "Activation":
            return cast(_activation(layer, x), layer.result)
        case "Dense":
            return cast(x @ layer.weights["weight"].values + layer.weights["bias"].values, layer.result)
        case "Conv1D" | "Conv2D":
            return cast(_convolution(layer, x), layer.result)
        case "Pooling1D" | "Pooling2D":
            return cast(_maximum_pooling(layer, x), layer.result)
        case "ZeroPadding1D" | "ZeroPadding2D":
            return cast(np.pad(x, _padding(layer, x.ndim)), layer.result)
    raise ConversionError(f"layer {layer.name}: there is no RTL for a layer of the kind {layer.kind}")


def _activation(layer: Layer, x: Any) -> Any:
    from alkaid.trace.ops import relu

    match layer.attributes["activation"]:
        case "relu":
            return relu(x)
        case "linear":
            return x
    raise ConversionError(f"layer {layer.name}: there is no RTL for the activation {layer.attributes['activation']}")


def _padding(layer: Layer, dimensions: int) -> list[tuple[int, int]]:
    sides = [("pad_left", "pad_right")] if dimensions == 2 else [("pad_top", "pad_bottom"), ("pad_left", "pad_right")]
    return [(layer.integer(before), layer.integer(after)) for before, after in sides] + [(0, 0)]


def _convolution(layer: Layer, x: Any) -> Any:
    kernel = layer.weights["weight"].values
    padding = _padding(layer, x.ndim)
    if any(before or after for before, after in padding):
        x = np.pad(x, padding)
    columns, filters = kernel.reshape(-1, kernel.shape[-1]), kernel.shape[-1]
    names = ("stride_width",) if x.ndim == 2 else ("stride_height", "stride_width")
    strides = [layer.integer(name) for name in names]
    positions = np.ndindex(*layer.shape[:-1])
    windows = np.stack([_window(x, p, strides, kernel.shape[:-2]).reshape(-1) for p in positions])
    return (windows @ columns + layer.weights["bias"].values).reshape(*layer.shape[:-1], filters)


def _maximum_pooling(layer: Layer, x: Any) -> Any:
    if layer.attributes["pool_op"] != "Max":
        raise ConversionError(f"layer {layer.name}: there is no RTL for {layer.attributes['pool_op']} pooling")
    axes = ("width",) if x.ndim == 2 else ("height", "width")
    strides = [layer.integer(f"stride_{axis}") for axis in axes]
    size = [layer.integer(f"pool_{axis}") for axis in axes]
    channels = x.shape[-1]
    windows = [_window(x, position, strides, size).reshape(-1, channels) for position in np.ndindex(*layer.shape[:-1])]
    return np.max(np.stack(windows), axis=1).reshape(layer.shape)


def _window(x: Any, position: tuple[int, ...], strides: list[int], size: Any) -> Any:
    return x[tuple(slice(p * s, p * s + n) for p, s, n in zip(position, strides, size, strict=True))]

"""What each layer of the fixed-point graph computes, on batches of real numbers, before its cast.

Plain NumPy in float64, which is exact up to 53 bits: slow, short, and independent of the engines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph, Layer

Values = npt.NDArray[np.float64]


def exact(graph: Graph, layer: Layer, inputs: list[Values]) -> Values:
    """Return a layer's result before its cast, with exact sums.

    Args:
        graph: The layer's graph.
        layer: The layer; its weights are taken as they are.
        inputs: Results of the layers that feed it, [events, ...] each; for an input layer, the events.

    Raises:
        ConversionError: The kind of layer is not known.
    """
    match layer.kind:
        case "Input":
            return np.asarray(inputs[0], np.float64)
        case "Reshape":
            return inputs[0].reshape(len(inputs[0]), *layer.shape)
        case "Transpose":
            perm = layer.attributes["perm"]
            axes = [axis + 1 for axis in perm] if isinstance(perm, tuple) else []
            return np.transpose(inputs[0], (0, *axes))
        case "UnaryLUT":
            stored = graph[layer.inputs[0]].result
            return layer.weights["table"].values.reshape(-1)[stored.to_integers(inputs[0]) % (1 << stored.width)]
        case "Activation":
            return np.maximum(inputs[0], 0.0) if layer.attributes["activation"] == "relu" else inputs[0]
        case "Dense":
            return inputs[0] @ layer.weights["weight"].values + layer.weights["bias"].values
        case "Conv1D" | "Conv2D" | "DepthwiseConv1D" | "DepthwiseConv2D":
            return _convolution(layer, inputs[0])
        case "BatchNormalization":
            scale, bias = (np.resize(layer.weights[role].values, layer.shape[-1]) for role in ("scale", "bias"))
            return inputs[0] * scale + bias
        case "Merge":
            return _MERGES[str(layer.attributes["op"])](inputs[0], inputs[1])
        case "Concatenate":
            return np.concatenate(inputs, axis=layer.integer("axis") + 1)
        case "Pooling1D" | "Pooling2D" | "GlobalPooling1D" | "GlobalPooling2D":
            return _pooling(layer, inputs[0])
        case "ZeroPadding1D" | "ZeroPadding2D":
            return np.pad(inputs[0], _padding(layer, inputs[0].ndim))
        case "Resize":
            x = inputs[0]
            if x.ndim == 4:
                x = np.repeat(x, layer.integer("factor_height"), axis=1)
            return np.repeat(x, layer.integer("factor_width"), axis=-2)
    raise ConversionError(f"layer {layer.name}: what a {layer.kind} computes is not known here")


_MERGES: dict[str, Callable[[Values, Values], Values]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
}


def stored(values: Values, number_format: FixedPoint) -> Values:
    """Cast real values, and return them as real values."""
    return number_format.to_real(number_format.cast(values))


def _padding(layer: Layer, dimensions: int) -> list[tuple[int, int]]:
    sides = [("pad_left", "pad_right")] if dimensions == 3 else [("pad_top", "pad_bottom"), ("pad_left", "pad_right")]
    return [(0, 0), *((layer.integer(a), layer.integer(b)) for a, b in sides), (0, 0)]


def _windows(layer: Layer, x: Values, size: tuple[int, ...], fill: float) -> Values:
    """Return every window, [events, *positions, *size, channels]."""
    axes = ("width",) if x.ndim == 3 else ("height", "width")
    x = np.pad(x, _padding(layer, x.ndim), constant_values=fill)
    every = np.lib.stride_tricks.sliding_window_view(x, size, axis=tuple(range(1, x.ndim - 1)))
    steps = (slice(None, None, layer.integer(f"stride_{axis}")) for axis in axes)
    chosen = every[(slice(None), *steps)]
    # Strides of a pooling window that no longer fits.
    chosen = chosen[(slice(None), *(slice(n) for n in layer.shape[:-1]))]
    return np.moveaxis(chosen, x.ndim - 1, -1)


def _convolution(layer: Layer, x: Values) -> Values:
    kernel = layer.weights["weight"].values
    windows = _windows(layer, x, kernel.shape[:-2], 0.0)
    taps = "ijk"[: kernel.ndim - 2]
    places = "xyz"[: kernel.ndim - 2]
    if layer.kind.startswith("Depthwise"):
        sums: Any = np.einsum(f"n{places}{taps}c,{taps}c->n{places}c", windows, kernel[..., 0])
    else:
        sums = np.einsum(f"n{places}{taps}c,{taps}cf->n{places}f", windows, kernel, optimize=True)
    return np.asarray(sums + layer.weights["bias"].values)


def _pooling(layer: Layer, x: Values) -> Values:
    if layer.kind.startswith("Global"):
        axes = tuple(range(1, x.ndim - 1))
        return np.asarray(x.max(axis=axes) if layer.attributes["pool_op"] == "Max" else x.mean(axis=axes))
    names = ("width",) if x.ndim == 3 else ("height", "width")
    windows = _windows(layer, x, tuple(layer.integer(f"pool_{axis}") for axis in names), np.nan)
    axes = tuple(range(x.ndim - 1, windows.ndim - 1))
    reduce = np.nanmax if layer.attributes["pool_op"] == "Max" else np.nanmean
    return np.asarray(reduce(windows, axis=axes))

"""Layers that move a window over pixels, in ONNX: convolution, pooling, padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.export.qonnx.constants import plus, quantized
from trigcnn.hls.export.qonnx.nodes import Nodes, Tensor, channels_first
from trigcnn.hls.graph.graph import Layer
from trigcnn.hls.graph.intervals import LayerRange

# A correctly rounded quotient of such numbers is on the right side of every whole number and every half.
_MOST_QUOTIENT_BITS = 22


def convolution(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    """Return a convolution with its bias: ONNX's `Conv` in float32, or plain products in float64."""
    kernel, (x,) = layer.weights["weight"], inputs
    by_channel = layer.kind.startswith("Depthwise")
    # To filters, channels, taps.
    axes = (-2, -1) if by_channel else (-1, -2)
    values = np.moveaxis(kernel.values, axes, (0, 1))
    if x.wide:
        return plus(nodes, layer, _wide_convolution(nodes, layer, x, values, by_channel=by_channel))
    weight = quantized(nodes, layer, kernel, values, x)
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
    return plus(nodes, layer, made)


def _wide_convolution(
    nodes: Nodes, layer: Layer, x: Tensor, kernel: npt.NDArray[np.float64], *, by_channel: bool
) -> Tensor:
    """Convolve in float64, which ONNX's runtime has for plain products only: pixel by pixel of the window.

    Args:
        nodes: Where the nodes go.
        layer: The layer.
        x: The image.
        kernel: [filters, channels, *window].
        by_channel: Whether each channel is convolved by itself.
    """
    products = []
    every = kernel.reshape(*kernel.shape[:2], -1)
    for number, pixels in enumerate(_window(nodes, layer, x, kernel.shape[2:])):
        taps = every[:, :, number]
        if by_channel:
            factors = taps.reshape(1, -1, *[1] * (kernel.ndim - 2))
            weight = quantized(nodes, layer, layer.weights["weight"], factors, x)
            products.append(nodes.add("Mul", [pixels, weight], pixels.shape))
        else:
            weight = quantized(nodes, layer, layer.weights["weight"], taps.T, x)
            last = nodes.channels_last(pixels)
            products.append(nodes.add("MatMul", [last, weight], (*last.shape[:-1], len(kernel))))
    total = _total(nodes, products)
    return total if by_channel else nodes.channels_first(total)


def _window(nodes: Nodes, layer: Layer, x: Tensor, sizes: Sequence[int]) -> Iterator[Tensor]:
    """Return the pixels at each place of a window, in row-major order, for all windows."""
    pads, strides, places = _pads(layer), _strides(layer), layer.shape[:-1]
    if any(pads):
        around = tuple(size + pads[n] + pads[n + len(places)] for n, size in enumerate(x.shape[1:]))
        x = _padded(nodes, x, pads, (x.shape[0], *around))
    for place in np.ndindex(*sizes):
        ends = [first + (count - 1) * step + 1 for first, count, step in zip(place, places, strides, strict=True)]
        parts = (place, ends, range(2, 2 + len(places)), strides)
        constants = [nodes.constant(list(part), dtype=np.int64) for part in parts]
        yield nodes.add("Slice", [x, *constants], (x.shape[0], *places))


def _total(nodes: Nodes, terms: Sequence[Tensor]) -> Tensor:
    return reduce(lambda a, b: nodes.add("Add", [a, b], a.shape), terms)


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


def divides(layer: Layer, shape: tuple[int, ...], own: LayerRange) -> bool:
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


def pooling(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    """Return the maximum or the mean of each window."""
    (x,) = inputs
    sizes, strides, pads = [layer.integer(f"pool_{axis}") for axis in _axes(layer)], _strides(layer), _pads(layer)
    wanted, channels = channels_first(layer.shape), x.shape[0]
    rank = len(sizes)
    places = [(x.shape[1 + n] + pads[n] + pads[n + rank] - sizes[n]) // strides[n] + 1 for n in range(rank)]
    counts = _counts(layer, x.shape[1:])
    if x.wide:
        total = _total(nodes, list(_window(nodes, layer, x, sizes)))
        return nodes.add("Mul", [total, nodes.constant(1 / counts[None, None], dtype=x.dtype)], wanted)
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


def global_pooling(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    """Return the maximum or the mean of each channel."""
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


def zero_padding(nodes: Nodes, layer: Layer, inputs: list[Tensor]) -> Tensor:
    """Return an image with zeros around it."""
    return _padded(nodes, inputs[0], _pads(layer), channels_first(layer.shape))


def _padded(nodes: Nodes, x: Tensor, pads: Sequence[int], shape: tuple[int, ...]) -> Tensor:
    half = len(pads) // 2
    ends = nodes.constant([0, 0, *pads[:half], 0, 0, *pads[half:]], dtype=np.int64)
    return nodes.add("Pad", [x, ends], shape, mode="constant")

"""Layers that move a window over pixels: convolution and pooling."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Layer
from trigcnn.hls.rtl.casts import cast, holds, larger
from trigcnn.hls.rtl.sums import constants, weighted_sums


def padding(layer: Layer, axes: tuple[str, ...]) -> list[tuple[int, int]]:
    """Return the padding before and after each axis; none along the channels."""
    sides = {"height": ("pad_top", "pad_bottom"), "width": ("pad_left", "pad_right")}
    return [(layer.integer(sides[axis][0]), layer.integer(sides[axis][1])) for axis in axes] + [(0, 0)]


def axes_of(x: Any) -> tuple[str, ...]:
    """Name the axes of an image's pixels."""
    return ("width",) if x.ndim == 2 else ("height", "width")


def convolution(layer: Layer, x: Any) -> Any:
    """Convolve, over all channels or each by itself."""
    weight, bias = (constants(layer, layer.weights[role], role) for role in ("weight", "bias"))
    axes = axes_of(x)
    pads = padding(layer, axes)
    if np.any(pads):
        x = np.pad(x, pads)
    pixels = prod(weight.shape[: len(axes)])
    size = dict(zip(axes, weight.shape, strict=False))
    at = _windows(layer, x.shape, size, (0,) * len(axes))
    windows = np.stack([x[slices].reshape(pixels, -1) for slices in at])
    return convolved(layer, windows, weight.reshape(pixels, *weight.shape[-2:]), bias).reshape(layer.shape)


def convolved(layer: Layer, windows: Any, kernel: Any, bias: Any) -> Any:
    """Multiply windows with a kernel, over all channels or each by itself.

    Args:
        layer: The convolution.
        windows: Symbolic numbers [windows, pixels, channels].
        kernel: Constants [pixels, channels, filters].
        bias: Constants [filters].
    """
    if not layer.kind.startswith("Depthwise"):
        rows = windows.reshape(len(windows), -1)
        return weighted_sums(layer, rows, kernel.reshape(rows.shape[1], -1), bias)
    channels = [
        weighted_sums(layer, windows[:, :, channel], kernel[:, channel], bias[channel : channel + 1])
        for channel in range(windows.shape[-1])
    ]
    return np.concatenate(channels, axis=1)


def pooling(layer: Layer, x: Any) -> Any:
    """Return the maximum or mean of each window's pixels, without padding."""
    axes = axes_of(x)
    size = {axis: layer.integer(f"pool_{axis}") for axis in axes}
    at = _windows(layer, x.shape, size, tuple(before for before, _ in padding(layer, axes)))
    return np.stack([_pool(layer, x[slices]) for slices in at]).reshape(layer.shape)


def global_pooling(layer: Layer, x: Any) -> Any:
    """Return the maximum or mean of each channel."""
    return _pool(layer, x).reshape(layer.shape)


def _windows(
    layer: Layer, shape: tuple[int, ...], size: dict[str, int], before: tuple[int, ...]
) -> Iterator[tuple[slice, ...]]:
    """Return where each window lies in an image, without the parts outside; `before` counts the pixels of padding."""
    for position in np.ndindex(*layer.shape[:-1]):
        slices = []
        for axis, name in enumerate(size):
            start = position[axis] * layer.integer(f"stride_{name}") - before[axis]
            slices.append(slice(max(start, 0), min(start + size[name], shape[axis])))
        yield tuple(slices)


def _pool(layer: Layer, window: Any) -> Any:
    from alkaid.trace.ops import reduce

    pixels = window.reshape(-1, window.shape[-1])
    is_maximum = layer.attributes["pool_op"] == "Max"
    combined = reduce(larger, pixels, axis=0) if is_maximum else np.sum(pixels, axis=0)
    return pooled(layer, combined, len(pixels))


def pooled(layer: Layer, combined: Any, count: int) -> Any:
    """Return a window's maximum or mean, as the layer's accumulator computes it.

    Args:
        layer: The pooling layer.
        combined: The largest pixel or the sum of the pixels, by channel.
        count: Number of pixels.

    Raises:
        ConversionError: The mean needs a division, or the accumulator cannot hold the sum.
    """
    accumulator = layer.accumulator
    if layer.attributes["pool_op"] == "Max":
        return combined if accumulator is None else cast(combined, accumulator)
    if count & (count - 1):
        raise ConversionError(
            f"layer {layer.name}: a mean over {count} pixels needs a division, for which there is no RTL; use windows "
            "whose number of pixels is a power of two, or set rtl.architecture: none"
        )
    mean = combined * (1 / count)
    if accumulator is not None and not (holds(accumulator, combined) and holds(accumulator, mean)):
        raise ConversionError(
            f"layer {layer.name}: its accumulator {accumulator} cannot hold every sum and mean of {count} "
            "pixels; give it more integer or fraction bits"
        )
    return mean

"""Sums as hls4ml's accumulators form them: which bits are lost, and whether the order matters.

In hls4ml's C++ (`nnet_dense_latency.h`, `nnet_conv2d_latency.h`, `nnet_sepconv2d_latency.h`), the bias is cast to the
accumulator's format, then each product is cast to it and added, row by row, channel by channel. Where no product loses
bits, a sum that wraps may be wrapped once at its end. Where sums saturate, their order matters, and it is that of the
Latency strategy; the Resource strategy with a reuse factor of 1 has the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.engines.emulator.program import Accumulator, Body, Node, Sum, Window
from trigcnn.hls.engines.emulator.steps import Affine, Cast, Quotient, Step, simplified
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Layer
from trigcnn.hls.graph.ranges import Range, constant, integers, quotient

Array = npt.NDArray[Any]
# In these modes, rounding each term before adding gives the same as rounding the sum.
_ORDER_FREE_ROUNDING = ("TRN", "RND", "RND_MIN_INF")


def window_of(layer: Layer, what: str) -> Window:
    """Read the window of a layer: `what` is `filt` or `pool`."""

    def pair(vertical: str, horizontal: str, default: int) -> tuple[int, int]:
        above, left = layer.attributes.get(vertical, default), layer.attributes.get(horizontal, default)
        return int(above), int(left)  # type: ignore[arg-type]

    return Window(
        pair(f"{what}_height", f"{what}_width", 1),
        pair("stride_height", "stride_width", 1),
        pair("pad_top", "pad_left", 0),
    )


def weighted_sum(layer: Layer, x: Node) -> tuple[Body, Range, list[Step]]:
    """Return the sum of a dense layer or a convolution, its range, and the steps up to its exact value.

    Raises:
        ConversionError: It cannot be computed exactly.
    """
    kernel = layer.weights["weight"].integers
    by_channel = layer.kind.startswith("Depthwise")
    if layer.kind == "Dense":
        weights, window = kernel.reshape(1, 1, *kernel.shape), Window((1, 1), (1, 1), (0, 0))
        # A dense layer with several rows is applied to each of them; otherwise it takes the whole image as one row.
        positions = x.output_size if x.shape[2] == kernel.shape[0] else (1, 1)
        if x.size != positions[0] * positions[1] * kernel.shape[0]:
            raise ConversionError(f"an input of {x.size} values does not fit {kernel.shape[0]} inputs")
        if positions == (1, 1):
            weights = kernel.reshape(*x.shape, -1)
            window = Window(x.output_size, (1, 1), (0, 0))
    else:
        weights = kernel.reshape(-1, *kernel.shape[-3:])
        weights, window = weights[..., 0] if by_channel else weights, window_of(layer, "filt")
        positions = (1, layer.shape[0]) if layer.kind.endswith("1D") else (layer.shape[0], layer.shape[1])
    # Common factors of two only move the binary point.
    twos = _twos(weights)
    weights, fraction = weights >> twos, layer.weights["weight"].format.fraction - twos
    low, high = _products(weights, _seen(x, window, positions), by_channel=by_channel)
    fraction += x.range.fraction
    bias = layer.weights["bias"]
    values = [int(value) for value in bias.integers.reshape(-1)]
    accumulator = layer.accumulator
    steps: list[Step] = []
    if accumulator is not None:
        values = [int(value) for value in accumulator.cast_integers(np.array(values, object), bias.format.fraction)]
        own = _accumulator(accumulator, low, high, fraction, values)
        if own is not None:
            body = Sum(weights, values, window, positions, own)
            return body, _accumulated(own, low, high, values), [Cast(accumulator)]
        steps = [Cast(accumulator)]
    bias_fraction = bias.format.fraction if accumulator is None else accumulator.fraction
    start = [0] * len(values)
    drop = bias_fraction - fraction
    if all(value % (1 << max(drop, 0)) == 0 for value in values):
        start = [value >> drop if drop > 0 else value << -drop for value in values]
    else:
        steps.insert(0, Affine(constant(len(values), 1 << drop), integers(values), drop))
    exact = Range(low.sum(axis=0) + integers(start), high.sum(axis=0) + integers(start), fraction)
    return Sum(weights, start, window, positions), exact, steps


def _twos(weights: Array) -> int:
    """Return the number of factors of two that all weights have in common; 0 if all are zero."""
    together = int(np.bitwise_or.reduce(np.abs(weights), axis=None))
    return (together & -together).bit_length() - 1 if together else 0


def _seen(x: Node, window: Window, positions: tuple[int, int]) -> Range:
    """Return the range of what a window sees: with zeros if the window reaches over the edge."""
    corners = window.positions(positions)
    ends = corners + np.array(window.size)
    outside = (corners < 0).any() or (ends > np.array(x.output_size)).any()
    return x.range.with_zero() if outside else x.range


def _products(weights: Array, x: Range, *, by_channel: bool) -> tuple[Array, Array]:
    """Return the smallest and largest value of every product, [terms, filters], in the order of addition."""
    terms = weights.reshape(-1, weights.shape[-1])
    low, high = x.low, x.high
    if not by_channel:
        channels = weights.shape[2]
        times = len(terms) // channels
        low, high = (np.tile(Range(s, s, 0).spread(channels).low, times)[:, None] for s in (low, high))
    bits = int(np.abs(terms).max(initial=0)).bit_length() + x.magnitude.bit_length() + len(terms).bit_length()
    kind: Any = np.int64 if bits < 63 else object
    terms, low, high = terms.astype(kind), low.astype(kind), high.astype(kind)
    a, b = terms * low, terms * high
    return np.minimum(a, b), np.maximum(a, b)


def _accumulator(
    accumulator: FixedPoint, low: Array, high: Array, fraction: int, bias: list[int]
) -> Accumulator | None:
    """Return how to add, if an exact sum with one cast at its end would differ; else None."""
    first, last = accumulator.limits
    drops = fraction - accumulator.fraction
    if drops > 0:
        low, high = (_rounded(side, drops, accumulator) for side in (low, high))
    elif accumulator.overflow != "WRAP":
        low, high = low.astype(object) << -drops, high.astype(object) << -drops
    if accumulator.overflow == "WRAP":
        return Accumulator(accumulator, drops, limits=False) if drops > 0 else None
    start = integers(bias)
    sums_low, sums_high = np.cumsum(low, axis=0) + start, np.cumsum(high, axis=0) + start
    inside = min(low.min(), sums_low.min()) >= first and max(high.max(), sums_high.max()) <= last
    if inside:
        return Accumulator(accumulator, drops, limits=False) if drops > 0 else None
    if accumulator.overflow == "WRAP_SM":
        raise ConversionError(f"its sums may overflow the accumulator {accumulator}, and WRAP_SM is not emulated")
    return Accumulator(accumulator, drops, limits=True)


def _rounded(products: Array, drops: int, accumulator: FixedPoint) -> Array:
    return quotient(products.astype(object), 1 << drops, accumulator.rounding)


def _accumulated(own: Accumulator, low: Array, high: Array, bias: list[int]) -> Range:
    """Return the range of a sum whose products are cast one by one, before it is wrapped."""
    if own.limits:
        return Range.of(own.format, len(bias))
    low, high = (_rounded(side, own.dropped, own.format).sum(axis=0) + integers(bias) for side in (low, high))
    return Range(low, high, own.format.fraction)


def mean(layer: Layer, x: Range, count: int) -> tuple[tuple[Step, ...], Range, Range]:
    """Return the steps from the sum of `count` values to their mean.

    hls4ml divides the accumulator, which drops bits below its last one towards zero. Without an accumulator the
    quotient is exact, and rounded once to the result.

    Returns:
        The steps, the range of the sum and the range of the mean.

    Raises:
        ConversionError: io_parallel and io_stream would add up differently.
    """
    total = Range(x.low * count, x.high * count, x.fraction)
    accumulator = layer.accumulator
    steps: list[Step] = []
    if accumulator is not None:
        _check_mean(accumulator, total)
        steps.append(Cast(accumulator))
    exact = count & (count - 1) == 0 and (
        accumulator is None or x.fraction + count.bit_length() - 1 <= accumulator.fraction
    )
    if exact:
        steps.append(Affine(constant(x.channels, 1), constant(x.channels, 0), count.bit_length() - 1))
    elif accumulator is None:
        steps.append(Quotient(count, layer.result.rounding, layer.result.fraction))
    else:
        steps.append(Quotient(count, "TRN_ZERO", accumulator.fraction))
    kept, after = simplified(steps, total)
    return kept, total, after


def _check_mean(accumulator: FixedPoint, total: Range) -> None:
    partial = total.with_zero()
    if Cast(accumulator).dropped(total) > 0:
        raise AssertionError("values are cast to the accumulator's fraction bits before they are added")
    if accumulator.overflow != "WRAP" and Cast(accumulator).overflows(partial):
        raise ConversionError(
            f"its sum may overflow the accumulator {accumulator}, where io_parallel and io_stream differ; give the "
            "accumulator more integer bits"
        )


def rounds_each(accumulator: FixedPoint | None, x: Range) -> FixedPoint | None:
    """Return the format to which a pooling's values are cast before they are added, if bits are lost there.

    Raises:
        ConversionError: io_parallel and io_stream would round differently.
    """
    if accumulator is None or Cast(accumulator).dropped(x) <= 0:
        return None
    if accumulator.rounding not in _ORDER_FREE_ROUNDING:
        raise ConversionError(
            f"the accumulator {accumulator} of its mean rounds the input, and io_parallel and io_stream round "
            "differently; give it more fraction bits, or use TRN or RND"
        )
    return FixedPoint(True, 63, 63 - accumulator.fraction, accumulator.rounding)

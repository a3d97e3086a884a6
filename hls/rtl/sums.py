"""Sums of products in an accumulator, as hls4ml's C simulation computes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Layer, Weights
from trigcnn.hls.rtl.casts import cast

Values = npt.NDArray[np.float64]
# Up to so many significant bits, alkaid finds the best product with a constant in milliseconds.
_FEW_BITS = 12
# alkaid's search for common parts of sums takes a time that grows with the square of the number of digits that are not
# zero, in signed digits (measured: 8,000 in 9 s, 16,000 in 30 s; a weight of 6 bits has two on average, one of 16 bits
# five). Larger matrices are divided into blocks of so many digits, each searched once instead of for each depth, for a
# few percent more logic.
_LARGEST_SEARCH, _BLOCK, _BLOCK_ROWS = 8192, 4096, 32
_ONE_SEARCH = {"method0": "mc", "search_all_decompose_dc": False}


def constants(layer: Layer, weights: Weights, role: str) -> Values:
    """Return constants as real values that alkaid, which rounds to float32, keeps unchanged.

    Raises:
        ConversionError: One of them has more significant bits.
    """
    values = weights.values
    if (values.astype(np.float32) != values).any():
        raise ConversionError(
            f"layer {layer.name}: its {role} has values of more than 24 significant bits, which RTL cannot have; "
            "use a narrower number format, or set rtl.architecture: none"
        )
    return values


def last_bit(values: Values) -> Values:
    """Weight of the last bit that is set; infinite for zero."""
    mantissa, exponent = np.frexp(values)
    integers = (mantissa * 2.0**53).astype(np.int64)
    return np.where(values == 0, np.inf, np.ldexp((integers & -integers).astype(np.float64), exponent - 53))


def times(value: Any, factor: float) -> Any:
    """Return the product of a symbolic number and a constant of at most 24 significant bits."""
    bits = 1 + np.log2(abs(factor) / last_bit(np.array(factor))) if factor else 0
    if bits <= _FEW_BITS or value.low == value.high:
        return value * factor
    return _multiplier(factor)([value], quantize=False)[0]


@cache
def _multiplier(factor: float) -> Any:
    """Find shifts and additions for a constant.

    alkaid's own product looks further ahead (`k=2`), for each number again: half a minute for 0.3 in float32, and no
    addition less.
    """
    from alkaid.trace.fixed_variable import scm_solve

    return scm_solve(factor, 0)


def weighted_sums(layer: Layer, rows: Any, weight: Values, bias: Values) -> Any:
    """Return `rows @ weight + bias`, as the layer's accumulator computes it.

    hls4ml casts each product and the bias to the accumulator's format and adds them in it. That is the exact sum
    if nothing is lost; if the accumulator only wraps, it suffices that the sum wraps at its end.

    Args:
        layer: The layer; its accumulator may be None.
        rows: Symbolic numbers [sums, n].
        weight: Constants [n, m].
        bias: Constants [m].

    Raises:
        ConversionError: Sums may saturate, so that the order of additions matters.
    """
    accumulator = layer.accumulator
    if accumulator is None:
        return _dot(rows, weight) + bias
    low, high, step = _intervals(rows)
    fits, rounds = _judged(layer, accumulator, (low, high, step), weight, bias)
    if rounds:
        products = cast(rows[:, :, None] * weight[None], accumulator)
        sums = np.sum(products, axis=1) + accumulator.to_real(accumulator.cast(bias))
    else:
        sums = _dot(rows, weight) + bias
    return sums if fits else cast(sums, accumulator)


def serial_sums(
    layer: Layer, ranges: tuple[Values, Values, Values], weight: Values, bias: Values
) -> Callable[[Any], Any]:
    """Return the function from exact sums of products, which come one after another, to a layer's sums.

    Args:
        layer: The layer; its accumulator may be None.
        ranges: Smallest and largest value and last bit of each of the n factors.
        weight: Constants [n, m].
        bias: Constants [m].

    Raises:
        ConversionError: The accumulator rounds, or may saturate.
    """
    accumulator = layer.accumulator
    if accumulator is None:
        return lambda sums: sums + bias
    low, high, step = (each[None] for each in ranges)
    fits, rounds = _judged(layer, accumulator, (low, high, step), weight, bias)
    if rounds:
        raise ConversionError(
            f"layer {layer.name}: its accumulator {accumulator} rounds each product, for which there is no serial "
            f"RTL; give it more fraction bits, or set rtl.layers.{layer.name}.reuse_factor: 1"
        )
    return lambda sums: sums + bias if fits else cast(sums + bias, accumulator)


def _judged(
    layer: Layer, accumulator: FixedPoint, ranges: tuple[Values, Values, Values], weight: Values, bias: Values
) -> tuple[bool, bool]:
    """Return whether every sum fits into the accumulator, and whether it drops bits of products."""
    low, high, step = ranges
    rounds = _rounds(step, weight, bias, accumulator)
    # Each cast product is off by less than one bit.
    margin = (low.shape[-1] + 1) * accumulator.lsb if rounds else 0.0
    least = np.minimum(low, 0) @ weight.clip(min=0) + np.maximum(high, 0) @ weight.clip(max=0) + bias.clip(max=0)
    most = np.maximum(high, 0) @ weight.clip(min=0) + np.minimum(low, 0) @ weight.clip(max=0) + bias.clip(min=0)
    fits = bool(accumulator.min <= least.min() - margin and most.max() + margin <= accumulator.max)
    if not fits and accumulator.overflow != "WRAP":
        raise ConversionError(
            f"layer {layer.name}: sums from {least.min():g} to {most.max():g} can saturate its accumulator "
            f"{accumulator}, and the result then depends on the order of additions; give the accumulator more "
            "integer bits, or no saturation"
        )
    return fits, rounds


def _dot(rows: Any, weight: Values) -> Any:
    """Return `rows @ weight`; alkaid stops at a row in which nothing varies."""
    low, high, _ = _intervals(rows)
    varies = ((low != high).astype(int) @ (weight != 0).astype(int)).any(axis=1)
    if varies.all():
        return _product(rows, weight)
    constant = np.where(low == high, low, 0.0) @ weight
    zeros = np.zeros((1, weight.shape[1]))
    parts = [
        _product(rows[i : i + 1], weight) if varies[i] else rows[i : i + 1, :1] * zeros + constant[i : i + 1]
        for i in range(len(varies))
    ]
    return np.concatenate(parts)


def _product(rows: Any, weight: Values) -> Any:
    """Return `rows @ weight`; alkaid (0.8.2) cannot make tables of signed numbers of one bit."""
    from alkaid.trace import FVArray

    values = np.asarray(rows)
    if any(value.kif[0] and sum(value.kif) == 1 for value in values.ravel()):
        rows = FVArray(values, {**rows.solver_options, "binary_lut": False}, hwconf=rows.hwconf)
    digits = signed_digits(weight)
    if digits <= _LARGEST_SEARCH:
        return rows @ weight
    rows = FVArray(np.asarray(rows), {**rows.solver_options, **_ONE_SEARCH}, hwconf=rows.hwconf)
    elements = max(_BLOCK * weight.size // digits, 1)
    height = min(len(weight), _BLOCK_ROWS, elements)
    width = elements // height
    return np.concatenate(
        [_sum_of_blocks(rows, weight[:, start : start + width], height) for start in range(0, weight.shape[1], width)],
        axis=1,
    )


def signed_digits(values: Values) -> int:
    """Return the digits that are not zero in all values, each written with digits -1, 0 and 1 and as few as possible.

    >>> signed_digits(np.array([0.0, 0.5, 7.0, -0.375]))
    5
    """
    if not values.size or not values.any():
        return 0
    # A digit is not zero where 3n and n differ, apart from the last bit.
    integers = np.abs(values / last_bit(values[values != 0]).min()).astype(np.int64)
    return int(np.bitwise_count(integers ^ (3 * integers)).sum())


def _sum_of_blocks(rows: Any, weight: Values, height: int) -> Any:
    """Return `rows @ weight` as the sum of products with a number of the weights' rows each."""
    starts = range(0, len(weight), height)
    parts = [rows[:, start : start + height] @ weight[start : start + height] for start in starts]
    # In a tree of additions, whose depth is the logarithm of their number.
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        parts = [*(one + other for one, other in pairs), *parts[len(parts) // 2 * 2 :]]
    return parts[0]


def _intervals(x: Any) -> tuple[Values, Values, Values]:
    """Return the smallest and largest value and the last bit of every element."""
    found = np.array([(value.low, value.high, value.step) for value in np.asarray(x).ravel()])
    low, high, step = found.T.reshape(3, *x.shape)
    return low, high, np.where(low == high, last_bit(low), step)


def _rounds(step: Values, weight: Values, bias: Values, accumulator: FixedPoint) -> bool:
    """Whether the accumulator drops bits of a product or of the bias."""
    # A constant zero has no product.
    finest = np.min(step, axis=0)[:, None] * last_bit(weight)
    return bool(min(finest.min(initial=np.inf), last_bit(bias).min()) < accumulator.lsb)

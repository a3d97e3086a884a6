"""Casts and comparisons of symbolic fixed-point numbers.

alkaid's own casts are wrong in two cases (0.8.2), so only its exact primitives are used here:

- `max_of`, `min_of` and saturation take the top bit of a difference for its sign. If the difference is never
  negative, which may be known only after common subexpressions were merged, that bit is not a sign.
- `RND_CONV` takes wrong bits if every value lies halfway between two results.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint


def cast(x: Any, number_format: FixedPoint) -> Any:
    """Cast every element of an array to a number format."""
    from alkaid.trace import FVArray

    values = np.array([_cast(value, number_format) for value in np.asarray(x).ravel()], dtype=object)
    return FVArray(values.reshape(x.shape), x.solver_options, hwconf=x.hwconf)


def holds(number_format: FixedPoint, x: Any) -> bool:
    """Return whether a number format has every value that the elements of an array, or intervals, can take."""
    low, high, lsb = number_format.min, number_format.max, number_format.lsb
    values = np.ravel(np.asarray(x, dtype=object))
    return all(low <= value.low and value.high <= high and value.step >= lsb for value in values)


def larger(a: Any, b: Any) -> Any:
    """Return the larger of two numbers."""
    difference = a - b
    if difference.low >= 0:
        return a
    if difference.high <= 0:
        return b
    if b.low == b.high == 0:
        return a.relu()
    return _if_negative(difference, b, a, (max(a.low, b.low), max(a.high, b.high), min(a.step, b.step)))


def smaller(a: Any, b: Any) -> Any:
    """Return the smaller of two numbers."""
    difference = a - b
    if difference.low >= 0:
        return b
    if difference.high <= 0:
        return a
    return _if_negative(difference, a, b, (min(a.low, b.low), min(a.high, b.high), min(a.step, b.step)))


def _if_negative(key: Any, then: Any, otherwise: Any, interval: tuple[float, float, float]) -> Any:
    # The inverter, which synthesis absorbs, keeps alkaid from using the top bit of `key` itself.
    return (~key.is_negative()).msb_mux(otherwise, then, qint=interval)


def _cast(value: Any, number_format: FixedPoint) -> Any:
    if value.low == value.high:
        return value.from_const(float(number_format.to_real(number_format.cast(value.low))), hwconf=value.hwconf)
    return _limit(_round(value, number_format), number_format)


def _round(value: Any, number_format: FixedPoint) -> Any:
    """Round to the format's last bit."""
    lsb, step, fraction = number_format.lsb, value.step, number_format.fraction
    if step >= lsb:
        return value
    half = lsb / 2
    match number_format.rounding:
        case "TRN":
            return _truncate(value, fraction)
        case "TRN_ZERO":
            return _truncate(value + value.is_negative() * (lsb - step), fraction)
        case "RND":
            return _truncate(value + half, fraction)
        case "RND_MIN_INF":
            return _truncate(value + (half - step), fraction)
        case "RND_ZERO":
            return _truncate(value + (half - step) + value.is_negative() * step, fraction)
        case "RND_INF":
            return _truncate(value + half - value.is_negative() * step, fraction)
        case "RND_CONV":
            return _round_half_to_even(value + half, fraction)
    raise ValueError(f"{number_format}: the rounding mode is not known")


def _round_half_to_even(raised: Any, fraction: int) -> Any:
    """Round a value that was raised by half a bit: an odd result is kept only if lower bits are set."""
    lsb = 2.0**-fraction
    odd = raised.quantize(0, 1 - fraction, fraction)
    behind = raised.quantize(0, -fraction, max(raised.kif[2], fraction + 1))
    return _truncate(raised, fraction - 1) + ((behind.unary_bit_op("any") * lsb) & odd)


def _truncate(value: Any, fraction: int) -> Any:
    sign, integer, _ = value.kif
    # At least one bit must be left of a negative value, which is never rounded to zero.
    return value.quantize(sign, max(integer, 1 - fraction), fraction)


def _limit(value: Any, number_format: FixedPoint) -> Any:
    """Apply the overflow mode to a value that has the format's last bit."""
    low, high = (limit * number_format.lsb for limit in number_format.limits)
    if low <= value.low and value.high <= high:
        return value
    sign = int(number_format.signed)
    wrapped = value.quantize(sign, number_format.integer - sign, number_format.fraction)
    match number_format.overflow:
        case "WRAP":
            return wrapped
        case "SAT" | "SAT_SYM":
            return smaller(larger(value, _constant(low, value)), _constant(high, value))
        case "SAT_ZERO":
            interval = (number_format.min, number_format.max, value.step)
            zero = _constant(0.0, value)
            for inside in (value - low, high - value):
                wrapped = _if_negative(inside, zero, wrapped, interval)
            return wrapped
    raise ValueError(f"{number_format}: the overflow mode is not known")


def _constant(number: float, like: Any) -> Any:
    return like.from_const(number, hwconf=like.hwconf)

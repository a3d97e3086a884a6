"""Number formats and casts of fixed-point arithmetic, as in `ap_fixed`."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

Rounding = Literal["TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV"]
Overflow = Literal["WRAP", "SAT", "SAT_ZERO", "SAT_SYM", "WRAP_SM"]

_PATTERN = re.compile(
    r"^(?:ap_)?(?P<u>u?)(?:(?P<int>int)<\s*(?P<bits>\d+)\s*>|"
    r"fixed<\s*(?P<width>\d+)\s*,\s*(?P<integer>-?\d+)\s*"
    r"(?:,\s*(?:AP_)?(?P<rounding>\w+)\s*)?(?:,\s*(?:AP_)?(?P<overflow>\w+)\s*)?(?:,\s*(?P<saturation_bits>\d+)\s*)?>)$"
)
# Below this magnitude, and with at most _MOST_DROPPED bits dropped, int64 holds all that a cast computes.
_SMALL = 1 << 61
_MOST_DROPPED = 62


@dataclass(frozen=True)
class FixedPoint:
    """The number format `ap_fixed<width, integer, rounding, overflow>` (`ap_ufixed` if not signed).

    Attributes:
        signed: Whether values are two's complement.
        width: Bits in all, sign included.
        integer: Bits left of the binary point, sign included; may be negative or exceed `width`.
        rounding: How a cast drops fraction bits. `TRN` rounds to minus infinity, `TRN_ZERO` to zero; the
            others to the nearest value, and halves to plus infinity (`RND`), to zero (`RND_ZERO`), away from
            zero (`RND_INF`), to minus infinity (`RND_MIN_INF`) or to even (`RND_CONV`).
        overflow: How a cast drops integer bits. `WRAP` keeps the low bits. `SAT` stops at the ends of the
            range, `SAT_SYM` at plus and minus the largest value (but at -1 and 0 with one signed bit), and
            `SAT_ZERO` gives 0. `WRAP_SM` (signed only) keeps the low bits and, of a value out of range,
            inverts them if the highest differs from the bit above it, as that was before rounding.

    Source: AMD UG1399, "Arbitrary Precision Fixed-Point Data Types"; where it leaves something open, the
    `ap_fixed` headers that hls4ml ships.

    >>> FixedPoint.parse("ufixed<6,2,RND_CONV,SAT>").max_integer
    63
    """

    signed: bool
    width: int
    integer: int
    rounding: Rounding = "TRN"
    overflow: Overflow = "WRAP"

    def __post_init__(self) -> None:
        if not 1 <= self.width <= 63:
            raise ValueError(f"{self}: the width must lie between 1 and 63 bits")
        if self.overflow == "WRAP_SM" and not self.signed:
            raise ValueError(f"{self}: the overflow mode WRAP_SM exists for signed formats only; use WRAP")

    @classmethod
    def parse(cls, text: str) -> FixedPoint:
        """Read `fixed<W,I,ROUNDING,OVERFLOW>`, `ufixed<…>`, `int<W>` or `uint<W>`, with or without `ap_`.

        A cast to `int` or `uint` truncates to zero and wraps, as assignments to `ap_int` do. (`ap_int` itself
        turns a double between -0.5 and 0, and some values of a format with less than one integer bit, into
        1 or -1; here they become 0.)

        Raises:
            ValueError: The text is none of these, or asks for a mode that does not exist or for saturation bits.
        """
        match = _PATTERN.match(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no number format; write for example ufixed<4,0> or fixed<16,6,RND,SAT>")
        rounding = match["rounding"] or ("TRN_ZERO" if match["int"] else "TRN")
        overflow = match["overflow"] or "WRAP"
        for what, mode, modes in [
            ("rounding", rounding, get_args(Rounding)),
            ("overflow", overflow, get_args(Overflow)),
        ]:
            if mode not in modes:
                raise ValueError(f"{text!r}: there is no {what} mode {mode}; use one of {', '.join(modes)}")
        if int(match["saturation_bits"] or 0):
            raise ValueError(f"{text!r}: saturation bits are not supported; leave the fifth argument out, or use 0")
        width = int(match["bits"] or match["width"])
        integer = width if match["int"] else int(match["integer"])
        return cls(not match["u"], width, integer, rounding, overflow)  # type: ignore[arg-type]

    @classmethod
    def holding(cls, low: int, high: int, fraction: int) -> FixedPoint:
        """Return the smallest format that holds the integers from `low` to `high`, in units of `2**-fraction`.

        Raises:
            ValueError: It has more than 63 bits.

        >>> str(FixedPoint.holding(-8, 3, 2))
        'fixed<4,2>'
        """
        signed = low < 0
        bits = max(high.bit_length(), (-low - 1).bit_length() if signed else 0)
        width = max(bits + int(signed), 1)
        return cls(signed, width, width - fraction)

    @property
    def fraction(self) -> int:
        """Bits right of the binary point; the weight of the last bit is `2**-fraction`."""
        return self.width - self.integer

    @property
    def lsb(self) -> float:
        """Weight of the last bit."""
        return float(2.0**-self.fraction)

    @property
    def min_integer(self) -> int:
        """Smallest value, in units of the last bit."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max_integer(self) -> int:
        """Largest value, in units of the last bit."""
        return (1 << (self.width - int(self.signed))) - 1

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest value that a cast gives, in units of the last bit."""
        # With one signed bit, `SAT_SYM` still gives -1.
        symmetric = self.overflow == "SAT_SYM" and self.signed and self.width > 1
        return -self.max_integer if symmetric else self.min_integer, self.max_integer

    @property
    def min(self) -> float:
        """Smallest value."""
        return self.min_integer * self.lsb

    @property
    def max(self) -> float:
        """Largest value."""
        return self.max_integer * self.lsb

    def __str__(self) -> str:
        modes = "" if (self.rounding, self.overflow) == ("TRN", "WRAP") else f",{self.rounding},{self.overflow}"
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.integer}{modes}>"

    def cast(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Cast real values to this format.

        Args:
            values: Any shape; finite float64, each of them exact, of any magnitude.

        Returns:
            Integers in units of the last bit, same shape.

        Raises:
            ValueError: A value is NaN or infinite.
        """
        reals = np.asarray(values, dtype=np.float64)
        if not np.isfinite(reals).all():
            raise ValueError(f"cannot cast to {self}: values must be finite")
        mantissas, exponents = np.frexp(reals)
        return self._cast((mantissas * 2.0**53).astype(np.int64), 53 - exponents.astype(np.int64) - self.fraction)

    def cast_integers(self, integers: npt.ArrayLike, fraction: int) -> npt.NDArray[np.int64]:
        """Cast exact values, given in units of `2**-fraction`, to this format.

        Args:
            integers: Any shape; integers of any NumPy type, or Python integers of any size (type `object`).
            fraction: Bits right of their binary point; may be negative.

        Returns:
            Integers in units of this format's last bit, same shape.

        Raises:
            TypeError: The values are not integers.
        """
        given = np.asarray(integers)
        if given.dtype == object or given.dtype == np.uint64:
            given = np.asarray(np.frompyfunc(operator.index, 1, 1)(given), dtype=object)
        elif np.issubdtype(given.dtype, np.integer) or given.dtype == np.bool_:
            given = given.astype(np.int64)
        else:
            raise TypeError(f"cannot cast {given.dtype} to {self}: values must be integers")
        return self._cast(given, np.asarray(fraction - self.fraction))

    def _cast(self, integers: npt.NDArray[Any], dropped: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Cast `integers / 2**dropped` units of the last bit; int64 or Python integers."""
        flat, dropped_flat = integers.reshape(-1), dropped.reshape(-1)
        left, right = np.maximum(-dropped_flat, 0), np.maximum(dropped_flat, 0)
        limit = _SMALL >> np.minimum(left, _MOST_DROPPED - 1)
        if flat.dtype != object and ((-limit < flat) & (flat < limit)).all():
            # Dropping still more bits of so small a number gives the same: it stays below a half.
            right = np.minimum(right, _MOST_DROPPED)
        else:
            flat, left, right = flat.astype(object), left.astype(object), right.astype(object)
        flat = flat << left
        floor = flat >> right
        rounded = round_quotient(floor, flat - (floor << right), 1 << right, self.rounding)
        return self._limit(rounded, floor).astype(np.int64).reshape(integers.shape)

    def _limit(self, integers: npt.NDArray[Any], floor: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Bring rounded integers into the range; `floor` is what they were before rounding up."""
        low, high = self.limits
        bits: npt.NDArray[Any]
        if self.overflow in ("SAT", "SAT_SYM"):
            bits = np.minimum(np.maximum(integers, low), high)
            return bits
        outside = (integers < low) | (integers > high)
        if self.overflow == "SAT_ZERO":
            bits = np.where(outside, 0, integers)
            return bits
        mask = (1 << self.width) - 1
        bits = integers & mask
        if self.overflow == "WRAP_SM":
            differ = ((floor >> self.width) ^ (bits >> (self.width - 1))) & 1 == 1
            bits = np.where(outside & differ, bits ^ mask, bits)
        # Extend the sign; `low` is minus the weight of the highest bit, or 0.
        bits = (bits ^ -low) + low
        return bits

    def to_integers(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return values that are already in this format as integers in units of the last bit.

        Raises:
            ValueError: A value is not on the grid or out of range.
        """
        reals = np.asarray(values, dtype=np.float64)
        with np.errstate(over="ignore"):
            scaled = reals * 2.0**self.fraction
        # The limits are powers of two, or 0: exact, as the largest value need not be.
        inside = (scaled >= self.min_integer) & (scaled < self.max_integer + 1)
        off = ~(inside & (np.rint(scaled) * self.lsb == reals))
        if off.any():
            raise ValueError(f"{int(off.sum())} of {scaled.size} values are not in the number format {self}")
        return scaled.astype(np.int64)

    def to_real(self, integers: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Turn integers in units of the last bit into real values."""
        return np.asarray(integers).astype(np.float64) * self.lsb


def round_quotient(
    floor: npt.NDArray[Any], rest: npt.NDArray[Any], unit: npt.NDArray[Any] | int, rounding: Rounding
) -> npt.NDArray[Any]:
    """Round `floor + rest / unit`, all integers and 0 <= rest < unit, to a whole number."""
    above, tie = 2 * rest > unit, 2 * rest == unit
    match rounding:
        case "TRN":
            return floor
        case "TRN_ZERO":
            up = (rest > 0) & (floor < 0)
        case "RND":
            up = above | tie
        case "RND_ZERO":
            up = above | (tie & (floor < 0))
        case "RND_INF":
            up = above | (tie & (floor >= 0))
        case "RND_MIN_INF":
            up = above
        case "RND_CONV":
            up = above | (tie & (floor & 1 == 1))
    rounded: npt.NDArray[Any] = floor + up
    return rounded

"""Number formats and casts of fixed-point arithmetic, as in `ap_fixed`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Rounding = Literal["TRN", "RND", "RND_CONV"]
Overflow = Literal["WRAP", "SAT", "SAT_SYM"]

_PATTERN = re.compile(
    r"^(?:ap_)?(?P<u>u?)(?:(?P<int>int)<\s*(?P<bits>\d+)\s*>|"
    r"fixed<\s*(?P<width>\d+)\s*,\s*(?P<integer>-?\d+)\s*"
    r"(?:,\s*(?:AP_)?(?P<rounding>\w+)\s*)?(?:,\s*(?:AP_)?(?P<overflow>\w+)\s*)?(?:,\s*\d+\s*)?>)$"
)


@dataclass(frozen=True)
class FixedPoint:
    """The number format `ap_fixed<width, integer, rounding, overflow>` (`ap_ufixed` if not signed).

    Attributes:
        signed: Whether values are two's complement.
        width: Bits in all, sign included.
        integer: Bits left of the binary point, sign included; may be negative or exceed `width`.
        rounding: How a cast drops fraction bits. `TRN` rounds to minus infinity, `RND` half to plus
            infinity, `RND_CONV` half to even.
        overflow: How a cast drops integer bits. `WRAP` keeps the low bits, `SAT` stops at the
            ends of the range, `SAT_SYM` at plus and minus the largest value.

    Source: AMD UG1399, "Arbitrary Precision Fixed-Point Data Types".

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

    @classmethod
    def parse(cls, text: str) -> FixedPoint:
        """Read `fixed<W,I,ROUNDING,OVERFLOW>`, `ufixed<…>`, `int<W>` or `uint<W>`, with or without `ap_`.

        Raises:
            ValueError: The text is none of these, or a mode is not one that this package casts exactly.
        """
        match = _PATTERN.match(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no number format; write for example ufixed<4,0> or fixed<16,6,RND,SAT>")
        rounding = match["rounding"] or "TRN"
        overflow = match["overflow"] or "WRAP"
        if rounding not in ("TRN", "RND", "RND_CONV"):
            raise ValueError(f"{text!r}: rounding mode {rounding} is not supported; use TRN, RND or RND_CONV")
        if overflow not in ("WRAP", "SAT", "SAT_SYM"):
            raise ValueError(f"{text!r}: overflow mode {overflow} is not supported; use WRAP, SAT or SAT_SYM")
        width = int(match["bits"] or match["width"])
        integer = width if match["int"] else int(match["integer"])
        return cls(not match["u"], width, integer, rounding, overflow)  # type: ignore[arg-type]

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
            values: Any shape; finite float64, each exact (a float64 holds 53 bits).

        Returns:
            Integers in units of the last bit, same shape.

        Raises:
            ValueError: A value is NaN, infinite or too large to be cast exactly.
        """
        scaled = np.asarray(values, dtype=np.float64) * 2.0**self.fraction
        if not np.isfinite(scaled).all() or (np.abs(scaled) >= 2.0**62).any():
            raise ValueError(f"cannot cast to {self}: values must be finite and below 2**{62 - self.fraction}")
        match self.rounding:
            case "TRN":
                rounded = np.floor(scaled)
            case "RND":
                # floor(x + 1/2) would round x + 1/2 itself once x needs all 53 bits.
                floor = np.floor(scaled)
                rounded = floor + (scaled - floor >= 0.5)
            case "RND_CONV":
                rounded = np.rint(scaled)
        integers = rounded.astype(np.int64)
        match self.overflow:
            case "SAT":
                return np.clip(integers, self.min_integer, self.max_integer)
            case "SAT_SYM":
                return np.clip(integers, -self.max_integer if self.signed else 0, self.max_integer)
            case "WRAP":
                low = integers & ((1 << self.width) - 1)
                return low - ((low > self.max_integer).astype(np.int64) << self.width)

    def to_integers(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Give values that are already in this format as integers in units of the last bit.

        Raises:
            ValueError: A value is not on the grid or out of range.
        """
        scaled = np.asarray(values, dtype=np.float64) * 2.0**self.fraction
        off = (scaled != np.rint(scaled)) | (scaled < self.min_integer) | (scaled > self.max_integer)
        if off.any():
            raise ValueError(f"{int(off.sum())} of {scaled.size} values are not in the number format {self}")
        return scaled.astype(np.int64)

    def to_real(self, integers: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Turn integers in units of the last bit into real values."""
        return np.asarray(integers).astype(np.float64) * self.lsb

"""Ranges of values, by channel, in Python integers that never overflow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint, Rounding, round_quotient

Integers = npt.NDArray[Any]
"""Python integers, as an array of objects."""


@dataclass(frozen=True)
class Range:
    """Values of a tensor, by channel: multiples of `2**-fraction` from `low` to `high`.

    Attributes:
        low: Smallest value of each channel, [channels], in units of `2**-fraction`.
        high: Largest value of each channel, [channels].
        fraction: Bits right of the binary point.
    """

    low: Integers
    high: Integers
    fraction: int

    @classmethod
    def of(cls, number_format: FixedPoint, channels: int) -> Range:
        """All values that a cast to a number format can give."""
        low, high = number_format.limits
        return cls(constant(channels, low), constant(channels, high), number_format.fraction)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.low)

    @property
    def least(self) -> int:
        """Smallest value of all channels, in units of `2**-fraction`."""
        return int(min(self.low))

    @property
    def most(self) -> int:
        """Largest value of all channels, in units of `2**-fraction`."""
        return int(max(self.high))

    @property
    def min(self) -> float:
        """Smallest value of all channels."""
        return float(self.least) * 2.0**-self.fraction

    @property
    def max(self) -> float:
        """Largest value of all channels."""
        return float(self.most) * 2.0**-self.fraction

    @property
    def magnitude(self) -> int:
        """Largest magnitude of all channels, in units of `2**-fraction`."""
        return max(-self.least, self.most, 0)

    def within(self, low: int, high: int) -> bool:
        """Return whether every value lies between two, both included, in units of `2**-fraction`."""
        return low <= self.least and self.most <= high

    def with_fraction(self, fraction: int) -> Range:
        """The same values in units of `2**-fraction`, which must not be coarser."""
        factor = 1 << (fraction - self.fraction)
        return Range(self.low * factor, self.high * factor, fraction)

    def with_zero(self) -> Range:
        """The range widened to hold zero, as padding does."""
        return Range(np.minimum(self.low, 0), np.maximum(self.high, 0), self.fraction)

    def joined(self) -> Range:
        """One channel that covers all."""
        return Range(constant(1, self.least), constant(1, self.most), self.fraction)

    def spread(self, channels: int) -> Range:
        """Repeat the channels, as flattening an image does; if that is impossible, each gets the range of all."""
        if channels % self.channels:
            return self.joined().spread(channels)
        times = channels // self.channels
        return Range(np.tile(self.low, times), np.tile(self.high, times), self.fraction)

    def fits(self, number_format: FixedPoint) -> bool:
        """Return whether every value is a value of the format."""
        if number_format.fraction < self.fraction:
            return False
        fine = self.with_fraction(number_format.fraction)
        return fine.within(number_format.min_integer, number_format.max_integer)

    def format(self) -> FixedPoint:
        """Return the smallest number format that holds every value.

        Raises:
            ValueError: It has more than 63 bits.
        """
        return FixedPoint.holding(self.least, self.most, self.fraction)

    def rounded(self, fraction: int, rounding: Rounding, divisor: int = 1) -> Range:
        """Divide by a number and round to units of `2**-fraction`, which all roundings do monotonically."""
        dropped = self.fraction - fraction
        factor, denominator = 1 << max(-dropped, 0), divisor << max(dropped, 0)
        low, high = (quotient(side * factor, denominator, rounding) for side in (self.low, self.high))
        return Range(low, high, fraction)

    def cast(self, number_format: FixedPoint) -> Range:
        """Return the range after a cast, in units of the format's last bit."""
        r = self.rounded(number_format.fraction, number_format.rounding)
        low, high = number_format.limits
        if r.within(low, high):
            return r
        inside = (r.low >= low) & (r.high <= high)
        match number_format.overflow:
            case "SAT" | "SAT_SYM":
                return Range(np.clip(r.low, low, high), np.clip(r.high, low, high), r.fraction)
            case "SAT_ZERO":
                # What remains is inside, and zero.
                zero_low, zero_high = np.clip(r.low, low, 0), np.clip(r.high, 0, high)
                return Range(np.where(inside, r.low, zero_low), np.where(inside, r.high, zero_high), r.fraction)
        return Range(np.where(inside, r.low, low), np.where(inside, r.high, high), r.fraction)

    def through(self, number_format: FixedPoint) -> Range:
        """Return the range after a cast, in its own units where the cast changes no value."""
        return self if self.fits(number_format) else self.cast(number_format)


def common(a: Range, b: Range) -> tuple[Range, Range]:
    """Bring two ranges to the same units."""
    fraction = max(a.fraction, b.fraction)
    return a.with_fraction(fraction), b.with_fraction(fraction)


def join(ranges: Sequence[Range]) -> Range:
    """The range that holds all of them, in the finest of their units."""
    fraction = max(r.fraction for r in ranges)
    fine = [r.with_fraction(fraction) for r in ranges]
    low = np.minimum.reduce([r.low for r in fine])
    return Range(low, np.maximum.reduce([r.high for r in fine]), fraction)


def quotient(values: Integers, divisor: int, rounding: Rounding) -> Integers:
    """Divide integers by a positive one, and round as `ap_fixed` does."""
    floor = values // divisor
    return round_quotient(floor, values - floor * divisor, divisor, rounding)


def constant(channels: int, value: int) -> Integers:
    """The same Python integer for every channel."""
    array = np.empty(channels, dtype=object)
    array[:] = int(value)
    return array


def integers(values: Iterable[int]) -> Integers:
    """An array of Python integers."""
    listed = [int(value) for value in values]
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array

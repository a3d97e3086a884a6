"""Ranges of values, by channel, in Python integers that never overflow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.fixed_point import FixedPoint

Integers = npt.NDArray[Any]
"""Python integers, as an array of objects."""


@dataclass(frozen=True)
class Range:
    """Values of a tensor: integers from `low` to `high`, in units of `2**-fraction`.

    Attributes:
        low: Smallest value of each channel, [channels].
        high: Largest value of each channel, [channels].
        fraction: Bits right of the binary point.
    """

    low: Integers
    high: Integers
    fraction: int

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.low)

    @property
    def least(self) -> int:
        """Smallest value of all channels."""
        return int(min(self.low))

    @property
    def most(self) -> int:
        """Largest value of all channels."""
        return int(max(self.high))

    @property
    def magnitude(self) -> int:
        """Largest magnitude of all channels."""
        return max(-self.least, self.most, 0)

    def within(self, low: int, high: int) -> bool:
        """Tell whether every value lies between two, both included."""
        return low <= self.least and self.most <= high

    def with_zero(self) -> Range:
        """The range widened to hold zero, as padding does."""
        return Range(np.minimum(self.low, 0), np.maximum(self.high, 0), self.fraction)

    def tiled(self, channels: int) -> Range:
        """The same values with another number of channels: in turn, as flattening gives them, or else all of them."""
        if channels % self.channels:
            return Range(constant(channels, self.least), constant(channels, self.most), self.fraction)
        times = channels // self.channels
        return Range(np.tile(self.low, times), np.tile(self.high, times), self.fraction)

    def finer(self, fraction: int) -> Range:
        """The same values in units of `2**-fraction`, which must not be coarser."""
        factor = 1 << (fraction - self.fraction)
        return Range(self.low * factor, self.high * factor, fraction)


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


def full(number_format: FixedPoint, channels: int) -> Range:
    """All values of a number format that a cast to it can give."""
    low, high = limits(number_format)
    return Range(constant(channels, low), constant(channels, high), number_format.fraction)


def limits(number_format: FixedPoint) -> tuple[int, int]:
    """Smallest and largest value that a cast leaves as it is."""
    low, high = number_format.min_integer, number_format.max_integer
    if number_format.overflow == "SAT_SYM" and number_format.signed and number_format.width > 1:
        low = -high
    return low, high


def join(ranges: Sequence[Range]) -> Range:
    """The range that holds all of them, in the finest of their units."""
    fraction = max(r.fraction for r in ranges)
    fine = [r.finer(fraction) for r in ranges]
    low = np.minimum.reduce([r.low for r in fine])
    return Range(low, np.maximum.reduce([r.high for r in fine]), fraction)


def rounded(value: int, divisor: int, rounding: str) -> int:
    """Round `value / divisor`, a quotient of integers, to a whole number as `ap_fixed` does."""
    floor, rest = divmod(value, divisor)
    above, tie = 2 * rest > divisor, 2 * rest == divisor
    up = {
        "TRN": False,
        "TRN_ZERO": rest > 0 and value < 0,
        "RND": above or tie,
        "RND_ZERO": above or (tie and value < 0),
        "RND_INF": above or (tie and value >= 0),
        "RND_MIN_INF": above,
        "RND_CONV": above or (tie and floor % 2 == 1),
    }[rounding]
    return floor + int(up)


def rounded_to(values: Range, fraction: int, rounding: str, divisor: int = 1) -> Range:
    """Divide by a number and round to units of `2**-fraction`, which all roundings do monotonically."""
    shift = values.fraction - fraction
    factor, denominator = 1 << max(-shift, 0), divisor << max(shift, 0)
    low, high = (
        integers(rounded(int(v) * factor, denominator, rounding) for v in side) for side in (values.low, values.high)
    )
    return Range(low, high, fraction)

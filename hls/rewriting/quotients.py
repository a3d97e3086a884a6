"""Division of exact sums by a whole number, as a product with a constant that is rounded to a fine grid.

The sums are multiples of a unit, the divisor is N. A cast behind the division rounds at thresholds, which are multiples
of half a step of its grid. A quotient that is not a threshold is at least `unit / N` away from each, where the unit is
one of both grids. So rounding it to a grid that is no coarser keeps it on its side, and keeps a quotient that is a
threshold: the cast gives what it would of the exact quotient, ties included.

An exact quotient is never halfway between two values of that grid, but at least `grid / 2 / (N without factors of two)`
away. A constant whose product has a smaller error gives the value that the exact quotient has on this grid.
"""

from __future__ import annotations

from dataclasses import dataclass

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph.ranges import Range
from trigcnn.hls.rewriting.constants import EXACT_BITS


@dataclass(frozen=True)
class Quotient:
    """A product in place of a quotient.

    Attributes:
        factor: The constant.
        result: Number format to which the product is rounded; it holds every quotient.
    """

    factor: float
    result: FixedPoint


def quotient(sums: Range, divisor: int, fraction: int) -> Quotient:
    """Return the product that stands for a division.

    Args:
        sums: Range of what is divided.
        divisor: A whole number that is no power of two.
        fraction: Fraction bits of the finest cast that rounds the quotients.

    Raises:
        ValueError: The product has more than 53 bits, which float64 does not hold.
    """
    twos = (divisor & -divisor).bit_length() - 1
    odd = divisor >> twos
    unit = max(sums.fraction, fraction + 1 - twos)
    result = unit + divisor.bit_length()
    # The error of the factor is at most 2**-(bits + 1), and the sums are less than 2**magnitude.
    magnitude = sums.magnitude.bit_length() - sums.fraction
    bits = magnitude + result + odd.bit_length()
    factor = ((1 << bits) + divisor // 2) // divisor
    if factor.bit_length() + sums.magnitude.bit_length() > EXACT_BITS:
        raise ValueError(f"the product that stands for a division by {divisor} has more than {EXACT_BITS} bits")
    rounded = sums.rounded(result, "RND_CONV", divisor)
    held = FixedPoint.holding(rounded.least, rounded.most, result)
    return Quotient(factor * 2.0**-bits, FixedPoint(held.signed, held.width, held.integer, "RND_CONV", "WRAP"))

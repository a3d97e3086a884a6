"""Functions of fixed-point numbers that are constant between changes, as tables or as thresholds.

A function of few values, such as a quantized tanh, is a table of its values behind the number of changes up to `x`.
That number is `floor((x + offset) / 2**shift)`, where a second table has an offset for each piece of `2**shift` values
of `x`: pieces are so short that none has two changes, and the offset moves a change to the next multiple of
`2**shift`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint

Function = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
"""From real values to real values, each by itself."""

MAX_TABLE_BITS = 14
_ALL_BITS, _SAMPLED_BITS = 22, 20
_PACKET = 64
_NARROWEST = 2
"""Bits of the narrowest number type of all back ends."""


@dataclass(frozen=True)
class Steps:
    """A function that is constant between changes.

    Attributes:
        format: Number format of its argument, which truncates and saturates where that changes no result.
        changes: Integers of the format at which the result is another one than just below, ascending.
        values: Results below the first change, and from each change on.
    """

    format: FixedPoint
    changes: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]

    def table(self) -> npt.NDArray[np.float64]:
        """Return the results by the argument's bits, read as an unsigned number: negative arguments come last."""
        return self.values[np.searchsorted(self.changes, _by_pattern(self.format), side="right")]


@dataclass(frozen=True)
class Thresholds:
    """The same function with two small tables.

    Attributes:
        piece: Cast to the number of the piece.
        offsets: Offset of each piece, by the bits of its number.
        change: Cast from argument plus offset to the number of changes, which is never out of range.
        values: Results, by the number of changes.
    """

    piece: FixedPoint
    offsets: npt.NDArray[np.float64]
    change: FixedPoint
    values: npt.NDArray[np.float64]

    @property
    def entries(self) -> int:
        """Entries of both tables."""
        return len(self.offsets) + len(self.values)


def steps(function: Function, given: FixedPoint) -> Steps | None:
    """Find the changes of a function by evaluating it, and the shortest argument that keeps its results.

    Up to 2**22 arguments are all evaluated. Of more, 2**20 are, then the pieces with a change in them and those beside
    them again, and so on: two changes that cancel out within a piece are not seen. No activation of QKeras has such.

    Args:
        function: What a table is made of.
        given: Number format of its argument.

    Returns:
        The function; None if it has too many results for a table.
    """
    function = _in_packets(function)
    found = _changes(function, given)
    if found is None:
        return None
    values = function(given.to_real(np.concatenate([[given.min_integer], found])))
    changes, width, fraction = found, given.width, given.fraction
    # Low bits that make no difference can be truncated, which rounds to minus infinity.
    while width > _NARROWEST and not (changes % 2).any():
        changes, width, fraction = changes // 2, width - 1, fraction - 1
    # Beyond some value the result is constant: saturate there.
    while width > _NARROWEST and _inside(changes, given.signed, width - 1):
        width -= 1
    if (width, fraction) == (given.width, given.fraction):
        return Steps(FixedPoint(given.signed, given.width, given.integer), changes, values)
    return Steps(FixedPoint(given.signed, width, width - fraction, "TRN", "SAT"), changes, values)


def thresholds(of: Steps) -> Thresholds | None:
    """Return the form with two tables, with pieces as long as possible; None if changes are too close together."""
    changes, given = of.changes, of.format
    if not len(changes):
        return None
    for shift in range(given.width - _NARROWEST, 0, -1):
        inner = changes[changes % (1 << shift) != 0] >> shift
        if len(np.unique(inner)) == len(inner):
            break
    else:
        return None
    piece = FixedPoint(given.signed, given.width - shift, given.integer, "TRN", "WRAP")
    width = max(len(changes).bit_length(), _NARROWEST)
    if max(piece.width, width) > MAX_TABLE_BITS:
        return None
    first = _by_pattern(piece) << shift
    before = np.searchsorted(changes, first, side="right")
    has = np.searchsorted(changes, first + (1 << shift) - 1, side="right") > before
    own = changes[np.minimum(before, len(changes) - 1)]
    offsets = np.where(has, ((before + 1) << shift) - own, (before << shift) - first)
    change = FixedPoint(False, width, width + shift - given.fraction, "TRN", "WRAP")
    values = of.values[np.minimum(np.arange(1 << width), len(changes))]
    return Thresholds(piece, offsets * given.lsb, change, values)


def _changes(function: Function, given: FixedPoint) -> npt.NDArray[np.int64] | None:
    """Return the arguments at which the result is another one than just below; None if there are too many."""
    first, last = given.min_integer, given.max_integer
    length = 1 << (given.width - _SAMPLED_BITS if given.width > _ALL_BITS else 0)
    values = function(given.to_real(np.arange(first, last + 1, length)))
    starts = first + length * np.flatnonzero(values[1:] != values[:-1])
    while length > 1 and len(starts) <= 1 << MAX_TABLE_BITS:
        shorter = max(length >> 4, 1)
        near = np.unique(np.concatenate([starts - length, starts, starts + length]))
        places = (near[:, None] + np.arange(0, length + 1, shorter)).clip(first, last)
        values = function(given.to_real(places.ravel())).reshape(places.shape)
        starts, length = places[:, :-1][values[:, 1:] != values[:, :-1]], shorter
    return starts + 1 if len(starts) <= 1 << MAX_TABLE_BITS else None


def _in_packets(function: Function) -> Function:
    """Return the function, evaluated on a whole number of packets of the processor's vector instructions.

    TensorFlow computes the rest of an array with other instructions, whose logarithms differ in the last bit. With
    `quadratic_approximation`, QKeras rounds logarithms of powers of two, which lie halfway between two results.
    """

    def evaluated(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return function(np.resize(values, -(-len(values) // _PACKET) * _PACKET))[: len(values)]

    return evaluated


def _inside(changes: npt.NDArray[np.int64], signed: bool, width: int) -> bool:
    """Return whether all changes lie within a width, so that saturation to it keeps each result."""
    half = 1 << (width - 1)
    low, high = (-half, half - 1) if signed else (0, 2 * half - 1)
    return bool(np.all((changes > low) & (changes <= high)))


def _by_pattern(number_format: FixedPoint) -> npt.NDArray[np.int64]:
    patterns = np.arange(1 << number_format.width)
    negative = patterns > number_format.max_integer
    return patterns - (negative.astype(np.int64) << number_format.width)

"""Functions of fixed-point numbers that are constant between changes, as tables or as thresholds.

A function of few values, such as a quantized tanh, is a table of its values behind the number of changes up to `x`.
That number is `floor((x + offset) / 2**shift)`, where a second table has an offset for each piece of `2**shift` values
of `x`: pieces are so short that none has two changes, and the offset moves a change to the next multiple of
`2**shift`. Where changes lie both close together and far apart, as with powers of two, the function is the sum of
several, each of which is constant but between some of the changes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint

Function = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
"""From real values to real values, each by itself."""

MAX_TABLE_BITS = 14
_MOST_PARTS = 4
_WIDEST = 51
"""Bits of an argument to which offsets are added; the sums have up to 53."""
_ALL_BITS, _SAMPLED_BITS = 22, 20
_PACKET = 64
_FLOAT32_BITS = 24
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

    def narrow_offsets(self) -> list[npt.NDArray[np.float64]]:
        """Return tables of values that float32 holds, which add up to the offsets."""
        _, exponents = np.frexp(np.abs(self.offsets).max())
        result: list[npt.NDArray[np.float64]] = []
        rest, last = self.offsets, int(exponents) - _FLOAT32_BITS
        while rest.any() or not result:
            result.append(np.ldexp(np.trunc(np.ldexp(rest, -last)), last))
            rest, last = rest - result[-1], last - _FLOAT32_BITS
        return result


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
    return _shortest(given, found, function(given.to_real(np.concatenate([[given.min_integer], found]))))


def _shortest(given: FixedPoint, changes: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> Steps:
    """Return a function of given changes with the shortest argument that keeps its results."""
    width, fraction = given.width, given.fraction
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


def parts(function: Callable[[Any], Any], given: FixedPoint, *, adds: bool) -> list[Callable[[Any], Any]] | None:
    """Return functions that have tables and add up to a function; None if that takes too many or too large ones.

    Args:
        function: From float32 tensors to float32 tensors, each value by itself.
        given: Number format of its argument.
        adds: Whether there is a layer that adds, which thresholds need too.
    """
    if given.width <= MAX_TABLE_BITS:
        return [function]
    found = steps(on_reals(function), given)
    if found is None or (found.format.width > MAX_TABLE_BITS and not (adds and found.format.width <= _WIDEST)):
        return None
    if found.format.width <= MAX_TABLE_BITS or thresholds(found) is not None:
        return [function]
    result: list[Callable[[Any], Any]] = []
    first, changes = 0, found.changes
    # Far from changes, where the processor's instructions agree.
    middles = [found.format.min_integer, *(changes[:-1] + changes[1:]) // 2, found.format.max_integer]
    while first < len(changes):
        last = _longest(found, first)
        if last == first or len(result) == _MOST_PARTS:
            return None
        low, high = found.format.to_real(np.array([middles[first], middles[last]]))
        result.append(_between(function, np.float32(low), np.float32(high), from_zero=first > 0))
        first = last
    return result


def _longest(of: Steps, first: int) -> int:
    """Return the end of the longest run of changes, from the first, that have a table or thresholds."""
    low, high = first, len(of.changes)
    while low < high:
        last = (low + high + 1) // 2
        found = _shortest(of.format, of.changes[first:last], of.values[first : last + 1])
        if found.format.width <= MAX_TABLE_BITS or thresholds(found) is not None:
            low = last
        else:
            high = last - 1
    return low


def _between(function: Callable[[Any], Any], low: Any, high: Any, *, from_zero: bool) -> Callable[[Any], Any]:
    """Return a function that is constant below and above some arguments, and perhaps zero below."""

    def part(x: Any) -> Any:
        tf = sys.modules["tensorflow"]
        # In float32, TensorFlow might subtract within the quantizer, which then rounds.
        result = tf.cast(function(tf.clip_by_value(x, low, high)), tf.float64)
        return result - below if from_zero else result

    below = on_reals(function)(np.full(1, low))
    return part


def on_reals(function: Callable[[Any], Any]) -> Function:
    """Return a function of float32 tensors as one of real values, which it rounds to float32 as Keras does."""
    return lambda values: np.asarray(function(np.asarray(values, np.float32)), np.float64)


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

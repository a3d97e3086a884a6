"""All values that numbers can take, in batches: a bit of each case is a bit of a Python integer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
import numpy.typing as npt

from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph.definition import Function, Integers

_BITS = 20
"""Logarithm of the cases of a batch of one number."""
MOST_CASES = 1 << 22
"""Largest number of combinations of several numbers' values."""
MOST_VALUES = 1 << 28
"""Largest number of values of one number."""

Leaf = tuple[int, int, int, int]
"""A bit of `factor * number + shift`: place of the number, factor, shift, position of the bit."""
_Pattern = tuple[int, int, int, int | None]


@dataclass
class Batch:
    """Some cases.

    Attributes:
        count: How many.
        values: Of each number, the value in each case.
        results: What the function gives in each case, or in all.
        ignored: Cases that cannot come, as bits.
    """

    count: int
    values: Sequence[Integers]
    results: Integers
    ignored: int = 0

    def bit(self, leaf: Leaf) -> int:
        """Return a bit of a number in each case."""
        which, factor, shift, position = leaf
        return packed((self.values[which] * factor + shift) >> position & 1)

    def wanted(self, position: int) -> int:
        """Return a bit of the function in each case."""
        if self.results.size == 1:
            return ((1 << self.count) - 1) * (int(self.results[0]) >> position & 1)
        return packed(self.results >> position & 1)


@dataclass
class _Span(Batch):
    """Consecutive values of one number from a multiple of `2**_BITS` on.

    Attributes:
        start: The first value.
        cache: Patterns that all spans have in common.
    """

    start: int = 0
    cache: dict[_Pattern, int] = field(default_factory=dict)

    def bit(self, leaf: Leaf) -> int:
        """Return a bit of the number in each case.

        The lowest bits are the same in every span; above them, what a span begins with is added.
        """
        _, factor, shift, position = leaf
        # `factor * start` is a multiple of this.
        low = _BITS + (factor & -factor).bit_length() - 1
        if position < low:
            return self._pattern(factor, shift, position, None)
        size = 1 << _BITS
        ends = ((shift + min(factor * (size - 1), 0)) >> low, (shift + max(factor * (size - 1), 0)) >> low)
        above = [k for k in range(ends[0], ends[1] + 1) if ((self.start * factor >> low) + k) >> (position - low) & 1]
        return sum(self._pattern(factor, shift, low, k) for k in above) & ((1 << self.count) - 1)

    def _pattern(self, factor: int, shift: int, position: int, above: int | None) -> int:
        """Return a bit of `factor * case + shift`; or in which cases what is left from this bit on is a number."""
        key = (factor, shift, position, above)
        if key not in self.cache:
            numbers = np.arange(1 << _BITS, dtype=np.int64) * factor + shift >> position
            self.cache[key] = packed(numbers & 1 if above is None else numbers == above)
        return self.cache[key] & ((1 << self.count) - 1)


def batches(function: Function, ranges: Sequence[tuple[int, int]]) -> Iterator[Batch]:
    """Give all combinations of values of a function's numbers.

    Args:
        function: The function.
        ranges: The ends of the interval of each number.

    Raises:
        ProofError: They are too many.
    """
    count = prod(high - low + 1 for low, high in ranges)
    if len(ranges) == 1 and 1 << _BITS < count <= MOST_VALUES:
        yield from _spans(function, *ranges[0])
        return
    if count > MOST_CASES:
        raise ProofError(f"{count} combinations of values are too many to try")
    values = grid(ranges)
    yield Batch(count, values, np.broadcast_to(function.compute(*values), (count,)))


def _spans(function: Function, low: int, high: int) -> Iterator[Batch]:
    cache: dict[_Pattern, int] = {}
    for start in range(low >> _BITS << _BITS, high + 1, 1 << _BITS):
        first, last = max(start, low), min(start + (1 << _BITS) - 1, high)
        ends = function.compute(np.array([first, last]))
        values = np.arange(start, last + 1, dtype=np.int64)
        results = ends[:1] if function.monotone and ends[0] == ends[1] else function.compute(np.maximum(values, low))
        yield _Span(last - start + 1, [values], results, (1 << (first - start)) - 1, start, cache)


def grid(ranges: Sequence[tuple[int, int]]) -> list[Integers]:
    """Return all combinations of integers from intervals: one array per interval."""
    axes = [np.arange(low, high + 1, dtype=np.int64) for low, high in ranges]
    return [each.reshape(-1) for each in np.meshgrid(*axes, indexing="ij")]


def unpacked(lanes: int, count: int) -> npt.NDArray[np.uint8]:
    """Return the bit of each case."""
    data = np.frombuffer(lanes.to_bytes(-(-count // 8), "little"), np.uint8)
    return np.unpackbits(data, bitorder="little")[:count]


def packed(bits: Integers) -> int:
    """Return one bit per case as a number."""
    return int.from_bytes(np.packbits(bits.astype(np.uint8), bitorder="little").tobytes(), "little")

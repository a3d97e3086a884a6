"""Values packed into words: their ranges, their bits, and moves from one format to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.rtl.netlist import Constant, Net, Piece, Repeat, Slice


@dataclass(frozen=True)
class Interval:
    """The values of one channel: `low` to `high` in multiples of `step`, a power of two."""

    low: float
    high: float
    step: float

    @classmethod
    def of(cls, value: float) -> Interval:
        """Return the interval of a constant."""
        numerator, denominator = value.as_integer_ratio()
        return cls(value, value, float((numerator & -numerator) / denominator) if value else 1.0)

    @property
    def constant(self) -> bool:
        """Whether there is only one value; it then has no bits."""
        return self.low == self.high

    @property
    def zero(self) -> bool:
        """Whether every value is zero."""
        return self.low == self.high == 0

    @property
    def kif(self) -> tuple[int, int, int]:
        """Sign bit, integer bits and fraction bits of the narrowest format that holds the values."""
        from alkaid.types import QInterval

        sign, integer, fraction = QInterval(self.low, self.high, self.step).kif
        return int(sign), int(integer), int(fraction)

    @property
    def bits(self) -> int:
        """Bits in a word."""
        return 0 if self.constant else sum(self.kif)

    def union(self, other: Interval) -> Interval:
        """The smallest interval that has the values of both."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Interval(low, high, min(self.last_bit, other.last_bit))

    @property
    def last_bit(self) -> float:
        """Return the step; for a constant, its last bit."""
        if not self.constant:
            return self.step
        return Interval.of(self.low).step if self.low else np.inf


def live_bits(channels: Sequence[Interval]) -> int:
    """Bits of the values of some channels."""
    return sum(channel.bits for channel in channels)


def format_interval(number_format: FixedPoint) -> Interval:
    """All values of a number format."""
    return Interval(number_format.min, number_format.max, number_format.lsb)


def symbolic(channels: Sequence[Interval], *, whole_words: bool = False) -> Any:
    """Return alkaid's `FVArray` [channels] for intervals."""
    from alkaid.trace import FVArray
    from alkaid.types import Precision

    ranges = [
        Precision(bool(c.kif[0]), c.kif[1], c.kif[2]).qint
        if whole_words and not c.constant
        else (c.low, c.high, c.step)
        for c in channels
    ]
    low, high, step = (np.array(column, dtype=float) for column in zip(*ranges, strict=True))
    return FVArray.from_lhs(low, high, step)


def converted(net: Net, sources: Sequence[Interval], targets: Sequence[tuple[int, int, int]]) -> tuple[Piece, ...]:
    """Return the bits of a word in other formats, which must hold its values.

    Args:
        net: The word, packed as `sources` say.
        sources: The values of each channel.
        targets: Sign, integer and fraction bits of each channel in the result; what lies beyond them is dropped.
    """
    pieces: list[Piece] = []
    low = 0
    for source, target in zip(sources, targets, strict=True):
        pieces += _constant_bits(source, target) if source.constant else _moved_bits(net, low, source.kif, target)
        low += source.bits
    return tuple(pieces)


def _constant_bits(source: Interval, target: tuple[int, int, int]) -> list[Piece]:
    width = sum(target)
    if width <= 0:
        return []
    return [Constant(int(source.low * 2.0 ** target[2]) % (1 << width), width)]


def _moved_bits(net: Net, low: int, source: tuple[int, int, int], target: tuple[int, int, int]) -> list[Piece]:
    """Return a number's bits in a target format: low zeros, its own bits, and its sign."""
    width = sum(target)
    if width <= 0:
        return []
    # Exponents of two: of the lowest bit, and of the bit above the highest.
    source_low, source_high = -source[2], source[0] + source[1]
    target_low, target_high = -target[2], target[0] + target[1]
    pieces: list[Piece] = []
    zeros = min(max(source_low - target_low, 0), width)
    if zeros:
        pieces.append(Constant(0, zeros))
    start, end = max(source_low, target_low), min(source_high, target_high)
    if end > start:
        pieces.append(Slice(net, low + start - source_low, end - start))
    missing = width - zeros - max(end - start, 0)
    if missing:
        sign = Repeat(net, low + sum(source) - 1, missing) if source[0] else Constant(0, missing)
        pieces.append(sign)
    return pieces


def formats(channels: Sequence[Interval]) -> str:
    """Return the number formats of a word in words, from the lowest bits on.

    >>> formats([Interval(0, 3, 1), Interval(0, 3, 1), Interval(-1, 0.5, 0.5)])
    '2 x ufixed<2,2>, fixed<2,1>'
    """
    texts = [str(_format(channel)) for channel in channels if channel.bits]
    groups = [(text, len(list(group))) for text, group in groupby(texts)]
    return ", ".join(text if count == 1 else f"{count} x {text}" for text, count in groups) or "nothing"


def _format(channel: Interval) -> FixedPoint:
    sign, integer, fraction = channel.kif
    return FixedPoint(bool(sign), sign + integer + fraction, sign + integer)

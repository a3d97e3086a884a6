"""Steps that change each value by itself: casts, scales, rectification, tables, quotients.

A layer of the emulator is a body, such as a convolution, and then steps. Every step knows the range after it, how
large its intermediate values become, and whether it keeps the order of values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from trigcnn.common.fixed_point import FixedPoint, Rounding
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.ranges import Integers, Range, constant


@dataclass(frozen=True)
class Cast:
    """A cast to a number format."""

    format: FixedPoint

    def dropped(self, before: Range) -> int:
        """Fraction bits that it drops; negative where it adds some."""
        return before.fraction - self.format.fraction

    def overflows(self, before: Range) -> bool:
        """Return whether a value may lie outside of the format."""
        rounded = before.rounded(self.format.fraction, self.format.rounding)
        return not rounded.within(*self.format.limits)

    def after(self, before: Range) -> Range:
        """The range after it."""
        if self.format.overflow == "WRAP_SM" and self.overflows(before):
            raise ConversionError(
                f"the overflow mode {self.format.overflow} of {self.format} is not emulated where values do overflow; "
                "use WRAP, SAT or SAT_SYM"
            )
        return before.cast(self.format)

    def peak(self, before: Range) -> int:
        """Largest magnitude on the way."""
        dropped = self.dropped(before)
        if dropped > 0:
            return before.magnitude + (1 << (dropped - 1))
        return before.magnitude << -dropped

    def keeps_order(self, before: Range) -> bool:
        """Return whether larger values never give smaller ones."""
        return self.format.overflow in ("SAT", "SAT_SYM") or not self.overflows(before)


@dataclass(frozen=True)
class Affine:
    """`x * scale + bias` by channel, with `gain` more fraction bits than `x`."""

    scale: Integers
    bias: Integers
    gain: int

    def after(self, before: Range) -> Range:
        """The range after it."""
        a, b = before.low * self.scale + self.bias, before.high * self.scale + self.bias
        return Range(np.minimum(a, b), np.maximum(a, b), before.fraction + self.gain)

    def peak(self, before: Range) -> int:
        """Largest magnitude on the way, constants included."""
        scale, bias = np.abs(self.scale), np.abs(self.bias)
        magnitude = np.maximum(np.abs(before.low), np.abs(before.high))
        return int(max(np.maximum(np.maximum(magnitude, 1) * scale + bias, magnitude)))

    def keeps_order(self, before: Range) -> bool:
        """Return whether larger values never give smaller ones."""
        return bool(min(self.scale) >= 0)

    def then(self, other: Affine) -> Affine:
        """Return this step and another after it as one."""
        return Affine(self.scale * other.scale, self.bias * other.scale + other.bias, self.gain + other.gain)


@dataclass(frozen=True)
class Rectify:
    """`max(x, 0)`."""

    def after(self, before: Range) -> Range:
        """The range after it."""
        return Range(np.maximum(before.low, 0), np.maximum(before.high, 0), before.fraction)

    def peak(self, before: Range) -> int:
        """Largest magnitude on the way."""
        return before.magnitude

    def keeps_order(self, before: Range) -> bool:
        """Larger values never give smaller ones."""
        return True


@dataclass(frozen=True)
class Lookup:
    """A table's entry at the low `width` bits of `x`; entries are in units of `2**-fraction`.

    Attributes:
        index: Fraction bits of the number format whose bits are the index.
    """

    width: int
    index: int
    table: Integers
    fraction: int

    def after(self, before: Range) -> Range:
        """The range after it."""
        channels = before.channels
        return Range(constant(channels, min(self.table)), constant(channels, max(self.table)), self.fraction)

    def peak(self, before: Range) -> int:
        """Largest magnitude on the way."""
        return max(before.magnitude, *(abs(int(entry)) for entry in self.table))

    def keeps_order(self, before: Range) -> bool:
        """Return False: a table may have any order."""
        return False


@dataclass(frozen=True)
class Quotient:
    """`x / divisor`, rounded to units of `2**-fraction`."""

    divisor: int
    rounding: Rounding
    fraction: int

    def dropped(self, before: Range) -> int:
        """Fraction bits that it drops; negative where it adds some."""
        return before.fraction - self.fraction

    def after(self, before: Range) -> Range:
        """The range after it."""
        return before.rounded(self.fraction, self.rounding, self.divisor)

    def peak(self, before: Range) -> int:
        """Largest magnitude on the way: of the numerator, and of twice the divisor."""
        dropped = self.dropped(before)
        return max(before.magnitude << max(-dropped, 0), (2 * self.divisor) << max(dropped, 0))

    def keeps_order(self, before: Range) -> bool:
        """Larger values never give smaller ones."""
        return True


Step = Cast | Affine | Rectify | Lookup | Quotient


def finer(channels: int, bits: int) -> Affine:
    """The same values with more fraction bits."""
    return Affine(constant(channels, 1 << bits), constant(channels, 0), bits)


def simplified(steps: Iterable[Step], before: Range) -> tuple[tuple[Step, ...], Range]:
    """Remove steps that change no value in the range, and merge steps where possible.

    Values that fit a format need no cast to it: their own fraction bits are kept, which may be fewer.

    Returns:
        The steps that are left, and the range after them.
    """
    kept: list[Step] = []
    ranges = [before]
    for step in steps:
        now = ranges[-1]
        match step:
            case Cast() if step.dropped(now) <= 0 and not step.overflows(now):
                continue
            case Rectify() if now.least >= 0:
                continue
            case Lookup() if now.fraction < step.index:
                scale = finer(now.channels, step.index - now.fraction)
                kept.append(scale)
                ranges.append(scale.after(now))
            case Affine() if kept and isinstance(before_it := kept[-1], Affine):
                step = before_it.then(step)
                kept.pop()
                ranges.pop()
        kept.append(step)
        ranges.append(step.after(ranges[-1]))
    return tuple(kept), ranges[-1]

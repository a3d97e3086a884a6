"""Receptive fields: which pixels of a network's input the values of a tensor see, counted exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from trigcnn.models.geometry.axis import Axis

Shape = tuple[int, ...]
Pixels = npt.NDArray[np.int64]
# First and last pixel of a value that sees none, such as a zero of padding: neutral in minimum and maximum.
_NONE = (1 << 62, -(1 << 62))


@dataclass(frozen=True)
class Sight:
    """What the values of a tensor see of one axis of an input.

    Attributes:
        source: Name of the input.
        number: Which of its axes, from 0; channels are none.
        axis: The tensor's axis along which that changes; None where its values are in no such order any more.
        first: First pixel that is seen at each place along the axis, [n].
        last: Last pixel that is seen, [n].
        jump: Pixels of the input from one place to the next; None without an axis.
    """

    source: str
    number: int
    axis: int | None
    first: Pixels
    last: Pixels
    jump: Fraction | None

    @property
    def pixels(self) -> int:
        """Most pixels that one value sees: those from the first to the last, all channels of the value together."""
        return max(int((self.last - self.first).max()) + 1, 0)


def of_input(source: str, shape: Shape) -> tuple[Sight, ...]:
    """What an input sees of itself: each pixel one. The last axis is that of channels, unless it is the only one."""
    return tuple(
        Sight(source, number, number, np.arange(size), np.arange(size), Fraction(1))
        for number, size in enumerate(shape if len(shape) == 1 else shape[:-1])
    )


def through_windows(sights: Sequence[Sight], axes: Sequence[Axis]) -> tuple[Sight, ...]:
    """Windows over the first axes of a tensor."""

    def seen(sight: Sight) -> Sight:
        if sight.axis is None:
            # Nobody knows which of the values lie in one window.
            return _all(sight)
        if sight.axis >= len(axes):
            return sight
        axis = axes[sight.axis]
        assert sight.jump is not None  # noqa: S101 - an axis has one
        return replace(
            sight,
            first=_over(sight.first, axis, _NONE[0]).min(axis=1).repeat(axis.repeat),
            last=_over(sight.last, axis, _NONE[1]).max(axis=1).repeat(axis.repeat),
            jump=sight.jump * axis.stride / axis.repeat,
        )

    return tuple(seen(sight) for sight in sights)


def through_channels(sights: Sequence[Sight], axis: int) -> tuple[Sight, ...]:
    """Sums over an axis, as over channels in convolutions and dense layers."""
    return tuple(_all(sight) if sight.axis in (None, axis) else sight for sight in sights)


def reshaped(sights: Sequence[Sight], old: Shape, new: Shape) -> tuple[Sight, ...]:
    """The same values in row-major order in another shape; an axis that stays whole stays an axis."""
    before = {(math.prod(new[:axis]), size): axis for axis, size in reversed(list(enumerate(new)))}

    def moved(sight: Sight) -> Sight:
        kept = None if sight.axis is None else before.get((math.prod(old[: sight.axis]), old[sight.axis]))
        return replace(sight, axis=kept, jump=None if kept is None else sight.jump)

    return tuple(moved(sight) for sight in sights)


def permuted(sights: Sequence[Sight], order: Sequence[int]) -> tuple[Sight, ...]:
    """Axes in another order; `order` is that of the tensor's old axes, from 0."""
    return tuple(sight if sight.axis is None else replace(sight, axis=order.index(sight.axis)) for sight in sights)


def merged(branches: Sequence[Sequence[Sight]]) -> tuple[Sight, ...]:
    """Element by element: what any of the branches sees."""
    found: dict[tuple[str, int], Sight] = {}
    for sight in (sight for branch in branches for sight in branch):
        key = (sight.source, sight.number)
        found[key] = _either(found[key], sight) if key in found else sight
    return tuple(found.values())


def concatenated(branches: Sequence[Sequence[Sight]], shapes: Sequence[Shape], axis: int) -> tuple[Sight, ...]:
    """One behind the other along an axis."""
    vectors = all(len(shape) == 1 for shape in shapes)
    along: dict[tuple[str, int], list[Sight | None]] = {}
    for place, branch in enumerate(branches):
        for sight in branch:
            if sight.axis == axis or (sight.axis is None and vectors):
                along.setdefault((sight.source, sight.number), [None] * len(branches))[place] = sight
    rest = [[s for s in branch if (s.source, s.number) not in along] for branch in branches]
    return tuple(_joined(parts, [shape[axis] for shape in shapes]) for parts in along.values()) + merged(rest)


def _over(pixels: Pixels, axis: Axis, nothing: int) -> Pixels:
    """Return what lies in each window, [windows, f]."""
    cut = pixels[max(-axis.before, 0) : len(pixels) - max(-axis.after, 0)]
    padded = np.pad(cut, (max(axis.before, 0), max(axis.after, 0)), constant_values=nothing)
    return np.lib.stride_tricks.sliding_window_view(padded, axis.window)[:: axis.stride]


def _all(sight: Sight) -> Sight:
    return replace(
        sight, axis=None, first=sight.first.min(keepdims=True), last=sight.last.max(keepdims=True), jump=None
    )


def _either(one: Sight, other: Sight) -> Sight:
    if one.axis != other.axis or len({len(one.first), len(other.first), 1}) > 2:
        one, other = _all(one), _all(other)
    jumps = [jump for jump in (one.jump, other.jump) if jump is not None]
    return replace(
        one,
        first=np.minimum(one.first, other.first),
        last=np.maximum(one.last, other.last),
        jump=max(jumps, default=None),
    )


def _joined(parts: Sequence[Sight | None], sizes: Sequence[int]) -> Sight:
    there = [part for part in parts if part is not None]
    ends = [
        (np.full(size, _NONE[0]), np.full(size, _NONE[1])) if part is None else (part.first, part.last)
        for part, size in zip(parts, sizes, strict=True)
    ]
    jumps = [part.jump for part in there if part.jump is not None]
    return replace(
        there[0],
        axis=None if any(part.axis is None for part in there) else there[0].axis,
        first=np.concatenate([first for first, _ in ends]),
        last=np.concatenate([last for _, last in ends]),
        jump=max(jumps) if len(jumps) == len(there) else None,
    )

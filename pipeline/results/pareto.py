"""The Pareto front of several runs."""

from __future__ import annotations

from collections.abc import Sequence


def front(points: Sequence[tuple[float, ...]]) -> list[int]:
    """Return the points that no other dominates, all coordinates being costs.

    A point dominates another if it is nowhere worse and somewhere better; of equal points all are given.

    Args:
        points: Costs; negate what should be large.

    Returns:
        Their positions, in the order of `points`.

    >>> front([(1.0, 5.0), (2.0, 5.0), (2.0, 3.0), (3.0, 4.0)])
    [0, 2]
    """
    return [index for index, point in enumerate(points) if not any(dominates(other, point) for other in points)]


def dominates(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    """Return whether a point is nowhere worse than another, and somewhere better."""
    return first != second and all(a <= b for a, b in zip(first, second, strict=True))

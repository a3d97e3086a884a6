"""Parts that sources of drawn events share: labels, checks of options, and the split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.damage import check_size
from trigcnn.models.datasets.base import Dataset, DatasetInfo, Labels, Symmetry, split_stratified
from trigcnn.models.datasets.input_format import parse_input_format, put_on_grid
from trigcnn.models.errors import DataError

Rng = np.random.Generator
Range = tuple[float, float]

FEWEST_EVENTS = 100
"""With fewer events, a part of the split would lack a class."""

_MOST_BYTES = 8_000_000_000

CHUNK = 500
"""Events that are drawn at once: their arrays stay in the processor's cache."""


def shuffled_labels(rng: Rng, events: int, shares: Sequence[float]) -> Labels:
    """Return a class for each event, in random order, with exact shares up to rounding.

    Args:
        rng: Source of randomness.
        events: Number of events.
        shares: Share of each class; their sum is 1.
    """
    ends = np.rint(np.cumsum(shares) * events).astype(np.int64)
    labels: Labels = rng.permutation(np.searchsorted(ends, np.arange(events), side="right").astype(np.int64))
    return labels


def between(rng: Rng, limits: Range, size: int) -> npt.NDArray[np.float64]:
    """Draw uniformly between two limits."""
    return rng.uniform(*limits, size)


def power_law(rng: Rng, smallest: float, index: float, size: int, largest: float = np.inf) -> npt.NDArray[np.float64]:
    """Draw from a spectrum that falls as the power `-index`, from `smallest` to `largest`; `index` is above 1.

    >>> bool((power_law(np.random.default_rng(1), 2.0, 3.0, 50, largest=4.0) <= 4).all())
    True
    """
    # End of the integral spectrum, as a share of its beginning.
    end = (largest / smallest) ** (1 - index)
    values: npt.NDArray[np.float64] = smallest * (end + (1 - end) * rng.random(size)) ** (1 / (1 - index))
    return values


def check_option(name: str, value: float, low: float, high: float = np.inf, unit: str = "") -> None:
    """Check that an option lies within its limits.

    Raises:
        DataError: It does not.
    """
    if not low <= value <= high:
        unit = f" {unit}" if unit else ""
        limits = f"between {low:g} and {high:g}{unit}" if np.isfinite(high) else f"at least {low:g}{unit}"
        raise DataError(f"data.options.{name}: {value:g} must be {limits}")


def check_range(name: str, value: Range, low: float, high: float, unit: str = "") -> None:
    """Check that an option of a smallest and a largest value lies within its limits.

    Raises:
        DataError: It does not, or the values are the wrong way round.
    """
    if not low <= value[0] <= value[1] <= high:
        raise DataError(
            f"data.options.{name}: {list(value)} must be a smallest and a largest value between {low:g} and {high:g}"
            f"{f' {unit}' if unit else ''}"
        )


def check_events(events: int, values: int, fewest: int = FEWEST_EVENTS) -> None:
    """Check that there are enough events to be split, and that memory holds them.

    Args:
        events: Number of events.
        values: Numbers in one event.
        fewest: Smallest number of events.

    Raises:
        DataError: There are fewer, or all have more than `_MOST_BYTES`.
    """
    check_option("events", events, fewest)
    size = events * values * np.dtype(np.float32).itemsize
    check_size(f"data.options.events: {events} events", size, _MOST_BYTES, "draw fewer or smaller events", DataError)


def check_choice(name: str, value: str, known: Sequence[str]) -> None:
    """Check that an option is one of the known words.

    Raises:
        DataError: It is not.
    """
    if value not in known:
        raise DataError(f"data.options.{name}: {value!r} is not known; {did_you_mean(value, known)}")


def counting_format(info: DatasetInfo, wanted: FixedPoint | None) -> FixedPoint:
    """Return the number format of a source whose values are counts: unsigned whole numbers.

    Raises:
        DataError: It has a sign or fraction bits, or steps of more than one.
    """
    chosen = wanted or parse_input_format(info.input_format)
    if chosen.signed or chosen.integer != chosen.width:
        raise DataError(
            f"data.input_format {chosen} does not fit the data set {info.name}, which counts from 0; use "
            f"{info.input_format}, or ufixed<W,W> with another number of bits"
        )
    return chosen


def dataset(
    info: DatasetInfo,
    input_format: FixedPoint,
    classes: Sequence[str],
    events: npt.NDArray[Any],
    labels: Labels,
    *,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    symmetries: tuple[Symmetry, ...] = (),
) -> Dataset:
    """Put drawn events on the grid, saturated as in a digitiser, and split them.

    Raises:
        DataError: The fractions leave a part empty.
    """
    train, validation, test = split_stratified(
        put_on_grid(input_format, events, saturate=True, where=info.name),
        labels,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    return Dataset(info.name, input_format, tuple(classes), train, validation, test, symmetries=symmetries)

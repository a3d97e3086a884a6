"""From the events of files, piece by piece, to a data set: the split, and the digitiser's grid.

Events are read after the split is known. So memory holds the data set itself (4 bytes per value), the reader's own
data, and one piece.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.damage import check_size
from trigcnn.models.datasets.base import Dataset, Events, Labels, Split, Symmetry, split_indices
from trigcnn.models.datasets.input_format import put_on_grid
from trigcnn.models.errors import DataError

_FEWER = "set data.options.max_events to fewer events, or data.max_gb to what the memory holds"
# Values of a piece: 16 MB as float32.
_PIECE_VALUES = 2**22


@dataclass(frozen=True)
class Part:
    """Events that were published together, such as the training events.

    Attributes:
        where: What they are, for messages.
        labels: Shape `[n]`, the index of each event's class.
        pieces: Returns at each call a new iterator over all events in order, `[k, ...]` real numbers at a time.
    """

    where: str
    labels: Labels
    pieces: Callable[[], Iterator[npt.NDArray[Any]]]


def pieces_of(events: int, values: int) -> Iterator[slice]:
    """Return slices of events of a few megabytes each.

    Args:
        events: Number of events.
        values: Numbers in one event.
    """
    size = max(1, _PIECE_VALUES // max(1, values))
    for start in range(0, events, size):
        yield slice(start, min(start + size, events))


@dataclass(frozen=True)
class Choice:
    """The split of events, as indices.

    Attributes:
        train: Of the events that were published for training, or of all.
        validation: Of the same.
        test: Of those that were published for the test, or of all.
    """

    train: Labels
    validation: Labels
    test: Labels


def checked_labels(labels: npt.NDArray[Any], allowed: range, where: str) -> Labels:
    """Return labels as 64-bit integers.

    Args:
        labels: Shape `[n]`, whole numbers.
        allowed: What a label may be.
        where: What they are, for messages.

    Raises:
        DataError: A label is something else.
    """
    wrong = (labels < allowed.start) | (labels >= allowed.stop)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(
            f"{where}: {int(wrong.sum())} of {labels.size} labels are not among {allowed.start} to {allowed.stop - 1}, "
            f"the first {labels[at]} at index {at}; the file is damaged, or not the one with the labels: copy or "
            "download it again"
        )
    return labels.astype(np.int64)


def choose(
    labels: Labels,
    test_labels: Labels | None,
    *,
    validation_fraction: float,
    test_fraction: float,
    max_events: int,
    seed: int,
) -> Choice:
    """Choose events for training, validation and test, the same share of each class.

    Args:
        labels: Of all events, or of those that were published for training.
        test_labels: Of those that were published for the test, which stay the test part; None to take it from all.
        validation_fraction: Share of the events of `labels` to validate on.
        test_fraction: Share of the events of `labels` to test on, without `test_labels`.
        max_events: Number of events in total, the same share of each class and part, at least one; 0 for all.
        seed: Seed of the choice.

    Raises:
        DataError: A class has too few events to be split.
    """
    total = labels.size + (0 if test_labels is None else test_labels.size)
    if max_events < 0:
        raise DataError(f"data.options.max_events {max_events}: give a number of events, or 0 for all {total}")
    rng = np.random.default_rng(seed)

    def kept(of: Labels) -> Labels:
        if max_events in range(1, total):
            return _of_each_class(of, lambda size: size * max_events // total, rng)
        return np.arange(of.size)

    first = kept(labels)
    if test_labels is None:
        parts = split_indices(
            labels[first], validation_fraction=validation_fraction, test_fraction=test_fraction, seed=seed
        )
        return Choice(*(first[indices] for indices in parts))
    validated = _of_each_class(labels[first], lambda size: round(size * validation_fraction), rng)
    trained = np.setdiff1d(np.arange(first.size), validated)
    _check_classes(labels[first], labels[first[trained]])
    return Choice(first[trained], first[validated], kept(test_labels))


def assemble(
    name: str,
    input_format: FixedPoint,
    classes: Sequence[str],
    part: Part,
    test: Part | None,
    choice: Choice,
    *,
    most_bytes: int,
    symmetries: tuple[Symmetry, ...] = (),
    notes: tuple[str, ...] = (),
) -> Dataset:
    """Read the chosen events and put them on the digitiser's grid.

    Args:
        name: The registered name.
        input_format: What the digitiser delivers; values beyond it saturate.
        classes: The classes' names.
        part: All events, or those that were published for training.
        test: The events that were published for the test, if any.
        choice: The split.
        most_bytes: Size up to which events are read.
        symmetries: As in `Dataset`.
        notes: As in `Dataset`.

    Raises:
        DataError: A value is NaN or infinite, a file cannot be read, or there are too many events.
    """
    if test is None:
        chosen = [choice.train, choice.validation, choice.test]
        train, validation, tested = _gather(part, chosen, input_format, most_bytes)
    else:
        train, validation = _gather(part, [choice.train, choice.validation], input_format, most_bytes)
        (tested,) = _gather(test, [choice.test], input_format, most_bytes)
    return Dataset(name, input_format, tuple(classes), train, validation, tested, symmetries=symmetries, notes=notes)


def _of_each_class(labels: Labels, share: Callable[[int], int], rng: np.random.Generator) -> Labels:
    """Return the indices, in order, of a share of each class, at least one event."""
    chosen = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        chosen.append(members[: max(1, share(members.size))])
    return np.sort(np.concatenate(chosen))


def _check_classes(labels: Labels, trained: Labels) -> None:
    lost = np.setdiff1d(labels, trained)
    if lost.size:
        number = int(np.count_nonzero(labels == lost[0]))
        raise DataError(
            f"class {int(lost[0])} has only {number} of the {labels.size} training events: none would be left beside "
            "those to validate on; give more events of it, make data.options.max_events larger or "
            "data.validation_fraction smaller"
        )


def _gather(part: Part, choices: Sequence[Labels], input_format: FixedPoint, most_bytes: int) -> list[Split]:
    """Read a part once, and put each event into the split that has its index."""
    orders = [np.argsort(choice) for choice in choices]
    results: list[Events] = []
    start = 0
    for piece in part.pieces():
        if not results:
            size = 4 * sum(choice.size for choice in choices) * math.prod(piece.shape[1:])
            check_size(part.where, size, most_bytes, _FEWER, DataError)
        results = results or [np.empty((choice.size, *piece.shape[1:]), np.float32) for choice in choices]
        stop = start + len(piece)
        for choice, order, result in zip(choices, orders, results, strict=True):
            low, high = np.searchsorted(choice, [start, stop], sorter=order)
            rows = order[low:high]
            if rows.size:
                where = f"{part.where}, events {start} to {stop - 1}"
                result[rows] = put_on_grid(input_format, piece[choice[rows] - start], saturate=True, where=where)
        start = stop
    return [Split(result, part.labels[choice]) for result, choice in zip(results, choices, strict=True)]

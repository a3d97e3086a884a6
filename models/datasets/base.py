"""What every source of events delivers: a number format, events on its grid, and three splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.errors import DataError
from trigcnn.models.heads import Head, Truth

Events = npt.NDArray[np.float32]
Shape = tuple[int, ...]
Labels = npt.NDArray[np.int64]

Symmetry = Literal["shift", "flip_rows", "flip_columns", "quarter_turns", "rotation", "roll_rows"]
"""A change of an image that leaves its class as it is: shifts with nothing coming in, mirror images (rows upside down,
columns left to right), turns by 90 degrees or by any angle, and rows that close to a ring."""


@dataclass(frozen=True)
class Split:
    """Events and what is known of them.

    Attributes:
        events: Shape `[n, ...]`, on the grid of the data set's input format.
        labels: Shape `[n]`, the index of each event's class; zeros where the data set has no classes.
        targets: Shape `[n, ...]`, what a network that does not classify is to give; None where labels are all.
        truths: By output, shape `[n, ...]`: what `Dataset.truths` or `Dataset.heads` describe.
        weights: Shape `[n]`, 0 or more; None if all events count the same.
    """

    events: Events
    labels: Labels
    targets: Events | None = None
    truths: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    weights: npt.NDArray[np.float32] | None = None

    def at(self, rows: npt.NDArray[Any]) -> Split:
        """Return some of the events.

        Args:
            rows: Indices of events, or a truth value for each.
        """
        return Split(
            self.events[rows],
            self.labels[rows],
            None if self.targets is None else self.targets[rows],
            {name: truth[rows] for name, truth in self.truths.items()},
            None if self.weights is None else self.weights[rows],
        )


@dataclass(frozen=True)
class Dataset:
    """Events in three parts; no event is in two of them, though two may be alike.

    Attributes:
        name: The registered name or the file's name.
        input_format: What the digitiser delivers; every event is on its grid.
        classes: The classes' names; a label is an index into them. Empty where the events' classes are not known.
        train: What weights are fitted to.
        validation: What training decisions are made on.
        test: What figures are reported on.
        parts: Shapes of the parts of an event, one for each input of a model that has several. An event is then one
            row: its parts, each flattened, one after the other. Empty for a model of one input.
        symmetries: What may be done to an event in training without changing its class.
        notes: What is worth knowing of where the events come from, a sentence each.
        truths: What a file says of a model's outputs, by output, or `""` for the only one.
        heads: The outputs of the model and what is known of them, once the model is known.
    """

    name: str
    input_format: FixedPoint
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    parts: tuple[Shape, ...] = ()
    symmetries: tuple[Symmetry, ...] = ()
    notes: tuple[str, ...] = ()
    truths: Mapping[str, Truth] = field(default_factory=dict)
    heads: tuple[Head, ...] = ()

    @property
    def input_shape(self) -> Shape:
        """Shape of one event, without the batch."""
        return self.train.events.shape[1:]

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """What a model takes: the shape of each of its inputs."""
        return self.parts or (self.input_shape,)

    def shaped_for(self, shapes: tuple[Shape, ...]) -> Dataset:
        """Leave out the channel axis that events of two axes were given, where a model takes none.

        Args:
            shapes: Shapes of the model's inputs; where they are others in any other way, nothing is changed.
        """
        given = self.input_shapes
        fit = len(shapes) == len(given) and all(
            wanted == shape or (*wanted, 1) == shape for wanted, shape in zip(shapes, given, strict=False)
        )
        if not fit or shapes == given:
            return self
        if self.parts:
            return replace(self, parts=shapes)
        train, validation, test = (
            replace(split, events=split.events.reshape(-1, *shapes[0]))
            for split in (self.train, self.validation, self.test)
        )
        return replace(self, train=train, validation=validation, test=test)


@dataclass(frozen=True)
class DatasetInfo:
    """One line about a registered data set, for people to choose from.

    Attributes:
        name: What `data.source` calls it.
        description: What the events are.
        events: How many there are.
        shape: Shape of one event.
        input_format: The format that is taken when the configuration names none.
        files: What must be in `data.options.folder`; empty for data sets that need no files.
    """

    name: str
    description: str
    events: str
    shape: str
    input_format: str
    files: str = ""


def split_stratified(
    events: Events,
    labels: Labels,
    *,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    targets: Events | None = None,
) -> tuple[Split, Split, Split]:
    """Split events into train, validation and test with equal shares of each class in each.

    Args:
        events: Shape `[n, ...]`.
        labels: Shape `[n]`.
        validation_fraction: Share of all events to validate on, above 0 and below 1.
        test_fraction: Share of all events to test on, above 0 and below 1.
        seed: The same seed, events and fractions give the same split.
        targets: Shape `[n, ...]`, or None.

    Raises:
        DataError: The fractions leave nothing to train on, or a class has too few events to be in each part.
    """
    parts = split_indices(labels, validation_fraction=validation_fraction, test_fraction=test_fraction, seed=seed)
    first, second, third = (
        Split(events[indices], labels[indices], None if targets is None else targets[indices]) for indices in parts
    )
    return first, second, third


def split_indices(
    labels: Labels, *, validation_fraction: float, test_fraction: float, seed: int
) -> tuple[Labels, Labels, Labels]:
    """Return the indices of the events of train, validation and test, as `split_stratified` does.

    Raises:
        DataError: The fractions leave nothing to train on, or a class has too few events to be in each part.
    """
    from sklearn.model_selection import train_test_split

    sizes = _split_sizes(labels, validation_fraction, test_fraction)
    try:
        rest, test = train_test_split(np.arange(labels.size), test_size=sizes[1], stratify=labels, random_state=seed)
        train, validation = train_test_split(rest, test_size=sizes[0], stratify=labels[rest], random_state=seed)
    except ValueError as error:
        raise DataError(
            f"the {labels.size} events cannot be split by class: {error}; give more events, or change "
            "data.validation_fraction and data.test_fraction"
        ) from error
    parts = {"train": train, "validation": validation, "test": test}
    for part, indices in parts.items():
        missing = np.setdiff1d(labels, labels[indices])
        if missing.size:
            raise _too_few(labels, int(missing[0]), f"none of them would be in the {part} part")
    return train, validation, test


def _split_sizes(labels: Labels, validation_fraction: float, test_fraction: float) -> tuple[int, int]:
    """Numbers of validation and test events."""
    if not (validation_fraction > 0 and test_fraction > 0 and validation_fraction + test_fraction < 1):
        raise DataError(
            f"data.validation_fraction {validation_fraction:g} and data.test_fraction {test_fraction:g} "
            "must be above 0, and their sum below 1, so that each part has events"
        )
    classes, counts = np.unique(labels, return_counts=True)
    if counts.size and counts.min() < 3:
        raise _too_few(labels, int(classes[np.argmin(counts)]), "each of the three parts needs at least one")
    sizes = round(labels.size * validation_fraction), round(labels.size * test_fraction)
    for size, option in zip(sizes, ("validation_fraction", "test_fraction"), strict=True):
        if size < classes.size:
            raise DataError(
                f"data.{option} would give {size} of the {labels.size} events, fewer than the {classes.size} "
                "classes; make it larger or give more events"
            )
    return sizes


def _too_few(labels: Labels, label: int, consequence: str) -> DataError:
    count = int(np.count_nonzero(labels == label))
    return DataError(
        f"class {label} has only {count} of the {labels.size} events: {consequence}; give more events of it, "
        "or change data.validation_fraction and data.test_fraction"
    )

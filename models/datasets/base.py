"""What every source of events delivers: a number format, events on its grid, and three splits."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from trigcnn.models.errors import DataError

Events = npt.NDArray[np.float32]
Shape = tuple[int, ...]
Labels = npt.NDArray[np.int64]

Symmetry = Literal["shift", "flip_rows", "flip_columns", "quarter_turns", "rotation", "roll_rows"]
"""A change of an image that leaves its class as it is: shifts with nothing coming in, mirror images (rows upside down,
columns left to right), turns by 90 degrees or by any angle, and rows that close to a ring."""

_PATTERN = re.compile(r"^(?:ap_)?(?P<u>u?)fixed<\s*(?P<width>\d+)\s*,\s*(?P<integer>-?\d+)\s*>$")
# A float32 holds 24 bits and normal numbers from 2**-126 up to 2**128; a format within that is exact.
_MAX_WIDTH = 24
_MIN_EXPONENT, _MAX_EXPONENT = -126, 127


@dataclass(frozen=True)
class InputFormat:
    """The fixed-point format in which the detector's digitiser delivers each value.

    Attributes:
        signed: Whether values are two's complement.
        width: Bits in all, sign included; at most 24, so that a float32 holds every value.
        integer: Bits left of the binary point, sign included; may be negative or exceed `width`.

    >>> InputFormat.parse("ufixed<4,0>").max
    0.9375
    """

    signed: bool
    width: int
    integer: int

    def __post_init__(self) -> None:
        if not 1 <= self.width <= _MAX_WIDTH:
            raise DataError(
                f"data.input_format {self}: the width must lie between 1 and {_MAX_WIDTH} bits, "
                "which is what a float32 holds exactly; choose a narrower format"
            )
        if self.integer - self.width < _MIN_EXPONENT or self.integer > _MAX_EXPONENT:
            raise DataError(
                f"data.input_format {self}: beyond the exponents of a float32; scale the events "
                "and choose a format with fewer integer or fraction bits"
            )

    @classmethod
    def parse(cls, text: str) -> InputFormat:
        """Read `fixed<W,I>` or `ufixed<W,I>`, with or without `ap_`.

        Raises:
            DataError: The text is neither, or the format is one that a float32 does not hold exactly.
        """
        match = _PATTERN.match(text.strip())
        if match is None:
            raise DataError(
                f"data.input_format {text!r} is no input format; write for example ufixed<4,0> or "
                "fixed<16,6>, without rounding or overflow modes: data.saturate sets what overflow does"
            )
        return cls(not match["u"], int(match["width"]), int(match["integer"]))

    @property
    def lsb(self) -> float:
        """Weight of the last bit."""
        return float(2.0 ** (self.integer - self.width))

    @property
    def min(self) -> float:
        """Smallest value."""
        return -(2 ** (self.width - 1)) * self.lsb if self.signed else 0.0

    @property
    def max(self) -> float:
        """Largest value."""
        return float((2 ** (self.width - int(self.signed)) - 1) * self.lsb)

    def __str__(self) -> str:
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.integer}>"

    def put_on_grid(self, events: npt.NDArray[Any], *, saturate: bool, where: str) -> Events:
        """Round real values once, half to even, to values of this format.

        Args:
            events: Any shape; real numbers.
            saturate: Whether values out of range stop at its ends; otherwise they are an error.
            where: What the events are, for the error message, such as "jets.h5, jets/images".

        Returns:
            The values, same shape; each a multiple of `lsb` within `min` and `max`.

        Raises:
            DataError: A value is NaN or infinite, too large an integer to be rounded exactly or, without
                `saturate`, out of range after it was rounded.
        """
        _refuse_inexact(events, where)
        # NumPy's promotion picks a type that holds each event exactly (int64 was checked above), and a
        # power of two scales it exactly; so the only rounding is rint's.
        real = events.astype(np.result_type(events.dtype, np.float32))
        with np.errstate(over="ignore", under="ignore"):
            steps = np.rint(real * real.dtype.type(1 / self.lsb))
        low, high = round(self.min / self.lsb), round(self.max / self.lsb)
        outside = int(np.count_nonzero((steps < low) | (steps > high)))
        if outside and not saturate:
            raise DataError(
                f"{where}: {outside} of {events.size} values lie outside {self}, which holds {self.min:g} to "
                f"{self.max:g} in steps of {self.lsb:g}; the values reach from {real.min():g} to "
                f"{real.max():g}; choose another data.input_format, or set data.saturate: true"
            )
        # Adding zero turns -0.0, which no fixed-point format has, into 0.0.
        on_grid: Events = np.clip(steps, low, high).astype(np.float32) * np.float32(self.lsb) + np.float32(0)
        return on_grid


def _refuse_inexact(events: npt.NDArray[Any], where: str) -> None:
    """Refuse values that cannot be rounded to any grid, or not with one rounding alone."""
    if events.dtype.kind == "f":
        bad = ~np.isfinite(events)
        if bad.any():
            first = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
            raise DataError(
                f"{where}: {int(bad.sum())} of {events.size} values are NaN or infinite, the first at index "
                f"{first}; remove those events or replace the values"
            )
    elif events.dtype.kind in "iu" and events.dtype.itemsize == 8 and events.size:
        largest = max(abs(int(events.min())), abs(int(events.max())))
        if largest > 2**53:
            raise DataError(
                f"{where}: integers up to {largest} are beyond 2**53, where a float64 is no longer exact; "
                "scale the events down"
            )


@dataclass(frozen=True)
class Split:
    """Events and their labels.

    Attributes:
        events: Shape `[n, ...]`, on the grid of the data set's input format.
        labels: Shape `[n]`, the index of each event's class.
        targets: Shape `[n, ...]`, what a network that does not classify is to give; None where labels are all.
    """

    events: Events
    labels: Labels
    targets: Events | None = None


@dataclass(frozen=True)
class Dataset:
    """Events in three parts; no event is in two of them, though two may be alike.

    Attributes:
        name: The registered name or the file's name.
        input_format: What the digitiser delivers; every event is on its grid.
        classes: The classes' names; a label is an index into them.
        train: What weights are fitted to.
        validation: What training decisions are made on.
        test: What figures are reported on.
        parts: Shapes of the parts of an event, one for each input of a model that has several. An event is then one
            row: its parts, each flattened, one after the other. Empty for a model of one input.
        symmetries: What may be done to an event in training without changing its class.
        notes: What is worth knowing of where the events come from, a sentence each.
    """

    name: str
    input_format: InputFormat
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    parts: tuple[Shape, ...] = ()
    symmetries: tuple[Symmetry, ...] = ()
    notes: tuple[str, ...] = ()

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

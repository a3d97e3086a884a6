"""What a file says of its events: classes, masks, targets and weights, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.models.datasets.base import Events, Labels
from trigcnn.models.errors import DataError
from trigcnn.models.heads import Truth

ONLY = ""
"""The key of the truth of a model's only output, where no output is named."""


@dataclass(frozen=True)
class Known:
    """What is known of the events.

    Attributes:
        labels: The class of each event, [events]; zeros where it is not known.
        classes: Names of these classes; empty where they are not known.
        truths: By output; `ONLY` for the only one. The class of each event alone is in `labels`.
        arrays: [events, ...] of each truth.
        weights: [events]; None without.
    """

    labels: Labels
    classes: tuple[str, ...]
    truths: Mapping[str, Truth]
    arrays: Mapping[str, npt.NDArray[Any]]
    weights: Events | None


def known(
    arrays: Mapping[str, tuple[npt.NDArray[Any], str]],
    classes: Sequence[str] | Mapping[str, Sequence[str]] | None,
    events: int,
) -> Known:
    """Check arrays, and return what they say of the events.

    Labels are the class of each event, `[events]` whole numbers from 0 or one-hot `[events, classes]`, or the class of
    each pixel, `[events, height, width]`, `[events, ..., 1]` or one-hot `[events, ..., classes]`.

    Args:
        arrays: Arrays, and where they are from, by option: `data.labels`, `data.labels.OUTPUT`, `data.targets`,
            `data.targets.OUTPUT` and `data.weights`; others are ignored.
        classes: The classes' names, or by output; None names them by their numbers.
        events: Number of events.

    Raises:
        DataError: An array cannot be used, or classes are named for an output without labels.
    """
    labels: Labels = np.zeros(events, np.int64)
    names: tuple[str, ...] = ()
    truths: dict[str, Truth] = {}
    values: dict[str, npt.NDArray[Any]] = {}
    weights = None
    _check_named(arrays, classes)
    for option, (array, where) in arrays.items():
        kind, _, output = option.removeprefix("data.").partition(".")
        if kind == "labels":
            own = classes.get(output) if isinstance(classes, Mapping) else classes
            array = array.ravel() if array.size == len(array) else array
            mask = array.ndim > 2
            found, of_labels = (checked_mask if mask else checked_labels)(array, own, where)
            if not mask and not names:
                labels, names = found, of_labels
            if mask or output:
                truths[output], values[output] = Truth("mask" if mask else "classes", of_labels), found
        elif kind == "targets":
            truths[output], values[output] = Truth("targets"), checked_targets(array, where)
        elif kind == "weights":
            weights = checked_weights(array, where)
    return Known(labels, names, truths, values, weights)


def _check_named(arrays: Mapping[str, Any], classes: Sequence[str] | Mapping[str, Sequence[str]] | None) -> None:
    """Check that each output has one truth, and that classes are named for outputs with labels."""
    outputs = [option.split(".", 2)[2] for option in arrays if option.startswith(("data.labels.", "data.targets."))]
    twice = [output for output in outputs if outputs.count(output) > 1]
    if twice:
        raise DataError(f"data.targets.{twice[0]}: this output has labels too; remove one of the two")
    if isinstance(classes, Mapping):
        for output in classes:
            if f"data.labels.{output}" not in arrays:
                raise DataError(f"data.classes.{output}: this output has no labels; name them in data.labels.{output}")
    elif classes is not None and not any(option.startswith("data.labels") for option in arrays):
        raise DataError("data.classes: the file has no labels; name their array in data.labels, or remove the option")


def checked_targets(targets: npt.NDArray[Any], where: str) -> Events:
    """Check real values [events, ...] and return them as float32, or raise a DataError."""
    if targets.dtype.kind not in "fiub":
        raise DataError(f"{where}: targets of type {targets.dtype}, which are not real numbers; save them as floats")
    with np.errstate(over="ignore"):
        found: Events = targets.astype(np.float32)
    _check_finite(found, "targets", where)
    return found


def checked_weights(weights: npt.NDArray[Any], where: str) -> Events:
    """Check weights [events] and return them as float32, or raise a DataError."""
    if weights.dtype.kind not in "fiub" or weights.ndim != 1:
        raise DataError(
            f"{where}: weights of type {weights.dtype} and shape {weights.shape}; save one real number per event"
        )
    with np.errstate(over="ignore"):
        found: Events = weights.astype(np.float32)
    _check_finite(found, "weights", where)
    if (found < 0).any():
        at = int(np.argmax(found < 0))
        raise DataError(
            f"{where}: {int((found < 0).sum())} weights are negative, the first {found[at]:g} at index {at}; shares of "
            "events and a loss need weights of 0 or more: use their absolute values, or resample the events"
        )
    return found


def _check_finite(values: Events, what: str, where: str) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"{where}: {int(bad.sum())} {what} are NaN, infinite or too large for float32, the first at index "
            f"{at[0] if len(at) == 1 else at}; correct them"
        )


def checked_mask(mask: npt.NDArray[Any], classes: Sequence[str] | None, where: str) -> tuple[Labels, tuple[str, ...]]:
    """Check the classes of pixels and return them as class indices [events, ...], with the classes' names."""
    if mask.ndim > 3 and mask.shape[-1] > 1:
        found, names = checked_labels(mask.reshape(-1, mask.shape[-1]), classes, where)
        return found.reshape(mask.shape[:-1]), names
    found, names = checked_labels(mask.ravel(), classes, where)
    return found.reshape(mask.shape), names


def checked_labels(
    labels: npt.NDArray[Any], classes: Sequence[str] | None, where: str
) -> tuple[Labels, tuple[str, ...]]:
    """Check labels and give them as class indices, with the classes' names."""
    if labels.dtype.kind not in "fiub":
        raise DataError(
            f"{where}: labels of type {labels.dtype}; save them as whole numbers from 0, or one-hot, "
            "and name them in data.classes"
        )
    if labels.ndim == 2:
        number = labels.shape[1]
        if classes is not None and len(classes) != number:
            raise DataError(
                f"{where}: one-hot labels for {number} classes, but data.classes names {len(classes)}; "
                "give one name for each column"
            )
        labels = from_one_hot(labels, where)
    elif labels.ndim != 1:
        raise DataError(f"{where}: labels of shape {labels.shape}; they must be [n], or one-hot [n, classes]")
    elif labels.dtype.kind == "f":
        odd = ~(labels == np.rint(labels)) | np.isinf(labels)
        if odd.any():
            at = int(np.argmax(odd))
            raise DataError(
                f"{where}: {int(odd.sum())} labels are not whole numbers, the first {labels[at]} at index "
                f"{at}; save the classes' indices from 0, or name the array in data.targets if the output is to give "
                "these values"
            )
    names = _class_names(labels, classes, where)
    return labels.astype(np.int64), names


def from_one_hot(labels: npt.NDArray[Any], where: str) -> Labels:
    """Return one-hot labels, `[n, classes]`, as class indices, or raise a DataError."""
    bad = ~(((labels == 0) | (labels == 1)).all(axis=1) & ((labels == 1).sum(axis=1) == 1))
    if bad.any():
        at = int(np.argmax(bad))
        raise DataError(
            f"{where}: labels of shape {labels.shape} are not one-hot: {int(bad.sum())} rows are not one 1 "
            f"among zeros, the first at index {at}; save one-hot rows, or the classes' indices as [n]"
        )
    indices: Labels = np.argmax(labels, axis=1).astype(np.int64)
    return indices


def _class_names(labels: npt.NDArray[Any], classes: Sequence[str] | None, where: str) -> tuple[str, ...]:
    """Check the labels' range and give every class a name."""
    present = np.unique(labels.astype(np.int64) if labels.dtype.kind == "b" else labels)
    low, high = int(present[0]), int(present[-1])
    if high < 1 and (classes is None or len(classes) < 2):
        raise DataError(f"{where}: all labels are {high}; a classifier needs events of two classes or more")
    if classes is not None:
        if len(set(classes)) != len(classes):
            raise DataError(f"data.classes {list(classes)} names a class twice; give each class its own name")
        if low < 0 or high >= len(classes):
            raise DataError(
                f"{where}: labels from {low} to {high}, but data.classes names {len(classes)} classes, "
                f"0 to {len(classes) - 1}; name every class in data.classes"
            )
        return tuple(classes)
    if low < 0:
        raise DataError(f"{where}: labels from {low} to {high}; classes count from 0")
    if present.size != high + 1:
        gap = int(np.argmax(present != np.arange(present.size)))
        raise DataError(
            f"{where}: labels from {low} to {high}, but no event of class {gap}; number the classes without "
            "gaps, or name them all in data.classes"
        )
    return tuple(str(label) for label in range(high + 1))

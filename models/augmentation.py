"""Random changes of events that keep their class: exact symmetries, small shifts and rotations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from trigcnn.models.datasets import Dataset, Symmetry
from trigcnn.models.errors import ModelError

Images = npt.NDArray[np.float32]
Augmentation = Literal["auto", "none"] | list[Symmetry]
"""`none`; `auto`: all symmetries that the data set has; or those that are named."""

# Shift and rotation have their own amounts.
_WITH_AMOUNT: dict[Symmetry, str] = {"shift": "training.shift_pixels", "rotation": "training.rotation_deg"}


def chosen_symmetries(
    wanted: Augmentation, dataset: Dataset, *, shift_pixels: float, rotation_deg: float
) -> tuple[Symmetry, ...]:
    """Return the exact symmetries by which events are augmented.

    Args:
        wanted: `none`; `auto`: all of the data set; or names.
        dataset: The data set, which declares the symmetries of its classes.
        shift_pixels: Largest shift for `shift`.
        rotation_deg: Largest rotation for `rotation`.

    Returns:
        Those for `apply_symmetries`; shifts and rotations are done by `shift_and_rotate`.

    Raises:
        ModelError: The data set does not have the symmetry, its events have the wrong shape for it, or it has no
            amount.
    """
    if wanted == "none":
        # Small amounts of inexact symmetries are the user's own choice.
        return ()
    amounts: dict[Symmetry, float] = {"shift": shift_pixels, "rotation": rotation_deg}
    if wanted == "auto":
        for name, amount in amounts.items():
            if amount:
                _check(name, dataset)
        return tuple(name for name in dataset.symmetries if name not in amounts)
    for name in wanted:
        _check(name, dataset)
        if name in amounts and not amounts[name]:
            raise ModelError(f"training.augmentation: {name} has no amount; set {_WITH_AMOUNT[name]}")
    return tuple(name for name in wanted if name not in amounts)


def _check(name: Symmetry, dataset: Dataset) -> None:
    """Check that a data set has a symmetry."""
    if name not in dataset.symmetries:
        known = ", ".join(dataset.symmetries) or "none"
        raise ModelError(
            f"training.augmentation: {name} may change the class of an event of the data set {dataset.name}, where "
            f"orientation and place matter; it has these symmetries: {known}"
        )
    shape = dataset.input_shape
    images, ring = name in ("flip_columns", "quarter_turns", "rotation"), name in ("flip_rows", "roll_rows", "shift")
    if dataset.parts or (images and len(shape) != 3) or (ring and len(shape) not in (2, 3)):
        raise ModelError(
            f"training.augmentation: {name} is for {'images (height, width, channels)' if images else 'rows'}, but "
            f"events have the shape {dataset.parts or shape}; remove it"
        )
    if name == "quarter_turns" and shape[0] != shape[1]:
        raise ModelError(f"training.augmentation: quarter_turns need square images, not {shape[0]}x{shape[1]}")


def apply_symmetries(events: Images, symmetries: Sequence[Symmetry], rng: np.random.Generator) -> Images:
    """Apply a random choice of exact symmetries to each event; values only move.

    Args:
        events: [events, height, width, channels], or [events, samples, channels] for `flip_rows` and `roll_rows`.
        symmetries: Of `flip_rows`, `flip_columns`, `quarter_turns` and `roll_rows`; done in this order.
        rng: Source of randomness.

    Returns:
        Events of the same shape.
    """
    for name, change in _CHANGES.items():
        if name in symmetries:
            events = change(events, rng)
    return events


def _flip(axis: int) -> Callable[[Images, np.random.Generator], Images]:
    def flip(events: Images, rng: np.random.Generator) -> Images:
        chosen = rng.random(len(events)) < 0.5
        events = events.copy()
        events[chosen] = np.flip(events[chosen], axis)
        return events

    return flip


def _quarter_turns(events: Images, rng: np.random.Generator) -> Images:
    turns = rng.integers(4, size=len(events))
    events = events.copy()
    for number in (1, 2, 3):
        events[turns == number] = np.rot90(events[turns == number], number, (1, 2))
    return events


def _roll_rows(events: Images, rng: np.random.Generator) -> Images:
    rows = events.shape[1]
    by = rng.integers(rows, size=(len(events), 1))
    rolled: Images = events[np.arange(len(events))[:, np.newaxis], (np.arange(rows) - by) % rows]
    return rolled


_CHANGES: dict[Symmetry, Callable[[Images, np.random.Generator], Images]] = {
    "flip_rows": _flip(1),
    "flip_columns": _flip(2),
    "quarter_turns": _quarter_turns,
    "roll_rows": _roll_rows,
}


def shift_and_rotate(images: Images, rng: np.random.Generator, *, shift_pixels: float, rotation_deg: float) -> Images:
    """Move each image by its own random shift and rotation, with bilinear interpolation and zeros outside.

    Args:
        images: [events, height, width, channels], or [events, samples, channels], which are not rotated.
        rng: Source of randomness.
        shift_pixels: Largest shift along each axis, in pixels or samples.
        rotation_deg: Largest rotation about the image's centre, in degrees.

    Returns:
        Images of the same shape.
    """
    if images.ndim == 3:
        return _shift_rows(images, rng.uniform(-shift_pixels, shift_pixels, len(images)))
    events, height, width, channels = images.shape
    angle = np.deg2rad(rng.uniform(-rotation_deg, rotation_deg, (events, 1, 1)))
    shift = rng.uniform(-shift_pixels, shift_pixels, (2, events, 1, 1))
    centre = (height - 1) / 2, (width - 1) / 2
    rows, columns = np.meshgrid(np.arange(height) - centre[0], np.arange(width) - centre[1], indexing="ij")
    # Where each pixel of the result comes from.
    row = np.cos(angle) * rows - np.sin(angle) * columns + shift[0] + centre[0]
    column = np.sin(angle) * rows + np.cos(angle) * columns + shift[1] + centre[1]
    top, left = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    down, right = (row - top).astype(np.float32), (column - left).astype(np.float32)
    # A ring of zeros stands for everything outside.
    padded = np.zeros((events, height + 2, width + 2, channels), np.float32)
    padded[:, 1:-1, 1:-1] = images
    event = np.arange(events)[:, None, None]

    def at(r: npt.NDArray[np.int64], c: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        return padded[event, np.clip(r + 1, 0, height + 1), np.clip(c + 1, 0, width + 1)]

    down, right = down[..., None], right[..., None]
    upper = at(top, left) * (1 - right) + at(top, left + 1) * right
    lower = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
    result: npt.NDArray[np.float32] = upper * (1 - down) + lower * down
    return result


def _shift_rows(events: Images, by: npt.NDArray[np.float64]) -> Images:
    """Move the samples of each event [events, samples, channels], with linear interpolation and zeros outside."""
    number, samples, _ = events.shape
    place = np.arange(samples) + by[:, np.newaxis]
    below = np.floor(place).astype(np.int64)
    above = (place - below).astype(np.float32)[..., np.newaxis]
    padded = np.pad(events, ((0, 0), (1, 1), (0, 0)))
    event = np.arange(number)[:, np.newaxis]
    first, second = (padded[event, np.clip(index + 1, 0, samples + 1)] for index in (below, below + 1))
    result: Images = first * (1 - above) + second * above
    return result

"""Shifts and rotations of images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.augmentation import apply_symmetries, chosen_symmetries, shift_and_rotate
from trigcnn.models.datasets import Dataset, Split, Symmetry
from trigcnn.models.errors import ModelError


def test_nothing_moves_without_shift_and_rotation() -> None:
    images = np.random.default_rng(0).uniform(0, 1, (5, 6, 7, 2)).astype(np.float32)
    moved = shift_and_rotate(images, np.random.default_rng(1), shift_pixels=0.0, rotation_deg=0.0)
    np.testing.assert_array_equal(moved, images)


def test_equals_scipys_affine_transform_for_the_same_angles_and_shifts() -> None:
    images = np.random.default_rng(0).uniform(0, 1, (20, 8, 9, 1)).astype(np.float32)
    moved = shift_and_rotate(images, np.random.default_rng(7), shift_pixels=1.5, rotation_deg=40.0)
    rng = np.random.default_rng(7)
    angles = np.deg2rad(rng.uniform(-40.0, 40.0, (20, 1, 1))).ravel()
    shifts = rng.uniform(-1.5, 1.5, (2, 20, 1, 1)).reshape(2, 20)
    centre = (np.array([8, 9]) - 1) / 2
    for index, angle in enumerate(angles):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        offset = centre - turn @ centre + shifts[:, index]
        # A ring of zeros, so that both interpolate towards zero at the border.
        padded = np.pad(images[index, ..., 0], 3)
        expected = affine_transform(padded, turn, offset + 3 - turn @ np.array([3, 3]), order=1)[3:-3, 3:-3]
        np.testing.assert_allclose(moved[index, ..., 0], expected, atol=1e-5)


def test_every_image_moves_by_its_own_amount_and_the_same_seed_gives_the_same() -> None:
    images = np.repeat(np.random.default_rng(0).uniform(0, 1, (1, 8, 8, 1)), 4, axis=0).astype(np.float32)
    first = shift_and_rotate(images, np.random.default_rng(3), shift_pixels=1.0, rotation_deg=10.0)
    again = shift_and_rotate(images, np.random.default_rng(3), shift_pixels=1.0, rotation_deg=10.0)
    np.testing.assert_array_equal(first, again)
    assert len(np.unique(first.reshape(4, -1), axis=0)) == 4


@pytest.mark.parametrize("pixels", [20.0])
def test_an_image_shifted_out_of_sight_is_black_or_whole(pixels: float) -> None:
    images = np.ones((50, 4, 4, 1), np.float32)
    moved = shift_and_rotate(images, np.random.default_rng(0), shift_pixels=pixels, rotation_deg=0.0)
    assert moved.min() == 0.0
    assert moved.max() <= 1.0
    assert (moved.reshape(50, -1).max(axis=1) == 0).sum() > 25


def test_pulses_are_shifted_along_their_samples_alone() -> None:
    pulses = np.arange(1, 7, dtype=np.float32).reshape(1, 6, 1) * np.ones((9, 1, 2), np.float32)
    rng = np.random.default_rng(2)
    moved = shift_and_rotate(pulses, rng, shift_pixels=2.0, rotation_deg=0.0)
    amounts = np.random.default_rng(2).uniform(-2.0, 2.0, 9)
    ramp = np.array([0, *range(1, 7), 0], np.float32)
    for pulse, amount in zip(moved, amounts, strict=True):
        expected = np.interp(np.arange(1, 7) + amount, np.arange(8), ramp, left=0, right=0)
        np.testing.assert_allclose(pulse[:, 0], expected, atol=1e-5)
        np.testing.assert_array_equal(pulse[:, 0], pulse[:, 1])


def images(count: int) -> Any:
    return np.arange(count * 16, dtype=np.float32).reshape(count, 4, 4, 1)


SAME: dict[Symmetry, Callable[[Any], list[Any]]] = {
    "flip_rows": lambda x: [x, x[::-1]],
    "flip_columns": lambda x: [x, x[:, ::-1]],
    "quarter_turns": lambda x: [np.rot90(x, n) for n in range(4)],
    "roll_rows": lambda x: [np.roll(x, n, axis=0) for n in range(4)],
}


@pytest.mark.parametrize("name", SAME)
def test_a_symmetry_gives_all_its_images_equally_often_and_no_others(name: Symmetry) -> None:
    events = images(800)
    moved = apply_symmetries(events, (name,), np.random.default_rng(1))
    counts: dict[int, int] = {}
    for before, after in zip(events, moved, strict=True):
        (which,) = [n for n, each in enumerate(SAME[name](before)) if np.array_equal(each, after)]
        counts[which] = counts.get(which, 0) + 1
    number = len(SAME[name](events[0]))
    assert sorted(counts) == list(range(number))
    assert min(counts.values()) > 0.75 * 800 / number
    np.testing.assert_array_equal(events, images(800))


def test_rows_of_pulses_are_flipped_and_rolled_too() -> None:
    pulses = np.arange(60, dtype=np.float32).reshape(5, 6, 2)
    moved = apply_symmetries(pulses, ("roll_rows", "flip_rows"), np.random.default_rng(1))
    np.testing.assert_array_equal(np.sort(moved, axis=1), pulses)
    assert not np.array_equal(moved, pulses)


def data(symmetries: tuple[Symmetry, ...], shape: tuple[int, ...] = (4, 4, 1)) -> Dataset:
    part = Split(np.zeros((2, *shape), np.float32), np.zeros(2, np.int64))
    return Dataset("camera", FixedPoint.parse("ufixed<4,0>"), ("one",), part, part, part, symmetries=symmetries)


def chosen(wanted: Any, dataset: Dataset, shift: float = 0.0, rotation: float = 0.0) -> tuple[str, ...]:
    return chosen_symmetries(wanted, dataset, shift_pixels=shift, rotation_deg=rotation)


def test_symmetries_are_those_of_the_data_set_or_those_that_are_named() -> None:
    camera = data(("shift", "rotation", "quarter_turns", "flip_rows"))
    assert chosen("none", camera) == ()
    assert chosen("auto", camera, 1.0) == ("quarter_turns", "flip_rows")
    assert chosen(["flip_rows", "shift"], camera, 1.0) == ("flip_rows",)
    assert chosen("auto", data(())) == ()


@pytest.mark.parametrize(
    ("wanted", "dataset", "message"),
    [
        (["roll_rows"], data(("flip_rows",)), "roll_rows may change the class .* data set camera, where orientation"),
        (["roll_rows"], data(("flip_rows", "shift")), "roll_rows .* matter; it has these symmetries: flip_rows, shift"),
        (["shift"], data(("shift",)), "shift has no amount; set training.shift_pixels"),
        (["quarter_turns"], data(("quarter_turns",), (4, 6, 1)), "quarter_turns need square images, not 4x6"),
        (["flip_columns"], data(("flip_columns",), (4, 6)), r"flip_columns is for images \(height, width, channels\)"),
    ],
)
def test_what_may_change_the_class_is_refused_with_the_reason(wanted: Any, dataset: Dataset, message: str) -> None:
    with pytest.raises(ModelError, match=f"training.augmentation: {message}"):
        chosen(wanted, dataset)


def test_a_rotation_is_refused_in_auto_where_orientation_matters() -> None:
    with pytest.raises(
        ModelError, match=r"rotation may change the class of an event .* it has these symmetries: shift"
    ):
        chosen("auto", data(("shift",)), rotation=10.0)

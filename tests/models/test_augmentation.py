"""Shifts and rotations of images."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from models.augmentation import shift_and_rotate


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

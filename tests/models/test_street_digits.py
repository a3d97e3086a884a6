"""Drawn digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.models.loading import load
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models import datasets
from trigcnn.models.datasets import Dataset, street_digits
from trigcnn.models.datasets.glyphs import FONTS, SIDE, digit_masks
from trigcnn.models.errors import DataError


def draw(**options: Any) -> Dataset:
    fixed: dict[str, Any] = {"input_format": None, "seed": 5, "events": 600}
    return street_digits.load(validation_fraction=0.1, test_fraction=0.1, **(fixed | options))


def test_images_are_there_on_the_grid_of_eight_bits_and_classes_are_even() -> None:
    dataset = draw()
    parts = (dataset.train, dataset.validation, dataset.test)
    assert [part.events.shape for part in parts] == [(480, 32, 32, 3), (60, 32, 32, 3), (60, 32, 32, 3)]
    assert np.bincount(np.concatenate([part.labels for part in parts])).tolist() == [60] * 10
    assert (str(dataset.input_format), dataset.classes) == ("ufixed<8,0>", tuple("0123456789"))
    counts = dataset.train.events * 256
    np.testing.assert_array_equal(counts, np.rint(counts))
    assert (counts.min(), counts.max()) == (0, 255)


def test_the_seed_alone_decides() -> None:
    first, again, other = draw(), draw(), draw(seed=6)
    np.testing.assert_array_equal(first.train.events, again.train.events)
    assert not np.array_equal(first.train.events, other.train.events)


def test_every_digit_is_drawn_in_every_font_and_no_two_are_alike() -> None:
    masks, sizes = digit_masks()
    assert masks.shape == (len(FONTS), 10, SIDE, SIDE)
    assert 0 <= masks.min() < masks.max() <= 1
    assert (sizes[..., 0] >= 18).all()
    assert (sizes.max(axis=(0, 1)) <= SIDE).all()
    assert len(np.unique(masks.reshape(len(FONTS) * 10, -1), axis=0)) == len(FONTS) * 10


def test_a_digit_that_is_neither_moved_nor_turned_is_its_mask() -> None:
    masks, sizes = digit_masks()
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 10
    ink = street_digits._ink(rng, labels, (24.0, 24.0), 0.0, 0.0, 0.0)
    widths = sizes[..., 1] / sizes[..., 0]
    # Only width and slant are free: no ink is cut off, and its area is that of a mask of the same digit.
    for label, drawn in zip(labels, ink, strict=True):
        assert drawn[:, :2].max() == drawn[:, -2:].max() == 0
        area = (masks[:, label].sum(axis=(1, 2)) / sizes[:, label, 0] ** 2) * 24**2
        assert 0.7 * area.min() < drawn.sum() < 1.15 * area.max()
        rows = np.flatnonzero(drawn.max(axis=1) > 0.3)
        assert 22 <= rows[-1] - rows[0] + 1 <= 26
    assert widths.max() < 1


def test_neighbours_stand_at_the_sides_of_the_same_digit() -> None:
    labels = np.full(200, 1)
    alone, crowded = (
        street_digits._ink(np.random.default_rng(1), labels, (20.0, 20.0), 0.0, 0.0, share) for share in (0.0, 1.0)
    )
    middle = slice(13, 19)
    np.testing.assert_array_equal(np.maximum(alone, crowded), crowded)
    np.testing.assert_array_equal(alone[:, :, 15:17], crowded[:, :, 15:17])
    added = (crowded - alone).mean(axis=(0, 1))
    assert added[middle].sum() < 0.05 * added.sum()
    assert added[:10].sum() > 0.3 * added.sum()
    assert added[-10:].sum() > 0.3 * added.sum()


def test_ink_and_background_differ_in_brightness_by_the_contrast() -> None:
    ink = np.zeros((300, 32, 32), np.float32)
    ink[:, 12:20, 12:20] = 1
    images = street_digits._coloured(np.random.default_rng(2), ink, 0.6)
    brightness = images @ np.array([0.3, 0.6, 0.1], np.float32)
    difference = np.abs(brightness[:, 14:18, 14:18].mean(axis=(1, 2)) - brightness[:, :8].mean(axis=(1, 2)))
    assert np.median(difference) > 0.4


def test_a_blur_keeps_the_light_and_spreads_it() -> None:
    images = np.zeros((50, 32, 32, 3), np.float32)
    images[:, 16, 16] = 1
    blurred = street_digits._blurred(np.random.default_rng(3), images, 1.0)
    np.testing.assert_allclose(blurred.sum(axis=(1, 2)), 1, rtol=1e-5)
    assert blurred[:, 16, 16].min() < 0.3
    assert blurred[:, :13].max() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_format": FixedPoint.parse("fixed<8,0>")}, "does not fit the street digits.*use ufixed<8,0>"),
        ({"events": 99}, "data.options.events: 99 must be at least 100"),
        ({"height_pixels": (20, 40)}, r"data.options.height_pixels: \[20, 40\] must be .* between 4 and 32"),
        ({"neighbours": 1.5}, "data.options.neighbours: 1.5 must lie between 0 and 1"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        draw(**options)


def test_options_go_through_the_registry() -> None:
    assert datasets.describe("street_digits")["height_pixels"] == (14.0, 27.0)
    dataset = load(
        "street_digits",
        validation_fraction=0.1,
        test_fraction=0.1,
        seed=5,
        options={"events": 600, "height_pixels": [14, 27.0]},
    )
    np.testing.assert_array_equal(dataset.test.events, draw().test.events)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("street_digits", {"event": 600}, "data.options.event: the data set street_digits has no such option; did you"),
        (
            "digits",
            {"events": 600},
            "data.options.events: the data set digits has no such option; there is nothing",
        ),
        (
            "street_digits",
            {"events": 600.0},
            "data.options.events: 600.0 is not of the same kind as its default, 20000",
        ),
        ("street_digits", {"height_pixels": [17]}, r"\[17\] is not of the same kind as its default, \[14.0, 27.0\]"),
        ("events.npz", {"events": 600}, "data.options: events.npz is no data set that is drawn"),
    ],
)
def test_options_that_a_source_does_not_have_are_refused(source: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(source, options=options)

"""Drawn images of a Cherenkov telescope's camera."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets import Dataset, cherenkov
from trigcnn.models.datasets.cherenkov import Camera
from trigcnn.models.errors import DataError

# Five decimals of the sky's mean in a pixel of 4/24 degrees.
SKY_PE = 3.04617


def draw(**options: Any) -> Dataset:
    fixed: dict[str, Any] = {"input_format": None, "seed": 5, "events": 3000}
    return cherenkov.load(validation_fraction=0.1, test_fraction=0.1, **(fixed | options))


def images(dataset: Dataset, label: int) -> Any:
    return dataset.train.events[dataset.train.labels == label][..., 0].astype(float)


@pytest.fixture(scope="module")
def without_sky() -> Dataset:
    return draw(night_sky=0.0, muon_rings=0.0)


def test_images_are_counts_of_eight_bits_in_three_equal_classes() -> None:
    dataset = draw()
    parts = (dataset.train, dataset.validation, dataset.test)
    assert [part.events.shape for part in parts] == [(2400, 24, 24, 1), (300, 24, 24, 1), (300, 24, 24, 1)]
    assert [np.bincount(part.labels).tolist() for part in parts] == [[800] * 3, [100] * 3, [100] * 3]
    np.testing.assert_array_equal(dataset.train.events, np.rint(dataset.train.events))
    assert 0 <= dataset.train.events.min() < dataset.train.events.max() <= 255
    assert dataset.classes == ("gamma", "hadron", "night_sky")
    assert (str(dataset.input_format), dataset.name) == ("ufixed<8,8>", "cherenkov")
    assert dataset.symmetries == ("flip_rows", "flip_columns", "quarter_turns", "rotation")


def test_the_seed_alone_decides() -> None:
    first, again, other = draw(), draw(), draw(seed=6)
    np.testing.assert_array_equal(first.train.events, again.train.events)
    assert not np.array_equal(first.train.events, other.train.events)


def test_the_sky_gives_poisson_counts_of_the_mean_that_mirror_and_pixel_let_expect() -> None:
    assert Camera.of(24, 4.0, 1.0).sky_pe == pytest.approx(SKY_PE, abs=1e-5)
    # Half the side of a pixel, a quarter of the sky.
    assert Camera.of(48, 4.0, 1.0).sky_pe == pytest.approx(SKY_PE / 4, abs=1e-5)
    sky = images(draw(), 2)
    assert sky.mean() == pytest.approx(SKY_PE, rel=0.01)
    assert sky.var() == pytest.approx(SKY_PE, rel=0.01)
    # Pixels know nothing of each other: neither do the totals of images fluctuate more.
    assert sky.sum(axis=(1, 2)).var() == pytest.approx(SKY_PE * 576, rel=0.15)


def test_without_sky_the_night_is_dark(without_sky: Dataset) -> None:
    assert images(without_sky, 2).sum() == 0


def test_the_spectrum_falls_as_the_power_that_is_asked_for(without_sky: Dataset) -> None:
    size = images(without_sky, 0).sum(axis=(1, 2))
    for times in (2.0, 4.0):
        assert (size > 100 * times).mean() == pytest.approx(times**-1.7, rel=0.2)
    assert np.quantile(size, 0.01) > 75


def moments(shown: Any) -> tuple[Any, ...]:
    """Centre of gravity, second moments and direction of the major axis of each image, in degrees."""
    middle = (np.arange(24) - 11.5) * 4 / 24
    total = shown.sum(axis=(1, 2))
    x, y = ((shown.sum(axis=axis) @ middle) / total for axis in (1, 2))
    dx, dy = middle[None, None, :] - x[:, None, None], middle[None, :, None] - y[:, None, None]
    xx, yy, xy = ((shown * product).sum(axis=(1, 2)) / total for product in (dx * dx, dy * dy, dx * dy))
    psi = np.arctan2(2 * xy, xx - yy) / 2
    along = dx * np.cos(psi)[:, None, None] + dy * np.sin(psi)[:, None, None]
    third = (shown * along**3).sum(axis=(1, 2)) / total
    return x, y, np.sqrt((xx + yy + np.hypot(xx - yy, 2 * xy)) / 2), psi, third


def test_a_gamma_points_at_the_centre_with_its_tail_outwards(without_sky: Dataset) -> None:
    x, y, length, psi, third = moments(images(without_sky, 0))
    outwards = np.cos(psi) * x + np.sin(psi) * y
    alpha = np.rad2deg(np.arccos(np.abs(outwards) / np.hypot(x, y)))
    assert np.median(alpha) < 6
    assert (third * outwards > 0).mean() > 0.8
    # The mean of 0.16 to 0.30 degrees, and the pixels' own width.
    assert np.sqrt((length**2).mean()) == pytest.approx(np.sqrt(0.23**2 + 0.14**2 / 12 + (4 / 24) ** 2 / 12), rel=0.02)
    assert 0.75 < np.hypot(x, y).mean() < 0.85


def test_a_hadron_is_wider_and_points_anywhere(without_sky: Dataset) -> None:
    x, y, length, psi, _ = moments(images(without_sky, 1))
    outwards = np.cos(psi) * x + np.sin(psi) * y
    alpha = np.rad2deg(np.arccos(np.abs(outwards) / np.hypot(x, y)))
    assert np.median(alpha) == pytest.approx(45, abs=5)
    assert length.mean() > 0.3


def test_a_ring_brings_its_light_into_hadrons_alone() -> None:
    options = {"night_sky": 0.0, "field_of_view_deg": 12.0}
    without, every = draw(muon_rings=0.0, **options), draw(muon_rings=1.0, **options)
    more = [images(every, label).sum(axis=(1, 2)).min() for label in range(3)]
    assert more[1] > images(without, 1).sum(axis=(1, 2)).min() + 50
    assert more[2] == 0


def test_every_photoelectron_of_an_ellipse_is_where_its_moments_say() -> None:
    table = cherenkov._Ellipses(*(np.array([value]) for value in (0, 200_000.0, 0.5, -0.2, np.pi / 2, 0.3, 0.1, 0.6)))
    light = cherenkov._ellipses(np.random.default_rng(1), table)
    assert len(light.x) == pytest.approx(200_000, abs=2000)
    assert (light.x.mean(), light.y.mean()) == (pytest.approx(0.5, abs=0.002), pytest.approx(-0.2, abs=0.003))
    assert (light.x.std(), light.y.std()) == (pytest.approx(0.1, rel=0.01), pytest.approx(0.3, rel=0.01))
    assert (((light.y + 0.2) / 0.3) ** 3).mean() == pytest.approx(0.6, abs=0.03)


def test_the_camera_may_have_other_pixels() -> None:
    dataset = draw(pixels=12, events=300)
    assert dataset.input_shape == (12, 12, 1)
    assert images(dataset, 2).mean() == pytest.approx(4 * SKY_PE, rel=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"input_format": FixedPoint.parse("fixed<8,8>")},
            "does not fit the data set cherenkov, which counts from 0; use ufixed<8,8>",
        ),
        ({"events": 99}, "data.options.events: 99 must be at least 100"),
        ({"pixels": 3}, "data.options.pixels: 3 must be between 4 and 256"),
        ({"field_of_view_deg": 0.5}, "data.options.field_of_view_deg: 0.5 must be between 1 and 20 degrees"),
        ({"threshold_pe": 0.0}, "data.options.threshold_pe: 0 must be between 1 and 10000 photoelectrons"),
        ({"spectral_index": 1.0}, "data.options.spectral_index: 1 must be between 1.1 and 10"),
        ({"night_sky": -1.0}, "data.options.night_sky: -1 must be between 0 and 100"),
        ({"muon_rings": float("nan")}, "data.options.muon_rings: nan must be between 0 and 1"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        draw(**options)

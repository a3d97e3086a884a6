"""Drawn calorimeter events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets import Dataset, calorimeter
from trigcnn.models.errors import DataError


def draw(**options: Any) -> Dataset:
    fixed: dict[str, Any] = {"input_format": None, "seed": 5, "events": 2000}
    return calorimeter.load(validation_fraction=0.1, test_fraction=0.1, **(fixed | options))


def energy(dataset: Dataset, label: int) -> Any:
    return dataset.train.events[dataset.train.labels == label][..., 0]


def test_events_are_whole_numbers_of_ten_bits_and_every_signal_is_a_class() -> None:
    dataset = draw(signal_fraction=0.6)
    parts = (dataset.train, dataset.validation, dataset.test)
    assert [part.events.shape for part in parts] == [(1600, 18, 14, 1), (200, 18, 14, 1), (200, 18, 14, 1)]
    assert [np.bincount(part.labels).tolist() for part in parts] == [
        [640, 320, 320, 320],
        [80, 40, 40, 40],
        [80, 40, 40, 40],
    ]
    values = dataset.train.events
    np.testing.assert_array_equal(values, np.rint(values))
    assert 0 <= values.min() < values.max() <= 1023
    assert str(dataset.input_format) == "ufixed<10,10>"
    assert dataset.classes == ("background", "multijet", "soft", "displaced")


def test_a_single_signal_makes_two_classes_of_half_the_events() -> None:
    dataset = draw(signal="soft")
    assert dataset.classes == ("background", "soft")
    assert np.bincount(dataset.train.labels).tolist() == [800, 800]


def test_no_azimuth_direction_or_side_is_special() -> None:
    dataset = draw(events=8000)
    assert dataset.symmetries == ("roll_rows", "flip_rows", "flip_columns")
    for label in range(4):
        mean = energy(dataset, label).mean(axis=0)
        np.testing.assert_allclose(mean.mean(axis=1), mean.mean(), rtol=0.1)
        np.testing.assert_allclose(mean.mean(axis=0), mean.mean(axis=0)[::-1], rtol=0.15)


def test_the_seed_alone_decides() -> None:
    first, again, other = draw(), draw(), draw(seed=6)
    np.testing.assert_array_equal(first.train.events, again.train.events)
    assert not np.array_equal(first.train.events, other.train.events)


def test_pileup_has_its_mean_its_profile_and_fluctuates_as_a_whole() -> None:
    gev = calorimeter._pileup(np.random.default_rng(1), 4000, 60.0)
    edges = np.linspace(-1, 1, 15)
    middles = (edges[1:] + edges[:-1]) / 2
    np.testing.assert_allclose(gev.mean(axis=(0, 1)), 60 * 0.033 * (1 + 1.5 * middles**2), rtol=0.02)
    # Neither side and no azimuth is special.
    np.testing.assert_allclose(gev.mean(axis=(0, 2)), gev.mean(), rtol=0.02)
    # Exponential deposits: of n independent ones the variance is 2 n; interactions in common add to that of the sum.
    total = gev.sum(axis=(1, 2))
    assert total.var() / total.mean() == pytest.approx(2 + total.mean() / 60, rel=0.1)


@pytest.mark.parametrize("width", [0.0, 0.5])
def test_deposits_keep_their_energy_also_across_the_seam_in_azimuth(width: float) -> None:
    gev = np.zeros((300, 18, 14))
    numbers = np.arange(300) % 3
    calorimeter._add_deposits(np.random.default_rng(2), gev, numbers, 25.0, width)
    regions = np.count_nonzero(gev, axis=(1, 2))
    assert (gev.sum(axis=(1, 2)) >= 25.0 * numbers * (1 - 1e-12)).all()
    assert (regions[numbers == 1] == (1 if width == 0 else 9)).all()
    assert (gev[numbers == 0] == 0).all()
    at_seam = (gev[numbers == 1][:, 0] > 0).any(axis=1) & (gev[numbers == 1][:, 17] > 0).any(axis=1)
    assert at_seam.any() == (width > 0)


def test_the_spectrum_of_jets_falls_as_the_fifth_power() -> None:
    gev = np.zeros((40_000, 18, 14))
    calorimeter._add_deposits(np.random.default_rng(3), gev, np.ones(40_000, np.int64), 25.0, 0.5)
    energies = gev.sum(axis=(1, 2))
    for times in (1.2, 1.5, 2.0):
        assert (energies > 25 * times).mean() == pytest.approx(times**-4, rel=0.1)


@pytest.mark.parametrize("signal", calorimeter.SIGNALS)
def test_each_signal_adds_what_it_is_made_of(signal: str) -> None:
    dataset = draw(signal=signal, hot_regions=0.0, pileup=0.0)
    background, drawn = energy(dataset, 0), energy(dataset, 1)
    # A region of half a GeV or more: without pile-up, only jets are there.
    regions = np.count_nonzero(drawn, axis=(1, 2)).mean() - np.count_nonzero(background, axis=(1, 2)).mean()
    least, most = {"multijet": (24, 54), "soft": (25, 45), "displaced": (1, 3)}[signal]
    assert least <= regions <= most
    assert drawn.sum(axis=(1, 2)).mean() > background.sum(axis=(1, 2)).mean() + 60


def test_a_hot_region_is_at_full_scale_in_any_class() -> None:
    dataset = draw(hot_regions=1.0)
    for label in range(4):
        assert (energy(dataset, label).max(axis=(1, 2)) == 1023).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"input_format": FixedPoint.parse("ufixed<10,8>")},
            "does not fit the data set calorimeter.*use ufixed<10,10>",
        ),
        ({"signal": "monopole"}, "data.options.signal: 'monopole' is not known; choose from all, multijet, soft,"),
        ({"events": 5}, "data.options.events: 5 must be at least 100"),
        ({"pileup": -1.0}, "data.options.pileup: -1 must be between 0 and 1000 interactions"),
        ({"signal_fraction": 1.0}, "data.options.signal_fraction: 1 must be between 0.01 and 0.99"),
        ({"hot_regions": 2.0}, "data.options.hot_regions: 2 must be between 0 and 1"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        draw(**options)

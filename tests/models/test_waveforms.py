"""Drawn waveforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets import Dataset, waveforms
from trigcnn.models.errors import DataError


def draw(**options: Any) -> Dataset:
    fixed: dict[str, Any] = {"input_format": None, "seed": 5, "events": 3000}
    return waveforms.load(validation_fraction=0.1, test_fraction=0.1, **(fixed | options))


def waves(dataset: Dataset, label: int) -> Any:
    return dataset.train.events[dataset.train.labels == label][..., 0].astype(float)


def test_waveforms_are_counts_of_twelve_bits_in_three_equal_classes() -> None:
    dataset = draw()
    assert dataset.input_shape == (64, 1)
    assert dataset.classes == ("noise", "pulse", "double_pulse")
    assert (str(dataset.input_format), dataset.symmetries) == ("ufixed<12,12>", ())
    assert np.bincount(dataset.train.labels).tolist() == [800] * 3
    np.testing.assert_array_equal(dataset.train.events, np.rint(dataset.train.events))
    assert 0 <= dataset.train.events.min() < dataset.train.events.max() <= 4095


def test_the_seed_alone_decides() -> None:
    first, again, other = draw(), draw(), draw(seed=6)
    np.testing.assert_array_equal(first.train.events, again.train.events)
    assert not np.array_equal(first.train.events, other.train.events)


def test_noise_has_its_baseline_and_its_deviation() -> None:
    noise = waves(draw(noise_counts=20.0), 0)
    # A converter cuts fractions off: half a count.
    assert noise.mean() == pytest.approx(199.5, abs=0.5)
    assert noise.std(axis=1).mean() == pytest.approx(20, rel=0.01)
    assert noise.mean(axis=1).std() == pytest.approx(np.hypot(5, 20 / 8), rel=0.1)


def test_a_pulse_has_height_one_at_its_top_and_falls_with_its_time_constant() -> None:
    time_ns = np.linspace(0, 400, 40_001)
    begin, rise, fall = (np.array([value]) for value in (50.0, 5.0, 40.0))
    pulse = waveforms._pulse(time_ns, begin, rise, fall)[0]
    assert (pulse[time_ns <= 50] == 0).all()
    assert pulse.max() == pytest.approx(1, abs=1e-6)
    assert time_ns[pulse.argmax()] == pytest.approx(50 + 5 * 40 / 35 * np.log(8), abs=0.02)
    late = pulse[np.searchsorted(time_ns, [250.0, 290.0])]
    assert late[1] / late[0] == pytest.approx(np.exp(-1), rel=1e-3)


def test_every_pulse_stands_out_of_the_noise_and_a_second_one_adds_charge() -> None:
    dataset = draw()
    noise, one, two = (waves(dataset, label) for label in range(3))
    assert np.median(one.max(axis=1)) > noise.max() + 20
    assert ((one.max(axis=1) - 200) > 25).all()
    charge = [np.median(part.sum(axis=1) - 64 * 199.5) for part in (one, two)]
    assert charge[1] > 1.3 * charge[0]


@pytest.mark.parametrize("rate", [125.0, 250.0])
def test_time_follows_the_sampling_rate(rate: float) -> None:
    dataset = draw(sampling_mhz=rate, rise_ns=(4.0, 4.0), fall_ns=(50.0, 50.0), second_after_ns=(20.0, 60.0))
    mean = waves(dataset, 1).mean(axis=0) - waves(dataset, 0).mean()
    # By then all pulses have begun, and only the fall is left.
    assert mean[30] / mean[25] == pytest.approx(np.exp(-5000 / rate / 50), rel=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"input_format": FixedPoint.parse("ufixed<12,0>")},
            "does not fit the data set waveforms, which counts from 0",
        ),
        ({"samples": 4}, "data.options.samples: 4 must be between 8 and 4096"),
        ({"sampling_mhz": 0.0}, "data.options.sampling_mhz: 0 must be between 1 and 100000 MHz"),
        ({"rise_ns": (8.0, 4.0)}, r"data.options.rise_ns: \[8.0, 4.0\] must be a smallest and a largest value"),
        ({"fall_ns": (5.0, 40.0)}, r"data.options.fall_ns: \[5.0, 40.0\] must be .* between 8.08 and 1e\+07 ns"),
        ({"second_after_ns": (20.0, 250.0)}, "data.options.second_after_ns: .* between 0 and 179.2 ns"),
        ({"noise_counts": 0.0}, "data.options.noise_counts: 0 must be between 0.01 and 300 counts"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        draw(**options)

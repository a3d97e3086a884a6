"""Thresholds and rates, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.trigger.binomial import wilson
from trigcnn.pipeline.trigger.content import WorkingPoint
from trigcnn.pipeline.trigger.spectrum import Spectrum
from trigcnn.pipeline.trigger.working_points import check_rates, summarize, working_point

RATE = 40e6


def spectrum(*scores: int) -> Spectrum:
    return Spectrum.of(np.array(scores, np.int64))


def point(
    target_hz: float, signal: Spectrum | None, background: Spectrum, event_rate_hz: float = RATE, lsb: float = 0.25
) -> WorkingPoint:
    by_class = {"background": background} if signal is None else {"background": background, "signal": signal}
    return working_point(
        target_hz, event_rate_hz=event_rate_hz, lsb=lsb, signal=signal, background=background, by_class=by_class
    )


# 40 background events: one is 1 MHz of 40 MHz.
BACKGROUND = spectrum(*range(40))
SIGNAL = spectrum(*([10] * 2 + [35] * 3 + [39] * 4 + [50]))


@pytest.mark.parametrize(
    ("target_hz", "threshold", "accepted", "signal"),
    [
        (1e6, 39, 1, 5),
        (1.999999e6, 39, 1, 5),
        (2e6, 38, 2, 5),
        (5e6, 35, 5, 8),
        (29.9e6, 11, 29, 8),
        (30e6, 10, 30, 10),
        (40e6, 0, 40, 10),
    ],
)
def test_the_threshold_is_the_smallest_whose_rate_stays_within_the_target(
    target_hz: float, threshold: int, accepted: int, signal: int
) -> None:
    found = point(target_hz, SIGNAL, BACKGROUND)
    assert (found.resolved, found.threshold, found.threshold_value) == (True, threshold, threshold / 4)
    assert found.background is not None
    assert found.signal is not None
    assert (found.background.accepted, found.background.events) == (accepted, 40)
    assert (found.signal.accepted, found.signal.events, found.signal.efficiency) == (signal, 10, signal / 10)
    assert found.rate_hz is not None
    assert found.rate_hz == pytest.approx(accepted * 1e6)
    assert found.rate_hz <= target_hz
    low, high = wilson(accepted, 40)
    assert (found.rate_low_hz, found.rate_high_hz) == (low * RATE, high * RATE)
    assert (found.signal.low, found.signal.high) == wilson(signal, 10)
    assert found.accepted_by_class == {"background": accepted, "signal": signal}


def test_ties_are_taken_whole_or_not_at_all() -> None:
    background = spectrum(*([0] * 30), *([7] * 8), 9, 9)
    # Ten events would be 10 MHz; 9 MHz leaves the two at 9 alone.
    assert point(9.99e6, SIGNAL, background).threshold == 8
    assert point(9.99e6, SIGNAL, background).rate_hz == pytest.approx(2e6)
    assert point(10e6, SIGNAL, background).threshold == 1
    assert point(10e6, SIGNAL, background).rate_hz == pytest.approx(10e6)


def test_too_many_ties_at_the_top_accept_no_background_event() -> None:
    found = point(1e6, spectrum(9, 9, 12), spectrum(*([0] * 38), 9, 9))
    assert (found.resolved, found.threshold, found.rate_hz, found.rate_low_hz) == (True, 10, 0.0, 0.0)
    assert found.rate_high_hz == pytest.approx(RATE / 41)
    assert found.signal is not None
    assert found.signal.accepted == 1
    assert found.note == "none of the 40 events of the rate is accepted: too many share the highest score"


def test_a_target_below_one_event_is_not_resolved() -> None:
    found = point(999_999.0, SIGNAL, BACKGROUND)
    assert not found.resolved
    assert (found.threshold, found.rate_hz, found.signal, found.background) == (None, None, None, None)
    assert found.note == (
        "not resolved: one of 40 events is already 1 MHz; needs 41 events or more; above all of these (threshold 40) "
        "the rate is 0 to 975.6 kHz"
    )


def test_a_rate_that_equals_the_target_is_not_lost_to_rounding() -> None:
    # In floating point 3 / 10 * 0.1 is more than 0.03.
    background = spectrum(*range(10))
    assert point(0.3, None, background, event_rate_hz=1.0).threshold == 8
    assert point(3e3, None, background, event_rate_hz=1e4).threshold == 7
    for accepted in range(1, 1001):
        found = point(accepted * 40e3, None, spectrum(*range(1000)))
        assert found.threshold == 1000 - accepted


def test_a_working_point_without_labels() -> None:
    found = point(2e6, None, BACKGROUND)
    assert (found.threshold, found.signal, found.accepted_by_class) == (38, None, {"background": 2})


@pytest.mark.parametrize(
    ("rates", "event_rate", "message"),
    [
        ([1e3, 5e7], RATE, "--rates 5e+07: is above the event rate of 4e+07 Hz"),
        ([0.0], RATE, "--rates 0: must be above 0, in Hz"),
        ([-1.0], RATE, "--rates -1: must be above 0, in Hz"),
        ([math.nan], RATE, "--rates nan: must be above 0, in Hz"),
        ([], RATE, "--rates: no rate given"),
        ([1.0], 0.0, "--event-rate-hz 0: must be above 0, in Hz"),
        ([1.0], math.inf, "--event-rate-hz inf: must be above 0, in Hz"),
    ],
)
def test_rates_that_cannot_be_targets(rates: list[float], event_rate: float, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_rates(rates, event_rate)
    assert str(caught.value).startswith(message)


def test_all_figures_of_pooled_classes() -> None:
    by_class = {"a": spectrum(0, 1), "b": spectrum(1, 2), "c": spectrum(2, 3), "unused": spectrum(99)}
    area, points, curve = summarize(by_class, ["c"], ["a", "b"], rates_hz=[1.0], event_rate_hz=4.0, lsb=1.0)
    assert area is not None
    assert area.auc == 7.5 / 8
    assert curve.thresholds.tolist() == [0, 1, 2, 3, 4]
    assert (points[0].threshold, points[0].accepted_by_class) == (2, {"a": 0, "b": 1, "c": 2, "unused": 1})

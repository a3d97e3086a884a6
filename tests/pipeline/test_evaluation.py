"""Rates and efficiencies from integer scores, against numbers by hand and by scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from sklearn.metrics import roc_auc_score

from pipeline import evaluation as content
from pipeline.errors import ConfigError
from pipeline.evaluation import Integers, Score, Spectrum, SpectrumBuilder, WorkingPoint, make_score, working_point

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


# Scores.


def test_the_margin_of_two_classes_is_the_difference_of_their_logits() -> None:
    score = make_score(["qcd", "top"], 2, signal=None, background=None, kind=None)
    assert score == Score("margin", signal=(1,), background=(0,))
    assert score.of(np.array([[3, 5], [2, -7]])).tolist() == [2, -9]
    assert score.definition(["qcd", "top"]) == "logit[top] - logit[qcd]"


def test_the_margin_of_several_classes_leaves_out_those_on_neither_side() -> None:
    classes = ["a", "b", "c", "d", "other"]
    score = make_score(classes, 5, signal=["d", "b"], background=["a", "c"], kind="margin")
    assert score.of(np.array([[1, 4, 2, 9, 99], [5, 1, 8, 0, 99]])).tolist() == [7, -7]
    assert score.definition(classes) == "max(logit[d], logit[b]) - max(logit[a], logit[c])"


def test_the_signal_score_is_the_largest_signal_logit() -> None:
    score = make_score(["a", "b", "c"], 3, signal=["b", "c"], background=None, kind="signal")
    assert score.of(np.array([[9, 1, 2], [9, -1, -2]])).tolist() == [2, -1]
    assert score.background == (0,)


@pytest.mark.parametrize(("signal", "expected", "text"), [("top", [3, -4], "output"), ("qcd", [-3, 4], "-output")])
def test_a_single_output_is_the_score_turned_so_that_signal_is_high(
    signal: str, expected: list[int], text: str
) -> None:
    score = make_score(["qcd", "top"], 1, signal=[signal], background=None, kind=None)
    assert score.of(np.array([[3], [-4]])).tolist() == expected
    assert score.definition(["qcd", "top"]) == text


def test_of_two_classes_the_one_that_is_not_background_is_signal() -> None:
    assert make_score(["top", "qcd"], 2, signal=None, background=["qcd"], kind=None).signal == (0,)


@pytest.mark.parametrize(
    ("outputs", "signal", "background", "kind", "message"),
    [
        (3, None, None, None, "there are 3 classes (a, b, c); say which are signal with --signal"),
        (3, ["x"], None, None, "--signal x: no such class; there are a, b, c"),
        (3, ["a"], ["y"], None, "--background y: no such class; there are a, b, c"),
        (3, ["a"], ["b", "a"], None, "class a is signal and background"),
        (3, ["a", "a"], None, None, "--signal: names the class a twice"),
        (3, [], None, None, "--signal: names no class"),
        (3, ["a", "b", "c"], None, None, "every class (a, b, c) is signal"),
        (3, ["a"], None, "best", "--score best: must be margin, signal or output"),
        (3, ["a"], None, "output", "--score output: with 3 outputs it must be margin or signal"),
        (4, ["a"], None, None, "the output has 4 values and the run has 3 classes"),
        (1, ["a"], None, None, "the output has 1 values and the run has 3 classes"),
    ],
)
def test_a_score_that_cannot_be_made(
    outputs: int, signal: list[str] | None, background: list[str] | None, kind: str | None, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_score(["a", "b", "c"], outputs, signal=signal, background=background, kind=kind)
    assert str(caught.value).startswith(message)


# Spectra.


def test_accepted_are_the_events_at_or_above_a_threshold() -> None:
    found = spectrum(3, 3, -1, 7).accepted([-5, -1, 0, 3, 4, 7, 8])
    assert found.tolist() == [4, 4, 3, 3, 1, 1, 0]


@pytest.mark.parametrize("spread", [40, 2**40])
@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
def test_the_chunks_size_changes_nothing(monkeypatch: pytest.MonkeyPatch, size: int, spread: int) -> None:
    monkeypatch.setattr(content, "_PENDING", 100)
    rng = np.random.default_rng(2)
    scores: Integers = rng.integers(-spread, spread, 5000)
    builder = SpectrumBuilder()
    for start in range(0, scores.size, size):
        builder.add(scores[start : start + size])
    values, counts = np.unique(scores, return_counts=True)
    found = builder.build()
    np.testing.assert_array_equal(found.values, values)
    np.testing.assert_array_equal(found.counts, counts)
    assert found.counts.dtype == np.int64


def test_a_spectrum_of_no_event() -> None:
    empty = SpectrumBuilder().build()
    assert (empty.events, empty.accepted([0]).tolist()) == (0, [0])
    assert Spectrum.of(np.empty(0, np.int64)).events == 0
    assert Spectrum.merged([empty, spectrum(4)]).values.tolist() == [4]


# Intervals.


def test_the_wilson_interval_by_hand() -> None:
    # n = 4, k = 1, z = 1: centre (1/4 + 1/8) / (5/4) = 3/10, half √(3/64 + 1/64) / (5/4) = 1/5.
    assert content.wilson(1, 4) == pytest.approx((0.1, 0.5), rel=1e-15)
    assert content.wilson(0, 9) == pytest.approx((0.0, 0.1), rel=1e-15)
    assert content.wilson(9, 9) == pytest.approx((0.9, 1.0), rel=1e-15)
    assert (content.wilson(0, 7)[0], content.wilson(7, 7)[1]) == (0.0, 1.0)


@pytest.mark.parametrize(("accepted", "events"), [(1, 3), (7, 20), (0, 5), (5, 5), (123, 10_000_000), (999, 1000)])
def test_the_wilson_interval_is_that_of_scipy(accepted: int, events: int) -> None:
    level = norm.cdf(1) - norm.cdf(-1)
    assert pytest.approx(level, rel=1e-12) == content.CONFIDENCE
    expected = binomtest(accepted, events).proportion_ci(level, method="wilson")
    assert content.wilson(accepted, events) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-15)


# The ROC curve and the area under it.


def test_the_curve_has_every_distinct_threshold_and_one_that_nothing_reaches() -> None:
    curve = content.curve(spectrum(1, 2, 2, 5), spectrum(-3, 1, 1, 2))
    assert curve.thresholds.tolist() == [-3, 1, 2, 5, 6]
    assert curve.signal.tolist() == [4, 4, 3, 1, 0]
    assert curve.background.tolist() == [4, 3, 1, 0, 0]
    assert (curve.signal_events, curve.background_events) == (4, 4)


def test_the_curve_without_labels() -> None:
    curve = content.curve(None, spectrum(4, 4, 6))
    assert (curve.thresholds.tolist(), curve.background.tolist()) == ([4, 6, 7], [3, 1, 0])
    assert (curve.signal.size, curve.signal_events) == (0, 0)


def test_the_area_counts_ties_half() -> None:
    # Signal 1 and 3 against background 0, 1 and 2: wins 1 and 3, one tie: 4.5 of 6.
    assert content.area(spectrum(1, 3), spectrum(0, 1, 2)).auc == 4.5 / 6


def test_the_areas_error_is_that_of_delong_by_pairs() -> None:
    rng = np.random.default_rng(5)
    signal, background = rng.integers(-3, 12, 300), rng.integers(-8, 7, 500)
    pairs = (signal[:, None] > background) + 0.5 * (signal[:, None] == background)
    variance = pairs.mean(axis=1).var(ddof=1) / 300 + pairs.mean(axis=0).var(ddof=1) / 500
    found = content.area(Spectrum.of(signal), Spectrum.of(background))
    assert found.auc == pytest.approx(pairs.mean(), rel=1e-14)
    assert found.auc == pytest.approx(
        roc_auc_score(np.repeat([1, 0], [300, 500]), np.concatenate([signal, background])), rel=1e-12
    )
    assert found.error == pytest.approx(math.sqrt(variance), rel=1e-12)


def test_the_areas_error_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    truth = float(norm.cdf(1 / math.sqrt(2)))
    inside = 0
    for _ in range(400):
        signal, background = np.rint(rng.normal(1000, 1000, 200)), np.rint(rng.normal(0, 1000, 400))
        found = content.area(Spectrum.of(signal.astype(np.int64)), Spectrum.of(background.astype(np.int64)))
        assert found.error is not None
        inside += abs(found.auc - truth) < found.error
    # 68.27 % of 400 is 273; the binomial's own spread is 9.3.
    assert abs(inside - 273) < 4 * 9.3


@pytest.mark.parametrize(
    ("signal", "background", "auc"), [((5, 6), (1, 2), 1.0), ((1, 2), (5, 6), 0.0), ((1,), (0, 1), 0.75)]
)
def test_an_area_that_has_no_error(signal: tuple[int, ...], background: tuple[int, ...], auc: float) -> None:
    found = content.area(spectrum(*signal), spectrum(*background))
    assert (found.auc, found.error) == (auc, None)


def test_the_area_of_very_many_events_is_exact() -> None:
    million = 10**9
    signal = Spectrum(np.array([0, 1]), np.array([million, million]))
    background = Spectrum(np.array([0, 1]), np.array([million, 0]) + np.array([1, 1]))
    # Wins: signal at 1 over background at 0; ties at both.
    wins = 2 * million * (million + 1) + million * (million + 1) + million
    assert content.area(signal, background).auc == wins / (2 * 2 * million * (million + 2))


# Working points.

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
    low, high = content.wilson(accepted, 40)
    assert (found.rate_low_hz, found.rate_high_hz) == (low * RATE, high * RATE)
    assert (found.signal.low, found.signal.high) == content.wilson(signal, 10)
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
        ([], RATE, "--rates: names no rate"),
        ([1.0], 0.0, "--event-rate-hz 0: must be above 0, in Hz"),
        ([1.0], math.inf, "--event-rate-hz inf: must be above 0, in Hz"),
    ],
)
def test_rates_that_cannot_be_targets(rates: list[float], event_rate: float, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        content.check_rates(rates, event_rate)
    assert str(caught.value).startswith(message)


def test_all_figures_of_pooled_classes() -> None:
    by_class = {"a": spectrum(0, 1), "b": spectrum(1, 2), "c": spectrum(2, 3), "unused": spectrum(99)}
    area, points, curve = content.summarize(by_class, ["c"], ["a", "b"], rates_hz=[1.0], event_rate_hz=4.0, lsb=1.0)
    assert area is not None
    assert area.auc == 7.5 / 8
    assert curve.thresholds.tolist() == [0, 1, 2, 3, 4]
    assert (points[0].threshold, points[0].accepted_by_class) == (2, {"a": 0, "b": 1, "c": 2, "unused": 1})

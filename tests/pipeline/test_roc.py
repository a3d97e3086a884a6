"""The ROC curve and the area under it, by hand, by pairs of events and by scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from trigcnn.pipeline.trigger import roc
from trigcnn.pipeline.trigger.spectrum import Spectrum


def spectrum(*scores: int) -> Spectrum:
    return Spectrum.of(np.array(scores, np.int64))


def test_the_curve_has_every_distinct_threshold_and_one_that_nothing_reaches() -> None:
    curve = roc.curve(spectrum(1, 2, 2, 5), spectrum(-3, 1, 1, 2))
    assert curve.thresholds.tolist() == [-3, 1, 2, 5, 6]
    assert curve.signal.tolist() == [4, 4, 3, 1, 0]
    assert curve.background.tolist() == [4, 3, 1, 0, 0]
    assert (curve.signal_events, curve.background_events) == (4, 4)


def test_the_curve_without_labels() -> None:
    curve = roc.curve(None, spectrum(4, 4, 6))
    assert (curve.thresholds.tolist(), curve.background.tolist()) == ([4, 6, 7], [3, 1, 0])
    assert (curve.signal.size, curve.signal_events) == (0, 0)


def test_the_area_counts_ties_half() -> None:
    # Signal 1 and 3 against background 0, 1 and 2: wins 1 and 3, one tie: 4.5 of 6.
    assert roc.area(spectrum(1, 3), spectrum(0, 1, 2)).auc == 4.5 / 6


def test_the_areas_error_is_that_of_delong_by_pairs() -> None:
    rng = np.random.default_rng(5)
    signal, background = rng.integers(-3, 12, 300), rng.integers(-8, 7, 500)
    pairs = (signal[:, None] > background) + 0.5 * (signal[:, None] == background)
    variance = pairs.mean(axis=1).var(ddof=1) / 300 + pairs.mean(axis=0).var(ddof=1) / 500
    found = roc.area(Spectrum.of(signal), Spectrum.of(background))
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
        found = roc.area(Spectrum.of(signal.astype(np.int64)), Spectrum.of(background.astype(np.int64)))
        assert found.error is not None
        inside += abs(found.auc - truth) < found.error
    # 68.27 % of 400 is 273; the binomial's own spread is 9.3.
    assert abs(inside - 273) < 4 * 9.3


@pytest.mark.parametrize(
    ("signal", "background", "auc"), [((5, 6), (1, 2), 1.0), ((1, 2), (5, 6), 0.0), ((1,), (0, 1), 0.75)]
)
def test_an_area_that_has_no_error(signal: tuple[int, ...], background: tuple[int, ...], auc: float) -> None:
    found = roc.area(spectrum(*signal), spectrum(*background))
    assert (found.auc, found.error) == (auc, None)


def test_the_area_of_very_many_events_is_exact() -> None:
    million = 10**9
    signal = Spectrum(np.array([0, 1]), np.array([million, million]))
    background = Spectrum(np.array([0, 1]), np.array([million, 0]) + np.array([1, 1]))
    # Wins: signal at 1 over background at 0; ties at both.
    wins = 2 * million * (million + 1) + million * (million + 1) + million
    assert roc.area(signal, background).auc == wins / (2 * 2 * million * (million + 2))

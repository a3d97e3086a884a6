"""ROC curves of a run's models."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from trigcnn.pipeline.config.run import TriggerConfig
from trigcnn.pipeline.results.quality import Roc
from trigcnn.pipeline.trigger.roc import curve
from trigcnn.pipeline.trigger.run_curves import roc, thinned
from trigcnn.pipeline.trigger.spectrum import Spectrum

RNG = np.random.default_rng(7)
LABELS = (np.arange(6000) % 3 == 0).astype(np.int64)
# Real numbers, of two classes that overlap.
SCORES = RNG.normal(size=6000) + 1.5 * LABELS


def of(scores: np.ndarray, trigger: TriggerConfig | None = None, classes: tuple[str, ...] = ("noise", "signal")) -> Roc:
    outputs = {
        "float": scores[:, None],
        "quantized": np.round(scores, 1)[:, None],
        "csim": np.round(scores, 1)[:, None],
    }
    found = roc(outputs, LABELS, classes, trigger or TriggerConfig())
    assert found is not None
    return found


def test_every_point_lies_on_the_exact_curve_and_the_area_is_exact() -> None:
    found = of(SCORES)
    assert (found.signal, found.background, found.signal_events, found.background_events) == (
        ["signal"], ["noise"], 2000, 4000,
    )  # fmt: skip
    for each, scores in zip(found.curves, (SCORES, np.round(SCORES, 1), np.round(SCORES, 1)), strict=True):
        assert each.auc == pytest.approx(roc_auc_score(LABELS, scores), abs=1e-12)
        background, signal, _ = roc_curve(LABELS, scores, drop_intermediate=False)
        exact = set(zip((4000 * background).round().astype(int), (2000 * signal).round().astype(int), strict=True))
        assert set(zip(each.background, each.signal, strict=True)) <= exact
        assert (each.background[0], each.signal[0]) == (0, 0)
        assert (each.background[-1], each.signal[-1]) == (4000, 2000)
        assert each.background == sorted(each.background)
        assert each.signal == sorted(each.signal)
        assert 20 < len(each.background) <= 200
    assert found.curves[1].background == found.curves[2].background


def test_thinned_curves_keep_round_numbers_of_background_events_exactly() -> None:
    ranks = np.unique(SCORES, return_inverse=True)[1].astype(np.int64)
    exact = curve(Spectrum.of(ranks[LABELS == 1]), Spectrum.of(ranks[LABELS == 0]))
    chosen = thinned(exact)
    for events in (0, 1, 2, 5, 10, 100, 2000):
        loosest = exact.signal[exact.background <= events].max()
        kept = chosen[exact.background[chosen] <= events]
        assert exact.signal[kept].max() == loosest
    assert thinned(exact, points=10).size < chosen.size


def test_one_output_of_a_background_class_counts_downwards() -> None:
    trigger = TriggerConfig.model_validate({"signal": ["noise"]})
    assert of(-SCORES, trigger, ("signal", "noise")).curves[0].auc == pytest.approx(1 - of(SCORES).curves[0].auc, abs=1)
    down = of(-SCORES, TriggerConfig.model_validate({"signal": ["noise"]}), ("noise", "signal"))
    assert down.score == "-output"


@pytest.mark.parametrize(
    ("outputs", "classes", "labels"),
    [
        (4, ("a", "b", "c"), LABELS),  # no score of four outputs for three classes
        (3, ("a", "b", "c"), LABELS),  # nobody said which class is signal
        (1, ("noise", "signal"), np.zeros(6000, np.int64)),  # no signal events
    ],
)
def test_no_score_gives_no_curves(outputs: int, classes: tuple[str, ...], labels: np.ndarray) -> None:
    values = {name: np.zeros((6000, outputs)) for name in ("float", "quantized", "csim")}
    assert roc(values, labels, classes, TriggerConfig()) is None


def test_weighted_curves_count_events_by_their_weights() -> None:
    scores, weights = np.round(SCORES, 1), RNG.integers(0, 4, 6000)
    found = roc({"csim": scores[:, None]}, LABELS, ("noise", "signal"), TriggerConfig(), weights.astype(np.float32))
    assert found is not None
    (only,) = found.curves
    assert only.auc == pytest.approx(roc_auc_score(LABELS, scores, sample_weight=weights), abs=1e-12)
    assert only.auc_error is None
    background, signal, _ = roc_curve(LABELS, scores, sample_weight=weights, drop_intermediate=False)
    exact = {(round(4000 * b, 6), round(2000 * s, 6)) for b, s in zip(background, signal, strict=True)}
    assert {(round(b, 6), round(s, 6)) for b, s in zip(only.background, only.signal, strict=True)} <= exact
    of_signal = weights[LABELS == 1]
    assert found.effective_signal_events == pytest.approx(of_signal.sum() ** 2 / np.square(of_signal).sum())

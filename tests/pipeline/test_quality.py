"""Figures of quality of each output: classes, masks, targets; efficiency at fixed background; events' weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from trigcnn.models.heads import Head
from trigcnn.pipeline.config.run import TriggerConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.results.quality import ByModel, HeadQuality
from trigcnn.pipeline.verification.quality import Known, measure, threshold_at, trigger_score

LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
SCORES = np.array([1.0, 2.0, 3.0, 4.0, 3.5, 5.0, 0.0, 9.0])


def anomaly(**options: object) -> TriggerConfig:
    return TriggerConfig.model_validate({"signal": ["a"], "background": ["noise"], **options})


CLASSES = ("noise", "a", "b")
SCORE = Head("score", (1,), "targets")


def known(*pairs: tuple[Head, npt.NDArray[Any] | None], weights: npt.NDArray[np.float32] | None = None) -> Known:
    """Heads with their truths."""
    return Known(tuple(head for head, _ in pairs), tuple(truth for _, truth in pairs), LABELS, CLASSES, weights)


def by_model(values: np.ndarray) -> dict[str, np.ndarray]:
    return dict.fromkeys(("float", "quantized", "csim"), values)


@pytest.mark.parametrize(
    ("efficiency", "threshold"), [(0.0, math.inf), (0.24, math.inf), (0.25, 4.0), (0.5, 3.0), (1.0, -math.inf)]
)
def test_a_threshold_accepts_at_most_the_share_of_background(efficiency: float, threshold: float) -> None:
    assert threshold_at(np.array([3, 1, 4, 2]), efficiency) == threshold


def test_efficiencies_are_those_beyond_the_threshold() -> None:
    outputs = by_model(SCORES[:, None])
    found = measure(outputs, known((SCORE, SCORES[:, None])), anomaly(background_efficiencies=[0.25, 0.5]))
    assert found.accuracy is None
    assert found.target_fit is not None
    assert (found.target_fit.csim, found.target_fit.rms["csim"]) == (1.0, 0.0)
    assert [
        (entry.name, entry.signal, entry.background_efficiency, entry.background_accepted, entry.csim)
        for entry in found.signal_efficiencies
    ] == [("a", True, 0.25, 1, 0.5), ("b", False, 0.25, 1, 0.5), ("a", True, 0.5, 2, 1.0), ("b", False, 0.5, 2, 0.5)]


def test_each_model_has_a_threshold_of_its_own() -> None:
    # Twice the scores accept the same events; one coarse step accepts no background and no signal.
    outputs = {"float": 2 * SCORES[:, None], "quantized": SCORES[:, None], "csim": np.minimum(SCORES, 3)[:, None]}
    found = measure(outputs, known((SCORE, None)), anomaly(background_efficiencies=[0.25]))
    first = found.signal_efficiencies[0]
    assert (first.float, first.quantized, first.csim, first.background_accepted) == (0.5, 0.5, 0.0, 0)


def test_a_trigger_has_curves_of_all_its_models_also_of_the_rtl() -> None:
    outputs = by_model(SCORES[:, None]) | {"rtl": SCORES[:, None]}
    found = measure(outputs, known((SCORE, None)), anomaly())
    assert found.roc is not None
    assert [curve.model for curve in found.roc.curves] == ["float", "quantized", "csim", "rtl"]
    assert (found.roc.signal, found.roc.signal_events, found.roc.background_events) == (["a"], 2, 4)
    assert (found.roc.curves[3].background, found.roc.curves[3].signal) == (
        [0, 0, 1, 1, 2, 3, 4],
        [0, 1, 1, 2, 2, 2, 2],
    )
    assert found.roc.curves[3].auc == 7 / 8
    several = {name: np.repeat(values, 2, axis=1) for name, values in outputs.items()}
    assert measure(several, known((SCORE, None), (Head("other", (1,), "none"), None)), anomaly()).roc is None


def test_a_classifier_has_accuracy_and_a_confusion_matrix() -> None:
    logits = np.eye(3)[np.array([0, 0, 0, 1, 1, 1, 2, 0])]
    found = measure(by_model(logits), known((Head("logits", (3,), "classes", CLASSES), LABELS)), TriggerConfig())
    assert found.accuracy is not None
    assert (found.accuracy.csim, found.accuracy.events) == (0.75, 8)
    assert found.heads[0].accuracy == ByModel(float=0.75, quantized=0.75, csim=0.75)
    assert found.confusion is not None
    assert found.confusion.counts == [[3, 1, 0], [0, 2, 0], [1, 0, 1]]
    assert found.signal_efficiencies == []


def test_too_few_background_events_are_refused_before_training() -> None:
    with pytest.raises(ConfigError, match=r"0.1 of the 4 background test events is less than one event"):
        trigger_score(1, ["noise", "a", "b"], anomaly(background_efficiencies=[0.5, 0.1]), LABELS)


def test_unknown_classes_are_refused_before_training() -> None:
    with pytest.raises(ConfigError, match="no such class"):
        trigger_score(3, ["x", "y", "z"], anomaly(background_efficiencies=[0.5]), LABELS)


def one(head: Head, outputs: npt.NDArray[Any], truth: npt.NDArray[Any], weights: Any = None) -> HeadQuality:
    given = Known((head,), (truth,), np.zeros(len(truth), np.int64), (), weights)
    # The float twin is perfect in every case.
    of_float = {"targets": truth, "mask": np.where(truth, 1.0, -1.0)}[head.truth]
    return measure({**by_model(outputs), "float": of_float}, given, TriggerConfig()).heads[0]


def test_targets_have_errors_and_a_resolution() -> None:
    # Residuals -2, -1, 0, 1 and 7; targets 0 to 4 have a variance of 2.
    targets = np.arange(5, dtype=np.float32)[:, None]
    residuals = np.array([-2, -1, 0, 1, 7], np.float32)[:, None]
    found = one(Head("energy", (1,), "targets"), targets + residuals, targets)
    assert found.mean_squared_error == ByModel(float=0, quantized=11, csim=11)
    assert found.mean_absolute_error == ByModel(float=0, quantized=2.2, csim=2.2)
    assert found.explained_variance == ByModel(float=1, quantized=-4.5, csim=-4.5)
    (entry,) = found.residuals
    assert (entry.value, entry.quantiles["csim"]) == (None, [-2, -2, 0, 7, 7])
    assert found.resolution == ByModel(float=0, quantized=4.5, csim=4.5)


def test_weights_count_as_copies_of_an_event() -> None:
    targets = np.array([0, 1, 2, 4], np.float32)[:, None]
    outputs, copies = targets + np.array([3, -1, 0.5, 2], np.float32)[:, None], np.array([1, 3, 0, 2])
    weighted = one(Head("x", (1,), "targets"), outputs, targets, copies.astype(np.float32))
    copied = one(Head("x", (1,), "targets"), np.repeat(outputs, copies, 0), np.repeat(targets, copies, 0))
    for name in ("mean_squared_error", "mean_absolute_error", "explained_variance"):
        assert getattr(weighted, name).csim == pytest.approx(getattr(copied, name).csim, rel=1e-14)
    assert weighted.residuals == copied.residuals
    assert (weighted.weighted, copied.weighted) == (True, False)
    assert weighted.mean_absolute_error == ByModel(float=0, quantized=10 / 6, csim=10 / 6)


def test_each_value_of_a_vector_has_residuals_of_its_own() -> None:
    targets = np.zeros((4, 2), np.float32)
    found = one(Head("xy", (2,), "targets"), targets + np.array([1, -2], np.float32), targets)
    assert [(entry.value, entry.quantiles["csim"][2]) for entry in found.residuals] == [(0, 1), (1, -2)]


@pytest.mark.parametrize("channels", [1, 2])
def test_a_mask_has_an_overlap_for_each_class(channels: int) -> None:
    # Two events of four pixels: 3 of 8 are truly 1; of these 2 are found, and one other is.
    truth = np.array([[[1, 1], [0, 0]], [[1, 0], [0, 0]]])
    given = np.array([[[1, 1], [1, 0]], [[0, 0], [0, 0]]])
    shape = (2, 2, channels)
    mask = Head("mask", shape, "mask", ("empty", "track"))
    logits = np.where(given, 1.0, -1.0)[..., None] if channels == 1 else np.eye(2)[given]
    of_truth = truth[..., None] if channels == 1 else truth
    float_logits = np.where(truth, 1.0, -1.0)[..., None] if channels == 1 else np.eye(2)[truth]
    events = Known((mask,), (of_truth,), np.zeros(2, np.int64), ())
    found = measure({**by_model(logits), "float": float_logits}, events, TriggerConfig()).heads[0]
    assert found.accuracy == ByModel(float=1, quantized=6 / 8, csim=6 / 8)
    assert [entry.found and entry.found.csim for entry in found.overlaps] == [4 / 6, 2 / 4]
    assert found.intersection_over_union == ByModel(float=1, quantized=(4 / 6 + 2 / 4) / 2, csim=(4 / 6 + 2 / 4) / 2)


def test_efficiencies_are_shares_of_the_weights() -> None:
    # Without weights, half of the background is two events, 3 and 4; with them, the event at 4 alone.
    weights = np.array([1, 1, 1, 3, 5, 1, 1, 1], np.float32)
    found = measure(
        by_model(SCORES[:, None]), known((SCORE, None), weights=weights), anomaly(background_efficiencies=[0.5])
    )
    first = found.signal_efficiencies[0]
    assert (first.background_accepted, first.events, first.csim) == (1, 2, 1 / 6)
    assert found.roc is not None
    assert found.roc.effective_signal_events == pytest.approx(36 / 26)


def test_an_output_of_which_nothing_is_known_has_no_figure() -> None:
    nothing = Known((Head("features", (4,), "none", reason="why"),), (None,), np.zeros(8, np.int64), ())
    found = measure({"quantized": np.zeros((8, 4)), "csim": np.zeros((8, 4))}, nothing, TriggerConfig())
    assert found.heads == [HeadQuality(head=nothing.heads[0], events=8, weighted=False)]
    assert (found.accuracy, found.target_fit, found.roc, found.signal_efficiencies) == (None, None, None, [])

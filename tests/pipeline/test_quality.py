"""Accuracy, efficiency at fixed background, agreement with targets."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trigcnn.pipeline.config.run import TriggerConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.verification.quality import measure, threshold_at, trigger_score

LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
SCORES = np.array([1.0, 2.0, 3.0, 4.0, 3.5, 5.0, 0.0, 9.0])


def anomaly(**options: object) -> TriggerConfig:
    return TriggerConfig.model_validate({"signal": ["a"], "background": ["noise"], **options})


def by_model(values: np.ndarray) -> dict[str, np.ndarray]:
    return dict.fromkeys(("float", "quantized", "csim"), values)


@pytest.mark.parametrize(
    ("efficiency", "threshold"), [(0.0, math.inf), (0.24, math.inf), (0.25, 4.0), (0.5, 3.0), (1.0, -math.inf)]
)
def test_a_threshold_accepts_at_most_the_share_of_background(efficiency: float, threshold: float) -> None:
    assert threshold_at(np.array([3, 1, 4, 2]), efficiency) == threshold


def test_efficiencies_are_those_beyond_the_threshold() -> None:
    outputs = by_model(SCORES[:, None])
    found = measure(
        outputs,
        LABELS,
        ["noise", "a", "b"],
        anomaly(background_efficiencies=[0.25, 0.5]),
        objective="distillation",
        targets=SCORES[:, None],
    )
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
    found = measure(outputs, LABELS, ["noise", "a", "b"], anomaly(background_efficiencies=[0.25]))
    first = found.signal_efficiencies[0]
    assert (first.float, first.quantized, first.csim, first.background_accepted) == (0.5, 0.5, 0.0, 0)


def test_a_trigger_has_curves_of_all_its_models_also_of_the_rtl() -> None:
    outputs = by_model(SCORES[:, None]) | {"rtl": SCORES[:, None]}
    found = measure(outputs, LABELS, ["noise", "a", "b"], anomaly())
    assert found.roc is not None
    assert [curve.model for curve in found.roc.curves] == ["float", "quantized", "csim", "rtl"]
    assert (found.roc.signal, found.roc.signal_events, found.roc.background_events) == (["a"], 2, 4)
    assert (found.roc.curves[3].background, found.roc.curves[3].signal) == (
        [0, 0, 1, 1, 2, 3, 4],
        [0, 1, 1, 2, 2, 2, 2],
    )
    assert found.roc.curves[3].auc == 7 / 8
    assert measure(outputs, LABELS, ["noise", "a", "b"], anomaly(), several=True).roc is None


def test_a_classifier_has_accuracy_and_a_confusion_matrix() -> None:
    logits = np.eye(3)[np.array([0, 0, 0, 1, 1, 1, 2, 0])]
    found = measure(by_model(logits), LABELS, ["noise", "a", "b"], TriggerConfig())
    assert found.accuracy is not None
    assert found.accuracy.csim == 0.75
    assert found.confusion is not None
    assert found.confusion.counts == [[3, 1, 0], [0, 2, 0], [1, 0, 1]]
    assert found.signal_efficiencies == []


def test_too_few_background_events_are_refused_before_training() -> None:
    with pytest.raises(ConfigError, match=r"0.1 of the 4 background test events is less than one event"):
        trigger_score(1, ["noise", "a", "b"], anomaly(background_efficiencies=[0.5, 0.1]), LABELS)


def test_unknown_classes_are_refused_before_training() -> None:
    with pytest.raises(ConfigError, match="no such class"):
        trigger_score(3, ["x", "y", "z"], anomaly(background_efficiencies=[0.5]), LABELS)

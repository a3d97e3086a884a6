"""Quality of a network on the test events: float twin, quantized model and C simulation side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.pipeline.config.run import TriggerConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.results.quality import Accuracy, ConfusionMatrix, Quality, SignalEfficiency, TargetFit
from trigcnn.pipeline.trigger.run_curves import roc
from trigcnn.pipeline.trigger.scores import Score, make_score

Values = npt.NDArray[Any]
Labels = npt.NDArray[np.int64]

MODELS = ("float", "quantized", "csim")


def measure(
    outputs: Mapping[str, Values],
    labels: Labels,
    classes: Sequence[str],
    trigger: TriggerConfig,
    *,
    objective: str = "classification",
    targets: Values | None = None,
    several: bool = False,
) -> Quality:
    """Return the figures that fit what the network learned.

    Args:
        outputs: Outputs [events, ...] of `float`, `quantized`, `csim` and, if there is any, `rtl` on the same events.
        labels: Classes of the events [events], as indices.
        classes: Names of the classes.
        trigger: Which classes are signal, and at which background efficiencies the signal's is wanted.
        objective: What it learned: `classification`, or to give `targets`.
        targets: [events, ...], where it learned to give these.
        several: Whether it has several outputs, of which it is not known which are logits.

    Raises:
        ConfigError: Efficiencies are requested, but the outputs or the classes do not define a score.
    """
    classifies = objective == "classification" and not several
    return Quality(
        accuracy=_accuracy(outputs, labels) if classifies else None,
        confusion=_confusion(outputs["csim"], labels, classes) if classifies else None,
        target_fit=None if targets is None or several else _fit(outputs, targets),
        signal_efficiencies=[] if several else _efficiencies(outputs, labels, classes, trigger),
        roc=None if several else roc(outputs, labels, classes, trigger),
    )


def trigger_score(outputs: int, classes: Sequence[str], trigger: TriggerConfig, labels: Labels) -> Score | None:
    """Return the score for efficiencies; None if none are requested.

    Args:
        outputs: Number of the network's outputs per event.
        classes: Names of the classes.
        trigger: Which classes are signal, and at which background efficiencies the signal's is wanted.
        labels: Classes of the test events, as indices.

    Raises:
        ConfigError: The outputs or the classes do not give a score, or there are too few background events.
    """
    if not trigger.background_efficiencies:
        return None
    score = make_score(classes, outputs, signal=trigger.signal, background=trigger.background, kind=None)
    events = int(np.isin(labels, score.background).sum())
    smallest = min(trigger.background_efficiencies)
    if smallest * events < 1:
        raise ConfigError(
            f"trigger.background_efficiencies: {smallest:g} of the {events} background test events is less than one "
            "event; use more test events, or a larger share"
        )
    return score


def threshold_at(background: Values, efficiency: float) -> float:
    """Return the loosest threshold that accepts at most a share of the background; events at it are accepted.

    Args:
        background: Scores of background events, at least one.
        efficiency: The share, 0 to 1.

    >>> threshold_at(np.array([1, 2, 3, 4]), 0.5)
    3.0
    >>> threshold_at(np.array([1, 3, 3, 3]), 0.5)  # all three or none
    inf
    """
    allowed = math.floor(efficiency * len(background) + 1e-9)
    scores = np.sort(background)[::-1]
    if allowed >= len(scores):
        return -math.inf
    accepted = scores[:allowed]
    # Those that tie with the first one too many are out.
    accepted = accepted[accepted > scores[allowed]]
    return float(accepted[-1]) if accepted.size else math.inf


def _efficiencies(
    outputs: Mapping[str, Values], labels: Labels, classes: Sequence[str], trigger: TriggerConfig
) -> list[SignalEfficiency]:
    flat = {name: values.reshape(len(values), -1) for name, values in outputs.items()}
    score = trigger_score(flat["csim"].shape[1], classes, trigger, labels)
    if score is None:
        return []
    scores = {name: score.of(values) for name, values in flat.items()}
    is_background = np.isin(labels, score.background)
    background_events = int(is_background.sum())
    found = []
    for wanted in trigger.background_efficiencies:
        thresholds = {name: threshold_at(values[is_background], wanted) for name, values in scores.items()}
        for number, name in enumerate(classes):
            if number in score.background:
                continue
            chosen = labels == number
            shares = {model: float((scores[model][chosen] >= thresholds[model]).mean()) for model in MODELS}
            found.append(
                SignalEfficiency(
                    name=name,
                    signal=number in score.signal,
                    score=score.definition(classes),
                    background=[classes[index] for index in score.background],
                    background_efficiency=wanted,
                    background_events=background_events,
                    background_accepted=int((scores["csim"][is_background] >= thresholds["csim"]).sum()),
                    events=int(chosen.sum()),
                    **shares,
                )
            )
    return found


def _fit(outputs: Mapping[str, Values], targets: Values) -> TargetFit:
    from sklearn.metrics import mean_squared_error, r2_score

    wanted = targets.reshape(len(targets), -1)
    flat = {name: outputs[name].reshape(len(targets), -1) for name in MODELS}
    explained = {
        name: float(r2_score(wanted, values, multioutput="variance_weighted")) for name, values in flat.items()
    }
    return TargetFit(
        **explained,
        rms={name: math.sqrt(mean_squared_error(wanted, values)) for name, values in flat.items()},
        events=len(targets),
    )


def _classes(outputs: Values) -> Labels:
    from trigcnn.models.training import classify

    return classify(outputs)


def _accuracy(outputs: Mapping[str, Values], labels: Labels) -> Accuracy:
    shares = {name: float((_classes(outputs[name]) == labels).mean()) for name in MODELS}
    return Accuracy(**shares, events=len(labels))


def _confusion(outputs: Values, labels: Labels, classes: Sequence[str]) -> ConfusionMatrix:
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (labels, _classes(outputs)), 1)
    return ConfusionMatrix(classes=list(classes), counts=counts.tolist())

"""Quality of a network on the test events: float twin, quantized model and C simulation side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.models.heads import Head
from trigcnn.pipeline.config.run import TriggerConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.results.quality import (
    Accuracy,
    ByModel,
    ConfusionMatrix,
    HeadQuality,
    Overlap,
    Quality,
    Residuals,
    SignalEfficiency,
    TargetFit,
)
from trigcnn.pipeline.trigger.run_curves import roc
from trigcnn.pipeline.trigger.scores import Score, make_score
from trigcnn.pipeline.verification import metrics

Values = npt.NDArray[Any]
Labels = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float32] | None

MODELS = ("float", "quantized", "csim")
# Quantiles of more values than these are those of all values together.
_MOST_VALUES = 16


@dataclass(frozen=True)
class Known:
    """What is known of the test events.

    Attributes:
        heads: The network's outputs.
        truths: [events, ...] of each, or None.
        labels: Classes of the events [events], as indices.
        classes: Names of these classes; empty where they are not known.
        weights: [events]; None if all count the same.
    """

    heads: tuple[Head, ...]
    truths: tuple[Values | None, ...]
    labels: Labels
    classes: tuple[str, ...]
    weights: Weights = None


def measure(outputs: Mapping[str, Values], known: Known, trigger: TriggerConfig) -> Quality:
    """Return the figures that follow from what is known of the outputs.

    Args:
        outputs: Outputs [events, ...] of `float`, `quantized`, `csim` and, if there is any, `rtl` on the same events;
            of several outputs one row per event. `float` may be missing if nothing is known.
        known: What is known of the events.
        trigger: Which classes are signal, and at which background efficiencies the signal's is wanted.

    Raises:
        ConfigError: Efficiencies are requested, but the outputs or the classes do not define a score.
    """
    parts = {name: _by_head(known.heads, values) for name, values in outputs.items()}
    heads = [
        _head(head, {name: of[number] for name, of in parts.items()}, truth, known)
        for number, (head, truth) in enumerate(zip(known.heads, known.truths, strict=True))
    ]
    only, truth = (heads[0], known.truths[0]) if len(heads) == 1 else (None, None)
    scored = only is not None and bool(known.classes)
    accuracy = only.accuracy if only is not None and only.head.truth == "classes" else None
    return Quality(
        accuracy=None if accuracy is None else Accuracy(**accuracy.model_dump(), events=len(known.labels)),
        confusion=None if accuracy is None or truth is None else _confusion(outputs["csim"], known.heads[0], truth),
        target_fit=None if only is None else _fit(only),
        signal_efficiencies=_efficiencies(outputs, known, trigger) if scored else [],
        roc=roc(outputs, known.labels, known.classes, trigger, known.weights) if scored else None,
        heads=heads,
    )


def _by_head(heads: Sequence[Head], outputs: Values) -> list[Values]:
    flat = outputs.reshape(len(outputs), -1)
    parts = np.split(flat, np.cumsum([head.size for head in heads])[:-1], axis=1)
    return [part.reshape(len(flat), *head.shape) for head, part in zip(heads, parts, strict=True)]


def _head(head: Head, outputs: Mapping[str, Values], truth: Values | None, known: Known) -> HeadQuality:
    weights = known.weights
    entry = HeadQuality(head=head, events=len(known.labels), weighted=weights is not None)
    if truth is None:
        return entry
    figures = _of_targets if head.truth == "targets" else _of_classes
    return entry.model_copy(update=figures(head, outputs, truth, weights))


def _each(outputs: Mapping[str, Values], figure: Callable[[Values], float]) -> ByModel:
    return ByModel(**{name: figure(outputs[name]) for name in MODELS})


def _of_classes(head: Head, outputs: Mapping[str, Values], truth: Values, weights: Weights) -> dict[str, Any]:
    given = {name: metrics.decided(outputs[name], head) for name in MODELS}
    found: dict[str, Any] = {"accuracy": _each(given, lambda classes: metrics.mean(classes == truth, weights))}
    if head.truth == "mask":
        shares = {name: metrics.overlaps(of, truth, len(head.classes), weights) for name, of in given.items()}
        of_class = [
            None if None in values else ByModel(**dict(zip(MODELS, values, strict=True)))
            for values in zip(*shares.values(), strict=True)
        ]
        occurring = [each for each in of_class if each is not None]
        found["overlaps"] = [Overlap(name=name, found=each) for name, each in zip(head.classes, of_class, strict=True)]
        found["intersection_over_union"] = ByModel(
            **{name: float(np.mean([getattr(each, name) for each in occurring])) for name in MODELS}
        )
    return found


def _of_targets(head: Head, outputs: Mapping[str, Values], truth: Values, weights: Weights) -> dict[str, Any]:
    def of(figure: Callable[[Values, Values, Weights], float]) -> ByModel:
        return _each(outputs, lambda values: figure(values, truth, weights))

    each_value = len(head.shape) == 1 and 1 < head.size <= _MOST_VALUES
    together = _residuals(None, outputs, truth, weights)
    return {
        "explained_variance": of(metrics.explained_variance),
        "mean_squared_error": of(metrics.mean_squared_error),
        "mean_absolute_error": of(metrics.mean_absolute_error),
        "resolution": together.resolution,
        "residuals": [
            _residuals(number, {name: values[:, number] for name, values in outputs.items()}, truth[:, number], weights)
            for number in range(head.size)
        ]
        if each_value
        else [together],
    }


def _residuals(number: int | None, outputs: Mapping[str, Values], truth: Values, weights: Weights) -> Residuals:
    quantiles = {name: metrics.residual_quantiles(outputs[name], truth, weights) for name in MODELS}
    return Residuals(
        value=number,
        shares=list(metrics.QUANTILES),
        quantiles={name: list(values) for name, values in quantiles.items()},
        resolution=ByModel(**{name: metrics.resolution(values) for name, values in quantiles.items()}),
    )


def _fit(only: HeadQuality) -> TargetFit | None:
    explained, error = only.explained_variance, only.mean_squared_error
    if explained is None or error is None:
        return None
    rms = {name: math.sqrt(getattr(error, name)) for name in MODELS}
    return TargetFit(**explained.model_dump(), rms=rms, events=only.events)


def _confusion(outputs: Values, head: Head, truth: Labels) -> ConfusionMatrix:
    """Count events, each once whatever its weight."""
    counts = np.zeros((len(head.classes), len(head.classes)), dtype=np.int64)
    np.add.at(counts, (truth, metrics.decided(outputs, head)), 1)
    return ConfusionMatrix(classes=list(head.classes), counts=counts.tolist())


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
    if not classes:
        raise ConfigError(
            "trigger.background_efficiencies: the classes of the events are not known; name their labels in "
            "data.labels, or remove the option"
        )
    score = make_score(classes, outputs, signal=trigger.signal, background=trigger.background, kind=None)
    events = int(np.isin(labels, score.background).sum())
    smallest = min(trigger.background_efficiencies)
    if smallest * events < 1:
        raise ConfigError(
            f"trigger.background_efficiencies: {smallest:g} of the {events} background test events is less than one "
            "event; use more test events, or a larger share"
        )
    return score


def threshold_at(background: Values, efficiency: float, weights: Weights = None) -> float:
    """Return the loosest threshold that accepts at most a share of the background; events at it are accepted.

    Args:
        background: Scores of background events, at least one.
        efficiency: The share, 0 to 1; of the sum of the weights, if there are any.
        weights: [events]; None if all count the same.

    >>> threshold_at(np.array([1, 2, 3, 4]), 0.5)
    3.0
    >>> threshold_at(np.array([1, 3, 3, 3]), 0.5)  # all three or none
    inf
    >>> threshold_at(np.array([1, 2, 3, 4]), 0.5, np.array([4, 1, 1, 2], np.float32))
    2.0
    """
    scores, place = np.unique(background, return_inverse=True)
    # Of each score and all above it.
    accepted = np.cumsum(np.bincount(place.ravel(), weights)[::-1])[::-1]
    total = float(accepted[0])
    within = np.flatnonzero(accepted <= efficiency * total + 1e-9 * total / len(background))
    if not within.size:
        return math.inf
    return -math.inf if within[0] == 0 else float(scores[within[0]])


def _efficiencies(outputs: Mapping[str, Values], known: Known, trigger: TriggerConfig) -> list[SignalEfficiency]:
    flat = {name: values.reshape(len(values), -1) for name, values in outputs.items()}
    labels, classes, weights = known.labels, known.classes, known.weights
    score = trigger_score(flat["csim"].shape[1], classes, trigger, labels)
    if score is None:
        return []
    scores = {name: score.of(values) for name, values in flat.items()}
    is_background = np.isin(labels, score.background)
    background_events = int(is_background.sum())

    def of(chosen: Values) -> Weights:
        return None if weights is None else weights[chosen]

    found = []
    for wanted in trigger.background_efficiencies:
        thresholds = {
            name: threshold_at(values[is_background], wanted, of(is_background)) for name, values in scores.items()
        }
        for number, name in enumerate(classes):
            chosen = labels == number
            if number in score.background or (weights is not None and not weights[chosen].any()):
                continue
            shares = {model: metrics.mean(scores[model][chosen] >= thresholds[model], of(chosen)) for model in MODELS}
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

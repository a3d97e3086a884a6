"""ROC curves of a run's models on its test events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from trigcnn.pipeline.config.run import TriggerConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.results.quality import Roc, RocCurve
from trigcnn.pipeline.trigger.roc import Curve, area, curve, weighted
from trigcnn.pipeline.trigger.scores import Score, make_score
from trigcnn.pipeline.trigger.spectrum import Integers, Spectrum

Values = npt.NDArray[Any]
Model = Literal["float", "quantized", "csim", "rtl"]

_POINTS = 180
# Working points that a table shows, in events of the background; they are kept as they are.
_STEPS = (1, 2, 5)


def roc(
    outputs: Mapping[str, Values],
    labels: npt.NDArray[np.int64],
    classes: Sequence[str],
    trigger: TriggerConfig,
    weights: Values | None = None,
) -> Roc | None:
    """Return the curves of all models of a trigger.

    Args:
        outputs: Outputs [events, ...] by model, on the same events.
        labels: Classes of the events [events], as indices.
        classes: Names of the classes.
        trigger: Which classes are signal.
        weights: [events]; None if all count the same.

    Returns:
        None where the outputs and the classes give no score, or there are no events on one side.
    """
    flat = {name: values.reshape(len(values), -1) for name, values in outputs.items()}
    score = _score(flat["csim"].shape[1], classes, trigger)
    if score is None:
        return None
    is_signal, is_background = np.isin(labels, score.signal), np.isin(labels, score.background)
    counted = np.ones(len(labels)) if weights is None else weights
    if not counted[is_signal].any() or not counted[is_background].any():
        return None
    of_signal = counted[is_signal].astype(np.float64)
    return Roc(
        score=score.definition(classes),
        signal=[classes[index] for index in score.signal],
        background=[classes[index] for index in score.background],
        signal_events=int(is_signal.sum()),
        background_events=int(is_background.sum()),
        effective_signal_events=None if weights is None else float(of_signal.sum() ** 2 / np.square(of_signal).sum()),
        event_rate_hz=trigger.event_rate_hz,
        curves=[
            _curve(model, score.of(flat[model]), is_signal, is_background, weights)
            for model in get_args(Model)
            if model in flat
        ],
    )


def _score(outputs: int, classes: Sequence[str], trigger: TriggerConfig) -> Score | None:
    try:
        return make_score(classes, outputs, signal=trigger.signal, background=trigger.background, kind=None)
    except ConfigError:
        return None


def _curve(model: Model, scores: Values, is_signal: Values, is_background: Values, weights: Values | None) -> RocCurve:
    # Only the order of scores matters: their ranks stand for them, so that counts are exact for real scores too.
    ranks = np.unique(scores, return_inverse=True)[1].astype(np.int64)
    signal, background = ranks[is_signal], ranks[is_background]
    if weights is None:
        counts = Spectrum.of(signal), Spectrum.of(background)
        exact, found = curve(*counts), area(*counts)
    else:
        exact, found = weighted(signal, background, weights[is_signal], weights[is_background])
    chosen = thinned(exact)
    return RocCurve(
        model=model,
        auc=found.auc,
        auc_error=found.error,
        background=exact.background[chosen].tolist(),
        signal=exact.signal[chosen].tolist(),
    )


def thinned(exact: Curve, points: int = _POINTS) -> Integers:
    """Choose thresholds that draw the curve, from the tightest to the loosest; all, where there are few.

    Both ends are among them, what the loosest thresholds accept for 0, 1, 2, 5, 10, 20 ... events of the background,
    and others that lie evenly along signal and along the logarithm of background.

    Args:
        exact: The curve at all thresholds.
        points: Most thresholds that lie evenly.

    Returns:
        Indices into its arrays.
    """
    # From the tightest threshold: accepted events rise.
    signal, background = exact.signal[::-1], exact.background[::-1]
    last = background.size - 1
    if last < points:
        return np.arange(last, -1, -1)
    kept = [np.array([0, last]), _loosest(background, np.append(0, working_points(exact.background_events)))]
    even = max(points // 2, 1)
    steps = np.geomspace(1, exact.background_events, even).astype(np.int64)
    kept.append(_loosest(background, steps))
    kept.append(_loosest(signal, np.linspace(0, exact.signal_events, even).astype(np.int64)))
    chosen: Integers = last - np.unique(np.concatenate(kept))
    return chosen


def working_points(events: int) -> Integers:
    """Return 1, 2, 5, 10, 20, ... up to a number of events.

    >>> working_points(30).tolist()
    [1, 2, 5, 10, 20]
    """
    decades = range(len(str(events)))
    return np.array([step * 10**n for n in decades for step in _STEPS if step * 10**n <= events], np.int64)


def _loosest(accepted: Values, most: Integers) -> Integers:
    """Index of the last of rising counts that does not exceed each limit."""
    found: Integers = np.searchsorted(accepted, most, side="right") - 1
    return np.clip(found, 0, None)

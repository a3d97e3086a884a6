"""Figures of quality of one output, each a plain formula on arrays of events.

w are the events' weights, all 1 without; sums are over events. An image's pixels, and the values of a vector, count the
same. Everything is computed in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.models.heads import Head

Values = npt.NDArray[Any]
Weights = npt.NDArray[np.floating[Any]] | None
Classes = npt.NDArray[np.int64]

QUANTILES = (0.025, 0.1587, 0.5, 0.8413, 0.975)
"""Of the residuals; between the second and the fourth lie 68.27 % of a normal distribution, one sigma on each side."""


def mean(values: Values, weights: Weights = None) -> float:
    """Return the mean over events, sum(w x) / sum(w).

    Args:
        values: [events, ...].
        weights: [events], not all 0.

    >>> mean(np.array([True, False, True, True])), mean(np.array([1.0, 3.0]), np.array([3.0, 1.0]))
    (0.75, 1.5)
    """
    by_event = values.reshape(len(values), -1).mean(axis=1, dtype=np.float64)
    return float(np.average(by_event, weights=None if weights is None else weights.astype(np.float64)))


def mean_squared_error(outputs: Values, targets: Values, weights: Weights = None) -> float:
    """Return sum(w (output - target)^2) / sum(w), in the square of the output's units."""
    return mean(np.square(_residuals(outputs, targets)), weights)


def mean_absolute_error(outputs: Values, targets: Values, weights: Weights = None) -> float:
    """Return sum(w |output - target|) / sum(w), in the output's units."""
    return mean(np.abs(_residuals(outputs, targets)), weights)


def explained_variance(outputs: Values, targets: Values, weights: Weights = None) -> float:
    """Return 1 - sum(w (output - target)^2) / sum(w (target - mean)^2), without unit.

    1 is perfect, 0 is no better than the targets' means, which are taken value by value. If the targets do not vary, it
    is 1 for perfect outputs and otherwise 0.

    >>> explained_variance(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))  # 1 - 1 / (14 / 3)
    0.7857142857142857
    """
    known = targets.reshape(len(targets), -1).astype(np.float64)
    means = np.average(known, axis=0, weights=weights)
    error, variance = mean_squared_error(outputs, targets, weights), mean(np.square(known - means), weights)
    if variance == 0:
        return float(error == 0)
    return 1 - error / variance


def residual_quantiles(outputs: Values, targets: Values, weights: Weights = None) -> tuple[float, ...]:
    """Return the quantiles `QUANTILES` of output - target over all events and values, in the output's units.

    A quantile q is the smallest residual r such that the residuals up to r have at least the share q of the weights.
    """
    residuals = _residuals(outputs, targets).reshape(len(targets), -1)
    spread = None if weights is None else np.repeat(weights.astype(np.float64), residuals.shape[1])
    found = np.quantile(residuals.ravel(), QUANTILES, weights=spread, method="inverted_cdf")
    return tuple(float(value) for value in found)


def resolution(quantiles: tuple[float, ...]) -> float:
    """Return half the width of the central 68.27 % of the residuals, in the output's units: sigma, if they are normal.

    >>> resolution((-2.0, -1.0, 0.25, 1.5, 3.0))
    1.25
    """
    return (quantiles[3] - quantiles[1]) / 2


def decided(outputs: Values, head: Head) -> Classes:
    """Return the class of each event or pixel: of the largest logit, or whether the one logit is above zero.

    Args:
        outputs: [events, ...] of the head.
        head: One with classes.

    Returns:
        In the shape of the head's truth; the first of equal logits.
    """
    shaped = outputs.reshape(len(outputs), *head.shape)
    if head.one_logit:
        return (shaped > 0).astype(np.int64).reshape(len(outputs), *head.truth_shape)
    classes: Classes = np.argmax(shaped, axis=-1).astype(np.int64)
    return classes


def overlaps(given: Classes, known: Classes, classes: int, weights: Weights = None) -> list[float | None]:
    """Return the intersection over union of each class, sum(w |given and known|) / sum(w |given or known|).

    Args:
        given: Classes of the pixels [events, ...] by the network.
        known: The true ones.
        classes: Number of classes.
        weights: [events].

    Returns:
        Without unit, 0 to 1; None for a class that no pixel truly has.

    >>> overlaps(np.array([[0, 1, 1, 0]]), np.array([[0, 1, 0, 0]]), 3)
    [0.6666666666666666, 0.5, None]
    """
    found: list[float | None] = []
    for number in range(classes):
        mine, true = given == number, known == number
        if not true.any():
            found.append(None)
            continue
        union = mean(mine | true, weights)
        found.append(mean(mine & true, weights) / union if union else None)
    return found


def _residuals(outputs: Values, targets: Values) -> npt.NDArray[np.float64]:
    return outputs.reshape(targets.shape).astype(np.float64) - targets

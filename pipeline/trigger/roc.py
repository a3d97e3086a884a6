"""The exact ROC curve and the area under it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trigcnn.pipeline.trigger.content import Area
from trigcnn.pipeline.trigger.spectrum import Integers, Spectrum

Weights = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Curve:
    """Accepted events at every threshold that makes a difference.

    Attributes:
        thresholds: Every distinct score, rising, and last one more than the highest, in LSB.
        signal: Accepted signal events at each; empty without labels. With weights, their sum in units of the mean.
        background: Accepted background events at each; all events without labels. With weights as the signal.
        signal_events: Number of signal events.
        background_events: Number of background events.
    """

    thresholds: Integers
    signal: npt.NDArray[np.int64 | np.float64]
    background: npt.NDArray[np.int64 | np.float64]
    signal_events: int
    background_events: int


def curve(signal: Spectrum | None, background: Spectrum) -> Curve:
    """Count accepted events at every distinct score: the exact ROC curve.

    Args:
        signal: Signal events; None where there are no labels.
        background: Background events, at least one, or all events.
    """
    parts = [background] if signal is None else [signal, background]
    scores = Spectrum.merged(parts).values
    thresholds = np.append(scores, scores[-1] + 1)
    return Curve(
        thresholds,
        np.empty(0, np.int64) if signal is None else signal.accepted(thresholds),
        background.accepted(thresholds),
        0 if signal is None else signal.events,
        background.events,
    )


def weighted(
    signal: Integers, background: Integers, signal_weights: Weights, background_weights: Weights
) -> tuple[Curve, Area]:
    """Return the curve of weighted events and the area under it, which has no error.

    The area is the Mann-Whitney statistic with weights: the sum over pairs of the products of their weights where the
    signal event scores above the background event, ties counted half, divided by the sum over all pairs.

    Args:
        signal: Scores of signal events, whole numbers from 0.
        background: Scores of background events.
        signal_weights: 0 or more, not all 0.
        background_weights: The same.
    """
    size = 1 + int(max(signal.max(), background.max()))
    parts = [
        np.bincount(scores, weights.astype(np.float64), size) * (scores.size / weights.sum(dtype=np.float64))
        for scores, weights in ((signal, signal_weights), (background, background_weights))
    ]
    accepted = [np.append(np.cumsum(part[::-1])[::-1], 0.0) for part in parts]
    below = np.cumsum(parts[1]) - parts[1] / 2
    auc = float(parts[0] @ below) / (signal.size * background.size)
    found = Curve(np.arange(size + 1), accepted[0], accepted[1], signal.size, background.size)
    return found, Area(auc=min(auc, 1.0), error=None)


def area(signal: Spectrum, background: Spectrum) -> Area:
    """Return the area under the ROC curve and its standard error.

    The area is the Mann-Whitney statistic. Its variance is that of DeLong, which assumes no shape of the
    distributions; on counts of integer scores it is exact and takes no pairs of events.

    Args:
        signal: Signal events, at least one.
        background: Background events, at least one.

    Source: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Biometrics 44 (1988) 837.
    """
    n_signal, n_background = signal.events, background.events
    # Twice the background events below each signal score, ties counted once; and the other way round.
    below = (n_background - background.accepted(signal.values)) + (
        n_background - background.accepted(signal.values + 1)
    )
    above = signal.accepted(background.values) + signal.accepted(background.values + 1)
    wins = sum(int(part) for part in _products(below, signal.counts))
    value = wins / (2 * n_signal * n_background)
    error = None
    if min(n_signal, n_background) > 1:
        spread_signal = float(np.dot(signal.counts, (below / (2 * n_background) - value) ** 2)) / (n_signal - 1)
        spread_background = float(np.dot(background.counts, (above / (2 * n_signal) - value) ** 2)) / (n_background - 1)
        variance = spread_signal / n_signal + spread_background / n_background
        # If the classes do not overlap, it is zero, which is not an error estimate.
        error = math.sqrt(variance) if wins not in (0, 2 * n_signal * n_background) else None
    return Area(auc=value, error=error)


def _products(first: Integers, second: Integers) -> list[int]:
    """Sums of products in parts that fit 64 bits: up to 2**31 events of each class."""
    step = 1 << 16
    return [int(np.dot(first[i : i + step], second[i : i + step])) for i in range(0, len(first), step)]

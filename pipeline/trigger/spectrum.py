"""Counts of events by score, from which efficiencies, the ROC curve and its area follow.

A score is a whole number, in units of the last bit (LSB) of the network's output. The trigger accepts an event whose
score is at least a threshold, a whole number too. So counts of events by class and score lose
nothing: all figures are exact, however many events there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
# np.bincount is faster than sorting while its table stays small.
_TABLE = 1 << 22
# Least number of scores to merge at once, so that short chunks do not sort everything again each time.
_PENDING = 1 << 20


@dataclass(frozen=True)
class Spectrum:
    """How many events have each score.

    Attributes:
        values: The scores that occur, rising, in LSB.
        counts: Number of events at each.
    """

    values: Integers
    counts: Integers

    @classmethod
    def of(cls, scores: npt.NDArray[np.integer]) -> Spectrum:
        """Count scores [events]."""
        scores = np.asarray(scores, np.int64)
        if scores.size:
            low, span = int(scores.min()), int(scores.max()) - int(scores.min())
            if span < min(_TABLE, 8 * scores.size):
                table = np.bincount(scores - low, minlength=span + 1)
                at = np.flatnonzero(table)
                return cls(at + low, table[at].astype(np.int64))
        values, counts = np.unique(scores, return_counts=True)
        return cls(values, counts.astype(np.int64))

    @classmethod
    def merged(cls, parts: Sequence[Spectrum]) -> Spectrum:
        """Add spectra up."""
        values = np.concatenate([np.empty(0, np.int64), *(part.values for part in parts)])
        if not values.size:
            return cls(values, values.copy())
        counts = np.concatenate([part.counts for part in parts])
        order = np.argsort(values, kind="stable")
        values, counts = values[order], counts[order]
        first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
        return cls(values[first], np.add.reduceat(counts, first))

    @property
    def events(self) -> int:
        """Number of events."""
        return int(self.counts.sum())

    def accepted(self, thresholds: npt.ArrayLike) -> Integers:
        """Number of events whose score is at least each threshold."""
        tail = np.concatenate([np.cumsum(self.counts[::-1])[::-1], np.zeros(1, np.int64)])
        found: Integers = tail[np.searchsorted(self.values, np.asarray(thresholds, np.int64), side="left")]
        return found


class SpectrumBuilder:
    """Collects a spectrum chunk by chunk; needs memory for the distinct scores, not for the events."""

    def __init__(self) -> None:
        self._parts: list[Spectrum] = []
        self._pending = 0

    def add(self, scores: npt.NDArray[np.integer]) -> None:
        """Count the scores of a chunk."""
        part = Spectrum.of(scores)
        self._parts.append(part)
        self._pending += part.values.size
        # As many new as old scores: every score is then sorted only a few times.
        if self._pending > max(_PENDING, self._parts[0].values.size):
            self.build()

    def build(self) -> Spectrum:
        """Return the counts so far."""
        self._parts = [Spectrum.merged(self._parts)]
        self._pending = 0
        return self._parts[0]

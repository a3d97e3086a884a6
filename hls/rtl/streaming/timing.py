"""Timing: the clock cycle of every word at every place of a design, computed before it is simulated.

Times are counted for events without a gap, `initiation_interval` cycles apart, and for pixels far apart. In between,
gaps decide which windows at an image's end come by themselves. So there are bounds as well: the earliest times (the end
of an image never waits) and the latest times of words (it always waits for the next image).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trigcnn.hls.rtl.streaming.geometry import Geometry

Times = npt.NDArray[np.int64]

_FAR_APART = 100_000
# Later than any word: for words that wait for an image that is no longer counted.
_NEVER = 1 << 40
# Enough to fill every pipeline and line buffer, so that the repeating pattern is seen.
_EVENTS, _WORDS = 5, 4096


@dataclass(frozen=True)
class Bounds:
    """Cycles between which words come, whatever the gaps, if the pixels of the input come at known cycles.

    Attributes:
        early: Earliest times: the end of an image never waits.
        late: Latest times: it always waits for the next image.
    """

    early: Times
    late: Times

    def joined(self, other: Bounds) -> Bounds:
        """Return the bounds of words that need a word of either."""
        return Bounds(np.maximum(self.early, other.early), np.maximum(self.late, other.late))

    def waiting_for(self, other: Bounds) -> int:
        """Return the largest number of words that can wait for those of another branch."""
        return waiting(self.early, np.maximum(self.early, other.late))


@dataclass(frozen=True)
class Arrivals:
    """Cycles at which words are valid, of several events.

    Attributes:
        dense: With events that follow each other without a gap.
        sparse: With pixels far apart.
        dense_bounds: Bounds for pixels that come at the input without a gap.
        sparse_bounds: Bounds for pixels that come there far apart.
    """

    dense: Times
    sparse: Times
    dense_bounds: Bounds
    sparse_bounds: Bounds

    def map(self, function: Callable[[Times], Times]) -> Arrivals:
        """Return the times that a function makes of these."""
        return self._made(function, function, function)

    def later(self, cycles: int) -> Arrivals:
        """Return the times after a number of registers."""
        return self.map(lambda times: times + cycles)

    def windows(self, geometry: Geometry) -> Arrivals:
        """Return the times of a line buffer's windows."""
        return self._made(
            lambda times: windows(times, geometry),
            lambda times: _earliest(times, geometry),
            lambda times: _latest(times, geometry),
        )

    def joined(self, other: Arrivals) -> Arrivals:
        """Return the times at which the words of two branches are both there."""
        return Arrivals(
            np.maximum(self.dense, other.dense),
            np.maximum(self.sparse, other.sparse),
            self.dense_bounds.joined(other.dense_bounds),
            self.sparse_bounds.joined(other.sparse_bounds),
        )

    def waiting_for(self, other: Arrivals) -> int:
        """Return the largest number of words that can wait for those of another branch, at any pattern of gaps."""
        pairs = ((self.dense_bounds, other.dense_bounds), (self.sparse_bounds, other.sparse_bounds))
        return max(mine.waiting_for(theirs) for mine, theirs in pairs)

    def _made(
        self, exact: Callable[[Times], Times], early: Callable[[Times], Times], late: Callable[[Times], Times]
    ) -> Arrivals:
        dense, sparse = (Bounds(early(b.early), late(b.late)) for b in (self.dense_bounds, self.sparse_bounds))
        return Arrivals(exact(self.dense), exact(self.sparse), dense, sparse)


def source(words: int, interval: int) -> Arrivals:
    """Return the times at which an input has `words` words per event."""
    events = max(_EVENTS, -(-_WORDS // words))
    dense = (np.arange(events)[:, None] * interval + np.arange(words)).reshape(-1)
    sparse = np.arange(events * words) * _FAR_APART
    return Arrivals(dense, sparse, Bounds(dense, dense), Bounds(sparse, sparse))


def windows(times: Times, geometry: Geometry) -> Times:
    """Return the times of a line buffer's windows, as `trigcnn_window` counts."""
    rows, columns = geometry.rows, geometry.columns
    size, lag = rows.size * columns.size, rows.after * columns.size + columns.after
    fires = _fires(geometry)
    given: list[int] = []
    anchor, newest, waiting, ending, previous = 0, 0, 0, False, 0

    def pass_anchor(time: int) -> None:
        nonlocal anchor, ending
        if fires[anchor]:
            given.append(time)
        anchor = (anchor + 1) % size
        if anchor == 0:
            ending = False

    for time in [*times.tolist(), None]:
        while ending and newest == 0 and (time is None or previous + 1 < time):
            previous += 1
            waiting -= 1
            pass_anchor(previous)
        if time is None:
            break
        if ending or waiting == lag:
            pass_anchor(time)
        else:
            waiting += 1
        newest, previous = (newest + 1) % size, time
        ending = ending or (newest == 0 and lag > 0)
    return np.array(given, dtype=np.int64)


def _earliest(times: Times, geometry: Geometry) -> Times:
    """Return the times of windows if those at an image's end come one per cycle after its last pixel."""
    size, lag, fires = _lag(geometry)
    newest = np.arange(size) + lag
    known = np.minimum(newest, size - 1)
    result: Times = (times.reshape(-1, size)[:, known] + newest - known)[:, fires].reshape(-1)
    return result


def _latest(times: Times, geometry: Geometry) -> Times:
    """Return the times of windows if those at an image's end come with the pixels of the next image."""
    size, lag, fires = _lag(geometry)
    behind = _NEVER + np.arange(lag)
    result: Times = (
        np.concatenate([times[lag:], np.maximum(behind, times[-1] + 1)]).reshape(-1, size)[:, fires].reshape(-1)
    )
    return result


def _lag(geometry: Geometry) -> tuple[int, int, npt.NDArray[np.bool_]]:
    rows, columns = geometry.rows, geometry.columns
    return rows.size * columns.size, rows.after * columns.size + columns.after, np.array(_fires(geometry))


def _fires(geometry: Geometry) -> list[bool]:
    rows, columns = (
        (np.arange(axis.size) >= axis.first) & ((np.arange(axis.size) - axis.first) % axis.stride == 0)
        for axis in (geometry.rows, geometry.columns)
    )
    fires: list[bool] = (rows[:, None] & columns).reshape(-1).tolist()
    return fires


def taken(times: Times, count: int) -> Times:
    """Return when each word is taken by a unit that needs `count` cycles for it."""
    numbers = np.arange(len(times)) * count
    result: Times = np.maximum.accumulate(times - numbers) + numbers
    return result


def pieces(times: Times, count: int) -> Times:
    """Return when the pieces of words come that were taken at these times, as in `trigcnn_serialize`."""
    return (times[:, None] + np.arange(1, count + 1)).reshape(-1)


def scanned(times: Times, uses: list[tuple[bool, bool]]) -> tuple[Times, Times]:
    """Return when pixels are taken, and when those of the larger image come, as `trigcnn_scan` does it.

    Args:
        times: When pixels of the smaller image come.
        uses: For each pixel of the larger image, whether one must be there, and whether it is then taken.
    """
    takes: list[int] = []
    given: list[int] = []
    now = 0
    while len(takes) < len(times):
        for needs, takes_it in uses:
            if needs:
                now = max(now, int(times[len(takes)]))
            if takes_it:
                takes.append(now)
            given.append(now)
            now += 1
    return np.array(takes, dtype=np.int64), np.array(given, dtype=np.int64)


def waiting(times: Times, takes: Times) -> int:
    """Return the largest number of words that have come and wait to be taken."""
    still = np.arange(1, len(times) + 1) - np.searchsorted(takes, times, side="right")
    return int(still.max(initial=0))

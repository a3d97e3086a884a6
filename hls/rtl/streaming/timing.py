"""When words come: the clock cycle of every word at every place of a design, known before it is simulated.

Times are counted for events without a gap, `initiation_interval` cycles apart, and for pixels far apart. Between
these two, any other pattern of gaps lets fewer words wait for each other than the one or the other (see `waiting`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hls.rtl.streaming.geometry import Geometry

Times = npt.NDArray[np.int64]

EVENTS = 5
_FAR_APART = 100_000


@dataclass(frozen=True)
class Arrivals:
    """Cycles at which words are valid, of several events.

    Attributes:
        dense: With events that follow each other without a gap.
        sparse: With pixels far apart.
    """

    dense: Times
    sparse: Times

    def map(self, function: Callable[[Times], Times]) -> Arrivals:
        """Give the times that a function makes of these."""
        return Arrivals(function(self.dense), function(self.sparse))

    def later(self, cycles: int) -> Arrivals:
        """Give the times after a number of registers."""
        return self.map(lambda times: times + cycles)


def source(words: int, interval: int) -> Arrivals:
    """Give the times at which an input has `words` words per event."""
    dense = (np.arange(EVENTS)[:, None] * interval + np.arange(words)).reshape(-1)
    return Arrivals(dense, np.arange(EVENTS * words) * _FAR_APART)


def windows(times: Times, geometry: Geometry) -> Times:
    """Give the times of a line buffer's windows, as `trigcnn_window` counts."""
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


def _fires(geometry: Geometry) -> list[bool]:
    rows, columns = (
        (np.arange(axis.size) >= axis.first) & ((np.arange(axis.size) - axis.first) % axis.stride == 0)
        for axis in (geometry.rows, geometry.columns)
    )
    fires: list[bool] = (rows[:, None] & columns).reshape(-1).tolist()
    return fires


def taken(times: Times, count: int) -> Times:
    """Give when each word is taken by what needs `count` cycles for it."""
    numbers = np.arange(len(times)) * count
    result: Times = np.maximum.accumulate(times - numbers) + numbers
    return result


def pieces(times: Times, count: int) -> Times:
    """Give when the pieces of words come that were taken at these times, as `trigcnn_serialize` gives them."""
    return (times[:, None] + np.arange(1, count + 1)).reshape(-1)


def scanned(times: Times, uses: list[tuple[bool, bool]]) -> tuple[Times, Times]:
    """Give when pixels are taken, and when those of the larger image come, as `trigcnn_scan` does it.

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
    """Give the largest number of words that have come and wait to be taken.

    Of two branches of which one lags s words and p cycles behind the other, words wait at most s + max(p, 0) at any
    pattern of gaps: s where pixels are far apart, s + p where they follow each other.
    """
    still = np.arange(1, len(times) + 1) - np.searchsorted(takes, times, side="right")
    return int(still.max(initial=0))

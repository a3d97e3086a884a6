"""The events of a golden case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.pipeline.golden.case import EventGroup, Integers

_ONE_HOT_EVENTS = 16
_RANDOM_EVENTS = 8
# How far beyond the range the events "far above" and "far below" lie.
_FAR = 8


@dataclass(frozen=True)
class Chosen:
    """Events for a case.

    Attributes:
        inputs: [events, ...], in units of the last bit: test events, then corner events.
        test_events: Numbers of the test events in the run's test set.
        corners: Names and numbers of the corner events.
    """

    inputs: Integers
    test_events: tuple[int, ...]
    corners: tuple[EventGroup, ...]

    @property
    def groups(self) -> tuple[EventGroup, ...]:
        """All events by name."""
        if not self.test_events:
            return self.corners
        return (EventGroup(what="test event", events=len(self.test_events)), *self.corners)


def choose(
    test: Integers,
    labels: npt.NDArray[Any],
    count: int,
    digitiser: tuple[Integers, Integers],
    port: tuple[Integers, Integers],
) -> Chosen:
    """Choose events that exercise a network.

    Test events, by turns of the classes. Then corner events: every value at the smallest and at the largest of the
    digitiser's format, both in turns, zeros; every value just beyond the range of the network's input port and far
    beyond it, on both sides; one value at its largest and all others zero, for up to 16 places from the first to
    the last; and random events over the whole range.

    Args:
        test: The test events [events, ...] in units of the last bit.
        labels: Their classes, [events].
        count: Number of test events.
        digitiser: Smallest and largest value of each input, in the shape of an event.
        port: The same of the input port.
    """
    low, high = digitiser
    ends = [end.ravel() for end in digitiser]
    zeros = np.zeros_like(low)
    turns = np.where(np.arange(low.size) % 2, *ends).reshape(low.shape)
    above, below = port[1] + 1, port[0] - 1
    # A float32 holds a power of two, but not every number below a large one.
    below = np.where(below.astype(np.float32).astype(np.int64) == below, below, 2 * port[0])
    places = np.unique(np.linspace(0, low.size - 1, min(_ONE_HOT_EVENTS, low.size)).astype(np.int64))
    one_hot = np.zeros((len(places), low.size), np.int64)
    one_hot[np.arange(len(places)), places] = ends[1][places]
    random = np.random.default_rng(0).integers(low, high, size=(_RANDOM_EVENTS, *low.shape), endpoint=True)
    candidates = {
        "all at the format's minimum": low[np.newaxis],
        "all at the format's maximum": high[np.newaxis],
        "minimum and maximum in turns": np.stack([turns, low + high - turns]),
        "all zero": zeros[np.newaxis],
        "all just above the port's range": above[np.newaxis],
        "all just below the port's range": below[np.newaxis],
        "all far above the port's range": _FAR * above[np.newaxis],
        "all far below the port's range": _FAR * below[np.newaxis],
        "one value at the maximum, all others zero": one_hot.reshape(-1, *low.shape),
        "random over the whole range": random,
    }
    if not low.any():
        del candidates["all zero"]
    numbers = _by_turns(labels)[:count]
    inputs = np.concatenate([test[numbers], *candidates.values()])
    corners = tuple(EventGroup(what=what, events=len(values)) for what, values in candidates.items())
    return Chosen(inputs.astype(np.int64), tuple(int(number) for number in numbers), corners)


def _by_turns(labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return events in an order in which one of each class comes first, then the next of each class."""
    turn = np.zeros(len(labels), np.int64)
    classes = np.unique(labels, axis=0, return_inverse=True)[1].ravel()
    for number in range(classes.max(initial=-1) + 1):
        members = classes == number
        turn[members] = np.arange(members.sum())
    return np.lexsort((classes, turn))

"""What is known of the outputs of a network: one head per output, and the figures of quality that follow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["classes", "mask", "targets"]
Figure = Literal[
    "accuracy",
    "intersection_over_union",
    "explained_variance",
    "mean_squared_error",
    "mean_absolute_error",
    "resolution",
]

_FIGURES: dict[str, tuple[Figure, ...]] = {
    "classes": ("accuracy",),
    "mask": ("accuracy", "intersection_over_union"),
    "targets": ("explained_variance", "mean_squared_error", "mean_absolute_error", "resolution"),
    "none": (),
}


@dataclass(frozen=True)
class Truth:
    """What an array of the data set says of an output.

    Attributes:
        kind: `classes`: the class of each event, [events]; `mask`: the class of each pixel, [events, pixels ...];
            `targets`: real values, [events, ...].
        classes: Names of the classes; empty for targets.
    """

    kind: Kind
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Head:
    """One output of a network, and what is known of it."""

    name: str
    """name of the output layer"""
    shape: tuple[int, ...]
    """shape of the output, without the batch"""
    truth: Literal["classes", "mask", "targets", "none"]
    """classes: the class of each event; mask: the class of each pixel; targets: real values; none: nothing"""
    classes: tuple[str, ...] = ()
    """names of the classes"""
    reason: str = ""
    """why nothing is known"""

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The figures of quality that can be measured."""
        return _FIGURES[self.truth]

    @property
    def size(self) -> int:
        """Values per event."""
        return math.prod(self.shape)

    @property
    def one_logit(self) -> bool:
        """Whether two classes share one logit, which is above zero for the second."""
        return len(self.classes) == 2 and self.shape[-1:] != (2,)

    @property
    def truth_shape(self) -> tuple[int, ...]:
        """Shape of the truth of one event, as a loss takes it: logits of a class share one number."""
        if self.truth == "classes":
            return ()
        return self.shape if self.truth == "targets" or self.one_logit else self.shape[:-1]


def fits(truth: Truth, shape: tuple[int, ...], of_event: tuple[int, ...]) -> bool:
    """Return whether an output can be compared with a truth.

    Args:
        truth: The kind of the truth, and its classes.
        shape: Shape of the output, without the batch.
        of_event: Shape of the truth of one event.
    """
    values, pixels, classes = math.prod(shape), math.prod(of_event), len(truth.classes)
    if truth.kind == "targets":
        return values == pixels
    if classes == 2 and values == pixels and (shape[-1:] != (2,) if truth.kind == "mask" else shape == (1,)):
        return True
    return shape[-1:] == (classes,) and values == pixels * classes and (truth.kind == "mask" or len(shape) == 1)

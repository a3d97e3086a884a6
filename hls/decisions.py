"""What is computed of a network's outputs in the hardware: thresholds, anomaly scores, and the choice of a class.

A `Decision` adds one output. Here are its options, its checks against the network's outputs, and its definition in
plain NumPy. `rewriting/decisions.py` adds the layers that compute it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from annotated_types import Ge

from trigcnn.common.options import OPTIONS, OptionsError, Pattern
from trigcnn.common.suggestions import did_you_mean
from trigcnn.hls.errors import AdmissionError

Values = npt.NDArray[np.float64]
DecisionKind = Literal["threshold", "sum_of_squares", "argmax", "top2_difference"]

MOST_VALUES = 32
"""Values of which the largest is found: each is compared with each."""

_NAMES: dict[DecisionKind, str] = {
    "threshold": "trigger",
    "sum_of_squares": "sum_of_squares",
    "argmax": "class_index",
    "top2_difference": "top2_difference",
}
# Default of a name that follows from the kind.
_OF_THE_KIND: Any = None


@dataclass(frozen=True)
class Decision:
    """One more output of the hardware, computed of an output of the network."""

    __pydantic_config__ = OPTIONS

    kind: DecisionKind
    """threshold: 1 where the score is at least the threshold, else 0; sum_of_squares: of all values of the output, an
    anomaly score; argmax: the place of the largest value, of equal ones the first; top2_difference: the largest value
    minus the second largest, 0 or more."""
    output: str | None = None
    """Name of the output that it is computed of, or of an earlier entry; default: the network's only output."""
    name: Annotated[str, Pattern(r"^[a-z][a-z0-9_]*$")] = _OF_THE_KIND
    """Name of the new output and its port; default: trigger, sum_of_squares, class_index or top2_difference."""
    threshold: float | None = None
    """For threshold: the score that is accepted, and all above it, in the output's units. `trigcnn evaluate --apply`
    writes it for a trigger rate."""
    signal: tuple[Annotated[int, Ge(0)], ...] = ()
    """For threshold: places of the values whose largest is the score, from 0; default: the only value."""
    background: tuple[Annotated[int, Ge(0)], ...] = ()
    """For threshold: places of the values whose largest is subtracted from the score; default: none."""

    def __post_init__(self) -> None:
        """Fill in the name, and check that the options are those of the kind.

        Raises:
            OptionsError: They are not.
        """
        if self.name is None:
            object.__setattr__(self, "name", _NAMES[self.kind])
        if self.kind == "threshold":
            if self.threshold is None or not math.isfinite(self.threshold):
                raise OptionsError(f"postprocessing {self.name}: needs a threshold, a number in the output's units")
            twice = [place for place in self.places if self.places.count(place) > 1]
            if twice:
                raise OptionsError(f"postprocessing {self.name}: signal and background name the value {twice[0]} twice")
        elif self.threshold is not None or self.places:
            raise OptionsError(
                f"postprocessing {self.name}: threshold, signal and background are options of kind threshold alone; "
                f"remove them, or add an entry of kind threshold with output: {self.name}"
            )

    @property
    def places(self) -> tuple[int, ...]:
        """Places of the values that a threshold names."""
        return (*self.signal, *self.background)

    def scored(self, size: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the places of signal and background of an output of that many values."""
        return (self.signal, self.background) if self.places else (tuple(range(size)), ())

    def definition(self, source: str, shape: tuple[int, ...]) -> str:
        """Return its formula.

        Args:
            source: Name of the output that it is computed of.
            shape: Shape of that output.

        >>> Decision("threshold", threshold=0.5, signal=(1,), background=(0, 2)).definition("logits", (3,))
        'logits[1] - max(logits[0], logits[2]) >= 0.5'
        """
        size = math.prod(shape)
        match self.kind:
            case "sum_of_squares":
                return f"sum of {source}[i]**2, i = 0 to {size - 1}"
            case "argmax":
                return f"place of the largest of {source}[0] to {source}[{size - 1}], of equal ones the first"
            case "top2_difference":
                return f"largest minus second largest of {source}[0] to {source}[{size - 1}]"
        signal, background = (
            [source if size == 1 else f"{source}[{place}]" for place in group] for group in self.scored(size)
        )
        score = " - ".join(_largest(group) for group in (signal, background) if group)
        return f"{'' if signal else '-'}{score} >= {self.threshold!r}"

    def of(self, values: Values) -> Values:
        """Return its results [events, 1] by its definition, for values [events, ...] of the output."""
        flat = values.reshape(len(values), -1)
        match self.kind:
            case "sum_of_squares":
                return np.asarray((flat**2).sum(axis=1, keepdims=True))
            case "argmax":
                return np.asarray(flat.argmax(axis=1), np.float64)[:, None]
            case "top2_difference":
                ordered = np.sort(flat, axis=1)
                return np.asarray(ordered[:, -1:] - ordered[:, -2:-1])
        signal, background = self.scored(flat.shape[1])
        score = np.zeros(len(flat))
        if signal:
            score = score + flat[:, list(signal)].max(axis=1)
        if background:
            score = score - flat[:, list(background)].max(axis=1)
        return np.asarray(score >= np.float64(self.threshold or 0.0), np.float64)[:, None]


def _largest(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"max({', '.join(names)})"


def sources(
    decisions: Sequence[Decision], outputs: Mapping[str, tuple[int, ...]], layers: Sequence[str] = ()
) -> list[str]:
    """Return the name of the output that each decision is computed of, and check that it can be.

    Args:
        decisions: The decisions, in order.
        outputs: Shapes of the network's outputs, without the batch, by name.
        layers: Names that are taken: those of the network's layers.

    Raises:
        AdmissionError: A decision's name is taken, or it does not fit its output.
    """
    known, found = dict(outputs), []
    for decision in decisions:
        what = f"postprocessing {decision.name}"
        if decision.name in known or decision.name in layers:
            raise AdmissionError(f"{what}: there is another layer or output of this name; give it another `name`")
        source = decision.output
        if source is None:
            if len(outputs) > 1:
                raise AdmissionError(
                    f"{what}: the network has several outputs; name one of {', '.join(outputs)} in `output`"
                )
            (source,) = outputs
        elif source not in known:
            raise AdmissionError(f"{what}: there is no output {source} before it; {did_you_mean(source, list(known))}")
        _check_shape(decision, source, known[source])
        found.append(source)
        known[decision.name] = (1,)
    return found


def _check_shape(decision: Decision, source: str, shape: tuple[int, ...]) -> None:
    size, what = math.prod(shape), f"postprocessing {decision.name}"
    if decision.kind in ("argmax", "top2_difference") and not (len(shape) == 1 and 2 <= size <= MOST_VALUES):
        raise AdmissionError(
            f"{what}: the output {source} has the shape {list(shape)}, and {decision.kind} takes one vector of 2 to "
            f"{MOST_VALUES} values; name another output"
        )
    if decision.kind == "threshold" and not decision.places and size > 1:
        raise AdmissionError(
            f"{what}: the output {source} has {size} values; say in `signal` which are the score, and in `background` "
            "which are subtracted from it"
        )
    beyond = [place for place in decision.places if place >= size]
    if beyond:
        raise AdmissionError(
            f"{what}: the output {source} has {size} values, numbered from 0 to {size - 1}; there is no value "
            f"{beyond[0]}"
        )

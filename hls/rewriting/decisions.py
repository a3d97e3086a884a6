"""Layers of the normal form that compute decisions (`hls.decisions`), of kinds that every engine has.

Most are dense layers with constants and casts to one bit: a comparison `d >= t` of multiples of `2**-f` is the cast of
`d * 2**f - t * 2**f + 1` to a bit that saturates, and so are the conjunction and the disjunction of bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.decisions import Decision, sources
from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.graph.graph import in_comment
from trigcnn.hls.rewriting.constants import EXACT_BITS
from trigcnn.hls.rewriting.state import Rewriter


class Decided(NamedTuple):
    """A decision that was added: its name and formula, and its result [1]."""

    name: str
    formula: str
    result: Any


def decide(state: Rewriter, outputs: Sequence[tuple[str, Any]], decisions: Sequence[Decision]) -> list[Decided]:
    """Add the layers of decisions.

    Args:
        state: The walk over the model, which is at its end.
        outputs: Name and tensor of each output of the model.
        decisions: The decisions.

    Raises:
        AdmissionError: A decision cannot be computed of the outputs.
    """
    shapes = {name: tuple(int(n) for n in x.shape[1:]) for name, x in outputs}
    taken = [shown for shown in state.names.shown.values() if shown not in shapes]
    builder, tensors = _Builder(state), dict(outputs)
    results: list[Decided] = []
    for decision, source in zip(decisions, sources(decisions, shapes, taken), strict=True):
        name = state.names.identifier(decision.name)
        x = tensors[source]
        result = builder.add(decision, name, x)
        formula = decision.definition(in_comment(source), tuple(int(n) for n in x.shape[1:]))
        state.changes.append(f"layer {decision.name}: added behind the network: {formula}")
        tensors[decision.name] = result
        results.append(Decided(decision.name, formula, result))
    return results


@dataclass
class _Builder:
    """Layers of decisions, those that several share once.

    Attributes:
        state: The walk.
        vectors: The values of an output as a vector, by the output's layer.
        wins: How many values each value is larger than, by the output's layer; see `_ranks`.
    """

    state: Rewriter
    vectors: dict[str, Any] = field(default_factory=dict)
    wins: dict[str, Any] = field(default_factory=dict)

    def add(self, decision: Decision, name: str, x: Any) -> Any:
        """Add the layers of one decision; the last has its name."""
        x = self._vector(name, x)
        match decision.kind:
            case "sum_of_squares":
                return self._squares(name, x)
            case "argmax":
                return self._index(name, x)
            case "top2_difference":
                return self._difference(name, x)
        return self._threshold(decision, name, x)

    def _threshold(self, decision: Decision, name: str, x: Any) -> Any:
        """The largest signal is above the largest background if one signal is above every background."""
        size = int(x.shape[-1])
        signal, background = decision.scored(size)
        pairs = [(s, b) for s in signal or (None,) for b in background or (None,)]
        kernel = np.zeros((size, len(pairs)))
        for column, (plus, minus) in enumerate(pairs):
            if plus is not None:
                kernel[plus, column] += 1
            if minus is not None:
                kernel[minus, column] -= 1
        steps = math.ceil(Fraction(decision.threshold or 0.0) * Fraction(2) ** self.state.range_of(x).fraction)
        groups, each = max(len(signal), 1), max(len(background), 1)
        last = len(pairs) == 1
        bits = self._at_least(name if last else self._new(name, "pairs"), x, kernel, np.full(len(pairs), steps))
        if each > 1:
            every = np.kron(np.eye(groups), np.ones((each, 1)))
            bits = self._at_least(name if groups == 1 else self._new(name, "all"), bits, every, np.full(groups, each))
        return bits if groups == 1 else self._at_least(name, bits, np.ones((groups, 1)), np.ones(1))

    def _squares(self, name: str, x: Any) -> Any:
        size, values = int(x.shape[-1]), self.state.range_of(x)
        each = values.spread(size)
        squares = self.state.plain("Multiply", self._new(name, "squares"), [x, x])
        total = self._dense(name, squares, np.ones((size, 1)))
        return self._cast(name, total, int(np.maximum(each.low**2, each.high**2).sum()), 2 * values.fraction)

    def _index(self, name: str, x: Any) -> Any:
        size = int(x.shape[-1])
        first = self._at_least(self._new(name, "first"), self._ranks(name, x), np.eye(size), np.full(size, size - 1))
        index = self._dense(name, first, np.arange(size, dtype=np.float64)[:, None])
        # One bit of `first` alone is set.
        return self._cast(name, index, size - 1)

    def _difference(self, name: str, x: Any) -> Any:
        size = int(x.shape[-1])
        both, needed = np.tile(np.eye(size), 2), np.repeat([size - 1, size - 2], size)
        ranked = self._at_least(self._new(name, "ranked"), self._ranks(name, x), both, needed)
        # 1 for the largest, -1 for the second, 0 for all others.
        signs = self._dense(self._new(name, "choice"), ranked, np.concatenate([2 * np.eye(size), -np.eye(size)]))
        signs = self.state.quantize(signs, self._new(name, "signs"), "cast", FixedPoint(True, 2, 2, "TRN", "SAT"))
        products = self.state.plain("Multiply", self._new(name, "signed"), [x, signs])
        total = self._dense(name, products, np.ones((size, 1)))
        values = self.state.range_of(x)
        return self._cast(name, total, values.most - values.least, values.fraction)

    def _ranks(self, name: str, x: Any) -> Any:
        """Return how many values each value goes before: it is larger, or equal and in front; all are different."""
        key, size = x.node.layer.name, int(x.shape[-1])
        if key not in self.wins:
            pairs = [(i, j) for i in range(size) for j in range(i)]
            larger, wins = np.zeros((size, len(pairs))), np.zeros((len(pairs), size))
            for number, (i, j) in enumerate(pairs):
                larger[i, number], larger[j, number] = 1, -1
                wins[number, i], wins[number, j] = 1, -1
            bits = self._at_least(self._new(name, "larger"), x, larger, np.ones(len(pairs)))
            self.wins[key] = self._dense(self._new(name, "ranks"), bits, wins, np.arange(size)[::-1].astype(float))
        return self.wins[key]

    def _at_least(self, name: str, x: Any, kernel: Any, steps: Any) -> Any:
        """Return bits: where `x @ kernel` is at least so many steps of its grid. The kernel is of whole numbers."""
        fine, shift = kernel * 2.0 ** self.state.range_of(x).fraction, 1.0 - steps
        if self.state.options.narrowest > 1:
            sums = self._dense(self._new(name, "margin"), x, fine, shift)
            return self.state.quantize(sums, name, "relu", FixedPoint(True, 2, 2, "TRN", "SAT"))
        # The conversion lets the dense layer do the cast, and the layer keeps its name.
        sums = self._dense(name, x, fine, shift)
        return self.state.quantize(sums, self._new(name, "bit"), "cast", FixedPoint(False, 1, 1, "TRN", "SAT"))

    def _dense(self, name: str, x: Any, kernel: Any, shift: Any = None) -> Any:
        bias = [] if shift is None else [np.asarray(shift, np.float64)]
        self.state.unrolled.add(name)
        return self.state.plain("Dense", name, x, [kernel, *bias], units=kernel.shape[1], use_bias=bool(bias))

    def _cast(self, name: str, x: Any, most: int, fraction: int = 0) -> Any:
        """Cast to the smallest format of what the values really are, which the analysis of intervals does not see."""
        if most.bit_length() > EXACT_BITS:
            raise AdmissionError(
                f"postprocessing {self.state.names.shown[name]}: it has {most.bit_length()} bits, of which the engines "
                f"hold {EXACT_BITS}; put a QActivation(quantized_bits(...)) of fewer bits behind the output"
            )
        held = FixedPoint.holding(0, most, fraction)
        missing = max(self.state.options.narrowest - held.width, 0)
        held = FixedPoint(False, held.width + missing, held.integer + missing, "TRN", "SAT")
        return self.state.quantize(x, self._new(name, "held"), "cast", held)

    def _vector(self, name: str, x: Any) -> Any:
        if len(x.shape) == 2:
            return x
        key = x.node.layer.name
        if key not in self.vectors:
            self.vectors[key] = self.state.plain("Flatten", self._new(name, "values"), x)
        return self.vectors[key]

    def _new(self, name: str, ending: str) -> str:
        return self.state.names.added(name, ending)

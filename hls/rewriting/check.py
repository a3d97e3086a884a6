"""A normal form compared with its model, Keras against Keras: as a whole, and layer by layer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trigcnn.common.keras2 import evaluate
from trigcnn.hls.admission import label
from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.graph.graph import in_comment, pack
from trigcnn.hls.rewriting import ranges
from trigcnn.hls.rewriting.rewrite import NormalForm, Step
from trigcnn.hls.rewriting.rounding import Reals, Rounding, Value
from trigcnn.hls.rewriting.rules import logits, without_activation

_CHECKED_EVENTS = 512
_BATCH = 256
_PROBES = 16


@dataclass(frozen=True)
class LayerRounding:
    """A layer in which Keras' float32 can round, compared with its normal form on the same inputs."""

    layer: str
    values: int
    """Values compared."""
    differing_values: int
    """How many differ."""
    max_difference: float
    """Largest difference, in the units of the layer's result."""
    bound: float
    """Largest difference that rounding in float32 can make in one of these values."""
    max_share: float
    """Largest difference in units of the bound of the same value; at most 1."""


@dataclass(frozen=True)
class Rewriting:
    """What became of a model before it was converted, and how the two compare, Keras against Keras."""

    changes: tuple[str, ...]
    """What was rewritten, one line each, beginning with the layer's name."""
    outputs_changed: bool
    """Whether a softmax or sigmoid at the end was left out, so that outputs are logits."""
    events: int
    """Events on which both were evaluated, real and random."""
    outputs: int
    """Outputs compared."""
    differing_outputs: int
    """How many differ."""
    differing_events: int
    """Events that have an output that differs."""
    max_difference: float
    """Largest difference, in the output's units."""
    checked_events: int = 0
    """Events, of these, on which every layer was compared by itself and bounds were computed."""
    bound: float = 0.0
    """Largest difference that rounding in float32 can make in an output of the checked events."""
    max_share: float = 0.0
    """Largest difference of an output of the checked events, in units of the bound of the same output; at most 1."""
    layers: tuple[LayerRounding, ...] = ()
    """Layers in which Keras' float32 can round; no other layer differs."""


def compare(model: Any, normal: NormalForm, events: list[npt.NDArray[Any]], *, random_events: int = 512) -> Rewriting:
    """Compare a normal form with its model on given and on random events.

    Each layer of the model is also compared by itself: it and its normal form get the same inputs. Where float32
    holds all sums, they have to be equal; elsewhere they may differ by what float32 can round, which is computed for
    each value.

    Args:
        model: The model.
        normal: Its normal form.
        events: One array [events, ...] per input.
        random_events: Events to add: noise over the range of the given ones and, for a quarter, four times that.

    Raises:
        AdmissionError: A layer needs too many bits, or differs by more than float32 can round: its rewriting is wrong.
    """
    generator = np.random.default_rng(0)
    both = [np.concatenate([x, _noise(x, random_events, generator)]).astype(np.float32) for x in events]
    both = _digitised(model, normal, both)
    known = ranges.analyse(normal.model, normal.names)
    original = _without_final_activation(model) if normal.outputs_changed else model
    expected = _outputs(original, both)
    found = _outputs(normal.model, both)[: len(expected)]
    differing = [a != b for a, b in zip(expected, found, strict=True)]
    by_event = np.zeros(len(both[0]), bool)
    for part in differing:
        by_event |= part.reshape(len(part), -1).any(axis=1)
    check = _LayerCheck(Rounding(normal, known))
    judged = check.run(normal, both, expected, _chosen(by_event, len(events[0])))
    return Rewriting(
        changes=normal.changes,
        outputs_changed=normal.outputs_changed,
        events=len(both[0]),
        outputs=sum(part.size for part in differing),
        differing_outputs=sum(int(part.sum()) for part in differing),
        differing_events=int(by_event.sum()),
        max_difference=max(float(np.abs(a - b).max(initial=0.0)) for a, b in zip(expected, found, strict=True)),
        checked_events=judged,
        bound=check.outputs.bound,
        max_share=check.outputs.share,
        layers=tuple(
            tally.result(name) for name, tally in check.layers.items() if tally.bound and name not in _quotients(normal)
        ),
    )


def _quotients(normal: NormalForm) -> set[str]:
    """Return the layers whose results only the normal form rounds, in front of quantizers that round them as well."""
    return {
        step.layer.name
        for step in normal.steps
        if step.layer is not None and any(type(layer).__name__ == "Divide" for layer in step.added)
    }


def _chosen(differing: npt.NDArray[np.bool_], given: int) -> npt.NDArray[np.int64]:
    """Return the events whose layers are compared: of the given, the random and the differing ones some each."""
    groups = (np.arange(given), np.arange(given, len(differing)), np.flatnonzero(differing))
    return np.unique(np.concatenate([group[:_CHECKED_EVENTS] for group in groups]))


@dataclass
class _Tally:
    """Values of one layer that were compared so far."""

    values: int = 0
    differing: int = 0
    difference: float = 0.0
    bound: float = 0.0
    share: float = 0.0

    def add(self, found: Reals, expected: Value) -> bool:
        """Count values, and return whether each of them is as near as its bound says."""
        distance = np.abs(found - expected.exact)
        bound = np.broadcast_to(0.0 if expected.error is None else expected.error, distance.shape)
        self.values += distance.size
        self.differing += int(np.count_nonzero(distance))
        self.difference = max(self.difference, float(distance.max(initial=0.0)))
        self.bound = max(self.bound, float(bound.max(initial=0.0)))
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.where(distance == 0, 0.0, distance / bound)
        self.share = max(self.share, float(shares.max(initial=0.0)))
        # Not a number is not near.
        return bool((distance <= bound).all())

    def result(self, name: str) -> LayerRounding:
        """Return what was counted."""
        return LayerRounding(name, self.values, self.differing, self.difference, self.bound, self.share)


@dataclass
class _LayerCheck:
    """Every layer of a model compared with its normal form.

    Attributes:
        rounding: The rules for float32.
        layers: What was compared, by name of the layer.
        outputs: What was compared of the outputs of the whole model.
    """

    rounding: Rounding
    layers: dict[str, _Tally] = field(default_factory=dict)
    outputs: _Tally = field(default_factory=_Tally)

    def run(
        self, normal: NormalForm, events: list[npt.NDArray[Any]], expected: list[Reals], chosen: npt.NDArray[np.int64]
    ) -> int:
        """Compare on some of the events, and return on how many.

        Args:
            normal: The normal form.
            events: One array [events, ...] per input.
            expected: Outputs of the model, one array [events, ...] each.
            chosen: Numbers of the events.

        Raises:
            AdmissionError: A value is further off than float32 can round.
        """
        applied = [_applied(step) for step in normal.steps]
        for start in range(0, len(chosen), _BATCH):
            batch = chosen[start : start + _BATCH]
            given = [x[batch].astype(np.float64) for x in events]
            values = {id(x): Value(part, None) for x, part in zip(normal.model.inputs, given, strict=True)}
            for step, functions in zip(normal.steps, applied, strict=True):
                inputs = [values[id(x)] for x in step.inputs]
                for function in functions:
                    self._compare(step, function, [x.exact for x in inputs])
                    if not start:
                        self._compare(step, function, _probes(step, [x.exact for x in inputs]))
                values[id(step.output)] = self._through(step, inputs)[id(step.output)]
            for tensor, whole in zip(normal.network_outputs, expected, strict=True):
                if not self.outputs.add(whole[batch], values[id(tensor)]):
                    raise AdmissionError(
                        _wrong(f"output {normal.names[tensor.node.layer.name]}", self.outputs, normal.changes)
                    )
        return len(chosen)

    def _compare(self, step: Step, function: _Applied, inputs: list[Reals]) -> None:
        name = step.layer.name
        tally = self.layers.setdefault(name, _Tally())
        narrow = [x.astype(np.float32) for x in inputs]
        expected = self._through(step, [Value(x.astype(np.float64), None) for x in narrow])[id(function.tensor)]
        found = np.asarray(function.call(narrow if len(narrow) > 1 else narrow[0]), np.float64)
        if not tally.add(found.reshape(expected.exact.shape), expected):
            own = [change for change in self.rounding.normal.changes if change.startswith(f"layer {in_comment(name)}:")]
            raise AdmissionError(_wrong(f"layer {in_comment(name)}", tally, own))

    def _through(self, step: Step, inputs: Sequence[Value]) -> dict[int, Value]:
        """Return the tensors of a step, by identity."""
        values = {id(x): value for x, value in zip(step.inputs, inputs, strict=True)}
        for layer in step.added:
            values[id(layer.output)] = self.rounding.apply(layer, [values[id(x)] for x in ranges.inputs_of(layer)])
        return values


def _wrong(what: str, tally: _Tally, changes: Sequence[str]) -> str:
    return (
        f"{what}: the rewritten model differs from the model in {tally.differing} of {tally.values} values, by up to "
        f"{tally.difference:g}, which rounding in float32 does not explain (it explains {tally.bound:g} at most); "
        f"please report this model. Rewritten were: {'; '.join(changes) or 'nothing'}"
    )


def _probes(step: Step, inputs: list[Reals]) -> list[Reals]:
    """Return inputs of a layer of which most are zero, and all in the first event: there, float32 rounds least."""
    generator = np.random.default_rng(1)
    probes: dict[int, Reals] = {}
    for tensor, x in zip(step.inputs, inputs, strict=True):
        kept = generator.random((min(_PROBES, len(x)), *x.shape[1:])) < 2 / max(x[0].size, 2)
        kept[:1] = False
        # A layer may get one tensor several times.
        probes.setdefault(id(tensor), x[: len(kept)] * kept)
    return [probes[id(tensor)] for tensor in step.inputs]


class _Applied(NamedTuple):
    """A layer of the model as a function, and the tensor of the normal form that has its result."""

    call: Callable[[Any], Any]
    tensor: Any


def _applied(step: Step) -> list[_Applied]:
    """Return what is compared: a layer, without a softmax or sigmoid that ends the model, and before its activation."""
    layer = step.layer
    if layer is None:
        return []
    own = label(getattr(layer, "activation", None))
    if type(layer).__name__ == "Softmax" or own in ("softmax", "sigmoid"):
        end = logits(layer.output)
        return [_Applied(_model(layer.input, end), step.output)]
    whole = _Applied(layer, step.output)
    if step.before_activation is None:
        return [whole]
    return [_Applied(_model(layer.input, without_activation(layer)), step.before_activation), whole]


def _model(start: Any, end: Any) -> Callable[[Any], Any]:
    if end is start:
        return lambda x: x
    return sys.modules["tf_keras"].Model(start, end)  # type: ignore[no-any-return]


def random_events(normal: NormalForm, count: int = 256) -> npt.NDArray[np.float32]:
    """Return events [events, ...] that fill the range of each input's number format, the same ones every time.

    Args:
        normal: The normal form of a model; each of its inputs begins with a cast.
        count: Number of events.
    """
    generator, parts = np.random.default_rng(0), []
    for tensor in normal.model.inputs:
        (node,) = tensor.node.layer.outbound_nodes
        taken = normal.formats[node.outbound_layer.name]
        shape = (count, *tensor.shape[1:])
        whole = generator.integers(taken.min_integer, taken.max_integer, shape, endpoint=True)
        parts.append(taken.to_real(whole).astype(np.float32))
    return pack(parts)


def _digitised(model: Any, normal: NormalForm, events: list[npt.NDArray[Any]]) -> list[npt.NDArray[np.float32]]:
    """Return what the digitiser makes of events, where only the normal form casts its input."""
    own = {layer.name for layer in model.layers}
    result = []
    for tensor, values in zip(normal.model.inputs, events, strict=True):
        (node,) = tensor.node.layer.outbound_nodes
        name = node.outbound_layer.name
        taken = None if normal.names.get(name, name) in own else normal.formats.get(name)
        result.append(values if taken is None else taken.to_real(taken.cast(values)).astype(np.float32))
    return result


def _noise(events: npt.NDArray[Any], count: int, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    low, high = (float(events.min()), float(events.max())) if events.size else (-1.0, 1.0)
    middle, half = (low + high) / 2, max((high - low) / 2, 0.5)
    reach = np.where(np.arange(count) % 4 == 0, 4 * half, half).reshape(-1, *([1] * (events.ndim - 1)))
    # A number of 16 bits: the model's first quantizer sees ties, too.
    noise = middle + reach * generator.uniform(-1, 1, (count, *events.shape[1:]))
    return np.asarray(np.round(noise * 2.0**8) * 2.0**-8)


def _outputs(model: Any, events: list[npt.NDArray[Any]]) -> list[npt.NDArray[np.float64]]:
    result = evaluate(model, events)
    return [np.asarray(part, np.float64) for part in (result if isinstance(result, list) else [result])]


def _without_final_activation(model: Any) -> Any:
    """The model up to the logits."""
    keras = sys.modules["tf_keras"]
    return keras.Model(model.inputs, [logits(tensor) for tensor in model.outputs])

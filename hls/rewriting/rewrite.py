"""The walk over a model's layers that makes its normal form, and the proof that it is the same function."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.graph.fixed_point import FixedPoint
from trigcnn.hls.rewriting.layers import FLOAT, normal_layers


@dataclass(frozen=True)
class RewriteOptions:
    """What the normal form depends on besides the model.

    Attributes:
        io_type: hls4ml's.
        input_format: Number format of the digitiser; needed where the model does not quantize its input.
        resource: Names of the layers that use the Resource strategy.
        depthwise: Whether the back end has depthwise convolutions.
        mean: Whether the back end's average pooling keeps all bits.
    """

    io_type: Literal["io_parallel", "io_stream"] = "io_parallel"
    input_format: FixedPoint | None = None
    resource: frozenset[str] = frozenset()
    depthwise: bool = True
    mean: bool = True


@dataclass(frozen=True)
class NormalForm:
    """The outcome.

    Attributes:
        source: The model that it was made of.
        model: Keras 2 model in float64, of few kinds of layers with constant weights.
        changes: What was rewritten, one line each, beginning with the layer's name.
        formats: Number formats that layers of the model declare, by name.
        outputs_changed: Whether a softmax or sigmoid at the end was left out, so that outputs are logits.
        wide: Layers whose constants or sums are wider than float32, in which Keras itself rounds.
    """

    source: Any
    model: Any
    changes: tuple[str, ...]
    formats: dict[str, FixedPoint]
    outputs_changed: bool
    wide: tuple[str, ...]


@dataclass
class Rewriter:
    """State of the walk.

    Attributes:
        options: See `RewriteOptions`.
        changes: Lines of `NormalForm.changes`.
        formats: See `NormalForm`.
        unsigned: Tensors that hold no negative value, by identity.
        finished: Names of the layers whose results leave the model.
        wide: See `NormalForm`.
    """

    options: RewriteOptions
    changes: list[str] = field(default_factory=list)
    formats: dict[str, FixedPoint] = field(default_factory=dict)
    unsigned: set[int] = field(default_factory=set)
    finished: frozenset[str] = frozenset()
    wide: list[str] = field(default_factory=list)
    outputs_changed: bool = False

    def quantize(
        self, x: Any, name: str, role: str, number_format: FixedPoint | None = None, function: Any = None
    ) -> Any:
        """Add a `Quantize` layer."""
        result = normal_layers().Quantize(role, number_format, function, name=name)(x)
        if number_format is not None:
            self.formats[name] = number_format
        if role == "relu" or (number_format is not None and not number_format.signed):
            self.unsigned.add(id(result))
        return result

    def scale_shift(self, x: Any, name: str, scale: Any, shift: Any) -> Any:
        """Add a `ScaleShift` layer."""
        return normal_layers().ScaleShift(scale, shift, name=name)(x)

    def plain(self, kind: str, name: str, inputs: Any, weights: Any = (), **options: Any) -> Any:
        """Add a layer of Keras, with constant weights."""
        keras = sys.modules["tf_keras"]
        layer = getattr(keras.layers, kind)(name=name, dtype=FLOAT, **options)
        result = layer(inputs)
        if len(weights):
            layer.set_weights(list(weights))
        given = inputs if isinstance(inputs, list) else [inputs]
        if kind in _KEEPS_SIGN and all(id(x) in self.unsigned for x in given):
            self.unsigned.add(id(result))
        return result


# Where no input is negative, no output is.
_KEEPS_SIGN = frozenset(
    "MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D "
    "GlobalAveragePooling1D GlobalAveragePooling2D ZeroPadding1D ZeroPadding2D UpSampling1D UpSampling2D Flatten "
    "Reshape Permute Add Multiply Maximum Minimum Concatenate".split()
)


def rewrite(model: Any, options: RewriteOptions) -> NormalForm:
    """Make the normal form of an admitted model.

    Args:
        model: Keras 2 model, functional or Sequential, that `hls.admission.admit` lets through.
        options: What the normal form depends on besides the model.

    Raises:
        AdmissionError: A layer cannot be rewritten exactly.
    """
    from trigcnn.hls.rewriting.rules import RULES
    from trigcnn.hls.rewriting.site import Site

    keras = sys.modules["tf_keras"]
    state = Rewriter(options, finished=frozenset(_producer(tensor).name for tensor in model.outputs))
    values: dict[int, Any] = {}
    inputs = []
    for tensor in model.inputs:
        name = _producer(tensor).name
        new = keras.Input(tensor.shape[1:], name=name, dtype=FLOAT)
        inputs.append(new)
        values[id(tensor)] = _quantized_input(state, tensor, new)
    for layer in ordered(model):
        node = layer.inbound_nodes[0]
        given = node.input_tensors if isinstance(node.input_tensors, (list, tuple)) else [node.input_tensors]
        try:
            rule = RULES[type(layer).__name__]
        except KeyError:
            raise AdmissionError(f"layer {layer.name}: there is no exact form of a {type(layer).__name__}") from None
        values[id(layer.output)] = rule(Site(layer, [values[id(x)] for x in given], state))
    outputs = [values[id(tensor)] for tensor in model.outputs]
    new_inputs: Any = inputs if len(inputs) > 1 else inputs[0]
    new_outputs: Any = outputs if len(outputs) > 1 else outputs[0]
    try:
        normal = keras.Model(new_inputs, new_outputs, name=model.name)
    except ValueError as error:
        # A layer that the rewriting adds has the name of one that is there.
        raise AdmissionError(f"a layer's name is needed for a layer that is added: {error}; rename it") from error
    return NormalForm(model, normal, tuple(state.changes), state.formats, state.outputs_changed, tuple(state.wide))


def ordered(model: Any) -> Iterator[Any]:
    """Give the layers behind the inputs, each after those that feed it."""
    nodes = [node for depth in sorted(model._nodes_by_depth, reverse=True) for node in model._nodes_by_depth[depth]]
    for node in nodes:
        if node.layer.inbound_nodes and not node.is_input:
            yield node.layer


def _producer(tensor: Any) -> Any:
    return tensor.node.layer


def _quantized_input(state: Rewriter, old: Any, new: Any) -> Any:
    """Let every input begin with one cast: hls4ml's input port takes its number format from it."""
    from trigcnn.hls.rewriting.quantizers import as_cast

    layer = _producer(old)
    followers = [node.outbound_layer for node in layer.outbound_nodes]
    if len(followers) == 1 and type(followers[0]).__name__ == "QActivation":
        found = as_cast(followers[0].quantizer)
        if found is not None:
            return new
    if state.options.input_format is None:
        raise AdmissionError(
            f"layer {layer.name}: the model does not quantize its input; begin it with QActivation(quantized_bits("
            "bits, integer, symmetric=0, alpha=1)) in the data set's format, or say data.input_format"
        )
    given = state.options.input_format
    taken = FixedPoint(given.signed, given.width, given.integer, "RND_CONV", "SAT")
    name = f"{layer.name}_quantizer"
    state.changes.append(f"layer {layer.name}: the input is cast to the digitiser's number format {given}")
    return state.quantize(new, name, "cast", taken)


@dataclass(frozen=True)
class Proof:
    """The normal form held against the model, Keras against Keras.

    Attributes:
        events: Events on which both were evaluated, real and random.
        outputs: Outputs compared.
        differing_outputs: How many differ.
        differing_events: Events that have one.
        max_difference: Largest difference, in the output's units.
    """

    events: int
    outputs: int
    differing_outputs: int
    differing_events: int
    max_difference: float


def prove(model: Any, normal: NormalForm, events: list[npt.NDArray[Any]], *, random_events: int = 512) -> Proof:
    """Compare a normal form with its model on given and on random events, equal float64 for equal float64.

    Args:
        model: The model.
        normal: Its normal form.
        events: One array [events, ...] per input.
        random_events: Events to add: noise over the range of the given ones and, for a quarter, four times that.

    Raises:
        AdmissionError: They differ although Keras' float32 holds all sums: the rewriting is wrong.
    """
    generator = np.random.default_rng(0)
    both = [np.concatenate([x, _noise(x, random_events, generator)]).astype(np.float32) for x in events]
    both = _digitised(model, normal, both)
    expected = _outputs(_without_final_activation(model) if normal.outputs_changed else model, both)
    found = _outputs(normal.model, both)
    differing = [a != b for a, b in zip(expected, found, strict=True)]
    by_event = np.zeros(len(both[0]), bool)
    for part in differing:
        by_event |= part.reshape(len(part), -1).any(axis=1)
    proof = Proof(
        events=len(both[0]),
        outputs=sum(part.size for part in differing),
        differing_outputs=sum(int(part.sum()) for part in differing),
        differing_events=int(by_event.sum()),
        max_difference=max(float(np.abs(a - b).max(initial=0.0)) for a, b in zip(expected, found, strict=True)),
    )
    if proof.differing_outputs and not normal.wide:
        raise AdmissionError(
            f"the rewritten model differs from the model in {proof.differing_outputs} of {proof.outputs} outputs, by "
            f"up to {proof.max_difference:g}; please report this model. Rewritten were: {'; '.join(normal.changes)}"
        )
    return proof


def _digitised(model: Any, normal: NormalForm, events: list[npt.NDArray[Any]]) -> list[npt.NDArray[np.float32]]:
    """Give what the digitiser makes of events, where only the normal form casts its input."""
    own = {layer.name for layer in model.layers}
    result = []
    for tensor, values in zip(model.inputs, events, strict=True):
        name = f"{_producer(tensor).name}_quantizer"
        taken = None if name in own else normal.formats.get(name)
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
    result = model.predict(events if len(events) > 1 else events[0], batch_size=256, verbose=0)
    return [np.asarray(part, np.float64) for part in (result if isinstance(result, list) else [result])]


def _without_final_activation(model: Any) -> Any:
    """The model up to the logits."""
    from trigcnn.hls.rewriting.rules import logits

    keras = sys.modules["tf_keras"]
    return keras.Model(model.inputs, [logits(tensor) for tensor in model.outputs])

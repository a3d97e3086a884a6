"""The walk over a model's layers that makes its normal form."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.decisions import Decision
from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.graph.graph import in_comment
from trigcnn.hls.names import Names
from trigcnn.hls.rewriting.constants import Reals, ScaleAndShift
from trigcnn.hls.rewriting.decisions import decide
from trigcnn.hls.rewriting.layers import FLOAT
from trigcnn.hls.rewriting.quantizers import cast_of
from trigcnn.hls.rewriting.rules import RULES
from trigcnn.hls.rewriting.site import Site
from trigcnn.hls.rewriting.state import RewriteOptions, Rewriter


@dataclass(frozen=True)
class Step:
    """A layer of the model, and what became of it.

    Attributes:
        layer: The layer; None for a cast that was added at the input.
        inputs: What feeds it in the normal form.
        added: Layers of the normal form in its place, in an order of evaluation.
        output: Its result in the normal form.
        before_activation: What its argument `activation` is applied to; None if it has none.
    """

    layer: Any
    inputs: tuple[Any, ...]
    added: tuple[Any, ...]
    output: Any
    before_activation: Any = None


@dataclass(frozen=True)
class NormalForm:
    """A model in its normal form.

    Attributes:
        source: The original model.
        model: Keras 2 model in float64, of few kinds of layers with constant weights.
        changes: What was rewritten, one line each, beginning with the layer's name.
        formats: Number formats that layers of the model declare, by name.
        outputs_changed: Whether a softmax or sigmoid at the end was left out, so that outputs are logits.
        names: The user's names of the layers of `model`, by their names there, which are safe in C++ and in RTL.
        steps: The layers of the model behind its inputs, and what became of each, in order.
        divided: Names of the layers that divide in float32 where the normal form multiplies.
        bias_errors: How far biases were rounded, by name of the layer, [channels].
        decisions: Formulas of the outputs of `model` behind those of `source`, by name; see `hls.decisions`.
        scalings: Formulas of how layers of `source` scale its inputs, by the input's name there; for documents.
        unrolled: Names of the layers of decisions that have multiplications, which are all done at once.
    """

    source: Any
    model: Any
    changes: tuple[str, ...]
    formats: dict[str, FixedPoint]
    outputs_changed: bool
    names: Mapping[str, str]
    steps: tuple[Step, ...]
    divided: frozenset[str]
    bias_errors: Mapping[str, Reals]
    decisions: Mapping[str, str] = field(default_factory=dict)
    unrolled: frozenset[str] = frozenset()
    scalings: Mapping[str, str] = field(default_factory=dict)

    @property
    def meanings(self) -> dict[str, str]:
        """Formulas of the inputs and outputs of `model` that have one, by the names of their layers there."""
        inputs = {name: self.scalings[shown] for name, shown in self.names.items() if shown in self.scalings}
        return {**inputs, **self.decisions}

    @property
    def network_outputs(self) -> list[Any]:
        """The outputs of `model` that are the outputs of `source`."""
        outputs: list[Any] = self.model.outputs
        return outputs[: len(outputs) - len(self.decisions)]


def rewrite(model: Any, options: RewriteOptions, decisions: Sequence[Decision] = ()) -> NormalForm:
    """Make the normal form of an admitted model.

    Args:
        model: Keras 2 model, functional or Sequential, that `hls.admission.admit` admits.
        options: What the normal form depends on besides the model.
        decisions: What is computed of the model's outputs.

    Raises:
        AdmissionError: A layer cannot be rewritten exactly, or a decision does not fit its output.
    """
    keras = sys.modules["tf_keras"]
    entries = [_producer(tensor).name for tensor in model.inputs]
    names = Names([*entries, *(layer.name for layer in ordered(model))], entries)
    state = Rewriter(options, names, finished=frozenset(_producer(tensor).name for tensor in model.outputs))
    values: dict[int, Any] = {}
    inputs: list[Any] = []
    steps: list[Step] = []
    for tensor in model.inputs:
        name = names.identifier(_producer(tensor).name)
        new = keras.Input(tensor.shape[1:], name=name, dtype=FLOAT)
        inputs.append(new)
        values[id(tensor)] = _quantized_input(state, tensor, new)
        steps.append(_step(state, None, [new], values[id(tensor)]))
    for layer in ordered(model):
        node = layer.inbound_nodes[0]
        given = node.input_tensors if isinstance(node.input_tensors, (list, tuple)) else [node.input_tensors]
        try:
            rule = RULES[type(layer).__name__]
        except KeyError:
            raise AdmissionError(f"layer {layer.name}: there is no exact form of a {type(layer).__name__}") from None
        taken = [values[id(x)] for x in given]
        values[id(layer.output)] = rule(Site(layer, taken, state))
        steps.append(_step(state, layer, taken, values[id(layer.output)]))
    ends = [_producer(tensor).name for tensor in model.outputs]
    outputs, copies = _each_once(state, [(end, values[id(x)]) for end, x in zip(ends, model.outputs, strict=True)])
    decided = decide(state, list(zip(ends, outputs, strict=True)), decisions)
    outputs += [each.result for each in decided]
    new_inputs: Any = inputs if len(inputs) > 1 else inputs[0]
    new_outputs: Any = outputs if len(outputs) > 1 else outputs[0]
    normal = keras.Model(new_inputs, new_outputs, name=model.name)
    kept = {layer.name: names.shown.get(layer.name, layer.name) for layer in normal.layers}
    state.changes += [
        f"layer {in_comment(shown)}: the HLS project and the RTL call it {name}"
        for name, shown in kept.items()
        if name != shown
    ]
    return NormalForm(
        model,
        normal,
        tuple(state.changes),
        state.formats,
        state.outputs_changed,
        kept,
        (*steps, *copies),
        frozenset(state.divided),
        state.bias_errors,
        {each.name: each.formula for each in decided},
        frozenset(state.unrolled),
    )


def _step(state: Rewriter, layer: Any, inputs: list[Any], output: Any) -> Step:
    """Return a step with the layers that were added since the last one."""
    step = Step(layer, tuple(inputs), tuple(state.added), output, state.before_activation)
    state.added, state.before_activation = [], None
    return step


def ordered(model: Any) -> Iterator[Any]:
    """Return the layers after the inputs, each after those that feed it."""
    nodes = [node for depth in sorted(model._nodes_by_depth, reverse=True) for node in model._nodes_by_depth[depth]]
    for node in nodes:
        if node.layer.inbound_nodes and not node.is_input:
            yield node.layer


def _each_once(state: Rewriter, outputs: list[tuple[str, Any]]) -> tuple[list[Any], list[Step]]:
    """Give every output a layer of its own.

    A port has one source, an output without its softmax may be another's, and hls4ml makes no variable for an output
    that is an input.
    """
    result: list[Any] = []
    copies: list[Step] = []
    for number, (name, x) in enumerate(outputs):
        source = _producer(x).name
        if _is_an_input(x) or any(x is other for other in result):
            # A softmax that was removed leaves its name.
            own = state.names.identifier(name)
            own = own if own != source else state.names.added(source, f"output{number}")
            shown = in_comment(state.names.shown[own])
            state.changes.append(f"layer {shown}: output {number} has the values of {source} and is a copy of them")
            one = np.ones(int(x.shape[-1]))
            copy = state.scale_shift(x, own, ScaleAndShift.exactly(one, 0 * one, state.range_of(x)))
            copies.append(_step(state, None, [x], copy))
            x = copy
        result.append(x)
    return result, copies


def _is_an_input(x: Any) -> bool:
    """Whether a tensor of the normal form is a cast input, or one of another shape."""
    layer = _producer(x)
    while type(layer).__name__ in ("Flatten", "Reshape"):
        layer = _producer(layer.input)
    return type(layer).__name__ == "Quantize" and type(_producer(layer.input)).__name__ == "InputLayer"


def _producer(tensor: Any) -> Any:
    return tensor.node.layer


def _quantized_input(state: Rewriter, old: Any, new: Any) -> Any:
    """Begin every input with one cast: hls4ml's input port takes its number format from it."""
    layer = _producer(old)
    followers = [node.outbound_layer for node in layer.outbound_nodes]
    if len(followers) == 1 and cast_of(followers[0]) is not None:
        return new
    if state.options.input_format is None:
        raise AdmissionError(
            f"layer {layer.name}: the model does not quantize its input; begin it with QActivation(quantized_bits("
            "bits, integer, symmetric=0, alpha=1)) in the data set's format, or set data.input_format"
        )
    given = state.options.input_format
    taken = FixedPoint(given.signed, given.width, given.integer, "RND_CONV", "SAT")
    unread = "" if followers else "no layer reads it, and its port stays; "
    if not followers:
        state.formats[state.names.identifier(layer.name)] = taken
    name = state.names.added(state.names.identifier(layer.name), "quantizer")
    state.changes.append(f"layer {layer.name}: {unread}the input is cast to the digitiser's number format {given}")
    return state.quantize(new, name, "cast", taken)

"""Which models convert exactly, which are rewritten first, and which are refused, with the reason and a fix.

hls4ml silently converts many QKeras models into firmware that computes other numbers. So only layers and options that
were shown to be bit-exact are admitted: `table` lists every class of layer and quantizer, and every field of its
configuration that changes the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from trigcnn.hls.admission.lacking import lack
from trigcnn.hls.admission.quantizers import RELUS
from trigcnn.hls.admission.rows import Place, Row, Rows
from trigcnn.hls.admission.table import (
    ACTIVATIONS,
    INERT,
    INERT_ENDINGS,
    LAYERS,
    PROJECT,
    REFUSED_LAYERS,
    WEIGHTS,
    name,
)
from trigcnn.hls.admission.values import wrong_values
from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.parts import largest


class Finding(NamedTuple):
    """A field's value, and the row of the table that it matches.

    Attributes:
        row: Name of the row; empty if the table has none.
        problem: What is wrong; empty if the value is admitted.
    """

    row: str
    problem: str


def admit(
    model: Any,
    *,
    io_type: str = "io_parallel",
    strategy: str = "Latency",
    strategies: Mapping[str, str] | None = None,
    backend: str = "Vitis",
) -> None:
    """Check that the conversion of a QKeras model is known to be exact.

    Args:
        model: Keras 2 model (Sequential or functional).
        io_type: hls4ml's.
        strategy: hls4ml's.
        strategies: Strategies of single layers, by name.
        backend: hls4ml's.

    Raises:
        AdmissionError: It is not; the message lists each case with layer, field, value,
            reason and fix.
    """
    found = look_up(model, io_type=io_type, strategy=strategy, strategies=strategies, backend=backend)
    problems = [finding.problem for finding in found if finding.problem]
    if problems:
        lines = "".join(f"\n  - {problem}" for problem in problems)
        raise AdmissionError(f"the model cannot be converted exactly:{lines}")


def look_up(
    model: Any,
    *,
    io_type: str = "io_parallel",
    strategy: str = "Latency",
    strategies: Mapping[str, str] | None = None,
    backend: str = "Vitis",
) -> Iterator[Finding]:
    """Return the row of every field of a model; see `admit`."""
    place = Place(None, io_type=io_type, strategy=strategy, backend=backend)
    options = {"io_type": io_type, "strategy": strategy, "backend": backend}
    yield from _fields("hls", ("project", "hls"), options, PROJECT, place)
    for layer_name, value in (strategies or {}).items():
        yield from _fields(f"hls.layers.{layer_name}", ("project", "hls"), {"strategy": value}, PROJECT, place)
    if not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
        yield Finding(
            "",
            "its layers are not known before it is called; build it as a functional or Sequential model with an Input",
        )
        return
    if problem := _too_large(model):
        yield Finding("", problem)
        return
    own = strategies or {}
    for layer in layers_of(model):
        yield from _layer(replace(place, layer=layer, last=_last(layer, model), strategy=own.get(layer.name, strategy)))


def refusal(layer: Any, field: str, value: Any, values: str) -> AdmissionError:
    """Return the error of a row that can only be checked while the model is rewritten.

    Args:
        layer: The layer.
        field: Name of the field, or of the quantizer's role and its argument: `kernel_quantizer alpha`.
        value: Its value.
        values: The row's values, in words.
    """
    role, _, argument = field.partition(" ")
    rows = LAYERS[kind_of(layer)] if not argument else WEIGHTS[str(label(getattr(layer, f"{role}_internal")))]
    (row,) = (row for row in rows if row.late and (row.field, row.values) == (argument or role, values))
    return AdmissionError(_problem(f"layer {layer.name} ({kind_of(layer)})", field, value, row))


def layers_of(model: Any) -> list[Any]:
    """Return all layers; a Sequential model does not list its input layer itself."""
    inputs = [tensor.node.layer for tensor in model.inputs]
    return [*(layer for layer in inputs if layer not in model.layers), *model.layers]


def _last(layer: Any, model: Any) -> bool:
    leaves = any(tensor.node.layer is layer for tensor in model.outputs)
    inner = {id(node) for nodes in model._nodes_by_depth.values() for node in nodes}
    return leaves and not any(id(node) in inner for node in layer.outbound_nodes)


def _layer(place: Place) -> Iterator[Finding]:
    layer, kind = place.layer, kind_of(place.layer)
    where = f"layer {layer.name} ({kind})"
    if kind not in LAYERS:
        known = REFUSED_LAYERS.get(kind)
        if known is not None:
            yield Finding(f"refused {kind}", f"{where}: {known.effect}; {known.mend}")
            return
        effect, mend = "it is not one of the layers that are known to convert exactly", f"use {', '.join(LAYERS)}"
        yield Finding("", f"{where}: {effect}; {mend}")
        return
    missing = lack(kind, place.backend, place.io_type, len(layer.inbound_nodes[0].output_shapes))
    if missing is not None:
        yield Finding(f"lacking {kind}", f"{where}: hls.backend={missing.condition}: {missing.effect}; {missing.mend}")
        return
    for problem in wrong_values(layer):
        yield Finding("", f"{where}: {problem}")
    yield from _fields(where, ("layer", kind), _values(layer), LAYERS[kind], place)
    inner: Any = getattr(layer, "activation", None)
    if label(inner) in RELUS:
        own = {field: value for field, value in inner.get_config().items() if field not in ("name", "dtype")}
        yield from _fields(
            f"{where}, activation={kind_of(inner)}",
            ("layer", kind_of(inner)),
            own,
            LAYERS[kind_of(inner)],
            replace(place, layer=inner),
        )
    for role, quantizer, section in _quantizers(layer):
        owner = label(quantizer)
        table = (ACTIVATIONS if section == "activation" else WEIGHTS).get(owner or "")
        if table is None:
            # The layer's own row covers it.
            continue
        # QKeras leaves some arguments out of the configuration.
        config = {**{row.field: getattr(quantizer, row.field, None) for row in table}, **quantizer.get_config()}
        there = replace(place, quantizer=quantizer)
        yield from _fields(f"{where}, {role}={owner}", (section, str(owner)), config, table, there)


def _too_large(model: Any) -> str:
    """Return an error text if the weights exceed the largest device: weights are logic or on-chip memory."""
    device, parameters = largest(), model.count_params()
    if parameters <= device.lut:
        return ""
    return (
        f"it has {parameters:,} weights and biases, more than the {device.lut:,} look-up tables of the largest device "
        f"({device.name}); each is kept on the chip, and most take several. Use fewer filters and units, or pooling in "
        "front of the first dense layer"
    )


def _fields(
    where: str, owner: tuple[str, str], values: Mapping[str, Any], rows: Rows, place: Place
) -> Iterator[Finding]:
    known = {row.field for row in rows}
    for field, given in values.items():
        if field not in known and (field in INERT or field.endswith(INERT_ENDINGS) or field in _PLACE):
            continue
        value = given.item() if getattr(given, "size", 0) == 1 else given
        row = next((row for row in rows if row.field == field and row.applies(value, place)), None)
        if row is None:
            yield Finding(
                "", f"{where}: {field}={value!r}: it is not known to convert exactly; {_admitted(rows, field)}"
            )
        else:
            yield Finding(name(*owner, row), _problem(where, field, value, row) if row.verdict == "refused" else "")


def _problem(where: str, field: str, value: Any, row: Row) -> str:
    return f"{where}: {field}={value!r}: {row.effect}; {row.mend}"


def _admitted(rows: Rows, field: str) -> str:
    values = [row.values for row in rows if row.field == field and row.verdict != "refused"]
    return f"known are: {', '.join(values)}" if values else "leave it at its default, or remove the layer"


# How the model uses a layer; not part of its configuration.
_PLACE = ("uses", "training", "input_shape", "inputs")


def _values(layer: Any) -> dict[str, Any]:
    """Return a layer's configuration, with quantizers and functions by name, and how the model uses the layer."""
    values: dict[str, Any] = layer.get_config()
    node = layer.inbound_nodes[0]
    tensors = node.input_tensors if isinstance(node.input_tensors, (list, tuple)) else [node.input_tensors]
    values |= {
        "uses": len(layer.inbound_nodes),
        "training": any(bool(node.call_kwargs.get("training")) for node in layer.inbound_nodes),
        "input_shape": getattr(layer, "input_shape", None),
        "inputs": len(tensors),
    }
    if "activation" in values:
        values["activation"] = label(layer.quantizer if kind_of(layer) == "QActivation" else layer.activation)
    for field in values:
        if field.endswith("_quantizer"):
            values[field] = label(getattr(layer, f"{field}_internal", None))
    return values


def kind_of(layer: Any) -> str:
    """Return the name of a layer's class; the full name if it is neither of Keras nor of QKeras."""
    return _named(type(layer))


def label(value: Any) -> str | None:
    """Return the name of a quantizer or of an activation function."""
    if value is None or isinstance(value, str):
        return value
    if not hasattr(value, "__name__"):
        return _named(type(value))
    # QKeras has its own function hard_sigmoid.
    of_keras = value.__module__.startswith("tf_keras.") and value.__name__ not in (
        "linear",
        "relu",
        "softmax",
        "sigmoid",
    )
    return f"keras.activations.{value.__name__}" if of_keras else _named(value)


def _named(thing: Any) -> str:
    known = thing.__module__.partition(".")[0] in ("tf_keras", "qkeras")
    return str(thing.__name__) if known else f"{thing.__module__}.{thing.__name__}"


def _quantizers(layer: Any) -> Iterator[tuple[str, Any, str]]:
    """Return the quantizers of a layer, with the role of each and its table."""
    quantizer = layer.quantizer if kind_of(layer) == "QActivation" else getattr(layer, "activation", None)
    yield "activation", quantizer, "activation"
    for role in ("kernel", "depthwise", "pointwise", "bias", "average"):
        quantizer = getattr(layer, f"{role}_quantizer_internal", None)
        unused = quantizer is None or (role == "bias" and not layer.use_bias and "Batchnorm" not in kind_of(layer))
        if not unused:
            yield f"{role}_quantizer", quantizer, "weights"

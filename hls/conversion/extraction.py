"""From hls4ml's graph to the fixed-point graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Attribute, Graph, Layer, Weights
from trigcnn.hls.graph.kinds import KINDS, SUMS

# Classes of hls4ml that compute what another kind does.
_SAME = {
    "PointwiseConv1D": "Conv1D",
    "PointwiseConv2D": "Conv2D",
    "ApplyAlpha": "BatchNormalization",
    "Repack": "Reshape",
    "Clone": "Reshape",
}

_SAME_NAMES: Mapping[str, str] = {}


def extract(hls_model: Any, name: str, *, names: Mapping[str, str] = _SAME_NAMES, strict: bool = True) -> Graph:
    """Read hls4ml's graph, with the number formats and constants that its C simulation uses.

    Args:
        hls_model: hls4ml's graph, after its passes.
        name: Name of the top function.
        names: The user's names of layers, by hls4ml's.
        strict: Whether a layer that has no meaning in the fixed-point graph is an error; if not, it has its name,
            its inputs and its number format only.

    Raises:
        ConversionError: It holds something that has no meaning in the fixed-point graph.
    """
    nodes = list(hls_model.get_layers())
    shown = {node.name: _shown(node.name, names) for node in nodes}
    produced_by = {output: shown[node.name] for node in nodes for output in node.outputs}
    layers = tuple(
        replace(
            layer(node, produced_by) if strict or _kind(node) else _opaque(node, produced_by),
            name=shown[node.name],
            safe_name=node.name if node.name != shown[node.name] else None,
        )
        for node in nodes
    )
    return Graph(
        name,
        layers,
        tuple(produced_by[tensor] for tensor in hls_model.inputs),
        tuple(produced_by[tensor] for tensor in _outputs(hls_model, nodes)),
    )


def _outputs(hls_model: Any, nodes: list[Any]) -> list[str]:
    """Return the outputs' tensors; hls4ml puts out a copy of a stream that a layer reads as well."""
    copied = {output: node.inputs[0] for node in nodes if node.class_name == "Clone" for output in node.outputs}
    return [copied.get(tensor, tensor) for tensor in hls_model.outputs]


def _shown(name: str, names: Mapping[str, str]) -> str:
    """Return the name to show for one of hls4ml's layers, some of which it adds itself."""
    return names[name] if name in names else f"{name} of hls4ml" if name in names.values() else name


def layer(
    node: Any, produced_by: dict[str, str], *, constants: Callable[[Any, str, Any], Weights] | None = None
) -> Layer:
    """Read one node.

    Args:
        node: hls4ml's layer.
        produced_by: Name of the layer that makes each tensor.
        constants: Reads a weight variable; default: as the C simulation does.
    """
    kind = _kind(node)
    if kind is None:
        raise ConversionError(
            f"layer {node.name}: hls4ml made a {node.class_name} of it, which is not known to be exact; "
            "remove the layer from the model"
        )
    variable = node.get_output_variable(node.outputs[0])
    accumulator = node.get_attr("accum_t")
    read = constants or _weights
    return Layer(
        name=node.name,
        kind=kind,
        inputs=() if kind == "Input" else tuple(produced_by[tensor] for tensor in node.inputs),
        shape=tuple(int(n) for n in variable.shape),
        result=number_format(variable.type.precision, node.name),
        accumulator=None
        if accumulator is None or kind not in SUMS
        else number_format(accumulator.precision, node.name),
        weights={key: read(node, key, weight) for key, weight in node.weights.items()},
        attributes={attribute: _attribute(node, attribute) for attribute in KINDS[kind].attributes},
    )


def _kind(node: Any) -> str | None:
    """Return the kind of a node; None if there is none for it."""
    kinds = (_SAME.get(name, name) for name in (type(node).__name__, node.class_name))
    return next((kind for kind in kinds if kind in KINDS), None)


def _opaque(node: Any, produced_by: dict[str, str]) -> Layer:
    variable = node.get_output_variable(node.outputs[0])
    return Layer(
        name=node.name,
        kind=node.class_name,
        inputs=tuple(produced_by[tensor] for tensor in node.inputs),
        shape=tuple(int(n) for n in variable.shape),
        result=number_format(variable.type.precision, node.name),
    )


def _attribute(node: Any, name: str) -> Attribute:
    match name:
        case "axis":
            axis = int(node.get_attr("axis"))
            # hls4ml counts the batch axis, except from the end.
            return axis - 1 if axis > 0 else axis + len(node.get_output_variable().shape)
        case "perm":
            return tuple(int(axis) for axis in node.get_attr("perm"))
        case "factor_height" | "factor_width":
            side = name.removeprefix("factor_")
            return int(node.get_attr(f"out_{side}") or 1) // int(node.get_attr(f"in_{side}") or 1)
        case "op":
            return str(node.get_attr("op")).lower()
    value = node.get_attr(name)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, str):
        return value
    raise ConversionError(f"layer {node.name}: hls4ml gives {name}={value!r}, which has no meaning here")


def number_format(precision: Any, name: str) -> FixedPoint:
    """Read a type of hls4ml.

    Raises:
        ConversionError: It is not a known type.
    """
    try:
        return FixedPoint.parse(str(precision))
    except ValueError as error:
        raise ConversionError(f"layer {name}: {error}") from error


def _weights(node: Any, key: str, variable: Any) -> Weights:
    """Return the constants as the C simulation reads them: printed as decimal text, then cast."""
    stored = number_format(variable.type.precision, node.name)
    data = np.asarray(variable.data, dtype=np.float64)
    text = np.array([float(variable.precision_fmt.format(value)) for value in data.ravel()]).reshape(data.shape)
    return Weights(stored, np.ascontiguousarray(_filters_last(node, key, _unpadded(node, key, stored.cast(text)))))


def _unpadded(node: Any, key: str, integers: Any) -> Any:
    """For Intel's tools, a dense layer's weights are in a row, of which a large one has zeros up to powers of two."""
    if key != "weight" or node.class_name != "Dense" or integers.ndim != 1:
        return integers
    inputs, outputs = int(node.get_attr("n_in")), int(node.get_attr("n_out"))
    if integers.size != inputs * outputs:
        reuse = int(node.get_attr("reuse_factor"))
        integers = integers.reshape(-1, reuse + int(node.get_attr("rfpad")))[: inputs * outputs // reuse, :reuse]
    return integers.reshape(outputs, inputs)


def _filters_last(node: Any, key: str, integers: Any) -> Any:
    if key == "weight" and node.get_attr("_weights_transposed"):
        # The Resource strategy stores the filters first.
        return np.moveaxis(integers, 0, -1)
    return integers

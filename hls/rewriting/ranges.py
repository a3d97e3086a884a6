"""Interval analysis of the normal form: the values that each of its layers can take, for every event.

The same rules as for the fixed-point graph (`hls.graph.intervals`), before there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.graph.graph import Attribute, Layer, Weights, in_comment
from trigcnn.hls.graph.intervals import LayerRange, exact_range
from trigcnn.hls.graph.kinds import WEIGHTED
from trigcnn.hls.graph.ranges import Range
from trigcnn.hls.rewriting.constants import EXACT_BITS
from trigcnn.hls.rewriting.quantizers import common_format

_TABLE_BITS = 22
"""A function of more values is not evaluated at each."""

_ANY = FixedPoint(True, 1, 1)


def range_of(tensor: Any, found: dict[str, LayerRange]) -> LayerRange:
    """Return the range of a tensor of the normal form.

    Args:
        tensor: The result of one of its layers.
        found: Ranges that are known, by name of the layer; those that are computed are added.

    """
    missing = [tensor]
    while missing:
        layer = missing[-1].node.layer
        waiting = [x for x in inputs_of(layer) if not _is_input(x) and x.node.layer.name not in found]
        if waiting:
            missing.extend(waiting)
            continue
        missing.pop()
        if layer.name not in found:
            found[layer.name] = _layer_range(layer, found)
    return found[tensor.node.layer.name]


def analyse(model: Any, names: Mapping[str, str]) -> dict[str, LayerRange]:
    """Return the ranges of all layers of a normal form behind its inputs, by name.

    Args:
        model: Keras model of the normal form.
        names: The user's names of its layers, by their names there.

    Raises:
        AdmissionError: A layer computes values of more bits than float64 holds.
    """
    found: dict[str, LayerRange] = {}
    for tensor in model.outputs:
        range_of(tensor, found)
    for name, each in found.items():
        needed = max(bits(part) for part in (each.exact, each.sums) if part is not None)
        if needed > EXACT_BITS:
            raise AdmissionError(
                f"layer {in_comment(names[name])}: its values need {needed} bits before they are rounded, of which "
                f"float64 and the engines hold {EXACT_BITS}; put a QActivation(quantized_bits(...)) of fewer bits in "
                "front of it, or give its weights fewer bits"
            )
    return found


def check_rounded(model: Any, names: Mapping[str, str], found: Mapping[str, LayerRange]) -> None:
    """Check that RTL holds what is rounded: it adds half of the last bit that stays, and drops the bits behind.

    Args:
        model: Keras model of the normal form.
        names: The user's names of its layers, by their names there.
        found: Ranges of its layers, by name.

    Raises:
        AdmissionError: A value needs a bit too many with this half.
    """
    for name, each in found.items():
        stored = getattr(model.get_layer(name), "number_format", None)
        if stored is None or stored.rounding == "TRN":
            continue
        dropped = each.exact.fraction - stored.fraction
        if dropped > 0 and each.exact.most + (1 << dropped - 1) > 1 << EXACT_BITS:
            raise AdmissionError(
                f"layer {in_comment(names[name])}: its values have {bits(each.exact)} bits, and RTL, which adds half a "
                f"bit to round them, holds {EXACT_BITS}; put a QActivation(quantized_bits(...)) of fewer bits in front "
                "of it, give its weights fewer bits, or set rtl.architecture: none"
            )


def bits(values: Range) -> int:
    """Return the number of bits of the smallest number format that holds every value.

    >>> bits(Range(np.array([-4]), np.array([3]), 9))
    3
    """
    signed = values.least < 0
    magnitude = max(values.most.bit_length(), (-values.least - 1).bit_length() if signed else 0)
    return max(magnitude + int(signed), 1)


def inputs_of(layer: Any) -> list[Any]:
    """Return the tensors that feed a layer of the normal form."""
    return layer.input if isinstance(layer.input, list) else [layer.input]


def _is_input(tensor: Any) -> bool:
    return type(tensor.node.layer).__name__ == "InputLayer"


def _layer_range(layer: Any, found: dict[str, LayerRange]) -> LayerRange:
    given = inputs_of(layer)
    if _is_input(given[0]):
        # Each input goes through one cast.
        whole = Range.of(layer.number_format, int(layer.output.shape[-1]))
        return LayerRange(whole, whole)
    inputs = [(found[x.node.layer.name].result, tuple(int(n) for n in x.shape[1:])) for x in given]
    if type(layer).__name__ == "Quantize" and layer.role == "table":
        values = _tabulated(layer, inputs[0][0])
        return LayerRange(values, values)
    if type(layer).__name__ == "Divide":
        values = inputs[0][0].rounded(layer.number_format.fraction, "RND_CONV", layer.divisor)
        return LayerRange(values, values)
    exact, sums = exact_range(_as_graph_layer(layer), inputs)
    number_format = getattr(layer, "number_format", None)
    return LayerRange(exact, exact if number_format is None else exact.through(number_format), sums)


def _tabulated(layer: Any, x: Range) -> Range:
    """Return the range of a table, from each of its entries, or from many where they are wide."""
    if bits(x) <= _TABLE_BITS:
        entries = np.arange(x.least, x.most + 1, dtype=np.float64)
    else:
        # Activations are monotonous apart from zero, where those that are powers of two have their smallest values.
        near, far = np.arange(-(1 << 16), 1 << 16), np.linspace(x.least, x.most, 1 << 16)
        entries = np.clip(np.rint(np.concatenate([near, far])), x.least, x.most)
    results = np.asarray(layer.function((entries * 2.0**-x.fraction).astype(np.float32)), np.float64)
    stored = common_format(results)
    whole = stored.to_integers(results)
    channels = int(layer.output.shape[-1])
    low, high = (np.full(channels, int(end), object) for end in (whole.min(), whole.max()))
    return Range(low, high, stored.fraction)


def _as_graph_layer(layer: Any) -> Layer:
    """Return a layer of the normal form as one of the fixed-point graph, as far as its range depends on it."""
    kind, attributes, weights = type(layer).__name__, _attributes(layer), _weights(layer)
    shape = tuple(int(n) for n in layer.output.shape[1:])
    return Layer(layer.name, _KINDS.get(kind, _pooling_kind(kind)), (), shape, _ANY, None, weights, attributes)


def _pooling_kind(kind: str) -> str:
    return kind.replace("Max", "").replace("Average", "")


_MERGES = ("Add", "Subtract", "Multiply", "Maximum", "Minimum")
_KINDS = {
    "Quantize": "Activation",
    "ScaleShift": "BatchNormalization",
    "UpSampling1D": "Resize",
    "UpSampling2D": "Resize",
    "Flatten": "Reshape",
    "Permute": "Transpose",
    **dict.fromkeys(_MERGES, "Merge"),
}


def _attributes(layer: Any) -> dict[str, Attribute]:
    kind = type(layer).__name__
    if kind == "Quantize":
        return {"activation": "relu" if layer.role == "relu" else "linear"}
    if kind in WEIGHTED:
        return {"pad_left": int(getattr(layer, "padding", "valid") == "same")}
    if kind.startswith("ZeroPadding"):
        return {"pad_left": int(np.sum(layer.padding))}
    if "Pooling" in kind:
        axes = ("height", "width") if kind.endswith("2D") else ("width",)
        sizes = np.ravel(getattr(layer, "pool_size", (1,) * len(axes)))
        pool: dict[str, Attribute] = {f"pool_{axis}": int(size) for axis, size in zip(axes, sizes, strict=True)}
        return {**pool, "pool_op": "Max" if "Max" in kind else "Average"}
    if kind == "Concatenate":
        rank = len(layer.output.shape)
        return {"axis": layer.axis % rank - 1}
    if kind == "Permute":
        return {"perm": tuple(axis - 1 for axis in layer.dims)}
    return {"op": kind.lower()} if kind in _MERGES else {}


def _weights(layer: Any) -> dict[str, Weights]:
    kind = type(layer).__name__
    if kind == "ScaleShift":
        return {"scale": _stored(layer.scale), "bias": _stored(layer.shift)}
    if kind not in WEIGHTED:
        return {}
    kernel, *bias = layer.get_weights()
    return {"weight": _stored(kernel), "bias": _stored(bias[0] if bias else np.zeros(int(layer.output.shape[-1])))}


def _stored(values: Any) -> Weights:
    found = common_format(values)
    return Weights(found, found.to_integers(values))

"""Checks of hls4ml: options that it would ignore or change, its known errors, and the graph that it made."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from trigcnn.hls.conversion.number_formats import Declared
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.graph.intervals import analyse
from trigcnn.hls.graph.kinds import WEIGHTED
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rewriting.rewrite import NormalForm


def check_layers(normal: NormalForm, options: HlsOptions) -> None:
    """Check that options of layers name layers that exist and have multiplications."""
    kinds = {normal.names[layer.name]: type(layer).__name__ for layer in normal.model.layers}
    for name in options.layers:
        if name not in kinds:
            raise ConversionError(f"hls.layers.{name}: the model has no layer of this name; it has {', '.join(kinds)}")
        own = options.layers[name]
        if kinds[name] not in WEIGHTED and (own.strategy or own.reuse_factor):
            raise ConversionError(
                f"hls.layers.{name}: the layer has no multiplications; remove strategy and reuse_factor"
            )
        saturates = "SAT" in own.precision.get("accum", "")
        if saturates and options.reuse_factor_of(name) > 1 and options.strategy_of(name) == "Resource":
            raise ConversionError(
                f"hls.layers.{name}.precision.accum: a sum that saturates depends on the order of its terms, which "
                "reuse_factor changes; use a wider accumulator that wraps"
            )


def check_options(hls_model: Any, options: HlsOptions) -> None:
    """Check strategy and reuse factor: hls4ml changes invalid ones and only prints a line."""
    for node in hls_model.get_layers():
        if "weight" not in node.weights:
            continue
        found_reuse = node.get_attr("reuse_factor")
        wanted_reuse = found_reuse if options.takes_nearest(node.name) else options.reuse_factor_of(node.name)
        if found_reuse != wanted_reuse:
            raise ConversionError(
                f"layer {node.name}: reuse_factor {wanted_reuse} is not possible, hls4ml would take {found_reuse}; "
                f"set hls.layers.{node.name}.reuse_factor to {found_reuse}{_policy(node.name, options)}"
            )
        wanted = options.strategy_of(node.name).lower()
        if wanted == "resource" and options.io_type == "io_parallel" and wanted_reuse > _taps(node):
            raise ConversionError(
                f"layer {node.name}: reuse_factor {wanted_reuse} is not possible, a convolution in io_parallel uses a "
                f"multiplier for one filter only; set hls.layers.{node.name}.reuse_factor to {_taps(node)}"
                f"{_policy(node.name, options)}"
            )
        found = str(node.get_attr("strategy")).lower()
        if found != wanted:
            raise ConversionError(
                f"layer {node.name}: strategy {wanted} is not possible, hls4ml would take {found}; "
                f"set hls.layers.{node.name}.strategy to {found.capitalize()}"
            )


def _policy(name: str, options: HlsOptions) -> str:
    return "" if options.has_own_reuse_factor(name) else ", or set hls.reuse_factor_policy: nearest"


def _taps(node: Any) -> int:
    """Return the number of weights of one filter: the largest reuse factor of a convolution."""
    if not any(base.__name__ in ("Conv1D", "Conv2D") for base in type(node).__mro__):
        return sys.maxsize
    return int(node.get_attr("filt_height", 1) * node.get_attr("filt_width") * node.get_attr("n_chan"))


def check_padding(graph: Graph) -> None:
    """Check padding: hls4ml pads a maximum with the bits of the smallest signed number, a large unsigned one.

    Rules pad unsigned values with zeros, but a number format that is set for the layer in front may be unsigned.
    """
    for layer in graph.layers:
        if not layer.kind.startswith("Pooling") or layer.attributes["pool_op"] != "Max":
            continue
        padded = any(value for name, value in layer.attributes.items() if name.startswith("pad_"))
        if padded and not graph[layer.inputs[0]].result.signed:
            raise ConversionError(
                f"layer {layer.name}: padding='same' is not possible after values of {graph[layer.inputs[0]].result}, "
                "which hls4ml pads with a large number; put a QActivation(quantized_relu(...)) before it"
            )


def check_outputs(graph: Graph) -> None:
    """Check outputs: hls4ml makes no new variable for an output that is a reshaped input."""
    for name in graph.outputs:
        layer = graph[name]
        while layer.kind == "Reshape":
            layer = graph[layer.inputs[0]]
        if layer.kind == "Input":
            raise ConversionError(
                f"layer {name}: this output is the input itself, which hls4ml does not compile; take it out of the "
                "model's outputs"
            )


def check_computation(normal: NormalForm, content: Declared, graph: Graph) -> None:
    """Check hls4ml's graph against the normal form: constants, rounding, and no bit lost elsewhere."""
    if int(np.prod(graph.output_shape)) != sum(int(np.prod(tensor.shape[1:])) for tensor in normal.model.outputs):
        raise ConversionError(f"hls4ml's outputs have the shape {graph.output_shape}, the model's have others")
    if len(graph.inputs) != len(normal.model.inputs) or len(graph.outputs) != len(normal.model.outputs):
        raise ConversionError("hls4ml's inputs or outputs are not those of the model")
    for layer in normal.model.layers:
        _check_constants(layer, content, graph)
    for layer, found in zip(graph.layers, analyse(graph).values(), strict=True):
        own = content.overrides.get(layer.identifier, {})
        sums = None if "accum" in own else found.sums
        if sums is not None and layer.accumulator is not None and not sums.fits(layer.accumulator):
            raise ConversionError(f"layer {layer.name}: hls4ml sums in {layer.accumulator}, which is too small")
        if not found.exact.fits(layer.result) and layer.result != content.casts.get(layer.identifier):
            raise ConversionError(
                f"layer {layer.name}: hls4ml chose the number format {layer.result}, in which bits are lost"
            )


def _check_constants(layer: Any, content: Declared, graph: Graph) -> None:
    kind = type(layer).__name__
    if kind in WEIGHTED:
        kernel, *bias = layer.get_weights()
        filters = kernel.shape[-2] if kind.startswith("Depthwise") else kernel.shape[-1]
        expected = {"weight": kernel, "bias": bias[0] if bias else np.zeros(filters)}
    elif layer.name in content.scales:
        expected = dict(zip(("scale", "bias"), content.scales[layer.name], strict=True))
    else:
        return
    for role, values in expected.items():
        found = graph[content.names[layer.name]].weights[role].values
        if role not in content.overrides.get(layer.name, {}) and (
            found.size % values.size or not np.array_equal(found.ravel(), np.resize(values, found.size))
        ):
            raise ConversionError(
                f"layer {layer.name}: hls4ml took other values for the {role} than the model has; "
                "rename or replace the layer"
            )

"""Latency and initiation interval of hls4ml's designs for Vivado HLS and Vitis HLS, from the graph; evidence: estimate.

The formulas follow the loops and pragmas of hls4ml's C++ templates (`nnet_*_stream.h`, `nnet_*_latency.h`,
`nnet_*_resource.h`). The depth of a sum of products is one multiplication and a tree of additions, with delays chosen
so that the layers of published reports come out: those of the hls4ml tutorial (SVHN network, XCU250, 5 ns, Vivado HLS
2020.1) and one of hls4ml's own tests (xc7z020). `Resource`, io_parallel and Vitis HLS were
not checked against a report.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from trigcnn.hls.conversion.choices import Choice
from trigcnn.hls.estimates import reuse
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.graph.kinds import WIRES
from trigcnn.hls.options import Backend, HlsOptions

# Share of the clock period that hls4ml asks the tool to keep as margin.
_UNCERTAINTY: dict[Backend, float] = {"Vivado": 0.125, "Vitis": 0.27}
# One multiplication and one addition, in ns.
_SERIES7, _ULTRASCALE = (5.0, 3.5), (2.0, 0.9)
# From the last pixel that is read to the last that is written.
_POOLING, _OTHER = 3, 2


@dataclass(frozen=True)
class Cycles:
    """Cycles of a layer or a design.

    Attributes:
        latency: Clock cycles from the first input word to the last output word.
        interval: Clock cycles between two events.
        tail: Clock cycles from the last input word to the last output word.
        fill: Clock cycles from the first input word to the first output word.
    """

    latency: int
    interval: int
    tail: int
    fill: int


@dataclass(frozen=True)
class Estimate:
    """Estimated cycles of a design.

    Attributes:
        latency_cycles: Clock cycles from an event's first input word to its last output word.
        initiation_interval: Clock cycles between two events.
        layers: The share of each layer, by name; in io_stream they run at the same time.
    """

    latency_cycles: int
    initiation_interval: int
    layers: dict[str, Cycles]


def estimate(graph: Graph, options: HlsOptions, choices: Iterable[Choice]) -> Estimate | None:
    """Estimate the cycles of a design; None for back ends whose templates were not studied.

    Args:
        graph: The fixed-point graph.
        options: Options of the project.
        choices: What hls4ml made of the options.
    """
    if options.backend not in _UNCERTAINTY:
        return None
    chosen = {choice.name: choice for choice in choices}
    stream = options.io_type == "io_stream"
    of = _stream if stream else _parallel
    layers = {layer.name: of(layer, graph, options, chosen[layer.identifier]) for layer in graph.layers}
    reuse_factors = [chosen[layer.identifier].reuse_factor for layer in graph.layers if reuse.matrix(layer)]
    # Where hls4ml asks for dataflow, each layer waits for its next event until it is done, and a cycle more.
    dataflow = stream or any(
        "Conv" in layer.kind or chosen[layer.identifier].strategy == "Resource" for layer in graph.layers
    )
    interval = max(cycles.interval for cycles in layers.values()) + 1 if dataflow else max(reuse_factors, default=1)
    return Estimate(_finish(graph, layers, stream=stream) + dataflow, interval, layers)


def _finish(graph: Graph, layers: dict[str, Cycles], *, stream: bool) -> int:
    """Return the cycle of the last output word: layers in a stream overlap, others wait for each other."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for layer in graph.layers:
        cycles = layers[layer.name]
        begun = max((first[name] for name in layer.inputs), default=0)
        given = max((last[name] for name in layer.inputs), default=0)
        first[layer.name] = begun + cycles.fill
        last[layer.name] = max(given + cycles.tail, begun + cycles.latency) if stream else given + cycles.latency
    return max(last[name] for name in graph.outputs)


def depth(n_products: int, options: HlsOptions) -> int:
    """Return the clock cycles of a sum of products: a multiplication, and a tree of additions with the bias."""
    multiplication_ns, addition_ns = _SERIES7 if options.part.lower().startswith("xc7") else _ULTRASCALE
    delay_ns = multiplication_ns + addition_ns * math.ceil(math.log2(n_products + 1))
    return math.ceil(delay_ns / (options.clock_period_ns * (1 - _UNCERTAINTY[options.backend])))


def _sum_depth(layer: Layer, options: HlsOptions) -> int:
    """Return the cycles of the slowest sum: that of the filter with the most nonzero weights."""
    weights = layer.weights["weight"].integers
    outputs = int(np.prod(weights.shape[-2:])) if layer.kind.startswith("Depthwise") else weights.shape[-1]
    return depth(max(int(np.count_nonzero(weights.reshape(-1, outputs), axis=0).max()), 1), options)


def words(layer: Layer, graph: Graph) -> int:
    """Return the words of a layer's result in a stream: its pixels; flattening keeps them."""
    while layer.kind == "Reshape":
        layer = graph[layer.inputs[0]]
    return int(np.prod(layer.shape[:-1]))


def _stream(layer: Layer, graph: Graph, options: HlsOptions, choice: Choice) -> Cycles:
    """Return the cycles of a layer in io_stream: it reads a word in each turn of its pipelined loop.

    - Convolution, `Latency`: a pixel each r cycles, and the depth of the sum (`nnet_conv2d_stream.h`).
    - Convolution, `Resource`: the loop over pixels is not pipelined, that over the reuse factor is: r and the depth for
      each pixel.
    - Dense: reads all words, then computes.
    """
    if layer.kind in WIRES:
        return Cycles(0, 0, 0, 0)
    given = max(words(graph[name], graph) for name in layer.inputs)
    resource = choice.strategy == "Resource"
    if layer.kind == "Dense":
        tail = 1 + _sum_depth(layer, options) + (choice.reuse_factor if resource else choice.reuse_factor - 1)
        latency = (given if given > 1 else 0) + tail
        return Cycles(latency, latency, tail, latency)
    if "Conv" in layer.kind:
        added = _sum_depth(layer, options)
        turn, tail = (choice.reuse_factor + added, 0) if resource else (choice.reuse_factor, added + 1)
        latency = given * turn + tail
        return Cycles(latency, latency, max(turn, tail), _window(layer, graph) * turn + tail)
    if "Pooling" in layer.kind:
        return Cycles(given + _POOLING, given + _POOLING, _POOLING, _window(layer, graph) + _POOLING)
    count = max(given, words(layer, graph))
    if count == 1:
        return Cycles(1, 1, 1, 1)
    return Cycles(count + _OTHER, count + _OTHER, _OTHER, _OTHER)


def _window(layer: Layer, graph: Graph) -> int:
    """Return the pixels that are read until a window is full: whole rows, and the rest of one."""
    shape = graph[layer.inputs[0]].shape
    if layer.kind.startswith("Global"):
        return int(np.prod(shape[:-1]))
    name = "pool" if "Pooling" in layer.kind else "filt"
    width = layer.integer(f"{name}_width")
    return (layer.integer(f"{name}_height") - 1) * shape[1] + width if "2D" in layer.kind else width


def _parallel(layer: Layer, graph: Graph, options: HlsOptions, choice: Choice) -> Cycles:
    """Return the cycles of a layer in io_parallel: all values at once, but convolutions pixel by pixel.

    - Convolution, `Latency`: a pixel each r cycles (`PIPELINE II=CONFIG_T::reuse_factor rewind`).
    - Convolution, `Resource`: r and the depth for each pixel.
    - Dense, `Latency`: the depth, a new event each r cycles; `Resource`: r more.
    """
    shape = reuse.matrix(layer)
    if shape is None:
        latency = 0 if layer.kind in {*WIRES, "Activation", "Transpose", "Concatenate", "Resize"} else 1
        return Cycles(latency, 1, latency, latency)
    added = _sum_depth(layer, options)
    resource = choice.strategy == "Resource"
    if layer.kind == "Dense":
        latency = added + (choice.reuse_factor if resource else choice.reuse_factor - 1)
        return Cycles(latency, latency if resource else choice.reuse_factor, latency, latency)
    pixels = int(np.prod(layer.shape[:-1]))
    latency = pixels * (choice.reuse_factor + added) if resource else pixels * choice.reuse_factor + added
    return Cycles(latency, latency, latency, latency)

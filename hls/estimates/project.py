"""Each layer of an HLS project: what was asked for, what hls4ml chose, what is possible, and what it will take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trigcnn.hls.conversion.choices import Choice
from trigcnn.hls.estimates import performance, reuse, unrolling
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.options import HlsOptions


@dataclass(frozen=True)
class ProjectLayer:
    """One layer. What only layers with weights have is None for others."""

    name: str
    """The layer's name."""
    index: int
    """Its place in hls4ml's graph, which is in the name of its module."""
    strategy_asked: str | None
    """Strategy that the configuration asks for."""
    strategy: str | None
    """Strategy that hls4ml chose."""
    reuse_factor_asked: int | None
    """Reuse factor that the configuration asks for."""
    reuse_factor: int | None
    """Reuse factor that hls4ml chose."""
    reuse_factors: tuple[int, ...] | None
    """Those that are possible; None too where any whole number is."""
    multipliers: int | None
    """Products in a clock cycle, those with a weight of zero left out where the tool can leave them out."""
    latency_cycles: int | None
    """Latency in clock cycles; evidence: estimate. None where there is no formula."""
    initiation_interval: int | None
    """Clock cycles between two events; evidence: estimate."""
    findings: tuple[str, ...]
    """What the tool may not manage, and what fixes it."""


@dataclass(frozen=True)
class HlsEstimate:
    """What the whole HLS project will take; evidence: estimate."""

    latency_cycles: int
    """Clock cycles from an event's first input word to its last output word."""
    initiation_interval: int
    """Clock cycles between two events."""


def describe(
    graph: Graph, options: HlsOptions, choices: tuple[Choice, ...]
) -> tuple[tuple[ProjectLayer, ...], HlsEstimate | None]:
    """Describe a project: its layers, and what the whole of it will take; None where there is no formula.

    Args:
        graph: The fixed-point graph.
        options: Options of the project.
        choices: What hls4ml made of them.
    """
    expected = performance.estimate(graph, options, choices) if _known(graph) else None
    chosen = {choice.name: choice for choice in choices}
    layers = tuple(_layer(layer, options, chosen[layer.identifier], expected) for layer in graph.layers)
    if expected is None:
        return layers, None
    return layers, HlsEstimate(expected.latency_cycles, expected.initiation_interval)


def _known(graph: Graph) -> bool:
    """hls4ml alone, without our checks, also makes layers that have no meaning in the fixed-point graph."""
    return all(layer.attributes or ("Conv" not in layer.kind and layer.kind != "Dense") for layer in graph.layers)


def _layer(layer: Layer, options: HlsOptions, choice: Choice, expected: performance.Estimate | None) -> ProjectLayer:
    shape = reuse.matrix(layer) if layer.attributes else None
    cycles = None if expected is None else expected.layers[layer.name]
    weighted = shape is not None and choice.strategy is not None
    excesses = unrolling.excesses(layer, options, choice) if layer.attributes else []
    return ProjectLayer(
        name=layer.name,
        index=choice.index,
        strategy_asked=options.strategy_of(layer.name) if weighted else None,
        strategy=choice.strategy if weighted else None,
        reuse_factor_asked=options.reuse_factor_of(layer.name) if weighted else None,
        reuse_factor=choice.reuse_factor if weighted else None,
        reuse_factors=None if shape is None else _possible(layer, shape, options),
        multipliers=_multipliers(layer, choice) if weighted else None,
        latency_cycles=None if cycles is None else cycles.latency,
        initiation_interval=None if cycles is None else cycles.interval,
        findings=tuple(map(str, excesses)),
    )


def _possible(layer: Layer, shape: tuple[int, int], options: HlsOptions) -> tuple[int, ...] | None:
    return reuse.possible(
        *shape,
        backend=options.backend,
        strategy=options.strategy_of(layer.name),
        io_type=options.io_type,
        convolution=layer.kind != "Dense",
    )


def _multipliers(layer: Layer, choice: Choice) -> int:
    """A product with zero needs no multiplier of its own; one that is used in turns stands for weights of all kinds."""
    weights = layer.weights["weight"].integers
    products = int(np.count_nonzero(weights)) if choice.strategy == "Latency" else weights.size
    return -(-products // choice.reuse_factor)

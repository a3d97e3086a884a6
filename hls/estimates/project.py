"""Each layer of an HLS project: what was asked for, what hls4ml chose, what is possible, and what it will take."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from trigcnn.hls.conversion.choices import Choice
from trigcnn.hls.estimates import performance, reuse, unrolling
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.options import HlsOptions


@dataclass(frozen=True)
class ProjectLayer:
    """One layer. What only layers with weights have is None for others.

    Attributes:
        name: The layer's name.
        index: Its place in hls4ml's graph, which is in the name of its module.
        strategy_asked: Strategy that the configuration asks for.
        strategy: Strategy that hls4ml chose.
        reuse_factor_asked: Reuse factor that the configuration asks for.
        reuse_factor: Reuse factor that hls4ml chose.
        reuse_factors: Those that are possible; None too where any whole number is.
        multipliers: Products in a clock cycle, those with a weight of zero left out where the tool can leave them out.
        latency_cycles: Latency in clock cycles; evidence: estimate. None where there is no formula.
        initiation_interval: Clock cycles between two events; evidence: estimate.
        findings: What the tool may not manage, and what fixes it.
    """

    name: str
    index: int
    strategy_asked: str | None
    strategy: str | None
    reuse_factor_asked: int | None
    reuse_factor: int | None
    reuse_factors: tuple[int, ...] | None
    multipliers: int | None
    latency_cycles: int | None
    initiation_interval: int | None
    findings: tuple[str, ...]


def describe(graph: Graph, options: HlsOptions, choices: tuple[Choice, ...]) -> dict[str, Any]:
    """Describe a project, as JSON: `layers`, and `latency_cycles` and `initiation_interval` of the whole design.

    Args:
        graph: The fixed-point graph.
        options: Options of the project.
        choices: What hls4ml made of them.
    """
    expected = performance.estimate(graph, options, choices) if _known(graph) else None
    chosen = {choice.name: choice for choice in choices}
    layers = [_layer(layer, options, chosen[layer.name], expected) for layer in graph.layers]
    return {
        "latency_cycles": expected and expected.latency_cycles,
        "initiation_interval": expected and expected.initiation_interval,
        "layers": [asdict(layer) for layer in layers],
    }


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

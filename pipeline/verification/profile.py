"""The numerical profile: magnitudes of values, compared with the range of their number formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph.graph import Graph
from trigcnn.pipeline.results.magnitudes import Magnitudes, Range

Values = npt.NDArray[Any]
Tensor = Literal["weight", "bias", "result"]


def profile(graph: Graph, results: Mapping[str, Values]) -> list[Range]:
    """Compare the values of constants and results with their number formats.

    Args:
        graph: The network.
        results: Results [events, ...] of the layers that are looked at, by name.
    """
    return [
        measure(layer, tensor, number_format, values)
        for layer, tensor, number_format, values in _tensors(graph, results)
    ]


def _tensors(graph: Graph, results: Mapping[str, Values]) -> Iterator[tuple[str, Tensor, FixedPoint, Values]]:
    for layer in graph.layers:
        weight = layer.weights.get("weight") or layer.weights.get("scale")
        if weight is not None:
            yield layer.name, "weight", weight.format, weight.values
        bias = layer.weights.get("bias")
        if bias is not None:
            yield layer.name, "bias", bias.format, bias.values
        if layer.name in results:
            yield layer.name, "result", layer.result, results[layer.name]


def measure(layer: str, tensor: Tensor, number_format: FixedPoint, values: Values) -> Range:
    """Return the magnitudes of the values of a tensor.

    Args:
        layer: Its layer.
        tensor: What it is of that layer.
        number_format: Its number format.
        values: Its values, of any shape, at least one.
    """
    magnitudes = np.abs(values[values != 0].astype(np.float64))
    found = None
    if magnitudes.size:
        # Values that occur: no mean of two of them, of which the logarithm would be none of either.
        quantiles = np.quantile(magnitudes, [0, 0.25, 0.5, 0.75, 1], method="lower")
        found = Magnitudes(**dict(zip(Magnitudes.model_fields, map(float, quantiles), strict=True)))
    return Range(
        layer=layer,
        tensor=tensor,
        format=str(number_format),
        minimum=float(values.min()),
        maximum=float(values.max()),
        format_minimum=number_format.min,
        format_maximum=number_format.max,
        lsb=number_format.lsb,
        values=values.size,
        zeros=values.size - magnitudes.size,
        magnitudes=found,
    )

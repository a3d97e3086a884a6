"""A layer's weights in ONNX: constants behind a quantizer, so that readers know their format."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.export.qonnx.exactness import check_format, check_result
from trigcnn.hls.export.qonnx.nodes import Nodes, Tensor
from trigcnn.hls.graph.graph import Layer, Weights
from trigcnn.hls.graph.intervals import constants


def quantized(nodes: Nodes, layer: Layer, weights: Weights, values: npt.NDArray[np.float64], x: Tensor) -> Tensor:
    """Return constants behind a quantizer, so that readers know their format, in the type of a tensor."""
    check_format(layer, weights.format)
    check_result(layer, constants(weights))
    plain = FixedPoint(weights.format.signed, weights.format.width, weights.format.integer)
    made = nodes.quant(Tensor(nodes.constant(values), values.shape, fixed=True), plain, "ROUND")
    return nodes.widen(made) if x.wide else made


def plus(nodes: Nodes, layer: Layer, x: Tensor) -> Tensor:
    """Add the bias, which is by channel."""
    bias = layer.weights["bias"]
    if not bias.integers.any():
        return x
    return nodes.add("Add", [x, by_channel(nodes, layer, bias, x)], x.shape)


def by_channel(nodes: Nodes, layer: Layer, weights: Weights, x: Tensor) -> Tensor:
    """Return constants behind a quantizer that are the same for all pixels of a channel."""
    values = np.resize(weights.values.reshape(-1), x.shape[0]).reshape(1, -1, *[1] * (len(x.shape) - 1))
    return quantized(nodes, layer, weights, values, x)

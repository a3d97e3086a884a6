"""Graphs for streaming RTL: many kinds of layers, branches, several inputs, and what they must give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.hls.graphs import SINGLE, given, graph, layer, weighted
from tests.hls.oracle import expected
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph.graph import Graph, Layer, Weights, pack

IN_IMAGE = [
    "conv2d",
    "depthwise 2d",
    "maximum beside padding",
    "global maximum",
    "zero padding 2d",
    "resize 2d",
    "reshape",
]
IN_LINE = [
    "relu",
    "linear",
    "conv1d",
    "conv1d strided and padded",
    "depthwise 1d",
    "batch normalization",
    "maximum of windows",
    "mean",
    "global maximum, 1D",
    "zero padding 1d",
    "resize 1d",
]


def together(names: list[str]) -> Graph:
    """Several kinds of layers behind one input, each with an output of its own."""
    layers = [replace(SINGLE[name]["y"], name=f"y{number}") for number, name in enumerate(names)]
    return graph(SINGLE[names[0]]["x"], *layers, outputs=" ".join(each.name for each in layers))


def wanted_of(subject: Graph, events: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    values = expected(subject, events)
    return pack([values[name] for name in subject.outputs])


CHANNELS = 4
SAME = {"stride_height": 1, "stride_width": 1, "pad_top": 1, "pad_bottom": 1, "pad_left": 1, "pad_right": 1}
HALF = {"stride_height": 2, "stride_width": 2, "pad_top": 0, "pad_bottom": 1, "pad_left": 0, "pad_right": 1}
ONE = {"stride_height": 2, "stride_width": 2, "pad_top": 0, "pad_bottom": 0, "pad_left": 0, "pad_right": 0}


def conv(name: str, source: str, shape: tuple[int, ...], kernel: tuple[int, ...], **where: Any) -> Layer:
    return layer("Conv2D", source, shape, "fixed<7,4,RND,SAT>", name=name, weights=weighted(kernel), **where)


def relu(name: str, source: str, shape: tuple[int, ...]) -> Layer:
    return layer("Activation", source, shape, "ufixed<4,3,RND,SAT>", name=name, activation="relu")


def residual(size: tuple[int, int]) -> Graph:
    """Skip additions with and without a stride, and a concatenation, which all have to wait for each other."""
    height, width = size
    image, half = (height, width, CHANNELS), (height // 2, width // 2, CHANNELS)
    return graph(
        given((*size, 2), "fixed<4,2>"),
        conv("first", "x", image, (3, 3, 2, CHANNELS), **SAME),
        relu("first_relu", "first", image),
        conv("body", "first_relu", image, (3, 3, CHANNELS, CHANNELS), **SAME),
        layer("Merge", "body first_relu", image, "fixed<8,5>", name="sum", op="add"),
        relu("sum_relu", "sum", image),
        conv("down", "sum_relu", half, (3, 3, CHANNELS, CHANNELS), **HALF),
        conv("deep", "down", half, (3, 3, CHANNELS, CHANNELS), **SAME),
        conv("short", "sum_relu", half, (1, 1, CHANNELS, CHANNELS), **ONE),
        layer("Merge", "deep short", half, "fixed<8,5>", name="sum2", op="add"),
        layer("Concatenate", "sum2 down", (*half[:2], 2 * CHANNELS), "fixed<8,5>", name="both", axis=2),
        layer("GlobalPooling2D", "both", (2 * CHANNELS,), "fixed<12,8>", name="y", pool_op="Max"),
    )


def classifier(*, height: int = 4) -> Graph:
    """Convolution, pooling, flattening and dense layers."""
    pooled = (height // 2, 3, CHANNELS)
    size = height // 2 * 3 * CHANNELS
    flat: dict[str, Any] = {"pad_top": 0, "pad_bottom": 0, "pad_left": 0, "pad_right": 0}
    return graph(
        given((height, 6, 2), "ufixed<4,2>"),
        conv("c", "x", (height, 6, CHANNELS), (3, 3, 2, CHANNELS), **SAME),
        relu("r", "c", (height, 6, CHANNELS)),
        layer(
            "Pooling2D", "r", pooled, "ufixed<4,3>", name="p", pool_op="Max", pool_height=2, pool_width=2,
            stride_height=2, stride_width=2, **flat,
        ),
        layer("Reshape", "p", (size,), "ufixed<4,3>", name="f"),
        layer("Dense", "f", (5,), "fixed<12,8>", name="d", weights=weighted((size, 5))),
        relu("dr", "d", (5,)),
        layer("Dense", "dr", (3,), "fixed<12,8>", name="y", weights=weighted((5, 3))),
    )  # fmt: skip


def weights_of(integers: npt.NDArray[np.int64], text: str) -> Weights:
    return Weights(FixedPoint.parse(text), integers)


def decoder() -> Graph:
    """A vector becomes an image, which is enlarged, with tables and padding of its own."""
    table = {"table": weights_of(np.arange(16)[::-1] % 7, "ufixed<3,3>")}
    return graph(
        given((6,), "fixed<4,2>", "a"),
        given((6,), "fixed<4,2>", "b"),
        layer("Merge", "a b", (6,), "fixed<5,3>", name="m", op="subtract"),
        layer("Dense", "m", (16,), "ufixed<4,3,RND,SAT>", name="d", weights=weighted((6, 16))),
        layer("UnaryLUT", "d", (16,), "ufixed<3,3>", name="t", weights=table),
        layer("Reshape", "t", (2, 2, 4), "ufixed<3,3>", name="image"),
        layer("Resize", "image", (4, 4, 4), "ufixed<3,3>", name="larger", factor_height=2, factor_width=2),
        layer(
            "ZeroPadding2D", "larger", (6, 6, 4), "ufixed<3,3>", name="z",
            pad_top=1, pad_bottom=1, pad_left=1, pad_right=1,
        ),
        conv("y", "z", (4, 4, 2), (3, 3, 4, 2), **{**ONE, "stride_height": 1, "stride_width": 1}),
    )  # fmt: skip

"""Fixed-point graphs made by hand, and events at the corners of their formats."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph.graph import Attribute, Graph, Layer, Weights, pack

EXACT = FixedPoint.parse("fixed<32,16>")
SEED = 7


def given(shape: tuple[int, ...], text: str = "fixed<5,3>", name: str = "x") -> Layer:
    return Layer(name, "Input", (), shape, FixedPoint.parse(text))


def constants(shape: tuple[int, ...], text: str, seed: int = SEED) -> Weights:
    number_format = FixedPoint.parse(text)
    low, high = number_format.min_integer, number_format.max_integer
    return Weights(number_format, np.random.default_rng(seed).integers(low, high + 1, shape))


def layer(
    kind: str,
    inputs: str,
    shape: tuple[int, ...],
    result: str | FixedPoint = EXACT,
    *,
    name: str = "y",
    accumulator: str | None = None,
    weights: dict[str, Weights] | None = None,
    **attributes: Attribute,
) -> Layer:
    return Layer(
        name,
        kind,
        tuple(inputs.split()),
        shape,
        FixedPoint.parse(result) if isinstance(result, str) else result,
        None if accumulator is None else FixedPoint.parse(accumulator),
        weights or {},
        attributes,
    )


def graph(*layers: Layer, outputs: str = "y", name: str = "top") -> Graph:
    inputs = tuple(each.name for each in layers if each.kind == "Input")
    return Graph(name, layers, inputs, tuple(outputs.split()))


def weighted(shape: tuple[int, ...], weight: str = "fixed<4,2>", bias: str = "fixed<6,3>") -> dict[str, Weights]:
    count = shape[-2] if shape[-1] == 1 and len(shape) > 2 else shape[-1]
    return {"weight": constants(shape, weight), "bias": constants((count,), bias, SEED + 1)}


def events_for(subject: Graph, count: int = 60) -> npt.NDArray[np.float32]:
    """Random events, and those in which every value is the smallest, the largest, zero, or any of these."""
    random = np.random.default_rng(SEED)
    parts = []
    for each in subject.input_layers:
        low, high = each.result.min_integer, each.result.max_integer
        edges = np.array([low, high, 0])
        integers = [
            random.integers(low, high + 1, (count, *each.shape)),
            random.choice(edges, (count // 2, *each.shape)),
            np.broadcast_to(edges.reshape(-1, *[1] * len(each.shape)), (3, *each.shape)),
        ]
        parts.append(each.result.to_real(np.concatenate(integers)))
    return pack(parts).astype(np.float32)


def conv1d(pad: tuple[int, int] = (0, 0), stride: int = 1, **options: Any) -> Layer:
    width = (5 + sum(pad) - 3) // stride + 1
    return layer(
        "Conv1D",
        "x",
        (width, 3),
        options.pop("result", EXACT),
        weights=options.pop("weights", weighted((3, 2, 3))),
        stride_width=stride,
        pad_left=pad[0],
        pad_right=pad[1],
        **options,
    )


def image_layer(kind: str, size: tuple[int, int], filters: int, stride: tuple[int, int] = (1, 1), **more: Any) -> Layer:
    """A window of some size over an image of 4 × 5 pixels, with padding above and on both sides."""
    pads: dict[str, Any] = {"pad_top": 1, "pad_bottom": 0, "pad_left": 1, "pad_right": 1}
    shape = ((4 + 1 - size[0]) // stride[0] + 1, (5 + 2 - size[1]) // stride[1] + 1, filters)
    strides: dict[str, Any] = {"stride_height": stride[0], "stride_width": stride[1]}
    if kind == "Pooling2D":
        more |= {"pool_height": size[0], "pool_width": size[1]}
    return layer(kind, "x", shape, more.pop("result", EXACT), **pads, **strides, **more)


def pool1d(pool_op: str, size: int, shape: tuple[int, ...], stride: int, left: int = 0, right: int = 0) -> Layer:
    sizes: dict[str, Any] = {"pool_width": size, "stride_width": stride}
    return layer("Pooling1D", "x", shape, pool_op=pool_op, pad_left=left, pad_right=right, **sizes)


LINE, IMAGE = given((5, 2)), given((4, 5, 2))
DEPTHWISE = weighted((2, 3, 2, 1))
SCALES = {"scale": constants((2,), "fixed<4,1>"), "bias": constants((2,), "fixed<5,2>")}

SINGLE: dict[str, Graph] = {
    "relu": graph(LINE, layer("Activation", "x", (5, 2), "ufixed<3,2,RND,SAT>", activation="relu")),
    "linear": graph(LINE, layer("Activation", "x", (5, 2), "fixed<3,2,RND_CONV,SAT>", activation="linear")),
    "dense": graph(given((6,)), layer("Dense", "x", (3,), weights=weighted((6, 3)))),
    "conv1d": graph(LINE, conv1d()),
    "conv1d strided and padded": graph(LINE, conv1d((2, 1), 2, result="fixed<9,6,RND,SAT>")),
    "conv2d": graph(IMAGE, image_layer("Conv2D", (2, 3), 2, (2, 1), weights=weighted((2, 3, 2, 2)))),
    "depthwise 1d": graph(
        LINE,
        layer(
            "DepthwiseConv1D", "x", (4, 2), weights=weighted((3, 2, 1)), stride_width=1, pad_left=0, pad_right=1
        ),
    ),
    "depthwise 2d": graph(IMAGE, image_layer("DepthwiseConv2D", (2, 3), 2, weights=DEPTHWISE)),
    "batch normalization": graph(LINE, layer("BatchNormalization", "x", (5, 2), weights=SCALES)),
    "maximum of windows": graph(LINE, pool1d("Max", 2, (2, 2), 2)),
    "maximum beside padding": graph(IMAGE, image_layer("Pooling2D", (2, 3), 2, (2, 2), pool_op="Max")),
    "mean": graph(LINE, pool1d("Average", 4, (2, 2), 1)),
    "mean beside padding": graph(LINE, pool1d("Average", 2, (3, 2), 2, left=1)),
    "mean, rounded": graph(given((4, 4, 1)), layer(
        "Pooling2D", "x", (2, 2, 1), "fixed<4,3,RND_CONV>", pool_op="Average", pool_height=2, pool_width=2,
        stride_height=2, stride_width=2, pad_top=0, pad_bottom=0, pad_left=0, pad_right=0,
        accumulator="fixed<9,5>",
    )),
    "global maximum": graph(IMAGE, layer("GlobalPooling2D", "x", (2,), pool_op="Max")),
    "global maximum, 1D": graph(LINE, layer("GlobalPooling1D", "x", (1, 2), pool_op="Max")),
    "global mean": graph(given((2, 4, 3)), layer("GlobalPooling2D", "x", (3,), pool_op="Average")),
    "zero padding 1d": graph(LINE, layer("ZeroPadding1D", "x", (8, 2), pad_left=1, pad_right=2)),
    "zero padding 2d": graph(
        IMAGE, layer("ZeroPadding2D", "x", (5, 8, 2), pad_top=0, pad_bottom=1, pad_left=1, pad_right=2)
    ),
    "resize 1d": graph(LINE, layer("Resize", "x", (15, 2), factor_width=3)),
    "resize 2d": graph(IMAGE, layer("Resize", "x", (8, 15, 2), factor_height=2, factor_width=3)),
    "transpose": graph(IMAGE, layer("Transpose", "x", (2, 4, 5), perm=(2, 0, 1))),
    "reshape": graph(IMAGE, layer("Reshape", "x", (40,), "fixed<4,3>")),
}  # fmt: skip

"""What a layer computes before its cast, against sums written out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph import arithmetic
from trigcnn.hls.graph.graph import Attribute, Graph, Layer, Weights

WIDE = FixedPoint(True, 20, 12)
GIVEN = FixedPoint(True, 6, 4)


def constants(values: Any) -> Weights:
    return Weights(WIDE, WIDE.to_integers(values))


def layer(kind: str, shape: tuple[int, ...], inputs: int = 1, **rest: Any) -> tuple[Graph, Layer]:
    names = tuple(f"x{n}" for n in range(inputs))
    attributes: dict[str, Attribute] = rest.pop("attributes", {})
    weights = {role: constants(values) for role, values in rest.pop("weights", {}).items()}
    result = Layer("y", kind, names, shape, WIDE, None, weights, attributes)
    given = tuple(Layer(name, "Input", (), rest.get("given", (1,)), GIVEN) for name in names)
    return Graph("g", (*given, result), names, ("y",)), result


def values(*shape: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(0).integers(-32, 32, shape) / 4.0


def test_a_convolution_with_strides_and_padding_is_its_sum() -> None:
    x, kernel, bias = values(2, 4, 5, 2), values(3, 2, 2, 3), values(3)
    attributes: dict[str, Attribute] = {
        "stride_height": 2, "stride_width": 1, "pad_top": 1, "pad_bottom": 0, "pad_left": 0, "pad_right": 1,
    }  # fmt: skip
    graph, conv = layer("Conv2D", (2, 5, 3), attributes=attributes, weights={"weight": kernel, "bias": bias})
    padded = np.pad(x, ((0, 0), (1, 0), (0, 1), (0, 0)))
    expected = np.array(
        [
            [
                [[(padded[n, 2 * i : 2 * i + 3, j : j + 2] * kernel[..., f]).sum() + bias[f] for f in range(3)]
                 for j in range(5)]
                for i in range(2)
            ]
            for n in range(2)
        ]
    )  # fmt: skip
    np.testing.assert_array_equal(arithmetic.exact(graph, conv, [x]), expected)


def test_a_depthwise_convolution_keeps_channels_apart() -> None:
    x, kernel, bias = values(2, 5, 3), values(2, 3, 1), values(3)
    attributes: dict[str, Attribute] = {"stride_width": 1, "pad_left": 0, "pad_right": 0}
    graph, conv = layer("DepthwiseConv1D", (4, 3), attributes=attributes, weights={"weight": kernel, "bias": bias})
    expected = x[:, :4] * kernel[0, :, 0] + x[:, 1:] * kernel[1, :, 0] + bias
    np.testing.assert_array_equal(arithmetic.exact(graph, conv, [x]), expected)


@pytest.mark.parametrize(("operation", "expected"), [("Max", [[3.0], [3.0]]), ("Average", [[2.0], [-1.0]])])
def test_pooling_does_not_count_the_padding(operation: str, expected: list[list[float]]) -> None:
    x = np.array([[[1.0], [3.0], [-5.0]]])
    attributes: dict[str, Attribute] = {
        "pool_op": operation, "pool_width": 2, "stride_width": 1, "pad_left": 0, "pad_right": 1,
    }  # fmt: skip
    graph, pool = layer("Pooling1D", (3, 1), attributes=attributes)
    found = arithmetic.exact(graph, pool, [x])
    assert found[0, :2].tolist() == expected
    assert found[0, 2].tolist() == [-5.0]


@pytest.mark.parametrize(
    ("kind", "shape", "attributes", "given", "expected"),
    [
        ("Activation", (2,), {"activation": "relu"}, [[-1.0, 2.0]], [[0.0, 2.0]]),
        ("Activation", (2,), {"activation": "linear"}, [[-1.0, 2.0]], [[-1.0, 2.0]]),
        ("Reshape", (2, 1), {}, [[-1.0, 2.0]], [[[-1.0], [2.0]]]),
        ("Transpose", (2, 1), {"perm": (1, 0)}, [[[1.0, 2.0]]], [[[1.0], [2.0]]]),
        ("GlobalPooling1D", (1,), {"pool_op": "Average"}, [[[1.0], [2.0]]], [[1.5]]),
        ("GlobalPooling1D", (1,), {"pool_op": "Max"}, [[[1.0], [2.0]]], [[2.0]]),
        ("ZeroPadding1D", (3, 1), {"pad_left": 2, "pad_right": 0}, [[[7.0]]], [[[0.0], [0.0], [7.0]]]),
        ("Resize", (2, 1), {"factor_width": 2, "factor_height": 1}, [[[7.0]]], [[[7.0], [7.0]]]),
    ],
)
def test_simple_layers(
    kind: str, shape: tuple[int, ...], attributes: dict[str, Attribute], given: Any, expected: Any
) -> None:
    graph, simple = layer(kind, shape, attributes=attributes)
    assert arithmetic.exact(graph, simple, [np.array(given)]).tolist() == expected


@pytest.mark.parametrize(
    ("operation", "expected"), [("add", 5.0), ("subtract", -1.0), ("multiply", 6.0), ("maximum", 3.0), ("minimum", 2.0)]
)
def test_merges(operation: str, expected: float) -> None:
    graph, merge = layer("Merge", (1,), 2, attributes={"op": operation})
    assert arithmetic.exact(graph, merge, [np.array([[2.0]]), np.array([[3.0]])]).tolist() == [[expected]]


def test_a_table_is_indexed_by_the_bit_pattern() -> None:
    table = np.arange(64) / 4.0
    graph, lookup = layer("UnaryLUT", (3,), weights={"table": table})
    given = np.array([[0.25, -0.25, -8.0]])
    assert arithmetic.exact(graph, lookup, [given]).tolist() == [[1 / 4, 63 / 4, 32 / 4]]


def test_a_kind_that_is_not_known_is_an_error() -> None:
    graph, softmax = layer("Softmax", (1,))
    with pytest.raises(ConversionError, match="layer y: what a Softmax computes is not known here"):
        arithmetic.exact(graph, softmax, [np.zeros((1, 1))])

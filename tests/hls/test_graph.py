from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph.graph import Graph, Layer, Weights

KERNEL = Weights(FixedPoint(True, 4, 1), np.arange(-8, 8).reshape(2, 2, 2, 2))
BIAS = Weights(FixedPoint(False, 3, -1), np.array([0, 7]))
MATRIX = Weights(FixedPoint(True, 2, 2), np.array([[-2, 1, 0]] * 18))
GRAPH = Graph(
    "top",
    (
        Layer("events", "Input", (), (4, 4, 2), FixedPoint(True, 6, 3, "RND_CONV", "SAT")),
        Layer(
            "conv",
            "Conv2D",
            ("events",),
            (3, 3, 2),
            FixedPoint(True, 9, 5),
            FixedPoint(True, 12, 5),
            {"weight": KERNEL, "bias": BIAS},
            {"stride_width": 1, "activation": "linear", "sizes": (1, 2)},
        ),
        Layer("flatten", "Reshape", ("conv",), (18,), FixedPoint(True, 9, 5)),
        Layer("dense", "Dense", ("flatten",), (3,), FixedPoint(True, 16, 9), weights={"weight": MATRIX}),
    ),
    ("events",),
    ("dense",),
)


def test_a_graph_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    GRAPH.save(tmp_path)
    loaded = Graph.load(tmp_path)
    assert (loaded.name, loaded.inputs, loaded.outputs) == ("top", ("events",), ("dense",))
    for found, expected in zip(loaded.layers, GRAPH.layers, strict=True):
        for field in ("name", "kind", "inputs", "shape", "result", "accumulator", "attributes"):
            assert getattr(found, field) == getattr(expected, field)
        assert found.weights.keys() == expected.weights.keys()
        for name, weights in expected.weights.items():
            assert found.weights[name].format == weights.format
            assert found.weights[name].integers.dtype == np.int64
            np.testing.assert_array_equal(found.weights[name].integers, weights.integers)


def test_weights_have_real_values() -> None:
    np.testing.assert_array_equal(GRAPH["conv"].weights["bias"].values, [0, 7 / 16])


def test_parameters_and_multiplications_are_counted() -> None:
    assert [layer.parameters for layer in GRAPH.layers] == [0, 18, 0, 54]
    assert [layer.multiplications for layer in GRAPH.layers] == [0, 9 * 16, 0, 54]
    assert GRAPH.multiplications == 198


def test_layers_are_found_by_name() -> None:
    assert GRAPH.input is GRAPH["events"]
    assert GRAPH.output is GRAPH["dense"]
    with pytest.raises(KeyError, match="pool"):
        GRAPH["pool"]


def test_an_attribute_that_is_no_number_is_refused() -> None:
    assert GRAPH["conv"].integer("stride_width") == 1
    with pytest.raises(TypeError, match="layer conv: attribute activation is 'linear', not a whole number"):
        GRAPH["conv"].integer("activation")


def test_another_version_of_the_format_is_refused(tmp_path: Path) -> None:
    GRAPH.save(tmp_path)
    file = tmp_path / "graph.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format_version": 2}))
    with pytest.raises(ValueError, match=r"graph\.json: format version 2 is not known"):
        Graph.load(tmp_path)

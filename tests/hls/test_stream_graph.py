"""What the graph gets in io_stream besides: whole words for vectors, and copies of what many layers read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.hls.admission_branches import BITS, SQUARE, VECTOR, Branch, network
from trigcnn.hls.conversion.convert import convert
from trigcnn.hls.conversion.streams import MOST_READERS
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.options import IoType

DENSE = f"QDense(2, use_bias=False, kernel_quantizer={BITS})"


def converted(layers: str, shape: tuple[int, ...], io_type: IoType, folder: Path, inputs: int = 1) -> tuple[Graph, str]:
    made = network([Branch(shape, layers, inputs=inputs)], io_type)
    bench = (np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    graph = convert(
        made.model, name="top", options=made.options, project=folder / "hls", log=folder / "log", test_bench=bench
    )
    return graph, (folder / "hls" / "firmware" / "top.cpp").read_text()


@pytest.mark.parametrize(("readers", "copies"), [(7, 0), (8, 4), (20, 7)])
def test_no_stream_has_more_readers_than_hls4ml_copies(readers: int, copies: int, tmp_path: Path) -> None:
    layers = f"(lambda x: Concatenate()([ReLU(max_value=k)(x) for k in range(1, {readers} + 1)]))"
    graph, _ = converted(layers, VECTOR, "io_stream", tmp_path)
    found = Counter(name for layer in graph.layers for name in layer.inputs)
    assert max(found.values()) <= MOST_READERS
    assert sum(layer.name.startswith("copy") for layer in graph.layers) == copies


@pytest.mark.parametrize(
    ("layers", "inputs", "packed"),
    [
        (f"Flatten() > {DENSE}", 1, 0),
        (f"Flatten() > QActivation(quantized_relu(4,2)) > {DENSE}", 1, 1),
        (f"(lambda xs: Add()([Flatten()(x) for x in xs])) > {DENSE}", 2, 2),
        (f"Flatten() > (lambda x: Concatenate()([{DENSE}(x), {DENSE}(x)]))", 1, 1),
    ],
)
def test_a_vector_comes_in_one_word_but_into_a_dense_layer(
    layers: str, inputs: int, packed: int, tmp_path: Path
) -> None:
    _, code = converted(layers, SQUARE, "io_stream", tmp_path, inputs)
    assert code.count("nnet::repack_stream<") == packed


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_a_transposition_before_flatten_leaves_the_weights_behind_it(io_type: IoType, tmp_path: Path) -> None:
    graph, _ = converted(f"Permute((2, 1, 3)) > Flatten() > {DENSE}", (5, 4, 3), io_type, tmp_path)
    assert [layer.kind for layer in graph.layers if layer.kind in ("Transpose", "Dense")] == ["Transpose", "Dense"]


def test_a_pooling_of_overlapping_windows_is_a_maximum_of_convolutions(tmp_path: Path) -> None:
    graph, _ = converted("MaxPooling2D(3, strides=1)", SQUARE, "io_stream", tmp_path)
    kinds = Counter(layer.kind for layer in graph.layers)
    assert (kinds["DepthwiseConv2D"], kinds["Merge"], kinds["Pooling2D"]) == (6, 4, 0)
    assert graph.output.name == "layer0_0"

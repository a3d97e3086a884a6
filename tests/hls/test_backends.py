"""Networks of many layers through each back end: the C simulation of each project is QKeras, in every layer."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from tests.hls.admission_branches import BITS, IMAGE, SEQUENCE, SQUARE, VECTOR, Branch, events_of, network
from tests.hls.walk import differing
from trigcnn.hls.admission.lacking import lack
from trigcnn.hls.backends import FACTS
from trigcnn.hls.conversion.convert import convert
from trigcnn.hls.engines import csim
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.graph.graph import Graph, pack
from trigcnn.hls.options import Backend, HlsOptions, IoType, LayerOptions
from trigcnn.hls.rewriting.normal_form import normal_form

_CONV = f"QConv2D(2, (3, 2), kernel_quantizer={BITS}, bias_quantizer={BITS}, "
_DENSE = f"QDense(6, kernel_quantizer={BITS}, bias_quantizer={BITS}, "
# One of each thing that hls4ml has in C++ of its own for each back end; the rows of the table are walked elsewhere.
IMAGES = [
    Branch(IMAGE, f"{_CONV}activation=quantized_relu(4, 2))"),
    Branch(IMAGE, f"{_CONV}padding='same', strides=2) > QActivation(quantized_tanh(4))"),
    Branch(IMAGE, f"QDepthwiseConv2D(2, depthwise_quantizer={BITS}, bias_quantizer={BITS}, strides=2)"),
    Branch(IMAGE, f"{_CONV}name='shared') > BatchNormalization(momentum=0.9, epsilon=2**-10) > Flatten()"),
    Branch(IMAGE, "MaxPooling2D((3, 2), padding='same')", first="quantized_relu(5,2)"),
    Branch(IMAGE, "UpSampling2D((2, 3)) > ZeroPadding2D(((1, 2), (0, 1)))"),
    Branch(SQUARE, "AveragePooling2D(2) > GlobalMaxPooling2D()"),
    Branch(SQUARE, "GlobalAveragePooling2D()"),
    # Most pixels lie below half of the range.
    Branch(SQUARE, "GlobalMaxPooling2D()", first="quantized_relu(5,3)"),
    *(Branch(IMAGE, f"{kind}()", inputs=2) for kind in ("Add", "Subtract", "Multiply", "Concatenate", "Maximum")),
    Branch(IMAGE, "Add()", twice=True),
    Branch((3, 2), "Permute((2, 1))"),
]
OTHERS = [
    Branch(SEQUENCE, f"QConv1D(4, 3, kernel_quantizer={BITS}, bias_quantizer={BITS}, padding='causal', strides=2)"),
    Branch(SEQUENCE, "MaxPooling1D(2) > UpSampling1D(2) > ZeroPadding1D((1, 2))"),
    Branch((4, 3), "GlobalAveragePooling1D()"),
    Branch((4, 3), "GlobalMaxPooling1D()", first="quantized_relu(5,3)"),
]
VECTORS = [
    Branch(VECTOR, f"{_DENSE}activation=quantized_relu(4, 2)) > QDense(3, kernel_quantizer=ternary(alpha=1), "
           f"bias_quantizer={BITS}) > QActivation(quantized_bits(4, 0, 1, alpha=1))"),
    Branch(VECTOR, f"{_DENSE}name='reused')"),
    Branch(VECTOR, "QDense(7, use_bias=False, kernel_quantizer=binary(alpha=1)) > QActivation(binary(alpha=1))"),
    Branch(VECTOR, "QDense(3, use_bias=False, kernel_quantizer=quantized_po2(4)) > QActivation(quantized_bits(3))"),
    Branch(VECTOR, "QActivation(quantized_relu(3, 1)) > QActivation(quantized_sigmoid(4)) > ReLU()"),
]  # fmt: skip
PAIRS: list[tuple[Backend, IoType]] = [
    (backend, io_type)
    for backend in ("Quartus", "oneAPI", "Catapult", "Libero")
    for io_type in get_args(IoType)
    if (backend, io_type) != ("Libero", "io_stream")
]


def options_of(backend: Backend, io_type: IoType) -> HlsOptions:
    facts = FACTS[backend]
    return HlsOptions(backend, facts.part, 5.0, io_type, facts.strategies[0], 1)


def branches_of(backend: Backend, io_type: IoType) -> list[Branch]:
    kinds = [*VECTORS] if backend == "Libero" else [*IMAGES, *OTHERS, *VECTORS]
    lacking = [kind for kind in ("Maximum", "Permute") if lack(kind, backend, io_type, 3)]
    return [branch for branch in kinds if not branch.layers.startswith(tuple(lacking))]


def written(branches: list[Branch], options: HlsOptions, folder: Path) -> tuple[object, Graph]:
    made = network(branches, options)
    normal = normal_form(made.model, made.options)
    bench = (np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    graph = convert(
        normal, name="top", options=made.options, project=folder / "hls", log=folder / "log", test_bench=bench
    )
    return normal.model, graph


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "io_type"),
    # What test_admission_rows.py has of it is enough for the suite.
    [pytest.param(*pair, marks=pytest.mark.walk if pair == ("Catapult", "io_stream") else []) for pair in PAIRS],
)
def test_the_c_simulation_is_qkeras_in_every_layer(backend: Backend, io_type: IoType, tmp_path: Path) -> None:
    options = options_of(backend, io_type)
    if "Resource" in FACTS[backend].strategies:
        options = dataclasses.replace(options, layers={"reused": LayerOptions("Resource", 8)})
    model, graph = written(branches_of(backend, io_type), options, tmp_path)
    # As a stage does when it is finished.
    (tmp_path / "hls").rename(tmp_path / "moved")
    simulation = csim.build(graph, tmp_path / "moved", tmp_path, timeout_s=300, quick=True)
    reference = KerasEngine(model)
    events = pack(events_of(model))
    np.testing.assert_array_equal(simulation.predict(events), reference.predict(events).reshape(len(events), -1))
    expected, found = reference.trace(events), simulation.trace(events)
    shown = [layer for layer in graph.layers if layer.name in found and layer.name in expected]
    assert len(shown) > 0.8 * len(graph.layers)
    for layer in shown:
        values = layer.result.to_real(layer.result.cast(expected[layer.name].reshape(-1, *layer.shape)))
        np.testing.assert_array_equal(found[layer.name], values, err_msg=layer.name)


@pytest.mark.slow
def test_depthwise_convolutions_of_images_and_of_series_compile_together(tmp_path: Path) -> None:
    """A mean of a series of nine pixels is one."""
    branches = [
        Branch(IMAGE, f"QDepthwiseConv2D(2, depthwise_quantizer={BITS}, use_bias=False)"),
        Branch((9, 2), "GlobalAveragePooling1D() > QActivation(quantized_bits(5,2,alpha=1))"),
    ]
    assert differing(HlsOptions(), branches, tmp_path) == []
    assert "depthwise_conv_1d" in (firmware := tmp_path / "hls" / "firmware" / "top.cpp").read_text()
    assert "depthwise_conv_2d" in firmware.read_text()

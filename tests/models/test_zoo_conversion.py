"""Networks of the zoo, from training to hardware."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.admission import admit
from trigcnn.hls.conversion.convert import convert
from trigcnn.hls.engines import csim
from trigcnn.hls.engines.emulator import engine as emulator
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rewriting.check import compare
from trigcnn.hls.rewriting.normal_form import normal_form
from trigcnn.models import training, zoo
from trigcnn.models.datasets import calorimeter, street_digits
from trigcnn.models.datasets.input_format import put_on_grid
from trigcnn.models.errors import ModelError
from trigcnn.models.folding import fold_batch_normalization
from trigcnn.models.source import load_saved
from trigcnn.models.training import Recipe

PARTS = {"validation_fraction": 0.1, "test_fraction": 0.2, "seed": 1}


def converted(
    name: str, dataset: Any, folder: Path, io_type: Literal["io_parallel", "io_stream"], **options: Any
) -> Graph:
    """Train a network for two epochs, see that all engines agree, and give the graph."""
    training.seed_everything(1)
    model = zoo.builder(name)(dataset.input_shape, len(dataset.classes), dataset.input_format, **options)
    training.check_fits(model, dataset, trained=True)
    recipe = Recipe(
        epochs=1,
        batch_size=32,
        learning_rate=0.01,
        patience=1,
        pruning_sparsity=0.5,
        folded_epochs=1,
    )
    trained, _ = training.train_for_hardware(model, dataset, recipe, lambda done, total, text: None, seed=1)
    trained.save(folder / "model.keras")
    hls = HlsOptions("Vitis", "xcu250-figd2104-2L-e", 5.0, io_type, "Latency", 1)
    normal = normal_form(load_saved(folder / "model.keras"), hls)
    events = dataset.test.events
    assert compare(normal.source, normal, [events[:64]], random_events=16).layers == ()
    expected = KerasEngine(normal.model).predict(events)
    bench = (events[:2], expected[:2].astype(np.float32))
    graph = convert(normal, name=name, options=hls, project=folder / "hls", log=folder / "hls4ml.log", test_bench=bench)
    simulated = csim.build(graph, folder / "hls", folder, timeout_s=600).predict(events)
    np.testing.assert_array_equal(simulated, expected)
    fast = emulator.build(graph, folder, timeout_s=600, level="baseline")
    np.testing.assert_array_equal(fast.predict(events), simulated)
    assert len(np.unique(simulated)) > 10
    return graph


def bits(graph: Graph, role: str) -> list[int]:
    return [layer.weights[role].format.width for layer in graph.layers if role in layer.weights]


@pytest.mark.slow
def test_the_svhn_network_has_few_bits_and_half_of_its_weights_are_zero(tmp_path: Path) -> None:
    dataset = street_digits.load(input_format=None, events=400, **PARTS)  # type: ignore[arg-type]
    graph = converted("svhn", dataset, tmp_path, "io_stream", filters=(4, 4, 6), units=(8, 6))
    assert [layer.shape for layer in graph.layers if layer.kind == "Pooling2D"] == [(15, 15, 4), (6, 6, 4), (2, 2, 6)]
    # Nothing is left of the batch normalization.
    assert {layer.kind for layer in graph.layers} == {"Input", "Conv2D", "Activation", "Pooling2D", "Reshape", "Dense"}
    weights = [layer.weights["weight"].integers for layer in graph.layers if "weight" in layer.weights]
    assert [values.size for values in weights] == [108, 144, 216, 192, 48, 60]
    for values in weights:
        assert np.count_nonzero(values == 0) >= values.size // 2
    assert max(bits(graph, "weight")) <= 6
    assert max(bits(graph, "bias")) <= 8


@pytest.mark.slow
def test_the_cicada_network_has_the_bits_of_its_student(tmp_path: Path) -> None:
    dataset = calorimeter.load(input_format=None, events=1500, **PARTS)  # type: ignore[arg-type]
    graph = converted("cicada", dataset, tmp_path, "io_parallel", units=4)
    kinds = ["Input", "Conv2D", "Activation", "Reshape", "Dense", "Activation", "Dense"]
    # The score's cast is done where the last layer gives its result.
    assert [layer.kind for layer in graph.layers] == kinds
    assert graph["conv"].shape == (9, 7, 4)
    assert str(graph["conv_relu"].result) == "ufixed<10,6,RND_CONV,SAT>"
    assert str(graph.output.result) == "fixed<16,8,RND_CONV,SAT>"
    assert all(found <= most for found, most in zip(bits(graph, "weight"), (12, 8, 12), strict=True))


# By network: shape of an event, number of classes, io_type. hls4ml has no overlapping pooling in io_stream.
SMALL: dict[str, tuple[tuple[int, ...], int, Literal["io_parallel", "io_stream"]]] = {
    "alexnet": ((8, 8, 1), 10, "io_parallel"),
    "vgg": ((8, 8, 1), 10, "io_stream"),
    "inception": ((8, 8, 1), 10, "io_parallel"),
    "resnet": ((8, 8, 1), 10, "io_stream"),
    "densenet": ((8, 8, 1), 10, "io_stream"),
    "mobilenet": ((8, 8, 1), 10, "io_stream"),
    "autoencoder": ((8, 8, 1), 10, "io_stream"),
    "jets": ((16, 16, 1), 3, "io_stream"),
    "jet_tagger": ((16,), 5, "io_parallel"),
    "cherenkov": ((24, 24, 1), 3, "io_stream"),
    "waveform": ((64, 1), 3, "io_stream"),
}
# Convolutions, pooling and dense layers one behind the other, as the networks above have them.
CHAINS = ("vgg", "jets", "cherenkov")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.walk if name in CHAINS else []) for name in SMALL]
)
def test_each_network_converts_exactly(name: str, tmp_path: Path) -> None:
    shape, classes, io_type = SMALL[name]
    input_format = FixedPoint.parse("fixed<16,6>" if name == "jet_tagger" else "ufixed<4,0>")
    training.seed_everything(1)
    model = fold_batch_normalization(zoo.builder(name)(shape, classes, input_format))
    assert tuple(model.output_shape[1:]) == (shape if name == "autoencoder" else (classes,))
    rng = np.random.default_rng(1)
    # Those that training begins with give a deep network of few bits nothing but zeros.
    model.set_weights([rng.uniform(-0.5, 0.5, weights.shape) for weights in model.get_weights()])
    drawn = rng.uniform(input_format.min, input_format.max, (100, *shape))
    events = put_on_grid(input_format, drawn, saturate=True, where="the test")
    hls = HlsOptions("Vitis", "xcu250-figd2104-2L-e", 5.0, io_type, "Latency", 1)
    normal = normal_form(model, hls)
    # Biases that were folded from nothing that was learned are 2**-23 of 1: float32 rounds some of the sums.
    assert compare(normal.source, normal, [events], random_events=16).max_share <= 1
    expected = KerasEngine(normal.model).predict(events)
    bench = (events[:1], expected[:1].astype(np.float32))
    graph = convert(
        normal, name=name, options=hls, project=tmp_path / "hls", log=tmp_path / "hls4ml.log", test_bench=bench
    )
    fast = emulator.build(graph, tmp_path, timeout_s=600, level="baseline")
    np.testing.assert_array_equal(fast.predict(events), expected)
    assert len(np.unique(expected)) > 10


@pytest.mark.slow
def test_alexnet_has_the_shapes_and_the_parameters_of_the_original() -> None:
    model = zoo.builder("alexnet")((227, 227, 3), 1000, FixedPoint.parse("ufixed<8,0>"), full_size=True)
    shapes = {layer.name: tuple(layer.output_shape[1:]) for layer in model.layers if layer.count_params()}
    assert shapes == {
        **{f"conv1{half}": (55, 55, 48) for half in "ab"},
        **{f"conv2{half}": (27, 27, 128) for half in "ab"},
        **{f"conv3{half}": (13, 13, 192) for half in "ab"},
        **{f"conv4{half}": (13, 13, 192) for half in "ab"},
        **{f"conv5{half}": (13, 13, 128) for half in "ab"},
        "dense6": (4096,),
        "dense7": (4096,),
        "dense8": (1000,),
    }
    assert model.get_layer("pool5").output_shape[1:] == (6, 6, 256)
    assert model.count_params() == 60_965_224
    with pytest.raises(AdmissionError, match=r"60,965,224 weights and biases, more than the 1,728,000 look-up tables"):
        admit(model)


def test_the_full_alexnet_takes_the_images_of_the_original_only() -> None:
    with pytest.raises(ModelError, match=r"takes events of shape \(227, 227, 3\), the data gives \(8, 8, 1\)"):
        zoo.builder("alexnet")((8, 8, 1), 10, FixedPoint.parse("ufixed<8,0>"), full_size=True)


@pytest.mark.parametrize(
    ("name", "shape", "options", "said"),
    [
        ("lenet", (8, 8, 1), {"filters": [6]}, "filters has 1, kernel_sizes has 2"),
        ("mobilenet", (16, 16, 1), {"strides": [1]}, "strides has 1"),
        ("waveform", (64, 1), {"kernel_sizes": [3, 3, 3, 3, 3]}, "kernel_sizes has 5"),
    ],
)
def test_lists_of_different_lengths_are_refused_by_name(
    name: str, shape: tuple[int, ...], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModelError, match=f"model.options: .*{said}"):
        zoo.builder(name)(shape, 2, FixedPoint(False, 4, 0), **options)

"""Networks of the zoo, from training to hardware."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from hls.conversion import convert, normal_form
from hls.engines import csim, emulator
from hls.engines.keras import KerasEngine
from hls.graph import Graph
from hls.options import HlsOptions
from models import training, zoo
from models.datasets import calorimeter, street_digits
from models.source import load_saved
from models.training import Recipe

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
        shift_pixels=0.0,
        rotation_deg=0.0,
        seed=1,
        pruning_sparsity=0.5,
        folded_epochs=1,
    )
    trained, _ = training.train_for_hardware(model, dataset, recipe, lambda done, total, text: None)
    trained.save(folder / "model.keras")
    hls = HlsOptions("Vitis", "xcu250-figd2104-2L-e", 5.0, io_type, "Latency", 1)
    normal = normal_form(load_saved(folder / "model.keras"), hls)
    assert normal.wide == ()
    events = dataset.test.events
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

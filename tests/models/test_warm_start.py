"""Training that begins with the weights of another network."""

from __future__ import annotations

import numpy as np

from trigcnn.models import training, zoo
from trigcnn.models.datasets import InputFormat


def network(filters: list[int], bits: int = 4) -> object:
    return zoo.builder("lenet")((8, 8, 1), 3, InputFormat(False, 4, 0), filters=filters, weight_bits=bits)


def test_layers_of_equal_shapes_get_the_weights_and_others_keep_theirs() -> None:
    training.seed_everything(1)
    parent = network([2, 3])
    training.seed_everything(2)
    child = network([2, 4], bits=6)
    before = {layer.name: layer.get_weights() for layer in child.layers}  # type: ignore[attr-defined]
    # Behind the second convolution all shapes are others.
    assert training.begin_with(child, parent) == ["conv1"]
    for layer in child.layers:  # type: ignore[attr-defined]
        source = parent.get_layer("conv1").get_weights() if layer.name == "conv1" else before[layer.name]  # type: ignore[attr-defined]
        for found, expected in zip(layer.get_weights(), source, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_the_same_architecture_of_other_bits_takes_all() -> None:
    assert training.begin_with(network([2, 3], bits=6), network([2, 3])) == ["conv1", "conv2", "logits"]

"""Training that begins with the weights of another network."""

from __future__ import annotations

import numpy as np

from tests import networks
from trigcnn.models import training


def test_layers_of_equal_shapes_get_the_weights_and_others_keep_theirs() -> None:
    training.seed_everything(1)
    parent = networks.lenet([2, 3])
    training.seed_everything(2)
    child = networks.lenet([2, 4], bits=6)
    before = {layer.name: layer.get_weights() for layer in child.layers}
    # Behind the second convolution all shapes are others.
    assert training.begin_with(child, parent) == ["conv1"]
    for layer in child.layers:
        source = parent.get_layer("conv1").get_weights() if layer.name == "conv1" else before[layer.name]
        for found, expected in zip(layer.get_weights(), source, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_the_same_architecture_of_other_bits_takes_all() -> None:
    assert training.begin_with(networks.lenet([2, 3], bits=6), networks.lenet([2, 3])) == ["conv1", "conv2", "logits"]

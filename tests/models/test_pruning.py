"""Magnitude pruning, with exact counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models import datasets, training, zoo
from models.datasets import Dataset
from models.errors import ModelError
from models.keras2 import bring_up
from models.pruning import Pruning, prunable, smallest
from models.training import Recipe


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load(
        "digits",
        input_format=None,
        events="events",
        labels="labels",
        classes=None,
        saturate=False,
        validation_fraction=0.1,
        test_fraction=0.25,
        seed=1,
    )


def lenet(dataset: Dataset, **options: Any) -> Any:
    return zoo.builder("lenet")((8, 8, 1), 10, dataset.input_format, **{"filters": (3, 5), **options})


def recipe(**options: Any) -> Recipe:
    fixed: dict[str, Any] = {"batch_size": 256, "learning_rate": 0.01, "patience": 9, "seed": 1}
    return Recipe(shift_pixels=0.0, rotation_deg=0.0, **fixed, **options)


def quiet(done: int, total: int, text: str) -> None:
    assert 0 < done <= total
    assert text


def test_the_smallest_weights_are_marked_and_exactly_as_many_as_asked_for() -> None:
    values = np.array([[3.0, -1.0], [0.0, 1.0], [-2.0, 0.0]])
    assert smallest(values, 0.5).tolist() == [[False, True], [True, False], [False, True]]
    for sparsity in (0.0, 0.1, 0.25, 0.9, 0.99):
        assert smallest(np.ones((7, 13)), sparsity).sum() == round(91 * sparsity)


def test_sparsity_grows_fast_at_first_and_then_stays() -> None:
    pruning = Pruning(0.6, 2, 6)
    expected = [0.0, 0.0, 0.0, 0.6 * (1 - 27 / 64), 0.6 * (1 - 1 / 8), 0.6 * (1 - 1 / 64), 0.6, 0.6]
    np.testing.assert_allclose([pruning.at(epoch) for epoch in range(8)], expected, rtol=1e-12)
    assert Pruning(0.3, 0, 0).at(0) == 0.3


def test_training_leaves_exactly_the_asked_share_of_each_kernel_zero(digits: Dataset) -> None:
    training.seed_everything(1)
    model = lenet(digits)
    # The lowest validation loss may come before all weights are pruned; it is not the one to keep.
    training.train(model, digits, recipe(epochs=4, pruning_sparsity=0.7, pruning_last_epoch=3), quiet)
    kernels = {kernel.name: kernel.numpy() for kernel in prunable(model)}
    assert {name: kernel.size for name, kernel in kernels.items()} == {
        "conv1/kernel:0": 27,
        "conv2/kernel:0": 60,
        "logits/kernel:0": 200,
    }
    for kernel in kernels.values():
        assert np.count_nonzero(kernel == 0) == round(0.7 * kernel.size)
    biases = np.concatenate([model.get_layer(name).bias.numpy() for name in ("conv1", "conv2", "logits")])
    assert np.count_nonzero(biases) > 15


def test_without_pruning_no_weight_becomes_zero(digits: Dataset) -> None:
    training.seed_everything(1)
    model = lenet(digits)
    training.train(model, digits, recipe(epochs=1), quiet)
    assert all(np.count_nonzero(kernel.numpy()) == kernel.numpy().size for kernel in prunable(model))


def test_a_quantizer_without_a_zero_is_refused(digits: Dataset) -> None:
    k = bring_up()
    inputs = k.keras.Input((8, 8, 1))
    x = k.qkeras.QConv2D(10, 8, kernel_quantizer=k.qkeras.binary(alpha=1), use_bias=False, name="signs")(inputs)
    model = k.keras.Model(inputs, k.keras.layers.Flatten()(x))
    with pytest.raises(
        ModelError, match=r"layer signs: its kernel_quantizer binary has no zero, so it cannot be pruned"
    ):
        training.train(model, digits, recipe(epochs=1, pruning_sparsity=0.5), quiet)

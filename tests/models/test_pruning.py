"""Magnitude pruning, with exact counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trigcnn.common.keras2 import bring_up
from trigcnn.models import datasets, training, zoo
from trigcnn.models.datasets import Dataset
from trigcnn.models.errors import ModelError
from trigcnn.models.pruning import Pruning, smallest
from trigcnn.models.training import Hooks, Recipe


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
    fixed: dict[str, Any] = {"batch_size": 256, "learning_rate": 0.01, "patience": 9}
    return Recipe(**fixed, **options)


def prunable(model: Any) -> list[Any]:
    return [weight for weight in model.weights if "kernel" in weight.name]


def quiet(done: int, total: int, text: str) -> None:
    assert 0 < done <= total
    assert text


def test_the_smallest_weights_are_marked_and_exactly_as_many_as_asked_for() -> None:
    values = np.array([[3.0, -1.0], [0.0, 1.0], [-2.0, 0.0]])
    assert smallest(values, 0.5).tolist() == [[False, True], [True, False], [False, True]]
    for sparsity in (0.0, 0.1, 0.25, 0.9, 0.99):
        assert smallest(np.ones((7, 13)), sparsity).sum() == round(91 * sparsity)


def polynomial_decay(step: int, *, final: float, begin: int, end: int) -> float:
    """Sparsity by the documentation of tensorflow-model-optimization: PolynomialDecay from 0 with power 3."""
    t = min(1.0, max(0.0, (step - begin) / (end - begin)))
    return final + (0.0 - final) * (1.0 - t) ** 3


@pytest.mark.parametrize(("begin", "end", "frequency"), [(0, 40, 5), (7, 33, 1), (10, 38, 9)])
def test_the_schedule_is_that_of_polynomial_decay(begin: int, end: int, frequency: int) -> None:
    pruning = Pruning(0.6, begin, end, frequency)
    expected = [polynomial_decay(step, final=0.6, begin=begin, end=end) for step in range(60)]
    np.testing.assert_allclose([pruning.at(step) for step in range(60)], expected, rtol=1e-12)
    # There, weights are chosen in steps of the range that are a multiple of the frequency from its beginning.
    turns = [step for step in range(60) if begin <= step <= end and (step - begin) % frequency == 0]
    assert [step for step in range(60) if pruning.is_turn(step)] == sorted({*turns, end})
    assert Pruning(0.3, 0, 0).at(0) == 0.3


def test_zeros_in_training_follow_the_schedule_step_by_step(digits: Dataset) -> None:
    training.seed_everything(1)
    model = lenet(digits)
    seen: list[list[int]] = []
    hooks = Hooks(each_step=lambda: seen.append([int((kernel.numpy() == 0).sum()) for kernel in prunable(model)]))
    options = {"pruning_first_epoch": 1, "pruning_last_epoch": 3, "pruning_frequency": 2, "epochs": 4}
    training.train(model, digits, recipe(pruning_sparsity=0.7, **options), quiet, hooks, seed=1)
    per_epoch = -(-len(digits.train.events) // 256)
    begin, end = per_epoch, 3 * per_epoch
    assert len(seen) == 4 * per_epoch
    for step, zeros in enumerate(seen):
        turn = end if step >= end else step - (step - begin) % 2
        sparsity = 0.0 if step < begin else polynomial_decay(turn, final=0.7, begin=begin, end=end)
        assert zeros == [round(sparsity * size) for size in (27, 60, 200)]


def test_layers_can_have_a_sparsity_of_their_own(digits: Dataset) -> None:
    training.seed_everything(1)
    model = lenet(digits)
    options = {"epochs": 1, "pruning_last_epoch": 0, "pruning_sparsity": 0.5}
    training.train(model, digits, recipe(pruning_layers={"conv1": 0.0, "logits": 0.8}, **options), quiet, seed=1)
    zeros = {kernel.name: int((kernel.numpy() == 0).sum()) for kernel in prunable(model)}
    assert zeros == {"conv1/kernel:0": 0, "conv2/kernel:0": 30, "logits/kernel:0": 160}
    with pytest.raises(ModelError, match=r"training.pruning_layers.logit: .* did you mean logits\?"):
        training.train(model, digits, recipe(pruning_layers={"logit": 0.5}, **options), quiet, seed=1)


def test_training_leaves_exactly_the_asked_share_of_each_kernel_zero(digits: Dataset) -> None:
    training.seed_everything(1)
    model = lenet(digits)
    # The lowest validation loss may come before all weights are pruned; it is not the one to keep.
    training.train(model, digits, recipe(epochs=4, pruning_sparsity=0.7, pruning_last_epoch=3), quiet, seed=1)
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
    training.train(model, digits, recipe(epochs=1), quiet, seed=1)
    assert all(np.count_nonzero(kernel.numpy()) == kernel.numpy().size for kernel in prunable(model))


def test_a_quantizer_without_a_zero_is_refused(digits: Dataset) -> None:
    k = bring_up()
    inputs = k.keras.Input((8, 8, 1))
    x = k.qkeras.QConv2D(10, 8, kernel_quantizer=k.qkeras.binary(alpha=1), use_bias=False, name="signs")(inputs)
    model = k.keras.Model(inputs, k.keras.layers.Flatten()(x))
    with pytest.raises(
        ModelError, match=r"layer signs: its kernel_quantizer binary has no zero, so it cannot be pruned"
    ):
        training.train(model, digits, recipe(epochs=1, pruning_sparsity=0.5), quiet, seed=1)

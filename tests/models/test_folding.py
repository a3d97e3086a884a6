"""Batch normalization folded into the layer in front of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests import networks
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up, predict
from trigcnn.models import training
from trigcnn.models.datasets import Dataset, Split
from trigcnn.models.datasets.input_format import put_on_grid
from trigcnn.models.errors import ModelError
from trigcnn.models.folding import fold_batch_normalization
from trigcnn.models.training import Recipe

FORMAT = FixedPoint.parse("ufixed<8,0>")


def events(count: int) -> Any:
    values = np.random.default_rng(3).random((count, 6, 6, 2))
    return put_on_grid(FORMAT, values, saturate=True, where="here")


@pytest.mark.parametrize("bias", [False, True])
def test_in_many_bits_the_folded_model_is_the_same_function(bias: bool) -> None:
    model = networks.normalized(20, bias=bias)
    folded = fold_batch_normalization(model)
    names = ["events", "input_quantizer", "conv", "conv_relu", "depthwise", "flatten", "dense", "logits"]
    assert [layer.name for layer in folded.layers] == names
    x = events(20)
    # One step of the activation behind the convolution is 1/64; beyond it, all is continuous.
    np.testing.assert_allclose(predict(folded, x), predict(model, x), atol=0.1)
    assert np.abs(predict(model, x)).max() > 1
    assert np.median(np.abs(predict(folded, x) - predict(model, x))) < 1e-3


def test_the_folded_constants_are_those_of_the_definition() -> None:
    model = networks.normalized(6, bias=True)
    folded = fold_batch_normalization(model)
    gamma, beta, mean, variance = model.get_layer("conv_norm").get_weights()
    kernel, bias = model.get_layer("conv").get_weights()
    factor = gamma / np.sqrt(variance + 0.001)
    layer = folded.get_layer("conv")
    found_kernel, found_bias = layer.get_weights()
    kernel_scale, bias_scale = layer.kernel_quantizer_internal.alpha, layer.bias_quantizer_internal.alpha
    np.testing.assert_allclose(kernel_scale * found_kernel, kernel * factor, rtol=1e-6)
    np.testing.assert_allclose(bias_scale * found_bias, beta + (bias - mean) * factor, rtol=1e-5)


@pytest.mark.parametrize("largest", [1e-3, 1.0, 50.0])
def test_constants_of_any_size_keep_their_precision(largest: float) -> None:
    model = networks.normalized(6, bias=True)
    normalization = model.get_layer("conv_norm")
    gamma, beta, mean, variance = normalization.get_weights()
    normalization.set_weights([gamma * largest, beta * largest, mean, variance])
    layer = fold_batch_normalization(model).get_layer("conv")
    kernel = model.get_layer("conv").get_weights()[0] * (gamma * largest / np.sqrt(variance + 0.001))
    rounded = np.asarray(layer.kernel_quantizer_internal(layer.kernel))
    assert np.abs(rounded - kernel).max() < 0.25 * np.abs(kernel).max()


def test_kernels_and_biases_keep_their_bits_in_the_range_that_fits_best() -> None:
    folded = fold_batch_normalization(networks.normalized(6))
    for name, role in (("conv", "kernel"), ("depthwise", "depthwise"), ("dense", "kernel")):
        layer = folded.get_layer(name)
        for part, values in zip((role, "bias"), layer.get_weights(), strict=True):
            quantizer = getattr(layer, f"{part}_quantizer_internal")
            rounded = quantizer(values).numpy()
            unit = 2.0 ** (quantizer.integer - 5) * quantizer.alpha
            integers = rounded / unit
            np.testing.assert_array_equal(integers, np.rint(integers))
            assert -32 <= integers.min() <= integers.max() <= 31
            # Neither one bit of range too many nor one too few.
            assert np.abs(integers).max() > 12
            wanted = values * quantizer.alpha
            assert np.abs(rounded - wanted).max() < 0.25 * np.abs(wanted).max()


def test_a_normalization_with_another_reader_in_front_of_it_stays() -> None:
    k = bring_up()
    inputs = k.keras.Input((4,), name="events")
    q = k.qkeras.quantized_bits(8, 1, alpha=1)
    x = k.qkeras.QDense(3, kernel_quantizer=q, bias_quantizer=q, name="dense")(inputs)
    y = k.keras.layers.BatchNormalization(name="norm")(x)
    model = k.keras.Model(inputs, k.keras.layers.Add(name="sum")([x, y]), name="branched")
    with pytest.raises(
        ModelError, match=r"the model branched has no BatchNormalization after .* training.folded_epochs"
    ):
        fold_batch_normalization(model)


def test_a_quantizer_of_another_kind_is_refused() -> None:
    with pytest.raises(ModelError, match=r"layer conv: .* its kernel_quantizer is no quantized_bits"):
        fold_batch_normalization(networks.normalized(6, alpha="auto_po2"))


def test_training_goes_on_with_the_folded_model_and_keeps_pruned_weights_zero() -> None:
    x = events(300)
    labels = np.arange(300) % 3
    part = Split(x, labels)
    dataset = Dataset("toy", FORMAT, ("a", "b", "c"), part, part, part)
    model = networks.normalized(6)
    seen: list[tuple[int, int]] = []
    recipe = Recipe(
        epochs=2,
        batch_size=100,
        learning_rate=0.01,
        patience=5,
        pruning_sparsity=0.5,
        folded_epochs=2,
    )
    folded, history = training.train_for_hardware(
        model, dataset, recipe, lambda done, total, _: seen.append((done, total)), seed=1
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert len(history.loss) == len(history.validation_accuracy) == 4
    assert not [layer for layer in folded.layers if "norm" in layer.name]
    before, after = model.get_layer("dense").kernel.numpy(), folded.get_layer("dense").kernel.numpy()
    np.testing.assert_array_equal(after == 0, before == 0)
    assert np.count_nonzero(after == 0) == after.size // 2
    assert not np.array_equal(after, before)

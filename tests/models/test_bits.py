"""Bits of single layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up, predict
from trigcnn.models import training, zoo
from trigcnn.models.bits import with_bits
from trigcnn.models.errors import ModelError

FORMAT = FixedPoint.parse("ufixed<4,0>")


def lenet() -> Any:
    training.seed_everything(1)
    return zoo.builder("lenet")((8, 8, 1), 3, FORMAT, filters=(2, 3), weight_bits=4, activation_bits=4)


def quantizers(model: Any) -> dict[str, int]:
    """Bits of all quantizers, by layer and part."""
    found = {}
    for layer in model.layers:
        for part in ("kernel", "bias"):
            if hasattr(layer, f"{part}_quantizer_internal"):
                found[f"{layer.name}.{part}"] = getattr(layer, f"{part}_quantizer_internal").bits
        if hasattr(layer, "quantizer"):
            found[layer.name] = layer.quantizer.bits
    return found


def test_layers_that_are_named_get_their_bits_and_all_others_stay() -> None:
    model = lenet()
    before = quantizers(model)
    changed = with_bits(model, {"conv1": 6, "relu2": 7, "logits": {"weights": 8}})
    assert quantizers(changed) == before | {"conv1.kernel": 6, "conv1.bias": 6, "relu2": 7, "logits.kernel": 8}
    assert quantizers(model) == before
    assert [layer.name for layer in changed.layers] == [layer.name for layer in model.layers]
    for first, second in zip(model.get_weights(), changed.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_range_stays_and_the_steps_become_finer() -> None:
    changed = with_bits(lenet(), {"conv1": 6, "relu1": 6})
    values = np.linspace(-3, 6, 1000, dtype=np.float32)
    kernel = np.asarray(changed.get_layer("conv1").kernel_quantizer_internal(values))
    assert (kernel.min(), kernel.max()) == (-1.0, 1 - 2.0**-5)
    activation = np.asarray(changed.get_layer("relu1").quantizer(values))
    assert (activation.min(), activation.max()) == (0.0, 4 - 2.0**-4)
    events = (np.random.default_rng(0).integers(0, 16, (20, 8, 8, 1)) / 16).astype(np.float32)
    assert not np.array_equal(predict(changed, events), predict(lenet(), events))


def test_an_activation_inside_a_layer_is_set_too() -> None:
    k = bring_up()
    q = k.qkeras.quantized_bits(5, 0, alpha=1)
    inputs = k.keras.Input((4,), name="events")
    x = k.qkeras.QDense(3, kernel_quantizer=q, use_bias=False, activation=k.qkeras.quantized_relu(6, 2), name="dense")(
        inputs
    )
    changed = with_bits(k.keras.Model(inputs, x), {"dense": {"weights": 3, "activation": 8}})
    layer = changed.get_layer("dense")
    assert (layer.kernel_quantizer_internal.bits, layer.activation.bits, layer.activation.integer) == (3, 8, 2)


def test_without_bits_the_model_is_the_same() -> None:
    model = lenet()
    assert with_bits(model, {}) is model


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        ({"conv3": 6}, r"model.bits.conv3: the model has no such layer; did you mean conv\d\?"),
        ({"pool1": 6}, "model.bits.pool1: the MaxPooling2D has no quantizer of its activation; it has one of nothing"),
        ({"relu1": {"weights": 3}}, "the QActivation has no quantizer of its weights; it has one of activation"),
    ],
)
def test_what_has_no_bits_is_refused(bits: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        with_bits(lenet(), bits)


def test_a_quantizer_without_a_number_of_bits_is_refused() -> None:
    k = bring_up()
    inputs = k.keras.Input((4,), name="events")
    x = k.qkeras.QDense(3, kernel_quantizer=k.qkeras.ternary(alpha=1), use_bias=False, name="signs")(inputs)
    with pytest.raises(ModelError, match=r"model.bits.signs: its kernel_quantizer ternary has no number of bits"):
        with_bits(k.keras.Model(inputs, x), {"signs": 4})

from __future__ import annotations

from typing import Any

import numpy as np

from tests import networks
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.admission import admit
from trigcnn.models.float_weights import rounded


def named(model: Any) -> dict[str, str]:
    return {layer.name: type(layer).__name__ for layer in model.layers}


def test_layers_of_keras_become_layers_of_qkeras_with_the_same_weights() -> None:
    model = networks.unquantized()
    model.get_layer("dense").bias.assign(np.linspace(-3, 2.5, 10))
    form = rounded(model, 8)
    assert named(form.model) == {
        "pixels": "InputLayer", "conv": "QConv2D", "relu": "ReLU", "flat": "Flatten", "dense": "QDense",
    }  # fmt: skip
    for one, other in zip(model.get_weights(), form.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    dense = form.model.get_layer("dense")
    # The largest weight is below 1, the largest bias is 3.
    assert [(q.bits, q.integer) for q in (dense.kernel_quantizer_internal, dense.bias_quantizer_internal)] == [
        (8, 0),
        (8, 2),
    ]
    first, second = form.changes
    assert first.startswith(
        "layer conv: its kernel and bias had no quantizer; they were rounded to 8 bits, by up to 0.00"
    )
    assert second.startswith(
        "layer dense: its kernel and bias had no quantizer; they were rounded to 8 bits, by up to 0.01"
    )
    events = np.random.default_rng(0).random((8, 8, 8, 3), dtype=np.float32)
    difference = np.abs(form.model(events) - model(events)).max()
    assert 0 < difference < 0.5
    admit(form.model)


def test_only_what_has_no_quantizer_is_rounded() -> None:
    keras, q = bring_up().keras, bring_up().qkeras
    quantizer = q.quantized_bits(4, 0, alpha=1)
    x = inputs = keras.Input((5, 5, 2), name="events")
    x = q.QDepthwiseConv2D(2, depthwise_quantizer=quantizer, name="first")(x)
    x = q.QConv2D(2, 2, kernel_quantizer=quantizer, use_bias=False, name="second")(x)
    x = keras.layers.SeparableConv2D(2, 2, use_bias=False, name="third")(x)
    model = keras.Model(inputs, q.QDense(2, kernel_quantizer=quantizer, bias_quantizer=quantizer, name="last")(x))
    form = rounded(model, 16)
    assert [line.partition(" had")[0] for line in form.changes] == [
        "layer first: its bias",
        "layer third: its depthwise and pointwise",
    ]
    assert form.model.get_layer("first").depthwise_quantizer_internal.bits == 4
    assert form.model.get_layer("third").pointwise_quantizer_internal.bits == 16
    again = rounded(form.model, 16)
    assert again.model is form.model
    assert again.changes == ()

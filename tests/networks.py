"""Small Keras networks that tests share; each is made afresh."""

from __future__ import annotations

from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models import training, zoo


def normalized(bits: int, *, bias: bool = False, alpha: Any = 1) -> Any:
    """A convolution, a depthwise one and a dense layer, each with a normalization that does something."""
    k = bring_up()
    layers, q = k.keras.layers, k.qkeras
    training.seed_everything(2)

    def options(role: str) -> dict[str, Any]:
        weights, biases = q.quantized_bits(bits, 1, alpha=alpha), q.quantized_bits(bits, 3, alpha=1)
        return {f"{role}_quantizer": weights, "bias_quantizer": biases, "use_bias": bias}

    inputs = k.keras.Input((6, 6, 2), name="events")
    x = q.QActivation(q.quantized_bits(9, 0, alpha=1), name="input_quantizer")(inputs)
    x = q.QConv2D(3, 3, name="conv", **options("kernel"))(x)
    x = layers.BatchNormalization(name="conv_norm")(x)
    x = q.QActivation(q.quantized_relu(8, 2), name="conv_relu")(x)
    x = q.QDepthwiseConv2D(2, name="depthwise", **options("depthwise"))(x)
    x = layers.BatchNormalization(name="depthwise_norm", scale=False)(x)
    x = layers.Flatten(name="flatten")(x)
    x = q.QDense(4, name="dense", **options("kernel"))(x)
    x = layers.BatchNormalization(name="dense_norm", center=False)(x)
    model = k.keras.Model(inputs, q.QDense(3, name="logits", **options("kernel"))(x), name="normalized")
    rng = np.random.default_rng(4)
    for layer in model.layers:
        if "norm" in layer.name:
            layer.set_weights([rng.uniform(0.3, 2, w.shape) for w in layer.get_weights()])
        elif bias and layer.weights:
            layer.bias.assign(rng.uniform(-1, 1, layer.bias.shape))
    return model


def with_state() -> Any:
    """Batch normalization, dropout and few bits: everything that has a state while it is trained."""
    k = bring_up()
    training.seed_everything(3)
    q = k.qkeras.quantized_bits(6, 0, alpha=1)
    inputs = k.keras.Input((4, 4, 1), name="events")
    x = k.qkeras.QActivation(k.qkeras.quantized_bits(5, 0, alpha=1), name="input_quantizer")(inputs)
    x = k.qkeras.QConv2D(3, 2, kernel_quantizer=q, bias_quantizer=q, name="conv")(x)
    x = k.keras.layers.BatchNormalization(name="conv_norm")(x)
    x = k.qkeras.QActivation(k.qkeras.quantized_relu(6, 2), name="relu")(x)
    x = k.keras.layers.Dropout(0.3, name="dropout")(k.keras.layers.Flatten(name="flatten")(x))
    return k.keras.Model(inputs, k.qkeras.QDense(2, kernel_quantizer=q, bias_quantizer=q, name="logits")(x))


def of_many_quantizers() -> Any:
    """Each way in which layers name quantizers: objects, text, inside wrappers; and plain Keras layers."""
    k = bring_up()
    layers, q = k.keras.layers, k.qkeras
    given = layers.Input((6, 6, 1))
    x = q.QActivation(q.quantized_bits(8, 0, alpha=1))(given)
    x = q.QConv2DBatchnorm(
        2, 3, kernel_quantizer="quantized_bits(4,0,alpha=1)", bias_quantizer=q.quantized_bits(4, 0, alpha=1)
    )(x)
    x = q.QActivation("quantized_relu(4, 1)")(x)
    y = layers.Conv2D(2, 3, activation="relu", kernel_regularizer="l2", kernel_constraint="max_norm")(given)
    x = layers.Flatten()(layers.Add()([x, layers.BatchNormalization()(y)]))
    x = layers.Activation(layers.ReLU())(layers.Activation(q.quantized_hswish(6, 1))(x))
    x = q.QDense(3, kernel_quantizer=q.ternary(alpha=1), bias_quantizer="quantized_po2(4)")(x)
    model = k.keras.Model(given, layers.Activation("softmax")(x))
    model.compile("adam", "mse")
    return model


def unquantized() -> Any:
    """A convolution of 27 inputs and 16 filters, and a dense layer, in plain Keras."""
    keras = bring_up().keras
    x = inputs = keras.Input((8, 8, 3), name="pixels")
    x = keras.layers.Conv2D(16, 3, name="conv")(x)
    x = keras.layers.Flatten(name="flat")(keras.layers.ReLU(name="relu")(x))
    return keras.Model(inputs, keras.layers.Dense(10, name="dense")(x))


def lenet(filters: list[int], bits: int = 4) -> Any:
    """The zoo's LeNet on images of 8x8 pixels."""
    return zoo.builder("lenet")((8, 8, 1), 3, FixedPoint(False, 4, 0), filters=filters, weight_bits=bits)

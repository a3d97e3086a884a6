"""Images of an air shower camera."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks
from trigcnn.models.zoo.blocks import Bits


def cherenkov(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    filters: tuple[int, ...] = (4, 8, 8),
    units: int = 16,
    weight_bits: int = 6,
    bias_bits: int = 8,
    activation_bits: int = 6,
    activation_integer_bits: int = 2,
) -> Any:
    """Strided convolutions and two dense layers, for a gamma-ray camera: gamma, hadron or night sky.

    Options:
        input_shape: (rows, columns, 1) of pixels.
        filters: Filters of each 3x3 convolution; all have stride 2, so that little is left to compute.
        units: Units of the dense layer before the last.
    """
    bits = Bits(weight_bits, bias_bits, activation_bits, activation_integer_bits)
    keras = bring_up().keras
    inputs, x = blocks.begin(input_shape, input_format)
    for number, count in enumerate(filters, start=1):
        x = blocks.convolution_relu(x, count, 3, bits, strides=2, name=f"conv{number}")
    x = keras.layers.Flatten(name="flatten")(x)
    x = blocks.dense_relu(x, units, bits, name="dense")
    return keras.Model(inputs, blocks.dense(x, classes, bits=weight_bits, name="logits"), name="cherenkov")

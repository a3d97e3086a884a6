"""Repeated 3x3 convolutions."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks
from trigcnn.models.zoo.blocks import Bits


def vgg(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    filters: tuple[int, ...] = (8, 12),
    repeats: int = 2,
    units: int = 32,
    weight_bits: int = 5,
    bias_bits: int = 8,
    activation_bits: int = 5,
    activation_integer_bits: int = 2,
) -> Any:
    """Blocks of 3x3 convolutions with 2x2 maximum pooling behind each, and dense layers (VGG, arXiv:1409.1556).

    Options:
        filters: Filters of the convolutions of each block.
        repeats: Convolutions of each block.
        units: Units of the dense layer before the last.
    """
    bits = Bits(weight_bits, bias_bits, activation_bits, activation_integer_bits)
    keras = bring_up().keras
    inputs, x = blocks.begin(input_shape, input_format)
    for number, count in enumerate(filters, start=1):
        for repeat in range(1, repeats + 1):
            x = blocks.convolution_relu(x, count, 3, bits, name=f"conv{number}_{repeat}")
        x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = blocks.dense_relu(x, units, bits, name="dense")
    return keras.Model(inputs, blocks.dense(x, classes, bits=weight_bits, name="logits"), name="vgg")

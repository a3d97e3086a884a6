"""Convolutions taken apart: one kernel per channel, then a mixture of the channels."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks
from trigcnn.models.zoo.blocks import Bits


def mobilenet(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    stem: int = 8,
    filters: tuple[int, ...] = (12, 16, 16),
    strides: tuple[int, ...] = (1, 2, 1),
    weight_bits: int = 5,
    bias_bits: int = 8,
    activation_bits: int = 5,
    activation_integer_bits: int = 2,
) -> Any:
    """Depthwise separable convolutions: 3x3 per channel, then 1x1 over the channels (MobileNet, arXiv:1704.04861).

    Options:
        stem: Filters of the 3x3 convolution before it.
        filters: Filters of the 1x1 convolution of each separable block.
        strides: Stride of the depthwise convolution of each.
    """
    bits = Bits(weight_bits, bias_bits, activation_bits, activation_integer_bits)
    keras = bring_up().keras
    inputs, x = blocks.begin(input_shape, input_format)
    x = blocks.convolution_relu(x, stem, 3, bits, name="stem")
    for number, (count, stride) in blocks.paired(filters=filters, strides=strides):
        x = blocks.depthwise_relu(x, 3, bits, strides=stride, name=f"depthwise{number}")
        x = blocks.convolution_relu(x, count, 1, bits, name=f"pointwise{number}")
    x = keras.layers.MaxPooling2D(2, name="pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, blocks.dense(x, classes, bits=weight_bits, name="logits"), name="mobilenet")

"""Every layer sees all layers before it."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks
from trigcnn.models.zoo.blocks import Bits


def densenet(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    stem: int = 6,
    growth: int = 4,
    layers: tuple[int, ...] = (2, 2),
    weight_bits: int = 5,
    bias_bits: int = 8,
    activation_bits: int = 5,
    activation_integer_bits: int = 2,
) -> Any:
    """Dense blocks, in which each convolution sees all before it, and transitions (arXiv:1608.06993).

    Options:
        stem: Filters of the convolution before it.
        growth: Filters of each convolution within a block, whose outputs are concatenated.
        layers: Convolutions of each block; a transition to half of the channels and 2x2 pooling follows it.
    """
    bits = Bits(weight_bits, bias_bits, activation_bits, activation_integer_bits)
    keras = bring_up().keras
    inputs, x = blocks.begin(input_shape, input_format)
    x = blocks.convolution_relu(x, stem, 3, bits, name="stem")
    for number, count in enumerate(layers, start=1):
        for layer in range(1, count + 1):
            new = blocks.convolution_relu(x, growth, 3, bits, name=f"block{number}_conv{layer}")
            x = keras.layers.Concatenate(name=f"block{number}_concatenate{layer}")([x, new])
        x = blocks.convolution_relu(x, x.shape[-1] // 2, 1, bits, name=f"transition{number}")
        x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, blocks.dense(x, classes, bits=weight_bits, name="logits"), name="densenet")

"""Branches with kernels of several sizes, side by side."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks
from trigcnn.models.zoo.blocks import Bits


def inception(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    stem: int = 6,
    branches: tuple[int, int, int, int] = (4, 6, 3, 3),
    modules: int = 1,
    weight_bits: int = 5,
    bias_bits: int = 8,
    activation_bits: int = 5,
    activation_integer_bits: int = 2,
) -> Any:
    """Modules of 1x1, 3x3, 5x5 and pooling branches, concatenated (GoogLeNet, arXiv:1409.4842).

    Options:
        stem: Filters of the 3x3 convolution before it; 2x2 maximum pooling follows it.
        branches: Filters of the 1x1, the 3x3, the 5x5 and the pooling branch; 1x1 convolutions make the input of
            the 3x3 and 5x5 branches smaller, to half as many channels as filters.
        modules: Number of modules; 2x2 maximum pooling lies behind each.
    """
    bits = Bits(weight_bits, bias_bits, activation_bits, activation_integer_bits)
    keras = bring_up().keras
    inputs, x = blocks.begin(input_shape, input_format)
    x = blocks.convolution_relu(x, stem, 3, bits, name="stem")
    x = keras.layers.MaxPooling2D(2, name="stem_pool")(x)
    for number in range(1, modules + 1):
        x = _module(x, branches, bits, f"module{number}")
        x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, blocks.dense(x, classes, bits=weight_bits, name="logits"), name="inception")


def _module(x: Any, branches: tuple[int, int, int, int], bits: Bits, name: str) -> Any:
    keras = bring_up().keras
    single, three, five, pooled = branches
    parts = [blocks.convolution_relu(x, single, 1, bits, name=f"{name}_1x1")]
    for size, count in ((3, three), (5, five)):
        reduced = blocks.convolution_relu(x, -(-count // 2), 1, bits, name=f"{name}_{size}x{size}_reduce")
        parts.append(blocks.convolution_relu(reduced, count, size, bits, name=f"{name}_{size}x{size}"))
    around = keras.layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    parts.append(blocks.convolution_relu(around, pooled, 1, bits, name=f"{name}_pool_1x1"))
    return keras.layers.Concatenate(name=f"{name}_concatenate")(parts)

"""Convolutions with additions around them."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks
from trigcnn.models.zoo.blocks import Bits


def resnet(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    filters: tuple[int, ...] = (6, 10),
    blocks_per_stage: int = 1,
    weight_bits: int = 5,
    bias_bits: int = 8,
    activation_bits: int = 5,
    activation_integer_bits: int = 2,
) -> Any:
    """Residual blocks: two 3x3 convolutions and an addition, with stride 2 from stage to stage (arXiv:1512.03385).

    Options:
        filters: Filters of each stage; its first block halves height and width, but in the first stage.
        blocks_per_stage: Residual blocks of each stage.
    """
    bits = Bits(weight_bits, bias_bits, activation_bits, activation_integer_bits)
    keras = bring_up().keras
    inputs, x = blocks.begin(input_shape, input_format)
    x = blocks.convolution_relu(x, filters[0], 3, bits, name="stem")
    for stage, count in enumerate(filters, start=1):
        for number in range(1, blocks_per_stage + 1):
            strides = 2 if number == 1 and stage > 1 else 1
            x = _block(x, count, strides, bits, f"stage{stage}_block{number}")
    x = keras.layers.MaxPooling2D(2, name="pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, blocks.dense(x, classes, bits=weight_bits, name="logits"), name="resnet")


def _block(x: Any, filters: int, strides: int, bits: Bits, name: str) -> Any:
    """Two convolutions, and what came in added to them; through a 1x1 convolution where the shapes differ."""
    inner = blocks.convolution_relu(x, filters, 3, bits, strides=strides, name=f"{name}_conv1")
    options: dict[str, Any] = {"bits": bits.weights, "folded_bits": bits.biases, "padding": "same"}
    inner = blocks.convolution(inner, filters, 3, name=f"{name}_conv2", **options)
    if strides != 1 or x.shape[-1] != filters:
        x = blocks.convolution(x, filters, 1, strides=strides, name=f"{name}_shortcut", **options)
    x = bring_up().keras.layers.Add(name=f"{name}_add")([inner, x])
    return blocks.relu(x, bits=bits.activations, integer=bits.integer, name=f"{name}_relu")

"""AlexNet, small and as it was."""

from __future__ import annotations

from typing import Any, NamedTuple

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.errors import ModelError
from trigcnn.models.zoo import blocks
from trigcnn.models.zoo.blocks import Bits


class _Shape(NamedTuple):
    """Sizes of kernels, strides, and the convolutions that pooling follows; the rest is in the network's options."""

    first_kernel: int
    first_stride: int
    second_kernel: int
    padding: str
    pools: tuple[int, ...]


_SMALL = _Shape(3, 1, 3, "same", (1,))
_FULL = _Shape(11, 4, 5, "valid", (1, 2, 5))
FULL_INPUT = (227, 227, 3)
"""Input of the network of 2012. Its publication says 224, with which the first layer does not give 55x55."""


def alexnet(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    filters: tuple[int, ...] = (8, 12, 16, 16, 12),
    units: tuple[int, int] = (32, 32),
    full_size: bool = False,
    weight_bits: int = 5,
    bias_bits: int = 8,
    activation_bits: int = 5,
    activation_integer_bits: int = 2,
) -> Any:
    """Five convolutions in two halves, overlapping pooling, and three dense layers (AlexNet, NIPS 2012).

    The second, fourth and fifth convolution see one half of the channels each, as on the two GPUs of the original.
    Small images are pooled once.

    Options:
        classes: Number of outputs (logits); 1000 in the original.
        filters: Filters of the five convolutions, both halves together.
        units: Units of the two dense layers before the last.
        full_size: The original sizes: input 227x227x3, 96 to 384 filters, 4096 units, 60,965,224 parameters. It can be
            built and looked at; it is refused for conversion, since no device holds it.

    Raises:
        ModelError: `full_size` with another input.
    """
    if full_size:
        if input_shape != FULL_INPUT:
            raise ModelError(
                f"model.options.full_size: the original AlexNet takes events of shape {FULL_INPUT}, the data gives "
                f"{input_shape}; remove the option, which gives a network for small images"
            )
        filters, units, shape = (96, 256, 384, 384, 256), (4096, 4096), _FULL
        bias_bits = 0
    else:
        shape = _SMALL
    keras = bring_up().keras
    bits = Bits(weight_bits, bias_bits, activation_bits, activation_integer_bits)
    inputs, x = blocks.begin(input_shape, input_format)
    halves = [
        _pooled(
            blocks.convolution_relu(
                x,
                filters[0] // 2,
                shape.first_kernel,
                bits,
                strides=shape.first_stride,
                padding=shape.padding,
                name=f"conv1{half}",
            ),
            f"pool1{half}",
        )
        for half in "ab"
    ]
    halves = [
        blocks.convolution_relu(x, filters[1] // 2, shape.second_kernel, bits, name=f"conv2{half}")
        for half, x in zip("ab", halves, strict=True)
    ]
    if 2 in shape.pools:
        halves = [_pooled(x, f"pool2{half}") for half, x in zip("ab", halves, strict=True)]
    x = keras.layers.Concatenate(name="concatenate2")(halves)
    halves = []
    for half in "ab":
        y = blocks.convolution_relu(x, filters[2] // 2, 3, bits, name=f"conv3{half}")
        y = blocks.convolution_relu(y, filters[3] // 2, 3, bits, name=f"conv4{half}")
        halves.append(blocks.convolution_relu(y, filters[4] // 2, 3, bits, name=f"conv5{half}"))
    x = keras.layers.Concatenate(name="concatenate5")(halves)
    if 5 in shape.pools:
        x = _pooled(x, "pool5")
    x = keras.layers.Flatten(name="flatten")(x)
    for number, count in enumerate(units, start=6):
        x = blocks.dense_relu(x, count, bits, name=f"dense{number}")
    return keras.Model(inputs, blocks.dense(x, classes, bits=weight_bits, name="dense8"), name="alexnet")


def _pooled(x: Any, name: str) -> Any:
    """Overlapping maximum pooling."""
    return bring_up().keras.layers.MaxPooling2D(3, strides=2, name=name)(x)

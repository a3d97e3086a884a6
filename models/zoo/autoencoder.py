"""A network that reconstructs its input through a narrow middle."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks
from trigcnn.models.zoo.blocks import Bits


def autoencoder(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    filters: tuple[int, ...] = (8, 4),
    weight_bits: int = 6,
    bias_bits: int = 8,
    activation_bits: int = 6,
    activation_integer_bits: int = 2,
) -> Any:
    """Convolutions with pooling down to a narrow middle, and convolutions with upsampling back to the image.

    Options:
        classes: Not used: the output is an image of the input's shape.
        filters: Filters of each convolution on the way down; those on the way up have the same, in reverse. Height and
            width are halved behind each, so both must be multiples of 2 to the power of their number.
    """
    bits = Bits(weight_bits, bias_bits, activation_bits, activation_integer_bits)
    keras, qkeras = bring_up().keras, bring_up().qkeras
    inputs, x = blocks.begin(input_shape, input_format)
    for number, count in enumerate(filters, start=1):
        x = blocks.convolution_relu(x, count, 3, bits, name=f"encoder{number}")
        x = keras.layers.MaxPooling2D(2, name=f"encoder{number}_pool")(x)
    for number, count in enumerate(reversed(filters), start=1):
        x = keras.layers.UpSampling2D(2, name=f"decoder{number}_upsampling")(x)
        x = blocks.convolution_relu(x, count, 3, bits, name=f"decoder{number}")
    x = blocks.convolution(x, input_shape[-1], 3, bits=weight_bits, padding="same", name="image")
    # Two bits finer than the digitiser, and never beyond what it can give.
    finer = input_format.width + 2
    if input_format.signed:
        quantizer = qkeras.quantized_bits(finer, input_format.integer - 1, symmetric=0, alpha=1)
    else:
        quantizer = qkeras.quantized_relu(finer, input_format.integer)
    return keras.Model(inputs, qkeras.QActivation(quantizer, name="image_activation")(x), name="autoencoder")

"""LeNet for small images."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks


def lenet(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    filters: tuple[int, int] = (6, 16),
    kernel_sizes: tuple[int, int] = (3, 2),
    hidden_units: int = 0,
    padding: str = "valid",
    weight_bits: int = 4,
    activation_bits: int = 4,
    activation_integer_bits: int = 2,
    dropout: float = 0.0,
) -> Any:
    """Two convolutions, the first with 2x2 maximum pooling, then dense layers (after LeCun et al. 1998).

    Options:
        filters: Filters of the two convolutions.
        kernel_sizes: Height and width of their kernels, in pixels.
        hidden_units: Units of a dense layer before the last; 0 for none.
        padding: Of the convolutions: `valid` or `same`.
        weight_bits: Bits of weights and biases, sign included; they lie between -1 and 1.
        dropout: Share of the values before the last layer that training leaves out.
    """
    keras = bring_up().keras
    x = inputs = keras.Input(input_shape, name="events")
    x = blocks.input_quantizer(x, input_format)
    for number, (count, size) in blocks.paired(filters=filters, kernel_sizes=kernel_sizes):
        x = blocks.convolution(x, count, size, bits=weight_bits, padding=padding, name=f"conv{number}")
        x = blocks.relu(x, bits=activation_bits, integer=activation_integer_bits, name=f"relu{number}")
        if number == 1:
            x = keras.layers.MaxPooling2D(2, name="pool1")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    if hidden_units:
        x = blocks.dense(x, hidden_units, bits=weight_bits, name="dense1")
        x = blocks.relu(x, bits=activation_bits, integer=activation_integer_bits, name="relu3")
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    outputs = blocks.dense(x, classes, bits=weight_bits, name="logits")
    return keras.Model(inputs, outputs, name="lenet")

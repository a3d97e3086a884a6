"""The network for street view house numbers of arXiv:2101.05108."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks


def svhn(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    filters: tuple[int, ...] = (16, 16, 24),
    units: tuple[int, ...] = (42, 64),
    weight_bits: int = 6,
    bias_bits: int = 8,
    activation_bits: int = 6,
    activation_integer_bits: int = 2,
) -> Any:
    """Three convolutions with 2x2 maximum pooling and two dense layers, each batch-normalized (arXiv:2101.05108).

    Options:
        input_shape: (height, width, channels); 32x32x3 in the publication.
        filters: Filters of each 3x3 convolution.
        units: Units of each dense layer before the last.
    """
    keras = bring_up().keras
    x = inputs = keras.Input(input_shape, name="events")
    x = blocks.input_quantizer(x, input_format)
    weights = {"bits": weight_bits, "folded_bits": bias_bits}
    activation = {"bits": activation_bits, "integer": activation_integer_bits}
    for number, count in enumerate(filters, start=1):
        x = blocks.convolution(x, count, 3, padding="valid", name=f"conv{number}", **weights)
        x = blocks.relu(x, name=f"conv{number}_relu", **activation)
        x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for number, count in enumerate(units, start=1):
        x = blocks.dense(x, count, name=f"dense{number}", **weights)
        x = blocks.relu(x, name=f"dense{number}_relu", **activation)
    outputs = blocks.dense(x, classes, bits=weight_bits, name="logits")
    return keras.Model(inputs, outputs, name="svhn")

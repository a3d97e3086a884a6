"""Jets by their features."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks
from trigcnn.models.zoo.blocks import Bits


def jet_tagger(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    units: tuple[int, ...] = (64, 32, 32),
    weight_bits: int = 6,
    bias_bits: int = 8,
    activation_bits: int = 6,
    activation_integer_bits: int = 2,
) -> Any:
    """Dense layers on features of a jet (the tagger of arXiv:1804.06913).

    Options:
        input_shape: (features,); 16 in the publication.
        units: Units of each dense layer before the last.
    """
    bits = Bits(weight_bits, bias_bits, activation_bits, activation_integer_bits)
    keras = bring_up().keras
    inputs, x = blocks.begin(input_shape, input_format)
    for number, count in enumerate(units, start=1):
        x = blocks.dense_relu(x, count, bits, name=f"dense{number}")
    return keras.Model(inputs, blocks.dense(x, classes, bits=weight_bits, name="logits"), name="jet_tagger")

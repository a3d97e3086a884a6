"""Digitised pulses."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks
from trigcnn.models.zoo.blocks import Bits


def waveform(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    filters: tuple[int, ...] = (6, 8),
    kernel_sizes: tuple[int, ...] = (7, 5),
    units: int = 16,
    weight_bits: int = 6,
    bias_bits: int = 8,
    activation_bits: int = 6,
    activation_integer_bits: int = 2,
) -> Any:
    """QConv1D layers with pooling and two dense layers, for the shapes of pulses.

    Options:
        input_shape: (samples, 1).
        filters: Filters of each convolution; maximum pooling of 2 samples follows it.
        kernel_sizes: Lengths of their kernels, in samples.
        units: Units of the dense layer before the last.
    """
    bits = Bits(weight_bits, bias_bits, activation_bits, activation_integer_bits)
    keras = bring_up().keras
    inputs, x = blocks.begin(input_shape, input_format)
    for number, (count, size) in blocks.paired(filters=filters, kernel_sizes=kernel_sizes):
        x = blocks.convolution_relu(x, count, size, bits, name=f"conv{number}")
        x = keras.layers.MaxPooling1D(2, name=f"pool{number}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = blocks.dense_relu(x, units, bits, name="dense")
    return keras.Model(inputs, blocks.dense(x, classes, bits=weight_bits, name="logits"), name="waveform")

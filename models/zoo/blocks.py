"""Pieces that the networks of the zoo share."""

from __future__ import annotations

from typing import Any

from models.datasets import InputFormat
from models.keras2 import bring_up


def input_quantizer(x: Any, input_format: InputFormat) -> Any:
    """Quantize the input to the format in which the digitiser delivers it.

    hls4ml ignores `keep_negative=0` of an activation, so unsigned inputs get a sign bit, which stays zero.
    """
    qkeras = bring_up().qkeras
    sign = 0 if input_format.signed else 1
    # QKeras counts integer bits without the sign.
    integer = input_format.integer - int(input_format.signed)
    quantizer = qkeras.quantized_bits(input_format.width + sign, integer, symmetric=0, alpha=1)
    return qkeras.QActivation(quantizer, name="input_quantizer")(x)


def weight_quantizer(bits: int) -> Any:
    """Weights and biases between -1 and 1 - 2**(1 - bits)."""
    return bring_up().qkeras.quantized_bits(bits, 0, symmetric=0, alpha=1)


def convolution(x: Any, filters: int, kernel_size: int, *, bits: int, padding: str, name: str) -> Any:
    """QConv2D with quantized weights and biases."""
    return bring_up().qkeras.QConv2D(
        filters,
        kernel_size,
        padding=padding,
        kernel_quantizer=weight_quantizer(bits),
        bias_quantizer=weight_quantizer(bits),
        name=name,
    )(x)


def dense(x: Any, units: int, *, bits: int, name: str) -> Any:
    """QDense with quantized weights and biases."""
    return bring_up().qkeras.QDense(
        units, kernel_quantizer=weight_quantizer(bits), bias_quantizer=weight_quantizer(bits), name=name
    )(x)


def relu(x: Any, *, bits: int, integer: int, name: str) -> Any:
    """Quantized ReLU: `bits` in all, `integer` of them left of the binary point."""
    qkeras = bring_up().qkeras
    return qkeras.QActivation(qkeras.quantized_relu(bits, integer), name=name)(x)

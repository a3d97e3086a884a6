"""Pieces that the networks of the zoo share."""

from __future__ import annotations

from typing import Any

from models.datasets import InputFormat
from models.keras2 import bring_up


def input_quantizer(x: Any, input_format: InputFormat, name: str = "input_quantizer") -> Any:
    """Quantize the input to the format in which the digitiser delivers it.

    hls4ml ignores `keep_negative=0` of an activation, so unsigned inputs get a sign bit, which stays zero.
    """
    qkeras = bring_up().qkeras
    sign = 0 if input_format.signed else 1
    # QKeras counts integer bits without the sign.
    integer = input_format.integer - int(input_format.signed)
    quantizer = qkeras.quantized_bits(input_format.width + sign, integer, symmetric=0, alpha=1)
    return qkeras.QActivation(quantizer, name=name)(x)


def weight_quantizer(bits: int) -> Any:
    """Weights and biases between -1 and 1 - 2**(1 - bits)."""
    return bring_up().qkeras.quantized_bits(bits, 0, symmetric=0, alpha=1)


def convolution(
    x: Any,
    filters: int,
    kernel_size: int,
    *,
    bits: int,
    padding: str,
    name: str,
    strides: int = 1,
    folded_bits: int = 0,
    gain: float = 1.0,
) -> Any:
    """QConv2D with quantized weights and biases.

    Args:
        x: Tensor in front.
        filters: Number of filters.
        kernel_size: Height and width of the kernel, in pixels.
        bits: Bits of the weights.
        padding: `valid` or `same`.
        name: The layer's name.
        strides: Step of the window, in pixels.
        folded_bits: Bits of the bias when the batch normalization that follows is folded; 0 for none that follows.
        gain: Factor of the initial weights, below 1 for inputs that are far above 1.
    """
    keras, qkeras = bring_up().keras, bring_up().qkeras
    options = _weighted(bits, folded_bits)
    if gain != 1.0:
        # QKeras' own has the scale 2.
        options["kernel_initializer"] = keras.initializers.VarianceScaling(2.0 * gain**2, "fan_in", "truncated_normal")
    x = qkeras.QConv2D(filters, kernel_size, strides=strides, padding=padding, name=name, **options)(x)
    return _normalized(x, name) if folded_bits else x


def dense(x: Any, units: int, *, bits: int, name: str, folded_bits: int = 0) -> Any:
    """QDense with quantized weights and biases; see `convolution`."""
    x = bring_up().qkeras.QDense(units, name=name, **_weighted(bits, folded_bits))(x)
    return _normalized(x, name) if folded_bits else x


def _weighted(bits: int, folded_bits: int) -> dict[str, Any]:
    # The normalization has a summand of its own.
    return {
        "use_bias": not folded_bits,
        "kernel_quantizer": weight_quantizer(bits),
        "bias_quantizer": weight_quantizer(folded_bits or bits),
    }


def _normalized(x: Any, name: str) -> Any:
    return bring_up().keras.layers.BatchNormalization(name=f"{name}_norm")(x)


def relu(x: Any, *, bits: int, integer: int, name: str) -> Any:
    """Quantized ReLU: `bits` in all, `integer` of them left of the binary point."""
    qkeras = bring_up().qkeras
    return qkeras.QActivation(qkeras.quantized_relu(bits, integer), name=name)(x)

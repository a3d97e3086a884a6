"""Pieces that the networks of the zoo share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.errors import ModelError


@dataclass(frozen=True)
class Bits:
    """Number formats that all layers of a network share.

    Attributes:
        weights: Bits of the weights, sign included.
        biases: Bits of the biases behind batch normalization, once it is folded; 0 for no batch normalization.
        activations: Bits of the activations.
        integer: Bits of the activations left of the binary point.
    """

    weights: int
    biases: int
    activations: int
    integer: int


def paired(**options: Sequence[int]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Iterate over options with a value for each layer, with the layer's number, from 1.

    Raises:
        ModelError: Their lengths differ.

    >>> list(paired(filters=[6, 24], kernel_sizes=[3, 2]))
    [(1, (6, 3)), (2, (24, 2))]
    """
    counts = {name: len(values) for name, values in options.items()}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise ModelError(f"model.options: {' and '.join(options)} need a value each per layer, but {said}")
    return enumerate(zip(*options.values(), strict=True), start=1)


def input_quantizer(x: Any, input_format: FixedPoint, name: str = "input_quantizer") -> Any:
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
    """QConv2D with quantized weights and biases; QConv1D for events of one axis and channels.

    Args:
        x: Tensor before it.
        filters: Number of filters.
        kernel_size: Height and width of the kernel, in pixels, or its length.
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
    layer = qkeras.QConv1D if len(x.shape) == 3 else qkeras.QConv2D
    x = layer(filters, kernel_size, strides=strides, padding=padding, name=name, **options)(x)
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


def convolution_relu(
    x: Any, filters: int, kernel_size: int, bits: Bits, *, name: str, padding: str = "same", strides: int = 1
) -> Any:
    """Convolution, batch normalization if there are bits for its biases, and quantized ReLU; see `convolution`."""
    x = convolution(
        x,
        filters,
        kernel_size,
        bits=bits.weights,
        folded_bits=bits.biases,
        padding=padding,
        strides=strides,
        name=name,
    )
    return relu(x, bits=bits.activations, integer=bits.integer, name=f"{name}_relu")


def depthwise_relu(x: Any, kernel_size: int, bits: Bits, *, name: str, strides: int = 1) -> Any:
    """Depthwise convolution, a kernel per channel, with same padding and quantized ReLU."""
    quantizer = weight_quantizer(bits.weights)
    x = bring_up().qkeras.QDepthwiseConv2D(
        kernel_size,
        strides=strides,
        padding="same",
        depthwise_quantizer=quantizer,
        bias_quantizer=quantizer,
        name=name,
    )(x)
    return relu(x, bits=bits.activations, integer=bits.integer, name=f"{name}_relu")


def dense_relu(x: Any, units: int, bits: Bits, *, name: str) -> Any:
    """Dense layer, batch normalization if there are bits for its biases, and quantized ReLU; see `convolution`."""
    x = dense(x, units, bits=bits.weights, folded_bits=bits.biases, name=name)
    return relu(x, bits=bits.activations, integer=bits.integer, name=f"{name}_relu")


def begin(input_shape: tuple[int, ...], input_format: FixedPoint) -> tuple[Any, Any]:
    """Return the input, and the tensor behind its quantizer."""
    inputs = bring_up().keras.Input(input_shape, name="events")
    return inputs, input_quantizer(inputs, input_format)

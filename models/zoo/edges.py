"""One convolution with textbook kernels, given or learned."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.edge_kernels import BITS, INTEGER_BITS, stacked
from trigcnn.models.errors import ModelError
from trigcnn.models.zoo import blocks


def edges(
    input_shape: tuple[int, ...],
    input_format: FixedPoint,
    *,
    kernels: tuple[str, ...] = ("prewitt_vertical",),
) -> Any:
    """One 3x3 convolution with fixed kernels that find edges; its outputs are images (see `models.edge_kernels`).

    Options:
        input_shape: (height, width, 1).
        kernels: Names of the kernels, a filter each: vertical, horizontal, prewitt_vertical, prewitt_horizontal,
            sobel_vertical, sobel_horizontal, scharr_vertical, scharr_horizontal, blur, diagonal or cross.

    Raises:
        ModelError: There is no kernel of a name, or images have several channels.
    """
    weights = stacked(kernels, ModelError, "model.options.kernels")
    model = _network(input_shape, input_format, len(kernels), BITS, INTEGER_BITS, "edges")
    model.get_layer("edges").set_weights([weights])
    return model


def edges_learned(
    input_shape: tuple[int, ...],
    input_format: FixedPoint,
    *,
    filters: int = 1,
    weight_bits: int = 5,
    weight_integer_bits: int = 4,
) -> Any:
    """The network `edges` with free weights, which learns kernels from images and their targets.

    Options:
        input_shape: (height, width, 1).
        filters: Number of kernels to learn.
        weight_integer_bits: Bits of the weights left of the binary point, without the sign.
    """
    return _network(input_shape, input_format, filters, weight_bits, weight_integer_bits, "edges_learned")


def _network(
    input_shape: tuple[int, ...], input_format: FixedPoint, filters: int, bits: int, integer: int, name: str
) -> Any:
    if len(input_shape) != 3 or input_shape[-1] != 1:
        raise ModelError(f"the network {name} takes images (height, width, 1), the data gives {input_shape}")
    k = bring_up()
    inputs, x = blocks.begin(input_shape, input_format)
    quantizer = k.qkeras.quantized_bits(bits, integer, symmetric=0, alpha=1)
    outputs = k.qkeras.QConv2D(filters, 3, use_bias=False, kernel_quantizer=quantizer, name="edges")(x)
    return k.keras.Model(inputs, outputs, name=name)

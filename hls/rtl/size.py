"""How long the generation of RTL takes, estimated before it begins, and networks that are too large for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Layer
from trigcnn.hls.rtl.options import RtlOptions

# Measured for dense layers of 32,768 and 16,384 weights of 16 bits: 90 s and 47 s of one busy processor. Fewer bits
# take less.
_S_PER_WEIGHT = 2.8e-3


@dataclass(frozen=True)
class LayerSize:
    """The size of a layer.

    Attributes:
        name: Its name.
        parameters: Weights and biases, zeros too.
        multiplications: Products per event, zeros too.
        dense: Whether it is dense, so that its products can come one after another.
    """

    name: str
    parameters: int
    multiplications: int
    dense: bool


def check(layers: Sequence[LayerSize], options: RtlOptions) -> None:
    """Check that RTL of this size is generated within the limits of the options.

    Args:
        layers: The layers of the network.
        options: How the RTL is laid out; streaming RTL with few multipliers keeps the weights in tables.

    Raises:
        ConversionError: It is too large; the message names the largest layer, and what makes it smaller.
    """
    products = sum(layer.multiplications for layer in layers)
    if options.architecture == "none":
        return
    if options.architecture == "parallel":
        check_unrolled(layers, options.max_multiplications)
        return
    if options.architecture == "auto" and products <= options.max_multiplications:
        return
    counted = [layer for layer in layers if not _in_series(layer, options)]
    weights = sum(layer.parameters for layer in counted)
    if weights <= options.max_weights:
        return
    largest, minutes = max(counted, key=lambda layer: layer.parameters), weights * _S_PER_WEIGHT / 60
    series = "set rtl.serial_dense: true, " if any(layer.dense for layer in counted) else ""
    raise ConversionError(
        f"the network has {weights:,} weights that streaming RTL would multiply with at once ({largest.parameters:,} "
        f"in layer {largest.name}); its generation would take about {minutes:.0f} minutes, and the limit is "
        f"{options.max_weights:,} weights. Use a smaller network, {series}set rtl.architecture: none for the "
        "HLS project alone, or raise rtl.max_weights and wait"
    )


def check_unrolled(layers: Sequence[LayerSize | Layer], most: int) -> None:
    """Check that parallel RTL, which builds every multiplication, is not too large.

    Args:
        layers: The layers of the network.
        most: Largest number of multiplications per event.

    Raises:
        ConversionError: It is too large; the message names the largest layer, and what makes it smaller.
    """
    products = sum(layer.multiplications for layer in layers)
    if products > most:
        largest = max(layers, key=lambda layer: layer.multiplications)
        raise ConversionError(
            f"the network has {products:,} multiplications per event, and fully parallel RTL would build each "
            f"({largest.multiplications:,} in layer {largest.name}); the limit is {most:,}. Use a smaller network, set "
            "rtl.architecture: streaming, or raise rtl.max_multiplications and wait"
        )


def _in_series(layer: LayerSize, options: RtlOptions) -> bool:
    own = options.layers.get(layer.name)
    return layer.dense and (options.serial_dense if own is None else own.reuse_factor > 1)

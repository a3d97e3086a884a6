"""Constants of batch normalization, as fixed-point numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.graph.ranges import Range
from trigcnn.hls.rewriting.quantizers import common_format

Reals = npt.NDArray[np.float64]

FLOAT32_BITS = 24
"""Bits of a float32."""

EXACT_BITS = 53
"""Bits that float64 holds, and every engine computes with."""

ROOM_BITS = EXACT_BITS - 2
"""Bits of a sum whose constants are rounded: offsets of a table, and the rounding of a cast in RTL, need two more."""

_NARROW_BITS = 16

FACTOR_BITS = ROOM_BITS - _NARROW_BITS
"""Bits of a number that can be multiplied with a constant of 16 bits."""


@dataclass(frozen=True)
class ScaleAndShift:
    """`x * scale + shift` by channel, and how it may differ from the layer that it stands for.

    Attributes:
        scale: [channels].
        shift: [channels].
        scale_error: How far `scale` was rounded, [channels].
        shift_error: How far `shift` was rounded, [channels].
        magnitude: Sum of the magnitudes of the terms of `shift`, [channels].
        term_fraction: Bits right of the binary point of the terms in which float32 computes, where these are numbers of
            few bits; otherwise None.
    """

    scale: Reals
    shift: Reals
    scale_error: Reals
    shift_error: Reals
    magnitude: Reals
    term_fraction: int | None = None

    @classmethod
    def exactly(cls, scale: Reals, shift: Reals, x: Range) -> ScaleAndShift:
        """Return constants of few bits, for values of a range."""
        none = np.zeros_like(scale)
        fraction = max(x.fraction + common_format(scale).fraction, common_format(shift).fraction)
        return cls(scale, shift, none, none, np.abs(shift), fraction)

    @classmethod
    def nearly(cls, scale: Reals, shift: Reals, magnitude: Reals, x: Range) -> ScaleAndShift:
        """Return constants with the bits that float32 keeps, and fewer where the sum would need more than 51 bits.

        Args:
            scale: [channels].
            shift: [channels].
            magnitude: Sum of the magnitudes of the terms of `shift`, [channels].
            x: Range of what is multiplied.
        """
        largest = float((np.abs(scale) * _magnitude(x, len(scale)) + magnitude).max())
        fraction = room(largest)
        rounded = (
            as_float32(scale, fraction=max(fraction - x.fraction, _fewest(scale))),
            as_float32(shift, magnitude, fraction=max(fraction, _fewest(magnitude))),
        )
        return cls(*rounded, np.abs(scale - rounded[0]), np.abs(shift - rounded[1]), magnitude)

    @property
    def bits(self) -> int:
        """Bits of the scale that has most of them."""
        return max(common_format([value]).width for value in np.abs(self.scale))


def as_float32(values: npt.ArrayLike, of: npt.ArrayLike | None = None, *, fraction: int = 1074) -> Reals:
    """Round constants to a grid that is as fine as float32 at each of them.

    Args:
        values: The constants, any shape.
        of: Magnitudes whose float32 is meant instead, same shape.
        fraction: Bits right of the binary point that are kept at most.
    """
    exact = np.asarray(values, np.float64)
    _, exponents = np.frexp(exact if of is None else np.asarray(of, np.float64))
    kept = np.minimum(FLOAT32_BITS - exponents, fraction)
    return np.asarray(np.ldexp(np.rint(np.ldexp(exact, kept)), -kept))


def fold_batch_normalization(layer: Any, x: Range) -> ScaleAndShift:
    """Return factor and summand per channel.

    `(x - mean) / sqrt(variance + epsilon) * gamma + beta`, with QKeras' quantizers applied to each. They have the bits
    that float32 keeps of them, and fewer where the sum would need more than 51 bits.

    Args:
        layer: The layer.
        x: Range of its input.
    """
    mean, variance = (_constant(layer, name, f"{name}_quantizer") for name in ("moving_mean", "moving_variance"))
    gamma = _constant(layer, "gamma", "gamma_quantizer") if layer.scale else np.ones_like(mean)
    beta = _constant(layer, "beta", "beta_quantizer") if layer.center else np.zeros_like(mean)
    # Keras adds float32 numbers.
    deviation = np.sqrt((variance.astype(np.float32) + np.float32(layer.epsilon)).astype(np.float64))
    scale = gamma / deviation
    shift = beta - mean * scale
    magnitude = np.abs(mean * scale) + np.abs(beta)
    none = np.zeros_like(scale)
    fractions = [_narrow_fraction(values) for values in (scale, mean, mean * scale, beta)]
    if None not in fractions:
        of_scale, of_mean, *others = (int(fraction or 0) for fraction in fractions)
        term_fraction = max(of_scale + max(of_mean, x.fraction), *others)
        return ScaleAndShift(scale, shift, none, none, magnitude, term_fraction)
    return ScaleAndShift.nearly(scale, shift, magnitude, x)


def fold_rescaling(layer: Any, x: Range) -> ScaleAndShift:
    """Return factor and summand per channel of a `Rescaling`: the numbers of float32 that Keras makes of them.

    They have fewer bits where the sum would need more than 51 bits.

    Args:
        layer: The layer.
        x: Range of its input.
    """
    channels = int(layer.output_shape[-1])
    given = (np.asarray(values, np.float32).astype(np.float64) for values in (layer.scale, layer.offset))
    scale, shift = (np.broadcast_to(values.ravel(), channels) for values in given)
    found = ScaleAndShift.exactly(scale, shift, x)
    largest = float((np.abs(scale) * _magnitude(x, channels) + np.abs(shift)).max())
    if found.term_fraction is not None and found.term_fraction <= room(largest):
        return found
    return ScaleAndShift.nearly(scale, shift, np.abs(shift), x)


def rounded_bias(bias: Reals, kernel: Reals, x: Range, *, depthwise: bool) -> Reals:
    """Return a bias of float32, with fewer bits right of the binary point where the sum would need more than 51 bits.

    Args:
        bias: [channels].
        kernel: Of a convolution, [height, width, inputs, channels], or of a depthwise one, [height, width, inputs, 1].
        x: Range of the input.
        depthwise: Which of the two.
    """
    taps = np.abs(kernel).reshape(-1, kernel.shape[-2], kernel.shape[-1]).sum(axis=0)
    inputs = _magnitude(x, kernel.shape[-2])
    sums = inputs * taps[:, 0] if depthwise and kernel.shape[-1] == 1 else inputs @ taps
    fraction = room(float(sums.max() + np.abs(bias).max(initial=0.0)))
    return as_float32(bias, fraction=max(fraction, _fewest(bias)))


def room(largest: float) -> int:
    """Return how many bits right of the binary point fit into 51 bits with a number of some magnitude."""
    _, exponent = np.frexp(largest)
    return ROOM_BITS - 1 - int(exponent)


def _fewest(values: Reals) -> int:
    """Return how many bits right of the binary point the largest number has at least: it keeps 16 bits."""
    _, exponent = np.frexp(np.abs(values).max(initial=0.0))
    return _NARROW_BITS - int(exponent)


def _magnitude(x: Range, channels: int) -> Reals:
    spread = x.spread(channels)
    return np.maximum(-spread.low, spread.high).astype(np.float64) * 2.0**-x.fraction


def _narrow_fraction(values: Reals) -> int | None:
    """Return the bits right of the binary point of constants of few bits; None if they have more."""
    try:
        found = common_format(values)
    except ValueError:
        return None
    return found.fraction if found.width <= _NARROW_BITS else None


def _constant(layer: Any, name: str, quantizer_name: str) -> Reals:
    values = getattr(layer, name)
    quantizer = getattr(layer, f"{quantizer_name.replace('moving_', '')}_internal", None)
    return np.asarray(values if quantizer is None else quantizer(values), np.float64)

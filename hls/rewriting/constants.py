"""Constants of batch normalization, as fixed-point numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.rewriting.quantizers import WEIGHT_BITS, common_format

WIDE_BITS = 24
"""Bits of the largest constant that are kept, as float32 has; products of more would not fit the RTL."""

_NARROW_BITS = 16


def wide(values: npt.ArrayLike, *, bits: int = WIDE_BITS) -> npt.NDArray[np.float64]:
    """Round constants to a common grid that is finer than float32 resolves."""
    exact = np.asarray(values, np.float64)
    largest = float(np.abs(exact).max(initial=0.0))
    if largest == 0:
        return exact
    unit = 2.0 ** (np.floor(np.log2(largest)) + 1 - bits)
    return np.asarray(np.rint(exact / unit) * unit)


def fold_batch_normalization(layer: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], bool]:
    """Return factor and summand per channel, and whether they are exact in few bits.

    `(x - mean) / sqrt(variance + epsilon) * gamma + beta`, with QKeras' quantizers applied to each.

    Returns:
        Factors [channels], summands [channels]; False where they were rounded to 24 bits.
    """
    mean, variance = (_constant(layer, name, f"{name}_quantizer") for name in ("moving_mean", "moving_variance"))
    gamma = _constant(layer, "gamma", "gamma_quantizer") if layer.scale else np.ones_like(mean)
    beta = _constant(layer, "beta", "beta_quantizer") if layer.center else np.zeros_like(mean)
    # Keras adds float32 numbers.
    deviation = np.sqrt((variance.astype(np.float32) + np.float32(layer.epsilon)).astype(np.float64))
    scale = gamma / deviation
    shift = beta - mean * scale
    try:
        exact = all(common_format(values).width <= min(_NARROW_BITS, WEIGHT_BITS) for values in (scale, shift))
    except ValueError:
        exact = False
    return (scale, shift, True) if exact else (wide(scale), wide(shift), False)


def _constant(layer: Any, name: str, quantizer_name: str) -> npt.NDArray[np.float64]:
    values = getattr(layer, name)
    quantizer = getattr(layer, f"{quantizer_name.replace('moving_', '')}_internal", None)
    return np.asarray(values if quantizer is None else quantizer(values), np.float64)

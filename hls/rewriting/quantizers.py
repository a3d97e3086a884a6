"""QKeras' quantizers as number formats, and weights quantized to exact numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint

WEIGHT_BITS = 24
"""Keras computes in float32, and would round wider weights."""


def plain(value: Any) -> Any:
    """Return the single number of an array or a variable."""
    if hasattr(value, "numpy"):
        value = value.numpy()
    return value.item() if getattr(value, "size", 0) == 1 else value


def as_cast(quantizer: Any) -> FixedPoint | None:
    """Return the number format whose cast equals an activation quantizer; None if there is none."""
    kind = type(quantizer).__name__
    if kind not in ("quantized_bits", "quantized_relu"):
        return None
    bits, integer = int(plain(quantizer.bits)), int(plain(quantizer.integer))
    if kind == "quantized_relu":
        # In QKeras, is_quantized_clip takes precedence over relu_upper_bound.
        bounded = quantizer.relu_upper_bound is not None and not quantizer.is_quantized_clip
        if plain(quantizer.negative_slope) or quantizer.use_sigmoid or bounded:
            return None
        return FixedPoint(False, bits, integer, "RND_CONV", "SAT")
    alpha = plain(quantizer.alpha)
    if isinstance(alpha, str) or alpha not in (None, 1) or bits < 2 or getattr(quantizer, "elements_per_scale", None):
        return None
    if not quantizer.keep_negative:
        return FixedPoint(False, bits, integer, "RND_CONV", "SAT")
    # QKeras counts integer bits without the sign.
    return FixedPoint(True, bits, integer + 1, "RND_CONV", "SAT_SYM" if quantizer.symmetric else "SAT")


def cast_of(layer: Any) -> FixedPoint | None:
    """Return the number format of a layer that does nothing but a cast; None for all other layers."""
    if type(layer).__name__ not in ("QActivation", "Activation"):
        return None
    return as_cast(getattr(layer, "quantizer", layer.activation))


def is_relu(quantizer: Any) -> bool:
    """Return whether a quantizer that is a cast also cuts off negative values by design."""
    return type(quantizer).__name__ == "quantized_relu"


def frozen(quantizer: Callable[[Any], Any] | None, values: Any) -> npt.NDArray[np.float64]:
    """Quantize weights, and return them as constants.

    Raises:
        ValueError: The values have no common number format of at most 24 bits.
    """
    given = np.asarray(values, np.float32)
    exact = np.asarray(given if quantizer is None else quantizer(given), np.float64)
    if common_format(exact).width > WEIGHT_BITS:
        raise ValueError(f"the values need more than {WEIGHT_BITS} bits")
    return exact


def common_format(values: npt.ArrayLike) -> FixedPoint:
    """Return the smallest number format that holds all values, found from their last bits.

    Raises:
        ValueError: They need more than 63 bits, or are not finite.

    >>> str(common_format([0.75, -2.0]))
    'fixed<4,2>'
    """
    exact = np.asarray(values, np.float64).ravel()
    if not np.isfinite(exact).all():
        raise ValueError("values that are not finite have no number format")
    nonzero = exact[exact != 0]
    if not len(nonzero):
        return FixedPoint(False, 1, 1)
    mantissas, exponents = np.frexp(nonzero)
    whole = (mantissas * 2.0**53).astype(np.int64)
    last = (whole & -whole).astype(np.float64)
    fraction = int(np.max(53 - exponents - np.log2(last).astype(np.int64)))
    low, high = (int(end * 2.0**fraction) for end in (min(exact.min(), 0.0), max(exact.max(), 0.0)))
    return FixedPoint.holding(low, high, fraction)

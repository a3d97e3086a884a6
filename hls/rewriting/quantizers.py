"""QKeras' quantizers as number formats, and weights quantized to exact numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint

Reals = npt.NDArray[np.float64]

WEIGHT_BITS = 24
"""Keras computes in float32, and would round wider weights."""

_SCALE_BITS = 16
"""Bits of a scale that makes weights of few bits."""

_SCALE_ERROR = 4 * 2.0**-24
"""Relative error of a weight that is a product in float32, from which QKeras then subtracts what it adds again."""


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


@dataclass(frozen=True)
class Frozen:
    """Quantized weights as constants.

    Attributes:
        values: Constants of at most 24 bits in a common number format.
        factor: What multiplies them, by their last axis [channels]; None for 1.
    """

    values: Reals
    factor: Reals | None = None


def frozen(quantizer: Any, values: Any) -> Frozen:
    """Quantize weights, and return them as constants.

    Where their scale has many bits, as that of `alpha='auto'`, it is a factor of its own.

    Raises:
        ValueError: The values have neither a common number format of at most 24 bits nor such a scale.
    """
    given = np.asarray(values, np.float32)
    exact = np.asarray(given if quantizer is None else quantizer(given), np.float64)
    scale = getattr(quantizer, "scale", None)
    # Where the scale has few bits, Keras computes the same weights everywhere.
    if scale is None or _narrow(scale, _SCALE_BITS):
        if not _narrow(exact, WEIGHT_BITS):
            raise ValueError(f"the values need more than {WEIGHT_BITS} bits")
        return Frozen(exact)
    found = _without_scale(exact, np.asarray(scale, np.float64), int(plain(getattr(quantizer, "bits", 1))))
    if found is None:
        raise ValueError(f"the values need more than {WEIGHT_BITS} bits")
    return found


def _without_scale(exact: Reals, scale: Reals, bits: int) -> Frozen | None:
    """Return weights of few bits and the scale; None if that is not one per channel, or does not give the weights."""
    if exact.ndim < 2 or scale.size not in (1, exact.shape[-1]) or not (np.isfinite(scale) & (scale > 0)).all():
        return None
    factor = np.broadcast_to(scale.ravel(), exact.shape[-1:])
    units = np.rint(np.ldexp(exact / factor, bits)) * 2.0**-bits
    near = np.abs(exact - units * factor) <= _SCALE_ERROR * np.abs(exact)
    return Frozen(units, factor) if near.all() and _narrow(units, WEIGHT_BITS) else None


def _narrow(values: Any, bits: int) -> bool:
    """Return whether a number format of so many bits holds all values."""
    try:
        return common_format(np.asarray(values, np.float64)).width <= bits
    except ValueError:
        return False


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

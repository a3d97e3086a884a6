"""Number formats of a digitiser: those whose every value a float32 holds, and events on their grid."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets.base import Events
from trigcnn.models.errors import DataError

_PATTERN = re.compile(r"^(?:ap_)?(?P<u>u?)fixed<\s*(?P<width>\d+)\s*,\s*(?P<integer>-?\d+)\s*>$")
# A float32 holds 24 bits and normal numbers from 2**-126 up to 2**128; a format within that is exact.
_MAX_WIDTH = 24
_MIN_EXPONENT, _MAX_EXPONENT = -126, 127


def parse_input_format(text: str) -> FixedPoint:
    """Read `fixed<W,I>` or `ufixed<W,I>`, with or without `ap_`.

    Returns:
        A format of at most 24 bits, so that a float32 holds every value; it has no rounding or overflow mode.

    Raises:
        DataError: The text is neither, or the format is one that a float32 does not hold exactly.

    >>> parse_input_format("ufixed<4,0>").max
    0.9375
    """
    match = _PATTERN.match(text.strip())
    if match is None:
        raise DataError(
            f"data.input_format {text!r} is no input format; write for example ufixed<4,0> or "
            "fixed<16,6>, without rounding or overflow modes: data.saturate sets what overflow does"
        )
    signed, width, integer = not match["u"], int(match["width"]), int(match["integer"])
    name = f"data.input_format {'' if signed else 'u'}fixed<{width},{integer}>"
    if not 1 <= width <= _MAX_WIDTH:
        raise DataError(
            f"{name}: the width must lie between 1 and {_MAX_WIDTH} bits, "
            "which is what a float32 holds exactly; choose a narrower format"
        )
    if integer - width < _MIN_EXPONENT or integer > _MAX_EXPONENT:
        raise DataError(
            f"{name}: beyond the exponents of a float32; scale the events "
            "and choose a format with fewer integer or fraction bits"
        )
    return FixedPoint(signed, width, integer)


def put_on_grid(input_format: FixedPoint, events: npt.NDArray[Any], *, saturate: bool, where: str) -> Events:
    """Round real values once, half to even, to values of a number format.

    Args:
        input_format: The number format, one that `parse_input_format` returns.
        events: Any shape; real numbers.
        saturate: Whether values out of range stop at its ends; otherwise they are an error.
        where: What the events are, for the error message, such as "jets.h5, jets/images".

    Returns:
        The values, same shape; each a multiple of `lsb` within `min` and `max`.

    Raises:
        DataError: A value is NaN or infinite, too large an integer to be rounded exactly or, without
            `saturate`, out of range after it was rounded.
    """
    _refuse_inexact(events, where)
    # NumPy's promotion picks a type that holds each event exactly (int64 was checked above), and a
    # power of two scales it exactly; so the only rounding is rint's.
    real = events.astype(np.result_type(events.dtype, np.float32))
    with np.errstate(over="ignore", under="ignore"):
        steps = np.rint(real * real.dtype.type(1 / input_format.lsb))
    low, high = round(input_format.min / input_format.lsb), round(input_format.max / input_format.lsb)
    outside = int(np.count_nonzero((steps < low) | (steps > high)))
    if outside and not saturate:
        raise DataError(
            f"{where}: {outside} of {events.size} values lie outside {input_format}, which holds "
            f"{input_format.min:g} to {input_format.max:g} in steps of {input_format.lsb:g}; the values reach "
            f"from {real.min():g} to {real.max():g}; choose another data.input_format, or set data.saturate: true"
        )
    # Adding zero turns -0.0, which no fixed-point format has, into 0.0.
    on_grid: Events = np.clip(steps, low, high).astype(np.float32) * np.float32(input_format.lsb) + np.float32(0)
    return on_grid


def _refuse_inexact(events: npt.NDArray[Any], where: str) -> None:
    """Refuse values that cannot be rounded to any grid, or not with one rounding alone."""
    if events.dtype.kind == "f":
        bad = ~np.isfinite(events)
        if bad.any():
            first = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
            raise DataError(
                f"{where}: {int(bad.sum())} of {events.size} values are NaN or infinite, the first at index "
                f"{first}; remove those events or replace the values"
            )
    elif events.dtype.kind in "iu" and events.dtype.itemsize == 8 and events.size:
        largest = max(abs(int(events.min())), abs(int(events.max())))
        if largest > 2**53:
            raise DataError(
                f"{where}: integers up to {largest} are beyond 2**53, where a float64 is no longer exact; "
                "scale the events down"
            )

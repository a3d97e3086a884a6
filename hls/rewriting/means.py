"""Means over any number of values."""

from __future__ import annotations

from typing import Any

import numpy as np

from trigcnn.hls.admission.fields import casts_behind
from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.graph.graph import in_comment
from trigcnn.hls.rewriting.constants import ScaleAndShift
from trigcnn.hls.rewriting.quantizers import as_cast
from trigcnn.hls.rewriting.quotients import quotient
from trigcnn.hls.rewriting.site import Site


def divided(site: Site, sums: Any, count: int) -> Any:
    """Divide sums by a number, for the casts behind the layer if it is no power of two; see `rewriting.quotients`.

    Args:
        site: The layer, whose name the result gets.
        sums: Exact sums.
        count: What they are divided by.

    Raises:
        AdmissionError: The product that stands for the quotient has too many bits.
    """
    state, given = site.state, site.state.range_of(sums)
    if not count & (count - 1):
        channels = int(sums.shape[-1])
        constants = ScaleAndShift.exactly(np.full(channels, 1 / count), np.zeros(channels), given)
        return state.scale_shift(sums, site.name, constants)
    casts = [as_cast(quantizer) for quantizer in casts_behind(site.layer) or ()]
    finest = max((cast.fraction for cast in casts if cast is not None), default=None)
    if finest is None:
        raise AdmissionError(f"layer {in_comment(site.layer.name)}: no quantizer rounds its mean of {count} values")
    try:
        found = quotient(given, count, finest)
    except ValueError as error:
        name = in_comment(site.layer.name)
        raise AdmissionError(f"layer {name}: {error}; use fewer bits in front of it, or fewer values") from error
    site.note("it became a sum and a product that the quantizer behind it rounds as it would the mean")
    result = state.divide(sums, site.name, count, found)
    if id(sums) in state.unsigned:
        state.unsigned.add(id(result))
    return result

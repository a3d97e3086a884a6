"""Means over any number of values."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from trigcnn.hls.admission.fields import casts_behind
from trigcnn.hls.rewriting.constants import ScaleAndShift
from trigcnn.hls.rewriting.quantizers import as_cast
from trigcnn.hls.rewriting.quotients import quotient
from trigcnn.hls.rewriting.site import Site


def divided(site: Site, sums: Any, count: int) -> Any:
    """Divide sums by a number: for the casts behind the layer, see `rewriting.quotients`, or as exactly as float32.

    Args:
        site: The layer, whose name the result gets.
        sums: Exact sums.
        count: What they are divided by.
    """
    state, given = site.state, site.state.range_of(sums)
    ones = np.ones(int(sums.shape[-1]))
    if not count & (count - 1):
        return state.scale_shift(sums, site.name, ScaleAndShift.exactly(ones / count, 0 * ones, given))
    casts = [as_cast(quantizer) for quantizer in casts_behind(site.layer) or ()]
    finest = max((cast.fraction for cast in casts if cast is not None), default=None)
    if finest is not None:
        with contextlib.suppress(ValueError):
            found = quotient(given, count, finest)
            site.note("it became a sum and a product that the quantizer behind it rounds as it would the mean")
            return state.divide(sums, site.name, count, found)
    site.note(f"it became a sum and the factor 1 / {count}, which is as exact as float32")
    # Keras may divide before it adds.
    state.divided.add(sums.node.layer.name)
    return state.scale_shift_nearly(sums, site.name, ones / count, 0 * ones)

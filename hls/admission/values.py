"""Weights that no number format holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def wrong_values(layer: Any) -> Iterator[str]:
    """Return what is wrong with the weights of a layer: NaN, infinite numbers, negative variances."""
    arrays = {variable.name: np.asarray(variable) for variable in layer.weights}
    arrays = {name: values for name, values in arrays.items() if np.issubdtype(values.dtype, np.floating)}
    total = sum(values.size for values in arrays.values())
    for kind, test in (("NaN", np.isnan), ("infinite", np.isinf)):
        count = sum(int(test(values).sum()) for values in arrays.values())
        if count:
            yield (
                f"{count} of its {total} weights {'is' if count == 1 else 'are'} {kind}; train again, with a lower "
                "learning rate if training diverged, or load weights that are finite"
            )
    for name, values in arrays.items():
        count = int((values < 0).sum()) if "moving_variance" in name else 0
        if count:
            yield (
                f"{count} of its {values.size} variances {'is' if count == 1 else 'are'} negative (moving_variance), "
                "which has no square root; train again, or set them to numbers from 0"
            )

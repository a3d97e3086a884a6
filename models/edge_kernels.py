"""Textbook kernels, as a convolution layer applies them: by cross-correlation, without flipping."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.errors import ModelsError

Kernel = npt.NDArray[np.float32]

_PREWITT = np.outer([1, 1, 1], [1, 0, -1])
_SOBEL = np.outer([1, 2, 1], [1, 0, -1])
_SCHARR = np.outer([3, 10, 3], [1, 0, -1])

KERNELS: dict[str, Kernel] = {
    name: np.asarray(kernel, np.float32)
    for name, kernel in {
        # Difference of the neighbours on both sides.
        "vertical": np.outer([0, 1, 0], [1, 0, -1]),
        "horizontal": np.outer([1, 0, -1], [0, 1, 0]),
        # The same, over three rows or columns with equal weights, and with those of Sobel and Scharr.
        "prewitt_vertical": _PREWITT,
        "prewitt_horizontal": _PREWITT.T,
        "sobel_vertical": _SOBEL,
        "sobel_horizontal": _SOBEL.T,
        "scharr_vertical": _SCHARR,
        "scharr_horizontal": _SCHARR.T,
        # Binomial weights, whose sum is 1.
        "blur": np.outer([1, 2, 1], [1, 2, 1]) / 16,
        "diagonal": np.eye(3),
        # Both diagonals.
        "cross": np.asarray([[1, 0, 1], [0, 1, 0], [1, 0, 1]]),
    }.items()
}
"""3x3 kernels by name. Those called vertical find vertical edges: they are large where it is darker to the right."""

BITS, INTEGER_BITS = 9, 4
"""quantized_bits(9, 4) holds all of them exactly: -16 to 15.9375 in steps of 1/16."""


def stacked(names: tuple[str, ...] | list[str], error: type[ModelsError], option: str) -> Kernel:
    """Return kernels as a convolution's weights for images of one channel.

    Args:
        names: Their names.
        error: Raised if there is no kernel of a name.
        option: The option that names them, for the error.

    Returns:
        [3, 3, 1, kernels].
    """
    for name in names:
        if name not in KERNELS:
            raise error(f"{option}: {name!r} is no kernel; {did_you_mean(name, KERNELS)}")
    if not names:
        raise error(f"{option}: names no kernel; choose from {', '.join(KERNELS)}")
    return np.stack([KERNELS[name] for name in names], axis=-1)[:, :, np.newaxis, :]

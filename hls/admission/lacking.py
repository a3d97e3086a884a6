"""Layers that hls4ml has in general, but not with some back end, or not exactly."""

from __future__ import annotations

from typing import NamedTuple

from hls.admission.layers import LAYERS, TRAINING_ONLY
from hls.admission.rows import Alone
from hls.options import Backend


class Lack(NamedTuple):
    """Why some classes of layers are refused with a back end.

    Attributes:
        backend: hls4ml's name of it.
        kinds: The classes.
        alone: What hls4ml alone makes of them; see `hls.admission.document`.
        effect: What would go wrong.
        mend: What the user can do.
        io_type: The only io_type that it speaks of; None for both.
        axes: Fewest axes of the input, with that of the events, that it speaks of.
    """

    backend: Backend
    kinds: tuple[str, ...]
    alone: Alone
    effect: str
    mend: str
    io_type: str | None = None
    axes: int = 0

    @property
    def condition(self) -> str:
        """Where it speaks, in words."""
        return " in ".join(word for word in (self.backend, self.io_type) if word)


_LIBERO = (
    "InputLayer",
    "QActivation",
    "Activation",
    "ReLU",
    "LeakyReLU",
    "ThresholdedReLU",
    "Softmax",
    "QDense",
    "Flatten",
    "Reshape",
    *TRAINING_ONLY,
)
LACKING: tuple[Lack, ...] = (
    Lack(
        "Catapult",
        ("Maximum", "Minimum"),
        "does not compile",
        "hls4ml's stream of larger or smaller values is no C++",
        "use hls.io_type: io_parallel, or Add or Concatenate",
        "io_stream",
    ),
    Lack(
        "Catapult",
        ("Permute",),
        "does not compile",
        "hls4ml has no transposition of streams",
        "use hls.io_type: io_parallel, or bring the axes into their order in front of the model",
        "io_stream",
    ),
    Lack(
        "Libero",
        tuple(kind for kind in LAYERS if kind not in _LIBERO),
        "error",
        "hls4ml has no such layer there",
        "use dense layers and activations, or another back end",
    ),
    Lack(
        "Libero",
        ("QDense",),
        "error",
        "a dense layer on pixels is a convolution, which hls4ml does not have there",
        "put a Flatten in front, or use another back end",
        axes=3,
    ),
)


def lack(kind: str, backend: str, io_type: str, axes: int = 0) -> Lack | None:
    """Give what speaks against a class of layers with a back end, if anything does.

    Args:
        kind: The class.
        backend: hls4ml's.
        io_type: hls4ml's.
        axes: Axes of the layer's input, with that of the events.
    """
    for found in LACKING:
        where = found.backend == backend and found.io_type in (None, io_type)
        if where and kind in found.kinds and axes >= found.axes:
            return found
    return None

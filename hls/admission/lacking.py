"""Layers that hls4ml has, but not with some back end, or not exactly there."""

from __future__ import annotations

from typing import NamedTuple

from trigcnn.hls.admission.layers import LAYERS, TRAINING_ONLY
from trigcnn.hls.admission.rows import Alone
from trigcnn.hls.options import Backend


class Lack(NamedTuple):
    """Why some classes of layers are refused with a back end.

    Attributes:
        backend: hls4ml's name of it.
        kinds: The classes.
        alone: What hls4ml alone makes of them; see `hls.admission.document`.
        effect: What would go wrong.
        mend: What the user can do.
        io_type: The only io_type to which it applies; None for both.
        axes: Numbers of axes of the result, batch axis included, to which it applies; empty for all.
    """

    backend: Backend
    kinds: tuple[str, ...]
    alone: Alone
    effect: str
    mend: str
    io_type: str | None = None
    axes: tuple[int, ...] = ()

    @property
    def condition(self) -> str:
        """Return where it applies, in words."""
        where = " in ".join(word for word in (self.backend, self.io_type) if word)
        return where + (f", {' or '.join(map(str, self.axes))} axes with that of the events" if self.axes else "")


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
        "hls4ml's C++ for streams of the larger or smaller values is invalid",
        "use hls.io_type: io_parallel, or Add or Concatenate",
        "io_stream",
    ),
    Lack(
        "Catapult",
        ("Permute",),
        "does not compile",
        "hls4ml cannot transpose streams",
        "use hls.io_type: io_parallel, or permute the axes of the events before the model",
        "io_stream",
    ),
    Lack(
        "Catapult",
        ("Concatenate",),
        "other numbers",
        "hls4ml writes as many values of each vector as both have together",
        "use hls.io_type: io_parallel",
        "io_stream",
        axes=(2,),
    ),
    Lack(
        "oneAPI",
        ("Concatenate",),
        "abort",
        "hls4ml counts the words of one vector by the size of the other, and waits forever if they differ",
        "use hls.io_type: io_parallel",
        "io_stream",
        axes=(2,),
    ),
    Lack(
        "Quartus",
        ("Permute",),
        "does not compile",
        "hls4ml's C++ for transposing streams of three axes is invalid",
        "use hls.io_type: io_parallel, or permute the axes of the events before the model",
        "io_stream",
        axes=(4,),
    ),
    Lack(
        "Libero",
        tuple(kind for kind in LAYERS if kind not in _LIBERO),
        "error",
        "hls4ml does not have this layer with this back end",
        "use dense layers and activations, or another back end",
    ),
    Lack(
        "Libero",
        ("QDense",),
        "error",
        "a dense layer on pixels is a convolution, which hls4ml does not have with this back end",
        "put a Flatten before it, or use another back end",
        axes=(3, 4),
    ),
)


def lack(kind: str, backend: str, io_type: str, axes: int) -> Lack | None:
    """Return why a class of layers is refused with a back end; None if it is not.

    Args:
        kind: The class.
        backend: hls4ml's.
        io_type: hls4ml's.
        axes: Axes of the layer's result, with that of the events.
    """
    for found in LACKING:
        where = found.backend == backend and found.io_type in (None, io_type)
        if where and kind in found.kinds and (not found.axes or axes in found.axes):
            return found
    return None

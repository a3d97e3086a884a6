"""Layers that hls4ml has in general, but not with some back end, or not exactly."""

from __future__ import annotations

from typing import NamedTuple

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
    """

    backend: Backend
    kinds: tuple[str, ...]
    alone: Alone
    effect: str
    mend: str
    io_type: str | None = None

    @property
    def condition(self) -> str:
        """Where it speaks, in words."""
        return " in ".join(word for word in (self.backend, self.io_type) if word)


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
)


def lack(kind: str, backend: str, io_type: str) -> Lack | None:
    """Give what speaks against a class of layers with a back end, if anything does."""
    for found in LACKING:
        if found.backend == backend and found.io_type in (None, io_type) and kind in found.kinds:
            return found
    return None

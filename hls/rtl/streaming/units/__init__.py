"""The module of each unit: static modules that gather words, and the kernel that computes on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trigcnn.hls.rtl.streaming.units import moves, sums, windows, words
from trigcnn.hls.rtl.streaming.units.workshop import Feed, Workshop

_FRONTS: dict[str, Callable[..., Feed]] = {
    "input": words.input_port,
    "word": words.each_word,
    "window": windows.window,
    "collect": moves.collect,
    "split": moves.split,
    "scan": moves.scan,
    "serial": sums.serial_dense,
    "global": sums.global_pooling,
    "join": words.join,
}


def build(shop: Workshop, feeds: Sequence[Feed]) -> Feed:
    """Build a unit.

    Args:
        shop: Where it is built.
        feeds: Outputs of its sources; for an input, the port.

    Raises:
        ConversionError: A layer has no hardware here.
    """
    return _FRONTS[shop.unit.front](shop, *feeds)

"""Tables of the terms of a sum: where the inputs are, and their weights."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trigcnn.hls.engines.emulator.layout import PACKED, Index, Layout
from trigcnn.hls.engines.emulator.program import Sum
from trigcnn.hls.engines.emulator.tables import bits32


class Terms(NamedTuple):
    """Terms one after another.

    Attributes:
        starts: First term of each block of filters, or of each filter, and the end.
        offsets: Vector of each term's input, from the beginning of the window.
        weights: Of each term; of a block of filters side by side.
        bias: Of each filter.
    """

    starts: Index
    offsets: Index
    weights: npt.NDArray[Any]
    bias: npt.NDArray[Any]


def packed(body: Sum, layout: Layout, block: int) -> Terms:
    """Terms of as many channels each as the layout has in 32 bits, by block of filters.

    Terms whose weights are all zero in a block are left out.
    """
    lanes = PACKED[layout.kind]
    height, width, channels, filters = body.weights.shape
    blocks = -(-filters // block)
    weights = np.zeros((height, width, layout.pixel * lanes, blocks * block), np.int64)
    weights[:, :, :channels, :filters] = body.weights
    bits = 32 // lanes
    parts = weights.reshape(-1, lanes, blocks, block) & ((1 << bits) - 1)
    words = (parts << (bits * np.arange(lanes))[:, None, None]).sum(axis=1)
    offsets = (_taps(body, layout)[:, :, None] + np.arange(layout.pixel)).reshape(-1)
    used = words.any(axis=2)
    # Each product contains the stored value of zero.
    bias = np.zeros(blocks * block, object)
    bias[:filters] = np.array(body.bias, object) - layout.zero * body.weights.sum(axis=(0, 1, 2)).astype(object)
    return Terms(
        np.append(0, np.cumsum(used.sum(axis=0))),
        np.concatenate([offsets[used[:, number]] for number in range(blocks)]),
        bits32(np.concatenate([words[used[:, number], number].reshape(-1) for number in range(blocks)])),
        bits32(bias),
    )


def single(body: Sum, layout: Layout, filters: int) -> Terms:
    """Terms by filter, in the order of rows, columns and channels, without zero weights."""
    taps = _taps(body, layout)
    starts, offsets, weights = [0], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for number in range(body.weights.shape[-1]):
        own = body.weights[..., number]
        where = np.nonzero(own)
        channel = number if body.by_channel else where[2]
        offsets.append(taps[where[0], where[1]] + channel)
        weights.append(own[where])
        starts.append(starts[-1] + len(where[0]))
    missing = filters - len(body.bias)
    return Terms(
        np.array(starts + [starts[-1]] * missing),
        np.concatenate(offsets),
        np.concatenate(weights),
        np.array([*body.bias, *[0] * missing], object),
    )


def _taps(body: Sum, layout: Layout) -> Index:
    """Vector of each pixel of a window, from its first."""
    height, width = body.weights.shape[:2]
    return np.arange(height)[:, None] * layout.row + np.arange(width) * layout.pixel

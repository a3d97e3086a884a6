"""Integers packed into the words of a port."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from trigcnn.hls.engines import Events, Outputs
from trigcnn.hls.graph.graph import Graph, pack

_WORD = 32


def word_count(bits: int) -> int:
    """Return the number of 32-bit words that hold some bits.

    >>> word_count(33)
    2
    """
    return -(-bits // _WORD)


def pack_bits(integers: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.uint32]:
    """Pack rows of integers, the first in the lowest bits.

    Args:
        integers: [rows, values].
        width: Bits of each, at most 64; negative values as two's complement.

    Returns:
        [rows, words] of 32 bits.

    >>> pack_bits(np.array([[1, -1]]), 4)
    array([[241]], dtype=uint32)
    """
    rows, values = integers.shape
    words = np.zeros((rows, word_count(values * width)), dtype=np.uint32)
    for value in range(values):
        rest = integers[:, value].astype(np.uint64) & np.uint64((1 << width) - 1)
        for word, low, taken in _pieces(value * width, width):
            words[:, word] |= ((rest & np.uint64((1 << taken) - 1)) << np.uint64(low)).astype(np.uint32)
            rest >>= np.uint64(taken)
    return words


def unpack_bits(words: npt.NDArray[np.uint32], width: int, values: int, *, signed: bool) -> npt.NDArray[np.int64]:
    """Unpack rows of words into integers.

    Args:
        words: [rows, words] of 32 bits.
        width: Bits of each integer, at most 63.
        values: Integers in a row.
        signed: Whether the highest bit is a sign.

    >>> unpack_bits(np.array([[241]], dtype=np.uint32), 4, 2, signed=True)
    array([[ 1, -1]])
    """
    integers = np.zeros((len(words), values), dtype=np.int64)
    for value in range(values):
        done = 0
        for word, low, taken in _pieces(value * width, width):
            piece = (words[:, word].astype(np.int64) >> low) & ((1 << taken) - 1)
            integers[:, value] |= piece << done
            done += taken
    if signed:
        integers -= (integers >> (width - 1)) << width
    return integers


def _pieces(start: int, width: int) -> Iterator[tuple[int, int, int]]:
    """Return the words that some bits lie in: index of the word, lowest bit in it, and number of bits."""
    end = start + width
    while start < end:
        low = start % _WORD
        taken = min(_WORD - low, end - start)
        yield start // _WORD, low, taken
        start += taken


def words(graph: Graph, events: Events) -> Outputs:
    """Return what the digitiser puts on the input ports, flattened, one after the other."""
    parts = zip(graph.input_layers, graph.split_inputs(events), strict=True)
    ports = pack([layer.result.to_real(layer.result.cast(part)) for layer, part in parts])
    return np.ascontiguousarray(ports.reshape(len(events), -1))

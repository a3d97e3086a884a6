"""Integers packed into the words of a port."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


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
    bits = (integers[:, :, None] >> np.arange(width)) & 1
    flat = bits.reshape(rows, values * width).astype(np.uint8)
    padded = np.pad(flat, ((0, 0), (0, -flat.shape[1] % 32)))
    return np.packbits(padded, axis=1, bitorder="little").view("<u4")


def unpack_bits(words: npt.NDArray[np.uint32], width: int, values: int, *, signed: bool) -> npt.NDArray[np.int64]:
    """Take rows of words apart into integers.

    Args:
        words: [rows, words] of 32 bits.
        width: Bits of each integer, at most 63.
        values: Integers in a row.
        signed: Whether the highest bit is a sign.

    >>> unpack_bits(np.array([[241]], dtype=np.uint32), 4, 2, signed=True)
    array([[ 1, -1]])
    """
    flat = np.unpackbits(np.ascontiguousarray(words, "<u4").view(np.uint8), axis=1, bitorder="little")
    bits = flat[:, : values * width].reshape(len(words), values, width).astype(np.int64)
    integers: npt.NDArray[np.int64] = (bits << np.arange(width)).sum(axis=2)
    if signed:
        integers -= bits[:, :, -1] << width
    return integers

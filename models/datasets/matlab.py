"""Arrays of numbers in MATLAB files of version 5.

scipy reads these files too, but some damaged files end the process (a segmentation fault in scipy 1.17.1). This reader
reads plain arrays of numbers only, and refuses inconsistent files.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.models.damage import MOST_PUBLISHED_BYTES, check_size
from trigcnn.models.datasets.published import damage_named, looks_like
from trigcnn.models.errors import DataError

_HEADER = 128
_INT8, _INT32, _UINT32, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
# Types of stored values, and classes of arrays, by the numbers of the format. Values may be stored in a smaller type.
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_COMPLEX = 0x0800

Arrays = dict[str, npt.NDArray[Any]]
_Element = tuple[int, memoryview]


def read(path: Path, content: bytes) -> Arrays:
    """Return the arrays of real numbers in a file, by name, with MATLAB's order of axes.

    Args:
        path: The file, for messages.
        content: All of it.

    Raises:
        DataError: It is no MATLAB file of version 5, or damaged.
    """
    if content.startswith(b"MATLAB 7.3"):
        raise DataError(f"{path}: a MATLAB file of version 7.3; save it as version 5, in MATLAB with save(..., '-v7')")
    if content.startswith(b"MATLAB 5.0") and len(content) < _HEADER:
        raise DataError(f"{path}: truncated, {len(content)} bytes; copy or download it again")
    if not content.startswith(b"MATLAB 5.0") or content[126:128] not in (b"IM", b"MI"):
        raise DataError(f"{path}: not a MATLAB file of version 5 but {looks_like(content[:512])}; download it again")
    order = "<" if content[126:128] == b"IM" else ">"
    arrays: Arrays = {}
    with damage_named(path):
        for kind, element in _elements(memoryview(content)[_HEADER:], order):
            if kind == _COMPRESSED:
                kind, element = _unpacked(element, order, path)
            found = _array(element, order) if kind == _MATRIX else None
            if found is not None:
                arrays |= found
    return arrays


def _elements(content: memoryview, order: str) -> Iterator[_Element]:
    """Divide bytes into elements: type, length, values; short ones have all three in 8 bytes."""
    at = 0
    while at < len(content):
        if len(content) - at < 8:
            raise EOFError("it ends within an element's head")
        first, length = (int(number) for number in np.frombuffer(content, f"{order}u4", 2, at))
        start = at + 8
        if first >> 16:
            first, length, start = first & 0xFFFF, first >> 16, at + 4
            if length > 4:
                raise ValueError("a short element of more than 4 bytes")
        if len(content) - start < length:
            raise EOFError(f"it ends after {len(content) - start} of an element's {length} bytes")
        yield first, content[start : start + length]
        at = start + length
        # Elements begin at multiples of 8 bytes, but for what follows compressed ones.
        if first != _COMPRESSED:
            at += -at % 8


def _unpacked(packed: memoryview, order: str, path: Path) -> _Element:
    """Decompress an element, no more of it than its head says."""
    stream = zlib.decompressobj()
    head = stream.decompress(packed, 8)
    if len(head) < 8:
        raise EOFError("a compressed element without a head")
    kind, length = (int(number) for number in np.frombuffer(head, f"{order}u4", 2))
    check_size(f"{path}, an array", length, MOST_PUBLISHED_BYTES, "take the published file", DataError)
    values = stream.decompress(stream.unconsumed_tail, length) if length else b""
    if len(values) < length:
        raise EOFError(f"a compressed element ends after {len(values)} of {length} bytes")
    # The end has the checksum.
    if stream.decompress(stream.unconsumed_tail, 1) or not stream.eof:
        raise EOFError("a compressed element does not end where its head says")
    return kind, memoryview(values)


def _array(content: memoryview, order: str) -> Arrays | None:
    """Read an array: flags, axes, name, values; None if it is no plain one of real numbers."""
    parts = list(_elements(content, order))
    if len(parts) < 3 or (parts[0][0], parts[1][0], parts[2][0]) != (_UINT32, _INT32, _INT8) or len(parts[0][1]) != 8:
        raise ValueError("an array without flags, axes and name")
    (_, flags), (_, axes), (_, name) = parts[:3]
    described = int(np.frombuffer(flags, f"{order}u4")[0])
    if described & 0xFF not in _CLASSES or described & _COMPLEX:
        return None
    if len(parts) != 4 or parts[3][0] not in _STORED:
        raise ValueError("an array without values")
    shape = tuple(int(length) for length in np.frombuffer(axes, f"{order}i4"))
    values = np.frombuffer(parts[3][1], order + _STORED[parts[3][0]])
    if min(shape, default=-1) < 0 or int(np.prod(shape, dtype=object)) != values.size:
        raise ValueError(f"{values.size} values for an array of shape {shape}")
    wanted = np.dtype(_CLASSES[described & 0xFF])
    return {bytes(name).decode(errors="replace"): values.astype(wanted, copy=False).reshape(shape, order="F")}

"""Constants of a generated library, in one file that the assembler includes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_ALIGNMENT = 64
_TYPES = {"int32_t": np.int32, "int64_t": np.int64, "float": np.float32, "double": np.float64}


class Tables:
    """Tables one after the other, each aligned to a cache line; equal tables are kept once."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._known: dict[bytes, int] = {}

    def add(self, kind: str, values: npt.ArrayLike) -> str:
        """Add a table and return the C++ expression of its first element.

        Args:
            kind: `int32_t`, `int64_t`, `float` or `double`.
            values: Each exact in that type; any shape.
        """
        given = np.asarray(values)
        array = np.ascontiguousarray(given.astype(_TYPES[kind]))
        if not np.array_equal(array.astype(object), given.astype(object)):
            raise AssertionError(f"a table of {kind} does not hold its values")
        content = array.tobytes()
        if content not in self._known:
            self._content.extend(bytes(-len(self._content) % _ALIGNMENT))
            self._known[content] = len(self._content)
            self._content.extend(content)
        return f"table<{kind}>({self._known[content]})"

    def content(self) -> bytes:
        """All tables."""
        return bytes(self._content) or bytes(1)


def bits32(values: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """The low 32 bits of integers, as signed numbers."""
    return np.asarray([int(v) & 0xFFFFFFFF for v in values.reshape(-1)], np.uint64).astype(np.uint32).view(np.int32)

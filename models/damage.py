"""Files that were cut off, overwritten in part, or made to look larger than they are."""

from __future__ import annotations

import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trigcnn.common.foreign import cut
from trigcnn.models.errors import ModelsError

DAMAGED = (
    OSError,
    EOFError,
    LookupError,
    RuntimeError,
    MemoryError,
    ArithmeticError,
    ValueError,
    TypeError,
    # NumPy reads the header of an array as Python text.
    SyntaxError,
    tokenize.TokenError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""What zipfile, NumPy and h5py raise on damaged files."""

MOST_WEIGHTS_BYTES = 2**30
"""Weights of a model: the largest device holds fewer, and optimizers keep two more values for each."""
MOST_PUBLISHED_BYTES = 2**30
"""An array of a file of a published data set: none has a quarter of it."""
_UNITS = (("GB", 1e9), ("MB", 1e6))


@contextmanager
def damage_named(path: Path | str, error: type[ModelsError], fix: str) -> Iterator[None]:
    """Turn exceptions of libraries on a damaged file into an error that names the file.

    Args:
        path: The file, or the file and what in it.
        error: Class of the error to raise.
        fix: What to do.

    Raises:
        ModelsError: Of the class `error`, instead of one of `DAMAGED`.
    """
    try:
        yield
    except DAMAGED as problem:
        reason = cut(str(problem) or type(problem).__name__)
        raise error(
            f"{path}: cannot be read, it is damaged, truncated or not accessible ({reason}); {fix}"
        ) from problem


def check_size(where: str, size: int, most: int, fix: str, error: type[ModelsError]) -> None:
    """Check a size that a file declares, before memory is taken for it.

    Args:
        where: The file, and what in it.
        size: The size in bytes.
        most: The limit in bytes.
        fix: What to do.
        error: Class of the error to raise.

    Raises:
        ModelsError: Of the class `error`, if the size is over the limit.
    """
    if size > most:
        raise error(f"{where}: {in_words(size)} in memory, more than the limit of {in_words(most)}; {fix}")


def in_words(size: int) -> str:
    """Return a size with its unit.

    >>> in_words(3_600_000_000), in_words(2**20), in_words(12)
    ('3.6 GB', '1.05 MB', '12 bytes')
    """
    return next((f"{size / scale:.3g} {unit}" for unit, scale in _UNITS if size >= scale), f"{size} bytes")

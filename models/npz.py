"""Arrays of `.npz` and `.npy` files, with their headers checked before memory is taken."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt

from trigcnn.common.foreign import cut
from trigcnn.models.damage import check_size, damage_named
from trigcnn.models.errors import ModelsError

_SUFFIX = ".npy"
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_AGAIN = "write or copy it again"
_OBJECTS = "object arrays hold pickled Python objects, which are never loaded: save plain numbers"


@dataclass(frozen=True)
class Header:
    """What an array's header declares.

    Attributes:
        shape: The shape.
        by_column: Whether the first axis varies fastest.
        dtype: The type of the values.
    """

    shape: tuple[int, ...]
    by_column: bool
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """Size of the values."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: IO[bytes], size: int, where: str, error: type[ModelsError]) -> Header:
    """Read the header of an array; the stream then is at its values.

    Args:
        stream: At the beginning.
        size: Bytes of the whole array, its header included.
        where: What it is, for messages.
        error: Class of the error to raise.

    Raises:
        ModelsError: It is not an array of plain values.
        Exception: One of `damage.DAMAGED`: it is damaged, or does not have the declared size.
    """
    try:
        version = np.lib.format.read_magic(stream)
        if version not in _READERS:
            raise ValueError(f"version {version} of NumPy's format")
        shape, by_column, dtype = _READERS[version](stream)
    except ValueError as problem:
        raise error(f"{where}: cannot be read ({cut(problem)}); write it with numpy.save or numpy.savez") from problem
    if dtype.hasobject:
        raise error(f"{where}: cannot be read; {_OBJECTS}")
    # Python takes True for a whole number.
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"its header says shape {cut(shape)}")
    header = Header(shape, bool(by_column), dtype)
    if header.bytes != size - stream.tell():
        raise EOFError(f"its header says {header.bytes} bytes of values, where there are {size - stream.tell()}")
    return header


@dataclass(frozen=True)
class Npz:
    """An open `.npz` file.

    Attributes:
        archive: The zip archive.
        path: Where it is, for messages.
        error: Class of the errors to raise.
        most_bytes: Size up to which arrays are read.
        too_large: What to do about a larger array, for messages.
    """

    archive: zipfile.ZipFile
    path: Path
    error: type[ModelsError]
    most_bytes: int
    too_large: str

    @property
    def names(self) -> list[str]:
        """Names of the arrays."""
        return [name.removesuffix(_SUFFIX) for name in self.archive.namelist() if name.endswith(_SUFFIX)]

    @contextmanager
    def open(self, name: str) -> Iterator[tuple[Header, IO[bytes]]]:
        """Open an array of `names`; the stream is at its values.

        Raises:
            ModelsError: It is damaged, or not an array of plain values.
        """
        where = f"{self.path}, {cut(name)}"
        with ExitStack() as stack:
            with damage_named(where, self.error, _AGAIN):
                member = self.archive.getinfo(f"{name}{_SUFFIX}")
                stream = stack.enter_context(self.archive.open(member))
                header = read_header(stream, member.file_size, where, self.error)
            yield header, stream

    def read(self, name: str) -> npt.NDArray[Any]:
        """Read an array of `names`.

        Raises:
            ModelsError: It is damaged, not an array of plain values, or too large.
        """
        where = f"{self.path}, {cut(name)}"
        with damage_named(where, self.error, _AGAIN), self.open(name) as (header, stream):
            check_size(where, header.bytes, self.most_bytes, self.too_large, self.error)
            content = stream.read(header.bytes)
            if len(content) != header.bytes or stream.read(1):
                raise EOFError(f"{len(content)} bytes of values, where its header says {header.bytes}")
            order: Literal["F", "C"] = "F" if header.by_column else "C"
            # A bytearray, so that the values can be changed.
            values: npt.NDArray[Any] = np.frombuffer(bytearray(content), header.dtype)
            return values.reshape(header.shape, order=order)


@contextmanager
def opened(path: Path, error: type[ModelsError], *, most_bytes: int, too_large: str) -> Iterator[Npz]:
    """Open a file for reading; arguments as in `Npz`.

    Args:
        path: The file.
        error: Class of the errors to raise.
        most_bytes: Size up to which arrays are read.
        too_large: What to do about a larger array.

    Raises:
        ModelsError: It is not an npz file.
    """
    if not zipfile.is_zipfile(path):
        raise error(
            f"{path}: not an npz file, or a truncated one; write it with numpy.savez(path, events=..., labels=...)"
        )
    with zipfile.ZipFile(path) as archive:
        yield Npz(archive, path, error, most_bytes, too_large)

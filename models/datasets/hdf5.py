"""Arrays of published HDF5 files, read piece by piece, with type, shape and place checked first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trigcnn.common.foreign import cut
from trigcnn.models import hdf5
from trigcnn.models.damage import MOST_PUBLISHED_BYTES
from trigcnn.models.datasets.files import HERE
from trigcnn.models.datasets.published import damage_named, head_of, looks_like
from trigcnn.models.errors import DataError
from trigcnn.models.hdf5 import Hdf5File

_TAKE = "take the published file"


@contextmanager
def opened(path: Path) -> Iterator[Hdf5File]:
    """Open a file for reading.

    Raises:
        DataError: It is not an HDF5 file, or damaged; also while it is read.
    """
    guess = looks_like(head_of(path))
    if guess != "an HDF5 file":
        raise DataError(f"{path}: not an HDF5 file but {guess}; copy or download it again")
    with (
        damage_named(path),
        hdf5.opened(path, path, DataError, fix=HERE, most_bytes=MOST_PUBLISHED_BYTES, too_large=_TAKE) as file,
    ):
        yield file


def array(file: Hdf5File, name: str, shape: tuple[int | None, ...]) -> Any:
    """Return an array of real numbers, not yet read.

    Args:
        file: The open file.
        name: The array's name.
        shape: What it must be; None for any length but 0.

    Raises:
        DataError: It is not there, of other type or shape, or lies in another file.
    """
    found = in_file(file, name)
    if found.dtype.kind not in "fiub":
        raise DataError(
            f"{file.path}, {name}: of type {found.dtype}, which are not real numbers; take the published file, or save "
            "floats or integers"
        )
    fits = len(found.shape) == len(shape) and all(
        length > 0 if wanted is None else length == wanted for length, wanted in zip(found.shape, shape, strict=True)
    )
    if not fits:
        wanted_shape = ", ".join("n" if length is None else str(length) for length in shape)
        raise DataError(f"{file.path}, {name}: of shape {found.shape}; it must be ({wanted_shape})")
    return found


def in_file(file: Hdf5File, name: str) -> Any:
    """Return an array of any type that lies in the file itself.

    Raises:
        DataError: It is not there, or lies in another file.
    """
    found = file.find(name)
    if found is None:
        there = cut(", ".join(file.names()) or "none")
        raise DataError(f"{file.path}: no array {name!r}; there are: {there}; {_TAKE}")
    return found


def names(file: Hdf5File, name: str) -> list[str]:
    """Read an array of text, such as the names of columns.

    Raises:
        DataError: It is not there, or is no text.
    """
    import h5py

    found = in_file(file, name)
    if h5py.check_string_dtype(found.dtype) is None or len(found.shape) != 1:
        raise DataError(
            f"{file.path}, {name}: of type {found.dtype} and shape {found.shape}; it must be a list of names"
        )
    return [text.decode(errors="replace") for text in file.read(found, name).tolist()]

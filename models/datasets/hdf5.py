"""Arrays of published HDF5 files, read piece by piece, with type, shape and place checked first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trigcnn.models.datasets.published import damage_named, head_of, looks_like
from trigcnn.models.errors import DataError


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file for reading.

    Raises:
        DataError: It is not an HDF5 file, or damaged; also while it is read.
    """
    import h5py

    guess = looks_like(head_of(path))
    if guess != "an HDF5 file":
        raise DataError(f"{path}: not an HDF5 file but {guess}; copy or download it again")
    with damage_named(path), h5py.File(path, "r") as file:
        yield file


def array(file: Any, path: Path, name: str, shape: tuple[int | None, ...]) -> Any:
    """Return an array of real numbers, not yet read.

    Args:
        file: The open file.
        path: Where it is, for messages.
        name: The array's name.
        shape: What it must be; None for any length but 0.

    Raises:
        DataError: It is not there, of other type or shape, or lies in another file.
    """
    found = in_file(file, path, name)
    if found.dtype.kind not in "fiub":
        raise DataError(
            f"{path}, {name}: of type {found.dtype}, which are not real numbers; take the published file, or save "
            "floats or integers"
        )
    fits = len(found.shape) == len(shape) and all(
        length > 0 if wanted is None else length == wanted for length, wanted in zip(found.shape, shape, strict=True)
    )
    if not fits:
        wanted_shape = ", ".join("n" if length is None else str(length) for length in shape)
        raise DataError(f"{path}, {name}: of shape {found.shape}; it must be ({wanted_shape})")
    return found


def in_file(file: Any, path: Path, name: str) -> Any:
    """Return an array of any type that lies in the file itself.

    Raises:
        DataError: It is not there, or lies in another file.
    """
    import h5py

    link = file.get(name, getlink=True)
    if isinstance(link, h5py.SoftLink | h5py.ExternalLink):
        raise DataError(f"{path}, {name}: a link to another place, which is not followed; write the array itself")
    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        present: list[str] = []
        file.visititems(lambda key, item: present.append(key) if isinstance(item, h5py.Dataset) else None)
        raise DataError(
            f"{path}: no array {name!r}; there are: {', '.join(present) or 'none'}; take the published file"
        )
    if found.external or found.is_virtual:
        raise DataError(f"{path}, {name}: its values lie in other files, which are not read; write the array itself")
    return found


def names(file: Any, path: Path, name: str) -> list[str]:
    """Read an array of text, such as the names of columns.

    Raises:
        DataError: It is not there, or is no text.
    """
    import h5py

    found = in_file(file, path, name)
    if h5py.check_string_dtype(found.dtype) is None or len(found.shape) != 1:
        raise DataError(f"{path}, {name}: of type {found.dtype} and shape {found.shape}; it must be a list of names")
    return [text.decode(errors="replace") for text in found[()].tolist()]

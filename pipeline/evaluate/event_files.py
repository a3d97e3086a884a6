"""Events and labels of a file, chunk by chunk: the file may be larger than memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from trigcnn.models import damage, hdf5, npz
from trigcnn.models.damage import check_size
from trigcnn.models.datasets.files import HDF5_SUFFIXES, HERE, NPZ_SUFFIXES, WRITE_AGAIN, no_such_array
from trigcnn.models.errors import DataError
from trigcnn.models.hdf5 import Hdf5File
from trigcnn.models.npz import Npz
from trigcnn.models.paths import require_file

_NPY_SUFFIXES = (".npy",)
_SUFFIXES = (*NPZ_SUFFIXES, *_NPY_SUFFIXES, *HDF5_SUFFIXES)
# Of what is in memory at a time.
_MOST_BYTES = 2**32
_BY_ROW = "save it with its rows one after the other (numpy.ascontiguousarray), and it is read piece by piece"


class _Rows(Protocol):
    """An array that is read from beginning to end."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape, the rows first."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        ...

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return rows; each call begins where the last one stopped."""
        ...


@dataclass(frozen=True)
class _Sliced:
    """An array with access to any slice: memory-mapped, or in HDF5."""

    array: Any
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        return np.asarray(self.array[start:stop])


@dataclass(frozen=True)
class _Streamed:
    """A member of a `.npz` file, unpacked while it is read."""

    stream: IO[bytes]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        shape = (stop - start, *self.shape[1:])
        wanted = math.prod(shape) * self.dtype.itemsize
        content = self.stream.read(wanted)
        if len(content) != wanted:
            raise EOFError(f"ends after row {start}, where {self.shape[0]} rows are announced")
        return np.frombuffer(content, self.dtype).reshape(shape)


@dataclass(frozen=True)
class _Joined:
    """The parts of events for a network of several inputs: each flattened, one after the other."""

    parts: tuple[_Rows, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.parts[0].shape[0], sum(math.prod(part.shape[1:]) for part in self.parts))

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(*(part.dtype for part in self.parts))

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        return np.concatenate([part.read(start, stop).reshape(stop - start, -1) for part in self.parts], axis=1)


@dataclass(frozen=True)
class EventFile:
    """An open file of events.

    Attributes:
        path: The file.
        where: What the events are, for messages.
        labels_where: What the labels are, for messages; None without labels.
    """

    path: Path
    where: str
    labels_where: str | None
    _events: _Rows
    _labels: _Rows | None

    @property
    def events(self) -> int:
        """Number of events."""
        return self._events.shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one event as it stands in the file."""
        return self._events.shape[1:]

    def chunks(self, size: int) -> Iterator[tuple[int, npt.NDArray[Any], npt.NDArray[Any] | None]]:
        """Return (index of the first event, events, labels or None), `size` events at a time.

        Raises:
            DataError: The file is damaged.
        """
        for rows in filter(None, (self._events, self._labels)):
            row = min(size, self.events) * math.prod(rows.shape[1:]) * rows.dtype.itemsize
            check_size(f"{self.path}, {size} events", row, _MOST_BYTES, "save plain numbers of fewer bits", DataError)
        for start in range(0, self.events, size):
            stop = min(start + size, self.events)
            with _damage_named(self.path):
                events = self._events.read(start, stop)
                labels = None if self._labels is None else self._labels.read(start, stop)
            yield start, events, labels


@contextmanager
def open_events(path: Path, *, events: Sequence[str], labels: str | None, labels_needed: bool) -> Iterator[EventFile]:
    """Open a file of events.

    Args:
        path: File that ends in `.npz`, `.npy`, `.h5` or `.hdf5`; not read whole.
        events: Names of the arrays of events, one per input of the network; a `.npy` file has one array only, with
            the parts of an event one after the other.
        labels: Name of the array of labels in it, or path of a `.npy` file; None for none.
        labels_needed: Whether missing labels are an error.

    Raises:
        DataError: The file or an array in it cannot be used; the message says which, and the fix.
    """
    mend = f"give --events a file that ends in {', '.join(_SUFFIXES)}"
    require_file(path, DataError, missing=f"no such file; {mend}", no_file=f"not a file; {mend}")
    if path.suffix.lower() not in _SUFFIXES:
        raise DataError(f"{path}: cannot be read; {mend}")
    with ExitStack() as stack:
        with _damage_named(path):
            opened = _Archive(path, stack)
        single = path.suffix.lower() in _NPY_SUFFIXES
        where = str(path) if single else f"{path}, {', '.join(events)}"
        parts = [_events(opened, name) for name in ([""] if single else events)]
        _check_equal([part.shape[0] for part in parts], where)
        rows = parts[0] if len(parts) == 1 else _Joined(tuple(parts))
        truth, truth_where = _labels(opened, labels, labels_needed, stack)
        if truth is not None and truth.shape[:1] != rows.shape[:1]:
            raise DataError(
                f"{truth_where}: {truth.shape[0]} labels for {rows.shape[0]} events; --events-array and --labels must "
                "name arrays of equal length"
            )
        yield EventFile(path, where, truth_where, rows, truth)


def _events(opened: _Archive, name: str) -> _Rows:
    with _damage_named(opened.path):
        rows = opened.rows(name, "--events-array")
    where = f"{opened.path}, {name}" if name else str(opened.path)
    _check(rows, where, "--events-array")
    if rows.dtype.kind not in "fiub":
        raise DataError(
            f"{where}: events of type {rows.dtype}, which are not real numbers; save them as floats or integers"
        )
    return rows


def _check_equal(events: list[int], where: str) -> None:
    if len(set(events)) > 1:
        raise DataError(
            f"{where}: arrays of {', '.join(map(str, events))} events; --events-array must name arrays of equal length"
        )


def _labels(opened: _Archive, labels: str | None, needed: bool, stack: ExitStack) -> tuple[_Rows | None, str | None]:
    path = opened.path
    if labels is None:
        return None, None
    if labels.lower().endswith(_NPY_SUFFIXES):
        other = Path(labels)
        require_file(other, DataError, missing="no such file; see --labels", no_file="not a file; see --labels")
        with _damage_named(other):
            rows = _Archive(other, stack).rows("", "--labels")
        where = str(other)
    elif path.suffix.lower() in _NPY_SUFFIXES:
        if needed:
            raise DataError(f"{path}: a .npy file has only one array; give --labels a .npy file of labels")
        return None, None
    else:
        with _damage_named(path):
            if not needed and not opened.has(labels):
                return None, None
            rows = opened.rows(labels, "--labels")
        where = f"{path}, {labels}"
    _check(rows, where, "--labels")
    return rows, where


def _check(rows: _Rows, where: str, option: str) -> None:
    if not rows.shape or 0 in rows.shape:
        raise DataError(f"{where}: no values, shape {rows.shape}; {option} needs an array with one row per event")


class _Archive:
    """The arrays of a file by name."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.path, self._stack = path, stack
        self._npz: Npz | None = None
        self._hdf5: Hdf5File | None = None
        suffix = path.suffix.lower()
        if suffix in NPZ_SUFFIXES:
            file = npz.opened(path, DataError, most_bytes=_MOST_BYTES, too_large=_BY_ROW)
            self._npz = stack.enter_context(file)
        elif suffix in HDF5_SUFFIXES:
            self._hdf5 = stack.enter_context(
                hdf5.opened(path, path, DataError, fix=HERE, most_bytes=_MOST_BYTES, too_large=WRITE_AGAIN)
            )

    def has(self, name: str) -> bool:
        if self._npz is not None:
            return name.strip("/") in self._npz.names
        return self._hdf5 is not None and self._hdf5.find(name) is not None

    def rows(self, name: str, option: str) -> _Rows:
        if self._npz is not None:
            if name.strip("/") not in self._npz.names:
                raise no_such_array(self.path, option, name, self._npz.names)
            return self._of_npz(self._npz, name.strip("/"))
        if self._hdf5 is not None:
            dataset = self._hdf5.find(name)
            if dataset is None:
                raise no_such_array(self.path, option, name, self._hdf5.names())
            return _Sliced(dataset, tuple(dataset.shape or ()), dataset.dtype)
        return self._of_npy()

    def _of_npy(self) -> _Rows:
        stream = self._stack.enter_context(self.path.open("rb"))
        header = npz.read_header(stream, self.path.stat().st_size, str(self.path), DataError)
        if 0 in header.shape:
            return _Sliced(np.empty(0), header.shape, header.dtype)
        order: Literal["F", "C"] = "F" if header.by_column else "C"
        array = np.memmap(stream, header.dtype, "r", stream.tell(), header.shape, order)
        return _Sliced(array, header.shape, header.dtype)

    def _of_npz(self, file: Npz, name: str) -> _Rows:
        header, stream = self._stack.enter_context(file.open(name))
        if header.by_column and len(header.shape) > 1:
            # Its rows are scattered over the whole file.
            whole = file.read(name)
            return _Sliced(whole, whole.shape, whole.dtype)
        return _Streamed(stream, header.shape, header.dtype)


def _damage_named(path: Path) -> AbstractContextManager[None]:
    return damage.damage_named(path, DataError, WRITE_AGAIN)

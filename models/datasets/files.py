"""Events and labels from a user's own `.npz` or HDF5 file, all checked before use."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.datasets.base import Dataset, Labels, split_stratified
from trigcnn.models.datasets.input_format import put_on_grid
from trigcnn.models.errors import DataError
from trigcnn.models.paths import require_file

NPZ_SUFFIXES = (".npz",)
HDF5_SUFFIXES = (".h5", ".hdf5")
SUFFIXES = NPZ_SUFFIXES + HDF5_SUFFIXES

# What zipfile, numpy and h5py raise on files that were cut off or overwritten in part; a header that was
# overwritten can claim any size, hence MemoryError.
DAMAGED = (OSError, EOFError, KeyError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)


def load(
    path: Path,
    *,
    input_format: FixedPoint | None,
    events: str | Sequence[str],
    labels: str,
    classes: Sequence[str] | None,
    saturate: bool,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> Dataset:
    """Load a data set from a file.

    Args:
        path: File that ends in `.npz`, `.h5` or `.hdf5`.
        input_format: Number format of the digitiser; files do not contain it, so it is required.
        events: Name of the array of events, `[n, features]`, `[n, h, w]` (which gets a channel axis) or
            `[n, h, w, channels]`; in HDF5 a path such as "jets/images". For a model of several inputs the names of
            several arrays, in the order of the inputs.
        labels: Name of the array of labels: `[n]` whole numbers from 0, or one-hot `[n, classes]`.
        classes: The classes' names; None names them by their numbers.
        saturate: Whether values beyond `input_format` stop at the ends of its range.
        validation_fraction: Share of all events to validate on.
        test_fraction: Share of all events to test on.
        seed: Seed of the split.

    Raises:
        DataError: The file or an array in it cannot be used; the message says which, and the fix.
    """
    if input_format is None:
        raise DataError(
            f"{path}: a file does not say what the detector's digitiser delivers; set data.input_format, "
            "for example ufixed<8,0>"
        )
    wanted = {"data.events": events} if isinstance(events, str) else _numbered("data.events", events)
    arrays = _read(path, {**wanted, "data.labels": labels})
    where = f"{path}, {labels}"
    indices, names = checked_labels(arrays["data.labels"], classes, where)
    parts = []
    for option, name in wanted.items():
        part = _checked_events(arrays[option], f"{path}, {name}")
        if indices.size != len(part):
            raise DataError(
                f"{where}: {indices.size} labels for {len(part)} events; {option} and data.labels must "
                "name arrays of equal length"
            )
        parts.append(put_on_grid(input_format, part, saturate=saturate, where=f"{path}, {name}"))
    several = len(parts) > 1
    train, validation, test = split_stratified(
        np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1) if several else parts[0],
        indices,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    shapes = tuple(part.shape[1:] for part in parts) if several else ()
    return Dataset(path.name, input_format, names, train, validation, test, shapes)


def _numbered(option: str, names: Sequence[str]) -> dict[str, str]:
    return {f"{option}[{number}]": name for number, name in enumerate(names)}


def _read(path: Path, wanted: dict[str, str]) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays that options name; the keys of `wanted` and of the result are those options."""
    require_file(
        path,
        DataError,
        missing="no such file; set data.source to an existing one",
        no_file=f"not a file; set data.source to a file that ends in {', '.join(SUFFIXES)}",
    )
    reader = _read_npz if path.suffix.lower() in NPZ_SUFFIXES else _read_hdf5
    try:
        arrays = reader(path, wanted)
    except DAMAGED as error:
        raise DataError(
            f"{path}: cannot be read, it is damaged, truncated or not accessible ({error}); write or copy it again"
        ) from error
    for option, array in arrays.items():
        if array.size == 0:
            raise DataError(f"{path}, {wanted[option]}: no values, shape {array.shape}; {option} needs some")
    return arrays


def _read_npz(path: Path, wanted: dict[str, str]) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {}
    if not zipfile.is_zipfile(path):
        raise DataError(
            f"{path}: not an npz file, or a truncated one; write it with numpy.savez(path, events=..., labels=...)"
        )
    # Pickles can run any code when they are read, so numpy is told to refuse them.
    with np.load(path, allow_pickle=False) as archive:
        for option, name in wanted.items():
            if name not in archive.files:
                raise no_such_array(path, option, name, archive.files)
            try:
                array = archive[name]
            except ValueError as error:
                raise DataError(
                    f"{path}, {name}: cannot be read ({error}); object arrays hold pickled Python objects, "
                    "which are never loaded: save plain numbers"
                ) from error
            if not isinstance(array, np.ndarray):
                raise DataError(f"{path}, {name}: not a numpy array; write the file with numpy.savez")
            arrays[option] = array
    return arrays


def _read_hdf5(path: Path, wanted: dict[str, str]) -> dict[str, npt.NDArray[Any]]:
    import h5py

    arrays: dict[str, npt.NDArray[Any]] = {}
    with h5py.File(path, "r") as file:
        present: list[str] = []
        file.visititems(lambda name, item: present.append(name) if isinstance(item, h5py.Dataset) else None)
        for option, name in wanted.items():
            if not isinstance(file.get(name), h5py.Dataset):
                raise no_such_array(path, option, name, present)
            array = file[name][()]
            if not isinstance(array, np.ndarray):
                raise DataError(f"{path}, {name}: a single value, not an array; {option} must name an array")
            arrays[option] = array
    return arrays


def no_such_array(path: Path, option: str, name: str, present: Sequence[str]) -> DataError:
    """Return the error that a file has no array of a name, with the closest name."""
    mend = did_you_mean(name.strip("/"), present) if present else "the file has none; write the arrays into it"
    return DataError(f"{path}: no array {name!r}, which {option} names; {mend}")


def _checked_events(events: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
    """Check type and shape, and add a channel axis to images without one."""
    if events.dtype.kind not in "fiub":
        raise DataError(
            f"{where}: events of type {events.dtype}, which are not real numbers; save them as floats or integers"
        )
    if events.ndim not in (2, 3, 4):
        raise DataError(
            f"{where}: events of shape {events.shape}; they must be [n, features], [n, height, width] or "
            "[n, height, width, channels]"
        )
    return events[..., np.newaxis] if events.ndim == 3 else events


def checked_labels(
    labels: npt.NDArray[Any], classes: Sequence[str] | None, where: str
) -> tuple[Labels, tuple[str, ...]]:
    """Check labels and give them as class indices, with the classes' names."""
    if labels.dtype.kind not in "fiub":
        raise DataError(
            f"{where}: labels of type {labels.dtype}; save them as whole numbers from 0, or one-hot, "
            "and name them in data.classes"
        )
    if labels.ndim == 2:
        number = labels.shape[1]
        if classes is not None and len(classes) != number:
            raise DataError(
                f"{where}: one-hot labels for {number} classes, but data.classes names {len(classes)}; "
                "give one name for each column"
            )
        labels = from_one_hot(labels, where)
    elif labels.ndim != 1:
        raise DataError(f"{where}: labels of shape {labels.shape}; they must be [n], or one-hot [n, classes]")
    elif labels.dtype.kind == "f":
        odd = ~(labels == np.rint(labels)) | np.isinf(labels)
        if odd.any():
            at = int(np.argmax(odd))
            raise DataError(
                f"{where}: {int(odd.sum())} labels are not whole numbers, the first {labels[at]} at index "
                f"{at}; save the classes' indices from 0"
            )
    names = _class_names(labels, classes, where)
    return labels.astype(np.int64), names


def from_one_hot(labels: npt.NDArray[Any], where: str) -> Labels:
    """Return one-hot labels, `[n, classes]`, as class indices, or raise a DataError."""
    bad = ~(((labels == 0) | (labels == 1)).all(axis=1) & ((labels == 1).sum(axis=1) == 1))
    if bad.any():
        at = int(np.argmax(bad))
        raise DataError(
            f"{where}: labels of shape {labels.shape} are not one-hot: {int(bad.sum())} rows are not one 1 "
            f"among zeros, the first at index {at}; save one-hot rows, or the classes' indices as [n]"
        )
    indices: Labels = np.argmax(labels, axis=1).astype(np.int64)
    return indices


def _class_names(labels: npt.NDArray[Any], classes: Sequence[str] | None, where: str) -> tuple[str, ...]:
    """Check the labels' range and give every class a name."""
    present = np.unique(labels.astype(np.int64) if labels.dtype.kind == "b" else labels)
    low, high = int(present[0]), int(present[-1])
    if high < 1 and (classes is None or len(classes) < 2):
        raise DataError(f"{where}: all labels are {high}; a classifier needs events of two classes or more")
    if classes is not None:
        if len(set(classes)) != len(classes):
            raise DataError(f"data.classes {list(classes)} names a class twice; give each class its own name")
        if low < 0 or high >= len(classes):
            raise DataError(
                f"{where}: labels from {low} to {high}, but data.classes names {len(classes)} classes, "
                f"0 to {len(classes) - 1}; name every class in data.classes"
            )
        return tuple(classes)
    if low < 0:
        raise DataError(f"{where}: labels from {low} to {high}; classes count from 0")
    if present.size != high + 1:
        gap = int(np.argmax(present != np.arange(present.size)))
        raise DataError(
            f"{where}: labels from {low} to {high}, but no event of class {gap}; number the classes without "
            "gaps, or name them all in data.classes"
        )
    return tuple(str(label) for label in range(high + 1))

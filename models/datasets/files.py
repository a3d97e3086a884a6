"""Events, and what is known of them, from a user's own `.npz` or HDF5 file, all checked before use."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.foreign import cut
from trigcnn.common.suggestions import did_you_mean
from trigcnn.models import hdf5, npz
from trigcnn.models.damage import damage_named
from trigcnn.models.datasets.base import Dataset, Events, Split, split_indices
from trigcnn.models.datasets.input_format import put_on_grid
from trigcnn.models.datasets.truths import Known, known
from trigcnn.models.errors import DataError
from trigcnn.models.paths import require_file

NPZ_SUFFIXES = (".npz",)
HDF5_SUFFIXES = (".h5", ".hdf5")
SUFFIXES = NPZ_SUFFIXES + HDF5_SUFFIXES

# The default of `data.labels`: an array of this name need not exist.
DEFAULT_LABELS = "labels"

MOST_GB = 8.0
"""The default of `data.max_gb`."""
WRITE_AGAIN = "write or copy it again"
HERE = "write the array itself into the file"
_TOO_LARGE = "write fewer events or a smaller type such as uint8, or set data.max_gb to what the memory holds"


def load(
    path: Path,
    *,
    input_format: FixedPoint | None,
    events: str | Sequence[str],
    labels: str | Mapping[str, str] | None,
    targets: str | Mapping[str, str] | None = None,
    weights: str | None = None,
    classes: Sequence[str] | Mapping[str, Sequence[str]] | None,
    saturate: bool,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    truth_needed: bool = False,
    max_gb: float = MOST_GB,
) -> Dataset:
    """Load a data set from a file.

    Args:
        path: File that ends in `.npz`, `.h5` or `.hdf5`.
        input_format: Number format of the digitiser; files do not contain it, so it is required.
        events: Name of the array of events, `[n, features]`, `[n, h, w]` (which gets a channel axis) or
            `[n, h, w, channels]`; in HDF5 a path such as "jets/images". For a model of several inputs the names of
            several arrays, in the order of the inputs.
        labels: Name of the array of labels, or names by output of a model of several outputs; see `truths.known`. None,
            or the default name where the file has no such array: no labels.
        targets: Name of the array of real values that the output is to give, or names by output.
        weights: Name of the array of the events' weights.
        classes: The classes' names, or by output; None names them by their numbers.
        saturate: Whether values beyond `input_format` stop at the ends of its range.
        validation_fraction: Share of all events to validate on.
        test_fraction: Share of all events to test on.
        seed: Seed of the split.
        truth_needed: Whether labels or targets must be there, because a network is to learn them.
        max_gb: Size of the largest array that is read, in GB.

    Raises:
        DataError: The file or an array in it cannot be used; the message says which, and the fix.
    """
    if input_format is None:
        raise DataError(
            f"{path}: a file does not say what the detector's digitiser delivers; set data.input_format, "
            "for example ufixed<8,0>"
        )
    of_events = {"data.events": events} if isinstance(events, str) else _numbered("data.events", events)
    of_labels, of_targets = by_output("data.labels", labels), by_output("data.targets", targets)
    by_default = labels == DEFAULT_LABELS
    if by_default and DEFAULT_LABELS in of_targets.values():
        of_labels = {}
    if truth_needed and not (of_labels or of_targets):
        raise DataError(
            f"{path}: a network that is trained needs labels or targets; name an array in data.labels or data.targets, "
            "or set training.enabled: false"
        )
    optional = {"data.labels"} if by_default and (of_targets or not truth_needed) else set()
    names = {**of_events, **of_labels, **of_targets, **({} if weights is None else {"data.weights": weights})}
    arrays = _read(path, names, optional, int(max_gb * 1e9))
    where = {option: f"{path}, {names[option]}" for option in arrays}
    parts = [
        put_on_grid(
            input_format, _checked_events(arrays[option], where[option]), saturate=saturate, where=where[option]
        )
        for option in of_events
    ]
    _check_lengths(arrays, where, next(iter(of_events)))
    found = known({option: (arrays[option], where[option]) for option in arrays}, classes, len(parts[0]))
    several = len(parts) > 1
    train, validation, test = _split(
        np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1) if several else parts[0],
        found,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    shapes = tuple(part.shape[1:] for part in parts) if several else ()
    return Dataset(path.name, input_format, found.classes, train, validation, test, shapes, truths=found.truths)


def _numbered(option: str, names: Sequence[str]) -> dict[str, str]:
    return {f"{option}[{number}]": name for number, name in enumerate(names)}


def by_output(option: str, names: str | Mapping[str, str] | None) -> dict[str, str]:
    """Return names of arrays by option, such as `data.labels`, or `data.labels.logits` for the output logits."""
    if names is None:
        return {}
    return {option: names} if isinstance(names, str) else {f"{option}.{key}": name for key, name in names.items()}


def _check_lengths(arrays: Mapping[str, npt.NDArray[Any]], where: Mapping[str, str], events: str) -> None:
    number = len(arrays[events])
    for option, array in arrays.items():
        size = len(array) if array.ndim else 1
        if size != number:
            what = "labels" if option.startswith("data.labels") else "entries"
            raise DataError(
                f"{where[option]}: {size} {what} for {number} events; {events} and {option} must name arrays of equal "
                "length"
            )


def _split(events: Events, found: Known, **how: Any) -> tuple[Split, Split, Split]:
    """Split events, and all that is known of them, with equal shares of each class."""
    whole = Split(events, found.labels, truths=found.arrays, weights=found.weights)
    first, second, third = (whole.at(indices) for indices in split_indices(found.labels, **how))
    for name, part in (("training", first), ("validation", second), ("test", third)):
        if part.weights is not None and not part.weights.any():
            raise DataError(f"data.weights: the weights of all {name} events are 0; give some of them a weight")
    return first, second, third


def _read(
    path: Path, wanted: dict[str, str], optional: Collection[str], most_bytes: int
) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays that options name.

    Args:
        path: The file.
        wanted: Names of the arrays by option.
        optional: Options whose array may be missing.
        most_bytes: Size up to which an array is read.

    Returns:
        The arrays by option.
    """
    require_file(
        path,
        DataError,
        missing="no such file; set data.source to an existing one",
        no_file=f"not a file; set data.source to a file that ends in {', '.join(SUFFIXES)}",
    )
    reader = _read_npz if path.suffix.lower() in NPZ_SUFFIXES else _read_hdf5
    with damage_named(path, DataError, WRITE_AGAIN):
        arrays = reader(path, wanted, optional, most_bytes)
    for option, array in arrays.items():
        if array.size == 0:
            raise DataError(f"{path}, {wanted[option]}: no values, shape {array.shape}; {option} needs some")
    return arrays


def _read_npz(
    path: Path, wanted: dict[str, str], optional: Collection[str], most_bytes: int
) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {}
    with npz.opened(path, DataError, most_bytes=most_bytes, too_large=_TOO_LARGE) as file:
        for option, name in wanted.items():
            if name in file.names:
                arrays[option] = file.read(name)
            elif option not in optional:
                raise no_such_array(path, option, name, file.names)
    return arrays


def _read_hdf5(
    path: Path, wanted: dict[str, str], optional: Collection[str], most_bytes: int
) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {}
    with hdf5.opened(path, path, DataError, fix=HERE, most_bytes=most_bytes, too_large=_TOO_LARGE) as file:
        for option, name in wanted.items():
            found = file.find(name)
            if found is None:
                if option in optional:
                    continue
                raise no_such_array(path, option, name, file.names())
            if not found.shape:
                raise DataError(f"{path}, {name}: a single value, not an array; {option} must name an array")
            arrays[option] = file.read(found, name)
    return arrays


def no_such_array(path: Path, option: str, name: str, present: Sequence[str]) -> DataError:
    """Return the error that a file has no array of a name, with the closest name."""
    mend = did_you_mean(name.strip("/"), present) if present else "the file has none; write the arrays into it"
    return DataError(f"{path}: no array {cut(name)!r}, which {option} names; {mend}")


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

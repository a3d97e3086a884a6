"""Sources of events: a registry by name, and users' own files."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.datasets import (
    calorimeter,
    cherenkov,
    cicada,
    cifar10,
    digits,
    edges,
    files,
    jet_features,
    jet_images,
    lhc_jet_features,
    lhc_jet_images,
    mnist,
    street_digits,
    svhn,
    waveforms,
)
from trigcnn.models.datasets.base import Dataset, DatasetInfo, Events, Split, Symmetry, split_stratified
from trigcnn.models.datasets.controls import Control, of_any
from trigcnn.models.datasets.input_format import parse_input_format
from trigcnn.models.datasets.published_set import PublishedSet
from trigcnn.models.errors import DataError

__all__ = [
    "Control",
    "Dataset",
    "DatasetInfo",
    "Split",
    "Symmetry",
    "available",
    "controls",
    "describe",
    "files_read",
    "load",
    "split_stratified",
]


class _Source(Protocol):
    """What is registered: a module that draws its events, or a `PublishedSet`."""

    @property
    def INFO(self) -> DatasetInfo: ...  # noqa: N802 - it is a constant of a module

    @property
    def load(self) -> Callable[..., Dataset]: ...


# The arguments of every source.
_GIVEN = ("input_format", "validation_fraction", "test_fraction", "seed")
_DRAWN: tuple[_Source, ...] = (
    digits,
    edges,
    street_digits,
    calorimeter,
    cherenkov,
    jet_images,
    jet_features,
    waveforms,
)
_PUBLISHED: dict[str, PublishedSet] = {
    module.SOURCE.INFO.name: module.SOURCE
    for module in (mnist, svhn, cifar10, lhc_jet_features, lhc_jet_images, cicada)
}
_SOURCES: dict[str, _Source] = {source.INFO.name: source for source in _DRAWN} | _PUBLISHED


def available() -> list[DatasetInfo]:
    """List the registered data sets.

    >>> [info.name for info in available()][:3]
    ['digits', 'edges', 'street_digits']
    """
    return [source.INFO for source in _SOURCES.values()]


def describe(name: str) -> dict[str, Any]:
    """Return a registered data set's options with their defaults."""
    if name in _PUBLISHED:
        return _PUBLISHED[name].options
    parameters = inspect.signature(_SOURCES[name].load).parameters
    return {key: parameter.default for key, parameter in parameters.items() if key not in _GIVEN}


def controls(name: str, events: Events, options: Mapping[str, Any]) -> tuple[Control, ...]:
    """Return control quantities of the events of a registered data set, one value per event.

    A module may offer its own `controls(events, options)`, with all options; the others use those of any image or
    vector.

    Args:
        name: Name of the data set.
        events: Some of its events.
        options: The options with which the data set was loaded; others have their defaults.
    """
    own = getattr(_SOURCES[name], "controls", None)
    if own is None:
        return of_any(events)
    measured: tuple[Control, ...] = own(events, describe(name) | dict(options))
    return measured


def files_read(source: str, options: Mapping[str, Any]) -> tuple[Path, ...]:
    """Return the files that a data set is read from, a user's own or those of a published set; some may be missing.

    Args:
        source: As for `load`.
        options: As for `load`; not checked.
    """
    if source in _PUBLISHED:
        folder = options.get("folder")
        if not (folder and isinstance(folder, str)):
            return ()
        try:
            return _PUBLISHED[source].files(Path(folder).expanduser(), options)
        except OSError:
            # The folder may not be readable; loading raises the error.
            return ()
    own = source not in _SOURCES and source.lower().endswith(files.SUFFIXES)
    return (Path(source),) if own else ()


def load(
    source: str,
    *,
    input_format: str | None,
    events: str | Sequence[str],
    labels: str | Mapping[str, str] | None,
    classes: Sequence[str] | Mapping[str, Sequence[str]] | None,
    saturate: bool,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    options: Mapping[str, Any] | None = None,
    targets: str | Mapping[str, str] | None = None,
    weights: str | None = None,
    truth_needed: bool = False,
    max_gb: float = files.MOST_GB,
) -> Dataset:
    """Load a data set, put its events on the digitiser's grid and split it.

    Args:
        source: A registered name, or the path of a file that ends in `.npz`, `.h5` or `.hdf5`.
        input_format: Such as "ufixed<4,0>"; None for the registered data set's own. A file needs one.
        events: Name of the array of events in a file, or of several; not used by registered data sets.
        labels: Name of the array of labels in a file, or names by output; None for none. Not used by registered data
            sets.
        classes: The classes' names, or by output, for a file only.
        saturate: Whether a file's values beyond `input_format` stop at the ends of its range.
        validation_fraction: Share of all events to validate on, above 0 and below 1.
        test_fraction: Share of all events to test on, above 0 and below 1.
        seed: Seed of the split and of sources that draw their events.
        options: Of a registered data set; see `describe`.
        targets: Name of an array of real values that the output is to give, or names by output, for a file only.
        weights: Name of the array of the events' weights, for a file only.
        truth_needed: Whether a file must hold labels or targets, because a network is to learn them.
        max_gb: Size of the largest array of a file, or of all events of a published set, that is read, in GB.

    Raises:
        DataError: No such data set or file, or its content cannot be used.
    """
    parsed = None if input_format is None else parse_input_format(input_format)
    if source in _SOURCES:
        if classes is not None:
            raise DataError(f"data.classes: the data set {source} has its own class names; remove the option")
        for option, value in (("targets", targets), ("weights", weights)):
            if value is not None:
                raise DataError(f"data.{option}: {source} is a data set of trigcnn, not a file; remove the option")
        limit = {"max_gb": max_gb} if source in _PUBLISHED else {}
        return _SOURCES[source].load(
            input_format=parsed,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            seed=seed,
            **limit,
            **_checked_options(source, options or {}),
        )
    if options:
        raise DataError(f"data.options: {source} is no data set that is drawn, so it has no options; remove them")
    path = Path(source).expanduser()
    if path.suffix.lower() not in files.SUFFIXES:
        raise DataError(
            f"data.source {source!r} is neither a data set nor a file that ends in "
            f"{', '.join(files.SUFFIXES)}; {did_you_mean(source, _SOURCES)}"
        )
    return files.load(
        path,
        input_format=parsed,
        events=events,
        labels=labels,
        targets=targets,
        weights=weights,
        classes=classes,
        saturate=saturate,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
        truth_needed=truth_needed,
        max_gb=max_gb,
    )


def _checked_options(source: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Check that a data set has the options, and that each has the type of its default."""
    known = describe(source)
    for name, value in options.items():
        if name not in known:
            mend = did_you_mean(name, known)
            raise DataError(f"data.options.{name}: the data set {source} has no such option; {mend}")
        if not _alike(value, known[name]):
            shown = list(known[name]) if isinstance(known[name], tuple) else known[name]
            raise DataError(f"data.options.{name}: {value!r} is not of the same kind as its default, {shown}")
    return dict(options)


def _alike(value: Any, default: Any) -> bool:
    """Return whether a value from a configuration can stand for a default: a whole number also for a real one."""
    if isinstance(default, tuple):
        # Lists of names may have any length; each number has its own meaning.
        names = all(isinstance(item, str) for item in default)
        items = default[:1] * len(value) if names and isinstance(value, list) else default
        return isinstance(value, list) and len(value) == len(items) and all(map(_alike, value, items))
    if isinstance(default, float):
        return type(value) in (int, float)
    return type(value) is type(default)

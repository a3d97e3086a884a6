"""Calorimeter regions as in the CICADA trigger of CMS, from HDF5 files in that project's format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.models.datasets import hdf5
from trigcnn.models.datasets.assembly import Part, pieces_of
from trigcnn.models.datasets.base import Dataset, DatasetInfo, Labels, Symmetry
from trigcnn.models.datasets.files import HDF5_SUFFIXES
from trigcnn.models.datasets.input_format import parse_input_format
from trigcnn.models.datasets.published import Publication
from trigcnn.models.datasets.published_set import PublishedSet, Wanted
from trigcnn.models.errors import DataError

REGIONS, FLAGS = "CaloRegions", "AcceptanceFlag"
PHI, ETA = 18, 14
BACKGROUND, SIGNAL = "Background", "Signal"
"""Subfolders; without them, background files are recognized by the beginning of their names."""
_BACKGROUND_NAMES = ("zerobias", "ephemeralzerobias", "zb", "ezb", "background")

INFO = DatasetInfo(
    name="cicada",
    description="calorimeter regions in the format of the CICADA trigger of CMS, from HDF5 files in a folder; "
    "background and a class for each signal file",
    events="all",
    shape="18x14x1",
    input_format="ufixed<10,10>",
    files=f"{BACKGROUND}/*.h5 and {SIGNAL}/*.h5, or background files ZeroBias*.h5, ZB*.h5 or EZB*.h5 beside signal "
    "files *.h5",
)
PUBLICATION = Publication(
    INFO,
    "written by the CICADA project of CMS, arXiv:2310.06047, which gives its files on request, or by its script that "
    f"converts ROOT files: arrays {REGIONS} [n, 18, 14] and {FLAGS} [n]",
)


@dataclass(frozen=True)
class _Source:
    """One file, and which of its events are taken, as indices."""

    path: Path
    taken: Labels
    label: int


def files(folder: Path, options: Mapping[str, Any]) -> tuple[Path, ...]:
    """List the files that are read."""
    background, signals = _found(folder)
    return (*background, *signals)


def read(wanted: Wanted, *, accepted_only: bool = True, merge_signals: bool = False) -> Dataset:
    """Read the regions: counts of transverse energy on 18 (azimuth) x 14 (pseudorapidity) regions.

    Files are read piece by piece. In memory: 1 kB an event.

    Args:
        wanted: Its folder holds the files, in `Background` and `Signal` or without subfolders. Its format has unsigned
            whole numbers; None for ufixed<10,10>. Larger energies saturate.
        accepted_only: Whether to leave out signal events whose flag says that no jet is within the acceptance.
        merge_signals: Whether all signals are one class.

    Raises:
        DataError: The format does not fit, or a file is missing or has the wrong content.
    """
    chosen = wanted.input_format or parse_input_format(INFO.input_format)
    if chosen.signed or chosen.integer != chosen.width:
        raise DataError(
            f"data.input_format {chosen} does not fit calorimeter regions, which count from 0; use "
            f"{INFO.input_format}, or ufixed<W,W> with another number of bits"
        )
    background, signals = _found(wanted.folder)
    for kind, found in (("background", background), ("signal", signals)):
        if not found:
            raise PUBLICATION.missing(wanted.folder, f"no {kind} file")
    sources = [_source(path, 0, accepted_only=False) for path in background]
    sources += [
        _source(path, 1 if merge_signals else 1 + number, accepted_only=accepted_only)
        for number, path in enumerate(signals)
    ]
    labels = np.concatenate([np.full(source.taken.size, source.label) for source in sources])
    part = Part(str(wanted.folder), labels, lambda: _pieces(sources))
    names = ("signal",) if merge_signals else tuple(path.stem for path in signals)
    notes = tuple(f"{source.path.name}: {source.taken.size} events" for source in sources)
    symmetries: tuple[Symmetry, ...] = ("roll_rows", "flip_columns")
    return wanted.dataset(INFO, chosen, ("background", *names), part, None, symmetries=symmetries, notes=notes)


SOURCE = PublishedSet(PUBLICATION, files, read)


def _found(folder: Path) -> tuple[list[Path], list[Path]]:
    """Background and signal files, sorted by name."""
    if (folder / BACKGROUND).is_dir() or (folder / SIGNAL).is_dir():
        return _hdf5_files(folder / BACKGROUND), _hdf5_files(folder / SIGNAL)
    found = _hdf5_files(folder)
    background = [path for path in found if path.name.lower().startswith(_BACKGROUND_NAMES)]
    return background, [path for path in found if path not in background]


def _hdf5_files(folder: Path) -> list[Path]:
    return sorted(path for suffix in HDF5_SUFFIXES for path in folder.glob(f"*{suffix}"))


def _source(path: Path, label: int, *, accepted_only: bool) -> _Source:
    """Look at a file: shape, type, and which events are accepted."""
    with hdf5.opened(path) as file:
        regions = hdf5.in_file(file, REGIONS)
        events = regions.shape[0] if regions.shape else 0
        if regions.dtype.kind not in "fiub" or regions.shape not in _shapes(events) or not events:
            raise DataError(
                f"{path}, {REGIONS}: of shape {regions.shape} and type {regions.dtype}; it must be numbers "
                f"[n, {PHI}, {ETA}], [n, {PHI}, {ETA}, 1] or [n, {PHI * ETA}], azimuth first"
            )
        taken = np.arange(events)
        # Background files, and signal files without the generator's jets, have no flags or an empty array.
        if accepted_only and (found := file.find(FLAGS)) is not None and found.size:
            flags = file.read(hdf5.array(file, FLAGS, (events,)), FLAGS)
            taken = np.flatnonzero(flags)
            if not taken.size:
                raise DataError(
                    f"{path}, {FLAGS}: none of {events} events is accepted; set data.options.accepted_only: false to "
                    "take them all, or remove the file"
                )
    return _Source(path, taken, label)


def _shapes(events: int) -> Sequence[tuple[int, ...]]:
    return (events, PHI, ETA), (events, PHI, ETA, 1), (events, PHI * ETA)


def _pieces(sources: Sequence[_Source]) -> Iterator[npt.NDArray[Any]]:
    for source in sources:
        with hdf5.opened(source.path) as file:
            regions = hdf5.in_file(file, REGIONS)
            for piece in pieces_of(regions.shape[0], PHI * ETA):
                counts = regions[piece].reshape(-1, PHI, ETA, 1)
                _check_counts(counts, f"{source.path}, {REGIONS}", piece.start)
                low, high = np.searchsorted(source.taken, [piece.start, piece.stop])
                yield counts[source.taken[low:high] - piece.start]


def _check_counts(counts: npt.NDArray[Any], where: str, first: int) -> None:
    wrong = ~((counts >= 0) & (counts == np.rint(counts))).reshape(len(counts), -1).all(axis=1)
    if wrong.any():
        raise DataError(
            f"{where}: energies that are not whole numbers from 0, first in event {first + int(np.argmax(wrong))}; "
            "they must be the trigger's counts, not GeV or scaled values"
        )

"""The sixteen input features of hls4ml's jet tagger, from published files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.models.damage import check_size
from trigcnn.models.datasets import arff, hdf5
from trigcnn.models.datasets.assembly import Choice, Part, pieces_of
from trigcnn.models.datasets.base import Dataset, DatasetInfo, Labels
from trigcnn.models.datasets.input_format import parse_input_format
from trigcnn.models.datasets.lhc_jets import CLASSES, FILES, WHERE, jet_files, read_jets, required_jet_files
from trigcnn.models.datasets.published import Publication
from trigcnn.models.datasets.published_set import PublishedSet, Wanted
from trigcnn.models.datasets.truths import from_one_hot
from trigcnn.models.errors import DataError

FEATURES = (
    "zlogz",
    "c1_b0_mmdt",
    "c1_b1_mmdt",
    "c1_b2_mmdt",
    "c2_b1_mmdt",
    "c2_b2_mmdt",
    "d2_b1_mmdt",
    "d2_b2_mmdt",
    "d2_a1_b1_mmdt",
    "d2_a1_b2_mmdt",
    "m2_b1_mmdt",
    "m2_b2_mmdt",
    "n2_b1_mmdt",
    "n2_b2_mmdt",
    "mass_mmdt",
    "multiplicity",
)
"""Sum of z log z, energy correlation functions and mass of the groomed jet, number of particles."""

INFO = DatasetInfo(
    name="lhc_jet_features",
    description="sixteen features of simulated LHC jets, from published files in a folder; five classes",
    events="880000",
    shape="16",
    input_format="fixed<16,6>",
    files=f"train/{FILES} and val/{FILES} (or {FILES}), or one file *.arff, or one *.z",
)
PUBLICATION = Publication(
    INFO,
    f"{WHERE}; the .arff file as OpenML data set 42468, 'hls4ml_lhc_jets_hlf'; the .z file, HDF5 with the table "
    "t_allpar_new, by the hls4ml project",
)
_TABLE = "t_allpar_new"


@dataclass(frozen=True)
class _Jets:
    """Features `[n, 16]` and classes `[n]` of the jets of a file."""

    features: npt.NDArray[np.float64]
    labels: Labels


def files(folder: Path, options: Mapping[str, Any]) -> tuple[Path, ...]:
    """List the files that are read."""
    train, test = jet_files(folder, options)
    return (*train, *test) or tuple(sorted(path for suffix in ("*.arff", "*.z") for path in folder.glob(suffix)))


def read(wanted: Wanted, *, max_files: int = 0, standardise: bool = True) -> Dataset:
    """Read the features, each minus its mean and divided by its standard deviation.

    Mean and deviation are those of the training events. The data set's notes list them: inputs of the network in the
    experiment must be standardised in the same way. Values beyond the format saturate; in fixed<16,6> it holds 32
    deviations, in steps of 1/1024. Jets with a feature that is NaN or infinite are left out. In memory: 130 MB of
    features and 60 MB of events.

    Args:
        wanted: Its folder holds HDF5 files, in `train` and `val` or without subfolders, or an ARFF or a `.z` file.
        max_files: How many HDF5 files to take of each folder; 0 for all.
        standardise: Whether features are standardised; otherwise they stay as published.

    Raises:
        DataError: A file is missing or not what it should be, or the format is missing.
    """
    if wanted.input_format is None and not standardise:
        raise DataError(
            "data.options.standardise is false: set data.input_format to one that holds the features as published"
        )
    published = [paths for paths in required_jet_files(PUBLICATION, wanted.folder, max_files) if paths]
    jets = [_together([_from_hdf5(path) for path in paths]) for paths in published] or [_single(wanted.folder)]
    whole = [_finite(each) for each in jets]
    lost = sum(each.labels.size for each in jets) - sum(each.labels.size for each in whole)
    choice = wanted.choose(whole[0].labels, whole[1].labels if len(whole) > 1 else None)
    mean, deviation = _scale(whole[0], choice) if standardise else (np.zeros(len(FEATURES)), np.ones(len(FEATURES)))
    parts = [_part(str(wanted.folder), each, mean, deviation) for each in whole]
    notes = [f"{lost} jets with features that are NaN or infinite were left out"] if lost else []
    if standardise:
        scale = (f"{n} {m:.9g} {d:.9g}" for n, m, d in zip(FEATURES, mean, deviation, strict=True))
        notes.append(f"standardised; name, mean and deviation of each feature: {', '.join(scale)}")
    chosen = wanted.input_format or parse_input_format(INFO.input_format)
    test = parts[1] if len(parts) > 1 else None
    return wanted.dataset(INFO, chosen, CLASSES, parts[0], test, choice=choice, notes=tuple(notes))


SOURCE = PublishedSet(PUBLICATION, files, read)


def _part(where: str, jets: _Jets, mean: npt.NDArray[np.float64], deviation: npt.NDArray[np.float64]) -> Part:
    return Part(
        where,
        jets.labels,
        lambda: ((jets.features[piece] - mean) / deviation for piece in pieces_of(jets.labels.size, len(FEATURES))),
    )


def _scale(jets: _Jets, choice: Choice) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and deviation of the training events; a feature that is always the same is left as wide as it is."""
    trained = jets.features[choice.train]
    deviation = trained.std(axis=0)
    return trained.mean(axis=0), np.where(deviation == 0, 1, deviation)


def _finite(jets: _Jets) -> _Jets:
    whole = np.isfinite(jets.features).all(axis=1)
    if not whole.any():
        raise DataError("all jets have features that are NaN or infinite; take the published files")
    return jets if whole.all() else _Jets(jets.features[whole], jets.labels[whole])


def _together(several: Sequence[_Jets]) -> _Jets:
    return _Jets(np.concatenate([jets.features for jets in several]), np.concatenate([jets.labels for jets in several]))


def _from_hdf5(path: Path) -> _Jets:
    return _Jets(*read_jets(path, FEATURES))


def _single(folder: Path) -> _Jets:
    """Read the one ARFF or `.z` file of a folder."""
    found = files(folder, {})
    if not found:
        raise PUBLICATION.missing(folder, "no such files")
    if len(found) > 1:
        raise DataError(f"{folder}: holds {', '.join(path.name for path in found)}; leave only one of them there")
    return _from_arff(found[0]) if found[0].suffix == ".arff" else _from_table(found[0])


def _from_arff(path: Path) -> _Jets:
    table = arff.read(path)
    absent = [name for name in FEATURES if name not in table.columns]
    if absent or set(table.classes) != set(CLASSES):
        raise DataError(
            f"{path}: columns {', '.join(table.columns)} and classes {', '.join(table.classes)}; there must be columns "
            f"{', '.join(FEATURES)} and classes {', '.join(CLASSES)}; take the published file"
        )
    order = np.array([CLASSES.index(name) for name in table.classes])
    return _Jets(table.values[:, [table.columns.index(name) for name in FEATURES]], order[table.labels])


def _from_table(path: Path) -> _Jets:
    with hdf5.opened(path) as file:
        table = hdf5.in_file(file, _TABLE)
        wanted = [f"j_{name}" for name in (*FEATURES, *CLASSES)]
        fields = table.dtype.fields or {}
        absent = [name for name in wanted if name not in fields or fields[name][0].kind not in "fiub"]
        if absent or len(table.shape) != 1 or not table.size:
            raise DataError(
                f"{path}, {_TABLE}: of shape {table.shape}, without real columns {', '.join(absent) or 'or rows'}; "
                "take the published file"
            )
        check_size(f"{path}, {_TABLE}", table.nbytes, file.most_bytes, file.too_large, file.error)
        rows = table.fields(wanted)[()]
    columns = np.stack([rows[name].astype(np.float64) for name in wanted], axis=1)
    return _Jets(columns[:, : len(FEATURES)], from_one_hot(columns[:, len(FEATURES) :], f"{path}, {_TABLE}"))

"""The HDF5 files of the HLS4ML LHC jet data set: where they are, features by name, images, classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.models.datasets import hdf5
from trigcnn.models.datasets.assembly import pieces_of
from trigcnn.models.datasets.base import Labels
from trigcnn.models.datasets.published import Publication
from trigcnn.models.datasets.truths import from_one_hot
from trigcnn.models.errors import DataError

CLASSES = ("g", "q", "w", "z", "t")
"""Jets of gluons, light quarks, W and Z bosons and top quarks, as the published files call them."""

TRAIN, TEST = "train", "val"
"""Folders that the two published archives unpack to."""

FILES = "jetImage_*.h5"
WHERE = (
    "published as 'HLS4ML LHC Jet dataset (150 particles)', doi:10.5281/zenodo.3602260, and as one of 100 particles, "
    "doi:10.5281/zenodo.3602254"
)

_NAMES, _TABLE = "jetFeatureNames", "jets"
_PREFIX = "j_"


def jet_files(folder: Path, options: Mapping[str, Any]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """List the files for training and for the test, sorted by name.

    Args:
        folder: The folder with the subfolders `train` and `val`, or with files themselves.
        options: Of the data set; `max_files` says how many to take of each folder, 0 for all.

    Returns:
        Those for training and those for the test; without subfolders, all of them and none.
    """
    limit = options.get("max_files", 0)
    last = limit if isinstance(limit, int) and limit > 0 else None
    if not _divided(folder):
        return tuple(sorted(folder.glob(FILES))[:last]), ()
    return tuple(sorted((folder / TRAIN).glob(FILES))[:last]), tuple(sorted((folder / TEST).glob(FILES))[:last])


def required_jet_files(
    publication: Publication, folder: Path, max_files: int
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """List the files as `jet_files`, and refuse a subfolder without any.

    Raises:
        DataError: There is one subfolder with files alone, or the limit is negative.
    """
    if max_files < 0:
        raise DataError(f"data.options.max_files {max_files}: give a number of files, or 0 for all")
    train, test = jet_files(folder, {"max_files": max_files})
    for name, found in ((TRAIN, train), (TEST, test)):
        if _divided(folder) and not found:
            raise publication.missing(folder, f"no {FILES} in {name}")
    return train, test


def _divided(folder: Path) -> bool:
    return (folder / TRAIN).is_dir() or (folder / TEST).is_dir()


def read_jets(path: Path, features: Sequence[str]) -> tuple[npt.NDArray[np.float64], Labels]:
    """Read features of all jets of a file, and their classes.

    Args:
        path: The file.
        features: Their names, without the `j_` that is before them in the file.

    Returns:
        Shapes `[n, features]` and `[n]`.

    Raises:
        DataError: The file cannot be read, or has no such columns.
    """
    with hdf5.opened(path) as file:
        columns = hdf5.names(file, _NAMES)
        wanted = [f"{_PREFIX}{name}" for name in (*features, *CLASSES)]
        absent = [name for name in wanted if name not in columns]
        if absent:
            raise DataError(
                f"{path}, {_NAMES}: no column {', '.join(absent)}; there are: {', '.join(columns)}; take the "
                "published file"
            )
        table = file.read(hdf5.array(file, _TABLE, (None, len(columns))), _TABLE).astype(np.float64)
    picked = table[:, [columns.index(name) for name in wanted]]
    return picked[:, : len(features)], from_one_hot(picked[:, len(features) :], f"{path}, {_TABLE}")


def image_shape(path: Path, image: str, jets: int) -> tuple[int, int]:
    """Return height and width of a file's images, of which there must be one for each jet."""
    with hdf5.opened(path) as file:
        found = hdf5.array(file, image, (None, None, None))
        if found.shape[0] != jets:
            raise DataError(f"{path}, {image}: {found.shape[0]} images of {jets} jets; copy or download it again")
        _, height, width = found.shape
        return height, width


def read_images(paths: Sequence[Path], image: str) -> Iterator[npt.NDArray[Any]]:
    """Read the images of files piece by piece, `[k, height, width]`."""
    for path in paths:
        with hdf5.opened(path) as file:
            found = hdf5.in_file(file, image)
            for piece in pieces_of(found.shape[0], found.shape[1] * found.shape[2]):
                yield found[piece]

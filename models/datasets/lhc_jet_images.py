"""Images of jets, transverse momentum by place around the jet's axis, from published files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.datasets.assembly import Part
from trigcnn.models.datasets.base import Dataset, DatasetInfo
from trigcnn.models.datasets.input_format import parse_input_format
from trigcnn.models.datasets.lhc_jets import (
    CLASSES,
    FILES,
    WHERE,
    image_shape,
    jet_files,
    read_images,
    read_jets,
    required_jet_files,
)
from trigcnn.models.datasets.published import Publication
from trigcnn.models.datasets.published_set import PublishedSet, Wanted
from trigcnn.models.errors import DataError

INFO = DatasetInfo(
    name="lhc_jet_images",
    description="images of simulated LHC jets, from published HDF5 files in a folder; five classes",
    events="880000",
    shape="100x100x1 (option)",
    input_format="ufixed<12,11>",
    files=f"train/{FILES} and val/{FILES}, or {FILES}",
)
PUBLICATION = Publication(INFO, WHERE)

IMAGES = ("jetImage", "jetImageECAL", "jetImageHCAL")


def files(folder: Path, options: Mapping[str, Any]) -> tuple[Path, ...]:
    """List the files that are read."""
    train, test = jet_files(folder, options)
    return (*train, *test)


def read(wanted: Wanted, *, max_files: int = 0, image: str = "jetImage", rebin: int = 1) -> Dataset:
    """Read the images; pixels are transverse momenta in GeV.

    The default format counts in steps of 0.5 GeV, as CMS' calorimeter trigger does, up to 2047.5 GeV; larger values
    saturate. Files are read piece by piece. In memory: 40 kB for each event of 100x100 pixels, so 0.4 GB for a file
    of 10000 jets; use `rebin`, `max_files` or `max_events`.

    Args:
        wanted: Its folder holds the files, in `train` and `val` or without subfolders.
        max_files: How many files to take of each folder; 0 for all.
        image: Which of the images: jetImage, jetImageECAL or jetImageHCAL.
        rebin: Pixels to add up along each axis; it must divide the image's size.

    Raises:
        DataError: A file is missing or not what it should be, or an option does not fit.
    """
    if image not in IMAGES:
        raise DataError(f"data.options.image: {image!r} is not known; {did_you_mean(image, IMAGES)}")
    train, test = required_jet_files(PUBLICATION, wanted.folder, max_files)
    if not train:
        raise PUBLICATION.missing(wanted.folder, f"no {FILES}")
    labels = {path: read_jets(path, ())[1] for path in (*train, *test)}
    _check_shapes({path: image_shape(path, image, of.size) for path, of in labels.items()}, image, rebin)
    parts = [
        Part(
            f"{paths[0].parent}, {image}",
            np.concatenate([labels[path] for path in paths]),
            lambda paths=paths: _pieces(paths, image, rebin),  # type: ignore[misc]
        )
        for paths in (train, test)
        if paths
    ]
    chosen = wanted.input_format or parse_input_format(INFO.input_format)
    return wanted.dataset(INFO, chosen, CLASSES, parts[0], parts[1] if test else None)


SOURCE = PublishedSet(PUBLICATION, files, read)


def _check_shapes(shapes: Mapping[Path, tuple[int, int]], image: str, rebin: int) -> None:
    first, shape = next(iter(shapes.items()))
    for path, other in shapes.items():
        if other != shape:
            raise DataError(
                f"{path}, {image}: images of {other[0]}x{other[1]} pixels, but {shape[0]}x{shape[1]} in {first}; keep "
                "files of one kind in the folder"
            )
    if rebin < 1 or any(side % rebin for side in shape):
        raise DataError(f"data.options.rebin {rebin}: must divide the {shape[0]}x{shape[1]} pixels of the images")


def _pieces(paths: Sequence[Path], image: str, rebin: int) -> Iterator[npt.NDArray[Any]]:
    for piece in read_images(paths, image):
        events, height, width = piece.shape
        blocks = piece.reshape(events, height // rebin, rebin, width // rebin, rebin)
        yield blocks.sum(axis=(2, 4))[..., np.newaxis]

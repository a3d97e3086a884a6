"""House numbers as they are published: the cropped digits (format 2) of SVHN, in MATLAB files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.models.datasets import matlab
from trigcnn.models.datasets.assembly import Part, checked_labels, pieces_of
from trigcnn.models.datasets.base import Dataset, DatasetInfo, Labels
from trigcnn.models.datasets.published import (
    Publication,
    content_of,
    originality,
    unit_format,
)
from trigcnn.models.datasets.published_set import PublishedSet, Wanted
from trigcnn.models.errors import DataError

TRAIN, TEST = "train_32x32.mat", "test_32x32.mat"

INFO = DatasetInfo(
    name="svhn",
    description="the Street View House Numbers (SVHN), from its two files of cropped digits in a folder; ten classes",
    events="99289",
    shape="32x32x3",
    input_format="ufixed<8,0>",
    files=f"{TRAIN} and {TEST}",
)
PUBLICATION = Publication(
    INFO,
    "published as 'Format 2: Cropped Digits' on the page 'The Street View House Numbers (SVHN) Dataset' of Stanford "
    "University",
)

PIXELS, COLOURS = 32, 3
_ZERO = 10
"""The label of the digit 0; all others are the digit itself."""
_MD5 = {TRAIN: "e26dedcc434d2e4c54c9b2d4a06d8373", TEST: "eb5a983be6a315427106f1b164d9cef3"}


def files(folder: Path, options: Mapping[str, Any]) -> tuple[Path, ...]:
    """List the files that are read."""
    return (folder / TRAIN, folder / TEST)


def read(wanted: Wanted) -> Dataset:
    """Read the images of 32x32 pixels with three channels, each value divided by 256, which is exact.

    In memory: the files twice, packed and not (550 MB), and 1.2 GB of events.

    Raises:
        DataError: The format does not fit, or a file is missing or not what its name says.
    """
    chosen = unit_format(wanted.input_format, INFO)
    found: dict[str, str] = {}
    train, test = _part(wanted.folder, TRAIN, found), _part(wanted.folder, TEST, found)
    notes = (originality(found, _MD5),)
    return wanted.dataset(INFO, chosen, "0123456789", train, test, symmetries=("shift",), notes=notes)


SOURCE = PublishedSet(PUBLICATION, files, read)


def _part(folder: Path, name: str, found: dict[str, str]) -> Part:
    """Read a file; adds its MD5 to `found`."""
    path = folder / name
    if not path.exists():
        raise PUBLICATION.missing(folder, f"no file {name}")
    content = content_of(path)
    arrays = matlab.read(path, content)
    found[name] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    images = _images(arrays, path)
    return Part(
        str(path),
        _labels(arrays, images.shape[3], path),
        # In the file the image's number comes last.
        lambda: (
            images[..., piece].transpose(3, 0, 1, 2) / np.float32(256)
            for piece in pieces_of(images.shape[3], COLOURS * PIXELS**2)
        ),
    )


def _images(arrays: matlab.Arrays, path: Path) -> npt.NDArray[np.uint8]:
    images = arrays.get("X")
    if images is None or images.dtype != np.uint8 or images.shape[:3] != (PIXELS, PIXELS, COLOURS) or images.ndim != 4:
        raise DataError(
            f"{path}: {_shown(arrays, 'X')}; images must be 32x32x3xn of uint8, as in the cropped digits (format 2)"
        )
    if not images.size:
        raise DataError(f"{path}: holds no images; copy or download it again")
    return images


def _labels(arrays: matlab.Arrays, images: int, path: Path) -> Labels:
    labels = arrays.get("y")
    if labels is None or labels.size != images or sorted(labels.shape) != sorted((1, images)):
        raise DataError(
            f"{path}: {_shown(arrays, 'y')}; labels must be {images}x1 numbers, one for each image of X; copy or "
            "download the file again"
        )
    flat = labels.reshape(-1)
    if flat.dtype.kind == "f" and not (flat == np.rint(flat)).all():
        raise DataError(f"{path}: labels of y are no whole numbers; copy or download the file again")
    return checked_labels(flat, range(1, _ZERO + 1), f"{path}, y") % _ZERO


def _shown(arrays: matlab.Arrays, name: str) -> str:
    if name not in arrays:
        return f"no array {name} of numbers; there are: {', '.join(arrays) or 'none'}"
    return f"the array {name} is {'x'.join(map(str, arrays[name].shape))} of {arrays[name].dtype}"

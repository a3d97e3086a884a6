"""Handwritten digits as they are published: the four IDX files of MNIST, packed with gzip or not."""

from __future__ import annotations

import gzip
import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.models.damage import MOST_PUBLISHED_BYTES, check_size
from trigcnn.models.datasets.assembly import Part, checked_labels, pieces_of
from trigcnn.models.datasets.base import Dataset, DatasetInfo
from trigcnn.models.datasets.published import (
    Publication,
    damage_named,
    head_of,
    listed,
    looks_like,
    originality,
    unit_format,
)
from trigcnn.models.datasets.published_set import PublishedSet, Wanted
from trigcnn.models.errors import DataError

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"

INFO = DatasetInfo(
    name="mnist",
    description="handwritten digits of MNIST, from its four files in a folder; ten classes",
    events="70000",
    shape="28x28x1",
    input_format="ufixed<8,0>",
    files=f"{listed([TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS])}, each as it is or as .gz",
)
PUBLICATION = Publication(
    INFO,
    "published as 'The MNIST database of handwritten digits' by LeCun, Cortes and Burges; described in "
    "doi:10.1109/5.726791",
)

PIXELS = 28
_HEAD = 512
_IMAGES, _LABELS = 2051, 2049
_MAGIC = {_IMAGES: "images", _LABELS: "labels"}
# Of the unpacked files: gzip's own header differs between copies.
_MD5 = {
    TRAIN_IMAGES: "6bbc9ace898e44ae57da46a324031adb",
    TRAIN_LABELS: "a25bea736e30d166cdddb491f175f624",
    TEST_IMAGES: "2646ac647ad5339dbf082846283269ea",
    TEST_LABELS: "27ae3e4e09519cfbb04c329615203637",
}


def files(folder: Path, options: Mapping[str, Any]) -> tuple[Path, ...]:
    """List the files that are read; one that is missing by its unpacked name."""
    return tuple(_place(folder, name) for name in _MD5)


def read(wanted: Wanted) -> Dataset:
    """Read the images of 28x28 pixels with one channel, each pixel divided by 256, which is exact.

    In memory: the files (55 MB) and 220 MB of events.

    Raises:
        DataError: The format does not fit, or a file is missing or not what its name says.
    """
    chosen = unit_format(wanted.input_format, INFO)
    found: dict[str, str] = {}
    train = _part(wanted.folder, TRAIN_IMAGES, TRAIN_LABELS, found)
    test = _part(wanted.folder, TEST_IMAGES, TEST_LABELS, found)
    notes = (originality(found, _MD5),)
    return wanted.dataset(INFO, chosen, "0123456789", train, test, symmetries=("shift",), notes=notes)


SOURCE = PublishedSet(PUBLICATION, files, read)


def _place(folder: Path, name: str) -> Path:
    packed = folder / f"{name}.gz"
    return packed if packed.exists() and not (folder / name).exists() else folder / name


def _part(folder: Path, images_name: str, labels_name: str, found: dict[str, str]) -> Part:
    """Read a pair of files; adds the MD5 of both to `found`."""
    images_path, labels_path = _place(folder, images_name), _place(folder, labels_name)
    labels = _read_idx(folder, labels_name, _LABELS, found)
    images = _read_idx(folder, images_name, _IMAGES, found)
    if images.shape[1:] != (PIXELS, PIXELS):
        raise DataError(
            f"{images_path}: images of {images.shape[1]}x{images.shape[2]} pixels; those of {INFO.name} have "
            f"{PIXELS}x{PIXELS}; take the published file, or bring your own images as .npz"
        )
    if len(images) != labels.size:
        raise DataError(
            f"{labels_path}: {labels.size} labels for the {len(images)} images of {images_path.name}; take both files "
            "from the same source"
        )
    return Part(
        str(images_path),
        checked_labels(labels, range(10), str(labels_path)),
        lambda: (images[piece, ..., np.newaxis] / np.float32(256) for piece in pieces_of(len(images), PIXELS**2)),
    )


def _read_idx(folder: Path, name: str, magic: int, found: dict[str, str]) -> npt.NDArray[np.uint8]:
    """Read an IDX file of bytes: a magic number, the size of each axis (big endian, 4 bytes each), the values."""
    path = _place(folder, name)
    if not path.exists():
        raise PUBLICATION.missing(folder, f"no file {name} or {name}.gz")
    packed = looks_like(head_of(path)) == "a gzip file"
    with damage_named(path), gzip.open(path) if packed else path.open("rb") as stream:
        head = stream.read(_HEAD)
        shape = _shape(head, path, magic)
        start = 4 * (1 + len(shape))
        wanted = start + math.prod(shape)
        check_size(str(path), wanted, MOST_PUBLISHED_BYTES, "copy or download it again", DataError)
        content = head + stream.read(max(0, wanted - len(head)))
        longer = len(content) > wanted or stream.read(1)
    if longer or len(content) < wanted:
        there = f"longer than the {wanted} bytes" if longer else f"truncated, {len(content)} of the {wanted} bytes"
        raise DataError(f"{path}: {there} that its header says; copy or download it again")
    if wanted == start:
        raise DataError(f"{path}: holds no {_MAGIC[magic]}; copy or download it again")
    found[name] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _shape(head: bytes, path: Path, magic: int) -> tuple[int, ...]:
    """Return the size of each axis from the beginning of a file."""
    given, axes = int.from_bytes(head[:4], "big"), magic % 256
    if given != magic:
        there = f"the magic number of {_MAGIC[given]}" if given in _MAGIC else f"{looks_like(head)} instead"
        raise DataError(
            f"{path}: not an IDX file of {_MAGIC[magic]}, which begins with the number {magic}: it has {there}; "
            "download it again, and do not exchange the files"
        )
    if len(head) < 4 * (1 + axes):
        raise DataError(f"{path}: truncated, {len(head)} bytes; copy or download it again")
    return tuple(int(size) for size in np.frombuffer(head, ">u4", axes, 4))

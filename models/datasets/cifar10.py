"""Small photographs as they are published: the binary version of CIFAR-10."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.models.datasets.assembly import Part, checked_labels, pieces_of
from trigcnn.models.datasets.base import Dataset, DatasetInfo
from trigcnn.models.datasets.published import Publication, content_of, looks_like, originality, unit_format
from trigcnn.models.datasets.published_set import PublishedSet, Wanted
from trigcnn.models.errors import DataError

TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = "test_batch.bin"
SUBFOLDER = "cifar-10-batches-bin"
"""Folder in the published archive; `data.options.folder` may be this one or its parent."""

INFO = DatasetInfo(
    name="cifar10",
    description="photographs of CIFAR-10 in colour, from the files of its binary version in a folder; ten classes",
    events="60000",
    shape="32x32x3",
    input_format="ufixed<8,0>",
    files=f"data_batch_1.bin to data_batch_5.bin and {TEST}, in it or in {SUBFOLDER}",
)
PUBLICATION = Publication(
    INFO,
    "published as 'CIFAR-10 binary version (suitable for C programs)' on the page 'The CIFAR-10 dataset' of the "
    "University of Toronto",
)

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PIXELS, COLOURS = 32, 3
_RECORD = 1 + COLOURS * PIXELS * PIXELS
_MD5 = {
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
}


def files(folder: Path, options: Mapping[str, Any]) -> tuple[Path, ...]:
    """List the files that are read."""
    return tuple(_inner(folder) / name for name in _MD5)


def read(wanted: Wanted) -> Dataset:
    """Read the images of 32x32 pixels with three channels (red, green, blue), each value divided by 256: exact.

    In memory: the files (184 MB) and 737 MB of events.

    Raises:
        DataError: The format does not fit, or a file is missing or not what its name says.
    """
    chosen = unit_format(wanted.input_format, INFO)
    folder = _inner(wanted.folder)
    found: dict[str, str] = {}
    train, test = _part(folder, TRAIN, found), _part(folder, (TEST,), found)
    notes = (originality(found, _MD5),)
    return wanted.dataset(INFO, chosen, CLASSES, train, test, symmetries=("shift", "flip_columns"), notes=notes)


SOURCE = PublishedSet(PUBLICATION, files, read)


def _inner(folder: Path) -> Path:
    inner = folder / SUBFOLDER
    return inner if inner.is_dir() else folder


def _part(folder: Path, names: tuple[str, ...], found: dict[str, str]) -> Part:
    """Read batches; adds the MD5 of each to `found`."""
    batches = [_read(folder, name, found) for name in names]
    labels = [
        checked_labels(batch[:, 0], range(len(CLASSES)), str(folder / name))
        for name, batch in zip(names, batches, strict=True)
    ]

    def pieces() -> Iterator[npt.NDArray[Any]]:
        for batch in batches:
            for piece in pieces_of(len(batch), _RECORD):
                # Colour by colour in the file, row by row.
                planes = batch[piece, 1:].reshape(-1, COLOURS, PIXELS, PIXELS)
                yield planes.transpose(0, 2, 3, 1) / np.float32(256)

    return Part(f"{folder / names[0]}{' and the others' if len(names) > 1 else ''}", np.concatenate(labels), pieces)


def _read(folder: Path, name: str, found: dict[str, str]) -> npt.NDArray[np.uint8]:
    """Read records of a label and 3072 pixels, one byte each; [n, 3073]."""
    path = folder / name
    if not path.exists():
        raise _missing(folder, name)
    content = content_of(path)
    if not content or len(content) % _RECORD:
        guess = looks_like(content[:512])
        why = "it is truncated, or another version of the data set" if guess == "something else" else f"it is {guess}"
        raise DataError(
            f"{path}: {len(content)} bytes, which are not a whole number of records of {_RECORD} bytes (a label and "
            f"32x32x3 pixels); {why}: copy or download the binary version again"
        )
    found[name] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return np.frombuffer(content, np.uint8).reshape(-1, _RECORD)


def _missing(folder: Path, name: str) -> DataError:
    for place in (folder, folder / "cifar-10-batches-py"):
        if (place / name.removesuffix(".bin")).exists():
            return DataError(
                f"{place}: holds {name.removesuffix('.bin')}, of the Python version of CIFAR-10, whose files are "
                f"pickles; reading a pickle can run any program, so none is ever read: {PUBLICATION.info.name} needs "
                f"{INFO.files} ({PUBLICATION.where})"
            )
    return PUBLICATION.missing(folder, f"no file {name}")

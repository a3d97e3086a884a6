"""Small files in the formats of published data sets, and what must come of them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from tests.models import loading
from trigcnn.models import datasets
from trigcnn.models.datasets import lhc_jet_features, lhc_jets
from trigcnn.models.errors import DataError

Array = npt.NDArray[Any]


def load(source: str, folder: Path | str, **options: object) -> datasets.Dataset:
    """Load with a test share of 30 %; `input_format` and `seed` may be given."""
    settings = {key: options.pop(key) for key in ("input_format", "seed") if key in options}
    return loading.load(source, test_fraction=0.3, **settings, options={"folder": str(folder), **options})


def error_of(source: str, folder: Path | str, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        load(source, folder, **options)
    return str(caught.value)


def rows_of(*splits: datasets.Split) -> Array:
    """Give label and values of each event, in an order that does not depend on theirs."""
    rows: Array = np.concatenate([np.c_[split.labels, split.events.reshape(split.labels.size, -1)] for split in splits])
    return rows[np.lexsort(rows.T[::-1])]


def expected_rows(labels: Array, events: Array) -> Array:
    rows: Array = np.c_[labels, events.reshape(len(labels), -1)].astype(np.float64)
    return rows[np.lexsort(rows.T[::-1])]


def pixels(seed: int, *shape: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def labels_of(events: int, classes: int = 10) -> npt.NDArray[np.uint8]:
    return (np.arange(events) % classes).astype(np.uint8)


def idx(values: npt.NDArray[np.uint8]) -> bytes:
    return struct.pack(f">{1 + values.ndim}I", 2048 + values.ndim, *values.shape) + values.tobytes()


def write_mnist(folder: Path, *, train: int = 50, test: int = 20, packed: bool = False) -> dict[str, Array]:
    """Write the four files; gives their content."""
    content: dict[str, Array] = {
        "train-images-idx3-ubyte": pixels(1, train, 28, 28),
        "train-labels-idx1-ubyte": labels_of(train),
        "t10k-images-idx3-ubyte": pixels(2, test, 28, 28),
        "t10k-labels-idx1-ubyte": labels_of(test),
    }
    for name, values in content.items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(idx(values)) if packed else idx(values))
    return content


def write_cifar10(folder: Path, *, batch: int = 20) -> dict[str, tuple[Array, Array]]:
    """Write the six files; gives labels and images [n, row, column, colour] of each."""
    content = {}
    for number, name in enumerate([*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]):
        labels, images = labels_of(batch), pixels(number, batch, 32, 32, 3)
        content[name] = (labels, images)
        records = np.c_[labels, images.transpose(0, 3, 1, 2).reshape(batch, -1)]
        (folder / name).write_bytes(records.tobytes())
    return content


def jets_table(seed: int, jets: int) -> tuple[list[str], Array, Array, Array]:
    """Give names and values of the columns, [n, 59]; the sixteen features in the order of the loader; classes."""
    rng = np.random.default_rng(seed)
    others = [f"j_other{n}" for n in range(59 - 16 - 6)]
    # Not in the loader's order, with others between.
    features = [f"j_{name}" for name in reversed(lhc_jet_features.FEATURES)]
    columns = [*others[:10], *features, *others[10:], *(f"j_{name}" for name in lhc_jets.CLASSES), "j_undef"]
    labels = np.arange(jets) % 5
    table = rng.normal(3, 2, (jets, 59))
    table[:, -6:-1] = np.eye(5)[labels]
    table[:, -1] = 0
    wanted = [columns.index(f"j_{name}") for name in lhc_jet_features.FEATURES]
    return columns, table, table[:, wanted], labels


def write_jets(path: Path, seed: int, number: int = 40, pixels: int = 6, **arrays: Any) -> dict[str, Array]:
    """Write one HDF5 file; gives features, classes and images."""
    columns, table, features, labels = jets_table(seed, number)
    images = np.random.default_rng(seed).integers(0, 4000, (number, pixels, pixels)) / 2
    path.parent.mkdir(exist_ok=True)
    with h5py.File(path, "w") as file:
        content = {
            "jets": table,
            "jetFeatureNames": np.array([name.encode() for name in columns], dtype=h5py.string_dtype()),
            "jetImage": images,
            "jetImageECAL": images / 2,
            "jetConstituentList": np.zeros((number, 3, 16)),
        }
        for name, values in (content | arrays).items():
            if values is not None:
                file[name] = values
    return {"features": features, "labels": labels, "images": images}


def write_regions(path: Path, seed: int, events: int = 30, **arrays: Any) -> Array:
    """Write one HDF5 file of calorimeter regions; gives them."""
    regions = np.random.default_rng(seed).integers(0, 1200, (events, 18, 14)).astype(np.int16)
    path.parent.mkdir(exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in ({"CaloRegions": regions, "AcceptanceFlag": np.ones(events, bool)} | arrays).items():
            if values is not None:
                file[name] = values
    return regions

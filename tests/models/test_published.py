"""What all published data sets share: folders, pieces, choices, and what is written about them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.models.published_files import error_of, load, write_mnist
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models import datasets
from trigcnn.models.datasets import arff, assembly, published
from trigcnn.models.datasets.assembly import Part, assemble, choose
from trigcnn.models.datasets.published import originality
from trigcnn.models.errors import DataError

PUBLISHED = [info for info in datasets.available() if info.files]
NAMES = [info.name for info in PUBLISHED]


def test_the_published_sets_are_registered() -> None:
    assert NAMES == ["mnist", "svhn", "cifar10", "lhc_jet_features", "lhc_jet_images", "cicada"]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_on_data_sets_says_what_each_needs(name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text()
    assert f"`{name}`" in page
    for option in datasets.describe(name):
        assert f"`{option}`" in page


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_is_needed(tmp_path: Path, name: str) -> None:
    assert error_of(name, "").startswith(
        f"data.options.folder: the data set {name} is read from files; name the folder that holds "
    )
    assert error_of(name, tmp_path / "no").startswith(
        f"{tmp_path}/no: no such folder; set data.options.folder to the one"
    )
    (tmp_path / "file").touch()
    assert error_of(name, tmp_path / "file").startswith(f"{tmp_path}/file: not a folder; set data.options.folder")
    (tmp_path / "all.ZIP").touch()
    assert "; all.ZIP is an archive: unpack it" in error_of(name, tmp_path)
    assert datasets.files_read(name, {}) == ()
    assert datasets.files_read(name, {"folder": 3}) == ()


@pytest.fixture
def bound_by_permissions() -> Iterator[None]:
    """Root may read every file, so be somebody else for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    write_mnist(tmp_path)
    load("mnist", tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").chmod(0)
    request.getfixturevalue("bound_by_permissions")
    assert "Permission denied" in error_of("mnist", tmp_path)


def test_own_files_are_listed_as_read() -> None:
    assert datasets.files_read("events.H5", {}) == (Path("events.H5"),)
    assert datasets.files_read("digits", {"folder": "here"}) == ()


def test_published_files_are_recognised() -> None:
    assert originality({"a": "1", "b": "2"}, {"a": "1", "b": "2"}) == "all 2 files are the published ones, by their MD5"


def part(events: int, labels: npt.NDArray[Any], sizes: list[int]) -> Part:
    values = np.arange(events, dtype=np.float64)[:, np.newaxis]
    return Part("here", labels, lambda: iter(np.split(values, np.cumsum(sizes))))


@pytest.mark.parametrize("sizes", [[], [1], [7, 0, 5], [1] * 19])
def test_every_event_is_in_one_split_however_it_was_read(sizes: list[int]) -> None:
    labels = np.arange(20) % 2
    choice = choose(labels, None, validation_fraction=0.2, test_fraction=0.3, max_events=0, seed=5)
    dataset = assemble(
        "some", FixedPoint.parse("ufixed<8,8>"), ("a", "b"), part(20, labels, sizes), None, choice, most_bytes=10**6
    )
    for split, indices in zip(
        (dataset.train, dataset.validation, dataset.test), (choice.train, choice.validation, choice.test), strict=True
    ):
        np.testing.assert_array_equal(split.events[:, 0], indices)
        np.testing.assert_array_equal(split.labels, labels[indices])
    together = np.concatenate([choice.train, choice.validation, choice.test])
    np.testing.assert_array_equal(np.sort(together), np.arange(20))


def test_pieces_cover_all_events() -> None:
    pieces = list(assembly.pieces_of(5000, 1024))
    assert [(piece.start, piece.stop) for piece in pieces] == [(0, 4096), (4096, 5000)]


def test_a_class_that_would_be_validated_on_alone_is_refused() -> None:
    labels = np.array([0, 0, 0, 1])
    with pytest.raises(DataError, match="class 1 has only 1 of the 4 training events: none would be left beside those"):
        choose(labels, labels, validation_fraction=0.2, test_fraction=0.3, max_events=0, seed=0)


@pytest.mark.parametrize("read", [published.content_of, arff.read])
def test_a_file_larger_than_any_that_is_published_is_refused(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    path = tmp_path / "large"
    with path.open("wb") as stream:
        # It takes no space on the disk.
        stream.truncate(2**30 + 1)
    with pytest.raises(DataError, match=r"large: 1\.07 GB in memory, more than .* take the published file"):
        read(path)

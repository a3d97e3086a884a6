import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io

from tests.models.published_files import Array, error_of, expected_rows, load, pixels, rows_of

TRAIN, TEST = "train_32x32.mat", "test_32x32.mat"


def write(path: Path, seed: int, images: int = 20, *, packed: bool = True, **arrays: Any) -> tuple[Array, Array]:
    """Write a file; gives digits and images [n, row, column, colour]."""
    content = pixels(seed, images, 32, 32, 3)
    digits = np.arange(images) % 10
    labels = np.where(digits == 0, 10, digits).astype(np.uint8)[:, np.newaxis]
    arrays = {"X": content.transpose(1, 2, 3, 0), "y": labels} | arrays
    scipy.io.savemat(
        path, {name: values for name, values in arrays.items() if values is not None}, do_compression=packed
    )
    return digits, content


@pytest.mark.parametrize("packed", [False, True])
def test_the_two_files_give_their_images(tmp_path: Path, packed: bool) -> None:
    train_digits, train_images = write(tmp_path / TRAIN, 1, 50, packed=packed)
    test_digits, test_images = write(tmp_path / TEST, 2, packed=packed)
    dataset = load("svhn", tmp_path)
    assert [split.labels.size for split in (dataset.train, dataset.validation, dataset.test)] == [40, 10, 20]
    np.testing.assert_array_equal(dataset.test.events, test_images / 256)
    np.testing.assert_array_equal(dataset.test.labels, test_digits)
    np.testing.assert_array_equal(
        rows_of(dataset.train, dataset.validation), expected_rows(train_digits, train_images / 256)
    )
    assert (str(dataset.input_format), dataset.input_shape) == ("ufixed<8,0>", (32, 32, 3))
    assert (dataset.classes, dataset.symmetries) == (tuple("0123456789"), ("shift",))
    assert dataset.notes == (
        "not the published files by their MD5 (changed, or a part of it): train_32x32.mat, test_32x32.mat",
    )


def test_labels_may_be_of_any_type(tmp_path: Path) -> None:
    digits, _ = write(tmp_path / TRAIN, 1)
    write(tmp_path / TEST, 2, y=np.where(digits == 0, 10.0, digits))
    np.testing.assert_array_equal(load("svhn", tmp_path).test.labels, digits)


X = pixels(3, 20, 32, 32, 3).transpose(1, 2, 3, 0)
Y = np.ones((20, 1))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"X": None},
            "no array X of numbers; there are: y; images must be 32x32x3xn of uint8, as in the cropped digits",
        ),
        ({"X": X.astype(float)}, "the array X is 32x32x3x20 of float64; images must be"),
        ({"X": X.transpose(3, 0, 1, 2)}, "the array X is 20x32x32x3 of uint8; images must be"),
        ({"X": X[..., 0]}, "the array X is 32x32x3 of uint8"),
        ({"X": "text"}, "no array X of numbers"),
        ({"X": {"pixels": X}}, "no array X of numbers"),
        ({"y": None}, "no array y of numbers; there are: X; labels must be 20x1 numbers, one for each image of X"),
        ({"y": Y[:19]}, "the array y is 19x1 of float64; labels must be 20x1"),
        ({"y": Y + 1j}, "no array y of numbers"),
        ({"y": Y * 0.5}, "labels of y are no whole numbers"),
        ({"y": Y * 11}, "y: 20 of 20 labels are not among 1 to 10, the first 11.0 at index 0"),
        ({"y": Y * 0}, "y: 20 of 20 labels are not among 1 to 10, the first 0.0 at index 0"),
    ],
)
def test_wrong_arrays_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    write(tmp_path / TRAIN, 1, **arrays)
    write(tmp_path / TEST, 2)
    error = error_of("svhn", tmp_path)
    assert error.startswith(f"{tmp_path}/{TRAIN}")
    assert message in error


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kept", [100, 130, 200, 20_000, 60_000])
def test_a_truncated_file_is_refused(tmp_path: Path, packed: bool, kept: int) -> None:
    write(tmp_path / TRAIN, 1, packed=packed)
    (tmp_path / TRAIN).write_bytes((tmp_path / TRAIN).read_bytes()[:kept])
    assert re.search(
        f"{TRAIN}: (truncated, 100 bytes|cannot be read, it is damaged, truncated)", error_of("svhn", tmp_path)
    )


def test_a_file_of_version_7_3_is_refused_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / TRAIN).write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))
    assert "a MATLAB file of version 7.3; save it as version 5, in MATLAB with save(..., '-v7')" in error_of(
        "svhn", tmp_path
    )


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / TRAIN, "w"):
        pass
    assert "not a MATLAB file of version 5 but an HDF5 file; download it again" in error_of("svhn", tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write(tmp_path / TRAIN, 1)
    (tmp_path / "test.tar.gz").touch()
    assert error_of("svhn", tmp_path) == (
        f"{tmp_path}: no file test_32x32.mat; test.tar.gz is an archive: unpack it, and name the folder with its "
        "files; svhn needs train_32x32.mat and test_32x32.mat (published as 'Format 2: Cropped Digits' on the page "
        "'The Street View House Numbers (SVHN) Dataset' of Stanford University)"
    )

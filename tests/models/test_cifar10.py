from pathlib import Path

import numpy as np
import pytest

from tests.models.published_files import error_of, expected_rows, load, rows_of, write_cifar10
from trigcnn.models import datasets

TRAIN = [f"data_batch_{number}.bin" for number in range(1, 6)]


@pytest.mark.parametrize("inner", ["", "cifar-10-batches-bin"])
def test_the_six_files_give_their_images(tmp_path: Path, inner: str) -> None:
    (tmp_path / inner).mkdir(exist_ok=True)
    content = write_cifar10(tmp_path / inner)
    dataset = load("cifar10", tmp_path)
    assert [split.labels.size for split in (dataset.train, dataset.validation, dataset.test)] == [80, 20, 20]
    labels, images = content["test_batch.bin"]
    np.testing.assert_array_equal(dataset.test.events, images / 256)
    np.testing.assert_array_equal(dataset.test.labels, labels)
    np.testing.assert_array_equal(
        rows_of(dataset.train, dataset.validation),
        expected_rows(
            np.concatenate([content[name][0] for name in TRAIN]),
            np.concatenate([content[name][1] for name in TRAIN]) / 256,
        ),
    )
    assert (str(dataset.input_format), dataset.input_shape) == ("ufixed<8,0>", (32, 32, 3))
    assert dataset.classes[:3] == ("airplane", "automobile", "bird")
    assert dataset.symmetries == ("shift", "flip_columns")
    assert dataset.notes[0].startswith("not the published files by their MD5")


def test_the_files_of_an_inner_folder_are_listed(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-bin").mkdir()
    found = datasets.files_read("cifar10", {"folder": str(tmp_path)})
    assert found == tuple(tmp_path / "cifar-10-batches-bin" / name for name in (*TRAIN, "test_batch.bin"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bytes(3073 * 2 - 1), "6145 bytes, which are not a whole number of records of 3073 bytes"),
        (bytes(3074 * 5), "it is truncated, or another version of the data set"),
        (
            b"",
            "0 bytes, which are not a whole number of records of 3073 bytes (a label and 32x32x3 pixels); it is "
            "an empty",
        ),
        (b"<html>Not found</html>", "pixels); it is a web page: copy or download the binary version again"),
        (b"\x80\x02}q\x01", "it is a Python pickle"),
        (b"\x00" * 3073 + b"\x0c" * 3073, "1 of 2 labels are not among 0 to 9, the first 12 at index 1"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    write_cifar10(tmp_path)
    (tmp_path / "data_batch_3.bin").write_bytes(content)
    error = error_of("cifar10", tmp_path)
    assert error.startswith(f"{tmp_path}/data_batch_3.bin: ")
    assert message in error


@pytest.mark.parametrize("folder", ["", "cifar-10-batches-py"])
def test_the_python_version_is_refused_and_not_run(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    # Unpickled, it would make a folder.
    (tmp_path / folder / "data_batch_1").write_bytes(b"\x80\x04c" + b"os\nmkdir\n(V" + f"{tmp_path}/run\ntR.".encode())
    error = error_of("cifar10", tmp_path)
    assert "holds data_batch_1, of the Python version of CIFAR-10, whose files are pickles" in error
    assert "so none is ever read: cifar10 needs data_batch_1.bin to data_batch_5.bin and test_batch.bin" in error
    assert not (tmp_path / "run").exists()


def test_a_packed_archive_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(b"\x1f\x8b")
    assert error_of("cifar10", tmp_path).startswith(
        f"{tmp_path}: no file data_batch_1.bin; cifar-10-binary.tar.gz is an archive: unpack it, and name the folder "
        "with its files; cifar10 needs data_batch_1.bin to"
    )

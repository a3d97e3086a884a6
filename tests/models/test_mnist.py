import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.models.published_files import error_of, expected_rows, idx, labels_of, load, pixels, rows_of, write_mnist
from trigcnn.models import datasets

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.mark.parametrize("packed", [False, True])
def test_the_four_files_give_their_images(tmp_path: Path, packed: bool) -> None:
    content = write_mnist(tmp_path, packed=packed)
    dataset = load("mnist", tmp_path)
    assert [split.labels.size for split in (dataset.train, dataset.validation, dataset.test)] == [40, 10, 20]
    np.testing.assert_array_equal(dataset.test.events, content[TEST_IMAGES][..., np.newaxis] / 256)
    np.testing.assert_array_equal(dataset.test.labels, content[TEST_LABELS])
    np.testing.assert_array_equal(
        rows_of(dataset.train, dataset.validation), expected_rows(content[TRAIN_LABELS], content[TRAIN_IMAGES] / 256)
    )
    np.testing.assert_array_equal(np.bincount(dataset.validation.labels), [1] * 10)
    assert dataset.train.events.dtype == np.float32
    assert dataset.train.labels.dtype == np.int64
    assert (str(dataset.input_format), dataset.input_shape) == ("ufixed<8,0>", (28, 28, 1))
    assert (dataset.classes, dataset.symmetries) == (tuple("0123456789"), ("shift",))


def test_a_narrower_format_rounds_and_saturates(tmp_path: Path) -> None:
    content = write_mnist(tmp_path)
    events = load("mnist", tmp_path, input_format="ufixed<4,0>").test.events[..., 0]
    expected = np.minimum(np.rint(content[TEST_IMAGES] / 16.0), 15) / 16
    np.testing.assert_array_equal(events, expected)


@pytest.mark.parametrize("text", ["fixed<8,0>", "ufixed<8,8>"])
def test_formats_that_do_not_fit_are_refused(tmp_path: Path, text: str) -> None:
    assert f"data.input_format {text} does not fit mnist, whose pixels are 0 to 255/256; use ufixed<8,0>" in error_of(
        "mnist", tmp_path, input_format=text
    )


def test_fewer_events_are_taken_of_each_class_and_part_by_seed(tmp_path: Path) -> None:
    write_mnist(tmp_path, train=200, test=100)
    first, again, other = (load("mnist", tmp_path, max_events=60, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(np.bincount(first.train.labels), [3] * 10)
    np.testing.assert_array_equal(np.bincount(first.validation.labels), [1] * 10)
    np.testing.assert_array_equal(np.bincount(first.test.labels), [2] * 10)
    np.testing.assert_array_equal(first.train.events, again.train.events)
    assert not np.array_equal(first.test.events, other.test.events)
    assert load("mnist", tmp_path, max_events=10**6).test.labels.size == 100
    assert error_of("mnist", tmp_path, max_events=-1).startswith("data.options.max_events -1: give a number")


def test_a_part_of_the_published_files_is_said_to_be_one(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (note,) = load("mnist", tmp_path).notes
    assert note == (
        "not the published files by their MD5 (changed, or a part of it): train-labels-idx1-ubyte, "
        "train-images-idx3-ubyte, t10k-labels-idx1-ubyte, t10k-images-idx3-ubyte"
    )


def test_a_missing_file_is_named_with_what_is_needed(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / TEST_LABELS).unlink()
    assert error_of("mnist", tmp_path) == (
        f"{tmp_path}: no file t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz; mnist needs "
        "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each as "
        "it is or as .gz (published as 'The MNIST database of handwritten digits' by LeCun, Cortes and Burges; "
        "described in doi:10.1109/5.726791)"
    )


WEB_PAGE = b"<!DOCTYPE html><html><body>404</body></html>"
IMAGES, LABELS = pixels(5, 50, 28, 28), labels_of(50)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (TRAIN_IMAGES, idx(LABELS), "begins with the number 2051: it has the magic number of labels; download"),
        (TRAIN_LABELS, idx(IMAGES), "begins with the number 2049: it has the magic number of images; download"),
        (
            TRAIN_LABELS,
            WEB_PAGE,
            "not an IDX file of labels, which begins with the number 2049: it has a web page instead",
        ),
        (TRAIN_LABELS, b"", "it has an empty file instead"),
        (TRAIN_LABELS, b"\x80\x04\x95\x00\x00", "it has a Python pickle instead"),
        (TRAIN_IMAGES, idx(IMAGES)[:11], "truncated, 11 bytes; copy or download it again"),
        (TRAIN_IMAGES, b"\x00\x00\x08\x04" + bytes(20), "it has an IDX file instead"),
        (TRAIN_IMAGES, idx(IMAGES)[:-1], "truncated, 39215 of the 39216 bytes that its header says"),
        (TRAIN_IMAGES, idx(IMAGES) + b"x", "longer than the 39216 bytes that its header says"),
        (TRAIN_IMAGES, idx(IMAGES[:, :20]), "images of 20x28 pixels; those of mnist have 28x28"),
        (TRAIN_IMAGES, idx(IMAGES[:0]), "holds no images; copy or download it again"),
        (TRAIN_LABELS, idx(LABELS[:49]), "49 labels for the 50 images of train-images-idx3-ubyte"),
        (TRAIN_LABELS, idx(LABELS + 3), "15 of 50 labels are not among 0 to 9, the first 10 at index 7"),
        (
            TRAIN_IMAGES,
            gzip.compress(idx(IMAGES))[:-100],
            "damaged, truncated or not accessible (Compressed file ended",
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    write_mnist(tmp_path)
    (tmp_path / name).write_bytes(content)
    error = error_of("mnist", tmp_path)
    assert error.startswith(f"{tmp_path / name}: ")
    assert message in error


def test_a_header_that_claims_more_than_memory_is_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    huge = idx(IMAGES)
    (tmp_path / TRAIN_IMAGES).write_bytes(huge[:4] + b"\xff" * 12 + huge[16:])
    assert "7.92e+19 GB in memory, more than the limit of 1.07 GB; copy or download it again" in error_of(
        "mnist", tmp_path
    )


def test_a_web_page_saved_as_gz_is_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path, packed=True)
    (tmp_path / f"{TRAIN_IMAGES}.gz").write_bytes(WEB_PAGE)
    assert f"{TRAIN_IMAGES}.gz: not an IDX file of images" in error_of("mnist", tmp_path)


def test_what_a_browser_unpacked_without_renaming_it_is_read(tmp_path: Path) -> None:
    content = write_mnist(tmp_path)
    (tmp_path / TEST_IMAGES).rename(tmp_path / f"{TEST_IMAGES}.gz")
    np.testing.assert_array_equal(load("mnist", tmp_path).test.events[..., 0], content[TEST_IMAGES] / 256)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / TRAIN_LABELS).unlink()
    (tmp_path / TRAIN_LABELS).mkdir()
    assert error_of("mnist", tmp_path) == f"{tmp_path}/train-labels-idx1-ubyte: not a file; put the file there"


def test_the_files_that_are_read_are_listed(tmp_path: Path) -> None:
    write_mnist(tmp_path, packed=True)
    (tmp_path / f"{TEST_IMAGES}.gz").rename(tmp_path / TEST_IMAGES)
    (tmp_path / f"{TEST_LABELS}.gz").unlink()
    found = datasets.files_read("mnist", {"folder": str(tmp_path)})
    assert {path.name for path in found} == {f"{TRAIN_IMAGES}.gz", f"{TRAIN_LABELS}.gz", TEST_IMAGES, TEST_LABELS}

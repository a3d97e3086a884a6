import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from tests.models import loading
from trigcnn.models import datasets
from trigcnn.models.errors import DataError
from trigcnn.models.heads import Truth

LABELS = np.tile(np.arange(3), 20)
EVENTS = (np.arange(60 * 12) % 16 / 16).reshape(60, 4, 3, 1)


class Payload:
    """Creates the file `marker` when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return os.mkdir, (str(self.marker),)


def npz(folder: Path, **arrays: npt.NDArray[Any]) -> Path:
    path = folder / "data.npz"
    np.savez(path, **({"events": EVENTS, "labels": LABELS} | arrays))
    return path


def hdf5(folder: Path, suffix: str = ".h5", arrays: dict[str, Any] | None = None) -> Path:
    path = folder / f"data{suffix}"
    with h5py.File(path, "w") as file:
        for name, values in ({"jets/images": EVENTS, "jets/labels": LABELS} | (arrays or {})).items():
            file[name] = values
    return path


def load(path: Path, **changes: object) -> datasets.Dataset:
    inside = ("jets/images", "jets/labels") if path.suffix in (".h5", ".hdf5") else ("events", "labels")
    given: dict[str, object] = {"input_format": "ufixed<4,0>", "events": inside[0], "labels": inside[1]}
    return loading.load(str(path), **(given | changes))


def error_of(path: Path, **changes: object) -> str:
    with pytest.raises(DataError) as caught:
        load(path, **changes)
    return str(caught.value)


def check_whole(dataset: datasets.Dataset) -> None:
    parts = (dataset.train, dataset.validation, dataset.test)
    assert [part.labels.size for part in parts] == [36, 12, 12]
    got = np.concatenate([np.c_[part.labels, part.events.reshape(part.labels.size, -1)] for part in parts])
    expected = np.c_[LABELS, EVENTS.reshape(60, -1)]
    np.testing.assert_array_equal(got[np.lexsort(got.T)], expected[np.lexsort(expected.T)])


def test_an_npz_file_gives_its_events(tmp_path: Path) -> None:
    dataset = load(npz(tmp_path))
    check_whole(dataset)
    assert (dataset.name, dataset.classes, dataset.input_shape) == ("data.npz", ("0", "1", "2"), (4, 3, 1))
    assert dataset.train.events.dtype == np.float32
    assert dataset.train.labels.dtype == np.int64


@pytest.mark.parametrize("suffix", [".h5", ".hdf5"])
def test_an_hdf5_file_gives_its_events(tmp_path: Path, suffix: str) -> None:
    dataset = load(hdf5(tmp_path, suffix), classes=["gluon", "light quark", "top"], events="/jets/images")
    check_whole(dataset)
    assert dataset.classes == ("gluon", "light quark", "top")


def test_images_without_channels_get_one(tmp_path: Path) -> None:
    dataset = load(npz(tmp_path, events=EVENTS[..., 0]))
    check_whole(dataset)
    assert dataset.input_shape == (4, 3, 1)


def test_features_stay_flat(tmp_path: Path) -> None:
    assert load(npz(tmp_path, events=EVENTS.reshape(60, 12))).input_shape == (12,)


@pytest.mark.parametrize(
    "labels",
    [LABELS.astype(np.uint8), LABELS.astype(float), np.eye(3)[LABELS], np.eye(3, dtype=bool)[LABELS]],
    ids=["uint8", "float", "one-hot", "one-hot bool"],
)
def test_labels_are_taken_in_every_form(tmp_path: Path, labels: npt.NDArray[Any]) -> None:
    check_whole(load(npz(tmp_path, labels=labels)))


def test_two_classes_may_be_booleans(tmp_path: Path) -> None:
    assert load(npz(tmp_path, labels=LABELS > 0)).classes == ("0", "1")


def test_an_input_format_is_required(tmp_path: Path) -> None:
    assert re.search(
        "a file does not say what the detector's digitiser delivers; set data.input_format",
        error_of(npz(tmp_path), input_format=None),
    )


def test_values_beyond_the_format_name_the_array_or_saturate(tmp_path: Path) -> None:
    path = npz(tmp_path, events=EVENTS * 2)
    assert re.search(r"data\.npz, events: .* values lie outside ufixed<4,0>", error_of(path))
    assert load(path, saturate=True).train.events.max() == 15 / 16


@pytest.mark.parametrize("name", ["none.npz", "none.h5"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    assert error_of(tmp_path / name).startswith(f"{tmp_path / name}: no such file; set data.source")


@pytest.mark.parametrize("name", ["folder.npz", "folder.h5"])
def test_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert f"{name}: not a file; set data.source to a file" in error_of(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\x80\x04N."])
@pytest.mark.parametrize("name", ["data.npz", "data.h5"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert re.search("not an npz file, or a truncated one; write it|damaged, truncated", error_of(path))


@pytest.mark.parametrize("make", [npz, hdf5])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, make: Any, share: float) -> None:
    path: Path = make(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "truncated" in error_of(path)


def test_a_damaged_array_is_refused(tmp_path: Path) -> None:
    path = npz(tmp_path)
    content = bytearray(path.read_bytes())
    content[1000:1010] = b"\xff" * 10
    path.write_bytes(content)
    assert "cannot be read, it is damaged, truncated or not accessible (Bad CRC-32" in error_of(path)


def test_a_damaged_hdf5_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["jets/labels"] = LABELS
        file.create_dataset("jets/images", data=EVENTS, chunks=(60, 4, 3, 1), fletcher32=True)
        offset = file["jets/images"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 8] = b"\x55" * 8
    path.write_bytes(content)
    assert "cannot be read, it is damaged" in error_of(path)


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
    path = npz(tmp_path)
    error_of(path, events="imports what is needed")
    path.chmod(0)
    request.getfixturevalue("bound_by_permissions")
    assert "Permission denied" in error_of(path)


def test_a_missing_array_is_refused_with_those_there(tmp_path: Path) -> None:
    assert error_of(npz(tmp_path), events="event") == (
        f"{tmp_path}/data.npz: no array 'event', which data.events names; did you mean events?"
    )
    assert error_of(hdf5(tmp_path), labels="jets/lables") == (
        f"{tmp_path}/data.h5: no array 'jets/lables', which data.labels names; did you mean jets/labels?"
    )


@pytest.mark.parametrize("name", ["jets", "/", "", "jets/images/deeper"])
def test_a_group_is_no_array(tmp_path: Path, name: str) -> None:
    assert f"no array {name!r}, which data.events names; " in error_of(hdf5(tmp_path), events=name)


def test_a_file_without_arrays_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w"):
        pass
    assert "the file has none; write the arrays into it" in error_of(tmp_path / "data.h5")


def test_a_single_value_is_refused(tmp_path: Path) -> None:
    assert "a single value, not an array; data.labels" in error_of(
        hdf5(tmp_path, arrays={"jets/one": 3}), labels="jets/one"
    )


def test_pickled_objects_are_refused_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    path = npz(tmp_path, labels=np.array([Payload(marker)] * 60, dtype=object))
    assert re.search("labels: cannot be read; object arrays hold pickled .* never loaded", error_of(path))
    assert not marker.exists()


def test_a_pickle_in_place_of_an_archive_is_refused_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    path = tmp_path / "data.npz"
    np.array([Payload(marker)], dtype=object).dump(path)
    assert "not an npz file" in error_of(path)
    assert not marker.exists()


@pytest.mark.parametrize("shape", [(720,), (60, 2, 2, 3, 1)])
def test_other_shapes_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    assert f"data.npz, events: events of shape {shape}; they must be [n, features]" in error_of(
        npz(tmp_path, events=EVENTS.reshape(shape))
    )


def test_no_events_are_refused(tmp_path: Path) -> None:
    assert "data.npz, events: no values, shape (0, 4, 3, 1)" in error_of(npz(tmp_path, events=EVENTS[:0]))


@pytest.mark.parametrize("dtype", [np.complex64, np.str_, np.datetime64])
def test_events_that_are_no_real_numbers_are_refused(tmp_path: Path, dtype: Any) -> None:
    events = EVENTS.astype(np.int64).astype("M8[s]" if dtype is np.datetime64 else dtype)
    assert "which are not real numbers; save them as floats" in error_of(npz(tmp_path, events=events))


def test_labels_that_are_names_are_refused(tmp_path: Path) -> None:
    assert "save them as whole numbers from 0" in error_of(npz(tmp_path, labels=LABELS.astype(str)))
    path = hdf5(tmp_path, arrays={"jets/names": [b"top"] * 60})
    assert "save them as whole numbers from 0" in error_of(path, labels="jets/names")


def test_nan_is_refused_with_its_place(tmp_path: Path) -> None:
    events = EVENTS.copy()
    events[7, 1, 2, 0] = np.nan
    events[8, 0, 0, 0] = np.inf
    assert "data.npz, events: 2 of 720 values are NaN or infinite, the first at index (7, 1, 2, 0)" in error_of(
        npz(tmp_path, events=events)
    )


def test_another_number_of_labels_is_refused(tmp_path: Path) -> None:
    assert "data.npz, labels: 57 labels for 60 events" in error_of(npz(tmp_path, labels=LABELS[:57]))


@pytest.mark.parametrize("bad", [0.5, np.nan, np.inf])
def test_labels_between_numbers_are_refused(tmp_path: Path, bad: float) -> None:
    labels = LABELS.astype(float)
    labels[4] = bad
    assert f"1 labels are not whole numbers, the first {bad} at index 4" in error_of(npz(tmp_path, labels=labels))


@pytest.mark.parametrize("row", [[1, 1, 0], [0, 0, 0], [0.5, 0.5, 0], [2, -1, 0], [np.nan, 1, 0]])
def test_labels_that_are_not_one_hot_are_refused(tmp_path: Path, row: list[float]) -> None:
    labels = np.eye(3)[LABELS]
    labels[5] = row
    assert "labels of shape (60, 3) are not one-hot: 1 rows" in error_of(npz(tmp_path, labels=labels))
    assert "the first at index 5" in error_of(npz(tmp_path, labels=labels))


def test_labels_of_another_shape_are_refused(tmp_path: Path) -> None:
    assert "labels: 1 labels for 60 events" in error_of(npz(tmp_path, labels=np.array(1)))


def test_labels_out_of_range_are_refused(tmp_path: Path) -> None:
    assert "labels from 0 to 2, but data.classes names 2 classes, 0 to 1" in error_of(npz(tmp_path), classes=["a", "b"])
    assert "labels from -1 to 1, but data.classes names 3 classes" in error_of(
        npz(tmp_path, labels=LABELS - 1), classes=["a", "b", "c"]
    )
    assert "labels from -1 to 1; classes count from 0" in error_of(npz(tmp_path, labels=LABELS - 1))


@pytest.mark.parametrize(("labels", "gap"), [(LABELS + 1, 0), (LABELS * 2, 1), (LABELS * 10**15, 1)])
def test_gaps_in_the_labels_are_refused(tmp_path: Path, labels: npt.NDArray[Any], gap: int) -> None:
    assert f"no event of class {gap}; number the classes without gaps" in error_of(npz(tmp_path, labels=labels))


def test_one_hot_labels_need_one_name_for_each_column(tmp_path: Path) -> None:
    assert "one-hot labels for 3 classes, but data.classes names 2" in error_of(
        npz(tmp_path, labels=np.eye(3)[LABELS]), classes=["a", "b"]
    )


def test_class_names_must_differ(tmp_path: Path) -> None:
    assert "names a class twice" in error_of(npz(tmp_path), classes=["a", "b", "a"])


@pytest.mark.parametrize("classes", [None, ["only"]])
def test_events_of_one_class_are_refused(tmp_path: Path, classes: list[str] | None) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, events=EVENTS, labels=np.zeros(len(EVENTS), np.int64))
    assert "all labels are 0; a classifier needs events of two classes or more" in error_of(path, classes=classes)


MASK = np.arange(60 * 12).reshape(60, 4, 3) % 2


@pytest.mark.parametrize(
    "labels",
    [MASK, MASK[..., np.newaxis], np.eye(2)[MASK], MASK.astype(bool)],
    ids=["map", "channel", "one-hot", "bool"],
)
def test_labels_of_pixels_are_a_mask(tmp_path: Path, labels: npt.NDArray[Any]) -> None:
    dataset = load(npz(tmp_path, labels=labels), classes=["empty", "track"])
    assert dataset.truths == {"": Truth("mask", ("empty", "track"))}
    # The class of an event is not known then.
    assert (dataset.classes, set(dataset.test.labels.tolist())) == ((), {0})
    first = np.flatnonzero((dataset.test.events[0] == EVENTS).all(axis=(1, 2, 3)))
    assert dataset.test.truths[""][0].reshape(4, 3).tolist() in MASK[first].tolist()


def test_truths_of_several_outputs_and_weights_stay_with_their_events(tmp_path: Path) -> None:
    # Each event is its own number, and so are target and weight.
    numbers = np.arange(60)
    path = npz(
        tmp_path,
        events=numbers[:, np.newaxis] / 64,
        particle=LABELS,
        side=numbers % 2,
        energy=numbers * 1.5,
        w=numbers + 1.0,
    )
    dataset = load(
        path,
        input_format="ufixed<6,0>",
        labels={"logits": "particle", "sides": "side"},
        targets={"regressed": "energy"},
        weights="w",
        classes={"logits": ["e", "mu", "pi"]},
    )
    assert dataset.truths == {
        "logits": Truth("classes", ("e", "mu", "pi")),
        "sides": Truth("classes", ("0", "1")),
        "regressed": Truth("targets"),
    }
    # The first labels divide the events.
    assert dataset.classes == ("e", "mu", "pi")
    for part in (dataset.train, dataset.validation, dataset.test):
        event = np.rint(part.events[:, 0] * 64).astype(int)
        np.testing.assert_array_equal(part.labels, event % 3)
        np.testing.assert_array_equal(part.truths["sides"], event % 2)
        np.testing.assert_array_equal(part.truths["regressed"], event * 1.5)
        np.testing.assert_array_equal(part.weights, event + 1.0)


def test_a_file_may_hold_events_alone(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, events=EVENTS)
    for labels in ("labels", None):
        dataset = load(path, labels=labels)
        assert (dataset.classes, dataset.truths, len(dataset.test.events)) == ((), {}, 12)
    assert "no array 'truth', which data.labels names" in error_of(path, labels="truth")
    assert "data.classes: the file has no labels; name their array" in error_of(path, classes=["a", "b"])


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"labels": LABELS / 2}, {}, "or name the array in data.targets if the output is to give these values"),
        ({"y": np.full(60, np.nan)}, {"targets": "y"}, "data.npz, y: 60 targets are NaN, infinite or too large"),
        ({"y": np.full((60, 2), 1e300)}, {"targets": "y"}, "too large for float32, the first at index (0, 0)"),
        ({"y": np.zeros(59)}, {"targets": "y"}, "59 entries for 60 events; data.events and data.targets must name"),
        ({"y": np.array(["a"] * 60)}, {"targets": "y"}, "targets of type <U1, which are not real numbers"),
        ({"w": -np.arange(60)}, {"weights": "w"}, "59 weights are negative, the first -1 at index 1; shares of events"),
        ({"w": np.zeros(60)}, {"weights": "w"}, "data.weights: the weights of all training events are 0"),
        ({"w": np.ones((60, 2))}, {"weights": "w"}, "shape (60, 2); save one real number per event"),
        (
            {"y": np.zeros(60)},
            {"labels": {"out": "labels"}, "targets": {"out": "y"}},
            "data.targets.out: this output has labels too; remove one of the two",
        ),
        ({}, {"classes": {"out": ["a"]}}, "data.classes.out: this output has no labels; name them in data.labels.out"),
    ],
)
def test_truths_that_cannot_be_used_are_refused(
    tmp_path: Path, arrays: dict[str, npt.NDArray[Any]], options: dict[str, Any], message: str
) -> None:
    assert message in error_of(npz(tmp_path, **arrays), **options)


def test_targets_may_be_called_labels(tmp_path: Path) -> None:
    dataset = load(npz(tmp_path, labels=LABELS / 2), targets="labels")
    assert (dataset.truths, dataset.classes) == ({"": Truth("targets")}, ())


@pytest.mark.parametrize("option", ["targets", "weights"])
def test_only_a_file_has_targets_and_weights_by_name(option: str) -> None:
    with pytest.raises(DataError, match=rf"data\.{option}: digits is a data set of trigcnn, not a file; remove"):
        loading.load("digits", **{option: "x"})

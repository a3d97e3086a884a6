from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.models.published_files import Array, error_of, expected_rows, load, rows_of, write_regions
from trigcnn.models import datasets


@pytest.fixture
def content(tmp_path: Path) -> dict[str, Array]:
    """Background in two files and two signals, all in one folder."""
    return {
        name: write_regions(tmp_path / f"{name}.h5", seed)
        for seed, name in enumerate(["ZeroBias_RunA", "ZeroBias_RunB", "SUEP", "TT"])
    }


def test_each_signal_file_is_a_class(tmp_path: Path, content: dict[str, Array]) -> None:
    dataset = load("cicada", tmp_path)
    assert dataset.classes == ("background", "SUEP", "TT")
    assert [split.labels.size for split in (dataset.train, dataset.validation, dataset.test)] == [60, 24, 36]
    np.testing.assert_array_equal(np.bincount(dataset.test.labels), [18, 9, 9])
    np.testing.assert_array_equal(
        rows_of(dataset.train, dataset.validation, dataset.test),
        expected_rows(np.repeat([0, 0, 1, 2], 30), np.minimum(np.concatenate(list(content.values())), 1023)),
    )
    assert (str(dataset.input_format), dataset.input_shape) == ("ufixed<10,10>", (18, 14, 1))
    assert dataset.symmetries == ("roll_rows", "flip_columns")
    assert dataset.notes == (
        "ZeroBias_RunA.h5: 30 events",
        "ZeroBias_RunB.h5: 30 events",
        "SUEP.h5: 30 events",
        "TT.h5: 30 events",
    )


def test_signals_can_be_one_class(tmp_path: Path, content: dict[str, Array]) -> None:
    dataset = load("cicada", tmp_path, merge_signals=True)
    assert dataset.classes == ("background", "signal")
    np.testing.assert_array_equal(np.bincount(dataset.train.labels), [30, 30])


def test_subfolders_tell_background_from_signal(tmp_path: Path) -> None:
    write_regions(tmp_path / "Background" / "run.h5", 1)
    write_regions(tmp_path / "Signal" / "ZB_like.hdf5", 2)
    assert load("cicada", tmp_path).classes == ("background", "ZB_like")
    assert [path.name for path in datasets.files_read("cicada", {"folder": str(tmp_path)})] == [
        "run.h5",
        "ZB_like.hdf5",
    ]


@pytest.mark.parametrize("flags", [np.arange(30) % 3 == 0, (np.arange(30) % 3 == 0).astype(np.int64)])
def test_signal_events_outside_the_acceptance_are_left_out(
    tmp_path: Path, content: dict[str, Array], flags: Array
) -> None:
    suep = write_regions(tmp_path / "SUEP.h5", 9, AcceptanceFlag=flags)
    write_regions(tmp_path / "ZeroBias_RunA.h5", 0, AcceptanceFlag=flags)
    dataset = load("cicada", tmp_path)
    assert dataset.notes[2] == "SUEP.h5: 10 events"
    rows = rows_of(dataset.train, dataset.validation, dataset.test)
    np.testing.assert_array_equal(rows[rows[:, 0] == 1], expected_rows(np.ones(10), np.minimum(suep[::3], 1023)))
    assert np.count_nonzero(rows[:, 0] == 0) == 60
    assert load("cicada", tmp_path, accepted_only=False).notes[2] == "SUEP.h5: 30 events"


@pytest.mark.parametrize(
    "changes",
    [
        {"CaloRegions": lambda regions: regions.reshape(30, 252)},
        {"CaloRegions": lambda regions: regions[..., np.newaxis]},
        {"CaloRegions": lambda regions: regions.astype(np.float64)},
        {"AcceptanceFlag": lambda regions: np.zeros(0, bool)},
        {"AcceptanceFlag": lambda regions: None},
    ],
)
def test_other_forms_of_the_same_arrays_are_taken(
    tmp_path: Path, content: dict[str, Array], changes: dict[str, Any]
) -> None:
    expected = load("cicada", tmp_path)
    write_regions(tmp_path / "SUEP.h5", 2, **{name: change(content["SUEP"]) for name, change in changes.items()})
    found = load("cicada", tmp_path)
    np.testing.assert_array_equal(found.train.events, expected.train.events)
    np.testing.assert_array_equal(found.test.labels, expected.test.labels)


def test_fewer_events_are_taken_of_each_class(tmp_path: Path, content: dict[str, Array]) -> None:
    dataset = load("cicada", tmp_path, max_events=40)
    total = sum(np.bincount(split.labels) for split in (dataset.train, dataset.validation, dataset.test))
    np.testing.assert_array_equal(total, [20, 10, 10])


NEGATIVE = np.zeros((30, 18, 14), np.int16)
NEGATIVE[7, 2, 3] = -1


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"CaloRegions": None}, "no array 'CaloRegions'; there are: AcceptanceFlag; take the published file"),
        (
            {"CaloRegions": np.zeros((30, 14, 18))},
            "CaloRegions: of shape (30, 14, 18) and type float64; it must be numbers",
        ),
        ({"CaloRegions": np.zeros((0, 18, 14))}, "CaloRegions: of shape (0, 18, 14)"),
        ({"CaloRegions": 3}, "CaloRegions: of shape ()"),
        ({"CaloRegions": np.full((30, 252), b"a")}, "CaloRegions: of shape (30, 252) and type |S1"),
        ({"CaloRegions": NEGATIVE}, "energies that are not whole numbers from 0, first in event 7; they must be the"),
        ({"CaloRegions": np.full((30, 252), 0.5)}, "energies that are not whole numbers from 0, first in event 0"),
        ({"CaloRegions": np.full((30, 252), np.nan)}, "energies that are not whole numbers from 0, first in event 0"),
        ({"AcceptanceFlag": np.ones(29, bool)}, "AcceptanceFlag: of shape (29,); it must be (30)"),
        ({"AcceptanceFlag": np.zeros(30, bool)}, "AcceptanceFlag: none of 30 events is accepted; set"),
        ({"CaloRegions": h5py.ExternalLink("other.h5", "x")}, "CaloRegions: a link to another file (other.h5)"),
    ],
)
def test_a_wrong_file_is_refused(
    tmp_path: Path, content: dict[str, Array], arrays: dict[str, Any], message: str
) -> None:
    write_regions(tmp_path / "SUEP.h5", 2, **arrays)
    error = error_of("cicada", tmp_path)
    assert error.startswith(f"{tmp_path}/SUEP.h5")
    assert message in error


@pytest.mark.parametrize("text", ["fixed<11,11>", "ufixed<10,8>"])
def test_formats_that_do_not_fit_are_refused(tmp_path: Path, text: str) -> None:
    assert f"data.input_format {text} does not fit calorimeter regions" in error_of(
        "cicada", tmp_path, input_format=text
    )


def test_a_missing_kind_of_file_is_named(tmp_path: Path) -> None:
    write_regions(tmp_path / "SUEP.h5", 1)
    assert error_of("cicada", tmp_path).startswith(
        f"{tmp_path}: no background file; cicada needs Background/*.h5 and Signal/*.h5, or background "
        "files ZeroBias*.h5, "
    )
    (tmp_path / "SUEP.h5").rename(tmp_path / "ZB_RunA_0.h5")
    assert error_of("cicada", tmp_path).startswith(f"{tmp_path}: no signal file; cicada needs")


def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: dict[str, Array]) -> None:
    (tmp_path / "TT.h5").write_bytes(b"root\x00")
    assert "TT.h5: not an HDF5 file but something else; copy or download it again" in error_of("cicada", tmp_path)

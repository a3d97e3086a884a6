import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.models.published_files import Array, error_of, expected_rows, jets_table, load, rows_of, write_jets
from trigcnn.models import datasets
from trigcnn.models.datasets.lhc_jet_features import FEATURES
from trigcnn.models.datasets.lhc_jets import CLASSES

FEATURE_SET, IMAGE_SET = "lhc_jet_features", "lhc_jet_images"


@pytest.fixture
def divided(tmp_path: Path) -> dict[str, dict[str, Array]]:
    """Two files for training and one for the test."""
    return {
        "a": write_jets(tmp_path / "train" / "jetImage_0_150p_0_40.h5", 1),
        "b": write_jets(tmp_path / "train" / "jetImage_0_150p_40_80.h5", 2),
        "test": write_jets(tmp_path / "val" / "jetImage_7_150p_0_40.h5", 3),
    }


def on_grid(values: Array, mean: Array, deviation: Array) -> Array:
    return np.rint((values - mean) / deviation * 1024) / 1024


def test_features_are_standardised_with_the_training_events(
    tmp_path: Path, divided: dict[str, dict[str, Array]]
) -> None:
    dataset = load(FEATURE_SET, tmp_path)
    assert [split.labels.size for split in (dataset.train, dataset.validation, dataset.test)] == [65, 15, 40]
    note = dataset.notes[0]
    assert note.startswith("standardised; name, mean and deviation of each feature: zlogz ")
    found = np.array([line.split()[1:] for line in note.split(": ")[1].split(", ")], float)
    np.testing.assert_allclose(dataset.train.events.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(dataset.train.events.std(axis=0), 1, atol=1e-3)
    test = divided["test"]
    np.testing.assert_allclose(dataset.test.events, on_grid(test["features"], *found.T), atol=1 / 1024)
    np.testing.assert_array_equal(dataset.test.labels, test["labels"])
    assert (str(dataset.input_format), dataset.input_shape) == ("fixed<16,6>", (16,))
    assert (dataset.classes, dataset.symmetries) == (("g", "q", "w", "z", "t"), ())


def test_features_as_published_are_those_of_their_names(tmp_path: Path, divided: dict[str, dict[str, Array]]) -> None:
    dataset = load(FEATURE_SET, tmp_path, standardise=False, input_format="fixed<20,6>")
    grid = 2.0**14
    np.testing.assert_array_equal(dataset.test.events, np.rint(divided["test"]["features"] * grid) / grid)
    labels = np.concatenate([divided["a"]["labels"], divided["b"]["labels"]])
    features = np.concatenate([divided["a"]["features"], divided["b"]["features"]])
    np.testing.assert_array_equal(
        rows_of(dataset.train, dataset.validation), expected_rows(labels, np.rint(features * grid) / grid)
    )
    assert dataset.notes == ()
    assert "standardise is false: set data.input_format" in error_of(FEATURE_SET, tmp_path, standardise=False)


def test_a_folder_without_subfolders_is_divided_by_the_fractions(tmp_path: Path) -> None:
    content = write_jets(tmp_path / "jetImage_7_100p_0_40.h5", 4)
    dataset = load(FEATURE_SET, tmp_path, standardise=False, input_format="fixed<20,6>")
    assert [split.labels.size for split in (dataset.train, dataset.validation, dataset.test)] == [20, 8, 12]
    np.testing.assert_array_equal(
        rows_of(dataset.train, dataset.validation, dataset.test),
        expected_rows(content["labels"], np.rint(content["features"] * 2.0**14) / 2.0**14),
    )


def test_jets_without_finite_features_are_left_out_and_counted(tmp_path: Path) -> None:
    columns, table, _, _ = jets_table(5, 40)
    table[3, columns.index("j_d2_b1_mmdt")] = np.nan
    table[9, columns.index("j_zlogz")] = -np.inf
    table[11, columns.index("j_other0")] = np.nan  # not one of the sixteen
    write_jets(tmp_path / "jetImage_0_150p.h5", 5, jets=table)
    dataset = load(FEATURE_SET, tmp_path)
    assert sum(split.labels.size for split in (dataset.train, dataset.validation, dataset.test)) == 38
    assert dataset.notes[0] == "2 jets with features that are NaN or infinite were left out"


def test_jets_without_any_finite_features_are_refused(tmp_path: Path) -> None:
    columns, table, _, _ = jets_table(5, 40)
    table[:, columns.index("j_zlogz")] = np.nan
    write_jets(tmp_path / "jetImage_0_150p.h5", 5, jets=table)
    assert "all jets have features that are NaN or infinite" in error_of(FEATURE_SET, tmp_path)


def test_a_feature_that_never_changes_becomes_zero(tmp_path: Path) -> None:
    columns, table, _, _ = jets_table(5, 40)
    table[:, columns.index("j_multiplicity")] = 7
    write_jets(tmp_path / "jetImage_0_150p.h5", 5, jets=table)
    assert not load(FEATURE_SET, tmp_path).train.events[:, FEATURES.index("multiplicity")].any()


ARFF_HEAD = "% a comment\n@RELATION hls4ml_lhc_jets_hlf\n\n"


def arff(features: Array, labels: Array, *, classes: str = "{g, q, t, w, 'z'}") -> str:
    names = "".join(f"@ATTRIBUTE {name} REAL\n" for name in FEATURES)
    rows = "".join(
        f"{','.join(repr(float(value)) for value in row)},{CLASSES[label]}\n"
        for row, label in zip(features, labels, strict=True)
    )
    return f"{ARFF_HEAD}{names}@attribute 'class' {classes}\n@DATA\n{rows}"


def test_the_table_of_openml_gives_the_same_jets(tmp_path: Path) -> None:
    _, _, features, labels = jets_table(6, 40)
    (tmp_path / "hls4ml_lhc_jets_hlf.arff").write_text(arff(features, labels))
    dataset = load(FEATURE_SET, tmp_path, standardise=False, input_format="fixed<20,6>")
    np.testing.assert_array_equal(
        rows_of(dataset.train, dataset.validation, dataset.test),
        expected_rows(labels, np.rint(features * 2.0**14) / 2.0**14),
    )


def test_the_table_in_hdf5_gives_the_same_jets(tmp_path: Path) -> None:
    columns, table, features, labels = jets_table(7, 40)
    names = ["index", *columns, "j_particles"]
    kinds = ["i8", *["f4"] * len(columns), ("f4", 3)]
    rows = np.zeros(40, np.dtype({"names": names, "formats": kinds}))
    for name, values in zip(columns, table.T, strict=True):
        rows[name] = values
    with h5py.File(tmp_path / "processed-pythia82.z", "w") as file:
        file["t_allpar_new"] = rows
    dataset = load(FEATURE_SET, tmp_path, standardise=False, input_format="fixed<20,6>")
    np.testing.assert_array_equal(
        rows_of(dataset.train, dataset.validation, dataset.test),
        expected_rows(labels, np.rint(features.astype(np.float32) * 2.0**14) / 2.0**14),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PAR1", "not an ARFF file but a parquet file; download it again, as ARFF"),
        ("<!doctype html>", "not an ARFF file but a web page"),
        (ARFF_HEAD, "not an ARFF file, or a truncated one: there is no line @DATA"),
        (
            "{content}1.5,2\n",
            "damaged, truncated or not accessible (",
        ),
        ("{content}" + "1.5," * 16 + "top\n", "damaged, truncated or not accessible"),
        (
            "{content}".replace("{content}", "@attribute zlogz real\n@attribute c {g,q,w,z,t}\n@data\n1,g\n"),
            "c1_b0_mmdt",
        ),
        ("@attribute zlogz real\n@data\n1\n", "0 columns of classes, and of other types: none; there must be one"),
        ("@attribute day date\n@attribute c {g,q}\n@data\n", "1 columns of classes, and of other types: day"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    _, _, features, labels = jets_table(6, 10)
    (tmp_path / "jets.arff").write_text(text.replace("{content}", arff(features, labels)))
    assert message in error_of(FEATURE_SET, tmp_path)


def test_other_classes_are_refused(tmp_path: Path) -> None:
    _, _, features, labels = jets_table(6, 10)
    (tmp_path / "jets.arff").write_text(arff(features, labels, classes="{g,q,w,z,t,b}"))
    assert "and classes g, q, w, z, t, b; there must be columns zlogz, c1_b0_mmdt" in error_of(FEATURE_SET, tmp_path)


def test_two_tables_in_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.arff").touch()
    (tmp_path / "b.z").touch()
    assert "holds a.arff, b.z; leave only one of them there" in error_of(FEATURE_SET, tmp_path)


def test_images_are_momenta_in_steps_of_half_a_gev(tmp_path: Path, divided: dict[str, dict[str, Array]]) -> None:
    dataset = load(IMAGE_SET, tmp_path)
    test = divided["test"]
    np.testing.assert_array_equal(dataset.test.events[..., 0], test["images"])
    np.testing.assert_array_equal(dataset.test.labels, test["labels"])
    np.testing.assert_array_equal(
        rows_of(dataset.train, dataset.validation),
        expected_rows(
            np.concatenate([divided["a"]["labels"], divided["b"]["labels"]]),
            np.concatenate([divided["a"]["images"], divided["b"]["images"]]),
        ),
    )
    assert (str(dataset.input_format), dataset.input_shape) == ("ufixed<12,11>", (6, 6, 1))
    assert (dataset.classes, dataset.symmetries, dataset.notes) == (CLASSES, (), ())


def test_pixels_are_added_up_and_saturate(tmp_path: Path, divided: dict[str, dict[str, Array]]) -> None:
    sums = divided["test"]["images"].reshape(40, 2, 3, 2, 3).sum(axis=(2, 4))
    np.testing.assert_array_equal(load(IMAGE_SET, tmp_path, rebin=3).test.events[..., 0], np.minimum(sums, 2**11 - 0.5))
    half = load(IMAGE_SET, tmp_path, image="jetImageECAL", input_format="ufixed<16,12>").test.events[..., 0]
    np.testing.assert_array_equal(half, divided["test"]["images"] / 2)


def test_the_number_of_files_and_events_can_be_limited(tmp_path: Path, divided: dict[str, dict[str, Array]]) -> None:
    few = load(IMAGE_SET, tmp_path, max_files=1)
    assert [split.labels.size for split in (few.train, few.validation, few.test)] == [30, 10, 40]
    fewer = load(FEATURE_SET, tmp_path, max_events=60)
    assert [split.labels.size for split in (fewer.train, fewer.validation, fewer.test)] == [30, 10, 20]
    for source in (FEATURE_SET, IMAGE_SET):
        found = datasets.files_read(source, {"folder": str(tmp_path), "max_files": 1})
        assert [path.parent.name for path in found] == ["train", "val"]
        assert len(datasets.files_read(source, {"folder": str(tmp_path)})) == 3
        assert "data.options.max_files -1: give a number of files" in error_of(source, tmp_path, max_files=-1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image": "jetPicture"}, "'jetPicture' is not known; choose from jetImage, jetImageECAL, jetImageHCAL"),
        (
            {"image": "jetImageHCAL"},
            "no array 'jetImageHCAL'; there are: jetConstituentList, jetFeatureNames, jetImage, ",
        ),
        ({"rebin": 4}, "data.options.rebin 4: must divide the 6x6 pixels of the images"),
        ({"rebin": 0}, "data.options.rebin 0: must divide"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path, divided: dict[str, dict[str, Array]], options: dict[str, Any], message: str
) -> None:
    assert message in error_of(IMAGE_SET, tmp_path, **options)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"jets": None}, "no array 'jets'; there are: jetConstituentList, jetFeatureNames, jetImage, jetImageECAL"),
        ({"jets": np.zeros((40, 58))}, "jets: of shape (40, 58); it must be (n, 59)"),
        ({"jets": np.zeros((40, 59))}, "jets: labels of shape (40, 5) are not one-hot: 40 rows"),
        ({"jets": np.full((40, 59), b"x")}, "jets: of type |S1, which are not real numbers"),
        ({"jetFeatureNames": [b"j_g", b"j_q"]}, "no column j_w, j_z, j_t; there are: j_g, j_q; take the"),
        (
            {"jetFeatureNames": np.arange(59)},
            "jetFeatureNames: of type int64 and shape (59,); it must be a list of names",
        ),
        ({"jetImage": np.zeros((39, 6, 6))}, "jetImage: 39 images of 40 jets"),
        ({"jetImage": np.zeros((40, 36))}, "jetImage: of shape (40, 36); it must be (n, n, n)"),
        ({"jetImage": np.zeros((40, 6, 5))}, "jetImage: images of 6x5 pixels, but 6x6 in"),
        ({"jetImage": np.full((40, 6, 6), np.nan)}, "train, jetImage, events 40 to 79: 1224 of 1224 values are NaN"),
        (
            {"jetImage": h5py.ExternalLink("other.h5", "x")},
            "jetImage: a link to another file (other.h5)",
        ),
        ({"jetImage": h5py.SoftLink("/jetIma")}, "no array 'jetImage'"),
    ],
)
def test_a_wrong_file_is_refused(
    tmp_path: Path, divided: dict[str, dict[str, Array]], arrays: dict[str, Any], message: str
) -> None:
    write_jets(tmp_path / "train" / "jetImage_0_150p_40_80.h5", 2, **arrays)
    assert message in error_of(IMAGE_SET, tmp_path)


def test_values_in_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "jetImage_0_150p.h5"
    write_jets(path, 1, jets=None)
    with h5py.File(path, "a") as file:
        file.create_dataset("jets", (40, 59), "f8", external=[(str(tmp_path / "raw"), 0, 40 * 59 * 8)])
    assert "jets: its values lie in other files (" in error_of(FEATURE_SET, tmp_path)


def test_object_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "jetImage_0_150p.h5"
    write_jets(path, 1, jets=None)
    with h5py.File(path, "a") as file:
        file.create_dataset("jets", (40, 59), h5py.vlen_dtype(np.float64))
    assert "jets: of type object, which are not real numbers" in error_of(FEATURE_SET, tmp_path)


@pytest.mark.parametrize("source", [FEATURE_SET, IMAGE_SET])
@pytest.mark.parametrize("kept", [0, 4, 100, 5000])
def test_a_truncated_file_is_refused(tmp_path: Path, source: str, kept: int) -> None:
    path = tmp_path / "jetImage_0_150p.h5"
    write_jets(path, 1)
    path.write_bytes(path.read_bytes()[:kept])
    assert re.search(
        "not an HDF5 file but (an empty file|something else)|damaged, truncated", error_of(source, tmp_path)
    )


@pytest.mark.parametrize("source", [FEATURE_SET, IMAGE_SET])
def test_a_missing_part_is_named(tmp_path: Path, source: str) -> None:
    (tmp_path / "hls4ml_LHCjet_150p_val.tar.gz").touch()
    assert "no such files" in error_of(source, tmp_path) or "no jetImage_*.h5" in error_of(source, tmp_path)
    write_jets(tmp_path / "train" / "jetImage_0_150p.h5", 1)
    error = error_of(source, tmp_path)
    assert error.startswith(
        f"{tmp_path}: no jetImage_*.h5 in val; hls4ml_LHCjet_150p_val.tar.gz is an archive: unpack it, and name "
        "the folder with its files; "
    )
    assert "doi:10.5281/zenodo.3602260" in error

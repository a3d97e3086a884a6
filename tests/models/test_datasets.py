import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.models import loading
from tests.models.loading import load
from trigcnn.models import datasets
from trigcnn.models.datasets import base
from trigcnn.models.datasets.base import split_stratified
from trigcnn.models.datasets.input_format import parse_input_format, put_on_grid
from trigcnn.models.errors import DataError

FRACTIONS = {"validation_fraction": 0.2, "test_fraction": 0.25, "seed": 3}


@pytest.mark.parametrize(
    ("text", "signed", "low", "high", "lsb"),
    [
        ("ufixed<4,0>", False, 0.0, 15 / 16, 1 / 16),
        ("fixed<16,6>", True, -32.0, 32 - 1 / 1024, 1 / 1024),
        ("ap_ufixed< 10 , 12 >", False, 0.0, 4092.0, 4.0),
        ("fixed<3,-2>", True, -0.125, 0.09375, 0.03125),
        ("ufixed<24,24>", False, 0.0, 2.0**24 - 1, 1.0),
    ],
)
def test_a_format_knows_its_range(text: str, signed: bool, low: float, high: float, lsb: float) -> None:
    fmt = parse_input_format(text)
    assert (fmt.signed, fmt.min, fmt.max, fmt.lsb) == (signed, low, high, lsb)
    assert str(fmt) == text.removeprefix("ap_").replace(" ", "")


@pytest.mark.parametrize("text", ["", "float32", "ufixed<4>", "ufixed<4,0,RND,SAT>", "fixed<a,b>", "int<4>"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"is no input format; write for example ufixed<4,0> or fixed<16,6>"):
        parse_input_format(text)


@pytest.mark.parametrize("text", ["ufixed<25,0>", "fixed<64,32>", "ufixed<0,0>"])
def test_formats_that_a_float32_does_not_hold_are_refused(text: str) -> None:
    with pytest.raises(DataError, match=rf"{text}: the width must lie between 1 and 24 bits.*narrower format"):
        parse_input_format(text)


@pytest.mark.parametrize("text", ["ufixed<8,-119>", "ufixed<8,128>"])
def test_formats_beyond_the_exponents_of_a_float32_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="beyond the exponents of a float32; scale the events"):
        parse_input_format(text)


def test_values_are_rounded_half_to_even() -> None:
    values = np.array([0.5, 1.5, 2.5, 2.51, 0.49, -0.2, 14.9])
    on_grid = put_on_grid(parse_input_format("ufixed<4,4>"), values, saturate=False, where="here")
    np.testing.assert_array_equal(on_grid, np.array([0, 2, 2, 3, 0, 0, 15], np.float32))
    assert on_grid.dtype == np.float32
    assert not np.signbit(on_grid).any()


def test_values_are_rounded_once() -> None:
    # Just above one half: a float32 in between would make it one half, and that rounds down.
    above_half = np.array([0.5 + 2.0**-40])
    np.testing.assert_array_equal(
        put_on_grid(parse_input_format("ufixed<4,4>"), above_half, saturate=False, where="here"), [1]
    )


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">f4", "f2", "f8", "g"])
def test_every_real_type_is_taken(dtype: str) -> None:
    values = np.array([0, 1, 1], dtype=dtype)
    on_grid = put_on_grid(parse_input_format("ufixed<4,4>"), values, saturate=False, where="here")
    np.testing.assert_array_equal(on_grid, np.array([0, 1, 1], np.float32))


def test_every_value_of_a_24_bit_format_survives() -> None:
    fmt = parse_input_format("fixed<24,4>")
    values = np.arange(-(2**23), 2**23, 4099) * fmt.lsb
    np.testing.assert_array_equal(put_on_grid(fmt, values, saturate=False, where="here").astype(float), values)


def test_values_out_of_range_are_refused() -> None:
    values = np.array([[0.0, 1.0], [0.5, -0.25]])
    with pytest.raises(
        DataError,
        match=r"^jets: 2 of 4 values lie outside ufixed<4,0>, which holds 0 to 0.9375 in steps of 0.0625; "
        r"the values reach from -0.25 to 1; choose another data.input_format, or set data.saturate: true$",
    ):
        put_on_grid(parse_input_format("ufixed<4,0>"), values, saturate=False, where="jets")


def test_values_that_round_into_range_are_taken_and_those_that_round_out_of_it_are_not() -> None:
    fmt = parse_input_format("ufixed<4,0>")
    np.testing.assert_array_equal(
        put_on_grid(fmt, np.array([-0.03, 0.96]), saturate=False, where="here"),
        np.array([0, 0.9375], np.float32),
    )
    with pytest.raises(DataError, match="1 of 1 values lie outside"):
        put_on_grid(fmt, np.array([0.97]), saturate=False, where="here")


def test_values_out_of_range_stop_at_its_ends_when_they_saturate() -> None:
    values = np.array([-1e300, -5, 1.0, 1e300])
    on_grid = put_on_grid(parse_input_format("fixed<4,1>"), values, saturate=True, where="here")
    np.testing.assert_array_equal(on_grid, np.array([-1, -1, 0.875, 0.875], np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_even_when_values_saturate(bad: float) -> None:
    values = np.array([[0.0, 0.5], [0.5, bad], [bad, 0]])
    with pytest.raises(DataError, match=r"jets: 2 of 6 values are NaN or infinite, the first at index \(1, 1\)"):
        put_on_grid(parse_input_format("ufixed<4,0>"), values, saturate=True, where="jets")


def test_integers_that_a_float64_does_not_hold_are_refused() -> None:
    with pytest.raises(DataError, match=r"integers up to 9007199254740993 are beyond 2\*\*53"):
        put_on_grid(parse_input_format("ufixed<4,60>"), np.array([2**53 + 1]), saturate=False, where="here")


def test_a_split_is_stratified_and_loses_no_event() -> None:
    labels = np.repeat(np.arange(3), [50, 30, 20])
    events = np.arange(100, dtype=np.float32)[:, np.newaxis]
    parts = split_stratified(events, labels, validation_fraction=0.2, test_fraction=0.1, seed=0)
    assert [np.bincount(part.labels).tolist() for part in parts] == [[35, 21, 14], [10, 6, 4], [5, 3, 2]]
    together = np.concatenate([part.events for part in parts])[:, 0]
    np.testing.assert_array_equal(np.sort(together), events[:, 0])
    for part in parts:
        np.testing.assert_array_equal(part.labels, labels[part.events[:, 0].astype(int)])


def test_a_split_depends_on_its_seed_alone() -> None:
    labels = np.repeat(np.arange(2), 20)
    events = np.arange(40, dtype=np.float32)[:, np.newaxis]

    def test_part(seed: int) -> list[float]:
        split = split_stratified(events, labels, validation_fraction=0.2, test_fraction=0.2, seed=seed)[2]
        return [float(value) for value in split.events[:, 0]]

    assert test_part(1) == test_part(1)
    assert test_part(1) != test_part(2)


@pytest.mark.parametrize(("validation", "test"), [(0.0, 0.2), (0.2, 0.0), (0.5, 0.5), (float("nan"), 0.2)])
def test_fractions_that_leave_a_part_empty_are_refused(validation: float, test: float) -> None:
    with pytest.raises(DataError, match="must be above 0, and their sum below 1"):
        split_stratified(
            np.zeros((9, 1), np.float32),
            np.zeros(9, np.int64),
            validation_fraction=validation,
            test_fraction=test,
            seed=0,
        )


@pytest.mark.parametrize(
    ("counts", "fraction", "message"),
    [
        ([50, 2], 0.2, "class 1 has only 2 of the 52 events: each of the three parts needs at least one"),
        ([100, 3], 0.1, "class 1 has only 3 of the 103 events: none of them would be in the"),
        ([5, 5, 5], 0.1, "data.validation_fraction would give 2 of the 15 events, fewer than the 3 classes"),
    ],
)
def test_classes_with_too_few_events_are_refused(counts: list[int], fraction: float, message: str) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    with pytest.raises(DataError, match=message):
        split_stratified(
            np.zeros((labels.size, 1), np.float32),
            labels,
            validation_fraction=fraction,
            test_fraction=fraction,
            seed=0,
        )


def test_digits_are_all_there_and_on_the_grid() -> None:
    digits = load("digits", **FRACTIONS)
    parts = (digits.train, digits.validation, digits.test)
    assert [part.labels.size for part in parts] == [989, 359, 449]
    assert digits.input_shape == (8, 8, 1)
    assert digits.classes == tuple("0123456789")
    assert (digits.name, str(digits.input_format)) == ("digits", "ufixed<4,0>")
    events = np.concatenate([part.events for part in parts])
    assert events.dtype == np.float32
    np.testing.assert_array_equal(np.unique(events), np.arange(16, dtype=np.float32) / 16)
    np.testing.assert_array_equal(
        np.bincount(np.concatenate([part.labels for part in parts])),
        [178, 182, 177, 183, 181, 182, 181, 179, 174, 180],
    )


def test_digits_saturate_only_the_value_16() -> None:
    wide = load("digits", **FRACTIONS, input_format="ufixed<8,0>")
    narrow = load("digits", **FRACTIONS, input_format="ufixed<4,0>")
    np.testing.assert_array_equal(np.unique(wide.train.events)[-2:], np.array([15 / 16, 255 / 256], np.float32))
    np.testing.assert_array_equal(np.minimum(wide.train.events, 15 / 16), narrow.train.events)
    np.testing.assert_array_equal(wide.train.labels, narrow.train.labels)


@pytest.mark.parametrize("text", ["fixed<8,0>", "ufixed<3,0>", "ufixed<8,1>", "ufixed<8,-1>"])
def test_digits_refuse_formats_that_do_not_fit(text: str) -> None:
    with pytest.raises(DataError, match=rf"data.input_format {text} does not fit the digits.*use ufixed<4,0>"):
        load("digits", input_format=text)


def test_digits_refuse_other_class_names() -> None:
    with pytest.raises(DataError, match=r"data\.classes: the data set digits has its own class names; remove"):
        load("digits", classes=["even", "odd"])


@pytest.mark.parametrize("source", ["digit", "digits.csv", "svhm"])
def test_an_unknown_data_set_is_refused_with_the_nearest(source: str) -> None:
    with pytest.raises(
        DataError,
        match=rf"data.source '{source}' is neither a data set nor a file that ends in .npz, .h5, .hdf5; did "
        r"you mean \w+\?",
    ):
        load(source)


def test_the_registry_describes_each_data_set() -> None:
    infos = {info.name: info for info in datasets.available()}
    assert infos["digits"] == base.DatasetInfo("digits", infos["digits"].description, "1797", "8x8x1", "ufixed<4,0>")
    assert all(info.description for info in infos.values())


def test_importing_the_registry_imports_no_large_library() -> None:
    code = (
        "import sys, trigcnn.models.datasets; "
        "print([m for m in ('sklearn', 'scipy', 'h5py', 'tensorflow', 'keras') if m in sys.modules])"
    )
    root = Path(datasets.__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "source", ["edges", "calorimeter", "cherenkov", "jet_features", "jet_images", "waveforms", "street_digits"]
)
def test_more_events_than_memory_holds_are_refused_before_they_are_drawn(source: str) -> None:
    with pytest.raises(
        DataError,
        match=r"data\.options\.events: 1000000000000 events: .* GB in memory, more than the limit of 8 GB; draw",
    ):
        loading.load(source, options={"events": 10**12})

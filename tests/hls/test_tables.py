from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.rewriting.tables import Function, on_reals, parts, steps, thresholds

Values = npt.NDArray[np.float64]


@pytest.mark.parametrize(
    ("whole", "function", "cut"),
    [
        # The last bit makes no difference.
        ("fixed<6,3>", lambda x: np.floor(x * 4), "fixed<5,3,TRN,SAT>"),
        # Nothing changes beyond -1 and 1.
        ("fixed<8,4>", lambda x: np.clip(x, -1, 0.9375), "fixed<5,1,TRN,SAT>"),
        ("ufixed<8,4>", lambda x: np.minimum(x, 1.9375), "ufixed<5,1,TRN,SAT>"),
        # Both.
        ("fixed<8,4>", lambda x: np.clip(np.floor(x), -2, 1), "fixed<2,2,TRN,SAT>"),
        # Every bit counts.
        ("fixed<6,3>", lambda x: x, "fixed<6,3>"),
        # Zero alone is another value: nothing may be cut off below.
        ("fixed<4,4>", lambda x: (x == 0) * 1.0, "fixed<2,2,TRN,SAT>"),
    ],
)
def test_the_cut_in_front_of_a_table_changes_nothing(whole: str, function: Function, cut: str) -> None:
    given = FixedPoint.parse(whole)
    found = steps(function, given)
    assert found is not None
    assert str(found.format) == cut
    x = given.to_real(np.arange(given.min_integer, given.max_integer + 1))
    np.testing.assert_array_equal(found.table()[found.format.cast(x) % (1 << found.format.width)], function(x))


def tanh(x: Values) -> Values:
    rounded: Values = np.rint(np.tanh(x) * 128) / 128
    return np.clip(rounded, -1, 127 / 128)


def hswish(x: Values) -> Values:
    """It falls and rises."""
    rounded: Values = np.rint(x * np.clip(x + 3, 0, 6) / 6 * 16) / 16
    return np.clip(rounded, -2, 31 / 16)


def power_of_two(x: Values) -> Values:
    exponents: Values = np.clip(np.rint(np.log2(np.abs(x) + 1e-7)), -8, 0)
    return np.asarray(np.sign(x) * 2.0**exponents)


@pytest.mark.parametrize("function", [tanh, hswish, power_of_two])
@pytest.mark.parametrize("text", ["fixed<17,4>", "ufixed<16,3>", "fixed<30,6>"])
def test_thresholds_give_the_function_at_and_beside_every_change(function: Function, text: str) -> None:
    given = FixedPoint.parse(text)
    found = steps(function, given)
    assert found is not None
    small = thresholds(found)
    assert small is not None
    assert small.entries < 1 << 11
    factor = 2 ** (given.fraction - found.format.fraction)
    beside = (found.changes[:, None] * factor + np.arange(-2, 3)).ravel()
    anywhere = np.random.default_rng(0).integers(given.min_integer, given.max_integer, 50_000, endpoint=True)
    x = given.to_real(np.concatenate([beside, anywhere]).clip(given.min_integer, given.max_integer))
    kept = found.format.to_real(found.format.cast(x))
    narrow = small.narrow_offsets()
    assert all((offsets == offsets.astype(np.float32)).all() for offsets in narrow)
    moved = kept + np.sum(narrow, axis=0)[small.piece.cast(kept) % len(small.offsets)]
    changes = small.change.cast(moved)
    # The cast truncates, and never wraps.
    np.testing.assert_array_equal(changes, np.floor(moved / small.change.lsb))
    np.testing.assert_array_equal(small.values[changes], function(x))


def test_every_change_of_a_wide_argument_is_found_by_bisection() -> None:
    given = FixedPoint.parse("fixed<30,6>")
    found = steps(tanh, given)
    assert found is not None
    assert len(found.changes) == 255
    np.testing.assert_array_equal(found.values, np.arange(-128, 128) / 128)
    edges = np.arctanh((np.arange(-127, 128) - 0.5) / 128)
    np.testing.assert_allclose(found.changes * found.format.lsb, edges, atol=2 * found.format.lsb)


def test_a_function_of_too_many_values_has_no_steps() -> None:
    assert steps(lambda x: x, FixedPoint.parse("fixed<17,4>")) is None
    assert steps(lambda x: x, FixedPoint.parse("fixed<40,4>")) is None


def octaves(x: Values) -> Values:
    """From 2**-15 to 4, with changes all over 18 octaves, as in `quantized_relu_po2(5, 4)`."""
    return np.asarray(2.0 ** np.clip(np.rint(np.log2(np.maximum(x, 1e-9))), -15, 2))


def signed_octaves(x: Values) -> Values:
    return np.asarray(np.where(x < 0, -1, 1) * octaves(np.abs(x)))


@pytest.mark.parametrize(("function", "expected"), [(octaves, 2), (signed_octaves, 3), (tanh, 1)])
def test_a_wide_function_is_a_sum_of_functions_that_have_thresholds(function: Function, expected: int) -> None:
    bring_up()
    given = FixedPoint.parse("fixed<39,3>")
    found = parts(function, given, adds=True)
    assert found is not None
    assert len(found) == expected
    x = given.to_real(np.random.default_rng(0).integers(given.min_integer, given.max_integer, 20_000))
    x = np.concatenate([x, x * 2.0**-9, x * 2.0**-18])
    np.testing.assert_array_equal(sum(on_reals(part)(x) for part in found), on_reals(function)(x))
    for part in found:
        whole = steps(on_reals(part), given)
        assert whole is not None
        assert thresholds(whole) is not None


def test_too_many_values_or_no_layer_that_adds_is_no_sum_of_tables() -> None:
    bring_up()
    given = FixedPoint.parse("fixed<39,3>")
    assert parts(lambda x: x, given, adds=True) is None
    assert parts(octaves, given, adds=False) is None
    narrow = parts(octaves, FixedPoint.parse("fixed<14,3>"), adds=False)
    assert narrow == [octaves]

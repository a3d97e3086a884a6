from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph.ranges import Range
from trigcnn.hls.rewriting.quotients import quotient

CASES = [
    (divisor, sums, cast)
    for divisor in (3, 6, 9, 36, 49, 100)
    for sums, cast in (
        ("fixed<10,6>", "fixed<6,2,RND_CONV,SAT>"),
        ("ufixed<9,9>", "ufixed<3,2,RND_CONV,SAT>"),
        # Finer and coarser than what is divided.
        ("fixed<7,3>", "fixed<16,1,RND_CONV,SAT>"),
        ("fixed<10,2>", "fixed<3,4,RND_CONV,SAT_SYM>"),
    )
]


@pytest.mark.parametrize(("divisor", "sums", "cast"), CASES)
def test_a_cast_behind_the_product_gives_what_it_gives_of_the_quotient(divisor: int, sums: str, cast: str) -> None:
    """Every sum, ties included, in exact fractions."""
    given, behind = FixedPoint.parse(sums), FixedPoint.parse(cast)
    found = quotient(Range.of(given, 1), divisor, behind.fraction)
    whole = range(given.min_integer, given.max_integer + 1)
    exact = [Fraction(value, divisor) * Fraction(given.lsb) for value in whole]
    products = given.to_real(np.array(whole)) * found.factor
    rounded = found.result.cast(products)
    lsb = Fraction(found.result.lsb)
    # Python rounds halves to even, too.
    assert rounded.tolist() == [round(value / lsb) for value in exact]
    low, high = behind.limits
    expected = [min(max(round(value / Fraction(behind.lsb)), low), high) for value in exact]
    assert behind.cast(found.result.to_real(rounded)).tolist() == expected


def test_a_factor_of_fewer_bits_would_not_do() -> None:
    given = FixedPoint.parse("fixed<10,6>")
    found = quotient(Range.of(given, 1), 36, 4)
    x = given.to_real(np.arange(given.min_integer, given.max_integer + 1))
    fewer = np.rint(found.factor * 2**12) / 2**12
    assert (found.result.cast(x * fewer) != found.result.cast(x * found.factor)).any()


def test_a_product_that_float64_does_not_hold_is_refused() -> None:
    given = FixedPoint.parse("fixed<24,4>")
    with pytest.raises(ValueError, match="division by 49 has more than 53 bits"):
        quotient(Range.of(given, 1), 49, 20)

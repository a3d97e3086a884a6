"""The interval of an efficiency, by hand and by scipy."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest, norm

from trigcnn.pipeline.trigger.binomial import CONFIDENCE, wilson


def test_the_wilson_interval_by_hand() -> None:
    # n = 4, k = 1, z = 1: centre (1/4 + 1/8) / (5/4) = 3/10, half √(3/64 + 1/64) / (5/4) = 1/5.
    assert wilson(1, 4) == pytest.approx((0.1, 0.5), rel=1e-15)
    assert wilson(0, 9) == pytest.approx((0.0, 0.1), rel=1e-15)
    assert wilson(9, 9) == pytest.approx((0.9, 1.0), rel=1e-15)
    assert (wilson(0, 7)[0], wilson(7, 7)[1]) == (0.0, 1.0)


@pytest.mark.parametrize(("accepted", "events"), [(1, 3), (7, 20), (0, 5), (5, 5), (123, 10_000_000), (999, 1000)])
def test_the_wilson_interval_is_that_of_scipy(accepted: int, events: int) -> None:
    level = norm.cdf(1) - norm.cdf(-1)
    assert pytest.approx(level, rel=1e-12) == CONFIDENCE
    expected = binomtest(accepted, events).proportion_ci(level, method="wilson")
    assert wilson(accepted, events) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-15)

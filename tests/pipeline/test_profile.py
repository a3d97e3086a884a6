"""The numerical profile of a network."""

from __future__ import annotations

import numpy as np
import pytest

from tests.hls.graphs import given, graph, layer, weighted
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.pipeline.results.magnitudes import Magnitudes
from trigcnn.pipeline.verification.profile import measure, profile


def test_quartiles_are_of_magnitudes_that_occur_and_zeros_are_counted_apart() -> None:
    values = np.array([0.0, 0.0, -0.5, 0.25, 1.0, -2.0, 3.75])
    found = measure("conv", "weight", FixedPoint.parse("fixed<6,3>"), values)
    assert (found.minimum, found.maximum, found.values, found.zeros) == (-2.0, 3.75, 7, 2)
    assert (found.lsb, found.format_minimum, found.format_maximum) == (0.125, -4.0, 3.875)
    assert found.magnitudes == Magnitudes(least=0.25, lower_quartile=0.5, median=1.0, upper_quartile=2.0, greatest=3.75)


@pytest.mark.parametrize("shape", [(1,), (3, 4, 2)])
def test_zeros_alone_have_no_magnitudes(shape: tuple[int, ...]) -> None:
    found = measure("conv", "bias", FixedPoint.parse("fixed<6,3>"), np.zeros(shape))
    assert found.magnitudes is None
    assert found.values == found.zeros == np.prod(shape)


def test_weights_biases_and_results_stand_in_the_order_of_the_layers() -> None:
    dense = layer("Dense", "x", (2,), weights=weighted((3, 2)), n_in=3, n_out=2)
    subject = graph(given((3,)), dense)
    results = {"x": np.ones((5, 3)), "y": np.zeros((5, 2))}
    found = profile(subject, results)
    assert [(entry.layer, entry.tensor) for entry in found] == [
        ("x", "result"), ("y", "weight"), ("y", "bias"), ("y", "result"),
    ]  # fmt: skip
    assert [entry.values for entry in found] == [15, 6, 2, 10]
    assert found[1].minimum == subject.layers[1].weights["weight"].values.min()
    # A layer whose results nobody has.
    assert len(profile(subject, {})) == 2

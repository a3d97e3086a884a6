"""How many events have each score, counted chunk by chunk."""

from __future__ import annotations

import numpy as np
import pytest

from trigcnn.pipeline.trigger.spectrum import Integers, Spectrum, SpectrumBuilder


def spectrum(*scores: int) -> Spectrum:
    return Spectrum.of(np.array(scores, np.int64))


def test_accepted_are_the_events_at_or_above_a_threshold() -> None:
    found = spectrum(3, 3, -1, 7).accepted([-5, -1, 0, 3, 4, 7, 8])
    assert found.tolist() == [4, 4, 3, 3, 1, 1, 0]


@pytest.mark.parametrize("spread", [40, 2**40])
@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
def test_the_chunks_size_changes_nothing(monkeypatch: pytest.MonkeyPatch, size: int, spread: int) -> None:
    monkeypatch.setattr("trigcnn.pipeline.trigger.spectrum._PENDING", 100)
    rng = np.random.default_rng(2)
    scores: Integers = rng.integers(-spread, spread, 5000)
    builder = SpectrumBuilder()
    for start in range(0, scores.size, size):
        builder.add(scores[start : start + size])
    values, counts = np.unique(scores, return_counts=True)
    found = builder.build()
    np.testing.assert_array_equal(found.values, values)
    np.testing.assert_array_equal(found.counts, counts)
    assert found.counts.dtype == np.int64


def test_a_spectrum_of_no_event() -> None:
    empty = SpectrumBuilder().build()
    assert (empty.events, empty.accepted([0]).tolist()) == (0, [0])
    assert Spectrum.of(np.empty(0, np.int64)).events == 0
    assert Spectrum.merged([empty, spectrum(4)]).values.tolist() == [4]

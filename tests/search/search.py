"""The search itself: networks one after another, by Hypothesis, the same for the same seed."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase

from tests.search.compare import Outcome, compare
from tests.search.network import Network
from tests.search.networks import networks


def each_network(use: Callable[[Network], None], *, seed: int, count: int) -> None:
    """Call `use` with networks.

    Args:
        use: What to do with each; an exception ends the search.
        seed: Which networks.
        count: How many, at most.
    """

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(networks())
    def search(network: Network) -> None:
        use(network)

    search()


def outcome_of(network: Network, *, with_csim: bool = True, with_rtl: bool = False) -> Outcome:
    """Compare in a folder that is removed afterwards; an exception counts as a problem."""
    with tempfile.TemporaryDirectory(prefix="trigcnn-search-") as folder:
        try:
            return compare(network, Path(folder), with_csim=with_csim, with_rtl=with_rtl)
        except Exception:
            return Outcome(problems=[traceback.format_exc(limit=-4)])

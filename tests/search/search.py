"""The search itself: networks one after another, by Hypothesis, the same for the same seed."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, Phase

from tests.search.author import draw
from tests.search.compare import Outcome, compare, compare_script
from tests.search.network import Network
from tests.search.networks import networks
from tests.search.scripts import Script


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


def each_script(use: Callable[[Script], None], *, seed: int, count: int) -> None:
    """Call `use` with scripts; see `each_network`."""
    for number in range(count):
        use(draw(seed * 1000 + number))


def outcome_of(
    network: Network | Script, *, with_csim: bool = True, with_rtl: bool = False, with_emulator: bool = True
) -> Outcome:
    """Compare in a folder that is removed afterwards; an exception counts as a problem."""
    with tempfile.TemporaryDirectory(prefix="trigcnn-search-") as folder:
        try:
            if isinstance(network, Script):
                return compare_script(network, Path(folder), with_csim=with_csim, with_emulator=with_emulator)
            return compare(network, Path(folder), with_csim=with_csim, with_rtl=with_rtl)
        except Exception:
            return Outcome(problems=[traceback.format_exc(limit=-4)])

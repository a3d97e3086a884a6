from __future__ import annotations

import pytest

from tests.search.author import draw
from tests.search.network import Network
from tests.search.scripts import Script
from tests.search.search import each_network, each_script, outcome_of


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The initializer:UserWarning")
def test_all_engines_agree_on_random_networks() -> None:
    """Equal bit by bit on all outputs and layers, in the C simulation of the first; `make search` searches on."""
    compared = 0

    def check(network: Network) -> None:
        nonlocal compared
        outcome = outcome_of(network, with_csim=compared == 0)
        assert not outcome.problems, f"{outcome.problems}\n{network}\n{network.to_json()}"
        compared += "interpreter" in outcome.counts

    each_network(check, seed=3, count=4)
    assert compared >= 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The initializer:UserWarning")
def test_a_network_is_the_same_when_it_is_read_again() -> None:
    found: list[Network] = []
    each_network(found.append, seed=4, count=5)
    for network in found:
        again = Network.from_json(network.to_json())
        assert str(again) == str(network)
        assert again.hls_options() == network.hls_options()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:")
def test_ordinary_models_are_equal_or_refused_with_a_reason() -> None:
    """As above with `--scripts`; the C simulation and the emulator are compiled for the first only."""
    compared = 0

    def check(script: Script) -> None:
        nonlocal compared
        outcome = outcome_of(script, with_csim=compared == 0, with_emulator=compared == 0)
        assert not outcome.problems, f"{outcome.problems}\n{script}\n{script.to_json()}"
        compared += "interpreter" in outcome.counts

    each_script(check, seed=1, count=5)
    assert compared >= 2


def test_a_script_is_the_same_when_it_is_read_again() -> None:
    assert draw(7) == draw(7) != draw(8)
    assert Script.from_json(draw(7).to_json()) == draw(7)

"""Every exact and every rewritten row of the table, in small networks that are converted and simulated."""

from __future__ import annotations

import dataclasses
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from tests.hls import walk as walk_of_back_ends
from tests.hls.admission_branches import BRANCHES, WIDE, Branch, events_of, network
from trigcnn.hls.admission import look_up
from trigcnn.hls.admission.table import entries
from trigcnn.hls.backends import FACTS
from trigcnn.hls.conversion.convert import convert
from trigcnn.hls.engines import Engine, Outputs, registry
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.engines.registry import Workplace
from trigcnn.hls.graph.graph import Graph, pack
from trigcnn.hls.options import HlsOptions, IoType
from trigcnn.hls.rewriting.check import compare
from trigcnn.hls.rewriting.normal_form import normal_form
from trigcnn.hls.rewriting.rewrite import NormalForm


class Made(NamedTuple):
    branches: list[Branch]
    model: Any
    options: HlsOptions
    events: list[npt.NDArray[np.float32]]


class Converted(NamedTuple):
    made: Made
    options: HlsOptions
    normal: NormalForm
    compiled: registry.Network
    simulation: Future[Engine]

    @property
    def graph(self) -> Graph:
        return self.compiled.graph


def converted(made: Made, io_type: IoType, folder: Path, compilers: ThreadPoolExecutor) -> Converted:
    options = dataclasses.replace(made.options, io_type=io_type)
    normal = normal_form(made.model, options)
    bench = (np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    graph = convert(normal, name="top", options=options, project=folder / "hls", log=folder / "log", test_bench=bench)
    compiled = registry.Network(graph, folder / "hls", lambda: normal.model)
    simulation = compilers.submit(registry.build, "csim", compiled, Workplace(folder, timeout_s=300, quick=True))
    return Converted(made, options, normal, compiled, simulation)


@pytest.fixture(scope="module")
def models() -> list[Made]:
    """All branches, in a few models, since a small project takes as long to compile as a middling one."""
    images = [branch for branch in BRANCHES if len(branch.shape) == 3]
    others = [branch for branch in BRANCHES if len(branch.shape) < 3]
    groups = [images[0::2], images[1::2], others[0::2], others[1::2], WIDE]
    networks = [network(group, "io_parallel") for group in groups]
    return [Made(group, *own, events_of(own.model)) for group, own in zip(groups, networks, strict=True)]


@pytest.fixture(scope="module", params=["io_parallel", "io_stream"])
def walk(
    request: pytest.FixtureRequest, models: list[Made], tmp_path_factory: pytest.TempPathFactory
) -> list[Converted]:
    with ThreadPoolExecutor(2) as compilers:
        found = [converted(made, request.param, tmp_path_factory.mktemp("rows"), compilers) for made in models]
        for each in found:
            each.simulation.result()
    return found


def rows_of(each: Converted) -> set[str]:
    strategies = {name: own.strategy for name, own in each.options.layers.items() if own.strategy}
    return {found.row for found in look_up(each.made.model, io_type=each.options.io_type, strategies=strategies)}


@pytest.mark.slow
def test_every_exact_and_rewritten_row_is_in_a_network(walk: list[Converted]) -> None:
    io_type = walk[0].options.io_type
    wanted = {name for name, row in entries().items() if row.verdict != "refused" and row.io_type in (None, io_type)}
    found: set[str] = set()
    for each in walk:
        found |= rows_of(each)
    assert wanted - found == set()


@pytest.mark.slow
def test_the_rewritten_networks_are_the_models(walk: list[Converted]) -> None:
    """Layer by layer where all is parallel; streams, which are rewritten a little further, by what comes out."""
    *exact, wide = walk
    for each in exact:
        if each.options.io_type == "io_parallel":
            rewriting = compare(each.made.model, each.normal, each.made.events, random_events=64)
            assert all(layer.differing_values == 0 for layer in rewriting.layers)
            assert rewriting.differing_outputs == 0
        else:
            events = pack(each.made.events)
            expected, found = (KerasEngine(model).predict(events) for model in (each.made.model, each.normal.model))
            # A softmax or a sigmoid at the end is left out.
            names = [branch.layers for branch in each.made.branches]
            kept = [index for index, name in enumerate(names) if "oftmax" not in name and "'sigmoid'" not in name]
            assert len(kept) > 0.8 * len(names)
            pairs = list(zip(each.graph.split_outputs(expected), each.graph.split_outputs(found), strict=True))
            for index in kept:
                np.testing.assert_array_equal(*pairs[index], err_msg=names[index])
    rewriting = compare(wide.made.model, wide.normal, wide.made.events, random_events=64)
    # Keras' float32 has 24 bits.
    assert rewriting.layers
    assert 0 < rewriting.max_difference < 2**-19


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["csim", "interpreter", "emulator"])
def test_every_engine_is_the_rewritten_network(walk: list[Converted], engine: str, tmp_path: Path) -> None:
    if engine == "emulator" and walk[0].options.io_type == "io_stream":
        pytest.skip("the graphs are those of io_parallel, and take long to compile")
    folders = [tmp_path / str(number) for number in range(len(walk))]
    with ThreadPoolExecutor(2 if engine == "emulator" else 1) as compilers:
        engines = list(compilers.map(_engine, [engine] * len(walk), walk, folders))
    for each, built in zip(walk, engines, strict=True):
        events = pack(each.made.events)
        expected = KerasEngine(each.normal.model).predict(events)
        found = built.predict(events)
        np.testing.assert_array_equal(found.reshape(expected.shape), expected, err_msg=_first(each, expected, found))


# What is not walked above, nor by test_backends.py. Each walks a share of the branches; `make walk` walks them all.
# The suite has each back end's C++ for images and for streams once, here or there.
IN_SUITE = {
    ("Vivado", "io_parallel", "Latency"),
    ("Vivado", "io_stream", "Resource"),
    ("Catapult", "io_stream", "Resource"),
}
COMBINATIONS = [
    options
    for options in walk_of_back_ends.combinations()
    if options.strategy != FACTS[options.backend].strategies[0] or options.backend == "Vivado"
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(
            number,
            id=f"{c.backend}-{c.io_type}-{c.strategy}",
            marks=[] if (c.backend, c.io_type, c.strategy) in IN_SUITE else pytest.mark.walk,
        )
        for number, c in enumerate(COMBINATIONS)
    ],
)
def test_every_back_end_computes_the_rows_that_it_claims(number: int, tmp_path: Path) -> None:
    options = COMBINATIONS[number]
    share = list(walk_of_back_ends.admitted(options, BRANCHES[number :: 2 * len(COMBINATIONS)]))
    assert len(share) > 3
    assert walk_of_back_ends.differing(options, share, tmp_path) == []


def _engine(name: str, each: Converted, folder: Path) -> Engine:
    if name == "csim":
        return each.simulation.result()
    folder.mkdir()
    return registry.build(name, each.compiled, Workplace(folder, timeout_s=300, quick=True))


def _first(each: Converted, expected: Outputs, found: Outputs) -> str:
    """The first branch that differs."""
    found = found.reshape(expected.shape)
    pairs = zip(each.graph.split_outputs(expected), each.graph.split_outputs(found), strict=True)
    differing = [branch.layers for branch, (a, b) in zip(each.made.branches, pairs, strict=True) if (a != b).any()]
    return " and ".join(differing)

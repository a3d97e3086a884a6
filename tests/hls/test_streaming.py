"""Streaming RTL, simulated clock by clock and compared with the oracle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.hls.graphs import SEED, events_for, given, graph, layer, weighted
from tests.hls.streaming_graphs import (
    IN_IMAGE,
    IN_LINE,
    SAME,
    classifier,
    conv,
    decoder,
    residual,
    together,
    wanted_of,
    weights_of,
)
from trigcnn.hls.engines import rtl
from trigcnn.hls.engines.rtl import RtlSimulation
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.rtl.streaming.generate import generate


def simulation(subject: Graph, folder: Path, **options: Any) -> RtlSimulation:
    design = generate(subject, folder / "rtl", stage_delay=options.pop("stage_delay", 3.0), **options)
    return rtl.build(subject, design, folder / "rtl", folder, timeout_s=600)


def check(subject: Graph, folder: Path, count: int = 6, **options: Any) -> RtlSimulation:
    """Hold a design to the oracle: without gaps, with random gaps, with pauses, and after a reset in mid-image."""
    simulated = simulation(subject, folder, **options)
    events = events_for(subject, count)
    wanted = wanted_of(subject, events)
    np.testing.assert_array_equal(simulated.predict(events), wanted)
    random = np.random.default_rng(SEED)
    words, interval = simulated.design.inputs[0].words, simulated.design.initiation_interval
    for chance in (0.9, 0.5, 0.1):
        at = with_gaps(len(events), words, interval, random.random((len(events), words)) > chance, random)
        np.testing.assert_array_equal(simulated.outputs(simulated.clock(events, at)), wanted)
    begun = max(words // 2, 1)
    pause = np.full(interval - words, -1)
    broken_off = np.concatenate([np.arange(words), pause, np.arange(words, words + begun), np.full(3, -1)])
    quiet = np.full(simulated.design.latency_cycles + interval, -1)
    again = with_gaps(len(events), words, interval, np.zeros((len(events), words), bool), random)
    at = np.concatenate([broken_off, again, quiet])
    reset = np.zeros(len(at), dtype=bool)
    reset[len(broken_off) - 2] = True
    after = [late(received, len(broken_off)) for received in simulated.clock(events, at, reset)]
    np.testing.assert_array_equal(simulated.outputs(after), wanted)
    return simulated


def late(received: rtl.Received, start: int) -> rtl.Received:
    kept = received.cycles >= start
    return rtl.Received(received.cycles[kept], received.integers[kept])


def with_gaps(
    events: int, words: int, interval: int, pauses: npt.NDArray[np.bool_], random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Lay words out over cycles, with gaps where asked for, and behind each event the pause that a design may need."""
    at: list[int] = []
    for event in range(events):
        for word in range(words):
            if pauses[event, word]:
                at += [-1] * int(random.integers(1, 12))
            at.append(event * words + word)
        at += [-1] * (interval - words)
    return np.array(at + [-1] * 400)


@pytest.mark.slow
@pytest.mark.parametrize("names", [IN_IMAGE, IN_LINE], ids=["2D", "1D"])
def test_each_kind_of_layer(names: list[str], tmp_path: Path) -> None:
    check(together(names), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(4, 6), (2, 2)])
def test_branches_wait_for_each_other(size: tuple[int, int], tmp_path: Path) -> None:
    check(residual(size), tmp_path, reuse_factors={})


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{}, {"serial_dense": True}, {"reuse_factors": {"d": 12, "y": 3}}],
    ids=["parallel", "serial", "some lanes"],
)
def test_dense_layers_in_parallel_and_in_series(options: dict[str, Any], tmp_path: Path) -> None:
    subject = classifier()
    simulated = check(subject, tmp_path, **options)
    assert simulated.design.initiation_interval == 24


@pytest.mark.slow
def test_two_inputs_and_an_image_out_of_a_vector(tmp_path: Path) -> None:
    simulated = check(decoder(), tmp_path)
    assert [port.words for port in simulated.design.outputs] == [16]
    # The padding became the convolution's own, and the enlarged image is what takes longest.
    assert simulated.design.initiation_interval == 16


def of_constants() -> Graph:
    """Layers whose results are the same for every event, alone and beside others."""
    image = (4, 4, 3)
    kernel = weights_of(np.zeros((3, 3, 2, 3), dtype=np.int64), "fixed<4,2>")
    padded: dict[str, Any] = SAME
    nothing = {"weight": kernel, "bias": weights_of(np.array([3, 0, -2]), "fixed<4,2>")}
    return graph(
        given((4, 4, 2), "fixed<4,2>"),
        layer("Conv2D", "x", image, "fixed<5,3>", name="c", weights=nothing, **padded),
        conv("edges", "c", (4, 4, 2), (3, 3, 3, 2), **SAME),
        layer("Concatenate", "c x", (4, 4, 5), "fixed<6,3>", name="both", axis=2),
        layer("GlobalPooling2D", "c", (3,), "fixed<8,5>", name="mean", pool_op="Average"),
        layer("Reshape", "c", (48,), "fixed<5,3>", name="flat"),
        layer("Dense", "flat", (2,), "fixed<12,8>", name="y", weights=weighted((48, 2))),
        outputs="edges both mean y",
    )


@pytest.mark.slow
def test_what_never_changes_needs_no_bits(tmp_path: Path) -> None:
    check(of_constants(), tmp_path, reuse_factors={"y": 16})


def row(name: str, source: str, width: int, size: int, channels: tuple[int, int] = (2, 2)) -> Layer:
    """A padded convolution along a row of pixels."""
    pads: dict[str, Any] = {"pad_left": (size - 1) // 2, "pad_right": size // 2, "stride_width": 1}
    weights = weighted((size, *channels))
    return layer("Conv1D", source, (width, channels[1]), "fixed<7,4,RND,SAT>", name=name, weights=weights, **pads)


def short_cuts() -> Graph:
    """Branches of which one is far behind the other: by what the ends of images wait for, and by registers."""
    return graph(
        given((4, 2), "fixed<4,2>"),
        row("a", "x", 4, 3),
        row("b", "a", 4, 5),
        row("c", "b", 4, 1),
        row("d", "x", 4, 1),
        row("e", "d", 4, 7),
        layer("Merge", "c e", (4, 2), "fixed<8,5>", name="y", op="add"),
    )


def deep() -> Graph:
    """A vector that goes around three dense layers."""
    return graph(
        given((4,), "fixed<4,2>"),
        *(
            layer("Dense", source, (4,), "fixed<7,4,RND,SAT>", name=name, weights=weighted((4, 4)))
            for source, name in (("x", "a"), ("a", "b"), ("b", "c"))
        ),
        layer("Merge", "c x", (4,), "fixed<8,5>", name="y", op="add"),
    )


def constant_in_series() -> Graph:
    """Products of constants that are added up one after another."""
    nothing = {
        "weight": weights_of(np.zeros((1, 2, 2), dtype=np.int64), "fixed<4,2>"),
        "bias": weights_of(np.array([3, 2]), "fixed<4,3>"),
    }
    ones = {"weight": weights_of(np.ones((8, 2), dtype=np.int64), "fixed<3,3>"), "bias": weighted((8, 2))["bias"]}
    place: dict[str, Any] = {"pad_left": 0, "pad_right": 0, "stride_width": 1}
    return graph(
        given((4, 2), "fixed<4,2>"),
        layer("Conv1D", "x", (4, 2), "fixed<5,3>", name="c", weights=nothing, **place),
        layer("Reshape", "c", (8,), "fixed<5,3>", name="flat"),
        layer("Dense", "flat", (2,), "fixed<12,8>", name="y", weights=ones),
        layer("Activation", "x", (4, 2), "fixed<4,2>", name="z", activation="linear"),
        outputs="y z",
    )


@pytest.mark.slow
@pytest.mark.parametrize("make", [short_cuts, deep])
def test_no_word_is_lost_where_branches_differ_much(make: Callable[[], Graph], tmp_path: Path) -> None:
    check(make(), tmp_path, count=9, stage_delay=1.0)


@pytest.mark.slow
def test_constants_are_added_up_in_series(tmp_path: Path) -> None:
    check(constant_in_series(), tmp_path, reuse_factors={"y": 4})


def test_an_image_may_end_with_the_next_one_or_by_itself(tmp_path: Path) -> None:
    flat: dict[str, Any] = {"pad_left": 0, "pad_right": 0, "stride_width": 2, "pool_width": 2}
    pooled = layer("Pooling1D", "x", (4, 2), "fixed<4,2>", name="p", pool_op="Max", **flat)
    design = generate(
        graph(given((8, 2), "fixed<4,2>"), pooled, row("y", "p", 4, 7)), tmp_path / "rtl", stage_delay=3.0
    )
    assert design.initiation_interval == 8


def test_ports_of_one_name_are_refused(tmp_path: Path) -> None:
    both = [given((4,), "fixed<4,2>", name) for name in ("valid", "x")]
    subject = graph(*both, layer("Merge", "valid x", (4,), "fixed<8,5>", op="add"))
    with pytest.raises(ConversionError, match="two ports or signals would have the name in_valid; give the layer"):
        generate(subject, tmp_path / "rtl", stage_delay=3.0)

"""Proofs that streaming RTL computes its graph for every event and every pattern of gaps."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.hls.graphs import events_for
from tests.hls.mutants import Mutant, mutants, write
from tests.hls.streaming_graphs import IN_IMAGE, IN_LINE, classifier, decoder, residual, together, wanted_of
from trigcnn.hls.engines import Events, Outputs, interpreter, rtl
from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.proof import prove as proving
from trigcnn.hls.proof import streaming
from trigcnn.hls.proof.attempt import Attempt
from trigcnn.hls.proof.checker import check
from trigcnn.hls.proof.checker.automaton import FREE, HIGH, LOW, Automaton, Behaviour, Handshake
from trigcnn.hls.proof.checker.netlist import Netlist
from trigcnn.hls.proof.checker.times import Pace, Service, source
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.hls.rtl.streaming.generate import generate

SUBJECTS: dict[str, tuple[Graph, dict[str, Any]]] = {
    "kinds in an image": (together(IN_IMAGE), {}),
    "kinds in a line": (together(IN_LINE), {}),
    "branches": (residual((4, 6)), {}),
    "branches of small images": (residual((2, 2)), {}),
    "classifier": (classifier(), {}),
    "classifier in series": (classifier(), {"serial_dense": True}),
    "classifier with some lanes": (classifier(), {"reuse_factors": {"d": 12, "y": 3}}),
    "decoder": (decoder(), {}),
}


class Subject(NamedTuple):
    graph: Graph
    design: RtlDesign
    convert: Path


def subject(of: Graph, place: Path, **options: Any) -> Subject:
    design = generate(of, place / "rtl", stage_delay=3.0, **options)
    of.save(place)
    design.save(place)
    return Subject(of, design, place)


@pytest.mark.slow
@pytest.mark.parametrize("name", SUBJECTS)
def test_a_design_is_proved_and_its_certificate_holds(name: str, tmp_path: Path) -> None:
    graph, options = SUBJECTS[name]
    of = subject(graph, tmp_path / "convert", **options)
    certificate, event = proving.prove(of.graph, of.design, of.convert, tmp_path / "yosys", timeout_s=300)
    assert (certificate.status, certificate.reason, event) == ("proved", "", None)
    certificate.save(tmp_path / "certificate.json")
    check.check(tmp_path / "certificate.json", of.convert, timeout_s=300)


def modules(of: Subject, place: Path) -> dict[str, Netlist]:
    return check.read_modules(of.design, of.convert, place, timeout_s=300)[0]


def behaviour(found: dict[str, Netlist], kind: str, hands: Handshake, period: tuple[int, int]) -> Behaviour:
    name = next(name for name in found if f"_trigcnn_{kind}" in name)
    return Automaton(found[name], "rst", hands).behaviour(*period)


def test_what_modules_that_move_words_give_is_known_word_by_word(tmp_path: Path) -> None:
    found = modules(subject(together(["conv2d"]), tmp_path), tmp_path / "yosys")
    hands = Handshake("in_data", "in_valid", ("window", "rows", "columns"), "out_valid")
    window = behaviour(found, "window", hands, (20, 10))
    # Of a 2x3 kernel over 4x5 pixels with padding on three sides and a stride of two rows: the pixel of each tap.
    words = np.where(window.bits >= 0, window.bits // 10, window.bits)[:, [*range(0, 60, 10), *range(60, 65)]]
    assert words[0].tolist() == [FREE, FREE, FREE, FREE, 0, 1, LOW, HIGH, LOW, HIGH, HIGH]
    assert words[7].tolist() == [6, 7, 8, 11, 12, 13, HIGH, HIGH, HIGH, HIGH, HIGH]


class Outcome(NamedTuple):
    mutant: Mutant
    result: Attempt


def outcome(of: Subject, mutant: Mutant, place: Path, *, simulated: bool) -> Outcome:
    """Try to prove a design with a fault."""
    write(mutant, of.convert / "rtl/src", place / "rtl/src")
    (place / "simulation").mkdir(exist_ok=True)

    def simulate(events: Events) -> Outputs:
        if not simulated:
            return interpreter.build(of.graph).predict(events)
        engine = rtl.build(of.graph, of.design, place / "rtl", place / "simulation", timeout_s=600)
        return engine.predict(events)

    try:
        found, _ = check.read_modules(of.design, place, place / "yosys", timeout_s=300)
        result = streaming.attempt(
            of.graph, of.design, found, simulate, np.zeros((0, *of.graph.input_shape), dtype=np.float32)
        )
    except ProofError as error:
        result = Attempt(reason=f"not read: {error}")
    return Outcome(mutant, result)


@pytest.mark.slow
@pytest.mark.parametrize("count", [8, pytest.param(200, marks=pytest.mark.walk)])
def test_faults_in_what_moves_words_are_not_proved(count: int, tmp_path: Path) -> None:
    graph, options = SUBJECTS["classifier in series"]
    of = subject(graph, tmp_path / "convert", **options)
    events = events_for(graph, 6)
    found = [
        outcome(of, mutant, tmp_path / "mutant", simulated=count > 8)
        for mutant in mutants(of.convert / "rtl/src", count, seed=1, moving=True)
    ]
    counts = Counter(each.result.status for each in found)
    print(dict(counts))  # noqa: T201
    assert sum(counts.values()) == count
    # Some change nothing, such as what only a simulation reads. All others must not be proved.
    for each in found:
        if each.result.status == "proved":
            write(each.mutant, of.convert / "rtl/src", tmp_path / "mutant/rtl/src")
            engine = rtl.build(of.graph, of.design, tmp_path / "mutant/rtl", tmp_path / "mutant", timeout_s=600)
            assert np.array_equal(engine.predict(events), wanted_of(of.graph, events)), each.mutant
    assert counts["proved"] <= count // 4


def test_a_design_whose_words_differ_is_refuted_by_an_event(tmp_path: Path) -> None:
    graph, options = SUBJECTS["classifier"]
    of = subject(graph, tmp_path / "convert", **options)
    kernel = next(p for p in sorted((of.convert / "rtl/src").glob("*_stage*.v")) if " - " in p.read_text())
    kernel.write_text(kernel.read_text().replace(" - ", " + ", 1))
    certificate, event = proving.prove(of.graph, of.design, of.convert, tmp_path / "yosys", timeout_s=300)
    assert certificate.status == "refuted"
    assert event is not None
    assert not np.array_equal(event.graph, event.netlist)


def test_a_queue_that_is_too_short_is_not_proved(tmp_path: Path) -> None:
    of = subject(residual((4, 6)), tmp_path / "convert")
    unit = next(p for p in (of.convert / "rtl/src").glob("*_layer_sum.v"))
    unit.write_text(unit.read_text().replace(".RIGHT_DEPTH(14)", ".RIGHT_DEPTH(6)"))
    result = streaming.attempt(
        of.graph, of.design, modules(of, tmp_path / "yosys"), interpreter.build(of.graph).predict,
        np.zeros((0, *of.graph.input_shape), dtype=np.float32),
    )  # fmt: skip
    assert result.status == "open"
    assert "was not shown of sum_unit.branches.right (6, " in result.reason


def test_a_certificate_with_other_units_is_refused(tmp_path: Path) -> None:
    graph, options = SUBJECTS["classifier"]
    of = subject(graph, tmp_path / "convert", **options)
    certificate, _ = proving.prove(of.graph, of.design, of.convert, tmp_path / "yosys", timeout_s=300)
    path = tmp_path / "certificate.json"
    certificate.save(path)
    content = json.loads(path.read_text())
    content["units"]["d_unit"]["sources"] = {"in": "x"}
    path.write_text(json.dumps(content))
    with pytest.raises(ProofError, match="layer d reads others than x"):
        check.check(path, of.convert, timeout_s=300)


def test_times_are_compared_for_every_pattern_of_gaps() -> None:
    pace = Pace([8, 1, 1])
    assert [pace.clock(word) for word in (-1, 0, 1, 2, 3)] == [-8, 0, 1, 2, 10]
    assert pace.never_after((0, 2), (2, 0))
    assert not pace.never_after((0, 3), (2, 0))
    # A later word may come any time later.
    assert not pace.never_after((1, -100), (0, 0))


def test_words_wait_for_a_module_that_takes_its_time() -> None:
    words = source(4, 20)
    assert words.gaps == (17, 1, 1, 1)
    # Words of four clocks each: the others wait; with a pause behind each event there is no more to come.
    assert words.waiting(Service((4,), (0,), ())) == 3
    assert words.waiting(Service((1,), (0,), ())) == 0
    with pytest.raises(ProofError, match="24 clocks are needed for an event, and one comes each 20"):
        words.waiting(Service((6,), (0,), ()))


def test_two_branches_wait_as_long_as_one_is_later() -> None:
    early = source(4, 4).later(1)
    late = source(4, 4).later(3)
    assert (early.waiting_for(late), late.waiting_for(early)) == (2, 0)

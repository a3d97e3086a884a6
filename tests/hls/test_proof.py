"""Proofs that RTL computes its graph for every input: what is proved, what is refuted, what a certificate is worth."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.hls.graphs import SINGLE, constants, given, graph, layer, weighted
from tests.hls.mutants import Mutant, mutants, write
from tests.hls.streaming_graphs import IN_IMAGE, IN_LINE, classifier, decoder, residual, together
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.engines import interpreter, rtl
from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph.graph import Graph, Weights
from trigcnn.hls.proof import counterexample, parallel
from trigcnn.hls.proof import prove as proving
from trigcnn.hls.proof.checker import check
from trigcnn.hls.proof.checker.certificate import Certificate
from trigcnn.hls.proof.checker.equivalence import Obligation
from trigcnn.hls.rtl import parallel as generator
from trigcnn.hls.rtl.design import RtlDesign


def wide() -> Graph:
    """Sums of more than a million values, rounded in two ways; the weights are odd."""
    weights = {"weight": Weights(FixedPoint.parse("fixed<4,4>"), np.array([[5, -7], [3, 6]])), "bias": BIAS}
    return graph(
        given((2,), "fixed<18,9>"),
        layer("Dense", "x", (2,), "fixed<24,16>", name="d", weights=weights),
        layer("Activation", "d", (2,), "ufixed<6,8,RND_CONV,SAT>", name="y", activation="relu"),
        layer("Activation", "d", (2,), "fixed<7,9,TRN,WRAP>", name="z", activation="linear"),
        outputs="y z",
    )


def equal() -> Graph:
    """Elements that are equal, and one that is constant, in front of a sum."""
    weights = {"weight": Weights(FixedPoint.parse("fixed<4,4>"), np.array([[3, 3, 0], [-2, -2, 0]])), "bias": ZEROS}
    return graph(
        given((2,), "fixed<4,2>"),
        layer("Dense", "x", (3,), "fixed<10,8>", name="d", weights=weights),
        layer("Activation", "d", (3,), "ufixed<3,3,RND_CONV,SAT>", name="r", activation="relu"),
        layer("Dense", "r", (2,), "fixed<12,10>", weights=weighted((3, 2))),
    )


BIAS = Weights(FixedPoint.parse("fixed<8,8>"), np.array([11, -3]))
ZEROS = Weights(FixedPoint.parse("fixed<8,8>"), np.array([0, 0, 5]))
SUBJECTS = {
    "wide sums": wide(),
    "equal and constant elements": equal(),
    **{name: each for name, each in SINGLE.items() if name not in (*IN_LINE, *IN_IMAGE)},
    "kinds in a line": together(IN_LINE),
    "kinds in an image": together(IN_IMAGE),
    "residual": residual((4, 4)),
    "classifier": classifier(),
    "decoder": decoder(),
}


class Subject(NamedTuple):
    graph: Graph
    design: RtlDesign
    convert: Path


def subject(of: Graph, place: Path, **options: Any) -> Subject:
    design = generator.generate(of, place / "rtl", stage_delay=3.0, max_multiplications=10**6, **options)
    of.save(place)
    design.save(place)
    return Subject(of, design, place)


def proved(of: Subject, place: Path) -> tuple[Certificate, counterexample.Counterexample | None]:
    return proving.prove(of.graph, of.design, of.convert, place, timeout_s=300)


def small() -> Graph:
    """Casts of several modes, a maximum, a table and a product behind four inputs of four bits."""
    table = {"table": constants((16,), "fixed<4,2>")}
    return graph(
        given((4,), "fixed<4,2>"),
        layer("Dense", "x", (3,), "ufixed<3,2,RND_CONV,SAT>", name="d", weights=weighted((4, 3))),
        layer("Dense", "x", (3,), "fixed<4,3,TRN,SAT_SYM>", name="e", weights=weighted((4, 3))),
        layer("UnaryLUT", "e", (3,), "fixed<4,2>", name="t", weights=table),
        layer("Merge", "d t", (3,), "fixed<6,4>", name="m", op="maximum"),
        layer("Merge", "d e", (3,), "fixed<6,4,RND,SAT>", name="p", op="multiply"),
        layer("Dense", "m", (2,), "fixed<12,8>", name="y", weights=weighted((3, 2))),
        layer("Dense", "p", (2,), "fixed<8,5,RND_INF,SAT_ZERO>", name="z", weights=weighted((3, 2))),
        outputs="y z",
    )


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_design_is_proved_and_its_certificate_holds(name: str, tmp_path: Path) -> None:
    of = subject(SUBJECTS[name], tmp_path / "convert")
    certificate, event = proved(of, tmp_path / "yosys")
    assert (certificate.status, certificate.reason, event) == ("proved", "", None)
    certificate.save(tmp_path / "certificate.json")
    shown: list[Obligation] = []
    check.check(tmp_path / "certificate.json", of.convert, timeout_s=300, note=shown.append)
    assert tuple(shown) == certificate.shown


@pytest.mark.parametrize("options", [{"valid": False}, {"output_registers": False}], ids=str)
def test_options_of_the_rtl_are_proved(options: dict[str, Any], tmp_path: Path) -> None:
    certificate, _ = proved(subject(small(), tmp_path / "convert", **options), tmp_path / "yosys")
    assert certificate.status == "proved"
    assert [each.layer for each in certificate.shown].count("valid and reset") == (0 if "valid" in options else 1)


@pytest.mark.skipif(shutil.which("ghdl") is None, reason="GHDL is not installed")
def test_the_vhdl_is_proved_and_a_fault_in_it_is_refuted(tmp_path: Path) -> None:
    of = subject(small(), tmp_path / "convert", vhdl_folder=tmp_path / "convert/vhdl")

    def attempt() -> tuple[Certificate, counterexample.Counterexample | None]:
        return proving.prove(of.graph, of.design, of.convert, tmp_path / "tools", "vhdl", timeout_s=300)

    certificate, _ = attempt()
    assert (certificate.status, certificate.reason) == ("proved", "")
    certificate.save(tmp_path / "certificate.json")
    check.check(tmp_path / "certificate.json", of.convert, timeout_s=300)

    stage = next(path for path in sorted((of.convert / "vhdl/src").glob("*.vhd")) if " - " in path.read_text())
    stage.write_text(stage.read_text().replace(" - ", " + ", 1))
    certificate, event = attempt()
    assert certificate.status == "refuted"
    assert event is not None
    assert not np.array_equal(event.graph, event.netlist)


class Campaign(NamedTuple):
    subject: Subject
    statuses: dict[Mutant, tuple[str, counterexample.Counterexample | None, bool]]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """Faults in the small network, which has so few events that each fault's effect is known."""
    place = tmp_path_factory.mktemp("mutants")
    of = subject(small(), place / "convert")
    events = counterexample.drawn(of.graph, 0)
    assert len(events) == 2**16
    wanted = interpreter.build(of.graph).predict(events).reshape(len(events), -1)
    statuses: dict[Mutant, tuple[str, counterexample.Counterexample | None, bool]] = {}
    for mutant in mutants(of.convert / "rtl/src", 215, seed=3):
        write(mutant, of.convert / "rtl/src", place / "rtl/src")
        try:
            netlist, _ = check.read(of.design, place, place / "yosys", "verilog", timeout_s=300)
        except ProofError as error:
            statuses[mutant] = (f"not read: {error}", None, False)
            continue
        found = parallel.attempt(of.graph, of.design, netlist)
        same = found.event is None
        if found.status == "proved":
            same = np.array_equal(counterexample.simulate(of.graph, of.design, netlist, events), wanted)
        statuses[mutant] = (found.status, found.event, same)
    return Campaign(of, statuses)


CONTROL = ("a register lost", "a wrong reset", "a valid bit too early", "a valid bit too late")


@pytest.mark.slow
def test_every_fault_is_refuted_or_equivalent(campaign: Campaign) -> None:
    counts = Counter(
        status.partition(":")[0] if not same else f"equal outputs, {status}"
        for status, _, same in campaign.statuses.values()
    )
    print(dict(counts))  # noqa: T201
    for mutant, (status, event, same) in campaign.statuses.items():
        if status == "proved":
            assert same, mutant
        if mutant.kind in CONTROL or event is not None:
            assert status == "refuted", mutant
    assert counts["refuted"] >= 170
    assert sum(counts.values()) >= 200


@pytest.mark.slow
def test_a_simulation_of_the_faulty_rtl_confirms_the_event(campaign: Campaign, tmp_path: Path) -> None:
    mutant, event = next((m, event) for m, (_, event, _) in campaign.statuses.items() if event is not None)
    write(mutant, campaign.subject.convert / "rtl/src", tmp_path / "rtl/src")
    (tmp_path / "work").mkdir()
    engine = rtl.build(
        campaign.subject.graph, campaign.subject.design, tmp_path / "rtl", tmp_path / "work", timeout_s=600
    )
    assert np.array_equal(engine.predict(event.event[None])[0].ravel(), event.netlist)
    assert not np.array_equal(event.graph, event.netlist)


def test_a_certificate_of_other_files_or_other_claims_is_refused(tmp_path: Path) -> None:
    of = subject(small(), tmp_path / "convert")
    certificate, _ = proved(of, tmp_path / "yosys")
    path = tmp_path / "certificate.json"

    def refused(reason: str, **changes: Any) -> None:
        certificate.save(path)
        content = json.loads(path.read_text())
        content.update({name: change(content[name]) for name, change in changes.items()})
        path.write_text(json.dumps(content))
        with pytest.raises(ProofError, match=reason):
            check.check(path, of.convert, timeout_s=300)

    def swapped(claims: dict[str, Any]) -> dict[str, Any]:
        claims["d"]["0"]["bits"], claims["d"]["1"]["bits"] = claims["d"]["1"]["bits"], claims["d"]["0"]["bits"]
        return claims

    refused("depends on more than the numbers before the element", claims=swapped)
    refused("layer y, element 0", claims=lambda claims: {k: v for k, v in claims.items() if k != "d"})
    refused("other statements", shown=lambda shown: shown[:-1])
    refused("claims no proof", status=lambda _: "open")
    refused("another netlist", netlist=lambda text: text[::-1])
    certificate.save(path)
    verilog = of.convert / "rtl" / of.design.verilog[0]
    verilog.write_text(verilog.read_text() + "// changed\n")
    with pytest.raises(ProofError, match="not the file that the certificate is about"):
        check.check(path, of.convert, timeout_s=300)

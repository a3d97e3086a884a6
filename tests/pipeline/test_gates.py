"""The verdict."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from pipeline.config import GatesConfig
from pipeline.gates import judge
from pipeline.verification import Comparison

EQUAL = Comparison("QKeras", "csim", 10, 20, 0, 0, 0.0)
DIFFERENT = Comparison("csim", "rtl", 10, 20, 3, 2, 4.0, "conv1")


def checked(*comparisons: Comparison, reference: float = 0.98, csim: float = 0.97) -> dict[str, Any]:
    return {
        "comparisons": [asdict(comparison) for comparison in comparisons],
        "test_benches": [],
        "accuracy": {"float": reference, "quantized": csim, "csim": csim, "events": 100},
    }


def test_each_comparison_is_a_gate_of_its_own() -> None:
    gates = judge(GatesConfig(max_accuracy_drop=None), checked(EQUAL, DIFFERENT))
    assert [(gate.name, gate.met, gate.found) for gate in gates] == [
        ("gates.exact", True, "csim = QKeras on 10 events, 20 outputs"),
        (
            "gates.exact",
            False,
            "rtl differs from csim in 3 of 20 outputs of 2 of 10 events, by up to 4 LSB, first in layer conv1",
        ),
    ]


def test_gates_that_are_not_set_are_not_judged() -> None:
    assert judge(GatesConfig(exact=False, max_accuracy_drop=None), checked(DIFFERENT)) == []


@pytest.mark.parametrize(("limit", "met"), [(0.01, True), (0.0099, False), (0.0, False), (0.02, True)])
def test_a_drop_of_just_the_limit_is_met(limit: float, met: bool) -> None:
    (gate,) = judge(GatesConfig(exact=False, max_accuracy_drop=limit), checked(reference=0.98, csim=0.97))
    assert (gate.name, gate.met) == ("gates.max_accuracy_drop", met)
    assert gate.found == "0.9700, float twin 0.9800: a drop of 0.0100"


@pytest.mark.parametrize(("limit", "met"), [(0.97, True), (0.9701, False)])
def test_the_accuracy_of_the_c_simulation_must_reach_the_least(limit: float, met: bool) -> None:
    (gate,) = judge(GatesConfig(exact=False, max_accuracy_drop=None, min_accuracy=limit), checked(csim=0.97))
    assert (gate.name, gate.met) == ("gates.min_accuracy", met)


def test_a_quantized_model_better_than_its_float_twin_meets_every_drop() -> None:
    (gate,) = judge(GatesConfig(exact=False, max_accuracy_drop=0.0), checked(reference=0.95, csim=0.97))
    assert gate.met


def synthesized(status: str, met: bool) -> dict[str, Any]:
    placed = {"part": "LFE5U-25F-6BG381C", "status": status, "met": met, "message": "what was found"}
    return {"synthesis": [], "vendor": {}, "place_and_route": placed}


QUIET = GatesConfig(exact=False, max_accuracy_drop=None, clock=True)


@pytest.mark.parametrize(
    ("status", "met", "expected"),
    [
        ("placed", True, [("gates.fits", True, "it fits"), ("gates.clock", True, "what was found")]),
        ("placed", False, [("gates.fits", True, "it fits"), ("gates.clock", False, "what was found")]),
        ("does-not-fit", False, [("gates.fits", False, "what was found"), ("gates.clock", False, "what was found")]),
    ],
)
def test_a_placed_design_must_fit_and_may_have_to_meet_the_clock(
    status: str, met: bool, expected: list[tuple[str, bool, str]]
) -> None:
    gates = judge(QUIET, checked(), synthesized(status, met))
    assert [(gate.name, gate.met, gate.found) for gate in gates] == expected


def test_without_place_and_route_there_is_no_such_gate() -> None:
    assert judge(QUIET, checked()) == []
    assert judge(QUIET, checked(), {**synthesized("placed", True), "place_and_route": None}) == []


@pytest.mark.parametrize(
    ("lut", "met", "found"),
    [(53_200, True, "it fits"), (53_201, False, "it needs 53,201 LUT of 53,200 (0% over)")],
)
def test_a_synthesized_design_must_fit_the_part(lut: int, met: bool, found: str) -> None:
    counts = {"lut": lut, "ff": 10, "dsp": 0, "bram": None}
    report = {"part": "xc7z020clg400-1", "evidence": "open-synthesis", "design": "rtl", "tool": "Yosys", **counts}
    content: dict[str, Any] = {"synthesis": [report], "vendor": {}, "place_and_route": None}
    (gate,) = judge(GatesConfig(exact=False, max_accuracy_drop=None), checked(), content)
    assert (gate.name, gate.met, gate.found) == ("gates.fits", met, found)
    assert judge(GatesConfig(exact=False, max_accuracy_drop=None, fits=False), checked(), content) == []


def test_a_part_of_unknown_size_is_not_judged() -> None:
    report = {"part": "xcvu999p", "evidence": "open-synthesis", "design": "rtl", "tool": "Yosys", "lut": 10**7}
    content: dict[str, Any] = {"synthesis": [report], "vendor": {}, "place_and_route": None}
    assert judge(GatesConfig(exact=False, max_accuracy_drop=None), checked(), content) == []

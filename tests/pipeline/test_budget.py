"""What a design may take, held against what the run measured."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from pydantic import ValidationError

from trigcnn.pipeline.config.budget import BudgetConfig
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.results.merits import merits
from trigcnn.pipeline.results.report import Report
from trigcnn.pipeline.verification.budget import judge


def change(report: Report, **fields: object) -> Report:
    return Report.model_validate(report.model_dump() | fields)


def test_the_figures_of_a_run_stand_with_evidence_and_source(sample_report: Report) -> None:
    found = {merit.name: (merit.value, merit.evidence, merit.source) for merit in merits(sample_report)}
    assert found["lut"] == (5371, "open-synthesis", "yosys 0.70, rtl on xcvu13p-flga2577-2-e")
    assert found["latency_cycles"] == (13, "simulation", "simulated RTL, parallel")
    assert found["latency_ns"] == (65.0, "simulation", "simulated RTL, parallel; 5 ns per cycle")
    assert found["accuracy"] == (0.966667, "simulation", "C simulation")


def test_figures_of_the_hls_project_alone_can_be_asked_for(sample_report: Report) -> None:
    found = {merit.name: merit for merit in merits(sample_report, "hls")}
    assert (found["latency_cycles"].value, found["latency_cycles"].evidence) == (11, "vendor-csynth")
    assert found["lut"].source.endswith("hls on xcvu13p-flga2577-2-e")


@pytest.mark.parametrize(
    ("options", "met", "found"),
    [
        ({"lut": 5371}, True, "5,371 LUT (open-synthesis: yosys 0.70, rtl on xcvu13p-flga2577-2-e)"),
        ({"lut": 5000}, False, "5,371 LUT, 7.4% over (open-synthesis: yosys 0.70, rtl on xcvu13p-flga2577-2-e)"),
        ({"lut": "0.32%"}, True, "5,371 LUT, 0.3108% (open-synthesis: yosys 0.70, rtl on xcvu13p-flga2577-2-e)"),
        ({"lut": "0.31%"}, False, "5,371 LUT, 0.3108% (open-synthesis: yosys 0.70, rtl on xcvu13p-flga2577-2-e)"),
        ({"latency_ns": 65.0}, True, "65 ns (simulation: simulated RTL, parallel; 5 ns per cycle)"),
        ({"latency_cycles": 12}, False, "13 cycles, 8.3% over (simulation: simulated RTL, parallel)"),
        ({"initiation_interval": 1}, True, "1 cycles (simulation: simulated RTL, parallel)"),
    ],
)
def test_a_figure_of_just_the_budget_is_met(
    sample_report: Report, options: dict[str, Any], met: bool, found: str
) -> None:
    (gate,) = judge(BudgetConfig(**options), sample_report)
    assert (gate.name, gate.met, gate.found) == (f"budget.{next(iter(options))}", met, found)


def test_a_figure_that_nothing_measured_misses_and_says_what_measures_it(sample_report: Report) -> None:
    bare = change(sample_report, synthesis=[])
    (gate,) = judge(BudgetConfig(lut=10**6), bare)
    assert not gate.met
    assert gate.found == "nothing measured it; set synthesis.yosys and rtl.architecture, or budget.design: hls"
    (gate,) = judge(BudgetConfig(clock_period_ns=5.0), bare)
    assert "place_and_route.enabled: true" in gate.found


def test_a_share_of_a_part_of_unknown_size_misses(sample_report: Report) -> None:
    synthesis = [{**asdict(entry), "part": "xcvu999p"} for entry in sample_report.synthesis]
    (gate,) = judge(BudgetConfig(lut="50%"), change(sample_report, part=None, synthesis=synthesis))
    assert (gate.met, "total is not known" in gate.found) == (False, True)


def test_resources_are_judged_on_the_design_whose_latency_is_judged(sample_report: Report) -> None:
    hls = [asdict(entry) for entry in sample_report.synthesis if entry.design == "hls"]
    latency, lut = judge(BudgetConfig(latency_cycles=20, lut=10**6), change(sample_report, synthesis=hls))[::-1]
    assert (latency.met, lut.met) == (True, False)
    assert lut.found.startswith("nothing measured it")


def test_nothing_is_judged_without_a_budget(sample_report: Report) -> None:
    assert judge(BudgetConfig(), sample_report) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": {"lut": "5 %"}}, "budget.lut"),
        ({"budget": {"lut": -1}}, "budget.lut"),
        ({"budget": {"lut": 2.5}}, "budget.lut"),
        ({"budget": {"design": "rtl"}, "rtl": {"architecture": "none"}}, "budget.design: there is no RTL to judge"),
        ({"budget": {"dsp": "5%"}, "hls": {"part": "xcvu999p"}}, "budget.dsp: what xcvu999p has is not known here"),
        (
            {"budget": {"bram": 5, "design": "hls"}, "hls": {"backend": "Quartus"}},
            "budget.bram: counts halves of 18 Kbit, and the parts of hls.backend Quartus",
        ),
    ],
)
def test_a_budget_that_cannot_be_judged_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        RunConfig(name="a", **options)
    assert message in str(error.value)

"""Place and route with nextpnr: plans, reports, designs that do not fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.hls import placing
from trigcnn.hls import tool
from trigcnn.hls.errors import ConversionError, DoesNotFitError, ToolFailedError, ToolMissingError
from trigcnn.hls.synthesis import ecp5, nextpnr
from trigcnn.hls.synthesis.implement import implement
from trigcnn.hls.synthesis.primitives import Resources

DATA = Path(__file__).parents[1] / "data"
PART = "LFE5U-25F-6BG381C"


def plan(**changes: Any) -> nextpnr.NextpnrPlan:
    return nextpnr.plan(Path("net.json"), **{"part": PART, "clock_period_ns": 2.5, "seed": 3, **changes})


def recorded() -> dict[str, Any]:
    """Report of the design in tests/data/streaming_net."""
    content: dict[str, Any] = json.loads((DATA / "reports" / "nextpnr_ecp5.json").read_text())
    return content


def test_a_design_without_pins_is_placed_out_of_context() -> None:
    base = ("--25k", "--package", "CABGA381", "--speed", "6", "--json", "net.json", "--freq", "400", "--out-of-context")
    assert plan() == nextpnr.NextpnrPlan(
        part=ecp5.parse(PART),
        design="rtl",
        clock_period_ns=2.5,
        packing=(*base, "--pack-only"),
        placing=(*base, "--seed", "3", "--timing-allow-fail", "--report", "nextpnr_report.json"),
        report="nextpnr_report.json",
    )


def test_a_design_with_pins_is_written_for_the_bitstream() -> None:
    made = plan(pins=Path("board.lpf"), routed=Path("board.config"))
    assert made.design == "board"
    assert "--out-of-context" not in made.placing
    assert made.placing[9:11] == ("--lpf", "board.lpf")
    assert made.placing[-2:] == ("--textcfg", "board.config")


def test_another_part_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConversionError, match=r"^part 'xc7z020clg400-1' is not a Lattice ECP5"):
        plan(part="xc7z020clg400-1")


def test_a_real_report_is_read() -> None:
    report = nextpnr.parse(recorded(), plan(), ["conv", "dense"])
    assert (report.tool, report.evidence, report.design, report.part) == (
        *("nextpnr-ecp5", "open-place-and-route", "rtl"),
        PART,
    )
    assert report.version.startswith("0.11.")
    assert (report.lut, report.ff, report.dsp, report.bram) == (288, 54, 0, 0)
    assert report.clock_period_ns == 2.5
    assert report.estimated_clock_period_ns == pytest.approx(7.279, abs=1e-6)
    assert report.slack_ns == pytest.approx(-4.779, abs=1e-6)


def test_the_critical_path_adds_up_to_the_clock_period_and_names_layers() -> None:
    report = nextpnr.parse(recorded(), plan(), ["conv", "dense"])
    path = report.critical_path
    assert path is not None
    assert sum(step.delay_ns for step in path) == pytest.approx(report.estimated_clock_period_ns)
    assert [step.layer for step in path] == ["conv"] * 2 + ["dense"] * 16
    assert (path[0].start, path[0].kind, path[0].delay_ns) == ("conv_unit.out_data_TRELLIS_FF_Q_3.Q", "clk-to-q", 0.525)
    assert path[-1].end == "dense_unit.out_data_TRELLIS_FF_Q_13.DI"


def test_a_cell_outside_the_known_layers_has_none() -> None:
    path = nextpnr.parse(recorded(), plan()).critical_path
    assert path is not None
    assert {step.layer for step in path} == {None}


def test_a_design_without_registers_has_no_clock() -> None:
    content = {**recorded(), "fmax": {}, "critical_paths": []}
    report = nextpnr.parse(content, plan())
    assert (report.estimated_clock_period_ns, report.slack_ns, report.critical_path) == (None, None, None)


def test_paths_from_and_to_ports_do_not_count() -> None:
    content = recorded()
    (path,) = content["critical_paths"]
    slow = {"from": "<async>", "to": "posedge clk", "path": [{**path["path"][0], "delay": 99.0}]}
    report = nextpnr.parse({**content, "critical_paths": [slow, path]}, plan())
    assert report.critical_path is not None
    assert sum(step.delay_ns for step in report.critical_path) == pytest.approx(7.279)


@pytest.mark.parametrize("missing", ["utilization", "fmax", "critical_paths"])
def test_a_report_in_another_form_is_refused(missing: str) -> None:
    content = recorded()
    del content[missing]
    with pytest.raises(ToolFailedError, match=rf"^nextpnr's report has no '{missing}'; 0\.11\S* is not understood$"):
        nextpnr.parse(content, plan())


def test_what_a_part_lacks_is_said_with_how_much() -> None:
    message = (
        r"^the design does not fit LFE5U-25F-6BG381C: it needs 36,432 LUT of 24,288 \(50% over\), 30 DSP of 28 "
        r"\(7% over\); use a smaller network, or a larger part \(the largest, LFE5U-85F, has 83,640 LUT, 156 DSP "
    )
    with pytest.raises(DoesNotFitError, match=message):
        nextpnr.check_fit(Resources(lut=36_432, ff=24_288, dsp=30), ecp5.parse(PART))


def test_a_design_that_fills_a_part_fits() -> None:
    nextpnr.check_fit(Resources(lut=24_288, ff=24_288, dsp=28, bram=56), ecp5.parse(PART))


def fake(monkeypatch: pytest.MonkeyPatch, log: str) -> list[str]:
    """Let nextpnr be a child that prints this; give the list that its runs are noted in."""
    runs: list[str] = []

    def run(arguments: Any, *, cwd: Path, log: Path, timeout_s: float) -> None:
        runs.append(log.name)
        log.write_text(text)

    text = log
    monkeypatch.setattr(tool, "run", run)
    return runs


def test_a_design_that_packing_shows_to_be_too_large_is_not_placed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = (DATA / "reports" / "nextpnr_ecp5_pack.log").read_text()
    runs = fake(monkeypatch, log.replace("     288/", "   25000/"))
    with pytest.raises(DoesNotFitError, match=r"it needs 25,000 LUT of 24,288 \(3% over\); use"):
        nextpnr.run(plan(), tmp_path, timeout_s=10)
    assert runs == ["nextpnr_pack.log"]


def test_a_run_that_leaves_no_report_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    runs = fake(monkeypatch, (DATA / "reports" / "nextpnr_ecp5_pack.log").read_text())
    with pytest.raises(ToolFailedError, match=r"^nextpnr left no report in .*nextpnr_report\.json: "):
        nextpnr.run(plan(), tmp_path, timeout_s=10)
    assert runs == ["nextpnr_pack.log", "nextpnr.log"]


def test_a_log_without_counts_is_not_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake(monkeypatch, "Info: nothing\n")
    with pytest.raises(ToolFailedError, match=r"^nextpnr does not report 'TRELLIS_COMB'; 0\.11\S* is not understood$"):
        nextpnr.run(plan(), tmp_path, timeout_s=10)


def test_its_absence_is_said_with_the_mend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(nextpnr, "find_spec", lambda name: None)
    with pytest.raises(ToolMissingError, match=r"^nextpnr was not found; install it with: pip install yowasp-nextpnr"):
        nextpnr.run(plan(), tmp_path, timeout_s=10)


def test_an_error_of_nextpnr_shows_its_log(tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text("{")
    with pytest.raises(ToolFailedError, match=r"(?s)failed with exit status .*nextpnr_pack\.log:.*ERROR"):
        nextpnr.run(plan(), tmp_path, timeout_s=60)


@pytest.mark.slow
def test_a_small_design_goes_through_yosys_and_nextpnr(tmp_path: Path) -> None:
    shutil.copy(DATA / "streaming_net" / "net.v", tmp_path)
    options = placing.options(PART, 2.5)
    found = implement([Path("net.v")], "net", tmp_path, options)
    assert found.synthesis.layers is not None
    assert [layer.name for layer in found.synthesis.layers] == ["conv", "dense"]
    assert (found.synthesis.ff, found.placement.ff) == (54, 54)
    # Carry chains that begin in ordinary logic take more than Yosys knows of.
    assert found.placement.lut is not None
    assert found.synthesis.lut is not None
    assert found.placement.lut >= found.synthesis.lut > 0
    assert found.placement.slack_ns is not None
    assert found.placement.slack_ns < 0
    assert found.placement.critical_path is not None
    assert {step.layer for step in found.placement.critical_path} <= {"conv", "dense"}


def test_a_design_too_large_by_the_count_of_yosys_never_reaches_nextpnr(tmp_path: Path) -> None:
    products = "".join(f"    y[{36 * n} +: 36] <= a[{18 * n} +: 18] * b;\n" for n in range(29))
    ports = f"input clk, input [{29 * 18 - 1}:0] a, input [17:0] b, output reg [{29 * 36 - 1}:0] y"
    (tmp_path / "wide.v").write_text(
        f"module wide ({ports});\n  always @(posedge clk) begin\n{products}  end\nendmodule\n"
    )
    with pytest.raises(DoesNotFitError, match=r"it needs 29 DSP of 28 \(4% over\)"):
        implement([Path("wide.v")], "wide", tmp_path, placing.options(PART, 5, dsp=True))
    assert not (tmp_path / "nextpnr_pack.log").exists()

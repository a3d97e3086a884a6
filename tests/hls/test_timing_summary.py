from __future__ import annotations

from pathlib import Path

import pytest

from tests.hls.reports_at_hand import REPORTS, changed, cut
from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import PathStep
from trigcnn.hls.synthesis.reports.timing_summary import parse

CONV, RELU = "inst/conv_2d_cl_config2_U0", "inst/relu_relu_config3_U0"


def test_the_slowest_path_of_two_clocks_decides() -> None:
    report = parse(REPORTS / "timing_summary.rpt", clock_period_ns=5.0, design="rtl")
    assert (report.tool, report.version, report.part) == ("Vivado", "2024.2", "xck26-sfvc784")
    assert (report.evidence, report.design) == ("vendor-implementation", "rtl")
    assert (report.clock_period_ns, report.estimated_clock_period_ns) == (2.5, 2.562)
    assert report.slack_ns == pytest.approx(-0.062)
    assert (report.hold_slack_ns, report.total_negative_slack_ns, report.failing_endpoints) == (0.021, -0.09, 2)


def test_the_slowest_path_is_given_piece_by_piece() -> None:
    path = parse(REPORTS / "timing_summary.rpt", clock_period_ns=5.0).critical_path
    assert path == (
        PathStep(f"{CONV}/rows_reg/CLKARDCLK", f"{CONV}/rows_reg/DOUTADOUT[15]", "clk-to-q", 1.267, CONV[5:]),
        PathStep(f"{CONV}/rows_reg/DOUTADOUT[15]", f"{CONV}/sum[3]", "routing", 0.758, CONV[5:]),
        PathStep(f"{CONV}/sum[3]", f"{CONV}/sum_i_1/O", "logic", 0.123, CONV[5:]),
        PathStep(f"{CONV}/sum_i_1/O", f"{RELU}/D[3]", "routing", 0.302, CONV[5:]),
        PathStep(f"{RELU}/D[3]", f"{RELU}/D[3]", "setup", 0.025, RELU[5:]),
    )
    # As the report itself divides it.
    routing = sum(step.delay_ns for step in path if step.kind == "routing")
    logic = sum(step.delay_ns for step in path if step.kind in ("clk-to-q", "logic"))
    assert (round(logic, 3), round(routing, 3)) == (1.39, 1.06)


def test_a_clock_that_is_met_has_slack(tmp_path: Path) -> None:
    text = (REPORTS / "timing_summary.rpt").read_text()
    text = text.replace("-0.062", "0.162").replace("-0.090                      2", "0.000                      0")
    path = tmp_path / "timing_summary.rpt"
    path.write_text(text)
    report = parse(path, clock_period_ns=5.0)
    assert report.slack_ns == pytest.approx(0.162)
    assert (report.total_negative_slack_ns, report.failing_endpoints) == (0.0, 0)


def test_a_design_without_constrained_paths_is_unknown_and_not_met() -> None:
    report = parse(REPORTS / "timing_unconstrained.rpt", clock_period_ns=5.0)
    assert (report.clock_period_ns, report.estimated_clock_period_ns, report.slack_ns) == (5.0, None, None)
    assert (report.hold_slack_ns, report.total_negative_slack_ns, report.failing_endpoints) == (None, None, None)
    assert (report.critical_path, report.evidence) == (None, "vendor-synthesis")


@pytest.mark.parametrize("check", ["no_clock", "unconstrained_internal_endpoints"])
def test_slack_says_nothing_where_other_registers_are_not_timed(tmp_path: Path, check: str) -> None:
    text = (REPORTS / "timing_summary.rpt").read_text().replace(f"checking {check} (0)", f"checking {check} (7)")
    path = tmp_path / "timing_summary.rpt"
    path.write_text(text.replace("     -0.062       -0.090", "      0.162        0.000"))
    assert parse(path, clock_period_ns=5.0).estimated_clock_period_ns is None
    # A clock that is missed stays missed.
    path.write_text(text)
    assert parse(path, clock_period_ns=5.0).slack_ns == pytest.approx(-0.062)


def test_zero_slack_of_no_endpoint_is_unknown(tmp_path: Path) -> None:
    text = (REPORTS / "timing_unconstrained.rpt").read_text()
    none = "  ".join(["0.000", "0.000", "0", "0"] * 3)
    path = tmp_path / "timing_unconstrained.rpt"
    path.write_text(text.replace(next(line for line in text.splitlines() if " NA " in line), f"    {none}"))
    report = parse(path, clock_period_ns=5.0)
    assert (report.slack_ns, report.hold_slack_ns, report.failing_endpoints) == (None, None, None)


def test_an_older_report_without_the_design_state_is_judged_by_its_wires(tmp_path: Path) -> None:
    path = changed("timing_summary.rpt", "| Design State      : Routed\n", "", tmp_path)
    assert parse(path, clock_period_ns=5.0).evidence == "vendor-implementation"
    path.write_text(path.read_text().replace(", routed)", ", unplaced)"))
    assert parse(path, clock_period_ns=5.0).evidence == "vendor-synthesis"


@pytest.mark.parametrize(
    ("behind", "message"),
    [
        ("", "lacks the tool's version or the device; is it a report_timing_summary report?"),
        ("| Temperature Grade : C", "lacks the Design Timing Summary"),
        ("     -0.062       -0.090", "is cut off in the Design Timing Summary"),
        ("| Clock Summary", "lacks the section Timing Details"),
    ],
)
def test_a_timing_summary_that_is_cut_off_is_refused(tmp_path: Path, behind: str, message: str) -> None:
    with pytest.raises(ToolFailedError, match=f"timing_summary.rpt {message}".replace("?", r"\?")):
        parse(cut("timing_summary.rpt", behind, tmp_path), clock_period_ns=5.0)


def test_a_utilization_report_is_no_timing_summary() -> None:
    with pytest.raises(ToolFailedError, match=r"ultrascale_utilization.rpt lacks the Design Timing Summary"):
        parse(REPORTS / "ultrascale_utilization.rpt", clock_period_ns=5.0)

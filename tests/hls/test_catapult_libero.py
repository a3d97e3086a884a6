from __future__ import annotations

from pathlib import Path

import pytest

from tests.hls.reports_at_hand import REPORTS, changed, cut
from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import LayerTiming, SynthesisReport
from trigcnn.hls.synthesis.reports import catapult, libero


def test_catapults_throughput_is_the_interval() -> None:
    assert catapult.parse(REPORTS / "catapult_rtl.rpt", part="nangate45") == SynthesisReport(
        tool="Catapult",
        version="2024.1_2",
        evidence="vendor-csynth",
        design="hls",
        part="nangate45",
        clock_period_ns=5.0,
        latency_cycles_best=7,
        latency_cycles_worst=7,
        initiation_interval_min=4,
        initiation_interval_max=4,
        timings=(
            LayerTiming("/tiny/nnet::dense<input_t,layer2_t,config2>/core", 5, 5, 4, 4),
            LayerTiming("/tiny/nnet::relu<layer2_t,layer3_t,relu_config3>/core", 1, 1, 1, 1),
        ),
    )


def test_a_latency_that_catapult_does_not_know_is_none(tmp_path: Path) -> None:
    path = changed("catapult_rtl.rpt", "264       7          4", "264       ?          4", tmp_path)
    report = catapult.parse(path, part="nangate45")
    assert (report.latency_cycles_best, report.latency_cycles_worst, report.initiation_interval_max) == (None, None, 4)


@pytest.mark.parametrize(
    ("behind", "message"),
    [
        ("", "lacks the table Processes/Blocks in Design"),
        ("    Design Total:", "is cut off in the table Processes/Blocks in Design"),
        ("Clock Information", "lacks the clock's period"),
    ],
)
def test_a_report_of_catapult_that_is_cut_off_is_refused(tmp_path: Path, behind: str, message: str) -> None:
    with pytest.raises(ToolFailedError, match=f"catapult_rtl.rpt {message}"):
        catapult.parse(cut("catapult_rtl.rpt", behind, tmp_path), part="nangate45")


def test_the_summary_of_smarthls_is_read_with_the_clock_of_least_slack() -> None:
    simulated, placed = libero.parse(REPORTS / "smarthls_summary.rpt", clock_period_ns=8.0)
    assert simulated == SynthesisReport(
        tool="SmartHLS",
        version="",
        evidence="vendor-cosim",
        design="hls",
        part="MPF300TS-1FCG1152I",
        clock_period_ns=5.0,
        latency_cycles_best=23,
        latency_cycles_average=24.3,
        latency_cycles_worst=25,
        initiation_interval_min=5,
        initiation_interval_max=5,
    )
    assert placed == SynthesisReport(
        tool="SmartHLS",
        version="",
        evidence="vendor-implementation",
        design="hls",
        part="MPF300TS-1FCG1152I",
        clock_period_ns=5.0,
        estimated_clock_period_ns=4.25,
        lut=1532,
        ff=345,
        dsp=1,
        lsram=2,
        usram=6,
    )


def without_tables(folder: Path, *sections: int) -> Path:
    """Put what SmartHLS writes for a step that was not run in place of a section."""
    parts = (REPORTS / "smarthls_summary.rpt").read_text().split("\n====== ")
    for section in sections:
        title = parts[section].partition("\n")[0]
        parts[section] = f"{title}\n\nN/A. Please run 'Synthesize Hardware to FPGA' to obtain the result.\n"
    path = folder / "summary.results.rpt"
    path.write_text("\n====== ".join(parts))
    return path


def test_a_design_that_was_not_placed_has_no_timing(tmp_path: Path) -> None:
    simulated, report = libero.parse(without_tables(tmp_path, 2), clock_period_ns=8.0)
    assert (report.evidence, report.clock_period_ns, report.slack_ns) == ("vendor-synthesis", 8.0, None)
    assert (report.lut, report.latency_cycles_worst) == (1532, None)
    assert (simulated.evidence, simulated.latency_cycles_worst) == ("vendor-cosim", 25)


def test_a_design_that_was_only_simulated_has_a_latency_alone(tmp_path: Path) -> None:
    (report,) = libero.parse(without_tables(tmp_path, 2, 3), clock_period_ns=8.0)
    assert (report.evidence, report.lut, report.lsram) == ("vendor-cosim", None, None)
    assert (report.latency_cycles_best, report.latency_cycles_worst) == (23, 25)


def test_a_design_that_was_not_simulated_has_no_latency(tmp_path: Path) -> None:
    (report,) = libero.parse(without_tables(tmp_path, 1), clock_period_ns=8.0)
    assert (report.latency_cycles_worst, report.lut) == (None, 1532)


def test_an_older_summary_has_the_sum_over_all_calls_which_is_no_latency(tmp_path: Path) -> None:
    text = (REPORTS / "smarthls_summary.rpt").read_text()
    table = text[text.index("+----------------+") : text.index("\nSW/HW")]
    path = changed("smarthls_summary.rpt", table, "Number of calls: 1,600\nCycle latency: 8,231\n", tmp_path)
    assert [report.latency_cycles_worst for report in libero.parse(path, clock_period_ns=8.0)] == [None, None]


def test_a_summary_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match="neither a simulation nor a synthesis was run"):
        libero.parse(without_tables(tmp_path, 1, 2, 3), clock_period_ns=8.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("co-simulation: PASS", "co-simulation: FAIL", "the co-simulation ended with 'FAIL'"),
        ("Device: MPF300TS-1FCG1152I\n", "", "lacks the device"),
        ("====== 3. Resource Usage", "=== Resources", "lacks the section Resource Usage"),
        ("| 2                   |", "| two                 |", "a count of resources should be a whole number"),
    ],
)
def test_a_damaged_summary_of_smarthls_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ToolFailedError, match=message):
        libero.parse(changed("smarthls_summary.rpt", old, new, tmp_path), clock_period_ns=8.0)


def test_a_summary_that_is_cut_off_in_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match=r"smarthls_summary.rpt is cut off within the section Resource Usage"):
        libero.parse(cut("smarthls_summary.rpt", "| LSRAM                    |", tmp_path), clock_period_ns=8.0)

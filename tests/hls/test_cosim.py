from __future__ import annotations

from pathlib import Path

import pytest

from tests.hls.reports_at_hand import REPORTS, changed, cut
from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.hls.synthesis.reports.cosim import parse


def read(path: Path) -> SynthesisReport:
    return parse(path, part="xcvu9p-flga2577-2-e", clock_period_ns=2.5, version="2024.1")


def test_latency_and_interval_are_read_least_mean_and_greatest() -> None:
    assert read(REPORTS / "vitis_cosim.rpt") == SynthesisReport(
        tool="HLS co-simulation",
        version="2024.1",
        evidence="vendor-cosim",
        design="hls",
        part="xcvu9p-flga2577-2-e",
        clock_period_ns=2.5,
        latency_cycles_best=70,
        latency_cycles_average=73.5,
        latency_cycles_worst=81,
        initiation_interval_min=64,
        initiation_interval_max=72,
    )


def test_a_single_call_has_a_latency_and_no_interval() -> None:
    report = read(REPORTS / "vivado_cosim.rpt")
    assert (report.latency_cycles_best, report.latency_cycles_average, report.latency_cycles_worst) == (12, 12.0, 12)
    assert (report.initiation_interval_min, report.initiation_interval_max) == (None, None)


def test_of_two_languages_the_slower_counts(tmp_path: Path) -> None:
    row = "|      VHDL|        NA|" + "             NA|" * 6
    other = "|      VHDL|      Pass|" + "             90|" * 6
    assert read(changed("vitis_cosim.rpt", row, other, tmp_path)).latency_cycles_worst == 90


@pytest.mark.parametrize("status", ["Fail", "FAIL", "Unknown"])
def test_a_simulation_that_failed_is_an_error_whatever_its_figures(tmp_path: Path, status: str) -> None:
    path = changed("vitis_cosim.rpt", "      Pass|", f"{status:>10}|", tmp_path)
    with pytest.raises(
        ToolFailedError, match=f"vitis_cosim.rpt: the co-simulation of the Verilog ended with '{status}'"
    ):
        read(path)


def test_a_report_of_no_simulation_is_an_error(tmp_path: Path) -> None:
    path = changed(
        "vivado_cosim.rpt", "      Pass|             12|             12|             12|", "NA|NA|NA|NA|", tmp_path
    )
    with pytest.raises(ToolFailedError, match=r"vivado_cosim.rpt: no simulation was run"):
        read(path)


@pytest.mark.parametrize(
    "behind", ["", "Simulation tool   : xsim.", "|   Verilog|", "|   Verilog|      Pass|             70|"]
)
def test_a_co_simulation_report_that_is_cut_off_is_refused(tmp_path: Path, behind: str) -> None:
    with pytest.raises(ToolFailedError, match=r"vitis_cosim.rpt lacks the table of results"):
        read(cut("vitis_cosim.rpt", behind, tmp_path))


def test_a_row_without_all_figures_is_refused(tmp_path: Path) -> None:
    path = changed("vivado_cosim.rpt", "|             NA|             NA|             NA|\n+", "|\n+", tmp_path)
    with pytest.raises(ToolFailedError, match=r"the row of Verilog is cut off"):
        read(path)

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hls.reports_at_hand import REPORTS, changed, cut, real
from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import LayerResources, SynthesisReport
from trigcnn.hls.synthesis.reports.utilization import parse


def vendor_report(folder: str) -> Path:
    return real(f"{folder}/vivado_synth.rpt")


def test_the_published_svhn_network_is_read_in_full() -> None:
    report = vendor_report("hls4ml_tutorial_quantized_pruned_cnn")
    assert parse(report, clock_period_ns=5.0) == SynthesisReport(
        tool="Vivado",
        version="2020.1",
        evidence="vendor-synthesis",
        design="hls",
        part="xcu250figd2104-2L",
        clock_period_ns=5.0,
        lut=118_931,
        ff=30_702,
        dsp=353,
        bram=68,
        uram=0,
        srl=3056,
        carry=14_273,
        carry_primitive="CARRY8",
    )


def test_the_published_16_bit_network_is_read() -> None:
    report = parse(vendor_report("hls4ml_tutorial_pruned_cnn"), clock_period_ns=5.0)
    assert (report.lut, report.ff, report.dsp, report.bram) == (123_948, 43_435, 5386, 84)
    assert (report.srl, report.carry) == (3680, 13_270)


def test_the_7_series_report_of_hls4mls_own_tests_is_read() -> None:
    report = parse(vendor_report("hls4ml_test_report/Vivado"), clock_period_ns=5.0)
    assert report.part == "xc7z020clg400-1"
    assert (report.lut, report.ff, report.dsp, report.bram, report.srl) == (1526, 2428, 66, 0, 48)
    assert (report.carry, report.carry_primitive) == (295, "CARRY4")


def test_half_a_memory_tile_and_the_newer_columns_are_read() -> None:
    assert parse(REPORTS / "ultrascale_utilization.rpt", clock_period_ns=2.5, design="rtl") == SynthesisReport(
        tool="Vivado",
        version="2024.1.2",
        evidence="vendor-synthesis",
        design="rtl",
        part="xcvu9p-flga2577-2-e",
        clock_period_ns=2.5,
        lut=1500,
        ff=1200,
        dsp=9,
        bram=69,
        uram=0,
        srl=0,
        carry=40,
        carry_primitive="CARRY8",
    )


def test_a_routed_7_series_design_counts_as_implemented() -> None:
    assert parse(REPORTS / "series7_utilization.rpt", clock_period_ns=6.25) == SynthesisReport(
        tool="Vivado",
        version="2019.2",
        evidence="vendor-implementation",
        design="hls",
        part="xc7vx690tffg1927-2",
        clock_period_ns=6.25,
        lut=800,
        ff=500,
        dsp=3,
        bram=4,
        srl=6,
        carry=25,
        carry_primitive="CARRY4",
    )


def test_a_7_series_design_without_carry_chains_has_none(tmp_path: Path) -> None:
    path = tmp_path / "vivado_synth.rpt"
    lines = (REPORTS / "series7_utilization.rpt").read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "CARRY4" not in line))
    assert parse(path, clock_period_ns=5.0).carry == 0


def test_a_report_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match=r"vivado_synth.rpt cannot be read as a utilization report"):
        parse(tmp_path / "vivado_synth.rpt", clock_period_ns=5.0)


def test_a_file_that_is_no_such_report_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vivado_synth.rpt"
    path.write_text("hello\n")
    with pytest.raises(ToolFailedError, match=r"vivado_synth.rpt lacks the tool's version or the device"):
        parse(path, clock_period_ns=5.0)


@pytest.mark.parametrize("last", ["2. BLOCKRAM\n---", "4. Primitives\n---"])
def test_a_report_that_is_cut_off_is_refused(tmp_path: Path, last: str) -> None:
    path = tmp_path / "vivado_synth.rpt"
    path.write_text((REPORTS / "ultrascale_utilization.rpt").read_text().partition(last)[0])
    with pytest.raises(ToolFailedError, match=r"vivado_synth.rpt is cut off; run the synthesis again"):
        parse(path, clock_period_ns=5.0)


@pytest.mark.parametrize("row", ["CLB LUTs", "CLB Registers", "DSPs", "Block RAM Tile", "LUT as Memory"])
def test_a_missing_row_is_named(tmp_path: Path, row: str) -> None:
    path = tmp_path / "vivado_synth.rpt"
    lines = (REPORTS / "ultrascale_utilization.rpt").read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if row not in line))
    with pytest.raises(ToolFailedError, match=f"vivado_synth.rpt lacks the row .*{row}"):
        parse(path, clock_period_ns=5.0)


def test_a_design_state_that_is_not_known_gives_no_evidence(tmp_path: Path) -> None:
    path = tmp_path / "vivado_synth.rpt"
    path.write_text((REPORTS / "series7_utilization.rpt").read_text().replace("Routed", "Imagined"))
    with pytest.raises(ToolFailedError, match="the design state 'Imagined' is not known"):
        parse(path, clock_period_ns=5.0)


def test_a_report_by_hierarchy_gives_the_layers_below_the_wrappers() -> None:
    report = parse(REPORTS / "hierarchical_utilization.rpt", clock_period_ns=10.0)
    assert report == SynthesisReport(
        tool="Vivado",
        version="2024.2",
        evidence="vendor-implementation",
        design="hls",
        part="xck26-sfvc784-2LV-c",
        clock_period_ns=10.0,
        lut=131,
        ff=167,
        dsp=4,
        bram=4,
        uram=0,
        srl=10,
        layers=(
            LayerResources("conv_2d_cl_config2_U0", lut=90, ff=100, dsp=4, bram=3, srl=10, uram=0),
            LayerResources("relu_relu_config3_U0", lut=20, ff=40, dsp=0, bram=1, srl=0, uram=0),
        ),
    )


@pytest.mark.parametrize("last", ["1. Utilization by Hierarchy\n---------------------------\n", "  mul_U1   "])
def test_a_report_by_hierarchy_that_is_cut_off_is_refused(tmp_path: Path, last: str) -> None:
    with pytest.raises(ToolFailedError, match=r"hierarchical_utilization.rpt is cut off; write the report again"):
        parse(cut("hierarchical_utilization.rpt", last, tmp_path), clock_period_ns=5.0)


def test_a_report_by_hierarchy_without_a_column_is_refused(tmp_path: Path) -> None:
    path = changed("hierarchical_utilization.rpt", "| RAMB18 |", "| Blocks |", tmp_path)
    with pytest.raises(ToolFailedError, match="lacks the column 'RAMB18'"):
        parse(path, clock_period_ns=5.0)

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hls.reports_at_hand import REPORTS, changed, real
from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import LayerResources, LayerTiming, SynthesisReport
from trigcnn.hls.synthesis.reports.csynth import parse


def test_the_report_of_hls4mls_own_tests_is_read_in_full() -> None:
    dense, relu = "dense_array_array_ap_fixed_16_6_5_3_0_5u_config2_U0", "relu_array_array_ap_fixed_5u_relu_config3_U0"
    assert parse(real("hls4ml_test_report/Vivado/myproject_csynth.xml")) == SynthesisReport(
        tool="Vivado HLS",
        version="2020.1",
        evidence="vendor-csynth",
        design="hls",
        part="xc7z020-clg400-1",
        clock_period_ns=5.0,
        estimated_clock_period_ns=4.049,
        lut=2532,
        ff=7969,
        dsp=73,
        bram=0,
        uram=0,
        latency_cycles_best=10,
        latency_cycles_worst=10,
        initiation_interval_min=8,
        initiation_interval_max=8,
        # From the text beside it: the XML of Vivado HLS has no modules.
        layers=(
            LayerResources(dense, lut=2134, ff=7860, dsp=73, bram=0, uram=0),
            LayerResources(relu, lut=256, ff=84, dsp=0, bram=0, uram=0),
        ),
        timings=(LayerTiming(dense, 7, 7, 7, 7), LayerTiming(relu, 2, 2, 1, 1)),
    )


def test_a_vitis_report_keeps_best_and_worst_apart(tmp_path: Path) -> None:
    alone = tmp_path / "tiny_csynth.xml"
    alone.write_bytes((REPORTS / "vitis_hls_csynth.xml").read_bytes())
    assert parse(alone) == SynthesisReport(
        tool="Vitis HLS",
        version="2024.1",
        evidence="vendor-csynth",
        design="hls",
        part="xcvu9p-flga2577-2-e",
        clock_period_ns=2.5,
        estimated_clock_period_ns=1.812,
        lut=1700,
        ff=1300,
        dsp=11,
        bram=5,
        uram=0,
        latency_cycles_best=70,
        latency_cycles_worst=81,
        initiation_interval_min=64,
        initiation_interval_max=72,
    )


def test_the_modules_of_a_vitis_report_are_those_in_the_top_module() -> None:
    report = parse(REPORTS / "vitis_hls_modules.xml")
    assert (report.version, report.clock_period_ns, report.estimated_clock_period_ns) == ("2024.2", 10.0, 7.25)
    assert report.timings == (
        LayerTiming("dense_resource_config2_U0", 24, 29, 20, 25),
        LayerTiming("relu_relu_config3_U0", 5, None, None, None),
    )
    assert report.layers == (
        LayerResources("dense_resource_config2_U0", lut=700, ff=500, dsp=5, bram=2, uram=1),
        LayerResources("relu_relu_config3_U0", lut=200, ff=120, dsp=0, bram=0, uram=0),
    )


def test_a_damaged_text_beside_the_xml_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "vitis_hls_csynth.xml"
    path.write_bytes((REPORTS / "vitis_hls_csynth.xml").read_bytes())
    changed("vitis_hls_csynth.rpt", "== Interface", "", tmp_path)
    with pytest.raises(ToolFailedError, match=r"vitis_hls_csynth.rpt lacks the section Interface"):
        parse(path)


def test_a_target_clock_in_another_unit_is_in_ns(tmp_path: Path) -> None:
    path = changed("vitis_hls_csynth.xml", "<TargetClockPeriod>2.50<", "<TargetClockPeriod>0.0025 us<", tmp_path)
    assert parse(path).clock_period_ns == 2.5


@pytest.mark.parametrize("word", ["undef", "?", "NA"])
def test_a_latency_that_the_tool_does_not_know_is_none_and_not_zero(tmp_path: Path, word: str) -> None:
    path = tmp_path / "tiny_csynth.xml"
    path.write_text((REPORTS / "vivado_hls_csynth.xml").read_text().replace("undef", word))
    report = parse(path)
    assert report.latency_cycles_worst is None
    assert report.initiation_interval_max is None
    assert (report.latency_cycles_best, report.initiation_interval_min, report.dsp) == (12, 9, 7)


def test_a_report_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match=r"tiny_csynth.xml cannot be read as a synthesis report"):
        parse(tmp_path / "tiny_csynth.xml")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_report_that_is_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    text = (REPORTS / "vitis_hls_csynth.xml").read_text()
    path = tmp_path / "tiny_csynth.xml"
    path.write_text(text[: int(share * len(text))])
    with pytest.raises(ToolFailedError, match=r"tiny_csynth.xml is not complete XML .*; run the synthesis again"):
        parse(path)


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("<Version>2024.1</Version>", "ReportVersion/Version"),
        ("<Part>xcvu9p-flga2577-2-e</Part>", "UserAssignments/Part"),
        ("<Worst-caseLatency>81</Worst-caseLatency>", "SummaryOfOverallLatency/Worst-caseLatency"),
        ("<DSP>11</DSP>", "Resources/DSP or AreaEstimates/Resources/DSP48E"),
        ("<LUT>1700</LUT>", "AreaEstimates/Resources/LUT"),
    ],
)
def test_a_missing_section_is_named_with_its_file(tmp_path: Path, line: str, missing: str) -> None:
    path = tmp_path / "tiny_csynth.xml"
    path.write_text((REPORTS / "vitis_hls_csynth.xml").read_text().replace(line, "", 1))
    with pytest.raises(ToolFailedError, match=f"tiny_csynth.xml lacks .*{missing}"):
        parse(path)


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("<LUT>1700<", "<LUT>undef<", "Resources/LUT should be a whole number but is 'undef'"),
        (
            "<Interval-min>64<",
            "<Interval-min>64 ~ 72<",
            "Interval-min should be a whole number but is '64 ~ 72'",
        ),
        ("Period>2.50<", "Period>fast<", "TargetClockPeriod should be a time but is 'fast'"),
    ],
)
def test_a_figure_that_is_none_is_refused(tmp_path: Path, good: str, bad: str, message: str) -> None:
    path = tmp_path / "tiny_csynth.xml"
    path.write_text((REPORTS / "vitis_hls_csynth.xml").read_text().replace(good, bad, 1))
    with pytest.raises(ToolFailedError, match=message):
        parse(path)


def test_a_document_type_declaration_is_refused_before_any_entity_is_expanded(tmp_path: Path) -> None:
    path = tmp_path / "tiny_csynth.xml"
    path.write_text('<!DOCTYPE profile [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><profile>&b;</profile>')
    with pytest.raises(ToolFailedError, match=r"tiny_csynth.xml has a document type declaration"):
        parse(path)


def test_an_encoding_that_would_hide_a_declaration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiny_csynth.xml"
    path.write_text("<!DOCTYPE profile []><profile/>", encoding="utf-16")
    with pytest.raises(ToolFailedError, match=r"tiny_csynth.xml cannot be read as a synthesis report"):
        parse(path)

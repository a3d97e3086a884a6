from __future__ import annotations

from pathlib import Path

import pytest

from tests.hls.reports_at_hand import CSYNTH, REPORTS, changed, cut, real
from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import LayerResources, LayerTiming, SynthesisReport
from trigcnn.hls.synthesis.reports import csynth
from trigcnn.hls.synthesis.reports.csynth_text import parse
from trigcnn.hls.synthesis.reports.modules import layer_index


def by_index(report: SynthesisReport) -> dict[int, LayerTiming]:
    assert report.timings is not None
    return {index: timing for timing in report.timings if (index := layer_index(timing.name)) is not None}


def test_the_published_svhn_network_is_read_layer_by_layer() -> None:
    report = parse(real(f"hls4ml_tutorial_quantized_pruned_cnn/{CSYNTH}"))
    assert (report.tool, report.version, report.part) == ("Vivado HLS", "2020.1", "xcu250-figd2104-2L-e")
    assert (report.clock_period_ns, report.estimated_clock_period_ns) == (5.0, 4.373)
    assert (report.latency_cycles_best, report.latency_cycles_worst) == (1044, 1044)
    assert (report.initiation_interval_min, report.initiation_interval_max) == (1028, 1028)
    assert (report.lut, report.ff, report.dsp, report.bram, report.uram) == (263_280, 43_847, 340, 100, 0)
    latencies = {index: timing.latency_cycles_worst for index, timing in by_index(report).items()}
    convolutions, dense = {2: 1027, 6: 229, 10: 40}, {14: 7, 18: 3, 22: 2}
    activations, pooling = {4: 902, 8: 171, 12: 18, 17: 0, 21: 0}, {5: 903, 9: 172, 13: 19}
    assert latencies == convolutions | dense | activations | pooling | {16: 1, 20: 1, 24: 7}
    # A combinational activation has no latency and takes a value at each clock.
    assert (by_index(report)[21].latency_cycles_best, by_index(report)[21].initiation_interval_max) == (0, 1)
    assert report.layers is not None
    first = next(layer for layer in report.layers if layer_index(layer.name) == 2)
    assert (first.lut, first.ff, first.dsp, first.bram, first.uram) == (7354, 2826, 27, 0, 0)
    # What is left are the queues between the layers, and two small tables.
    assert [sum(layer.lut for layer in report.layers), sum(layer.dsp for layer in report.layers)] == [248_240, 340]


def test_the_published_16_bit_network_is_read() -> None:
    report = parse(real(f"hls4ml_tutorial_pruned_cnn/{CSYNTH}"))
    assert (report.lut, report.ff, report.dsp, report.bram) == (245_466, 52_549, 5414, 100)
    assert (report.latency_cycles_worst, report.initiation_interval_max) == (1044, 1028)
    assert {index: timing.latency_cycles_worst for index, timing in by_index(report).items()}[2] == 1027


def test_text_and_xml_of_one_run_say_the_same() -> None:
    path = real("hls4ml_test_report/Vivado/myproject_csynth.rpt")
    assert parse(path) == csynth.parse(path.with_suffix(".xml"))


def test_the_columns_of_vitis_are_known_and_an_unknown_latency_is_none() -> None:
    report = parse(REPORTS / "vitis_hls_csynth.rpt")
    assert report == csynth.parse(REPORTS / "vitis_hls_csynth.xml")
    assert report.timings == (
        LayerTiming("conv_2d_cl_array_3u_config2_U0", 67, 75, 64, 72),
        LayerTiming("relu_array_3u_relu_config4_U0", 66, None, 66, None),
        LayerTiming("Block_entry_proc_U0", 0, 0, 0, 0),
    )
    assert report.layers == (
        LayerResources("conv_2d_cl_array_3u_config2_U0", lut=1200, ff=1000, dsp=11, bram=1, uram=0),
        LayerResources("relu_array_3u_relu_config4_U0", lut=295, ff=98, dsp=0, bram=0, uram=0),
        LayerResources("Block_entry_proc_U0", lut=5, ff=2, dsp=0, bram=0, uram=0),
    )


def test_the_columns_of_an_old_vivado_are_known_and_the_slower_of_two_clocks_counts() -> None:
    assert parse(REPORTS / "vivado_hls_csynth.rpt") == SynthesisReport(
        tool="Vivado HLS",
        version="2018.3",
        evidence="vendor-csynth",
        design="hls",
        part="xcku115-flvb2104-2-i",
        clock_period_ns=10.0,
        estimated_clock_period_ns=9.9,
        lut=220,
        ff=110,
        dsp=7,
        bram=3,
        latency_cycles_best=12,
        initiation_interval_min=9,
        layers=(LayerResources("dense_latency_config2_U0", lut=200, ff=100, dsp=7, bram=3),),
        timings=(LayerTiming("dense_latency_config2_U0", 3, 3, 1, 1),),
    )


def test_a_design_without_modules_has_no_rows(tmp_path: Path) -> None:
    text = (REPORTS / "vivado_hls_csynth.rpt").read_text()
    lines = [line for line in text.splitlines(keepends=True) if "config2" not in line]
    path = tmp_path / "tiny_csynth.rpt"
    path.write_text("".join(lines))
    assert (parse(path).layers, parse(path).timings) == (None, None)


def test_clock_periods_have_units(tmp_path: Path) -> None:
    report = parse(changed("vitis_hls_csynth.rpt", "|  2.50 ns|  1.812 ns|", "|0.0025 us|     ?    |", tmp_path))
    assert (report.clock_period_ns, report.estimated_clock_period_ns) == (2.5, None)


@pytest.mark.parametrize(
    ("behind", "message"),
    [
        ("", "lacks the heading of a C synthesis report"),
        ("|ap_clk  |  2.50 ns|", "lacks the section Interface"),
        ("|conv_2d_cl_array_3u_config2_U0  |", "lacks the section Interface"),
        ("== Utilization Estimates", "lacks the section Interface"),
        ("    * Memory: \n    N/A\n", "lacks the section Interface"),
    ],
)
def test_a_text_that_is_cut_off_is_refused(tmp_path: Path, behind: str, message: str) -> None:
    with pytest.raises(ToolFailedError, match=f"vitis_hls_csynth.rpt {message}"):
        parse(cut("vitis_hls_csynth.rpt", behind, tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("|     1300|", "|     many|", "FF should be a whole number but is 'many'"),
        ("|  2.50 ns|", "|  fast   |", "the clock period should be a time but is 'fast'"),
        ("|  2.50 ns|", "|  5 cubits |", "the clock period should be a time but is '5 cubits'"),
        ("|Total            |", "|All              |", "lacks the total of the resources"),
        ("|       70|       81|", "|  seventy|       81|", "lacks the latency"),
        ("|  11| 1000|", "|  11|    ?|", "FF of conv_2d_cl_array_3u_config2_U0 is not known"),
    ],
)
def test_a_figure_that_is_none_in_the_text_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ToolFailedError, match=message):
        parse(changed("vitis_hls_csynth.rpt", old, new, tmp_path))


def test_the_summary_of_all_modules_names_the_report_to_read(tmp_path: Path) -> None:
    path = tmp_path / "csynth.rpt"
    path.write_text("\n== Synthesis Summary Report of 'tiny'\n")
    with pytest.raises(ToolFailedError, match=r"is the summary of all modules; read tiny_csynth.rpt beside it"):
        parse(path)


def test_a_text_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match=r"tiny_csynth.rpt cannot be read as a synthesis report"):
        parse(tmp_path / "tiny_csynth.rpt")

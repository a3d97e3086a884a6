from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.hls.reports_at_hand import REPORTS, real
from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import LayerResources, LayerTiming, SynthesisReport
from trigcnn.hls.synthesis.reports import oneapi, quartus, quartus_text

PART, PERIOD = "10AX115N2F40E2LG", 5.0


def copied(name: str, folder: Path) -> Path:
    return shutil.copytree(REPORTS / name, folder / name)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_oneapi_report_of_hls4mls_own_tests_is_read() -> None:
    assert oneapi.parse(real("hls4ml_test_report/oneAPI"), part=PART, clock_period_ns=PERIOD) == SynthesisReport(
        tool="oneAPI",
        version="",
        evidence="vendor-csynth",
        design="hls",
        part=PART,
        clock_period_ns=PERIOD,
        estimated_clock_period_ns=2.083,
        initiation_interval_max=1,
        lut=2462,
        ff=7938,
        # 80 products, two to a block: what the fitter found too. hls4ml's own reader says 0.
        dsp=40,
        m20k=77,
        mlab=92,
        layers=(
            LayerResources("relu_config3>()", lut=168, ff=162, dsp=0, bram=None, m20k=4, mlab=4),
            LayerResources("bias_t)", lut=2134, ff=4436, dsp=40, bram=None, m20k=71, mlab=87),
            LayerResources("Myproject", lut=95, ff=82, dsp=0, bram=None, m20k=2, mlab=1),
        ),
        timings=(
            LayerTiming("Myproject", 176, 176, 1, 1),
            LayerTiming("relu_config3>()", 159, 159, 1, 1),
            LayerTiming("bias_t)", 200, 200, 1, 1),
        ),
    )


def test_the_fit_of_hls4mls_own_tests_is_read() -> None:
    report = oneapi.parse_fit(real("hls4ml_test_report/oneAPI"), part=PART, clock_period_ns=PERIOD)
    assert report == SynthesisReport(
        tool="Quartus",
        version="",
        evidence="vendor-implementation",
        design="hls",
        part=PART,
        clock_period_ns=PERIOD,
        estimated_clock_period_ns=1.673,
        lut=4181,
        alm=4520.0,
        ff=16_419,
        dsp=40,
        m20k=36,
        mlab=52,
    )


def test_a_oneapi_report_has_kernels_and_the_slowest_loop() -> None:
    report = oneapi.parse(REPORTS / "oneapi", part=PART, clock_period_ns=PERIOD)
    assert (report.lut, report.ff, report.dsp, report.m20k, report.mlab, report.bram) == (960, 1960, 6, 9, 21, None)
    assert (report.estimated_clock_period_ns, report.initiation_interval_max) == (2.5, 4)
    assert report.latency_cycles_worst is None
    assert report.timings == (
        LayerTiming("Tiny", 76, 76, 1, 1),
        LayerTiming("conv_config2>()", 123, 123, 4, 4),
    )


def test_a_design_that_was_not_fitted_gives_nothing() -> None:
    assert oneapi.parse_fit(REPORTS / "oneapi", part=PART, clock_period_ns=PERIOD) is None


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "summary.ndjson",
            '"data":[960, 1960, 9, 3, 21, 5]',
            '"data":[960, 19',
            "summary.ndjson is truncated or not a oneAPI",
        ),
        ("summary.ndjson", '"name":"Total"', '"name":"Sum"', "summary.ndjson lacks the total"),
        ("summary.ndjson", "[960, 1960, 9, 3, 21, 5]", "[960, 1960, 9, 3, 21]", "lacks the figure frac. dsps"),
        ("summary.ndjson", "[960, 1960, 9,", '[960, "many", 9,', "ffs should be a number but is 'many'"),
        ("loop_attr.ndjson", '"lt":"123.000000", ', "", "holds no reports of oneAPI in a known form: KeyError"),
        ("quartus.ndjson", '"alm":"TBD",', "", "is not a summary of Quartus' fitter: KeyError"),
        ("quartus.ndjson", '"nodes":[', '"knots":[', "is not a summary of Quartus' fitter"),
    ],
)
def test_a_damaged_oneapi_report_is_refused(tmp_path: Path, name: str, old: str, new: str, message: str) -> None:
    folder = copied("oneapi", tmp_path)
    replace(folder / name, old, new)
    read = oneapi.parse_fit if name == "quartus.ndjson" else oneapi.parse
    with pytest.raises(ToolFailedError, match=message):
        read(folder, part=PART, clock_period_ns=PERIOD)


@pytest.mark.parametrize("content", ["", "[1]\n"])
def test_a_file_without_records_is_refused(tmp_path: Path, content: str) -> None:
    folder = copied("oneapi", tmp_path)
    (folder / "summary.ndjson").write_text(content)
    with pytest.raises(ToolFailedError, match=r"summary.ndjson is not a oneAPI report"):
        oneapi.parse(folder, part=PART, clock_period_ns=PERIOD)


def test_a_oneapi_report_without_kernels_has_no_interval(tmp_path: Path) -> None:
    folder = copied("oneapi", tmp_path)
    (folder / "loop_attr.ndjson").write_text('{"name":"no kernel"}\n')
    report = oneapi.parse(folder, part=PART, clock_period_ns=PERIOD)
    assert (report.timings, report.initiation_interval_max, report.lut) == (None, None, 960)


def test_a_folder_without_reports_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match=r"summary.ndjson cannot be read as a oneAPI report"):
        oneapi.parse(tmp_path, part=PART, clock_period_ns=PERIOD)


def test_the_reports_of_intels_hls_compiler_are_read() -> None:
    report = quartus.parse(REPORTS / "quartus", part=PART, clock_period_ns=PERIOD)
    assert (report.lut, report.ff, report.dsp, report.m20k, report.mlab) == (2500, 4001, 12, 9, 30)
    # The estimate has no latency: that is the simulation's.
    assert (report.evidence, report.latency_cycles_worst) == ("vendor-csynth", None)
    assert quartus.parse_simulation(REPORTS / "quartus", part=PART, clock_period_ns=PERIOD) == SynthesisReport(
        tool="Intel HLS",
        version="",
        evidence="vendor-cosim",
        design="hls",
        part=PART,
        clock_period_ns=PERIOD,
        latency_cycles_best=23,
        latency_cycles_average=24.3,
        latency_cycles_worst=25,
        initiation_interval_min=5,
        initiation_interval_max=7,
    )
    fitted = quartus.parse_fit(REPORTS / "quartus", part=PART, clock_period_ns=PERIOD)
    assert fitted is not None
    assert (fitted.alm, fitted.ff, fitted.dsp, fitted.m20k, fitted.mlab) == (1200.5, 3900, 12, 8, 4)
    assert (fitted.estimated_clock_period_ns, fitted.evidence) == (3.992, "vendor-implementation")


def test_a_simulation_that_was_not_run_is_refused(tmp_path: Path) -> None:
    folder = copied("quartus", tmp_path)
    (folder / "verification_data.js").write_text('var verifJSON={"functions":[]};')
    with pytest.raises(ToolFailedError, match=r"verification_data.js holds no simulated calls; run the compiled"):
        quartus.parse_simulation(folder, part=PART, clock_period_ns=PERIOD)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("report_data.js", ";var areaJSON=", ";var areas=", "report_data.js lacks the variable areaJSON"),
        ("report_data.js", "30]", "30", "report_data.js is truncated or another kind of report"),
        ("report_data.js", '"total":', '"sum":', "holds no estimate of resources: KeyError"),
        ("verification_data.js", "23,25,24.3", "23,25", "holds no latency in a known form"),
        ("verification_data.js", "23,25,24.3", "23,soon,24.3", "should be a number but is 'soon'"),
    ],
)
def test_a_damaged_report_of_intels_hls_compiler_is_refused(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    folder = copied("quartus", tmp_path)
    replace(folder / name, old, new)
    read = quartus.parse if name == "report_data.js" else quartus.parse_simulation
    with pytest.raises(ToolFailedError, match=message):
        read(folder, part=PART, clock_period_ns=PERIOD)


def test_the_summaries_of_quartus_are_read() -> None:
    folder = REPORTS / "quartus"
    report = quartus_text.parse(folder / "tiny.fit.summary", folder / "tiny.sta.summary", clock_period_ns=PERIOD)
    assert report == SynthesisReport(
        tool="Quartus",
        version="21.4.0",
        evidence="vendor-implementation",
        design="hls",
        part="10AX115N2F40E2LG",
        clock_period_ns=PERIOD,
        estimated_clock_period_ns=3.766,
        hold_slack_ns=0.031,
        total_negative_slack_ns=0.0,
        failing_endpoints=0,
        alm=4520.0,
        ff=16_419,
        dsp=40,
        m20k=36,
    )
    assert quartus_text.parse(folder / "tiny.fit.summary", clock_period_ns=PERIOD).slack_ns is None


def test_a_slack_that_is_missed_leaves_the_number_of_endpoints_unknown(tmp_path: Path) -> None:
    folder = copied("quartus", tmp_path)
    replace(folder / "tiny.sta.summary", "Slack : 1.234\nTNS   : 0.000", "Slack : -0.234\nTNS   : -1.500")
    report = quartus_text.parse(folder / "tiny.fit.summary", folder / "tiny.sta.summary", clock_period_ns=PERIOD)
    assert report.slack_ns == pytest.approx(-0.234)
    assert (report.total_negative_slack_ns, report.failing_endpoints) == (-1.5, None)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("tiny.fit.summary", "Successful", "Failed", "the fitter ended with 'Failed - Mon"),
        ("tiny.fit.summary", "Device : 10AX115N2F40E2LG\n", "", "lacks the fitter's status or the device"),
        ("tiny.fit.summary", ": 40 / 1,518 ( 3 % )", ": some", "Total DSP Blocks should be a number but is 'some'"),
        ("tiny.sta.summary", "Slack : 2.345\n", "", "is truncated or not a summary of the timing analyser"),
    ],
)
def test_a_damaged_summary_of_quartus_is_refused(tmp_path: Path, name: str, old: str, new: str, message: str) -> None:
    folder = copied("quartus", tmp_path)
    replace(folder / name, old, new)
    with pytest.raises(ToolFailedError, match=message):
        quartus_text.parse(folder / "tiny.fit.summary", folder / "tiny.sta.summary", clock_period_ns=PERIOD)

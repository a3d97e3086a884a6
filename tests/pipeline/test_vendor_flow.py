"""The vendor's flow in whole runs, with programs that play the tools."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import VendorTools
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.pipeline.cache.folder import file_digest
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.results.report import Report
from trigcnn.pipeline.vendor import flow as vendor_flow

Trigcnn = Callable[..., subprocess.CompletedProcess[str]]
Run = tuple[Path, Path]


def test_the_vendor_s_figures_come_into_the_report_with_their_evidence(
    trigcnn: Trigcnn, quick_run: Run, vendor_tools: VendorTools
) -> None:
    config, out = quick_run
    vendor_tools.install("vitis-run", "vivado")
    vendor_tools.behave("critical@logic-synthesis")
    wanted = ("--set", "synthesis.vendor=auto", "--set", "synthesis.vendor_steps=[logic-synthesis]")
    outcome = trigcnn("run", config, "--out", out, *wanted)
    assert outcome.returncode == 0, outcome.stderr
    assert "check: unchanged\n" in outcome.stdout
    assert "  vitis-run 2024.1 did csynth; vivado 2024.1 did logic-synthesis\n" in outcome.stdout
    report = Report.model_validate_json((out / "report" / "report.json").read_text())
    entry, _ = report.synthesis
    assert (entry.tool, entry.version, entry.evidence, entry.design) == ("Vitis HLS", "2024.1", "vendor-csynth", "hls")
    assert entry.lut == 1700
    assert [entry.evidence for entry in report.synthesis] == ["vendor-csynth", "vendor-synthesis"]
    assert report.vendor.status == "built"
    assert (out / report.vendor.project / "quick_prj").is_dir()
    csynth, synthesis = report.vendor.steps
    assert (csynth.name, csynth.status, csynth.critical_warnings) == ("csynth", "done", ())
    assert len(synthesis.critical_warnings) == 1
    for step in report.vendor.steps:
        assert step.log is not None
        assert (out / step.log).is_file()
        assert {file_digest(out / path) for path in step.reports} == set(step.reports.values())
    for name in ("report.md", "report.html"):
        text = (out / "report" / name).read_text()
        assert "vendor-csynth" in text
        assert "The design failed to meet the timing requirements" in text
    assert not (out / "synthesize.checkpoints").exists()


def test_a_killed_vendor_flow_goes_on_at_the_next_tool(
    trigcnn: Trigcnn, quick_run: Run, vendor_tools: VendorTools
) -> None:
    config, out = quick_run
    vendor_tools.install("vitis-run", "vivado")
    vendor_tools.behave("hang@logic-synthesis")
    wanted = ("--set", "synthesis.vendor=auto", "--set", "synthesis.vendor_steps=[logic-synthesis]")
    outcome = trigcnn("run", config, "--out", out, *wanted, "--set", "time_limits.vendor_s=2")
    assert outcome.returncode == 3
    log = out / "logs" / "synthesize" / "hls" / "logic-synthesis.log"
    assert outcome.stderr.startswith(f"error: vivado ran longer than 2 s; the end of its log {log}:\n")
    assert log.is_file()
    # What is kept to go on from is no stage, and nothing shows it as a result.
    assert '"status": "not-asked"' in (out / "synthesize" / "synthesis.json").read_text()
    vendor_tools.behave("")
    vendor_tools.calls()
    outcome = trigcnn("run", config, "--out", out, *wanted)
    assert outcome.returncode == 0, outcome.stderr
    assert vendor_tools.calls() == ["vivado logic-synthesis in hls"]
    content = json.loads((out / "report" / "report.json").read_text())
    assert [step["status"] for step in content["vendor"]["steps"]] == ["kept", "done"]


def test_simulated_outputs_that_differ_end_the_run_or_are_counted(
    trigcnn: Trigcnn, quick_run: Run, vendor_tools: VendorTools
) -> None:
    config, out = quick_run
    vendor_tools.install("vitis-run")
    vendor_tools.behave("differ@csim")
    wanted = ("--set", "synthesis.vendor=auto", "--set", "synthesis.vendor_steps=[csim]")
    outcome = trigcnn("run", config, "--out", out, *wanted)
    assert outcome.returncode == 3
    log = out / "logs/synthesize/hls/tb_data/csim_results.log"
    assert outcome.stderr.startswith(f"error: {log}: event 0, output ")
    assert " is 77 but should be " in outcome.stderr
    assert log.is_file()
    outcome = trigcnn("run", config, "--out", out, *wanted, "--set", "gates.exact=false")
    assert outcome.returncode == 0, outcome.stderr
    report = Report.model_validate_json((out / "report" / "report.json").read_text())
    total = len((out / "convert/hls/tb_data/tb_output_predictions.dat").read_text().split())
    assert report.vendor.steps[0].compared == f"{total - 1:,} of {total:,} outputs equal"


def test_our_rtl_goes_to_vivado_without_other_constraints(tmp_path: Path) -> None:
    sources = {"verilog": ("src/tiny.v", "src/tiny_logic.v")}
    RtlDesign("parallel", "tiny", 2, 1, (), (), 10.0, {}, sources=sources).save(tmp_path)  # type: ignore[arg-type]
    config = RunConfig.model_validate({"name": "tiny", "synthesis": {"vendor_rtl": "implementation"}})
    planned = vendor_flow.plan(config, tmp_path)
    assert [step.title for step in planned.steps] == [
        "csynth",
        "logic-synthesis of our RTL",
        "implementation of our RTL",
    ]
    script = planned.steps[1].files["logic-synthesis.tcl"]
    assert re.findall(r"read_\w+ .*", script) == [
        "read_verilog {src/tiny.v}",
        "read_verilog {src/tiny_logic.v}",
        "read_xdc -mode out_of_context clock.xdc",
    ]


def elsewhere(out: Path, place: Path) -> Path:
    """Unpack a run's archive as on another computer, and run it."""
    with tarfile.open(out / "quick_vendor.tar.gz") as packed:
        packed.extractall(place, filter="data")
    subprocess.run(["bash", place / "quick_vendor" / "run.sh"], check=True, capture_output=True)
    return place / "quick_vendor"


def test_a_run_is_completed_by_what_comes_back_from_another_computer(
    trigcnn: Trigcnn, quick_run: Run, vendor_tools: VendorTools, tmp_path: Path
) -> None:
    config, out = quick_run
    wanted = ("--set", "synthesis.vendor=auto", "--set", "synthesis.vendor_steps=[csim,logic-synthesis]")
    outcome = trigcnn("run", config, "--out", out, *wanted, "--plan-only")
    assert outcome.returncode == 0, outcome.stderr
    assert f"archive: {out}/quick_vendor.tar.gz; unpack it where the tools are, and run there: bash" in outcome.stdout
    assert "synthesize:" not in outcome.stdout
    vendor_tools.install("vitis-run", "vivado")
    vendor_tools.behave("critical@csynth", "2023.2")
    there = elsewhere(out, tmp_path / "there")
    assert vendor_tools.calls() == [
        "vitis-run csim in hls",
        "vitis-run csynth in hls",
        "vivado logic-synthesis in hls",
    ]
    outcome = trigcnn("collect", there / "results.tar.gz", "--run", out)
    assert outcome.returncode == 0, outcome.stderr
    assert "check: unchanged\n" in outcome.stdout
    report = Report.model_validate_json((out / "report" / "report.json").read_text())
    host = platform.node()
    assert report.vendor.status == "collected"
    assert report.vendor.message == (
        f"collected from results.tar.gz, run on {host}: vitis-run 2023.2 did csim, csynth; vivado 2023.2 did "
        "logic-synthesis"
    )
    assert [(step.name, step.status, len(step.critical_warnings)) for step in report.vendor.steps] == [
        ("csim", "collected", 0),
        ("csynth", "collected", 1),
        ("logic-synthesis", "collected", 0),
    ]
    expected = (out / "convert/hls/tb_data/tb_output_predictions.dat").read_text().split()
    compared = f"{len(expected):,} of {len(expected):,} outputs equal"
    assert [step.compared for step in report.vendor.steps] == [compared, None, None]
    for name in ("report.md", "report.html"):
        assert compared in (out / "report" / name).read_text()
    assert [entry.evidence for entry in report.synthesis] == ["vendor-csynth", "vendor-synthesis"]
    for step in report.vendor.steps:
        assert {file_digest(out / path) for path in step.reports} == set(step.reports.values())
    # No tool ran here, and none does when the run is done again.
    assert vendor_tools.calls() == []
    outcome = trigcnn("run", out / "resolved.yaml", "--out", out, "--from", "synthesize")
    assert outcome.returncode == 0, outcome.stderr
    assert vendor_tools.calls() == []
    # With other options they are of something else.
    outcome = trigcnn("run", out / "resolved.yaml", "--out", out, "--set", "synthesis.vendor_steps=[csim]")
    assert "the results that were collected are of another design, and are not used" in outcome.stdout
    assert vendor_tools.calls() == ["vitis-run csim in hls", "vitis-run csynth in hls"]


def test_results_of_another_run_are_refused_and_change_nothing(
    trigcnn: Trigcnn, quick_run: Run, vendor_tools: VendorTools, tmp_path: Path
) -> None:
    config, out = quick_run
    assert trigcnn("run", config, "--out", out, "--plan-only").returncode == 0
    vendor_tools.install("vitis-run")
    there = elsewhere(out, tmp_path / "there")
    outcome = trigcnn("run", config, "--out", out, "--set", "hls.reuse_factor=2", "--set", "synthesis.vendor=never")
    assert outcome.returncode == 0, outcome.stderr
    before = {path: file_digest(path) for path in out.rglob("*") if path.is_file()}
    outcome = trigcnn("collect", there, "--run", out)
    assert outcome.returncode == 2
    assert "differs between the results and the run: the results are of another design" in outcome.stderr
    assert {path: file_digest(path) for path in out.rglob("*") if path.is_file()} == before


def test_a_missing_program_ends_the_steps_of_its_design_and_is_named(
    trigcnn: Trigcnn, quick_run: Run, vendor_tools: VendorTools
) -> None:
    config, out = quick_run
    vendor_tools.install("vitis-run")
    wanted = ("--set", "synthesis.vendor=auto", "--set", "synthesis.vendor_steps=[csim,implementation]")
    outcome = trigcnn("run", config, "--out", out, *wanted)
    assert outcome.returncode == 0, outcome.stderr
    assert (
        "  vitis-run 2024.1 did csim, csynth; vivado was not found on PATH, so there is no logic-synthesis, "
        "implementation\n"
    ) in outcome.stdout
    assert "build it with" not in outcome.stdout
    report = Report.model_validate_json((out / "report" / "report.json").read_text())
    assert [step.status for step in report.vendor.steps] == ["done", "done", "planned", "planned"]
    assert [entry.evidence for entry in report.synthesis] == ["vendor-csynth"]


def test_the_steps_of_every_design_are_cut_at_a_missing_program(vendor_tools: VendorTools) -> None:
    synthesis = {"vendor_steps": ["implementation"], "vendor_rtl": "logic-synthesis"}
    planned = vendor_flow.plan(RunConfig.model_validate({"name": "tiny", "synthesis": synthesis}), None)

    def cut() -> dict[str, list[str]]:
        return {name: [step.title for step in steps] for name, steps in vendor_flow.impossible(planned).items()}

    of_vivado = ["logic-synthesis", "implementation", "logic-synthesis of our RTL"]
    assert cut() == {"vitis-run or vitis_hls": ["csynth", *of_vivado[:2]], "vivado": of_vivado[2:]}
    vendor_tools.install("vitis-run")
    assert cut() == {"vivado": of_vivado}
    vendor_tools.install("vivado")
    assert cut() == {}


@pytest.mark.parametrize(
    ("backend", "command"),
    [
        ("oneAPI", "cmake -S . -B build && make -C build report"),
        ("Libero", "shls -s hw"),
        ("Quartus", "make tiny-fpga"),
    ],
)
def test_the_command_that_is_shown_builds_the_project(backend: str, command: str) -> None:
    config = RunConfig.model_validate({"name": "tiny", "hls": {"backend": backend}})
    assert vendor_flow.build_command(vendor_flow.plan(config, None)) == command


def test_the_command_that_is_shown_works_in_the_folder_that_is_left(
    trigcnn: Trigcnn, quick_run: Run, vendor_tools: VendorTools
) -> None:
    config, out = quick_run
    outcome = trigcnn("run", config, "--out", out, "--set", "synthesis.vendor_steps=[csim,cosim]")
    (command,) = re.findall(r"  build it with: (.*)\n", outcome.stdout)
    vendor_tools.install("vitis-run")
    subprocess.run(["bash", "-c", command], check=True, capture_output=True)
    assert vendor_tools.calls() == ["vitis-run csynth in hls"]


def test_what_is_wrong_with_results_is_kept_where_the_message_says(
    trigcnn: Trigcnn, quick_run: Run, vendor_tools: VendorTools, tmp_path: Path
) -> None:
    config, out = quick_run
    assert trigcnn("run", config, "--out", out, "--plan-only").returncode == 0
    vendor_tools.install("vitis-run")
    vendor_tools.behave("cut@csynth")
    there = elsewhere(out, tmp_path / "there")
    outcome = trigcnn("collect", there, "--run", out)
    assert outcome.returncode == 3
    kept = out / "logs/collect/hls/quick_prj/solution1/syn/report/quick_csynth.xml"
    assert outcome.stderr.startswith(f"error: {kept} is not complete XML")
    assert "\ndelete results/1_hls_csynth there and run run.sh again there; it resumes at this step\n" in outcome.stderr
    assert kept.is_file()
    assert (out / "logs/collect/hls/csynth.log").is_file()
    # A file that did not come is named by its place in the results.
    (there / "results/1_hls_csynth/left/quick_prj/solution1/syn/report/quick_csynth.xml").unlink()
    outcome = trigcnn("collect", there, "--run", out)
    assert f"{there}/results/1_hls_csynth/left/quick_prj" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.tar.gz",), "none.tar.gz: there is no such file or folder; give the results.tar.gz that run.sh wrote"),
        ((".",), "has no readable manifest.json"),
    ],
)
def test_what_is_no_result_is_refused(
    arguments: tuple[str, ...], message: str, trigcnn: Trigcnn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = trigcnn("collect", *arguments)
    assert outcome.returncode == 2
    assert message in outcome.stderr
    assert list(tmp_path.iterdir()) == []

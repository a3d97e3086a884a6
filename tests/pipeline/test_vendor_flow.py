"""The vendor's flow in whole runs, with programs that play the tools."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from pipeline.cache import file_digest
from pipeline.reporting.report import Report
from tests.conftest import VendorTools

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
    assert (csynth.name, csynth.status, csynth.critical_warnings) == ("csynth", "done", [])
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

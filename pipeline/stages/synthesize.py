"""Synthesis: Yosys on the RTL, and the vendor's tool on the HLS project where it is installed."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hls.errors import ToolMissingError
from hls.rtl.design import RtlDesign
from hls.synthesis import utilization, vendor, yosys
from hls.synthesis.report import SynthesisReport
from pipeline.cache import RunFolder, Stage, installed_version
from pipeline.stages import Context


def stage(context: Context) -> Stage:
    """Describe the stage."""
    config = context.config
    program = vendor.find_program(_vendor_plan(context))
    return Stage(
        name="synthesize",
        after=("convert",),
        code=("hls", "pipeline/stages/synthesize.py"),
        options=config.model_dump(mode="json", include={"name", "hls", "rtl", "synthesis"}),
        files=(),
        # A vendor's tool that was installed since is a reason to run again.
        versions={"pyosys": installed_version("pyosys"), "vendor": _identity(program)},
        work=lambda folder: _work(context, folder),
    )


def _identity(program: Path | None) -> str:
    """Tell one installation from another without starting it, which may take a licence."""
    if program is None:
        return "missing"
    target = program.resolve()
    return f"{target} of {target.stat().st_mtime_ns}"


def read(folder: RunFolder) -> dict[str, Any]:
    """Read what the stage found: `synthesis` (one entry per tool) and `vendor`."""
    content: dict[str, Any] = json.loads((folder.stage("synthesize") / "synthesis.json").read_text())
    return content


def _vendor_plan(context: Context) -> vendor.VendorPlan:
    config = context.config
    return vendor.plan(config.hls.backend, config.name, vsynth=config.synthesis.vendor_logic_synthesis)


def _work(context: Context, folder: Path) -> None:
    reports: list[SynthesisReport] = []
    if context.config.rtl.architecture != "none" and context.config.synthesis.yosys:
        with context.console.task("synthesizing the RTL with Yosys"):
            reports.append(_yosys(context, folder))
    with context.console.task("vendor flow"):
        flow, found = _vendor(context, folder)
    reports += found
    context.console.line(f"  {flow['message']}")
    if not found:
        project = context.folder.path / flow["project"]
        context.console.line(f"  build it with: cd {shlex.quote(str(project))} && {flow['command']}")
    content = {"synthesis": [asdict(report) for report in reports], "vendor": flow}
    (folder / "synthesis.json").write_text(json.dumps(content, indent=1) + "\n")


def _yosys(context: Context, folder: Path) -> SynthesisReport:
    converted, config = context.folder.stage("convert"), context.config
    design = RtlDesign.load(converted)
    # Relative names keep the plan the same in every folder.
    shutil.copytree(converted / "rtl" / "src", folder / "src")
    sources = sorted(path.relative_to(folder) for path in (folder / "src").rglob("*.v"))
    plan = yosys.plan(
        [path for path in sources if not path.name.endswith("_wrapper.v")],
        design.top,
        part=config.hls.part,
        effort=config.synthesis.yosys_effort,
        statistics=Path("yosys_stat.json"),
    )
    report = yosys.run(
        plan, folder, clock_period_ns=config.hls.clock_period_ns, timeout_s=config.time_limits.synthesis_s
    )
    shutil.rmtree(folder / "src")
    return report


def _vendor(context: Context, folder: Path) -> tuple[dict[str, Any], list[SynthesisReport]]:
    config, plan = context.config, _vendor_plan(context)
    # The tool writes into the project, and finished stages stay as they are: it gets a copy.
    project = folder / "hls"
    converted = context.folder.stage("convert") / "hls"
    shutil.copytree(converted, project)
    vendor.write(plan, project)
    shown = f"{folder.name.removesuffix('.unfinished')}/hls"
    flow = {"backend": plan.backend, "project": shown, "command": plan.command}
    if config.synthesis.vendor == "never":
        return {
            **flow,
            "status": "not-asked",
            "message": "the HLS project is ready; the vendor's tool was not asked for",
        }, []
    if config.synthesis.vendor == "auto" and vendor.find_program(plan) is None:
        message = f"{plan.program} was not found on PATH; the HLS project is ready"
        return {**flow, "status": "tool-not-found", "message": message}, []
    try:
        reports = [vendor.build(plan, project, timeout_s=config.time_limits.vendor_s)]
    except ToolMissingError as error:
        # The message tells where to take the project from, and this copy goes with the failed stage.
        raise ToolMissingError(str(error).replace(str(project), str(converted))) from error
    if plan.expected_utilization is not None:
        path = project / plan.expected_utilization
        reports.append(utilization.parse(path, clock_period_ns=config.hls.clock_period_ns))
    return {**flow, "status": "built", "message": f"{plan.program} built the HLS project in {shown}"}, reports

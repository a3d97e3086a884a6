"""The vendor's flow of a run, as configured."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from trigcnn.common.files import copy_tree
from trigcnn.hls.errors import ToolError, ToolMissingError
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.hls.synthesis.vendors import figures, flows, outputs, programs
from trigcnn.hls.synthesis.vendors import run as driver
from trigcnn.hls.synthesis.vendors.plan import CONFIGURE, ToolStep, VendorPlan
from trigcnn.hls.synthesis.vendors.run import StepResult
from trigcnn.hls.synthesis.vendors.vivado import RtlSources
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.context import Context
from trigcnn.pipeline.results.synthesis import VendorFlow, VendorStatus
from trigcnn.pipeline.vendor import collected
from trigcnn.pipeline.vendor.collected import Collected

_PLACE = "synthesize"


@dataclass(frozen=True)
class Outcome:
    """The result of the flow.

    Attributes:
        section: The section `vendor` of the report.
        reports: The figures.
    """

    section: VendorFlow
    reports: list[SynthesisReport]


def plan(config: RunConfig, converted: Path | None) -> VendorPlan:
    """Plan the flow of a run.

    Args:
        config: The configuration.
        converted: Folder of the finished conversion; None to plan before it, without the files of our RTL.
    """
    rtl = None
    if config.synthesis.vendor_rtl != "none":
        rtl = RtlSources("rtl", config.name, "clk", ())
        if converted is not None:
            design = RtlDesign.load(converted)
            files = tuple(path.as_posix() for path in design.verilog)
            rtl = replace(rtl, top=design.top, files=files)
    return flows.plan(
        flows.Flow(
            backend=config.hls.backend,
            top=config.name,
            part=config.hls.part,
            clock_period_ns=config.hls.clock_period_ns,
            steps=tuple(config.synthesis.vendor_steps),
            rtl=rtl,
            rtl_step=None if rtl is None else config.synthesis.vendor_rtl,
            fatal_warnings=tuple(config.synthesis.vendor_fatal_warnings),
        )
    )


def versions(config: RunConfig) -> dict[str, str]:
    """Return what identifies the installed tools without starting them, which may need a licence."""
    return {f"vendor {name}": _identity(path) for name, path in programs.used(plan(config, None)).items()}


def _identity(program: Path | None) -> str:
    if program is None:
        return "missing"
    target = program.resolve()
    return f"{target} of {target.stat().st_mtime_ns}"


def origins(converted: Path) -> dict[str, Path]:
    """Return the folders of the designs that the tools are given."""
    return {"hls": converted / "hls", "rtl": converted / "rtl"}


def run(context: Context, folder: Path, checkpoints: Path) -> Outcome:
    """Run the configured steps whose tools exist.

    Args:
        context: The run.
        folder: The stage's folder, in which the projects are left.
        checkpoints: Folder in which the tools work, so that what they finished is kept if another fails.

    Raises:
        ToolMissingError: A required tool is missing.
        ToolFailedError: One failed.
    """
    config, converted = context.config, context.folder.stage("convert")
    planned = plan(config, converted)
    if (elsewhere := collected.read(context.folder)) is not None:
        if elsewhere.matches(planned, inputs(planned, converted)):
            return _collected(context, planned, folder, elsewhere)
        context.console.line("  the results that were collected are of another design, and are not used")
    if config.synthesis.vendor == "never":
        return _left_ready(
            planned, converted, folder, "not-asked", "the HLS project is ready; the vendor's tool was not requested"
        )
    dropped = impossible(planned) if config.synthesis.vendor == "auto" else {}
    runnable = planned.only(lambda step: all(step not in steps for steps in dropped.values()))
    if not runnable.steps:
        message = f"{' and '.join(dropped)} was not found on PATH; the HLS project is ready"
        return _left_ready(planned, converted, folder, "tool-not-found", message)
    results = _run(context, runnable, converted, folder, checkpoints)
    reports = figures.read(runnable, folder, driver.versions(results))
    _copy(planned, converted, folder)
    missing = [
        f"{name} was not found on PATH, so there is no {', '.join(step.title for step in steps)}"
        for name, steps in dropped.items()
    ]
    return Outcome(_section(planned, "built", "; ".join((_ran(results), *missing)), results), reports)


def impossible(planned: VendorPlan) -> dict[str, tuple[ToolStep, ...]]:
    """Return the steps of each design from the first on whose program is not on PATH, by its name."""
    found: dict[str, tuple[ToolStep, ...]] = {}
    for design in planned.designs:
        steps = [step for step in planned.steps if step.design == design]
        for number, step in enumerate(steps):
            if (name := programs.missing(step)) is not None:
                found[name] = found.get(name, ()) + tuple(steps[number:])
                break
    return found


def inputs(planned: VendorPlan, converted: Path) -> dict[str, str]:
    """Return SHA-256 of the files that the tools are given, by path; as `run.prepare` does."""
    return {
        f"{design}/{name}": sha
        for design in planned.designs
        for name, sha in driver.inputs(origins(converted)[design], planned.written(design)).items()
    }


def _collected(context: Context, planned: VendorPlan, folder: Path, elsewhere: Collected) -> Outcome:
    converted = context.folder.stage("convert")
    _copy(planned, converted, folder)
    for design in planned.designs:
        copy_tree(context.folder.path / collected.FOLDER / design, folder / design, onto=True)
    for step in planned.steps:
        # The gate may be another than when they were collected.
        project = origins(converted)[step.design]
        outputs.check(step, folder / step.design, project, exact=context.config.gates.exact)
    reports = figures.read(planned, folder, driver.versions(elsewhere.results))
    message = f"collected from {elsewhere.source}, run on {', '.join(elsewhere.hosts)}: {_ran(elsewhere.results)}"
    return Outcome(_section(planned, "collected", message, elsewhere.results), reports)


def _run(
    context: Context, planned: VendorPlan, converted: Path, folder: Path, checkpoints: Path
) -> tuple[StepResult, ...]:
    """Run the tools in the checkpoints' folder, and move their projects into the stage."""
    sources = driver.prepare(planned, origins(converted), checkpoints)
    try:
        with context.console.task("vendor flow") as task:
            results = driver.run(
                planned,
                checkpoints,
                sources,
                timeout_s=context.config.time_limits.vendor_s,
                exact=context.config.gates.exact,
                progress=task.update,
            )
    except ToolMissingError as error:
        raise ToolMissingError(f"{error}, or run it on a computer that has the tool, with --plan-only") from error
    except ToolError as error:
        # They are kept with the logs of other tools.
        for step in planned.steps:
            simulated = [each.path for each in step.leaves if each.reader == "outputs"]
            for name in (step.log, *simulated):
                kept = folder / step.design / name
                if (checkpoints / step.design / name).is_file():
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(checkpoints / step.design / name, kept)
        raise type(error)(str(error).replace(str(checkpoints), str(folder))) from error
    for design in planned.designs:
        (checkpoints / design).rename(folder / design)
    return results


def _left_ready(planned: VendorPlan, converted: Path, folder: Path, status: VendorStatus, message: str) -> Outcome:
    """Prepare the projects so that the first tool can be started in each."""
    _copy(planned, converted, folder)
    return Outcome(_section(planned, status, message, ()), [])


def _copy(planned: VendorPlan, converted: Path, folder: Path) -> None:
    """Copy the designs that no tool has worked on; tools write into them, and finished stages stay as they are.

    The files that several steps write are left as C synthesis wants them, which is what the report says how to start.
    """
    for design in planned.designs:
        if not (folder / design).exists():
            copy_tree(origins(converted)[design], folder / design)
            for step in planned.steps:
                if step.design == design:
                    driver.write_files(step, folder / design)
    for step in _building(planned):
        driver.write_files(step, folder / step.design)


def _building(planned: VendorPlan) -> tuple[ToolStep, ...]:
    """Return C synthesis, and what has to be done before it; where it is no step of its own, the first that does it."""
    last = next((step for step in planned.steps if step.name == "csynth"), planned.steps[0])
    return tuple(step for step in planned.steps if step is last or (step.name, step.design) == (CONFIGURE, last.design))


def build_command(planned: VendorPlan) -> str:
    """Return the command that builds the HLS project in its folder, for a shell."""
    return " && ".join(step.commands[0].line for step in _building(planned))


def _section(planned: VendorPlan, status: VendorStatus, message: str, results: Sequence[StepResult]) -> VendorFlow:
    done = {(result.folder, result.name): result for result in results}
    steps = [done.get((step.design, step.title)) or StepResult.planned(step) for step in planned.steps]
    return VendorFlow(
        backend=planned.backend,
        project=f"{_PLACE}/{planned.steps[0].design}",
        command=build_command(planned),
        status=status,
        message=message,
        steps=[step.inside(_PLACE) for step in steps],
    )


def _ran(results: Sequence[StepResult]) -> str:
    """Return which tool did what, in words."""
    by_tool: dict[str, list[str]] = {}
    for result in results:
        by_tool.setdefault(f"{result.tool} {result.version}", []).append(result.name)
    return "; ".join(f"{name} did {', '.join(titles)}" for name, titles in by_tool.items())

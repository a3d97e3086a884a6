"""Vitis HLS and Vivado HLS on the project that hls4ml wrote: plan the run, run it, read its report."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hls import tool
from hls.errors import ConversionError, ToolFailedError
from hls.synthesis.report import SynthesisReport
from hls.synthesis.reports import csynth

Backend = Literal["Vitis", "Vivado"]

_MENDS: dict[Backend, str] = {
    # 2022.2 has no vitis-run: hls4ml#1463.
    "Vitis": "install Vitis 2023.1 or newer and source its settings64.sh",
    "Vivado": "install Vivado 2020.1 or older with Vivado HLS and source its settings64.sh",
}
_UTILIZATION = Path("vivado_synth.rpt")
_ERROR_LINES = 10


@dataclass(frozen=True)
class VendorPlan:
    """One run of a vendor's tool in an HLS project, before anything is run.

    All paths are relative to the project's folder, which is also where the program runs.

    Attributes:
        backend: hls4ml's name of the tool.
        program: File name of the program.
        arguments: Its arguments.
        files: Text of the files to write before the run, by name.
        expected_report: The C synthesis report that a run leaves.
        expected_utilization: Vivado's report of the logic synthesis, for `utilization.parse`; None without
            `vsynth`.
        log: File that receives the program's output.
    """

    backend: Backend
    program: str
    arguments: tuple[str, ...]
    files: dict[str, str]
    expected_report: Path
    expected_utilization: Path | None
    log: str

    @property
    def command(self) -> str:
        """The run as a line for a shell, in the project's folder and after `write`."""
        return shlex.join((self.program, *self.arguments))


def plan(
    backend: Backend, project_name: str, *, csim: bool = False, cosim: bool = False, vsynth: bool = False
) -> VendorPlan:
    """Plan C synthesis, from an empty solution, and what else is asked for.

    Args:
        backend: The tool that hls4ml wrote the project for.
        project_name: hls4ml's `ProjectName`; also the name of the top function.
        csim: Compile and run hls4ml's test bench first.
        cosim: Simulate the RTL with the test bench; with `csim`, the outputs of both must be equal.
        vsynth: Run Vivado's logic synthesis on the RTL.
    """
    # In this order: the Tcl of the Vivado backend takes the first `synth=` it finds, and `vsynth=` holds one.
    switches = {
        "reset": True,
        "csim": csim,
        "synth": True,
        "cosim": cosim,
        "validation": csim and cosim,
        "export": False,
        "vsynth": vsynth,
        "fifo_opt": False,
    }
    files: dict[str, str] = {}
    match backend:
        case "Vitis":
            program = "vitis-run"
            arguments: tuple[str, ...] = ("--tcl", "build_prj.tcl", "--mode", "hls")
            lines = "".join(f"    {name:<10} {value:d}\n" for name, value in switches.items())
            files["build_opt.tcl"] = f"array set opt {{\n{lines}}}\n"
        case "Vivado":
            program = "vivado_hls"
            arguments = (
                "-f",
                "build_prj.tcl",
                " ".join(f"{name}={value:d}" for name, value in switches.items()),
            )
    return VendorPlan(
        backend=backend,
        program=program,
        arguments=arguments,
        files=files,
        expected_report=Path(f"{project_name}_prj/solution1/syn/report/{project_name}_csynth.xml"),
        expected_utilization=_UTILIZATION if vsynth else None,
        # Not vivado_hls.log: the tools keep logs of such names themselves, in the same folder.
        log="build.log",
    )


def find_program(plan: VendorPlan) -> Path | None:
    """Give the plan's program on PATH, or None."""
    found = shutil.which(plan.program)
    return None if found is None else Path(found)


def write(plan: VendorPlan, project: Path) -> None:
    """Write the plan's files into the project, so that `plan.command` does there what `build` does.

    Raises:
        ConversionError: The folder holds no HLS project.
    """
    if not (project / "build_prj.tcl").is_file():
        raise ConversionError(f"{project} is no HLS project: build_prj.tcl is missing; convert the model first")
    for name, text in plan.files.items():
        (project / name).write_text(text, encoding="utf-8")


def build(plan: VendorPlan, project: Path, *, timeout_s: float) -> SynthesisReport:
    """Run the plan in a project that hls4ml wrote.

    Reports of earlier runs are removed first, so that a failed run leaves none to be mistaken for its own.

    Args:
        plan: What to run.
        project: hls4ml's output folder.
        timeout_s: Time limit in seconds.

    Returns:
        The C synthesis report.

    Raises:
        ConversionError: The folder holds no HLS project.
        ToolMissingError: The program is not on PATH.
        ToolFailedError: The program failed, printed an error, or left no whole report.
    """
    write(plan, project)
    elsewhere = f"or take {project} to a computer that has it and run there: {plan.command}"
    program = tool.find(plan.program, f"{_MENDS[plan.backend]}, {elsewhere}")
    for stale in (plan.expected_report, _UTILIZATION):
        (project / stale).unlink(missing_ok=True)
    log = project / plan.log
    log.write_bytes(b"")
    # The file system's own clock: it may differ from this computer's.
    started_ns = log.stat().st_mtime_ns
    tool.run([program, *plan.arguments], cwd=project, log=log, timeout_s=timeout_s)
    _check_log(plan, log)
    for report in (plan.expected_report, plan.expected_utilization):
        if report is not None:
            _check_fresh(plan, project / report, started_ns, log)
    return csynth.parse(project / plan.expected_report)


def _check_log(plan: VendorPlan, log: Path) -> None:
    """Tcl that catches an error, and Vivado started from it, print `ERROR:` and still end with status 0."""
    errors = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("ERROR:")]
    if errors:
        shown = "".join(f"\n  | {line}" for line in errors[:_ERROR_LINES])
        raise ToolFailedError(f"{plan.program} gave exit status 0 but printed errors; from its log {log}:{shown}")


def _check_fresh(plan: VendorPlan, report: Path, started_ns: int, log: Path) -> None:
    if not report.is_file():
        raise ToolFailedError(f"{plan.program} succeeded without a report: {report} is missing; look into {log}")
    if report.stat().st_mtime_ns < started_ns:
        raise ToolFailedError(
            f"{plan.program} succeeded without a new report: {report} is older than the run; look into {log}"
        )

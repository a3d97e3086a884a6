"""The figures in what a plan's steps left."""

from __future__ import annotations

from pathlib import Path

from hls.synthesis.report import SynthesisReport
from hls.synthesis.reports import csynth, utilization
from hls.synthesis.vendors.plan import ExpectedFile, ToolStep, VendorPlan


def read(plan: VendorPlan, root: Path) -> list[SynthesisReport]:
    """Read what the steps of a plan left.

    Args:
        plan: The plan; it was run.
        root: Folder with the designs.

    Raises:
        ToolFailedError: A report is cut off, or not what it should be.
    """
    return [report for step in plan.steps for report in read_step(plan, step, root)]


def read_step(plan: VendorPlan, step: ToolStep, root: Path) -> list[SynthesisReport]:
    """Read what one step left; see `read`."""
    found = [_read(plan, step, expected, root / step.design) for expected in step.leaves]
    return [report for report in found if report is not None]


def _read(plan: VendorPlan, step: ToolStep, expected: ExpectedFile, folder: Path) -> SynthesisReport | None:
    path = folder / expected.path
    match expected.reader:
        case "csynth":
            return csynth.parse(path)
        case "utilization":
            return utilization.parse(path, clock_period_ns=plan.clock_period_ns, design=step.design)
        case _:
            return None

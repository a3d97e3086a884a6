"""The figures in the reports of a plan's steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import INSTANCE, LayerResources, SynthesisReport
from trigcnn.hls.synthesis.reports import catapult, cosim, csynth, libero, oneapi, quartus, timing_summary, utilization
from trigcnn.hls.synthesis.vendors.plan import ExpectedFile, ToolStep, VendorPlan


def read(plan: VendorPlan, root: Path, versions: Mapping[tuple[str, str], str]) -> list[SynthesisReport]:
    """Read the reports of the steps of a plan.

    Args:
        plan: The plan; it was run.
        root: Folder with the designs.
        versions: Version of the tool of each step, by design and title; for reports that do not hold it.

    Raises:
        ToolFailedError: A report is truncated, of another kind, or reports a failure.
    """
    return [
        report
        for step in plan.steps
        for report in read_step(plan, step, root, versions.get((step.design, step.title), ""))
    ]


def read_step(plan: VendorPlan, step: ToolStep, root: Path, version: str) -> list[SynthesisReport]:
    """Read the reports of one step; see `read`."""
    folder = root / step.design
    found = [
        replace(report, version=report.version or version)
        for expected in step.leaves
        for report in _read(plan, expected, folder)
    ]
    parts = {str(expected.reader): folder / expected.path for expected in step.leaves}
    return found if "utilization" not in parts else [*found, _vivado(plan, step, parts)]


def _read(plan: VendorPlan, expected: ExpectedFile, folder: Path) -> list[SynthesisReport]:
    path, period = folder / expected.path, plan.clock_period_ns
    match expected.reader:
        case "csynth":
            return [csynth.parse(path)]
        case "cosim":
            return [cosim.parse(path, part=plan.part, clock_period_ns=period)]
        case "quartus":
            return [quartus.parse(path.parent, part=plan.part, clock_period_ns=period)]
        case "quartus-cosim":
            return [quartus.parse_simulation(path.parent, part=plan.part, clock_period_ns=period)]
        case "quartus-fit":
            return [_fitted(path, quartus.parse_fit(path.parent, part=plan.part, clock_period_ns=period))]
        case "oneapi":
            return [oneapi.parse(path.parent, part=plan.part, clock_period_ns=period)]
        case "oneapi-fit":
            return [_fitted(path, oneapi.parse_fit(path.parent, part=plan.part, clock_period_ns=period))]
        case "catapult":
            return [catapult.parse(path, part=plan.part)]
        case "libero":
            return list(libero.parse(path, clock_period_ns=period))
        case _:
            return []


def _fitted(path: Path, report: SynthesisReport | None) -> SynthesisReport:
    if report is None:
        raise ToolFailedError(f"{path} has no figures of Quartus, which should have placed and routed the design")
    return report


def _vivado(plan: VendorPlan, step: ToolStep, parts: Mapping[str, Path]) -> SynthesisReport:
    """Merge Vivado's reports on one netlist: resources, layers, timing."""
    period = plan.clock_period_ns
    report = utilization.parse(parts["utilization"], clock_period_ns=period, design=step.design)
    if "layers" in parts:
        layers = utilization.parse(parts["layers"], clock_period_ns=period, design=step.design).layers
        report = replace(report, layers=layers and tuple(_layer(layer, step) for layer in layers))
    timing = timing_summary.parse(parts["timing"], clock_period_ns=period, design=step.design)
    return replace(
        report,
        estimated_clock_period_ns=timing.estimated_clock_period_ns,
        hold_slack_ns=timing.hold_slack_ns,
        total_negative_slack_ns=timing.total_negative_slack_ns,
        failing_endpoints=timing.failing_endpoints,
        critical_path=timing.critical_path,
    )


def _layer(layer: LayerResources, step: ToolStep) -> LayerResources:
    return replace(layer, name=layer.name.removesuffix(INSTANCE)) if step.design == "rtl" else layer

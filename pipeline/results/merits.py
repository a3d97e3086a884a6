"""The figures by which a run is judged, compared with other runs, and checked against its budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trigcnn.pipeline.results.evidence import Design, share, standing_for, strongest
from trigcnn.pipeline.results.merit import RESOURCES, Merit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trigcnn.hls.synthesis.report import SynthesisReport
    from trigcnn.pipeline.results.quality import ByModel, HeadQuality, Quality
    from trigcnn.pipeline.results.report import Report

# Figures of an output that are shares, the more the better; of others less is better.
_SHARES = ("accuracy", "intersection_over_union", "explained_variance")


def merits(report: Report, design: Design | None = None) -> list[Merit]:
    """Return the figures of a run: quality, latency and resources.

    Args:
        report: The run.
        design: Use times and resources of this design only; default: of the Verilog if there is one.
    """
    return [*of_quality(report), *_times(report, design), *_clock(report, design), *_resources(report, design)]


def of_quality(report: Report | Quality) -> Iterator[Merit]:
    """Return the quality of a network, by the C simulation."""
    for entry in report.signal_efficiencies:
        if entry.signal:
            label = f"Efficiency for {entry.name} at {entry.background_efficiency:.4g} of the background"
            yield _share(f"efficiency for {entry.name} at {entry.background_efficiency:g}", label, entry.csim)
    if report.accuracy is not None:
        yield _share("accuracy", "Accuracy", report.accuracy.csim)
    if report.target_fit is not None:
        yield _share("explained_variance", "Explained variance", report.target_fit.csim)
    for head in report.heads:
        yield from _of_head(head, report)


def _of_head(entry: HeadQuality, report: Report | Quality) -> Iterator[Merit]:
    """Return the figures of an output that the run's own accuracy and explained variance do not give."""
    alone = len(report.heads) == 1
    for figure in entry.head.figures:
        measured: ByModel | None = getattr(entry, figure)
        given = alone and (report.accuracy if figure == "accuracy" else report.target_fit) is not None
        if measured is None or figure == "mean_squared_error" or (figure in _SHARES and given):
            continue
        words = figure.replace("_", " ").capitalize()
        name, label = (figure, words) if alone else (f"{figure} of {entry.head.name}", f"{words} of {entry.head.name}")
        merit = _share(name, label, measured.csim)
        yield merit if figure in _SHARES else merit.model_copy(update={"better": "less"})


def _share(name: str, label: str, value: float) -> Merit:
    return Merit(
        name=name, label=label, value=value, unit="", better="more", evidence="simulation", source="C simulation"
    )


def _times(report: Report, design: Design | None) -> Iterator[Merit]:
    rtl = report.rtl
    if rtl is not None and design != "hls":
        latency, interval, period = rtl.latency_cycles, rtl.initiation_interval, rtl.clock_period_ns
        evidence, source = rtl.latency_evidence, f"simulated RTL, {rtl.architecture}"
        yield from of_cycles("latency", "Latency", latency, period, evidence, source)
        yield from of_cycles("initiation_interval", "Initiation interval", interval, period, evidence, source)
        return
    for name, label, field in (
        ("latency", "Latency", "latency_cycles_worst"),
        ("initiation_interval", "Initiation interval", "initiation_interval_max"),
    ):
        entry = strongest(
            entry for entry in report.synthesis if entry.design == "hls" and getattr(entry, field) is not None
        )
        if entry is not None:
            cycles: int = getattr(entry, field)
            yield from of_cycles(name, label, cycles, entry.clock_period_ns, entry.evidence, _source(entry))


def of_cycles(name: str, label: str, cycles: int, period: float, evidence: str, source: str) -> Iterator[Merit]:
    """Return a time in clock cycles, and in ns."""
    yield Merit(
        name=f"{name}_cycles" if name == "latency" else name,
        label=f"{label}, cycles",
        value=cycles,
        unit="cycle" if cycles == 1 else "cycles",
        better="less",
        evidence=evidence,
        source=source,
    )
    yield Merit(
        name=f"{name}_ns",
        label=f"{label}, ns",
        value=cycles * period,
        unit="ns",
        better="less",
        evidence=evidence,
        source=f"{source}; {period:g} ns per cycle",
    )


def _clock(report: Report, design: Design | None) -> Iterator[Merit]:
    wanted: Design = design or ("rtl" if report.rtl is not None else "hls")
    entry = standing_for(report, "estimated_clock_period_ns", wanted)
    if entry is not None and entry.estimated_clock_period_ns is not None:
        yield Merit(
            name="clock_period_ns",
            label="Clock period reached, ns",
            value=entry.estimated_clock_period_ns,
            unit="ns",
            better="less",
            evidence=entry.evidence,
            source=_source(entry),
            design=entry.design,
            part=entry.part,
        )


def _resources(report: Report, design: Design | None) -> Iterator[Merit]:
    for name, label in RESOURCES.items():
        entry = standing_for(report, name, design)
        if entry is not None:
            count: int = getattr(entry, name)
            yield Merit(
                name=name,
                label=label,
                value=count,
                unit="",
                better="less",
                evidence=entry.evidence,
                source=_source(entry),
                design=entry.design,
                part=entry.part,
                share=share(count, entry, name),
            )


def _source(entry: SynthesisReport) -> str:
    return f"{entry.tool} {entry.version}, {entry.design} on {entry.part}"

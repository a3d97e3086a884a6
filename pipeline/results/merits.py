"""The figures by which a run is judged, told apart from other runs, and held to its budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from trigcnn.pipeline.results.evidence import Design, share, standing_for, strongest
from trigcnn.pipeline.results.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trigcnn.pipeline.results.quality import Quality
    from trigcnn.pipeline.results.report import Report, Synthesis

# In the order in which they are shown, with their names in tables.
RESOURCES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram": "BRAM (18 Kbit)"}


class Merit(Section):
    """A figure of a run, with its evidence."""

    name: str = Field(description="such as accuracy, efficiency for CLASS at SHARE, latency_ns, lut")
    label: str = Field(description="the same in words")
    value: float
    unit: str = Field(description="ns, cycles; empty for shares and counts")
    better: Literal["more", "less"]
    evidence: str
    source: str = Field(description="what measured it, on which design and part")
    design: str = Field(default="", description="rtl or hls, where a tool measured it")
    part: str = Field(default="", description="the device that a tool measured it for")
    share: float | None = Field(default=None, description="share of what the part has, 0 to 1; null where not known")


def merits(report: Report, design: Design | None = None) -> list[Merit]:
    """Give the figures of a run: how well it does its task, when it answers, what it takes.

    Args:
        report: The run.
        design: Take times and resources of this design only; default: of the Verilog where there is one.
    """
    return [*of_quality(report), *_times(report, design), *_clock(report, design), *_resources(report, design)]


def of_quality(report: Report | Quality) -> Iterator[Merit]:
    """Give how well a network does its task, by the C simulation."""
    for entry in report.signal_efficiencies:
        if entry.signal:
            label = f"Efficiency for {entry.name} at {entry.background_efficiency:.4g} of the background"
            yield _share(f"efficiency for {entry.name} at {entry.background_efficiency:g}", label, entry.csim)
    if report.accuracy is not None:
        yield _share("accuracy", "Accuracy", report.accuracy.csim)
    if report.target_fit is not None:
        yield _share("explained_variance", "Explained variance", report.target_fit.csim)


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
    """Give a time in clock cycles, and in ns."""
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


def _source(entry: Synthesis) -> str:
    return f"{entry.tool} {entry.version}, {entry.design} on {entry.part}"


def shown(merit: Merit) -> str:
    """Write a figure with its unit.

    >>> shown(Merit(name="lut", label="LUT", value=5371, unit="", better="less", evidence="", source="", share=0.0031))
    '5,371 (0.31%)'
    >>> shown(Merit(name="accuracy", label="Accuracy", value=0.98, unit="", better="more", evidence="", source=""))
    '98.00%'
    """
    if merit.better == "more":
        return f"{merit.value:.2%}"
    part = "" if merit.share is None else f" ({merit.share:.2%})"
    return f"{merit.value:,.10g}{f' {merit.unit}' if merit.unit else ''}{part}"


def difference_in_kind(before: Merit, after: Merit) -> str | None:
    """Say why two values of a figure do not compare; None where they do.

    >>> figure = Merit(name="lut", label="LUT", value=5000, unit="", better="less", evidence="estimate", source="")
    >>> difference_in_kind(figure, figure.model_copy(update={"evidence": "open-synthesis"}))
    'of other evidence before: estimate'
    """
    for what, old, new in (
        ("evidence", before.evidence, after.evidence),
        ("design", before.design, after.design),
        ("part", before.part, after.part),
    ):
        if old != new:
            return f"of {'another' if what != 'evidence' else 'other'} {what} before: {old or 'none'}"
    return None


def change(before: Merit, after: Merit) -> str:
    """Say by how much a figure changed: shares in percentage points, all else in itself and in percent.

    >>> figure = Merit(name="lut", label="LUT", value=5000, unit="", better="less", evidence="", source="")
    >>> change(figure, figure.model_copy(update={"value": 5371})), change(figure, figure)
    ('+371 (+7.4%)', 'none')
    """
    other = difference_in_kind(before, after)
    if other is not None:
        return other
    difference = after.value - before.value
    if difference == 0:
        return "none"
    if after.better == "more":
        return f"{100 * difference:+.2f} points"
    relative = f" ({difference / before.value:+.1%})" if before.value else ""
    return f"{difference:+,.10g}{f' {after.unit}' if after.unit else ''}{relative}"

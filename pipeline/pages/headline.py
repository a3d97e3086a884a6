"""The first lines of a report: one sentence and a few figures, each with its evidence."""

from __future__ import annotations

from typing import NamedTuple

from trigcnn.pipeline.pages import quality, timing
from trigcnn.pipeline.results.evidence import share, standing_for, strongest
from trigcnn.pipeline.results.report import Report


class Card(NamedTuple):
    """A headline figure. A value of None means that nothing measured it."""

    label: str
    value: float | str | None
    unit: str
    note: str
    evidence: str | None


def cards(report: Report) -> list[Card]:
    """Choose the headline figures."""
    return [
        *_quality(report),
        _equality(report, "csim", "C simulation"),
        _equality(report, "rtl", "RTL"),
        *_timing(report),
        *_clock(report),
        _lut(report),
    ]


def sentence(report: Report) -> str:
    """Sum up a run in one sentence."""
    gates, compared = len(report.gates), len(report.comparisons)
    missed = [gate.name for gate in report.gates if not gate.met]
    differing = sum(entry.differing_outputs > 0 for entry in report.comparisons)
    if missed:
        parts = [f"{len(missed)} of {gates} gates missed ({', '.join(missed)})"]
    else:
        parts = [f"{gates} of {gates} gates met" if gates else "no gate set"]
    if differing:
        parts.append(f"{differing} of {compared} engine comparisons not bit-exact")
    elif compared:
        parts.append(f"{compared} of {compared} engine comparisons bit-exact")
    if report.rtl is not None:
        parts.append(f"latency {report.rtl.latency_cycles:,} cycles ({report.rtl.latency_ns:,.5g} ns)")
    text = ", ".join(parts)
    return text[0].upper() + text[1:] + "."


def _quality(report: Report) -> list[Card]:
    """Return the card of quality: efficiencies first, by which a trigger is judged."""
    accuracy, fit = report.accuracy, report.target_fit
    cards = [
        Card(
            f"Efficiency, {entry.name}",
            f"{entry.csim:.2%}",
            "",
            f"at {entry.background_efficiency:.4g} of the background, float twin {entry.float:.2%}",
            "simulation",
        )
        for entry in report.signal_efficiencies
        if entry.signal
    ]
    if accuracy is not None:
        note = f"float twin {accuracy.float:.2%}, {accuracy.events:,} events"
        cards.append(Card("Accuracy, quantized", f"{accuracy.quantized:.2%}", "", note, "evaluation"))
    if fit is not None:
        note = f"of the targets' variance, float twin {fit.float:.2%}"
        cards.append(Card("Explained, quantized", f"{fit.quantized:.2%}", "", note, "evaluation"))
    if not cards and report.heads:
        cards = [card for row in quality.rows(report) for card in _of_output(row)]
    return cards or [Card("Accuracy, quantized", None, "", "nothing is known of the outputs", None)]


def _of_output(row: quality.Row) -> list[Card]:
    """Return the card of the figure by which an output is judged first."""
    if row.figure not in ("accuracy", "explained variance"):
        return []
    label = f"{row.figure.capitalize()}, {row.output}"
    return [Card(label, f"{row.values.quantized:.2%}", "", f"float twin {row.values.float:.2%}", "evaluation")]


def _equality(report: Report, engine: str, label: str) -> Card:
    entries = [entry for entry in report.comparisons if entry.engine.lower().startswith(engine)]
    label = f"Differing outputs, {label}"
    if not entries:
        return Card(label, None, "", "not compared", None)
    worst = max(entries, key=lambda entry: entry.differing_outputs)
    note = f"of {worst.outputs:,}, against {worst.reference}"
    return Card(label, worst.differing_outputs, "", note, "simulation")


def _timing(report: Report) -> list[Card]:
    rtl = report.rtl
    measured = strongest(entry for entry in report.synthesis if entry.latency_cycles_worst is not None)
    if rtl is not None:
        period, evidence = rtl.clock_period_ns, rtl.latency_evidence
        return [
            _cycles("Latency", rtl.latency_cycles, period, evidence),
            _cycles("Initiation interval", rtl.initiation_interval, period, evidence),
        ]
    if measured is not None:
        return [
            _cycles("Latency", measured.latency_cycles_worst, measured.clock_period_ns, measured.evidence),
            _cycles(
                "Initiation interval", measured.initiation_interval_max, measured.clock_period_ns, measured.evidence
            ),
        ]
    return [Card(label, None, "", "not measured", None) for label in ("Latency", "Initiation interval")]


def _clock(report: Report) -> list[Card]:
    """Return the card of the clock of the RTL, if it was placed or estimated."""
    known = ("open-place-and-route", "estimate")
    entries = [entry for entry in report.synthesis if entry.design == "rtl" and entry.evidence in known]
    return [
        Card(
            "Clock",
            f"{mhz:.1f}",
            "MHz",
            f"{entry.part}; {entry.clock_period_ns:g} ns {timing.slack(entry)}",
            entry.evidence,
        )
        for entry in entries
        if (mhz := timing.frequency_mhz(entry)) is not None
    ]


def _cycles(label: str, cycles: int | None, period: float, evidence: str) -> Card:
    if cycles is None:
        return Card(label, None, "", "not measured", None)
    unit = "cycle" if cycles == 1 else "cycles"
    return Card(label, cycles, unit, f"{cycles * period:,.5g} ns at {period:g} ns per cycle", evidence)


def _lut(report: Report) -> Card:
    entry = standing_for(report, "lut")
    if entry is not None and entry.lut is not None:
        part = share(entry.lut, entry, "lut")
        note = entry.part if part is None else f"{part:.2%} of {entry.part}"
        return Card("LUTs", entry.lut, "", note, entry.evidence)
    if report.rtl is not None:
        return Card("LUTs", report.rtl.estimated_lut, "", "cost model", "estimate")
    return Card("LUTs", None, "", "not synthesized", None)

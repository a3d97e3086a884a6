"""The first lines of a report: one sentence and a few figures, each with its evidence."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.reporting import timing
from pipeline.reporting.report import Report, Synthesis

# From the weakest to the strongest.
EVIDENCE = {
    "evaluation": "The trained model, run by Keras or QKeras on the test events.",
    "simulation": "The design was run: the C++ project as a program, the Verilog clock by clock.",
    "estimate": (
        "LUTs: the adder-graph cost model of alkaid; no synthesis tool has seen the design. Clock: delays of the "
        "synthesized cells and an assumed delay for each wire; nothing is placed."
    ),
    "open-synthesis": (
        "Yosys: logic mapped to the part's primitives, before place and route. It gives no timing, and the "
        "counts will move when the design is placed."
    ),
    "open-place-and-route": (
        "nextpnr: placed and routed for a part with an open flow. Neither its counts nor its clock carry "
        "over to another maker's part."
    ),
    "vendor-csynth": "The estimate of the vendor's HLS compiler, before logic synthesis.",
    "vendor-synthesis": "The vendor's logic synthesis, before place and route.",
    "vendor-implementation": "The vendor's place and route: the netlist that goes into the part.",
}


class Card(NamedTuple):
    """A headline figure. A value of None means that nothing measured it."""

    label: str
    value: float | str | None
    unit: str
    note: str
    evidence: str | None


def same_part(first: str, second: str) -> bool:
    """Whether two names mean the same device, with or without package and speed grade.

    >>> same_part("xcvu13p", "xcvu13p-flga2577-2-e")
    True
    """
    first, second = first.lower(), second.lower()
    return first.startswith(second) or second.startswith(first)


def share(count: float | None, entry: Synthesis, report: Report, resource: str) -> float | None:
    """Share of a resource of the part, 0 to 1; None where its total is unknown."""
    known = (report.part, None if report.place_and_route is None else report.place_and_route.totals)
    totals = next((part for part in known if part is not None and same_part(entry.part, part.part)), None)
    if count is None or totals is None:
        return None
    total: int = getattr(totals, resource)
    return count / total if total else None


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
    """Efficiencies of a trigger first, since it is judged by them."""
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
    return cards or [Card("Accuracy, quantized", None, "", "several outputs", None)]


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
    measured = [entry for entry in report.synthesis if entry.latency_cycles_worst is not None]
    if rtl is not None:
        period, evidence = rtl.clock_period_ns, rtl.latency_evidence
        return [
            _cycles("Latency", rtl.latency_cycles, period, evidence),
            _cycles("Initiation interval", rtl.initiation_interval, period, evidence),
        ]
    if measured:
        entry = _best(measured)
        return [
            _cycles("Latency", entry.latency_cycles_worst, entry.clock_period_ns, entry.evidence),
            _cycles("Initiation interval", entry.initiation_interval_max, entry.clock_period_ns, entry.evidence),
        ]
    return [Card(label, None, "", "not measured", None) for label in ("Latency", "Initiation interval")]


def _clock(report: Report) -> list[Card]:
    """The clock of the RTL, where it was placed or estimated."""
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


def _best(entries: list[Synthesis]) -> Synthesis:
    """The entry with the strongest evidence."""
    return max(entries, key=lambda entry: list(EVIDENCE).index(entry.evidence))


def _lut(report: Report) -> Card:
    known = [entry for entry in report.synthesis if entry.lut is not None]
    configured = [entry for entry in known if report.part is not None and same_part(entry.part, report.part.part)]
    # Open place and route is for parts of another maker, whose LUTs are others.
    of_family = [entry for entry in known if entry.evidence != "open-place-and-route"]
    # The generated Verilog first: it is what the latency beside it is of.
    for candidates in (configured, of_family, known):
        for design in ("rtl", "hls"):
            of_design = [entry for entry in candidates if entry.design == design]
            if of_design:
                entry = _best(of_design)
                part = share(entry.lut, entry, report, "lut")
                note = entry.part if part is None else f"{part:.2%} of {entry.part}"
                return Card("LUTs", entry.lut, "", note, entry.evidence)
    if report.rtl is not None:
        return Card("LUTs", report.rtl.estimated_lut, "", "cost model", "estimate")
    return Card("LUTs", None, "", "not synthesized", None)

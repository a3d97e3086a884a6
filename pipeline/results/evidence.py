"""Evidence: its kinds, from the weakest to the strongest, and which figures of a report compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from trigcnn.hls import parts

if TYPE_CHECKING:
    from trigcnn.hls.parts import Part
    from trigcnn.hls.synthesis.report import SynthesisReport
    from trigcnn.pipeline.results.report import Report

Design = Literal["rtl", "hls"]

# From the weakest to the strongest.
EVIDENCE = {
    "evaluation": "The trained model, run by Keras or QKeras on the test events.",
    "simulation": "The design was run: the C++ project as a program, the Verilog clock by clock.",
    "estimate": (
        "LUTs: the adder-graph cost model of alkaid; no synthesis tool has seen the design. Clock: delays of the "
        "synthesized cells and an assumed delay for each wire; nothing is placed. Cycles of the HLS project: the "
        "loops of hls4ml's templates."
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
    "vendor-cosim": "The vendor's co-simulation: the RTL of its HLS compiler, run clock by clock on the test bench.",
    "vendor-synthesis": "The vendor's logic synthesis, before place and route.",
    "vendor-implementation": "The vendor's place and route: the netlist that goes into the part.",
}


def same_part(first: str, second: str) -> bool:
    """Return whether two names mean the same device, with or without package and speed grade.

    >>> same_part("xcvu13p", "xcvu13p-flga2577-2-e")
    True
    """
    first, second = first.lower(), second.lower()
    return first.startswith(second) or second.startswith(first)


def totals_of(entry: SynthesisReport) -> Part | None:
    """Return the resources of the part of a tool's report; None if they are not known."""
    return parts.totals(entry.part)


def share(count: float | None, entry: SynthesisReport, resource: str) -> float | None:
    """Return the share of a resource of the part, 0 to 1; None if its total is unknown."""
    totals = totals_of(entry)
    if count is None or totals is None:
        return None
    total: int = getattr(totals, resource)
    return count / total if total else None


def strongest(entries: Iterable[SynthesisReport]) -> SynthesisReport | None:
    """The entry with the strongest evidence; of equals the first."""
    return max(entries, key=lambda entry: list(EVIDENCE).index(entry.evidence), default=None)


def standing_for(report: Report, resource: str, design: Design | None = None) -> SynthesisReport | None:
    """Return the tool's report whose count of a resource represents the whole run.

    The configured part comes first, then parts of its maker, since other makers have other blocks. Of these the
    generated Verilog comes before the HLS project, since the latency beside it is of the Verilog. The strongest
    evidence decides among the rest.

    Args:
        report: The run.
        resource: Name of the field, such as `lut`.
        design: Take only counts of this design.
    """
    known = [entry for entry in report.synthesis if getattr(entry, resource) is not None]
    for entries in _by_part(known, report):
        for wanted in ("rtl", "hls") if design is None else (design,):
            found = strongest(entry for entry in entries if entry.design == wanted)
            if found is not None:
                return found
    return None


def _by_part(known: list[SynthesisReport], report: Report) -> Iterator[list[SynthesisReport]]:
    yield [entry for entry in known if report.part is not None and same_part(entry.part, report.part.part)]
    yield [entry for entry in known if entry.evidence != "open-place-and-route"]
    yield known

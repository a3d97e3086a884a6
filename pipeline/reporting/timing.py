"""What place and route says of the clock, for the pages."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from pipeline.reporting.report import PathStep, Report, Synthesis


class Stretch(NamedTuple):
    """A part of the critical path within one layer.

    Attributes:
        layer: Its name; None between layers, or where cells do not tell.
        start: Where it begins.
        end: Where it ends.
        logic_ns: Delay of cells in ns.
        routing_ns: Delay of wires in ns; a wire belongs to the layer that it comes from.
    """

    layer: str | None
    start: str
    end: str
    logic_ns: float
    routing_ns: float


def placed(report: Report) -> list[Synthesis]:
    """Give the entries with a critical path."""
    return [entry for entry in report.synthesis if entry.critical_path]


def stretches(path: list[PathStep]) -> list[Stretch]:
    """Cut a critical path where it goes from layer to layer."""
    found = []
    for layer, group in groupby(path, key=lambda step: step.layer):
        steps = list(group)
        routing = sum(step.delay_ns for step in steps if step.kind == "routing")
        logic = sum(step.delay_ns for step in steps if step.kind != "routing")
        found.append(Stretch(layer, steps[0].start, steps[-1].end, logic, routing))
    return found


def frequency_mhz(entry: Synthesis) -> float | None:
    """Give the frequency that a tool says can be reached, in MHz."""
    period = entry.estimated_clock_period_ns
    return None if period is None else 1000 / period


def slack(entry: Synthesis) -> str | None:
    """Say whether the clock period is met, and by how much."""
    period = entry.estimated_clock_period_ns
    if period is None:
        return None
    left = entry.clock_period_ns - period
    return f"met, {left:.2f} ns to spare" if left >= 0 else f"missed by {-left:.2f} ns"

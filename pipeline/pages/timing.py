"""Timing from place and route, for the pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from trigcnn.hls.synthesis.report import PathStep, SynthesisReport
from trigcnn.pipeline.results.report import Report

# Suffixes that Yosys appends to a signal's name, once or several times, to name the cells around it.
_CELLS = re.compile(r"_(?:TRELLIS_FF|LUT4|CCU2C|PFUMX|L6MUX21|MULT18X18D|DP16KD|TRELLIS_DPR16X4)_")


class Stretch(NamedTuple):
    """A part of the critical path within one layer.

    Attributes:
        layer: Its name; None between layers, or where cells do not tell.
        start: The signal at which it begins.
        end: The signal at which it ends.
        logic_ns: Delay of cells in ns.
        routing_ns: Delay of wires in ns; a wire belongs to the layer that it comes from.
    """

    layer: str | None
    start: str
    end: str
    logic_ns: float
    routing_ns: float


def placed(report: Report) -> list[SynthesisReport]:
    """Return the entries with a critical path."""
    return [entry for entry in report.synthesis if entry.critical_path]


def stretches(path: Sequence[PathStep]) -> list[Stretch]:
    """Split a critical path where it changes between layers."""
    found = []
    for layer, group in groupby(path, key=lambda step: step.layer):
        steps = list(group)
        routing = sum(step.delay_ns for step in steps if step.kind == "routing")
        logic = sum(step.delay_ns for step in steps if step.kind != "routing")
        found.append(Stretch(layer, _signal(steps[0].start), _signal(steps[-1].end), logic, routing))
    return found


def _signal(pin: str) -> str:
    """Return the signal of the Verilog after which Yosys named a cell.

    >>> _signal("conv1_unit.sum_TRELLIS_FF_Q_2_DI_CCU2C_S0$CCU2_COMB1.B"), _signal("core.sum.Q")
    ('conv1_unit.sum', 'core.sum.Q')
    """
    return _CELLS.split(pin, maxsplit=1)[0]


def frequency_mhz(entry: SynthesisReport) -> float | None:
    """Return the frequency that the design reaches according to a tool, in MHz."""
    period = entry.estimated_clock_period_ns
    return None if period is None else 1000 / period


def slack(entry: SynthesisReport) -> str | None:
    """Return whether the clock period is met, and by how much, in words."""
    left = entry.slack_ns
    if left is None:
        return None
    return f"met, {left:.2f} ns to spare" if left >= 0 else f"missed by {-left:.2f} ns"


def endpoints(entry: SynthesisReport) -> str | None:
    """Return further results of a timing analysis: hold slack and the number of failing endpoints."""
    found = []
    if entry.hold_slack_ns is not None:
        found.append(f"hold slack {entry.hold_slack_ns:g} ns")
    if entry.failing_endpoints is not None:
        found.append(f"{entry.failing_endpoints:,} failing endpoints")
    return ", ".join(found) or None


def other_resources(entry: SynthesisReport) -> str | None:
    """List the resources that only some devices have."""
    names = {"uram": "URAM", "alm": "ALM", "m20k": "M20K", "mlab": "MLAB", "lsram": "LSRAM", "usram": "uSRAM"}
    # A device that has none of a kind counts zero of it.
    found = [f"{count:,g} {label}" for name, label in names.items() if (count := getattr(entry, name))]
    return ", ".join(found) or None

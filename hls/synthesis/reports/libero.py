"""Reader of the summary of SmartHLS for Libero (`summary.results.rpt`).

It was never tested on a complete real report of an hls4ml project: the form is that of hls4ml's own reader
(`hls4ml/report/libero_report.py`) and of a published excerpt of an older version.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.hls.synthesis.reports.text import Text, records

_SECTION = r"^=+ {}\. {}[^\n]*=+$"
_SUM = re.compile(r"(?:[\d,]+ *\+ *)+[\d,]+ *= *([\d,]+)$")


class _Calls(NamedTuple):
    """Latency and interval of the simulated calls: smallest, largest, mean."""

    latency: tuple[float | None, float | None, float | None]
    interval: tuple[float | None, float | None, float | None]


def parse(path: Path, *, clock_period_ns: float) -> tuple[SynthesisReport, ...]:
    """Read simulated cycles, timing and resources; those of steps that were not run are None.

    Args:
        path: The file `hls_output/reports/summary.results.rpt`.
        clock_period_ns: Clock period asked for, in ns; used if the report has no timing.

    Returns:
        The simulated cycles with evidence `vendor-cosim`, then the rest, with evidence `vendor-implementation` where
        there is the timing of a placed design, else `vendor-synthesis`; each only if it was run. With several clocks,
        the one with the least slack counts.

    Raises:
        ToolFailedError: The file is missing, truncated or another kind of report, nothing was run, or the simulation
            failed.
    """
    text = Text.read(path, "a summary of SmartHLS")
    device = text.search(r"^Device: *(\S+)", "the device")[1]
    calls = _calls(text)
    clocks = [
        (text.nanoseconds(row["Target Period"], "Target Period"), text.nanoseconds(row["Worst Slack"], "Worst Slack"))
        for row in records(text.table(_SECTION.format(2, "Timing Result"), "the section Timing Result", gap=2))
    ]
    resources = {
        row["Resource Type"].rstrip("*"): _total(row["Used"], text)
        for row in records(text.table(_SECTION.format(3, "Resource Usage"), "the section Resource Usage", gap=2))
    }
    if calls is None and not clocks and not resources:
        raise ToolFailedError(f"{path}: neither a simulation nor a synthesis was run; run SmartHLS first")
    period, slack = min(clocks, key=lambda clock: clock[1] or 0.0, default=(None, None))
    of_all = SynthesisReport(
        tool="SmartHLS",
        version="",
        evidence="vendor-implementation" if clocks else "vendor-synthesis",
        design="hls",
        part=device,
        clock_period_ns=period or clock_period_ns,
    )
    hardware = replace(
        of_all,
        estimated_clock_period_ns=None if period is None or slack is None else round(period - slack, 3),
        lut=resources.get("Fabric + Interface 4LUT"),
        ff=resources.get("Fabric + Interface DFF"),
        dsp=resources.get("Math"),
        lsram=resources.get("LSRAM"),
        usram=resources.get("uSRAM"),
    )
    found = (hardware,) if clocks or resources else ()
    return found if calls is None else (_simulated(of_all, calls), *found)


def _simulated(report: SynthesisReport, calls: _Calls) -> SynthesisReport:
    return replace(
        report,
        evidence="vendor-cosim",
        latency_cycles_best=_cycles(calls.latency[0]),
        latency_cycles_worst=_cycles(calls.latency[1]),
        latency_cycles_average=calls.latency[2],
        initiation_interval_min=_cycles(calls.interval[0]),
        initiation_interval_max=_cycles(calls.interval[1]),
    )


def _calls(text: Text) -> _Calls | None:
    title = _SECTION.format(1, "Simulation Result")
    section = text.after(title, "the section Simulation Result").content.partition("\n======")[0]
    status = re.search(r"SW/HW co-simulation: *(\S+)", section)
    if status is None:
        return None
    if status[1].upper() not in ("PASS", "PASSED"):
        raise ToolFailedError(f"{text.path}: the co-simulation ended with {status[1]!r}; see its log")
    row = next(records(text.table(title, "the section Simulation Result", gap=2)), {})
    cells = [row.get(f"Call {name} (min/max/avg)", "").split("/") for name in ("Latency", "II")]
    figures = [tuple(text.number(cell, "a latency or interval") for cell in three) for three in cells]
    # Older versions give only the sum over all calls.
    return _Calls(*(three if len(three) == 3 else (None, None, None) for three in figures))


def _total(cell: str, text: Text) -> int | None:
    """Return the total of the logic and of the logic around memories and multipliers."""
    match = _SUM.match(cell)
    return text.whole(match[1] if match else cell, "a count of resources")


def _cycles(figure: float | None) -> int | None:
    return None if figure is None else round(figure)

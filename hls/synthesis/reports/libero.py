"""Reader of the summary of SmartHLS for Libero (`summary.results.rpt`).

No whole real report of a project of hls4ml was at hand: the form is the one that hls4ml's own reader knows
(`hls4ml/report/libero_report.py`) and that a published excerpt of an older version shows.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from hls.errors import ToolFailedError
from hls.synthesis.report import Evidence, SynthesisReport
from hls.synthesis.reports.text import Text, records

_SECTION = r"^=+ {}\. {}[^\n]*=+$"
_SUM = re.compile(r"(?:[\d,]+ *\+ *)+[\d,]+ *= *([\d,]+)$")


class _Calls(NamedTuple):
    """Latency and interval of the simulated calls: least, greatest, mean."""

    latency: tuple[float | None, float | None, float | None]
    interval: tuple[float | None, float | None, float | None]


def parse(path: Path, *, clock_period_ns: float) -> SynthesisReport:
    """Read what was simulated, timed and counted so far; steps that were not run leave None.

    Args:
        path: The file `hls_output/reports/summary.results.rpt`.
        clock_period_ns: Clock period asked for, in ns; taken where the report has no timing.

    Returns:
        Evidence `vendor-implementation` with the timing of a placed design, `vendor-synthesis` with resources alone,
        `vendor-cosim` with a simulation alone. Of several clocks it is the one with the least slack.

    Raises:
        ToolFailedError: The file is missing, cut off or no such report, nothing was run, or the simulation failed.
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
    period = period or clock_period_ns
    reached: Evidence = "vendor-implementation" if clocks else "vendor-synthesis" if resources else "vendor-cosim"
    latency, interval = calls or _Calls((None, None, None), (None, None, None))
    return SynthesisReport(
        tool="SmartHLS",
        version="",
        evidence=reached,
        design="hls",
        part=device,
        clock_period_ns=period,
        estimated_clock_period_ns=None if slack is None else round(period - slack, 3),
        latency_cycles_best=_cycles(latency[0]),
        latency_cycles_worst=_cycles(latency[1]),
        latency_cycles_average=latency[2],
        initiation_interval_min=_cycles(interval[0]),
        initiation_interval_max=_cycles(interval[1]),
        lut=resources.get("Fabric + Interface 4LUT"),
        ff=resources.get("Fabric + Interface DFF"),
        dsp=resources.get("Math"),
        lsram=resources.get("LSRAM"),
        usram=resources.get("uSRAM"),
    )


def _calls(text: Text) -> _Calls | None:
    title = _SECTION.format(1, "Simulation Result")
    section = text.after(title, "the section Simulation Result").content.partition("\n======")[0]
    status = re.search(r"SW/HW co-simulation: *(\S+)", section)
    if status is None:
        return None
    if status[1].upper() not in ("PASS", "PASSED"):
        raise ToolFailedError(f"{text.path}: the co-simulation ended with {status[1]!r}; look into its log")
    row = next(records(text.table(title, "the section Simulation Result", gap=2)), {})
    cells = [row.get(f"Call {name} (min/max/avg)", "").split("/") for name in ("Latency", "II")]
    figures = [tuple(text.number(cell, "a latency or interval") for cell in three) for three in cells]
    # Older versions give only the sum over all calls.
    return _Calls(*(three if len(three) == 3 else (None, None, None) for three in figures))


def _total(cell: str, text: Text) -> int | None:
    """What the logic takes and what its memories and multipliers need around them, with their sum behind."""
    match = _SUM.match(cell)
    return text.whole(match[1] if match else cell, "a count of resources")


def _cycles(figure: float | None) -> int | None:
    return None if figure is None else round(figure)

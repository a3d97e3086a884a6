"""Reader of the text that Vivado's `report_timing_summary` writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import PathStep, SynthesisReport
from trigcnn.hls.synthesis.reports import modules, vivado
from trigcnn.hls.synthesis.reports.text import Text

_SUMMARY = r"^\| Design Timing Summary$[\s\S]*?^ *WNS\(ns\) +TNS\(ns\) .*\n[- ]+\n"
_CLOCK = re.compile(r"^ *(\S+) +\{[^}]*\} +(\d+\.\d+) +\d+\.\d+ *$", re.MULTILINE)
_UNTIMED = re.compile(r"checking (?:no_clock|unconstrained_internal_endpoints) \([1-9]")
_SLACK = re.compile(r"^Slack[^:\n]*: +(?P<slack>-?\d+\.\d+)ns +\(required time - arrival time\)$", re.MULTILINE)
_RULE = re.compile(r"^  -{20,}.*$", re.MULTILINE)
# A net or a cell of a path, its delay, the time until its end, the edge, and the pin at its end.
_ELEMENT = re.compile(
    r"(?:(?P<net>net) \(fo=[^)\n]*\)|\([A-Z]\w*_[^)\n]*\))\s+(?P<delay>-?\d+\.\d+)\s+-?\d+\.\d+(?: [rf])? +(?P<end>\S+)"
)
_SETUP = re.compile(r"\((?:Setup|Recov)\w*_[^)\n]*\)\s+(?P<delay>-?\d+\.\d+)\s")


@dataclass(frozen=True)
class _Slacks:
    """The row of the whole design; a design without constrained paths has none."""

    setup_ns: float | None
    total_negative_ns: float | None
    hold_ns: float | None
    failing: int | None


def parse(path: Path, *, clock_period_ns: float, design: Literal["rtl", "hls"] = "hls") -> SynthesisReport:
    """Read the slacks of a design and its slowest path.

    The clock period that the design meets is the requested one less the worst slack. It is unknown if no path is
    constrained, or if some registers have no clock and the others meet theirs.

    Args:
        path: The report.
        clock_period_ns: Requested clock period in ns; used if the report shows no clock. With several clocks, the
            one of the slowest path counts.
        design: What was synthesized.

    Returns:
        Timing only: clock, slacks, failing endpoints and the slowest path from register to register, if it is shown.
        Its layers have the tool's names of their instances.

    Raises:
        ToolFailedError: The file is missing, truncated, or another kind of report.
    """
    text = Text.read(path, "a timing summary")
    head = vivado.read_head(text, "report_timing_summary")
    slacks = _slacks(text)
    text.search(r"^\| Timing Details$", "the section Timing Details")
    slowest = _slowest(text)
    period = _period(text, slowest) or clock_period_ns
    known = slacks.setup_ns is not None and (slacks.setup_ns < 0 or not _UNTIMED.search(text.content))
    return SynthesisReport(
        tool="Vivado",
        version=head.version,
        evidence=vivado.evidence(head.state or ("Routed" if ", routed)" in text.content else "Synthesized"), text),
        design=design,
        part=head.part,
        clock_period_ns=period,
        estimated_clock_period_ns=round(period - slacks.setup_ns, 3) if known and slacks.setup_ns is not None else None,
        hold_slack_ns=slacks.hold_ns,
        total_negative_slack_ns=slacks.total_negative_ns,
        failing_endpoints=slacks.failing,
        critical_path=tuple(_steps(slowest)) or None if slowest else None,
    )


def _slacks(text: Text) -> _Slacks:
    """Read four columns each for setup, hold and pulse width: worst slack, total, failing endpoints, all endpoints."""
    cells = text.after(_SUMMARY, "the Design Timing Summary").content.partition("\n")[0].split()
    if len(cells) != 12:
        raise ToolFailedError(f"{text.path} is cut off in the Design Timing Summary; write the report again")
    failing = [text.whole(cells[column], "a number of failing endpoints") for column in (2, 6, 10)]
    # Without endpoints, a slack of zero has no meaning.
    timed = [bool(text.whole(cells[column], "a number of endpoints")) for column in (3, 7)]
    return _Slacks(
        setup_ns=text.number(cells[0], "WNS") if timed[0] else None,
        total_negative_ns=text.number(cells[1], "TNS") if timed[0] else None,
        hold_ns=text.number(cells[4], "WHS") if timed[1] else None,
        failing=sum(count or 0 for count in failing) if timed[0] else None,
    )


def _slowest(text: Text) -> str | None:
    """Return the lines of the path with the least setup slack."""
    found = list(_SLACK.finditer(text.content))
    if not found:
        return None
    worst = min(found, key=lambda match: float(match["slack"]))
    return re.split(
        r"^(?:Slack[ :]|M(?:ax|in) Delay Paths)", text.content[worst.end() :], maxsplit=1, flags=re.MULTILINE
    )[0]


def _period(text: Text, slowest: str | None) -> float | None:
    """Return the period of the clock at the end of the slowest path; without one, of the fastest clock."""
    clocks = {match[1]: float(match[2]) for match in _CLOCK.finditer(text.content)}
    ends = re.search(r"Destination:[\s\S]*?clocked by (\S+) ", slowest or "")
    if ends and ends[1] in clocks:
        return clocks[ends[1]]
    return min(clocks.values(), default=None)


def _steps(slowest: str) -> Iterator[PathStep]:
    """Return the steps of a path, whose lines separate launching clock, data and capturing clock."""
    parts = _RULE.split(slowest)
    source = re.search(r"^ *Source: +(\S+)", slowest, re.MULTILINE)
    if len(parts) < 4 or source is None:
        return
    start, kind = source[1], "clk-to-q"
    for match in _ELEMENT.finditer(parts[2]):
        kind = "routing" if match["net"] else kind
        yield _step(start, match["end"], kind, float(match["delay"]))
        start, kind = match["end"], "logic"
    setup = _SETUP.search(parts[3])
    if setup is not None:
        # It is subtracted from the time at which data are needed.
        yield _step(start, start, "setup", -float(setup["delay"]))


def _step(start: str, end: str, kind: str, delay_ns: float) -> PathStep:
    return PathStep(start=start, end=end, kind=kind, delay_ns=delay_ns, layer=modules.instance_of(start))

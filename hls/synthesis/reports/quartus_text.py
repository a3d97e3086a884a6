"""Reader of the summaries in text that Quartus writes: `*.fit.summary` and `*.sta.summary`.

It was never tested on a real report: the form is that of Intel's documentation, and tests read reports in this form.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.hls.synthesis.reports.text import Text

_LINE = re.compile(r"^(?P<name>[A-Z][^:\n]*?) *: *(?P<value>.*?) *$", re.MULTILINE)
_USED = re.compile(r"([\d,]+(?:\.\d+)?)(?: */ *[\d,]+(?: *\([^)]*\))?)?$")


def parse(
    fit: Path, sta: Path | None = None, *, clock_period_ns: float, design: Literal["rtl", "hls"] = "hls"
) -> SynthesisReport:
    """Read what the fitter used, and the slacks of the timing analyser.

    Args:
        fit: The file `<revision>.fit.summary`.
        sta: The file `<revision>.sta.summary`; without it the reached clock is unknown.
        clock_period_ns: Clock period asked for, in ns; the reports do not hold it.
        design: What was compiled.

    Raises:
        ToolFailedError: A file is missing or another kind of report, or the fitter failed.
    """
    text = Text.read(fit, "a fitter summary")
    lines = {match["name"]: match["value"] for match in _LINE.finditer(text.content)}
    status = lines.get("Fitter Status")
    if status is None or "Device" not in lines:
        raise ToolFailedError(f"{fit} lacks the fitter's status or the device; it is cut off or another kind of report")
    if not status.startswith("Successful"):
        raise ToolFailedError(f"{fit}: the fitter ended with {status!r}; see its report")

    def used(*names: str) -> float | None:
        value = next((lines[name] for name in names if name in lines), "")
        match = _USED.match(value)
        return text.number((match[1] if match else value).replace(",", ""), names[0])

    def count(*names: str) -> int | None:
        figure = used(*names)
        return None if figure is None else round(figure)

    setup, hold, total, missed = (None, None, None, None) if sta is None else _slacks(sta)
    version = next((value for name, value in lines.items() if name.startswith("Quartus")), "")
    return SynthesisReport(
        tool="Quartus",
        version=version.split(" ")[0],
        evidence="vendor-implementation",
        design=design,
        part=lines["Device"],
        clock_period_ns=clock_period_ns,
        estimated_clock_period_ns=None if setup is None else round(clock_period_ns - setup, 3),
        hold_slack_ns=hold,
        total_negative_slack_ns=total,
        failing_endpoints=missed,
        alm=used("Logic utilization (in ALMs)", "Logic utilization"),
        ff=count("Total registers", "Total dedicated logic registers"),
        dsp=count("Total DSP Blocks"),
        m20k=count("Total RAM Blocks"),
    )


def _slacks(path: Path) -> tuple[float | None, float | None, float | None, int | None]:
    """Return setup slack, hold slack and total, the worst of all clocks; then 0 if nothing fails, else None."""
    text = Text.read(path, "a summary of the timing analyser")
    found = re.findall(r"^Type +: (.*)\nSlack +: (\S+)\nTNS +: (\S+)$", text.content, re.MULTILINE)
    if not found or len(found) != text.content.count("Type "):
        raise ToolFailedError(f"{path} is truncated or not a summary of the timing analyser; run it again")
    setup = [text.number(slack, kind) for kind, slack, _ in found if " Setup " in kind]
    hold = [text.number(slack, kind) for kind, slack, _ in found if " Hold " in kind]
    totals = [text.number(total, kind) for kind, _, total in found if " Setup " in kind]
    met = bool(setup) and all((text.number(slack, kind) or 0.0) >= 0 for kind, slack, _ in found)
    return _least(setup), _least(hold), _least(totals), 0 if met else None


def _least(figures: list[float | None]) -> float | None:
    return min((figure for figure in figures if figure is not None), default=None)

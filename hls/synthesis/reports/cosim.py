"""Reader of the co-simulation report (`<top>_cosim.rpt`) of Vivado HLS and Vitis HLS."""

from __future__ import annotations

import re
from pathlib import Path

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.hls.synthesis.reports.text import UNKNOWN, Text

_ROW = re.compile(r"^\| *(VHDL|Verilog|SystemC) *\|(.*)\| *$", re.MULTILINE)
# Status, then latency and interval, each smallest, mean and largest. Newer versions add the simulation's cycles.
_CELLS = 7


def parse(path: Path, *, part: str, clock_period_ns: float, version: str = "") -> SynthesisReport:
    """Read the cycles that the simulated RTL took for the calls of its top function.

    Args:
        path: The file `<project>_prj/solution1/sim/report/<top>_cosim.rpt`.
        part: The device; the report does not name it, nor what follows.
        clock_period_ns: Clock period asked for, in ns.
        version: Version of the tool.

    Returns:
        Latency and interval only, of the simulated language; of the slowest if there are several. They are None if
        the tool does not know them, such as the interval of a single call.

    Raises:
        ToolFailedError: The file is missing, truncated or another kind of report, a simulation failed, or none was run.
    """
    text = Text.read(path, "a co-simulation report")
    rows = [(match[1], [cell.strip() for cell in match[2].split("|")]) for match in _ROW.finditer(text.content)]
    if not rows or not text.content.rstrip().endswith("+"):
        raise ToolFailedError(f"{path} lacks the table of results; it is cut off or another kind of report")
    reports = [
        SynthesisReport(
            tool="HLS co-simulation",
            version=version,
            evidence="vendor-cosim",
            design="hls",
            part=part,
            clock_period_ns=clock_period_ns,
            latency_cycles_best=text.whole(cells[1], f"the least latency of {language}"),
            latency_cycles_average=text.number(cells[2], f"the mean latency of {language}"),
            latency_cycles_worst=text.whole(cells[3], f"the greatest latency of {language}"),
            initiation_interval_min=text.whole(cells[4], f"the least interval of {language}"),
            initiation_interval_max=text.whole(cells[6], f"the greatest interval of {language}"),
        )
        for language, cells in rows
        if _was_run(path, language, cells)
    ]
    if not reports:
        raise ToolFailedError(f"{path}: no simulation was run; see the log of the co-simulation")
    return max(reports, key=lambda report: report.latency_cycles_worst or 0)


def _was_run(path: Path, language: str, cells: list[str]) -> bool:
    if len(cells) < _CELLS:
        raise ToolFailedError(f"{path}: the row of {language} is cut off")
    status = cells[0].lower()
    if status in UNKNOWN:
        return False
    if status != "pass":
        raise ToolFailedError(
            f"{path}: the co-simulation of the {language} ended with {cells[0]!r}: it hung, or its test bench did not "
            "end with 0 (which has nothing to do with the outputs); see its log"
        )
    return True

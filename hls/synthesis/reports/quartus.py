"""Reader of the reports of Intel's HLS compiler (`i++`): `report_data.js`, `verification_data.js`, `quartus_data.js`.

They are scripts that assign JSON values to variables. It was never tested on a real report: the form is that of
hls4ml's own reader (`hls4ml/report/quartus_report.py`), and tests read reports in this form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.hls.synthesis.reports import intel
from trigcnn.hls.synthesis.reports.text import Text

# The compiler's order, if the report does not name its columns.
_COLUMNS = ("ALUTs", "FFs", "RAMs", "DSPs", "MLABs")


def parse(folder: Path, *, part: str, clock_period_ns: float) -> SynthesisReport:
    """Read the compiler's estimate, which has no latency.

    Args:
        folder: The folder `<project>-fpga.prj/reports/lib`.
        part: The device; these files do not hold it.
        clock_period_ns: Clock period asked for, in ns; these files do not hold it.

    Raises:
        ToolFailedError: `report_data.js` is missing, truncated, or of another form.
    """
    text, area = _variable(folder / "report_data.js", "areaJSON")
    try:
        columns = [name for name in area.get("columns", ()) if name] or _COLUMNS
        found = intel.estimate(columns, area["total"], text)
    except (KeyError, TypeError, AttributeError) as error:
        raise ToolFailedError(f"{text.path} holds no estimate of resources: {error!r}") from error
    return SynthesisReport(
        tool="Intel HLS",
        version="",
        evidence="vendor-csynth",
        design="hls",
        part=part,
        clock_period_ns=clock_period_ns,
        lut=found.alut,
        ff=found.ff,
        dsp=found.dsp,
        m20k=found.m20k,
        mlab=found.mlab,
    )


def parse_simulation(folder: Path, *, part: str, clock_period_ns: float) -> SynthesisReport:
    """Read the cycles that the simulated RTL took for the calls of the test bench.

    Args:
        folder: As for `parse`.
        part: The device; these files do not hold it.
        clock_period_ns: Clock period asked for, in ns; these files do not hold it.

    Returns:
        Latency and interval only.

    Raises:
        ToolFailedError: `verification_data.js` is missing, cut off, of another form, or without calls.
    """
    text, content = _variable(folder / "verification_data.js", "verifJSON")
    # Written by the compiler, filled in by the simulation.
    if not content.get("functions"):
        raise ToolFailedError(f"{text.path} holds no simulated calls; run the compiled test bench")
    try:
        # Number of calls, then latency and interval, each smallest, largest and mean, separated by commas.
        latency, interval = (str(cell).split(",") for cell in content["functions"][0]["data"][1:3])
        figures = [text.number(cell, "a latency or interval") for cell in (*latency[:3], *interval[:2])]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ToolFailedError(f"{text.path} holds no latency in a known form: {error!r}") from error
    if len(figures) != 5:
        raise ToolFailedError(f"{text.path} holds no latency in a known form: {content['functions'][0]['data']}")
    whole = [None if figure is None else round(figure) for figure in figures]
    return SynthesisReport(
        tool="Intel HLS",
        version="",
        evidence="vendor-cosim",
        design="hls",
        part=part,
        clock_period_ns=clock_period_ns,
        latency_cycles_best=whole[0],
        latency_cycles_worst=whole[1],
        latency_cycles_average=figures[2],
        initiation_interval_min=whole[3],
        initiation_interval_max=whole[4],
    )


def parse_fit(folder: Path, *, part: str, clock_period_ns: float) -> SynthesisReport | None:
    """Read Quartus' results for the design; None if it was not run.

    Args:
        folder: As for `parse`.
        part: The device; these files do not hold it.
        clock_period_ns: Clock period asked for, in ns; these files do not hold it.

    Raises:
        ToolFailedError: `quartus_data.js` is missing, truncated, or of another form.
    """
    text, content = _variable(folder / "quartus_data.js", "quartusJSON")
    return intel.fitted(content, text, part=part, clock_period_ns=clock_period_ns)


def _variable(path: Path, name: str) -> tuple[Text, Mapping[str, Any]]:
    text = Text.read(path, "a report of Intel's HLS compiler")
    start = text.search(rf"\b(?:var\s+)?{re.escape(name)}\s*=\s*", f"the variable {name}").end()
    try:
        value, _ = json.JSONDecoder().raw_decode(text.content, start)
    except ValueError as error:
        raise ToolFailedError(f"{path} is truncated or another kind of report ({error}); compile again") from error
    if not isinstance(value, dict):
        raise ToolFailedError(f"{path}: {name} should be an object but is {value!r}")
    return text, value

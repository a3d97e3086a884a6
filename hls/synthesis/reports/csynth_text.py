"""Reader of the C synthesis report in text (`<top>_csynth.rpt`) of Vivado HLS and Vitis HLS.

It has tables of latency and of resources for the instances in the top module. The `csynth.rpt` that Vitis HLS writes
beside it is a different report: it lacks the clock period, and does not distinguish unused resources from unknown ones.
"""

from __future__ import annotations

import re
from pathlib import Path

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import LayerResources, LayerTiming, SynthesisReport
from trigcnn.hls.synthesis.reports.text import UNKNOWN, Text, records

_KIND = r"^== (?P<tool>Vivado HLS|Vitis HLS) Report for '(?P<top>[^']*)'$"
_SUMMARY = r"^== Synthesis Summary Report of '(?P<top>[^']*)'$"
# Columns of latency and interval, smallest and largest, by the number of figures in a row. Versions before 2019.2
# have no columns for the latency as a time.
_COLUMNS = {7: (0, 1, 4, 5), 5: (0, 1, 2, 3)}


def parse(path: Path) -> SynthesisReport:
    """Read the report of the whole design and of its modules.

    Args:
        path: The file `<project>_prj/solution1/syn/report/<top>_csynth.rpt`.

    Raises:
        ToolFailedError: The file is missing, truncated, or another kind of report.
    """
    text = Text.read(path, "a synthesis report")
    summary = re.search(_SUMMARY, text.content, re.MULTILINE)
    if summary is not None:
        raise ToolFailedError(f"{path} is the summary of all modules; read {summary['top']}_csynth.rpt beside it")
    tool = text.search(_KIND, "the heading of a C synthesis report")["tool"]
    text.search(r"^== Interface$", "the section Interface")
    target, estimated = _clock(text)
    latency = _whole_design(text)
    resources = list(records(text.table(r"^== Utilization Estimates\n=+\n\* Summary: *$", "the resources")))
    total = next((row for row in resources if row["Name"] == "Total"), None)
    if total is None:
        raise ToolFailedError(f"{path} lacks the total of the resources; run the synthesis again")
    details = r"^== Utilization Estimates[\s\S]*?^    \* Instance: *$"
    layers = [
        _layer(row["Instance"], row, text)
        for row in records(text.table(details, "the resources of the instances"))
        if row["Module"]
    ]
    instances = text.table(r"^ *\+ Detail: *\n *\* Instance: *$", "the latency of the instances")
    return SynthesisReport(
        tool=tool,
        version=text.search(r"^\* Version: +(\S+)", "the version")[1],
        evidence="vendor-csynth",
        design="hls",
        part=text.search(r"^\* Target device: +(\S+)", "the device")[1],
        clock_period_ns=target,
        estimated_clock_period_ns=estimated,
        latency_cycles_best=latency.latency_cycles_best,
        latency_cycles_worst=latency.latency_cycles_worst,
        initiation_interval_min=latency.initiation_interval_min,
        initiation_interval_max=latency.initiation_interval_max,
        lut=text.whole(total["LUT"], "LUT"),
        ff=text.whole(total["FF"], "FF"),
        dsp=text.whole(_dsp(total), "DSP"),
        bram=text.whole(total["BRAM_18K"], "BRAM_18K"),
        uram=text.whole(total.get("URAM", "-"), "URAM"),
        layers=tuple(layers) or None,
        timings=tuple(_timings(instances, text, names=2)) or None,
    )


def _clock(text: Text) -> tuple[float, float | None]:
    """Return the requested and the estimated period of the clock with the least slack."""
    rows = [
        (target, text.nanoseconds(row["Estimated"], "the estimated clock period"))
        for row in records(text.table(r"^\+ Timing[^:\n]*: *\n *\* Summary: *$", "the clock"))
        if (target := text.nanoseconds(row["Target"], "the clock period")) is not None
    ]
    if not rows:
        raise ToolFailedError(f"{text.path} lacks the clock period; run the synthesis again")
    unknown = [row for row in rows if row[1] is None]
    return unknown[0] if unknown else min(rows, key=lambda row: row[0] - (row[1] or 0.0))


def _whole_design(text: Text) -> LayerTiming:
    found = _timings(text.table(r"^\+ Latency[^:\n]*: *\n *\* Summary: *$", "the latency"), text, names=0)
    if not found:
        raise ToolFailedError(f"{text.path} lacks the latency; run the synthesis again")
    return found[0]


def _timings(cells: list[list[str]], text: Text, *, names: int) -> list[LayerTiming]:
    """Read the rows below the lines of the header.

    Args:
        cells: A table.
        text: The report.
        names: Columns before the figures: instance and module, or none for the whole design.
    """
    timings = []
    for row in cells:
        columns = _COLUMNS.get(len(row) - names)
        if columns is None or not _is_figure(row[names]):
            continue
        found = [text.whole(row[names + column], "a latency or interval") for column in columns]
        timings.append(LayerTiming(row[0] if names else "", *found))
    return timings


def _is_figure(cell: str) -> bool:
    return cell.isdecimal() or (cell != "" and cell.lower() in UNKNOWN)


def _layer(name: str, row: dict[str, str], text: Text) -> LayerResources:
    def count(column: str) -> int:
        found = text.whole(row[column], f"{column} of {name}")
        if found is None:
            raise ToolFailedError(f"{text.path}: {column} of {name} is not known; run the synthesis again")
        return found

    return LayerResources(
        name=name,
        lut=count("LUT"),
        ff=count("FF"),
        dsp=count("DSP" if "DSP" in row else "DSP48E"),
        bram=count("BRAM_18K"),
        uram=text.whole(row.get("URAM", "-"), "URAM"),
    )


def _dsp(row: dict[str, str]) -> str:
    # Vivado HLS names the multiplier block of the 7 series on every device, Vitis HLS none.
    return row["DSP"] if "DSP" in row else row["DSP48E"]

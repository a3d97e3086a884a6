"""Reader of Catapult's report of the scheduled design (`rtl.rpt` or `cycle.rpt`).

It was never tested on a complete real report: the table is read as published excerpts show it. hls4ml reads only the
reports of Vivado that Catapult starts (`vivado_concat_v/*.rpt`), which `utilization` and `timing_summary` read.
"""

from __future__ import annotations

import re
from pathlib import Path

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import LayerTiming, SynthesisReport
from trigcnn.hls.synthesis.reports.text import Text

_TITLE = r"^ *Processes/Blocks in Design *\n.*Latency +Throughput.*\n[- ]+\n"
# Operations, latency, throughput, reset length, loop interval; the last two can be missing.
_ROW = re.compile(r"^ *(?P<name>\S.*?) +\d+ +(?P<latency>\d+|\?) +(?P<throughput>\d+|\?)(?: +\d+){0,2}(?: .*)?$")
_CLOCK = r"^ *Clock Signal .*\n[- ]+\n *\S+ +(?:rising|falling) +(\d+\.\d+)"


def parse(path: Path, *, part: str) -> SynthesisReport:
    """Read latency and throughput of the design and of its blocks, in clock cycles.

    Catapult's throughput is the initiation interval: cycles from one event to the next. Its area score does not
    count resources and is not read.

    Args:
        path: The file `<project>_prj/<top>.v1/rtl.rpt`, or `cycle.rpt` beside it.
        part: The device or library; the report names only the library's files.

    Raises:
        ToolFailedError: The file is missing, truncated, or another kind of report.
    """
    text = Text.read(path, "a report of Catapult")
    timings = []
    for line in text.after(_TITLE, "the table Processes/Blocks in Design").content.splitlines():
        match = _ROW.match(line)
        if match is None:
            break
        latency, interval = (text.whole(match[name], name) for name in ("latency", "throughput"))
        timings.append(LayerTiming(match["name"], latency, latency, interval, interval))
    if not timings or timings[-1].name != "Design Total:":
        raise ToolFailedError(f"{path} is cut off in the table Processes/Blocks in Design; run Catapult again")
    version = re.search(r"Version: +([^\s/]+)", text.content)
    *blocks, whole = timings
    return SynthesisReport(
        tool="Catapult",
        version=version[1] if version else "",
        evidence="vendor-csynth",
        design="hls",
        part=part,
        clock_period_ns=float(text.search(_CLOCK, "the clock's period")[1]),
        latency_cycles_best=whole.latency_cycles_best,
        latency_cycles_worst=whole.latency_cycles_worst,
        initiation_interval_min=whole.initiation_interval_min,
        initiation_interval_max=whole.initiation_interval_max,
        timings=tuple(blocks) or None,
    )

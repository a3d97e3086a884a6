"""Reader of the reports of Intel's oneAPI compiler (`*.ndjson`, a JSON value on each line)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import LayerTiming, SynthesisReport
from trigcnn.hls.synthesis.reports import intel
from trigcnn.hls.synthesis.reports.text import UNKNOWN, Text

# Rows of the table of resources that are not kernels.
_SUMS = ("Kernel Subtotal", "Pipe resources", "Total", "Available")


def parse(folder: Path, *, part: str, clock_period_ns: float) -> SynthesisReport:
    """Read the compiler's estimate.

    Kernels have the names of the report, which the compiler shortens: `relu_config3>()`. The latency of a
    kernel is that of one iteration of its slowest loop. The compiler does not report the latency of the whole design:
    its kernels wait for each other at pipes.

    Args:
        folder: The folder `<project>.fpga.prj/reports/resources/json`.
        part: The device; these files do not hold it.
        clock_period_ns: Clock period asked for, in ns; these files do not hold it.

    Raises:
        ToolFailedError: `summary.ndjson` or `loop_attr.ndjson` is missing, truncated, or of another form.
    """
    summary, loops = _read(folder / "summary.ndjson"), _read(folder / "loop_attr.ndjson")
    try:
        return _estimate(summary, loops, part, clock_period_ns)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ToolFailedError(f"{folder} holds no reports of oneAPI in a known form: {error!r}") from error


def parse_fit(folder: Path, *, part: str, clock_period_ns: float) -> SynthesisReport | None:
    """Read Quartus' results for the design; None if it was not run.

    Args:
        folder: As for `parse`.
        part: The device; these files do not hold it.
        clock_period_ns: Clock period asked for, in ns; these files do not hold it.

    Raises:
        ToolFailedError: `quartus.ndjson` is missing, truncated, or of another form.
    """
    text, values = _read(folder / "quartus.ndjson")
    return intel.fitted(values[0], text, part=part, clock_period_ns=clock_period_ns)


def _read(path: Path) -> tuple[Text, list[dict[str, Any]]]:
    text = Text.read(path, "a oneAPI report")
    try:
        values = [json.loads(line) for line in text.content.splitlines() if line.strip()]
    except ValueError as error:
        raise ToolFailedError(f"{path} is truncated or not a oneAPI report ({error}); compile again") from error
    if not values or not all(isinstance(value, dict) for value in values):
        raise ToolFailedError(f"{path} is not a oneAPI report; compile again")
    return text, values


def _estimate(
    summary: tuple[Text, list[dict[str, Any]]],
    loops: tuple[Text, list[dict[str, Any]]],
    part: str,
    clock_period_ns: float,
) -> SynthesisReport:
    text, values = summary
    head = next((value for value in values if value.get("summary_type") == "estimatedResources"), None)
    rows = [value for value in values if value.get("parent") == "estimatedResources"]
    total = next((row for row in rows if row["name"] == "Total"), None)
    if head is None or total is None:
        raise ToolFailedError(f"{text.path} lacks the total of the estimated resources; compile again")
    columns, packing = head["columns"][1:], int(head.get("dsp_packing_factor", 1))
    whole = intel.estimate(columns, total["data"], text, packing=packing)
    layers = []
    for row in rows:
        if row["name"] not in _SUMS:
            of_kernel = intel.estimate(columns, row["data"], text, packing=packing)
            layers.append(intel.layer(row["name"], of_kernel))
    timings = tuple(_timings(*loops))
    frequencies = [text.number(str(value["af"]), "af, in MHz") for value in loops[1] if "af" in value]
    slowest = min((frequency for frequency in frequencies if frequency), default=None)
    intervals = [timing.initiation_interval_max for timing in timings]
    return SynthesisReport(
        tool="oneAPI",
        version="",
        evidence="vendor-csynth",
        design="hls",
        part=part,
        clock_period_ns=clock_period_ns,
        estimated_clock_period_ns=None if slowest is None else round(1000 / slowest, 3),
        initiation_interval_max=None
        if None in intervals
        else max((i for i in intervals if i is not None), default=None),
        lut=whole.alut,
        ff=whole.ff,
        dsp=whole.dsp,
        m20k=whole.m20k,
        mlab=whole.mlab,
        layers=tuple(layers) or None,
        timings=timings or None,
    )


def _timings(text: Text, values: list[dict[str, Any]]) -> Iterator[LayerTiming]:
    """Return the timing of kernels, each with blocks of code; some blocks are loops."""
    by_id = {value["id"]: value for value in values if "id" in value}
    for kernel in values:
        if kernel.get("type") == "kernel":
            blocks = [by_id[child] for child in kernel["children"]]
            latencies = [text.number(str(block["lt"]), "lt") for block in blocks]
            intervals = [text.whole(str(block["ii"]), "ii") for block in blocks if str(block["ii"]) not in UNKNOWN]
            latency = None if None in latencies else max((round(n) for n in latencies if n is not None), default=None)
            interval = max((n for n in intervals if n is not None), default=None)
            yield LayerTiming(kernel["name"], latency, latency, interval, interval)

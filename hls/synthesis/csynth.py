"""Reader of the C synthesis report (`*_csynth.xml`) of Vivado HLS and Vitis HLS."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from hls.errors import ToolFailedError
from hls.synthesis.report import SynthesisReport

# What the tools write where a loop's bounds, and so the latency, depend on the data.
_NOT_KNOWN = frozenset({"undef", "?", "-", "NA", "N/A"})

_LATENCY = "PerformanceEstimates/SummaryOfOverallLatency"
_RESOURCES = "AreaEstimates/Resources"


def parse(path: Path) -> SynthesisReport:
    """Read the report of the whole design.

    A latency or interval that the tool could not tell (`undef`, `?`) is None, not zero.

    Args:
        path: The file `<project>_prj/solution1/syn/report/<top>_csynth.xml`.

    Raises:
        ToolFailedError: The file is missing, cut off, or lacks a section.
    """
    document = _Document(path)
    version = document.text("ReportVersion/Version")
    return SynthesisReport(
        # The file does not name its tool. Vivado HLS ended with 2020.1; hls4ml needs Vitis 2023.1 or newer.
        tool="Vivado HLS" if version < "2020.2" else "Vitis HLS",
        version=version,
        evidence="vendor-csynth",
        design="hls",
        part=document.text("UserAssignments/Part"),
        clock_period_ns=document.number("UserAssignments/TargetClockPeriod"),
        estimated_clock_period_ns=document.number("PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"),
        latency_cycles_best=document.cycles(f"{_LATENCY}/Best-caseLatency"),
        latency_cycles_worst=document.cycles(f"{_LATENCY}/Worst-caseLatency"),
        initiation_interval_min=document.cycles(f"{_LATENCY}/Interval-min"),
        initiation_interval_max=document.cycles(f"{_LATENCY}/Interval-max"),
        lut=document.count(f"{_RESOURCES}/LUT"),
        ff=document.count(f"{_RESOURCES}/FF"),
        # Vivado HLS names the multiplier block of the 7 series on every device, Vitis HLS none.
        dsp=document.count(f"{_RESOURCES}/DSP", f"{_RESOURCES}/DSP48E"),
        bram=document.count(f"{_RESOURCES}/BRAM_18K"),
    )


class _Document:
    """An XML file whose errors name it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ToolFailedError(f"{path} cannot be read as a synthesis report: {error}") from error
        if "<!DOCTYPE" in text:
            # The tools write none, and entities declared in one can grow without bound.
            raise ToolFailedError(f"{path} has a document type declaration, so no synthesis tool wrote it")
        try:
            self._root = ElementTree.fromstring(text)  # noqa: S314 - without a DOCTYPE there are no entities
        except ElementTree.ParseError as error:
            raise ToolFailedError(f"{path} is not whole XML ({error}); run the synthesis again") from error

    def text(self, *names: str) -> str:
        """Give the text of the first of these elements that is there."""
        for name in names:
            found = (self._root.findtext(name) or "").strip()
            if found:
                return found
        raise ToolFailedError(f"{self._path} lacks {' or '.join(names)}; run the synthesis again")

    def cycles(self, name: str) -> int | None:
        return None if self.text(name) in _NOT_KNOWN else self.count(name)

    def count(self, *names: str) -> int:
        text = self.text(*names)
        if not text.isdecimal():
            raise ToolFailedError(f"{self._path}: {names[0]} should be a whole number but is {text!r}")
        return int(text)

    def number(self, name: str) -> float:
        text = self.text(name)
        try:
            return float(text)
        except ValueError as error:
            raise ToolFailedError(f"{self._path}: {name} should be a number but is {text!r}") from error

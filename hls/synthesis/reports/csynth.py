"""Reader of the C synthesis report in XML (`*_csynth.xml`) of Vivado HLS and Vitis HLS.

Vitis HLS can list the design's modules in it; Vivado HLS has only the whole design, and lists the modules in the text
beside it (`*_csynth.rpt`), where they are then read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import LayerResources, LayerTiming, SynthesisReport
from trigcnn.hls.synthesis.reports import csynth_text
from trigcnn.hls.synthesis.reports.text import Text

_LATENCY = "PerformanceEstimates/SummaryOfOverallLatency"
_RESOURCES = "AreaEstimates/Resources"


def parse(path: Path) -> SynthesisReport:
    """Read the report of the whole design and of its modules.

    A latency or interval that the tool does not know (`undef`, `?`) is None, not zero. Layers have the tool's names of
    their instances; `modules.layer_name` tells which layer it is.

    Args:
        path: The file `<project>_prj/solution1/syn/report/<top>_csynth.xml`.

    Raises:
        ToolFailedError: The file, or the text beside it, is missing, cut off, or lacks a section.
    """
    document = _Document.read(path)
    version = document.text("ReportVersion/Version")
    layers, timings = _modules(document)
    report = SynthesisReport(
        # The file does not name its tool. Vivado HLS ended with 2020.1; hls4ml needs Vitis 2023.1 or newer.
        tool="Vivado HLS" if version < "2020.2" else "Vitis HLS",
        version=version,
        evidence="vendor-csynth",
        design="hls",
        part=document.text("UserAssignments/Part"),
        clock_period_ns=document.time("UserAssignments/TargetClockPeriod"),
        estimated_clock_period_ns=document.time("PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"),
        latency_cycles_best=document.cycles(f"{_LATENCY}/Best-caseLatency"),
        latency_cycles_worst=document.cycles(f"{_LATENCY}/Worst-caseLatency"),
        initiation_interval_min=document.cycles(f"{_LATENCY}/Interval-min"),
        initiation_interval_max=document.cycles(f"{_LATENCY}/Interval-max"),
        lut=document.count(f"{_RESOURCES}/LUT"),
        ff=document.count(f"{_RESOURCES}/FF"),
        # Vivado HLS names the multiplier block of the 7 series on every device, Vitis HLS none.
        dsp=document.count(f"{_RESOURCES}/DSP", f"{_RESOURCES}/DSP48E"),
        bram=document.count(f"{_RESOURCES}/BRAM_18K"),
        uram=document.cycles(f"{_RESOURCES}/URAM") if document.has(f"{_RESOURCES}/URAM") else None,
        layers=layers or None,
        timings=timings or None,
    )
    beside = path.with_suffix(".rpt")
    if timings or not beside.is_file():
        return report
    detailed = csynth_text.parse(beside)
    return replace(report, layers=detailed.layers, timings=detailed.timings)


def _modules(document: _Document) -> tuple[tuple[LayerResources, ...], tuple[LayerTiming, ...]]:
    """Return the instances in the top module; deeper instances are part of them."""
    modules = {module.text("Name"): module for module in document.all("ModuleInformation/Module")}
    layers, timings = [], []
    for instance in document.all("RTLDesignHierarchy/TopModule/InstancesList/Instance"):
        name, module = instance.text("InstName"), modules.get(instance.text("ModuleName"))
        # Memories and queues are instances too, but not modules of the design.
        if module is None:
            continue
        interval = module.span(f"{_LATENCY}/PipelineInitiationInterval")
        timings.append(
            LayerTiming(
                name=name,
                latency_cycles_best=module.cycles(f"{_LATENCY}/Best-caseLatency"),
                latency_cycles_worst=module.cycles(f"{_LATENCY}/Worst-caseLatency"),
                initiation_interval_min=interval[0],
                initiation_interval_max=interval[1],
            )
        )
        layers.append(
            LayerResources(
                name=name,
                lut=module.count(f"{_RESOURCES}/LUT"),
                ff=module.count(f"{_RESOURCES}/FF"),
                dsp=module.count(f"{_RESOURCES}/DSP", f"{_RESOURCES}/DSP48E"),
                bram=module.count(f"{_RESOURCES}/BRAM_18K"),
                uram=module.cycles(f"{_RESOURCES}/URAM") if module.has(f"{_RESOURCES}/URAM") else None,
            )
        )
    return tuple(layers), tuple(timings)


class _Document:
    """An XML file, or an element of it, whose errors name the file."""

    def __init__(self, text: Text, root: ElementTree.Element) -> None:
        self._text = text
        self._root = root

    @classmethod
    def read(cls, path: Path) -> _Document:
        try:
            text = Text(path, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ToolFailedError(f"{path} cannot be read as a synthesis report: {error}") from error
        if "<!DOCTYPE" in text.content:
            # The tools never write one, and entities declared in one can grow without bound.
            raise ToolFailedError(f"{path} has a document type declaration, so no synthesis tool wrote it")
        try:
            root = ElementTree.fromstring(text.content)  # noqa: S314 - without a DOCTYPE there are no entities
        except ElementTree.ParseError as error:
            raise ToolFailedError(f"{path} is not complete XML ({error}); run the synthesis again") from error
        return cls(text, root)

    def all(self, name: str) -> Iterator[_Document]:
        """Return the elements of a name."""
        return (_Document(self._text, element) for element in self._root.findall(name))

    def has(self, name: str) -> bool:
        """Return whether there is such an element."""
        return self._root.find(name) is not None

    def text(self, *names: str) -> str:
        """Return the text of the first of these elements that exists."""
        for name in names:
            found = (self._root.findtext(name) or "").strip()
            if found:
                return found
        raise ToolFailedError(f"{self._text.path} lacks {' or '.join(names)}; run the synthesis again")

    def span(self, name: str) -> tuple[int | None, int | None]:
        return self._text.span(self.text(name), name)

    def cycles(self, name: str) -> int | None:
        return self._text.whole(self.text(name), name)

    def count(self, *names: str) -> int:
        found = self._text.whole(text := self.text(*names), names[0])
        if found is None:
            raise ToolFailedError(f"{self._text.path}: {names[0]} should be a whole number but is {text!r}")
        return found

    def time(self, name: str) -> float:
        found = self._text.nanoseconds(text := self.text(name), name)
        if found is None:
            raise ToolFailedError(f"{self._text.path}: {name} should be a time but is {text!r}")
        return found

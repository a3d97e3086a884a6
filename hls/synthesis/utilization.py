"""Reader of the text that Vivado's `report_utilization` writes (`vivado_synth.rpt`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from hls.errors import ToolFailedError
from hls.synthesis.report import SynthesisReport

_HEADER = re.compile(r"^\| (?P<name>[A-Z][\w ]*?) *: (?P<value>.*?) *$", re.MULTILINE)
_ROW = re.compile(r"^\| *(?P<name>[A-Za-z][\w /]*?)\*? *\| *(?P<used>\d+(?:\.\d+)?) *\|", re.MULTILINE)
_VERSION = re.compile(r"Vivado v\.(\d+\.\d+(?:\.\d+)?)")


def parse(path: Path, *, clock_period_ns: float, design: Literal["rtl", "hls"] = "hls") -> SynthesisReport:
    """Read what a design uses.

    Args:
        path: The report; headings of the 7 series ("Slice LUTs") and of UltraScale ("CLB LUTs") are known.
        clock_period_ns: Clock period asked for, in ns; the report does not hold it.
        design: What was synthesized.

    Returns:
        Resources only; evidence `vendor-synthesis`, or `vendor-implementation` once the design was placed.

    Raises:
        ToolFailedError: The file is missing, cut off, or no such report.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ToolFailedError(f"{path} cannot be read as a utilization report: {error}") from error
    header = {match["name"]: match["value"] for match in _HEADER.finditer(text)}
    used = _used(text)
    version = _VERSION.match(header.get("Tool Version", ""))
    device = header.get("Device")
    if version is None or device is None:
        raise ToolFailedError(f"{path} lacks the tool's version or the device; is it a report_utilization report?")
    # Named in the table of contents and once more as a heading, behind all that is read here.
    if text.count("Instantiated Netlists") < 2:
        raise ToolFailedError(f"{path} is cut off; run the synthesis again")
    # CARRY8 has a row of its own; CARRY4 is only in the table of primitives, which lists those in use.
    carry_primitive = "CARRY8" if "CLB LUTs" in used else "CARRY4"
    return SynthesisReport(
        tool="Vivado",
        version=version[1],
        evidence=_evidence(header.get("Design State", ""), path),
        design=design,
        # Until 2021 Vivado left out the xc of 7-series devices.
        part=f"xc{device}" if device.startswith("7") else device,
        clock_period_ns=clock_period_ns,
        lut=int(_need(used, path, "CLB LUTs", "Slice LUTs")),
        ff=int(_need(used, path, "CLB Registers", "Slice Registers")),
        dsp=int(_need(used, path, "DSPs")),
        # A tile is a 36 Kbit block; a half used alone counts 0.5.
        bram=round(2 * _need(used, path, "Block RAM Tile")),
        srl=_shift_registers(used, path),
        carry=int(_need(used, path, "CARRY8")) if carry_primitive == "CARRY8" else int(used.get("CARRY4", 0)),
        carry_primitive=carry_primitive,
    )


def _used(text: str) -> dict[str, float]:
    """Give the column "Used" by row name; of two rows the first, later tables are per chip region."""
    rows: dict[str, float] = {}
    for match in _ROW.finditer(text):
        rows.setdefault(match["name"], float(match["used"]))
    return rows


def _need(used: dict[str, float], path: Path, *names: str) -> float:
    for name in names:
        if name in used:
            return used[name]
    raise ToolFailedError(f"{path} lacks the row {' or '.join(names)!r}; is it a report_utilization report?")


def _shift_registers(used: dict[str, float], path: Path) -> int:
    # Vivado leaves out this row where no look-up table is used as memory.
    if _need(used, path, "LUT as Memory") == 0:
        return 0
    return int(_need(used, path, "LUT as Shift Register"))


def _evidence(state: str, path: Path) -> Literal["vendor-synthesis", "vendor-implementation"]:
    if state in ("Synthesized", "Optimized"):
        return "vendor-synthesis"
    if "Placed" in state or "Routed" in state:
        return "vendor-implementation"
    raise ToolFailedError(f"{path}: the design state {state!r} is not known; report a synthesized or placed design")

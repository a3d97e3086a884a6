"""Reader of the text that Vivado's `report_utilization` writes, whole (`vivado_synth.rpt`) or `-hierarchical`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import LayerResources, SynthesisReport
from trigcnn.hls.synthesis.reports import vivado
from trigcnn.hls.synthesis.reports.text import Text

_ROW = re.compile(r"^\| *(?P<name>[A-Za-z][\w /]*?)\*? *\| *(?P<used>\d+(?:\.\d+)?) *\|", re.MULTILINE)
# Columns by which a level of the hierarchy is indented.
_INDENT = 2
_HIERARCHY = r"^1\. Utilization by Hierarchy\n-+\n"


def parse(path: Path, *, clock_period_ns: float, design: Literal["rtl", "hls"] = "hls") -> SynthesisReport:
    """Read the resources that a design uses.

    Args:
        path: The report; headings of the 7 series ("Slice LUTs") and of UltraScale ("CLB LUTs") are known. With
            `-hierarchical`, the layers are the instances of the first level that has several.
        clock_period_ns: Clock period asked for, in ns; the report does not hold it.
        design: What was synthesized.

    Returns:
        Resources only; evidence `vendor-synthesis`, or `vendor-implementation` once the design was placed.

    Raises:
        ToolFailedError: The file is missing, truncated, or another kind of report.
    """
    text = Text.read(path, "a utilization report")
    head = vivado.read_head(text, "report_utilization")
    if re.search(_HIERARCHY, text.content, re.MULTILINE):
        whole, layers = _hierarchy(text)
        return SynthesisReport(
            tool="Vivado",
            version=head.version,
            evidence=vivado.evidence(head.state, text),
            design=design,
            part=head.part,
            clock_period_ns=clock_period_ns,
            lut=whole.lut,
            ff=whole.ff,
            dsp=whole.dsp,
            bram=whole.bram,
            uram=whole.uram,
            srl=whole.srl,
            layers=layers or None,
        )
    used = _used(text)
    # It is in the table of contents and once more as a heading, after everything that is read here.
    if text.content.count("Instantiated Netlists") < 2:
        raise ToolFailedError(f"{path} is cut off; run the synthesis again")
    # CARRY8 has a row of its own; CARRY4 is only in the table of primitives, which lists those in use.
    carry_primitive = "CARRY8" if "CLB LUTs" in used else "CARRY4"
    return SynthesisReport(
        tool="Vivado",
        version=head.version,
        evidence=vivado.evidence(head.state, text),
        design=design,
        part=head.part,
        clock_period_ns=clock_period_ns,
        lut=int(_need(used, path, "CLB LUTs", "Slice LUTs")),
        ff=int(_need(used, path, "CLB Registers", "Slice Registers")),
        dsp=int(_need(used, path, "DSPs")),
        # A tile is a 36 Kbit block; a half used alone counts 0.5.
        bram=round(2 * _need(used, path, "Block RAM Tile")),
        uram=int(used["URAM"]) if "URAM" in used else None,
        srl=_shift_registers(used, path),
        carry=int(_need(used, path, "CARRY8")) if carry_primitive == "CARRY8" else int(used.get("CARRY4", 0)),
        carry_primitive=carry_primitive,
    )


def _used(text: Text) -> dict[str, float]:
    """Return the column "Used" by row name; of equal names the first row, since later tables are per chip region."""
    rows: dict[str, float] = {}
    for match in _ROW.finditer(text.content):
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


def _hierarchy(text: Text) -> tuple[LayerResources, tuple[LayerResources, ...]]:
    """Return the whole design, and the instances below its wrappers, which are levels of a single instance."""
    lines = text.after(_HIERARCHY, "the hierarchy").content.lstrip().partition("\n\n")[0].splitlines()
    if sum(line.startswith("+-") for line in lines) < 3:
        raise ToolFailedError(f"{text.path} is cut off; write the report again")
    header, *lines = [line for line in lines if line.startswith("| ")]
    names = _cells(header)
    rows = [(_depth(line), dict(zip(names, _cells(line), strict=True))) for line in lines]
    inner = rows
    while True:
        depth = inner[0][0]
        # In brackets: the module's own resources, without its instances.
        below = [n for n, (level, _) in enumerate(inner) if level == depth + _INDENT]
        children = [n for n in below if not inner[n][1]["Instance"].startswith("(")]
        if len(children) != 1:
            return _resources(rows[0][1], text), tuple(_resources(inner[n][1], text) for n in children)
        inner = inner[children[0] :]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _depth(line: str) -> int:
    return len(line) - len(line[1:].lstrip())


def _resources(row: dict[str, str], text: Text) -> LayerResources:
    def count(*names: str) -> int:
        for name in names:
            if name in row:
                # A share of the device can follow, in brackets.
                return text.whole(row[name].partition("(")[0], name) or 0
        raise ToolFailedError(
            f"{text.path} lacks the column {' or '.join(names)!r}; is it a report_utilization report?"
        )

    return LayerResources(
        name=row["Instance"],
        lut=count("Total LUTs"),
        ff=count("FFs"),
        dsp=count("DSP Blocks", "DSP48 Blocks", "DSP Slices"),
        bram=2 * count("RAMB36") + count("RAMB18"),
        srl=count("SRLs"),
        uram=count("URAM") if "URAM" in row else None,
    )

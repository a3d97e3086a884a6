"""Yosys on generated Verilog: open synthesis for Xilinx families."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from hls import tool
from hls.errors import ToolFailedError
from hls.synthesis.parts import yosys_family
from hls.synthesis.report import SynthesisReport

Effort = Literal["fast", "default"]

# pyosys runs the script in a child process: an error of Yosys ends the process that it is in.
_CHILD = "import sys; from pyosys import libyosys; libyosys.run_pass('script ' + sys.argv[1])"


@dataclass(frozen=True)
class YosysPlan:
    """One run of Yosys, before anything is run.

    Attributes:
        top: Name of the top module.
        part: Device.
        family: Yosys' name of its family.
        script: The commands; paths are relative to the folder in which Yosys runs.
        statistics: File for the counts, in that folder.
    """

    top: str
    part: str
    family: str
    script: str
    statistics: str


def plan(sources: list[Path], top: str, *, part: str, effort: Effort, statistics: Path) -> YosysPlan:
    """Plan the synthesis of a design out of context.

    Args:
        sources: Verilog files.
        top: Name of the top module.
        part: Device; its family decides which primitives are used.
        effort: `fast` maps to LUTs in one pass, `default` restructures logic first, which took twice the
            time and changed the number of LUTs by less than one percent where it was measured.
        statistics: File for the counts.

    Raises:
        ConversionError: The part is of no family that Yosys knows.
    """
    family = yosys_family(part)
    lines = [f"read_verilog {_quoted(source)}" for source in sources]
    if effort == "fast":
        lines.append("scratchpad -copy abc9.script.default.fast abc9.script")
    lines += [
        f"synth_xilinx -family {family} -flatten -noiopad -noclkbuf -top {top}",
        "check -assert",
        f"tee -q -o {_quoted(statistics)} stat -json -tech xilinx",
    ]
    return YosysPlan(top, part, family, "\n".join(lines) + "\n", str(statistics))


def _quoted(path: Path) -> str:
    return f'"{path}"'


def run(plan: YosysPlan, folder: Path, *, clock_period_ns: float, timeout_s: float) -> SynthesisReport:
    """Run a plan.

    Args:
        plan: What to run.
        folder: Folder for the script and the log.
        clock_period_ns: Clock period of the design in ns; Yosys has no timing for Xilinx and ignores it.
        timeout_s: Time limit in seconds.

    Raises:
        ToolFailedError: Yosys failed, ran out of time or left no counts.
    """
    script = folder / "yosys.ys"
    script.write_text(plan.script)
    tool.run([sys.executable, "-c", _CHILD, script.name], cwd=folder, log=folder / "yosys.log", timeout_s=timeout_s)
    try:
        content = json.loads((folder / plan.statistics).read_text())
    except (OSError, ValueError) as error:
        raise ToolFailedError(f"Yosys left no counts in {folder / plan.statistics}: {error}") from error
    return parse(content, part=plan.part, clock_period_ns=clock_period_ns)


def parse(content: dict[str, Any], *, part: str, clock_period_ns: float) -> SynthesisReport:
    """Count resources in what `stat -json` says.

    LUTs are the sum of LUT1 to LUT6, and of shift registers, each of which takes one (as Vivado counts them too).
    `estimated_num_lc` is not used; it was half of the true number where it could be compared.

    Raises:
        ToolFailedError: The counts hold a primitive whose size is not known here.
    """
    try:
        cells: dict[str, int] = content["design"]["num_cells_by_type"]
        creator = str(content["creator"])
    except KeyError as error:
        raise ToolFailedError(
            f"the counts of Yosys have no {error}; pyosys {version('pyosys')} is not understood"
        ) from error
    free = {"$scopeinfo", "INV", "BUFG", "IBUF", "OBUF", "MUXF7", "MUXF8", "MUXF9", "GND", "VCC"}
    sizes: dict[str, dict[str, int]] = {
        **{f"LUT{n}": {"lut": 1} for n in range(1, 7)},
        **{name: {"ff": 1} for name in ("FDRE", "FDSE", "FDCE", "FDPE")},
        **{name: {"srl": 1, "lut": 1} for name in ("SRL16E", "SRLC16E", "SRLC32E")},
        "CARRY4": {"carry": 1},
        "CARRY8": {"carry": 1},
        "DSP48E1": {"dsp": 1},
        "DSP48E2": {"dsp": 1},
        "RAMB18E1": {"bram": 1},
        "RAMB18E2": {"bram": 1},
        "RAMB36E1": {"bram": 2},
        "RAMB36E2": {"bram": 2},
    }
    unknown = sorted(set(cells) - set(sizes) - free)
    if unknown:
        raise ToolFailedError(f"Yosys used primitives that are not counted here: {', '.join(unknown)}")
    totals = dict.fromkeys(("lut", "ff", "srl", "carry", "dsp", "bram"), 0)
    for name, count in cells.items():
        for resource, size in sizes.get(name, {}).items():
            totals[resource] += size * count
    carries = [name for name in ("CARRY4", "CARRY8") if cells.get(name)]
    return SynthesisReport(
        tool="Yosys",
        version=creator.removeprefix("Yosys ").split(" ")[0],
        evidence="open-synthesis",
        design="rtl",
        part=part,
        clock_period_ns=clock_period_ns,
        carry_primitive=carries[0] if carries else None,
        **totals,
    )

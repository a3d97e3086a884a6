"""Yosys on generated Verilog: open synthesis for Xilinx families and for ECP5."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from trigcnn.hls import tool
from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.parts import yosys_family
from trigcnn.hls.synthesis import ecp5, primitives
from trigcnn.hls.synthesis.report import LayerResources, SynthesisReport

Effort = Literal["fast", "default"]

# pyosys runs the script in a child process: an error of Yosys ends its process.
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


def plan(
    sources: list[Path],
    top: str,
    *,
    part: str,
    effort: Effort,
    statistics: Path,
    dsp: bool = False,
    shift_registers: bool = True,
    netlist: Path | None = None,
) -> YosysPlan:
    """Plan the synthesis of a design out of context.

    Modules with the attribute `keep_hierarchy` stay separate, so that each is counted; streaming RTL has one for each
    layer. All others are flattened.

    Args:
        sources: Verilog files.
        top: Name of the top module.
        part: Device; its family decides which primitives are used.
        effort: `fast` maps to LUTs in one pass, `default` restructures logic first, which took twice the
            time and changed the number of LUTs by less than one percent where it was measured.
        statistics: File for the counts.
        dsp: Whether products may become multiplier blocks.
        shift_registers: Whether delays may become shift registers of look-up tables (Xilinx).
        netlist: File for the netlist, as JSON: for place and route of an ECP5, for others flattened.

    Raises:
        ConversionError: Yosys does not know the part's family.
    """
    family = "ecp5" if ecp5.is_ecp5(part) else yosys_family(part)
    lines = [f"read_verilog {_quoted(source)}" for source in sources]
    if effort == "fast":
        lines.append("scratchpad -copy abc9.script.default.fast abc9.script")
    options = f"{'' if dsp else '-nodsp '}-top {top}"
    if family == "ecp5":
        written = "" if netlist is None else f" -json {_quoted(netlist)}"
        lines += [
            f"synth_ecp5 {options} -run begin:map_ffs",
            # A ReLU makes the sign of a sum the reset of its register, and the way to that pin is long. As logic, two
            # streaming designs were 3 to 11 % faster, and a parallel one as fast, for up to 2 % more LUTs.
            "dffunmap -srst-only",
            f"synth_ecp5 {options} -run map_ffs:{written}",
        ]
    else:
        delays = "" if shift_registers else "-nosrl "
        lines.append(f"synth_xilinx -family {family} -flatten -noiopad -noclkbuf {delays}{options}")
    technology = "" if family == "ecp5" else " -tech xilinx"
    lines += ["check -assert", f"tee -q -o {_quoted(statistics)} stat -json{technology}"]
    if family != "ecp5" and netlist is not None:
        lines += ["setattr -mod -unset keep_hierarchy", "flatten", f"write_json {_quoted(netlist)}"]
    return YosysPlan(top, part, family, "\n".join(lines) + "\n", str(statistics))


def _quoted(path: Path) -> str:
    return f'"{path}"'


def run(plan: YosysPlan, folder: Path, *, clock_period_ns: float, timeout_s: float) -> SynthesisReport:
    """Run a plan.

    Args:
        plan: What to run.
        folder: Folder for the script and the log.
        clock_period_ns: Clock period of the design in ns; Yosys gives no timing and ignores it.
        timeout_s: Time limit in seconds.

    Raises:
        ToolFailedError: Yosys failed, ran out of time or left no counts.
    """
    run_script(plan.script, "yosys", folder, timeout_s=timeout_s)
    try:
        content = json.loads((folder / plan.statistics).read_text())
    except (OSError, ValueError) as error:
        raise ToolFailedError(f"Yosys left no counts in {folder / plan.statistics}: {error}") from error
    return parse(content, plan, clock_period_ns=clock_period_ns)


def run_script(script: str, name: str, folder: Path, *, timeout_s: float) -> None:
    """Run commands of Yosys.

    Args:
        script: The commands; paths are relative to the folder.
        name: Name of the script and of its log in the folder.
        folder: Folder in which Yosys runs.
        timeout_s: Time limit in seconds.

    Raises:
        ToolFailedError: Yosys failed or ran out of time.
    """
    written = folder / f"{name}.ys"
    written.write_text(script)
    tool.run([sys.executable, "-c", _CHILD, written.name], cwd=folder, log=folder / f"{name}.log", timeout_s=timeout_s)


def parse(content: dict[str, Any], plan: YosysPlan, *, clock_period_ns: float) -> SynthesisReport:
    """Count the resources in the output of `stat -json`.

    A module beside the top module is a layer, named `<top>_layer_<layer>`.

    `estimated_num_lc` is not used; it was half of the true number of LUTs where it could be compared.

    Raises:
        ToolFailedError: The counts contain a primitive whose size is not known here.
    """
    try:
        modules = {name.removeprefix("\\"): entry["num_cells_by_type"] for name, entry in content["modules"].items()}
        all_cells: dict[str, int] = content["design"]["num_cells_by_type"]
        creator = str(content["creator"])
    except KeyError as error:
        raise ToolFailedError(
            f"the counts of Yosys have no {error}; pyosys {version('pyosys')} is not understood"
        ) from error
    cells = {name: n for name, n in all_cells.items() if name not in modules}
    layers = tuple(
        LayerResources(name=name.removeprefix(f"{plan.top}_layer_"), **asdict(primitives.count(of_module, plan.family)))
        for name, of_module in sorted(modules.items())
        if name != plan.top
    )
    return SynthesisReport(
        tool="Yosys",
        version=creator.removeprefix("Yosys ").split(" ")[0],
        evidence="open-synthesis",
        design="rtl",
        part=plan.part,
        clock_period_ns=clock_period_ns,
        carry_primitive=primitives.carry_primitive(cells),
        layers=layers or None,
        **asdict(primitives.count(cells, plan.family)),
    )

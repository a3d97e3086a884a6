"""Vivado out of context, in non-project mode: logic synthesis and implementation, with timing.

For the RTL that an HLS tool wrote, or for ours. Each tool run has its own script, so that an interrupted implementation
can restart from the synthesized netlist.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from trigcnn.hls.synthesis.vendors import templating, xilinx
from trigcnn.hls.synthesis.vendors.plan import Command, DesignName, ExpectedFile, Phase, ToolStep, VersionQuery

MEND = "install Vivado and source its settings64.sh"
STEPS = ("logic-synthesis", "implementation")
FOLDER = "vivado"

_VERSION = VersionQuery("vivado", ("-version",), r"[Vv]ivado v([0-9]{4}[.][0-9]+([.][0-9]+)?)", minimum="2018.2")
_CLOCK = "clock.xdc"
_STAGES = {"logic-synthesis": "synthesized", "implementation": "routed"}
_PHASES = {
    "logic-synthesis": (
        Phase(r"^Starting RTL Elaboration", "elaboration"),
        Phase(r"^Start Cross Boundary and Area Optimization", "optimization"),
        Phase(r"^Start Technology Mapping", "technology mapping"),
        Phase(r"^Start Writing Synthesis Report", "writing the netlist"),
        Phase(r"^Command: (report_\w+)", r"\1"),
    ),
    "implementation": (
        Phase(r"^Command: (\w+_design)", r"\1"),
        Phase(r"^Phase (\d+ .+)$", r"phase \1"),
        Phase(r"^Command: (report_\w+)", r"\1"),
    ),
}


@dataclass(frozen=True)
class RtlSources:
    """RTL to synthesize.

    Attributes:
        design: What it is, and the folder in which Vivado runs.
        top: Its top module.
        clock: Name of the clock's port.
        files: Its Verilog files, or one folder with all of them; relative to the folder in which Vivado runs.
        folder: Whether it is a folder.
    """

    design: DesignName
    top: str
    clock: str
    files: tuple[str, ...]
    folder: bool = False


def hls_rtl(top: str) -> RtlSources:
    """Return the RTL that Vitis HLS or Vivado HLS leaves in hls4ml's project."""
    return RtlSources("hls", top, "ap_clk", (f"{top}_prj/solution1/syn/verilog",), folder=True)


def steps(
    sources: RtlSources, wanted: Collection[str], *, part: str, clock_period_ns: float, fatal: Sequence[str] = ()
) -> tuple[ToolStep, ...]:
    """Return the plan for Vivado.

    Args:
        sources: The RTL.
        wanted: `logic-synthesis`, or `implementation`, which includes it; with neither there are no steps.
        part: Device.
        clock_period_ns: Period of the clock in ns.
        fatal: Ids of critical warnings that are to be errors.
    """
    last = max((STEPS.index(step) for step in STEPS if step in wanted), default=-1)
    return tuple(_step(step, sources, part, clock_period_ns, fatal) for step in STEPS[: last + 1])


def _step(step: str, sources: RtlSources, part: str, clock_period_ns: float, fatal: Sequence[str]) -> ToolStep:
    stage = f"{FOLDER}/{_STAGES[step]}"
    script = f"{step}.tcl"
    text = templating.render(
        "vivado.tcl.j2",
        step=step,
        sources=sources,
        part=part,
        clock=_CLOCK,
        fatal=tuple(dict.fromkeys((*xilinx.FATAL, *fatal))),
        stage=stage,
        synthesized=f"{FOLDER}/{_STAGES['logic-synthesis']}.dcp",
    )
    files = {script: text}
    if step == "logic-synthesis":
        files[_CLOCK] = (
            f"create_clock -name {sources.clock} -period {clock_period_ns:.3f} [get_ports {sources.clock}]\n"
        )
    return ToolStep(
        name=step,
        design=sources.design,
        commands=(
            Command("vivado", ("-mode", "batch", "-nojournal", "-nolog", "-notrace", "-source", script), _VERSION),
        ),
        mend=MEND,
        log=f"{step}.log",
        messages=xilinx.messages(fatal),
        files=files,
        leaves=(
            ExpectedFile(f"{stage}_utilization.rpt", "utilization"),
            ExpectedFile(f"{stage}_utilization_hierarchical.rpt", "layers"),
            ExpectedFile(f"{stage}_timing.rpt", "timing"),
            ExpectedFile(f"{stage}.dcp", bulky=True),
        ),
        phases=_PHASES[step],
    )

"""Catapult on hls4ml's project. One run does everything: hls4ml's script cannot resume an existing project."""

from __future__ import annotations

from collections.abc import Collection

from trigcnn.hls.synthesis.vendors.plan import Command, ExpectedFile, Messages, Phase, ToolStep

STEPS = frozenset({"csim", "cosim", "logic-synthesis"})
MEND = "install Catapult and put its bin folder on PATH"

_PHASES = (
    Phase(r"^\*+ C SIMULATION \*+$", "C simulation"),
    Phase(r"^\*+ C/RTL SYNTHESIS \*+$", "C synthesis"),
    Phase(r"^\*+ VIVADO SYNTHESIS \*+$", "logic synthesis"),
    Phase(r"^# > go (\w+)", r"go \1"),
)


def steps(top: str, wanted: Collection[str]) -> tuple[ToolStep, ...]:
    """Return the plan for Catapult.

    Args:
        top: hls4ml's `ProjectName`.
        wanted: Of `csim`, `cosim` and `logic-synthesis` (by Vivado, for a part of Xilinx), those to do besides C
            synthesis.
    """
    switches = {
        "reset": False,
        "csim": "csim" in wanted,
        "synth": True,
        "cosim": "cosim" in wanted,
        "validation": False,
        "export": False,
        "vsynth": "logic-synthesis" in wanted,
        "fifo_opt": False,
        "bitfile": False,
        "ran_frame": 5,
        "sw_opt": False,
        "power": False,
        "da": False,
        "vhdl": False,
        "verilog": True,
        "bup": False,
    }
    words = " ".join(f"{name}={value}" for name, value in switches.items())
    project = f"{top}_prj"
    solution = f"{project}/{top}.v1"
    leaves = [ExpectedFile(f"{solution}/rtl.rpt", "catapult")]
    if "csim" in wanted:
        leaves.append(ExpectedFile("tb_data/csim_results.log", "outputs"))
    if "cosim" in wanted:
        leaves.append(ExpectedFile("tb_data/rtl_cosim_results.log", "outputs"))
    if "logic-synthesis" in wanted:
        leaves.append(ExpectedFile(f"{solution}/vivado_concat_v/utilization_synth.rpt", "utilization"))
        leaves.append(ExpectedFile(f"{solution}/vivado_concat_v/timing_summary_synth.rpt", "timing"))
    step = ToolStep(
        name="csynth",
        design="hls",
        commands=(
            Command(
                "catapult",
                ("-product", "ultra", "-shell", "-f", "build_prj.tcl", "-eval", f'set ::argv "{words}"'),
            ),
        ),
        mend=MEND,
        log="csynth.log",
        messages=Messages(error=r"^(# )?Error:|^ERROR:", critical="^CRITICAL WARNING:"),
        banner=r"Catapult[^\n]*? (\d{4}\.\d+)",
        needs=("vivado",) if "logic-synthesis" in wanted else (),
        # Otherwise it would make a second project beside the first.
        clears=(project, f"{project}.ccs"),
        leaves=tuple(leaves),
        phases=_PHASES,
    )
    return (step,)

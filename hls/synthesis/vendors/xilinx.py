"""Parts that Vitis HLS, Vivado HLS and Vivado share: the messages of their logs, and hls4ml's switches."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from trigcnn.hls.synthesis.vendors.plan import Command, ExpectedFile, Messages, Phase, ToolStep

STEPS = frozenset({"csim", "cosim", "export", "logic-synthesis", "implementation"})
_HLS_STEPS = ("csim", "csynth", "cosim", "export")
# Without them the clock is not constrained, or the netlist is not the design.
FATAL = (
    "Vivado 12-4739",  # a constraint names an object that does not exist
    "Synth 8-6859",  # a net with several drivers
    "Synth 8-3352",  # the same, until 2019
)
HLS_PHASES = (
    Phase(r"^\*+ C SIMULATION \*+$", "C simulation"),
    Phase(r"Analyzing design file", "reading the C++"),
    Phase(r"Compiling Optimization and Transform|Starting code transformations", "transforming the C++"),
    Phase(r"-- Implementing module '([^']+)'", r"scheduling \1"),
    Phase(r"-- Generating RTL for module '([^']+)'", r"writing the RTL of \1"),
    Phase(r"^\*+ C/RTL SIMULATION \*+$", "simulating the RTL"),
    Phase(r"^\*+ C/RTL VALIDATION \*+$", "comparing the simulations"),
    Phase(r"^\*+ EXPORT IP \*+$", "packing the IP"),
)


def hls_steps(wanted: Collection[str]) -> tuple[str, ...]:
    """Return the HLS tool's steps in their order: C synthesis, and the wanted ones."""
    return tuple(step for step in _HLS_STEPS if step == "csynth" or step in wanted)


def messages(fatal: Sequence[str] = ()) -> Messages:
    """Return how the tools mark lines, with further message ids that are fatal, such as `Timing 38-282`."""
    ids = dict.fromkeys((*FATAL, *fatal))
    return Messages(
        error="^ERROR:", critical="^CRITICAL WARNING:", fatal=tuple(rf"^CRITICAL WARNING: \[{each}\]" for each in ids)
    )


def switches(step: str, *, compared: bool) -> dict[str, bool]:
    """Return the switches of hls4ml's `build_prj.tcl` for one step.

    C synthesis begins with an empty solution, so that no result of an earlier one remains.

    Args:
        step: `csim`, `csynth`, `cosim` or `export`.
        compared: After the simulation of the RTL, compare its outputs with those of the C simulation.
    """
    # In this order: the Tcl of the Vivado backend takes the first `synth=` it finds, and `vsynth=` holds one.
    return {
        "reset": step in ("csim", "csynth"),
        "csim": step == "csim",
        "synth": step == "csynth",
        "cosim": step == "cosim",
        "validation": step == "cosim" and compared,
        "export": step == "export",
        "vsynth": False,
        "fifo_opt": False,
    }


def leaves(step: str, top: str) -> tuple[ExpectedFile, ...]:
    """Return the files that a step of `build_prj.tcl` must leave."""
    solution = f"{top}_prj/solution1"
    return {
        "csim": (ExpectedFile("tb_data/csim_results.log", "outputs"),),
        "csynth": (
            ExpectedFile(f"{solution}/syn/report/{top}_csynth.xml", "csynth"),
            # Read together: Vivado HLS names the layers only here.
            ExpectedFile(f"{solution}/syn/report/{top}_csynth.rpt"),
        ),
        "cosim": (
            ExpectedFile(f"{solution}/sim/report/{top}_cosim.rpt", "cosim"),
            ExpectedFile("tb_data/rtl_cosim_results.log", "outputs"),
        ),
        "export": (ExpectedFile(f"{solution}/impl/ip/component.xml"),),
    }[step]


def hls_step(
    step: str,
    top: str,
    commands: tuple[Command, ...],
    *,
    mend: str,
    fatal: Sequence[str],
    files: Mapping[str, str] | None = None,
) -> ToolStep:
    """Plan one step of an HLS tool on hls4ml's project.

    Args:
        step: `csim`, `csynth`, `cosim` or `export`.
        top: hls4ml's `ProjectName`.
        commands: Command lines that do it.
        mend: What to do when no tool is there.
        fatal: Ids of critical warnings that are to be errors.
        files: Files to write before it.
    """
    return ToolStep(
        name=step,
        design="hls",
        commands=commands,
        mend=mend,
        # Not vivado_hls.log: that tool keeps a log of that name itself, in the same folder.
        log=f"{step}.log",
        messages=messages(fatal),
        files=dict(files or {}),
        leaves=leaves(step, top),
        phases=HLS_PHASES,
    )

"""Intel's HLS compiler on hls4ml's Quartus project, through the Makefile that hls4ml writes.

`i++` compiles the C++ to RTL and to a program that simulates it; with `--quartus-compile` it starts `quartus_sh` too.
"""

from __future__ import annotations

from collections.abc import Collection

from trigcnn.hls.synthesis.vendors.plan import Command, ExpectedFile, Messages, Phase, ToolStep, VersionQuery

STEPS = frozenset({"cosim", "implementation"})
MEND = "install Quartus Prime with the Intel HLS Compiler (24.1 or older) and source its init_hls.sh"
# Clang's, Quartus' and the simulator's.
MESSAGES = Messages(
    error=r"^ERROR:|(^|: )(fatal )?[Ee]rror( \([0-9]+\))?:", critical=r"^ *Critical Warning( \([0-9]+\))?:"
)

# The compiler was discontinued after 24.1.
_VERSION = VersionQuery("i++", ("--version",), r"Version ([0-9]+[.][0-9]+([.][0-9]+)?)", maximum="24.1")
_PHASES = (
    Phase(r"[Oo]ptimizing component\(s\)", "optimizing the components"),
    Phase(r"[Cc]ompiling ", "compiling"),
    Phase(r"Running Quartus Prime (.*)$", r"Quartus \1"),
)


def steps(top: str, wanted: Collection[str]) -> tuple[ToolStep, ...]:
    """Return the plan for the compiler.

    Args:
        top: hls4ml's `ProjectName`.
        wanted: `cosim` to simulate the RTL, which measures the latency; `implementation` to place and route it.
    """
    target, reports = f"{top}-fpga", f"{top}-fpga.prj/reports/lib"
    placed, simulated = "implementation" in wanted, "cosim" in wanted
    leaves = [ExpectedFile(f"{reports}/report_data.js", "quartus")]
    if placed:
        leaves.append(ExpectedFile(f"{reports}/quartus_data.js", "quartus-fit"))
    compiled = ToolStep(
        name="implementation" if placed else "csynth",
        design="hls",
        commands=(Command("make", (target, *(("QUARTUS_COMPILE=--quartus-compile",) if placed else ())), _VERSION),),
        mend=MEND,
        log="compile.log",
        messages=MESSAGES,
        needs=("i++", "quartus_sh") if placed else ("i++",),
        # make would consider it up to date.
        clears=(target, f"{target}.prj"),
        leaves=tuple(leaves),
        phases=_PHASES,
    )
    if not simulated:
        return (compiled,)
    simulation = ToolStep(
        name="cosim",
        design="hls",
        commands=(Command(f"./{target}", (), _VERSION),),
        mend=MEND,
        log="cosim.log",
        messages=MESSAGES,
        leaves=(
            ExpectedFile(f"{reports}/verification_data.js", "quartus-cosim"),
            ExpectedFile("tb_data/results.log", "outputs"),
        ),
    )
    return compiled, simulation

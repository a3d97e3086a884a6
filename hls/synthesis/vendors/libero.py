"""Microchip's SmartHLS and Libero on hls4ml's project: `shls`, which starts the steps of its Makefile."""

from __future__ import annotations

from collections.abc import Collection

from trigcnn.hls.synthesis.vendors.plan import Command, ExpectedFile, Messages, Phase, ToolStep

STEPS = frozenset({"csim", "cosim", "logic-synthesis", "implementation"})
MEND = "install SmartHLS with Libero SoC, and put shls (and for more than C synthesis libero and vsim) on PATH"

_REPORT = "hls_output/reports/summary.results.rpt"
# In their order: name of the step, shls' command, files that must exist after it.
_COMMANDS = (
    ("csim-build", "sw_compile", ()),
    ("csim", "sw_run", ("tb_data/csim_results.log",)),
    ("csynth", "hw", ()),
    ("cosim", "cosim", ()),
    ("logic-synthesis", "rtl_synth", ()),
    ("implementation", "fpga", ()),
)
_NEEDS = {"cosim": ("vsim",), "logic-synthesis": ("libero",), "implementation": ("libero",)}
_PHASES = (
    Phase(r"Info: (?:Running|Starting|Executing) (.{1,60})", r"\1"),
    Phase(r"^=+ *(Synthesis|Place and Route|Timing)", r"\1"),
)


def steps(wanted: Collection[str]) -> tuple[ToolStep, ...]:
    """Return the plan for SmartHLS.

    Args:
        wanted: Of `csim`, `cosim`, `logic-synthesis` and `implementation`, those to do besides C synthesis.
    """
    names = {"csynth", *wanted} | ({"csim-build"} if "csim" in wanted else set())
    chosen = [row for row in _COMMANDS if row[0] in names]
    last = chosen[-1][0]
    return tuple(_step(name, command, files, summed_up=name == last) for name, command, files in chosen)


def _step(name: str, command: str, files: tuple[str, ...], *, summed_up: bool) -> ToolStep:
    leaves = tuple(ExpectedFile(path, "outputs") for path in files)
    if summed_up:
        # Each command rewrites this report with all steps so far; after C synthesis alone it has no figures.
        leaves += (ExpectedFile(_REPORT, None if name == "csynth" else "libero"),)
    return ToolStep(
        name=name,
        design="hls",
        # -s: without the earlier commands.
        commands=(Command("shls", ("-s", command)),),
        mend=MEND,
        log=f"{name}.log",
        messages=Messages(error=r"^ *(Error|ERROR):|: error:", critical="^ *(Critical Warning|CRITICAL WARNING):"),
        banner=r"SmartHLS[^\n0-9]*(\d{4}\.\d+(?:\.\d+)?)",
        needs=_NEEDS.get(name, ()),
        leaves=leaves,
        phases=_PHASES,
    )

"""Vitis HLS on hls4ml's project: `vitis-run`, or `vitis_hls` if only that exists."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from trigcnn.hls.synthesis.vendors import xilinx
from trigcnn.hls.synthesis.vendors.plan import Command, ToolStep, VersionQuery

SCRIPT = "build_prj.tcl"
MEND = "install Vitis 2020.2 or newer and source its settings64.sh"

_COMMANDS = (
    Command(
        "vitis-run",
        ("--tcl", SCRIPT, "--mode", "hls"),
        VersionQuery("vitis-run", ("--version",), r"v([0-9]{4}[.][0-9]+([.][0-9]+)?)", minimum="2023.1"),
    ),
    # 2022.2 and older have no vitis-run (hls4ml#1463); from 2025.1 on there is no vitis_hls.
    Command(
        "vitis_hls",
        ("-f", SCRIPT),
        VersionQuery("vitis_hls", ("-version",), r"v([0-9]{4}[.][0-9]+([.][0-9]+)?)", minimum="2020.2"),
    ),
)


def steps(top: str, wanted: Collection[str], *, fatal: Sequence[str] = ()) -> tuple[ToolStep, ...]:
    """Return the plan for Vitis HLS.

    Args:
        top: hls4ml's `ProjectName`.
        wanted: Of `csim`, `cosim` and `export`, those to do besides C synthesis.
        fatal: Ids of critical warnings that are to be errors.
    """
    return tuple(_step(step, top, wanted, fatal) for step in xilinx.hls_steps(wanted))


def _step(step: str, top: str, wanted: Collection[str], fatal: Sequence[str]) -> ToolStep:
    switches = xilinx.switches(step, compared="csim" in wanted)
    lines = "".join(f"    {name:<10} {value:d}\n" for name, value in switches.items())
    options = {"build_opt.tcl": f"array set opt {{\n{lines}}}\n"}
    return xilinx.hls_step(step, top, _COMMANDS, mend=MEND, fatal=fatal, files=options)

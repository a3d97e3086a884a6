"""Vivado HLS on hls4ml's project."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from trigcnn.hls.synthesis.vendors import xilinx
from trigcnn.hls.synthesis.vendors.plan import Command, ToolStep, VersionQuery

MEND = "install Vivado 2020.1 or older with Vivado HLS and source its settings64.sh"

_VERSION = VersionQuery(
    "vivado_hls", ("-version",), r"v([0-9]{4}[.][0-9]+([.][0-9]+)?)", minimum="2018.2", maximum="2020.1"
)


def steps(top: str, wanted: Collection[str], *, fatal: Sequence[str] = ()) -> tuple[ToolStep, ...]:
    """Return the plan for Vivado HLS.

    Args:
        top: hls4ml's `ProjectName`.
        wanted: Of `csim`, `cosim` and `export`, those to do besides C synthesis.
        fatal: Ids of critical warnings that are to be errors.
    """
    return tuple(_step(step, top, wanted, fatal) for step in xilinx.hls_steps(wanted))


def _step(step: str, top: str, wanted: Collection[str], fatal: Sequence[str]) -> ToolStep:
    switches = xilinx.switches(step, compared="csim" in wanted)
    words = " ".join(f"{name}={value:d}" for name, value in switches.items())
    command = Command("vivado_hls", ("-f", "build_prj.tcl", words), _VERSION)
    return xilinx.hls_step(step, top, (command,), mend=MEND, fatal=fatal)

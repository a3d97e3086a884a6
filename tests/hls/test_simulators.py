"""Simulators: the commands, and what becomes of what they say."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from trigcnn.hls.errors import ToolFailedError, ToolMissingError
from trigcnn.hls.rtl import simulators
from trigcnn.hls.rtl.simulators import BenchResult, Simulator

VERILOG = ("src/a.v", "src/static/b.v", "tb/top_tb.v")
VHDL = ("src/b.vhd", "src/a.vhd", "tb/top_tb.vhd")


@pytest.mark.parametrize(
    ("simulator", "sources", "commands"),
    [
        (
            "verilator",
            VERILOG,
            "verilator --binary --timing --timescale 1ns/1ps -Wno-fatal -j 0 --top-module top_tb -Mdir tb/verilator "
            "-f tb/files.f\ntb/verilator/Vtop_tb",
        ),
        ("icarus", VERILOG, "iverilog -g2012 -s top_tb -o tb/icarus.vvp -f tb/files.f\nvvp -n tb/icarus.vvp"),
        (
            "xsim",
            VERILOG,
            "xvlog --sv -f tb/files.f\nxelab --timescale 1ns/1ps -s top_tb work.top_tb\nxsim top_tb -R",
        ),
        (
            "questa",
            VERILOG,
            "vlib work\nvlog -sv -timescale 1ns/1ps -f tb/files.f\n"
            "vsim -c -onfinish exit -do 'onbreak {quit -code 1}; run -all; quit -code 1' top_tb",
        ),
        (
            "ghdl",
            VHDL,
            "ghdl -i --std=08 --workdir=tb src/b.vhd src/a.vhd tb/top_tb.vhd\nghdl -m --std=08 --workdir=tb top_tb\n"
            "ghdl -r --std=08 --workdir=tb top_tb --ieee-asserts=disable",
        ),
        (
            "xsim",
            VHDL,
            "xvhdl --2008 -f tb/files.f\nxelab --timescale 1ns/1ps -s top_tb work.top_tb\nxsim top_tb -R",
        ),
        (
            "questa",
            VHDL,
            "vlib work\nvcom -2008 -f tb/files.f\n"
            "vsim -c -onfinish exit -do 'onbreak {quit -code 1}; run -all; quit -code 1' top_tb",
        ),
    ],
)
def test_the_plan_holds_every_command(simulator: Simulator, sources: tuple[str, ...], commands: str) -> None:
    assert simulators.plan(simulator, "top_tb", sources).text == commands


def fake(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{script}\n")
    path.chmod(0o755)


def simulate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> BenchResult:
    """Run Icarus Verilog, played by two scripts."""
    programs, project = tmp_path / "programs", tmp_path / "project of a user"
    project.mkdir()
    (project / "mark").touch()
    fake(programs, "iverilog", "open('made', 'w'); print(__import__('sys').argv)")
    fake(programs, "vvp", f"import sys\nopen('made'); open('mark')\n{script}")
    monkeypatch.setenv("PATH", str(programs))
    plan = simulators.plan("icarus", "top_tb", VERILOG)
    try:
        return simulators.run(plan, project, tmp_path, timeout_s=30)
    finally:
        assert [path.name for path in project.iterdir()] == ["mark"]


def test_the_verdict_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = simulate(tmp_path, monkeypatch, "print('noise PASS: no')\nprint('PASS: 5 events')\nprint('noise')")
    assert result == BenchResult("Icarus Verilog", True, "PASS: 5 events", "noise PASS: no\nPASS: 5 events\nnoise\n")
    assert "'-f', 'tb/files.f'" in (tmp_path / "icarus_1.log").read_text()


@pytest.mark.parametrize("status", [0, 1, 134])
def test_a_test_bench_that_fails_is_a_result(status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = simulate(tmp_path, monkeypatch, f"print('FAIL: 3 differences')\nsys.exit({status})")
    assert (result.passed, result.verdict) == (False, "FAIL: 3 differences")


def test_a_simulator_that_says_nothing_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolFailedError, match=r"^Icarus Verilog ended without a verdict .*; see .*icarus_2\.log$"):
        simulate(tmp_path, monkeypatch, "print('done')")


@pytest.mark.parametrize("said", ["nothing", "PASS: all"])
def test_a_simulator_that_crashes_has_failed(said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolFailedError, match=rf"(?s)^vvp failed with exit status 2; .*icarus_2\.log:\n  \| {said}$"):
        simulate(tmp_path, monkeypatch, f"print({said!r})\nsys.exit(2)")


@pytest.mark.parametrize(
    ("simulator", "message"),
    [
        ("icarus", r"^iverilog was not found on PATH; install Icarus Verilog \(Debian: apt install iverilog\), or use"),
        ("ghdl", r"^ghdl was not found on PATH; install GHDL \(Debian: apt install ghdl\)$"),
        ("xsim", r"^xvlog was not found on PATH; install Vivado Simulator$"),
        ("verilator", r"^make was not found on PATH; install it \(Debian: apt install make; "),
    ],
)
def test_a_missing_simulator_is_named(
    simulator: Simulator, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("make") is None
    with pytest.raises(ToolMissingError, match=message):
        simulators.run(simulators.plan(simulator, "top_tb", VERILOG), tmp_path / "project", tmp_path, timeout_s=30)

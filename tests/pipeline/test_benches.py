"""The projects with test benches that a run leaves."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.hls.graphs import given, graph, layer
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.engines import interpreter
from trigcnn.hls.graph.graph import Graph, Weights
from trigcnn.hls.rtl import parallel
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.pipeline.cache.folder import RunFolder
from trigcnn.pipeline.config.file import validate
from trigcnn.pipeline.config.gates import GatesConfig
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.context import Context
from trigcnn.pipeline.results.bench import Bench
from trigcnn.pipeline.results.checked import Checked
from trigcnn.pipeline.results.quality import Quality
from trigcnn.pipeline.verification import benches
from trigcnn.pipeline.verification.gates import judge

Trigcnn = Callable[..., subprocess.CompletedProcess[str]]
EVENTS = np.arange(-8, 8).reshape(8, 2) / 4.0


def dense() -> Graph:
    weights = {
        "weight": Weights(FixedPoint(True, 4, 1), np.array([[3, -5], [7, 2]])),
        "bias": Weights(FixedPoint(True, 4, 1), np.array([1, -1])),
    }
    y = layer("Dense", "x", (2,), "fixed<16,8>", accumulator="fixed<16,8>", weights=weights)
    return graph(given((2,), "fixed<4,2>"), y, name="net")


class Made:
    """A run that is converted, and what its check would write."""

    def __init__(self, folder: Path, *, vhdl: bool = False) -> None:
        self.run, self.stage = folder / "run", folder / "stage"
        converted = self.run / "convert"
        converted.mkdir(parents=True)
        self.stage.mkdir()
        (converted / "manifest.json").touch()
        self.graph = dense()
        self.design = parallel.generate(
            self.graph,
            converted / "rtl",
            clock_period_ns=4,
            stage_delay=2,
            max_multiplications=100,
            vhdl_folder=converted / "vhdl" if vhdl else None,
        )
        self.outputs = interpreter.build(self.graph).predict(EVENTS.astype(np.float32))

    def make(self, *, equal: bool = True, wrong: bool = False, **options: Any) -> list[Bench]:
        config = validate({"name": "net", **options}, "here")
        context = Context(config, RunFolder(self.run), Console(), "")
        outputs = self.outputs[::-1] if wrong else self.outputs
        events = EVENTS.astype(np.float32)
        return benches.make(context, self.stage, self.graph, self.design, events, outputs, equal=equal)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


@pytest.fixture
def made_in_both(tmp_path: Path) -> Made:
    return Made(tmp_path, vhdl=True)


def test_the_project_holds_the_first_events_and_all_that_is_needed(made: Made) -> None:
    (bench,) = made.make(test_bench={"events": 3})
    assert bench == Bench("Verilog", "check/rtl", 3, None, None, "test_bench.simulator is none")
    assert str(bench) == "Verilog test bench with 3 events in check/rtl; not run: test_bench.simulator is none"
    tb = made.stage / "rtl" / "tb"
    assert len((tb / "inputs.hex").read_text().splitlines()) == 3
    sources = (tb / "files.f").read_text().split()
    assert sources[-1] == "tb/net_tb.v"
    assert all((made.stage / "rtl" / source).is_file() for source in sources)
    assert "#2.5;" in (tb / "net_tb.v").read_text()
    assert not (made.run / "convert" / "rtl" / "tb").exists()


def test_there_are_no_more_events_than_test_events(made: Made) -> None:
    assert made.make()[0].events == len(EVENTS)


def test_no_test_bench_is_written_where_none_is_asked_for_or_the_rtl_is_wrong(made: Made) -> None:
    assert made.make(test_bench={"events": 0}) == []
    assert made.make(equal=False) == []
    assert list(made.stage.iterdir()) == []


def test_vhdl_without_ghdl_is_said_not_to_be_simulated(made_in_both: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(made_in_both.run))
    verilog, vhdl = made_in_both.make()
    assert (verilog.language, vhdl.language, vhdl.project) == ("Verilog", "VHDL", "check/vhdl")
    assert (vhdl.simulator, vhdl.passed) == (None, None)
    assert vhdl.verdict == (
        "GHDL is not installed, so this VHDL was neither analysed nor simulated; the Verilog of the same program was "
        "simulated on every test event"
    )
    assert (made_in_both.stage / "vhdl" / "tb" / "net_tb.vhd").is_file()


@pytest.mark.parametrize("wrong", [False, True])
def test_the_verdict_is_a_gate(wrong: bool, made_in_both: Made) -> None:
    for program in ("iverilog", "ghdl"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    found = made_in_both.make(wrong=wrong, test_bench={"simulator": "icarus"})
    assert [(bench.simulator, bench.passed) for bench in found] == [("Icarus Verilog", not wrong), ("GHDL", not wrong)]
    quality = Quality(accuracy=None, confusion=None, target_fit=None, signal_efficiencies=[])
    checked = Checked(comparisons=[], quality=quality, test_benches=found)
    gates = judge(GatesConfig(max_accuracy_drop=None), checked)
    assert [(gate.name, gate.met, gate.wanted) for gate in gates] == [
        ("gates.exact", not wrong, "the Verilog test bench passes"),
        ("gates.exact", not wrong, "the VHDL test bench passes"),
    ]
    latency = made_in_both.design.latency_cycles
    said = "FAIL: 24 differences" if wrong else f"PASS: 8 events, latency {latency} cycles, interval 1"
    for gate, simulator, name in zip(gates, ("Icarus Verilog", "GHDL"), ("rtl", "vhdl"), strict=True):
        assert f"test bench with 8 events in check/{name}; {simulator}: {said}" in gate.found


@pytest.mark.slow
def test_a_run_leaves_a_project_that_can_be_moved_and_simulated(
    quick_run: tuple[Path, Path], trigcnn: Trigcnn, tmp_path: Path
) -> None:
    config, out = quick_run
    options = [
        "rtl.architecture=parallel",
        "rtl.language=vhdl",
        "test_bench.simulator=verilator",
        "test_bench.events=9",
    ]
    outcome = trigcnn("run", config, "--out", out, *(word for option in options for word in ("--set", option)))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    design = RtlDesign.load(out / "convert")
    passed = f"PASS: 9 events, latency {design.latency_cycles} cycles, interval 1"
    assert f"  Verilog test bench with 9 events in check/rtl; Verilator: {passed}\n" in outcome.stdout
    report = json.loads((out / "report" / "report.json").read_text())
    verilog, vhdl = report["test_benches"]
    assert (verilog["simulator"], verilog["passed"], verilog["verdict"]) == ("Verilator", True, passed)
    if shutil.which("ghdl") is None:
        assert (vhdl["simulator"], vhdl["passed"]) == (None, None)
    else:
        assert (vhdl["simulator"], vhdl["passed"], vhdl["verdict"]) == ("GHDL", True, passed)
    for page in ("report.md", "report.html"):
        text = (out / "report" / page).read_text()
        assert "check/rtl" in text
        assert "check/vhdl" in text
    if shutil.which("iverilog") is not None:
        moved = shutil.move(out / "check" / "rtl", tmp_path / "to the lab")
        script = "set -e; iverilog -g2012 -s quick_tb -o tb/icarus.vvp -f tb/files.f; vvp -n tb/icarus.vvp"
        said = subprocess.run(["bash", "-c", script], cwd=moved, capture_output=True, text=True, check=True).stdout
        assert said == f"{passed}\n"

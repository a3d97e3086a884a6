"""The search for the longest stage delay with which a clock is met."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.hls import placing
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import DoesNotFitError
from trigcnn.hls.graph.graph import Graph, Layer, Weights
from trigcnn.hls.rtl import parallel
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.hls.synthesis import timing_closure
from trigcnn.hls.synthesis.implement import Implementation, ImplementOptions
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.hls.synthesis.timing_closure import STAGE_DELAYS, TimingCandidate, TimingClosure, close

PART = "LFE5U-25F-6BG381C"
OPTIONS = placing.options(PART, 8.0)


def report(reached_ns: float) -> SynthesisReport:
    return SynthesisReport(
        *("nextpnr-ecp5", "0.11", "open-place-and-route", "rtl", PART, 8.0),
        lut=1000,
        ff=100,
        estimated_clock_period_ns=reached_ns,
    )


class FakeTools:
    """A design whose clock period is its stage delay plus `wires_ns`; above `fits_below` it does not fit."""

    def __init__(self, wires_ns: float, fits_below: float = 100.0) -> None:
        self.wires_ns = wires_ns
        self.fits_below = fits_below
        self.placed: list[float] = []

    def generate(self, stage_delay: float, folder: Path) -> RtlDesign:
        (folder / "src").mkdir(parents=True)
        stages = -(-20 // stage_delay)
        (folder / "src" / "net.v").write_text(f"// {stages:g} stages\n")
        (folder / "stage_delay").write_text(str(stage_delay))
        return RtlDesign("parallel", "net", int(stages) + 1, 1, (), (), 0.0, {}, sources={"verilog": ("src/net.v",)})

    def implement(self, sources: list[Path], top: str, folder: Path, options: ImplementOptions) -> Implementation:
        assert ([path.name for path in sources], top) == (["net.v"], "net")
        stage_delay = float((folder / "stage_delay").read_text())
        self.placed.append(stage_delay)
        if stage_delay > self.fits_below:
            raise DoesNotFitError("it does not fit")
        found = report(stage_delay + self.wires_ns)
        return Implementation(found, found)


def search(tools: FakeTools, monkeypatch: pytest.MonkeyPatch, folder: Path, **more: object) -> TimingClosure:
    monkeypatch.setattr(timing_closure, "implement", tools.implement)
    return close(tools.generate, folder, OPTIONS, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("wires_ns", [0.0, 1.5, 3.0, 4.5, 6.0, -12.0, -20.0])
def test_the_longest_delay_that_meets_the_clock_is_found(
    wires_ns: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tools = FakeTools(wires_ns)
    closure = search(tools, monkeypatch, tmp_path)
    assert closure.met
    assert closure.chosen.stage_delay == max(delay for delay in STAGE_DELAYS if delay + wires_ns <= 8)
    assert closure.chosen.reached_ns == closure.chosen.stage_delay + wires_ns
    assert len(closure.candidates) <= 4
    assert list(tmp_path.iterdir()) == []


def test_where_none_meets_the_clock_the_fastest_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    closure = search(FakeTools(7.0), monkeypatch, tmp_path)
    assert not closure.met
    assert closure.chosen == TimingCandidate(1.75, 13, 1000, 100, 8.75)
    assert [each.stage_delay for each in closure.candidates] == [5.0, 2.5, 1.75]
    assert (closure.clock_period_ns, closure.part) == (8.0, PART)


def test_designs_that_are_equal_are_placed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Two stages for each of the longest.
    tools = FakeTools(30.0)
    closure = search(tools, monkeypatch, tmp_path, delays=(19.0, 17.0, 15.0, 4.0))
    assert [each.stage_delay for each in closure.candidates] == [15.0, 4.0]
    tools = FakeTools(-10.0)
    closure = search(tools, monkeypatch, tmp_path, delays=(19.0, 17.0, 15.0, 13.0))
    assert [each.stage_delay for each in closure.candidates] == [15.0, 17.0, 19.0]
    assert tools.placed == [15.0]


def test_a_candidate_that_does_not_fit_does_not_meet_the_clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    noted: list[TimingCandidate] = []
    closure = search(FakeTools(-10.0, fits_below=4.0), monkeypatch, tmp_path, note=noted.append)
    assert noted == list(closure.candidates)
    assert noted[0] == TimingCandidate(5.0, 5, None, None, None)
    assert closure.met
    assert closure.chosen.stage_delay == 3.5


def test_where_nothing_fits_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(DoesNotFitError, match=r"^it does not fit$"):
        search(FakeTools(0.0, fits_below=0.0), monkeypatch, tmp_path)


@pytest.mark.slow
def test_more_registers_make_a_real_design_faster(tmp_path: Path) -> None:
    given, weight = FixedPoint.parse("fixed<8,4>"), FixedPoint.parse("fixed<6,3>")
    constants = {
        "weight": Weights(weight, np.random.default_rng(1).integers(-32, 32, (12, 1))),
        "bias": Weights(weight, np.zeros(1, np.int64)),
    }
    layers = (
        Layer("x", "Input", (), (12,), given),
        Layer("y", "Dense", ("x",), (1,), FixedPoint.parse("fixed<20,14>"), weights=constants),
    )
    graph = Graph("net", layers, ("x",), ("y",))

    def generate(stage_delay: float, folder: Path) -> RtlDesign:
        return parallel.generate(graph, folder, clock_period_ns=5, stage_delay=stage_delay, max_multiplications=100)

    closure = close(generate, tmp_path, placing.options(PART, 0.5), delays=(20.0, 2.5, 1.0))
    slow, fast = closure.candidates
    assert (slow.stage_delay, fast.stage_delay, closure.met) == (2.5, 1.0, False)
    assert fast.latency_cycles > slow.latency_cycles
    assert slow.reached_ns is not None
    assert fast.reached_ns is not None
    assert fast.reached_ns < slow.reached_ns
    assert closure.chosen == fast

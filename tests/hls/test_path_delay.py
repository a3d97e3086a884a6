"""Timing before place and route: delays of cells, and of assumed wires."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis import cell_delays, path_delay, yosys
from trigcnn.hls.synthesis.cell_delays import CellDelays

FDRE = CellDelays({}, {("Q", 0): 0.3}, {("D", 0): 0.05, ("R", 0): 0.4})
LUT2 = CellDelays({(("I0", 0), ("O", 0)): 0.6, (("I1", 0), ("O", 0)): 0.2}, {}, {})
LUT1 = CellDelays({(("I0", 0), ("O", 0)): 0.1}, {}, {})
CARRY4 = CellDelays({(("S", 0), ("O", 0)): 0.25}, {}, {})
DELAYS = {"FDRE": FDRE, "LUT1": LUT1, "LUT2": LUT2, "CARRY4": CARRY4}


def cell(kind: str, **connections: int | str) -> dict[str, Any]:
    return {"type": kind, "connections": {pin: [net] for pin, net in connections.items()}}


def register(source: int | str, target: int, reset: int | str = "0") -> dict[str, Any]:
    return cell("FDRE", C=1, D=source, Q=target, R=reset, CE="1")


def netlist(**cells: dict[str, Any]) -> dict[str, Any]:
    return {"ports": {"clk": {"direction": "input", "bits": [1]}}, "cells": cells}


def test_the_slowest_path_is_from_register_to_register() -> None:
    module = netlist(
        **{
            "conv1.a": register("0", 2),
            "conv1.sum": cell("LUT2", I0="1", I1=2, O=3),
            "dense_unit.act": cell("LUT2", I0=3, I1=2, O=4),
            "dense_unit.b": register(4, 5),
        }
    )
    path = path_delay.slowest_path(module, DELAYS, wire_delay_ns=0.5, layers=["conv1", "dense"])
    assert [(step.kind, step.start, step.end, step.delay_ns, step.layer) for step in path] == [
        ("clk-to-q", "conv1.a.Q", "conv1.a.Q", 0.3, "conv1"),
        ("routing", "conv1.a.Q", "conv1.sum.I1", 0.5, "conv1"),
        ("logic", "conv1.sum.I1", "conv1.sum.O", 0.2, "conv1"),
        ("routing", "conv1.sum.O", "dense_unit.act.I0", 0.5, "conv1"),
        ("logic", "dense_unit.act.I0", "dense_unit.act.O", 0.6, "dense"),
        ("routing", "dense_unit.act.O", "dense_unit.b.D", 0.5, "dense"),
        ("setup", "dense_unit.b.D", "dense_unit.b.D", 0.05, "dense"),
    ]


def test_a_reset_pin_is_an_end_too() -> None:
    path = path_delay.slowest_path(netlist(a=register("0", 2), b=register(2, 3, reset=2)), DELAYS, wire_delay_ns=0)
    assert [(step.end, step.delay_ns) for step in path] == [("a.Q", 0.3), ("b.R", 0.4)]


@pytest.mark.parametrize(("driver", "wire"), [("LUT1", 0.0), ("FDRE", 0.6)])
def test_a_carry_chain_is_entered_within_the_slice_from_a_look_up_table_alone(driver: str, wire: float) -> None:
    entry = {"a": register("0", 2), "s": cell("LUT1", I0=2, O=3)} if driver == "LUT1" else {"a": register("0", 3)}
    module = netlist(**entry, sum=cell("CARRY4", S=3, O=4), b=register(4, 5))
    path = path_delay.slowest_path(module, DELAYS, wire_delay_ns=0.5)
    into = [step.delay_ns for step in path if step.end == "sum.S" and step.kind == "routing"]
    # Over a wire, and through a look-up table.
    assert into == ([wire] if wire else [])


def test_ports_count_as_registers() -> None:
    module = netlist(f=cell("LUT2", I0=7, I1="0", O=8))
    module["ports"] |= {"x": {"direction": "input", "bits": [7]}, "y": {"direction": "output", "bits": [8, "0"]}}
    path = path_delay.slowest_path(module, DELAYS, wire_delay_ns=0.5)
    assert sum(step.delay_ns for step in path) == pytest.approx(0.3 + 0.5 + 0.6 + 0.5)
    assert (path[0].start, path[-1].end) == ("x", "y")


def test_logic_that_feeds_itself_is_refused() -> None:
    module = netlist(f=cell("LUT2", I0=8, I1="0", O=9), g=cell("LUT2", I0=9, I1="0", O=8))
    with pytest.raises(ToolFailedError, match="feeds itself"):
        path_delay.slowest_path(module, DELAYS, wire_delay_ns=0.5)


ADDER = """module adder(input clk, input [7:0] a, b, output reg [7:0] y);
  reg [7:0] ra, rb;
  always @(posedge clk) begin ra <= a; rb <= b; y <= ra + rb; end
endmodule
"""


def test_an_adder_takes_its_look_up_table_and_its_carry_chain(tmp_path: Path) -> None:
    (tmp_path / "adder.v").write_text(ADDER)
    netlist = Path("netlist.json")
    plan = yosys.plan(
        [Path("adder.v")],
        "adder",
        part="xc7vx690tffg1927-2",
        effort="fast",
        statistics=Path("stat.json"),
        netlist=netlist,
    )
    counted = yosys.run(plan, tmp_path, clock_period_ns=6.25, timeout_s=120)
    found = path_delay.estimate(tmp_path / netlist, "adder", tmp_path, counted, wire_delay_ns=0.5)
    assert found is not None
    # Register, wire, LUT2, two CARRY4 (into the chain and out of it), wire, register.
    assert [(step.kind, step.delay_ns) for step in found.critical_path or ()] == [
        ("clk-to-q", 0.303),
        ("routing", 0.5),
        ("logic", 0.238),
        ("logic", 0.528),
        ("logic", 0.334),
        ("routing", 0.5),
    ]
    assert found.estimated_clock_period_ns == 2.403
    assert (found.evidence, found.part, found.lut) == ("estimate", "xc7vx690tffg1927-2", None)
    assert found.slack_ns == pytest.approx(6.25 - 2.403)


def test_cells_without_delays_give_no_estimate(tmp_path: Path) -> None:
    (tmp_path / "n.json").write_text(json.dumps({"modules": {"top": netlist(m=cell("DSP48E1", A=2))}}))
    report = yosys.parse(
        {"creator": "Yosys 1", "modules": {}, "design": {"num_cells_by_type": {}}},
        yosys.plan([], "top", part="xc7z020clg400-1", effort="fast", statistics=Path("s")),
        clock_period_ns=5,
    )
    assert path_delay.estimate(tmp_path / "n.json", "top", tmp_path, report, wire_delay_ns=0.5) is None


def test_the_library_gives_the_delays_of_the_series(tmp_path: Path) -> None:
    delays = cell_delays.read(tmp_path)
    assert delays["FDRE"].clock_to_output == {("Q", 0): 0.303}
    assert delays["FDRE"].setup == {("D", 0): 0.0, ("CE", 0): 0.109, ("R", 0): 0.404}
    assert delays["LUT6"].through[("I0", 0), ("O", 0)] == 0.642
    assert delays["CARRY4"].through[("CI", 0), ("CO", 3)] == 0.114

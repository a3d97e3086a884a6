from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis import yosys

PART = "xcvu9p-flga2104-2L-e"
ECP5 = "LFE5U-85F-6BG381C"
STREAMING_NET = Path(__file__).parents[1] / "data" / "streaming_net" / "net.v"
SCRIPT = """\
read_verilog "src/top.v"
read_verilog "src/adder.v"
synth_xilinx -family xcup -flatten -noiopad -noclkbuf -nodsp -top top
check -assert
tee -q -o "yosys_stat.json" stat -json -tech xilinx
"""
ADDER = """\
module top (input clk, input [3:0] a, input [3:0] b, output reg [4:0] sum);
  reg [3:0] x, y;
  always @(posedge clk) begin
    x <= a;
    y <= b;
    sum <= x + y;
  end
endmodule
"""


def plan(effort: yosys.Effort = "default") -> yosys.YosysPlan:
    sources = [Path("src/top.v"), Path("src/adder.v")]
    return yosys.plan(sources, "top", part=PART, effort=effort, statistics=Path("yosys_stat.json"))


def test_the_plan_holds_every_command() -> None:
    assert plan() == yosys.YosysPlan("top", PART, "xcup", SCRIPT, "yosys_stat.json")


def test_the_fast_plan_maps_once() -> None:
    fast = SCRIPT.replace("synth_xilinx", "scratchpad -copy abc9.script.default.fast abc9.script\nsynth_xilinx")
    assert plan("fast").script == fast


def test_paths_with_blanks_are_quoted() -> None:
    made = yosys.plan([Path("a b/top.v")], "top", part=PART, effort="default", statistics=Path("c d.json"))
    assert made.script.splitlines()[0] == 'read_verilog "a b/top.v"'
    assert made.script.splitlines()[-1] == 'tee -q -o "c d.json" stat -json -tech xilinx'


def test_products_become_multiplier_blocks_only_if_asked() -> None:
    made = yosys.plan([Path("a.v")], "top", part=PART, effort="default", statistics=Path("s.json"), dsp=True)
    assert made.script.splitlines()[1] == "synth_xilinx -family xcup -flatten -noiopad -noclkbuf -top top"


def test_ecp5_gets_a_netlist() -> None:
    made = yosys.plan(
        [Path("net.v")],
        "net",
        part=ECP5,
        effort="default",
        statistics=Path("s.json"),
        netlist=Path("net.json"),
    )
    assert made.family == "ecp5"
    assert made.script == (
        'read_verilog "net.v"\n'
        "synth_ecp5 -nodsp -top net -run begin:map_ffs\n"
        "dffunmap -srst-only\n"
        'synth_ecp5 -nodsp -top net -run map_ffs: -json "net.json"\n'
        "check -assert\n"
        'tee -q -o "s.json" stat -json\n'
    )


def test_delays_can_be_flip_flops() -> None:
    made = yosys.plan(
        [Path("net.v")],
        "net",
        part="xc7vx690tffg1927-2",
        effort="default",
        statistics=Path("s.json"),
        shift_registers=False,
        netlist=Path("net.json"),
    )
    assert made.script == (
        'read_verilog "net.v"\n'
        "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -nosrl -nodsp -top net\n"
        "check -assert\n"
        'tee -q -o "s.json" stat -json -tech xilinx\n'
        "setattr -mod -unset keep_hierarchy\n"
        "flatten\n"
        'write_json "net.json"\n'
    )


def statistics(**cells: int) -> dict[str, Any]:
    return {
        "creator": "Yosys 0.70 (git sha1 abc)",
        "modules": {"\\top": {"num_cells_by_type": cells}},
        "design": {"num_cells_by_type": cells},
    }


def test_resources_are_added_up() -> None:
    cells = {"LUT1": 1, "LUT2": 10, "LUT6": 100, "FDRE": 7, "FDSE": 2, "CARRY4": 3, "INV": 50, "MUXF7": 4}
    memory = {"SRL16E": 5, "SRLC32E": 6, "DSP48E2": 8, "RAMB18E2": 1, "RAMB36E2": 2}
    report = yosys.parse(statistics(**cells, **memory), plan(), clock_period_ns=2.5)
    assert (report.lut, report.ff, report.srl, report.dsp, report.bram) == (111 + 11, 9, 11, 8, 5)
    assert (report.carry, report.carry_primitive) == (3, "CARRY4")
    assert (report.tool, report.version, report.evidence) == ("Yosys", "0.70", "open-synthesis")
    assert (report.design, report.part, report.clock_period_ns) == ("rtl", PART, 2.5)
    assert (report.estimated_clock_period_ns, report.latency_cycles_best) == (None, None)


def test_a_design_of_wires_needs_nothing() -> None:
    report = yosys.parse(statistics(), plan(), clock_period_ns=5)
    assert (report.lut, report.ff, report.carry, report.carry_primitive) == (0, 0, 0, None)


def test_a_primitive_of_unknown_size_is_refused() -> None:
    message = r"^Yosys used primitives that are not counted here: NEW1, URAM288$"
    with pytest.raises(ToolFailedError, match=message):
        yosys.parse(statistics(LUT2=1, URAM288=1, NEW1=2), plan(), clock_period_ns=5)


@pytest.mark.parametrize("missing", ["creator", "modules", "design", "num_cells_by_type"])
def test_counts_in_another_form_are_refused(missing: str) -> None:
    content = statistics(LUT2=1)
    if missing == "num_cells_by_type":
        content["design"] = {}
    else:
        del content[missing]
    message = rf"^the counts of Yosys have no '{missing}'; pyosys \d+\.\d+\S* is not understood$"
    with pytest.raises(ToolFailedError, match=message):
        yosys.parse(content, plan(), clock_period_ns=5)


@pytest.mark.parametrize("effort", ["default", "fast"])
def test_an_adder_with_registers_is_counted_exactly(effort: yosys.Effort, tmp_path: Path) -> None:
    (tmp_path / "an adder.v").write_text(ADDER)
    made = yosys.plan([Path("an adder.v")], "top", part=PART, effort=effort, statistics=Path("counts.json"))
    report = yosys.run(made, tmp_path, clock_period_ns=5, timeout_s=120)
    assert (report.lut, report.ff, report.carry, report.dsp) == (4, 13, 2, 0)
    assert (tmp_path / "yosys.ys").read_text() == made.script


def test_an_adder_is_counted_exactly_on_ecp5_too(tmp_path: Path) -> None:
    (tmp_path / "adder.v").write_text(ADDER)
    made = yosys.plan([Path("adder.v")], "top", part=ECP5, effort="fast", statistics=Path("counts.json"))
    report = yosys.run(made, tmp_path, clock_period_ns=5, timeout_s=120)
    assert report.carry_primitive == "CCU2C"
    assert (report.lut, report.ff, report.carry, report.dsp) == (6, 13, 3, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("part", "constant"), [(PART, 0), (ECP5, 1)])
def test_what_each_layer_takes_adds_up_to_the_design(part: str, constant: int, tmp_path: Path) -> None:
    shutil.copy(STREAMING_NET, tmp_path)
    made = yosys.plan([Path("net.v")], "net", part=part, effort="fast", statistics=Path("counts.json"), dsp=True)
    report = yosys.run(made, tmp_path, clock_period_ns=5, timeout_s=120)
    assert report.layers is not None
    assert [layer.name for layer in report.layers] == ["conv", "dense"]
    conv, dense = report.layers
    # The kernel of the convolution is counted with it; of its constant factor, ECP5 makes a multiplier block too.
    assert (conv.ff, conv.dsp, dense.dsp) == (12, constant, 1)
    for resource in ("lut", "ff", "dsp", "bram", "srl", "carry"):
        assert getattr(report, resource) == getattr(conv, resource) + getattr(dense, resource)


def test_an_error_of_yosys_is_shown_and_this_process_survives(tmp_path: Path) -> None:
    (tmp_path / "top.v").write_text("module top (input a, output b);\n  assign b = a +;\nendmodule\n")
    made = yosys.plan([Path("top.v")], "top", part=PART, effort="fast", statistics=Path("counts.json"))
    message = (
        r"(?s)^python\S* failed with exit status 1; the end of its log .*yosys\.log:.*top\.v:2: ERROR: syntax error"
    )
    with pytest.raises(ToolFailedError, match=message):
        yosys.run(made, tmp_path, clock_period_ns=5, timeout_s=120)


def test_counts_that_are_missing_are_an_error(tmp_path: Path) -> None:
    made = yosys.YosysPlan("top", PART, "xcup", "# nothing\n", "counts.json")
    with pytest.raises(ToolFailedError, match=r"^Yosys left no counts in .*counts\.json: .*No such file"):
        yosys.run(made, tmp_path, clock_period_ns=5, timeout_s=120)


FIFO = Path(__file__).parents[2] / "hls" / "rtl" / "library" / "verilog" / "trigcnn_fifo.v"


@pytest.mark.parametrize(
    ("part", "lut"),
    # The memory alone: 48 bits in a look-up table, in whole primitives; 16 x 4 bits in six of them on ECP5.
    [("xcvu9p-flga2104-2L-e", 8), ("xc7z020clg400-1", 12), (ECP5, 24)],
)
def test_a_queue_becomes_memory_of_look_up_tables(part: str, lut: int, tmp_path: Path) -> None:
    shutil.copy(FIFO, tmp_path / "fifo.v")
    parameters = ".BITS(14), .DEPTH(16), .POINTER_BITS(4), .COUNT_BITS(5)"
    ports = "input clk, input rst, input in_valid, input [13:0] in_data, input take, output out_valid"
    names = "clk rst in_valid in_data take out_valid out_data".split()
    connections = ", ".join(f".{name}({name})" for name in names)
    (tmp_path / "top.v").write_text(
        f"module top ({ports}, output [13:0] out_data);\n"
        f"  trigcnn_fifo #({parameters}) fifo ({connections});\nendmodule\n"
    )
    sources = [Path("fifo.v"), Path("top.v")]
    made = yosys.plan(sources, "top", part=part, effort="fast", statistics=Path("s.json"))
    report = yosys.run(made, tmp_path, clock_period_ns=5.0, timeout_s=120)
    # The 14 bits that bypass an empty memory, two pointers and a count come on top; as registers it were 224.
    assert report.lut is not None
    assert report.lut >= lut + 14
    assert report.ff is not None
    assert report.ff < 30

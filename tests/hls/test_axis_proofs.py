"""Proofs about the AXI4-Stream wrapper, for unbounded time, by temporal induction in Yosys' SAT solver.

Each module of the library is proved with checks from `tests/data/axis_checks`, and the wrappers of some designs around
a network that gives any outputs at any time, but never more words than it owes.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.hls.streaming_graphs import classifier, decoder
from tests.hls.test_two_designs import network
from trigcnn.hls.export import axi_streams, axis
from trigcnn.hls.export.axi_streams import AxiStreams
from trigcnn.hls.rtl import library, parallel
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.hls.rtl.streaming.generate import generate
from trigcnn.hls.rtl.streaming.units.workshop import bits_for
from trigcnn.hls.synthesis import yosys

CHECKS = Path(__file__).parents[1] / "data" / "axis_checks"

UNITS = [
    ("axis_skid", {"BITS": 2}),
    ("fifo", {"BITS": 2, "DEPTH": 5, "POINTER_BITS": 3, "COUNT_BITS": 3}),
    ("fifo", {"BITS": 2, "DEPTH": 1, "POINTER_BITS": 1, "COUNT_BITS": 1}),
    ("axis_split", {"BITS": 2, "PARTS": 3, "PART_BITS": 2, "TOTAL": 8, "TOTAL_BITS": 3}),
    ("axis_split", {"BITS": 2, "PARTS": 1, "PART_BITS": 1, "TOTAL": 8, "TOTAL_BITS": 3}),
    ("axis_merge", {"BITS": 2, "PARTS": 3, "PART_BITS": 2, "TOTAL": 8, "TOTAL_BITS": 3}),
    ("axis_frame", {"BITS": 2, "COUNT": 5, "INDEX_BITS": 3}),
    ("axis_frame", {"BITS": 2, "COUNT": 1, "INDEX_BITS": 1}),
]
BROKEN = [
    (0, "if (in_ready) kept", "if (in_valid) kept"),
    (1, "empty ? in_data", "in_valid ? in_data"),
    (3, "out_last | (part", "(part"),
    (5, "kept <= last_part ? {PARTS * BITS{1'b0}} : out_data", "kept <= out_data"),
    (6, "if (wrong & last) drop", "if (wrong & rst) drop"),
]


def prove(text: str, top: str, folder: Path, parameters: dict[str, int] | None = None, steps: int = 12) -> bool:
    """Return whether all assertions hold for ever; if not, there must be a trace that breaks one."""
    # Messages of a simulation.
    (folder / "design.v").write_text(re.sub(r"`ifndef SYNTHESIS.*?`endif\n", "", text, flags=re.DOTALL))
    values = "".join(f" -chparam {name} {value}" for name, value in (parameters or {}).items())
    script = [
        "read_verilog -formal -sv design.v",
        f"hierarchy -check -top {top}{values}",
        "proc; flatten; opt_clean; check -assert",
        "memory_map; async2sync; chformal -lower; opt_clean",
        f"sat -tempinduct -prove-asserts -set-assumes -seq 1 -maxsteps {steps}",
    ]
    yosys.run_script("\n".join(script) + "\n", "proof", folder, timeout_s=300)
    log = (folder / "proof.log").read_text()
    proved = "Induction step proven: SUCCESS!" in log
    assert proved != ("model found for base case: FAIL!" in log), log[-2000:]
    return proved


def unit(number: int) -> tuple[str, str, dict[str, int]]:
    """Return a module of the library, its text with the checks at its end, and its parameters."""
    name, parameters = UNITS[number]
    ((module, text),) = library.copies("any", [f"trigcnn_{name}"], "verilog")
    head, _ = text.rsplit("endmodule", 1)
    return module, head + (CHECKS / f"{name.removeprefix('axis_')}.v").read_text() + "endmodule\n", parameters


@pytest.mark.parametrize("number", range(len(UNITS)))
def test_a_module_loses_and_changes_nothing(number: int, tmp_path: Path) -> None:
    module, text, parameters = unit(number)
    assert prove(text, module, tmp_path, parameters)


@pytest.mark.parametrize(("number", "right", "wrong"), BROKEN)
def test_a_broken_module_is_refuted(number: int, right: str, wrong: str, tmp_path: Path) -> None:
    module, text, parameters = unit(number)
    assert text.count(right) == 1
    assert not prove(text.replace(right, wrong), module, tmp_path, parameters)


def any_network(design: RtlDesign) -> str:
    """Return a module with the design's ports that gives what the solver wants, but no more words than it owes."""
    pause = design.initiation_interval - design.words
    ports = ["input clk", "input rst", "input in_valid"]
    ports += [f"input [{port.width - 1}:0] {port.name}" for port in design.inputs]
    lines = [
        "reg [15:0] word, since;",
        "wire first = in_valid & (word == 0);",
        "always @(posedge clk) begin",
        f"  if (rst) word <= 0; else if (in_valid) word <= word == {design.words - 1} ? 0 : word + 1;",
        f"  if (rst) since <= {pause}; else if (in_valid) since <= 0; else if (since != {pause}) since <= since + 1;",
        # The words of an event come only after its pause.
        f"  if (!rst && first) assert (since == {pause});",
        "end",
    ]
    for n, port in enumerate(design.outputs):
        ports += [f"output {port.valid}", f"output [{port.width - 1}:0] {port.name}"]
        lines += [
            f"reg [15:0] owed{n};",
            f"(* anyseq *) wire wish{n}; (* anyseq *) wire [{port.width - 1}:0] any{n};",
            f"assign {port.valid} = wish{n} & (owed{n} != 0 | first);",
            f"assign {port.name} = any{n};",
            f"always @(posedge clk) owed{n} <= rst ? 0 : owed{n} + (first ? {port.words} : 0) - {port.valid};",
        ]
    return f"module {design.top} ({', '.join(ports)});\n" + "\n".join(lines) + "\nendmodule\n"


def wrapper_checks(streams: AxiStreams) -> str:
    """Return assertions at the end of a wrapper: no word is lost, and an offered beat stays until it is taken."""
    design = streams.design
    widths = {"core.word": 16, "core.since": 16, "admission.words.index": bits_for(design.words - 1)}
    checks = [r"assert (\core.word == \admission.words.index );", rf"assert (\core.word < {design.words});"]
    if streams.pause_cycles:
        widths["admission.g_pause.left"] = bits_for(streams.pause_cycles)
        left = rf"\core.since + \admission.g_pause.left == {streams.pause_cycles}"
        checks.append(rf"if (\core.word == 0) assert ({left});")
    else:
        checks.append(r"assert (\core.since == 0);")
    for n, stream in enumerate(streams.outputs):
        words, m = stream.port.words, stream.name
        depth = words * streams.events
        owed, held, lost = f"core.owed{n}", f"out{n}_fifo.g_memory.count", f"out{n}_fifo.lost"
        events, left = f"out{n}_credit.events", f"out{n}_credit.words.index"
        widths |= {
            owed: 16,
            held: bits_for(depth),
            lost: 1,
            events: bits_for(streams.events),
            left: bits_for(words - 1),
        }
        checks += [
            rf"assert (!\{lost} );",
            rf"assert (\{events} <= {streams.events} && \{left} < {words});",
            rf"assert (\{owed} <= {depth} && \{held} <= {depth});",
            # All words of all events under way are owed, in the FIFO, or gone.
            rf"assert (\{owed} + \{held} + \{left} == \{events} * 16'd{words});",
            f"if (!$past(rst) && $past({m}_tvalid && !{m}_tready)) assert ({m}_tvalid && "
            f"{m}_tdata == $past({m}_tdata) && {m}_tlast == $past({m}_tlast));",
        ]
    # Yosys connects these with the signals in the instances.
    declared = [rf"(* hierconn *) wire [{width - 1}:0] \{name} ;" for name, width in widths.items()]
    return "\n".join(
        [
            "reg started = 1'b0;",
            "always @(posedge aclk) started <= 1'b1;",
            "always @* if (!started) assume (rst);",
            *declared,
            "always @(posedge aclk) if (started && !rst) begin",
            *checks,
            "end\n",
        ]
    )


def wrapped(streams: AxiStreams, project: Path, folder: Path) -> str:
    """Return the exported text of a wrapper and its library, with the checks, around any network."""
    *modules, wrapper = axis.sources(streams, project, folder)
    text = "".join((folder / name).read_text() for name in modules if "_trigcnn_" in name)
    head, _ = (folder / wrapper).read_text().rsplit("endmodule", 1)
    return text + head + wrapper_checks(streams) + "endmodule\n" + any_network(streams.design)


@pytest.mark.parametrize("values_per_beat", [None, 3])
@pytest.mark.parametrize("kind", ["parallel", "image", "two inputs"])
def test_a_wrapper_loses_no_word(kind: str, values_per_beat: int | None, tmp_path: Path) -> None:
    project = tmp_path / "rtl"
    if kind == "parallel":
        design = parallel.generate(network("one", 1), project, stage_delay=3.0, max_multiplications=100)
    else:
        design = generate(classifier() if kind == "image" else decoder(), project, stage_delay=4.0)
    streams = axi_streams.of(design, values_per_beat)
    text = wrapped(streams, project, tmp_path)
    assert prove(text, streams.top, tmp_path)
    if kind == "parallel" and values_per_beat:
        # The control: a FIFO with a place less than there are credits.
        places = f".DEPTH({streams.events})"
        assert text.count(places) == 1
        assert not prove(text.replace(places, f".DEPTH({streams.events - 1})"), streams.top, tmp_path, steps=24)

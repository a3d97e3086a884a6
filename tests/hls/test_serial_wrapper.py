"""A design behind a board's serial port: what comes back over the line, and the bitstream."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.hls import placing
from tests.hls.graphs import IMAGE, events_for, graph, image_layer, layer, weighted
from tests.hls.oracle import expected
from tests.hls.serial_designs import ULX3S, streaming_design
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls import tool
from trigcnn.hls.engines.interpreter import build
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph, Layer, Weights
from trigcnn.hls.rtl import parallel, verilator
from trigcnn.hls.rtl.design import Port, RtlDesign
from trigcnn.hls.rtl.streaming import generate as streaming
from trigcnn.hls.synthesis import boards, ecp5, serial_wrapper

DATA = Path(__file__).parents[1] / "data"

# Widths of sums and constants, and what a bench must do: clocks, initial values, ports left open.
IGNORED = "WIDTHEXPAND WIDTHTRUNC UNUSEDSIGNAL DECLFILENAME PINCONNECTEMPTY BLKSEQ PROCASSINIT"
# What the wheel's makefile leaves empty, and no optimization.
MAKE_FLAGS = (
    "CFG_CXXFLAGS_PCH_I=-include CFG_CXXFLAGS_STD=-std=c++20 CFG_CXXFLAGS_COROUTINES=-fcoroutines "
    "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"
)

Integers = npt.NDArray[np.int64]


def simulate(design: RtlDesign, folder: Path, sources: list[Path], given: list[int]) -> bytes:
    """Let Verilator send bytes to the wrapper; bits 8 and 9 are explained in the bench."""
    (folder / "wrapper.v").write_text(serial_wrapper.wrapper(design, ULX3S))
    (folder / "given.hex").write_text("".join(f"{word:03x}\n" for word in given))
    root = verilator.root()
    macros = {"WRAPPER": f"{design.top}_board", "BYTES": len(given), "ANSWER": serial_wrapper.answer_size(design)}
    tool.run(
        [
            root / "bin" / "verilator",
            *"--binary -Wall --top-module serial_bench -o bench -j 2".split(),
            *(f"-Wno-{warning}" for warning in IGNORED.split()),
            *(f"-D{name}={value}" for name, value in macros.items()),
            *(DATA / "serial_bench.v", Path("wrapper.v"), *sources),
        ],
        cwd=folder,
        log=folder / "build.log",
        timeout_s=300,
        environment={
            "VERILATOR_ROOT": str(root),
            "MAKEFLAGS": MAKE_FLAGS,
            "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}",
        },
    )
    tool.run([folder / "obj_dir" / "bench"], cwd=folder, log=folder / "run.log", timeout_s=60)
    return bytes(int(line, 16) for line in (folder / "answers.hex").read_text().splitlines())


def script(design: RtlDesign, events: list[dict[str, Integers]]) -> list[int]:
    """The bytes of events, with a wait for the answer after each."""
    words: list[int] = []
    for event in events:
        words += serial_wrapper.event_bytes(design, event)
        words[-1] |= 0x200
    return words


@pytest.mark.slow
def test_a_streaming_design_answers_over_the_serial_line(tmp_path: Path) -> None:
    convolution = image_layer("Conv2D", (2, 3), 2, (2, 1), weights=weighted((2, 3, 2, 2)), result="fixed<7,4,RND,SAT>")
    # An image and a vector leave by ports of their own.
    largest = layer("GlobalPooling2D", "c", (2,), "fixed<7,4>", name="m", pool_op="Max")
    subject = graph(IMAGE, replace(convolution, name="c"), largest, outputs="c m")
    design = streaming.generate(subject, tmp_path / "rtl", stage_delay=3.0)
    events = events_for(subject, 3)
    integers = np.rint(events / IMAGE.result.lsb).astype(np.int64)
    (port,) = design.inputs
    # Once, three words without an end; after a pause they must have left no trace.
    given = script(design, [{port.name: event} for event in integers])
    given[0] |= 0x100
    data = simulate(design, tmp_path, sorted((tmp_path / "rtl").rglob("*.v")), [0x10F, 0x0F, 0x0F, *given])
    size = serial_wrapper.answer_size(design)
    assert len(data) == len(events) * size
    wanted = expected(subject, events)
    for n in range(len(events)):
        found = serial_wrapper.answer(design, data[size * n : size * (n + 1)])
        assert len(found) == 2
        for each in design.outputs:
            real = each.number_format.to_real(found[each.name])
            np.testing.assert_array_equal(real, wanted[each.layer][n].reshape(each.shape))


@pytest.fixture(scope="module")
def parallel_design(tmp_path_factory: pytest.TempPathFactory) -> tuple[Graph, RtlDesign, Path]:
    """A dense layer with two outputs, generated."""
    given, weight = FixedPoint.parse("fixed<5,3>"), FixedPoint.parse("fixed<4,2>")
    random = np.random.default_rng(1)
    constants = {
        "weight": Weights(weight, random.integers(-8, 8, (3, 2))),
        "bias": Weights(weight, random.integers(-8, 8, 2)),
    }
    layers = (
        Layer("x", "Input", (), (3,), given),
        Layer("y", "Dense", ("x",), (2,), FixedPoint.parse("fixed<12,7>"), weights=constants),
    )
    subject = Graph("tiny", layers, ("x",), ("y",))
    folder = tmp_path_factory.mktemp("parallel") / "rtl"
    design = parallel.generate(subject, folder, clock_period_ns=5, stage_delay=2.0, max_multiplications=1000)
    return subject, design, folder


@pytest.mark.slow
def test_a_parallel_design_answers_over_the_serial_line(
    parallel_design: tuple[Graph, RtlDesign, Path], tmp_path: Path
) -> None:
    subject, design, folder = parallel_design
    assert design.latency_cycles > 2
    integers = np.random.default_rng(2).integers(-16, 16, (6, 3))
    given = script(design, [{design.inputs[0].name: event} for event in integers])
    size = len(given) // 6
    data = simulate(design, tmp_path, sorted(folder.rglob("*.v")), given)
    width = -(-design.outputs[0].width // 8)
    assert (size, len(data)) == (-(-design.inputs[0].width // 8), 6 * width)
    wanted = build(subject).predict(subject.layers[0].result.to_real(integers).astype(np.float32))
    port = design.outputs[0]
    for n in range(6):
        found = serial_wrapper.answer(design, data[width * n : width * (n + 1)])
        np.testing.assert_array_equal(port.number_format.to_real(found[port.name]), wanted[n])


@pytest.mark.slow
def test_a_bitstream_comes_out_for_the_board(tmp_path: Path) -> None:
    design = streaming_design()
    shutil.copy(DATA / "streaming_net" / "net.v", tmp_path)
    options = placing.options("LFE5U-85F-8BG756C", 1.0)
    path, found = serial_wrapper.bitstream(design, [Path("net.v")], ULX3S, tmp_path, options)
    assert path == tmp_path / "net_board.bit"
    # The identification of LFE5U-25F, as in the command that ecppack writes before all frames.
    content = path.read_bytes()
    assert content.startswith(b"\xff\x00Part: LFE5U-25F-6CABGA381")
    assert b"\xe2\x00\x00\x00\x41\x11\x10\x43" in content
    placed = found.placement
    assert (placed.design, placed.part, placed.clock_period_ns) == ("board", "LFE5U-25F-6BG381C", 40.0)
    assert placed.slack_ns is not None
    assert placed.slack_ns > 0


def test_the_pins_are_those_of_the_board() -> None:
    assert boards.constraints(ULX3S) == (
        'LOCATE COMP "clk" SITE "G2";\n'
        'IOBUF PORT "clk" IO_TYPE=LVCMOS33 PULLMODE=NONE;\n'
        'LOCATE COMP "rx" SITE "M1";\n'
        'IOBUF PORT "rx" IO_TYPE=LVCMOS33 PULLMODE=UP;\n'
        'LOCATE COMP "tx" SITE "L4";\n'
        'IOBUF PORT "tx" IO_TYPE=LVCMOS33 PULLMODE=UP;\n'
        'LOCATE COMP "high[0]" SITE "L2";\n'
        'IOBUF PORT "high[0]" IO_TYPE=LVCMOS33 PULLMODE=NONE;\n'
        'FREQUENCY PORT "clk" 25 MHZ;\n'
    )


@pytest.mark.parametrize("name", boards.NAMES)
def test_every_board_has_a_part_and_a_line_that_keeps_time(name: str) -> None:
    board = boards.find(name)
    assert ecp5.parse(board.part).package == "CABGA381"
    assert abs(board.clock_hz / board.clocks_per_bit / boards.BAUD - 1) < 0.005


def test_an_unknown_board_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConversionError, match=r"^board 'arty' is not known; choose from ulx3s_12f, ulx3s_25f, "):
        boards.find("arty")


def test_an_event_is_packed_with_its_first_value_in_the_lowest_bits() -> None:
    design = streaming_design()
    image = np.arange(8).reshape(2, 4, 1)
    assert serial_wrapper.event_bytes(design, {"in_data": image}) == bytes(range(8))


def test_inputs_of_different_lengths_are_refused() -> None:
    design = streaming_design()
    (port,) = design.inputs
    other = Port("other", "z", (2,), port.number_format, 8)
    content: dict[str, Any] = {**vars(design), "inputs": (port, other)}
    message = r"^the inputs share one valid, and cannot have \[1, 8\] words per event$"
    with pytest.raises(ConversionError, match=message):
        serial_wrapper.wrapper(RtlDesign(**content), ULX3S)


def test_an_answer_of_another_length_is_refused() -> None:
    with pytest.raises(ConversionError, match=r"^an answer of net has 12 bytes, not 3; send the event again$"):
        serial_wrapper.answer(streaming_design(), b"abc")

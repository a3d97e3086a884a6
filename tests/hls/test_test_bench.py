"""Test benches in simulators: that they pass what is right, and fail on each way of being wrong."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from tests.hls import graphs
from tests.hls.graphs import events_for
from tests.hls.streaming_graphs import classifier, decoder, wanted_of
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph, Layer, Weights
from trigcnn.hls.rtl import package, parallel, simulators, test_bench
from trigcnn.hls.rtl.design import Language, Port, RtlDesign
from trigcnn.hls.rtl.simulators import BenchResult, SimulationPlan, Simulator
from trigcnn.hls.rtl.streaming.generate import generate

DATA = Path(__file__).parents[1] / "data"
EVENTS = 5

Integers = npt.NDArray[np.int64]


class Bench(NamedTuple):
    """A compiled test bench."""

    plan: SimulationPlan
    project: Path

    def run(self, logs: Path, *, fault: str = "none", **options: object) -> BenchResult:
        """Simulate, with a fault of the design and with options such as `seed`."""
        if self.plan.simulator != "ghdl":
            arguments = tuple(f"+{name}={value}" for name, value in {"fault": fault, **options}.items())
            return simulators.simulate(self.plan, self.project, logs, timeout_s=60, arguments=arguments)
        project = logs / "project"
        shutil.copytree(self.project, project)
        for path in (project / "src").glob("*.vhd"):
            path.write_text(path.read_text().replace('string := "none"', f'string := "{fault}"'))
        simulators.build(self.plan, project, logs, timeout_s=60)
        arguments = tuple(f"-g{name.upper()}={value}" for name, value in options.items())
        return simulators.simulate(self.plan, project, logs, timeout_s=60, arguments=arguments)


def needs(simulator: Simulator) -> None:
    program = {"icarus": "iverilog", "ghdl": "ghdl"}.get(simulator)
    if program is not None and shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def language_of(simulator: Simulator) -> Language:
    return "vhdl" if simulator == "ghdl" else "verilog"


# A streaming design with two inputs and two outputs, by hand.


def port(name: str, text: str, shape: tuple[int, ...], words: int, valid: str) -> Port:
    number_format = FixedPoint.parse(text)
    return Port(name, name, shape, number_format, number_format.width * shape[-1], words, valid)


STREAMING = RtlDesign(
    architecture="streaming",
    top="sums",
    latency_cycles=14,
    initiation_interval=12,
    inputs=(port("a", "fixed<4,2>", (3, 4, 2), 12, "in_valid"), port("b", "ufixed<3,3>", (3, 4, 1), 12, "in_valid")),
    outputs=(
        port("pairs", "fixed<5,3>", (3, 3, 2), 9, "pairs_valid"),
        port("total", "ufixed<7,7>", (1,), 1, "total_valid"),
    ),
    estimated_lut=0.0,
    estimated_lut_by_layer={},
)


def streaming_vectors(events: int = EVENTS) -> tuple[list[Integers], list[Integers]]:
    random = np.random.default_rng(5)
    a, b = random.integers(-8, 8, (events, 3, 4, 2)), random.integers(0, 8, (events, 3, 4, 1))
    return [a, b], [a[:, :, 1:] + a[:, :, :-1], b.sum((1, 2))]


def streaming_project(
    folder: Path, design: RtlDesign = STREAMING, *, events: int = EVENTS, language: Language = "verilog"
) -> tuple[str, ...]:
    (folder / "src").mkdir(parents=True)
    shutil.copy(DATA / ("sums.v" if language == "verilog" else "sums.vhd"), folder / "src")
    if language == "vhdl":
        (folder / "src" / "sums_pkg.vhd").write_text(package.vhdl(STREAMING))
    return test_bench.write(folder, design, *streaming_vectors(events), clock_period_ns=2.5, language=language)


@pytest.fixture(scope="module", params=["verilator", "icarus", "ghdl"])
def streaming(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The test bench, compiled as its README says."""
    needs(request.param)
    folder = tmp_path_factory.mktemp("streaming")
    plan = simulators.plan(request.param, "sums_tb", streaming_project(folder, language=language_of(request.param)))
    readme = (folder / "tb" / "README.md").read_text()
    (section,) = (part for part in readme.split("\n## ") if part.startswith(plan.title))
    commands, *before = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MAKEFLAGS": ""}
    script = "set -e\n" + "".join(before) + commands
    said = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert "\nPASS: 5 events, latency 14 cycles, interval 12\n" in f"\n{said}"
    return Bench(plan, folder)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2, 2**31 - 1])
def test_a_streaming_design_passes_with_any_gaps(streaming: Bench, seed: int, tmp_path: Path) -> None:
    result = streaming.run(tmp_path, seed=seed)
    assert (result.passed, result.verdict) == (True, "PASS: 5 events, latency 14 cycles, interval 12")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("late", "no gaps: the latency is 15 cycles, not 14"),
        ("missing", "no gaps: pairs gave 40 words, not 45"),
        ("surplus", "no gaps: pairs, cycle 72: valid is 1 after 45 of 45 words"),
        ("gaps", "random gaps: pairs, event 0, word "),
        ("pause", "no gaps: total, event 1, word 0: expected "),
        ("reset", "after a reset: pairs, event 0, word "),
    ],
)
def test_a_streaming_design_fails_on(streaming: Bench, fault: str, said: str, tmp_path: Path) -> None:
    result = streaming.run(tmp_path, fault=fault)
    assert not result.passed
    lines = result.output.splitlines()
    assert any(line.startswith(said) for line in lines), result.output
    # What comes in a pass before the one in which it breaks is right.
    wrong = [line.partition(":")[0] for line in lines[: lines.index(result.verdict)]]
    assert wrong[0] == said.partition(":")[0], result.output
    assert re.fullmatch(r"FAIL: \d+ differences, of which the first are above", result.verdict)


@pytest.mark.slow
def test_a_bit_that_is_flipped_is_found_where_it_is(streaming: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(streaming.project / "tb", folder)
    words = (folder / "expected_pairs.hex").read_text().splitlines()
    right = words[2 * 9 + 4]
    words[2 * 9 + 4] = f"{int(right, 16) ^ 0x100:03x}"
    (folder / "expected_pairs.hex").write_text("\n".join(words) + "\n")
    result = streaming.run(tmp_path, vectors=folder)
    assert result.output.lower().splitlines()[:3] == [
        f"{name}: pairs, event 2, word 4: expected {words[2 * 9 + 4]}, found {right}"
        for name in ("no gaps", "random gaps", "after a reset")
    ]
    assert result.verdict == "FAIL: 3 differences, of which the first are above"


@pytest.mark.slow
def test_vectors_that_are_not_there_fail(streaming: Bench, tmp_path: Path) -> None:
    result = streaming.run(tmp_path, vectors=tmp_path)
    assert not result.passed
    assert (
        f"FAIL: {tmp_path}/inputs_a.hex cannot be read; simulate in the folder that tb is in, or set " in result.verdict
    )


@pytest.mark.parametrize("events", [1, 2])
def test_few_events_are_enough(events: int, tmp_path: Path) -> None:
    needs("icarus")
    plan = simulators.plan("icarus", "sums_tb", streaming_project(tmp_path / "project", events=events))
    result = simulators.run(plan, tmp_path / "project", tmp_path, timeout_s=60)
    assert result.verdict == f"PASS: {events} events, latency 14 cycles, interval 12"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"latency_cycles": 13}, "no gaps: the latency is 14 cycles, not 13"),
        ({"latency_cycles": 15}, "no gaps: the latency is 14 cycles, not 15"),
        ({"latency_cycles": 15}, "constants: LATENCY_CYCLES is 14, not 15"),
        # A longer interval is kept too, but it is not what the code says.
        ({"initiation_interval": 13}, "constants: INITIATION_INTERVAL_CYCLES is 12, not 13"),
    ],
)
def test_what_is_declared_wrong_fails(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    needs("icarus")
    design = dataclasses.replace(STREAMING, **change)
    plan = simulators.plan("icarus", "sums_tb", streaming_project(tmp_path / "project", design))
    result = simulators.run(plan, tmp_path / "project", tmp_path, timeout_s=60)
    assert not result.passed
    assert said in result.output


@pytest.mark.parametrize(("subject", "options"), [(decoder(), {}), (classifier(), {"serial_dense": True})])
def test_streaming_designs_as_they_are_generated_pass(subject: Graph, options: Any, tmp_path: Path) -> None:
    needs("icarus")
    design = generate(subject, tmp_path / "rtl", stage_delay=4.0, **options)
    events = events_for(subject, 3)
    vectors = test_bench.vectors(subject, design, events, wanted_of(subject, events))
    sources = test_bench.write(tmp_path / "rtl", design, *vectors, clock_period_ns=5)
    result = simulators.run(simulators.plan("icarus", "top_tb", sources), tmp_path / "rtl", tmp_path, timeout_s=60)
    assert result.passed, result.output


# A parallel design as it is generated, with two inputs and two outputs, and a delay behind it.

DELAYED = {
    "verilog": """
module two (input clk, input [11:0] {x}, input [8:0] {y}, output [{p}:0] {h}, output [{q}:0] {k});
    localparam integer LATENCY_CYCLES = {latency}, INITIATION_INTERVAL_CYCLES = 1;
    reg [8*16-1:0] fault;
    initial if (!$value$plusargs("fault=%s", fault)) fault = "none";
    wire [{p}:0] h0;
    wire [{q}:0] k0;
    reg [{p}:0] h1, h2;
    reg [{q}:0] k1, k2;
    two_inner inner (.clk(clk), .{x}({x}), .{y}({y}), .{h}(h0), .{k}(k0));
    always @(posedge clk) {{h1, h2, k1, k2}} <= {{h0, h1, k0, k1}};
    assign {h} = fault == "early" ? h0 : fault == "late" ? h2 : h1;
    assign {k} = fault == "early" ? k0 : fault == "late" ? k2 : k1;
endmodule
""",
    "vhdl": """
library ieee;
use ieee.std_logic_1164.all;
entity two is port (
    clk : in std_logic;
    {x} : in std_logic_vector(11 downto 0);
    {y} : in std_logic_vector(8 downto 0);
    {h} : out std_logic_vector({p} downto 0);
    {k} : out std_logic_vector({q} downto 0)
);
end entity;
architecture delayed of two is
    constant FAULT : string := "none";
    signal h0, h1, h2 : std_logic_vector({p} downto 0);
    signal k0, k1, k2 : std_logic_vector({q} downto 0);
begin
    inner : entity work.two_inner port map (clk => clk, {x} => {x}, {y} => {y}, {h} => h0, {k} => k0);
    h1 <= h0 when rising_edge(clk);
    h2 <= h1 when rising_edge(clk);
    k1 <= k0 when rising_edge(clk);
    k2 <= k1 when rising_edge(clk);
    {h} <= h0 when FAULT = "early" else h2 when FAULT = "late" else h1;
    {k} <= k0 when FAULT = "early" else k2 when FAULT = "late" else k1;
end architecture;
""",
}


def parallel_project(folder: Path, language: Language) -> tuple[RtlDesign, tuple[str, ...]]:
    random = np.random.default_rng(3)

    def dense(name: str, given: str, shape: tuple[int, int]) -> Layer:
        weights = {
            "weight": Weights(FixedPoint(True, 4, 1), random.integers(-8, 8, shape)),
            "bias": Weights(FixedPoint(True, 4, 1), random.integers(-8, 8, shape[1])),
        }
        return Layer(name, "Dense", (given,), (shape[1],), FixedPoint(True, 20, 10), FixedPoint(True, 20, 10), weights)

    layers = (
        Layer("x", "Input", (), (2,), FixedPoint(True, 6, 3)),
        Layer("y", "Input", (), (3,), FixedPoint(False, 3, 1)),
        dense("h", "x", (2, 4)),
        dense("k", "y", (3, 2)),
    )
    graph = Graph("two", layers, ("x", "y"), ("h", "k"))
    design = parallel.generate(
        graph,
        folder / "verilog",
        clock_period_ns=5,
        stage_delay=2,
        max_multiplications=100,
        valid=False,
        vhdl_folder=folder / "vhdl",
    )
    design = dataclasses.replace(design, latency_cycles=design.latency_cycles + 1)
    inner = folder / language / "src" / ("two.v" if language == "verilog" else "two.vhd")
    (folder / "vhdl" / "src" / "two_pkg.vhd").write_text(package.vhdl(design))
    names = dict(zip("xyhk", [port.name for port in design.inputs + design.outputs], strict=True))
    widths = {name: port.width - 1 for name, port in zip("pq", design.outputs, strict=True)}
    text = re.sub(r"\b(module|entity|of) two\b", r"\1 two_inner", inner.read_text())
    inner.write_text(text + DELAYED[language].format(**names, **widths, latency=design.latency_cycles))
    inputs = [
        random.integers(p.number_format.min_integer, p.number_format.max_integer + 1, (EVENTS, *p.shape))
        for p in design.inputs
    ]
    expected = []
    for given, into, layer, out in zip(inputs, design.inputs, layers[2:], design.outputs, strict=True):
        values = into.number_format.to_real(given) @ layer.weights["weight"].values + layer.weights["bias"].values
        expected.append(out.number_format.to_integers(values))
    project = folder / language
    return design, test_bench.write(project, design, inputs, expected, clock_period_ns=5, language=language)


@pytest.fixture(scope="module", params=["verilator", "icarus", "ghdl"])
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, RtlDesign]:
    needs(request.param)
    folder = tmp_path_factory.mktemp("parallel")
    language = language_of(request.param)
    design, sources = parallel_project(folder, language)
    plan = simulators.plan(request.param, "two_tb", sources)
    simulators.build(plan, folder / language, folder, timeout_s=300)
    return Bench(plan, folder / language), design


@pytest.mark.slow
def test_a_parallel_design_passes(compiled: tuple[Bench, RtlDesign], tmp_path: Path) -> None:
    bench, design = compiled
    assert len({port.width for port in design.inputs + design.outputs}) == 4
    for seed in (1, 12):
        logs = tmp_path / str(seed)
        logs.mkdir()
        result = bench.run(logs, seed=seed)
        assert result.verdict == f"PASS: 5 events, latency {design.latency_cycles} cycles, interval 1"
        assert result.passed


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["early", "late"])
def test_a_parallel_design_of_another_latency_fails(
    compiled: tuple[Bench, RtlDesign], fault: str, tmp_path: Path
) -> None:
    result = compiled[0].run(tmp_path, fault=fault)
    assert not result.passed
    for port in compiled[1].outputs:
        assert f"no gaps: {port.name}, event 0, word 0: expected " in result.output


@pytest.mark.slow
def test_a_bit_that_is_flipped_in_parallel_is_found(compiled: tuple[Bench, RtlDesign], tmp_path: Path) -> None:
    bench, design = compiled
    folder = tmp_path / "other"
    shutil.copytree(bench.project / "tb", folder)
    path = folder / f"expected_{design.outputs[1].name}.hex"
    words = path.read_text().split()
    right, words[3] = words[3], f"{int(words[3], 16) ^ 1:0{len(words[3])}x}"
    path.write_text("\n".join(words))
    result = bench.run(tmp_path, vectors=folder)
    assert result.verdict == "FAIL: 2 differences, of which the first are above"
    for name in ("no gaps", "random gaps"):
        assert (
            f"{name}: {design.outputs[1].name}, event 3, word 0: expected {words[3]}, found {right}"
            in result.output.lower()
        )


@pytest.mark.parametrize("simulator", ["icarus", "ghdl"])
def test_a_constant_that_is_doctored_fails(simulator: Simulator, tmp_path: Path) -> None:
    needs(simulator)
    language = language_of(simulator)
    dense = graphs.layer("Dense", "x", (2,), weights=graphs.weighted((2, 2)))
    subject = graphs.graph(graphs.given((2,)), dense)
    folders = {"verilog": tmp_path / "verilog", "vhdl": tmp_path / "vhdl"}
    design = parallel.generate(
        subject, folders["verilog"], stage_delay=2, max_multiplications=100, vhdl_folder=folders["vhdl"]
    )
    events = events_for(subject, 3)
    vectors = test_bench.vectors(subject, design, events, wanted_of(subject, events))
    project = folders[language]
    sources = test_bench.write(project, design, *vectors, clock_period_ns=5, language=language)
    plan = simulators.plan(simulator, "top_tb", sources)
    latency = design.latency_cycles
    result = simulators.run(plan, project, tmp_path, timeout_s=60)
    assert result.verdict == f"PASS: {len(events)} events, latency {latency} cycles, interval 1"
    path = project / "src" / ("top.v" if language == "verilog" else "top_pkg.vhd")
    for name, value in design.constants.items():
        text = path.read_text()
        path.write_text(re.sub(rf"({name} (: natural :)?=) {value};", rf"\1 {value + 1};", text))
        result = simulators.run(plan, project, tmp_path, timeout_s=60)
        path.write_text(text)
        assert not result.passed
        assert f"constants: {name} is {value + 1}, not {value}" in result.output


# What is written.


def test_words_hold_the_first_value_in_their_lowest_bits(tmp_path: Path) -> None:
    streaming_project(tmp_path)
    (a, _), (pairs, _) = streaming_vectors()
    words = (tmp_path / "tb" / "inputs_a.hex").read_text().splitlines()
    assert len(words) == EVENTS * 12
    assert words[7] == f"{((a[0, 1, 3, 1] & 15) << 4) | (a[0, 1, 3, 0] & 15):02x}"
    words = (tmp_path / "tb" / "expected_pairs.hex").read_text().splitlines()
    assert words[-1] == f"{((pairs[-1, 2, 2, 1] & 31) << 5) | (pairs[-1, 2, 2, 0] & 31):03x}"


def test_a_single_port_needs_no_name_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    one = dataclasses.replace(STREAMING, inputs=STREAMING.inputs[:1], outputs=STREAMING.outputs[:1])
    (a, _), (pairs, _) = streaming_vectors()
    test_bench.write(tmp_path, one, [a], [pairs], clock_period_ns=5)
    names = {path.name for path in (tmp_path / "tb").iterdir()}
    assert names == {"sums_tb.v", "inputs.hex", "expected.hex", "files.f", "README.md"}


def test_vectors_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    inputs, expected = streaming_vectors()
    odd = dataclasses.replace(
        STREAMING, inputs=(STREAMING.inputs[0], dataclasses.replace(STREAMING.inputs[1], words=6))
    )
    as_many = "a test bench needs as many events at each port, and at least one; given "
    for design, given, wanted, message in [
        (STREAMING, inputs, [expected[0][:4], expected[1]], as_many + "[4, 5]"),
        (STREAMING, [part[:0] for part in inputs], [part[:0] for part in expected], as_many + "[0]"),
        (odd, inputs, expected, "the inputs share one valid, and cannot have [6, 12] words per event"),
    ]:
        with pytest.raises(ConversionError, match=f"^{re.escape(message)}$"):
            test_bench.write(tmp_path, design, given, wanted, clock_period_ns=5)
    assert list(tmp_path.iterdir()) == []

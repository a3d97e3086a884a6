"""Designs of several runs in one project: no name occurs twice, and each stays itself in every tool."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.hls.graphs import events_for, given, graph, layer
from tests.hls.streaming_graphs import classifier, decoder, wanted_of, weights_of
from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl import parallel, simulators, test_bench, verilator
from trigcnn.hls.rtl.design import PARTS, Language, RtlDesign
from trigcnn.hls.rtl.streaming.generate import generate
from trigcnn.hls.synthesis import yosys

_DECLARED = re.compile(r"^\s*(?:module|entity|package)\s+(?!body\b)(\w+)", re.MULTILINE)


class Designs(NamedTuple):
    """Designs of several runs, with the files of all in one project per language."""

    designs: tuple[RtlDesign, ...]
    verilog: Path
    vhdl: Path

    def sources(self, language: Language) -> list[str]:
        return [name for design in self.designs for name in design.sources[language]]


def network(name: str, seed: int) -> Graph:
    """Layers with sums and a table; of other constants for each seed, and of the same widths."""
    random = np.random.default_rng(seed)
    weights = {"weight": weights_of(random.permutation(np.arange(-8, 8)).reshape(4, 4), "fixed<4,1>")}
    weights["bias"] = weights_of(np.zeros(4, np.int64), "fixed<4,1>")
    table = {"table": weights_of(random.permutation(32) - 16, "fixed<5,2>")}
    return graph(
        given((4,), "fixed<5,3>"),
        layer("Dense", "x", (4,), "fixed<5,3,RND,SAT>", name="sums", weights=weights),
        layer("UnaryLUT", "sums", (4,), "fixed<5,2>", name="curve", weights=table),
        outputs="curve",
        name=name,
    )


# A design has the name of another one and of a layer of it.
SUBJECTS = (network("one", 1), network("three_sums", 2), network("three", 3))


@pytest.fixture(scope="module")
def designs(tmp_path_factory: pytest.TempPathFactory) -> Designs:
    """Two parallel designs and a streaming one, with test benches, in one folder per language."""
    place = tmp_path_factory.mktemp("designs")
    folders: dict[Language, Path] = {"verilog": place / "verilog", "vhdl": place / "vhdl"}
    found = []
    for subject in SUBJECTS:
        own: dict[Language, Path] = {language: place / subject.name / language for language in folders}
        if subject.name == "three":
            design = generate(subject, own["verilog"], stage_delay=3.0, vhdl_folder=own["vhdl"])
        else:
            design = parallel.generate(
                subject, own["verilog"], stage_delay=3.0, max_multiplications=100, vhdl_folder=own["vhdl"]
            )
        events = events_for(subject, 4)[:4]
        vectors = test_bench.vectors(subject, design, events, wanted_of(subject, events))
        for language, folder in own.items():
            test_bench.write(folder, design, *vectors, clock_period_ns=5, language=language)
            # As two folders that are copied onto each other.
            shutil.copytree(folder / "src", folders[language] / "src", dirs_exist_ok=True)
            shutil.copytree(folder / "tb", folders[language] / subject.name)
        found.append(design)
    return Designs(tuple(found), folders["verilog"], folders["vhdl"])


def test_every_file_and_module_has_the_name_of_its_design(designs: Designs) -> None:
    folders: dict[Language, Path] = {"verilog": designs.verilog, "vhdl": designs.vhdl}
    for language, folder in folders.items():
        files = {path.name for path in (folder / "src").iterdir()}
        expected = 0
        for design in designs.designs:
            own = {Path(name) for name in design.sources[language]}
            for path in own:
                declared = _DECLARED.findall((folder / path).read_text())
                assert declared == [path.stem]
                # No design's own name has one of these words behind the first; see `test_config.py`.
                assert path.stem == design.top or any(path.stem.startswith(f"{design.top}_{part}") for part in PARTS)
            expected += len(own) + 2
            assert {f"{design.top}.xdc", f"{design.top}.sdc"} <= files
        assert len(files) == expected


def test_the_first_lines_say_what_a_file_is(designs: Designs) -> None:
    text = (designs.verilog / "src" / "three_layer_sums_kernel.v").read_text()
    assert text.splitlines()[1:4] == [
        "// three_layer_sums_kernel: layer sums, then curve, in 2 stages; out_data is valid 2 clocks after in_data.",
        "// in_data: 4 x fixed<5,3>",
        "// out_data: 4 x fixed<5,2>",
    ]
    text = (designs.verilog / "src" / "one_logic_stage1.v").read_text()
    assert text.splitlines()[1].startswith("// one_logic_stage1: layer sums, stage 1 of 4, ")
    stages = [name for name in designs.designs[0].sources["verilog"] if "_stage" in name]
    text = "".join((designs.verilog / name).read_text() for name in stages)
    for layer_value in ("sums_0", "sums_3", "curve_0", "curve_3"):
        assert f" {layer_value};" in text
    for design in designs.designs:
        for name in design.sources["verilog"]:
            first = (designs.verilog / name).read_text().splitlines()[:2]
            assert first[0].startswith(f"// Part of {design.top}, generated by trigcnn ")
            assert first[1].startswith("// ")


def test_constraints_name_the_clock_and_nothing_else(designs: Designs) -> None:
    for design in designs.designs:
        for suffix in ("xdc", "sdc"):
            text = (designs.verilog / "src" / f"{design.top}.{suffix}").read_text()
            assert text == "create_clock -name clk -period 5 [get_ports clk]\n"


def lint(project: Path, sources: list[str], top: str) -> str:
    """Return what Verilator finds with all warnings on."""
    program = verilator.root() / "bin" / "verilator"
    done = subprocess.run(
        [program, "--lint-only", "-Wall", "--top-module", top, *sources],
        cwd=project, env=verilator.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = "".join(line for line in done.stderr.splitlines(keepends=True) if line.startswith("%"))
    assert (done.returncode == 0) == (not found)
    return found


def test_no_warning_of_verilator(designs: Designs, tmp_path: Path) -> None:
    for design in designs.designs:
        # Everything is read, so a module of two designs would be found.
        assert lint(designs.verilog, designs.sources("verilog"), design.top) == ""
    folder = tmp_path / "rtl"
    shutil.copytree(designs.verilog, folder)
    path = folder / "src" / "three_sums_logic.v"
    path.write_text(path.read_text().replace("module three_sums_logic ", "module one_logic "))
    assert "%Warning-MODDUP" in lint(folder, designs.sources("verilog"), "one")


@pytest.mark.slow
@pytest.mark.parametrize("subject", [decoder(), classifier()], ids=["decoder", "classifier"])
def test_no_warning_of_verilator_in_designs_of_many_layers(subject: Graph, tmp_path: Path) -> None:
    design = generate(subject, tmp_path / "rtl", stage_delay=4.0, serial_dense=True)
    assert lint(tmp_path / "rtl", list(design.sources["verilog"]), design.top) == ""
    text = "".join((tmp_path / "rtl" / name).read_text() for name in design.sources["verilog"])
    assert "lint_off" not in text


def simulate(designs: Designs, project: Path, design: RtlDesign, language: Language, logs: Path) -> str:
    """Simulate the test bench of a design in the project of all; return what the simulator says."""
    if language == "verilog":
        commands = [
            ["iverilog", "-g2012", "-Wall", "-s", f"{design.top}_tb", "-o", f"{design.top}.vvp"],
            ["vvp", "-n", f"{design.top}.vvp", f"+vectors={design.top}"],
        ]
        commands[0] += [*designs.sources("verilog"), f"{design.top}/{design.top}_tb.v"]
    else:
        library = ["--std=08", f"--workdir={logs}"]
        commands = [
            ["ghdl", "-i", *library, *designs.sources("vhdl"), f"{design.top}/{design.top}_tb.vhd"],
            ["ghdl", "-m", *library, f"{design.top}_tb"],
            ["ghdl", "-r", *library, f"{design.top}_tb", f"-gVECTORS={design.top}", "--ieee-asserts=disable"],
        ]
    said = ""
    for command in commands:
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        said += done.stdout + done.stderr
        if done.returncode:
            break
    return said


@pytest.mark.parametrize(("language", "program"), [("verilog", "iverilog"), ("vhdl", "ghdl")])
def test_each_design_stays_itself_beside_the_others(
    designs: Designs, language: Language, program: str, tmp_path: Path
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    project = tmp_path / "project"
    shutil.copytree(designs.verilog if language == "verilog" else designs.vhdl, project)

    def verdicts() -> list[str]:
        said = [simulate(designs, project, design, language, tmp_path) for design in designs.designs]
        assert not [text for text in said if "also defined" in text or "warning" in text.lower()]
        return [next(iter(re.findall(r"^(?:PASS|FAIL): .*$", text, re.MULTILINE)), text) for text in said]

    passed = [
        f"PASS: 4 events, latency {design.latency_cycles} cycles, interval {design.initiation_interval}"
        for design in designs.designs
    ]
    assert verdicts() == passed
    # Another version of the library: here one whose register inverts its data.
    suffix, right, wrong = {
        "verilog": ("v", "out_data <= in_data", "out_data <= ~in_data"),
        "vhdl": ("vhd", "out_data <= in_data", "out_data <= not in_data"),
    }[language]
    path = project / "src" / f"three_sums_trigcnn_register.{suffix}"
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong))
    found = verdicts()
    assert (found[0], found[2]) == (passed[0], passed[2])
    assert found[1] != passed[1]


ROUND_TRIP = """
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.one_pkg.all;

entity round_trip is
end entity;

architecture test of round_trip is
begin
  process
    constant WORD : std_logic_vector(19 downto 0) := x"8421f";
    variable values : in_data_values;
  begin
    values := from_in_data(WORD);
    assert values(0) = -1 and values(3) = -16 report "order" severity failure;
    assert to_in_data(values) = WORD report "round trip" severity failure;
    assert LATENCY_CYCLES = 5 report "latency" severity failure;
    wait;
  end process;
end architecture;
"""


def test_the_vhdl_package_has_the_ports_as_arrays(designs: Designs, tmp_path: Path) -> None:
    if shutil.which("ghdl") is None:
        pytest.skip("ghdl is not installed")
    (tmp_path / "round_trip.vhd").write_text(ROUND_TRIP)
    library = ["--std=08", f"--workdir={tmp_path}"]
    package = designs.vhdl / "src" / "one_pkg.vhd"
    for command in (["-a", *library, package, "round_trip.vhd"], ["-e", *library, "round_trip"]):
        subprocess.run(["ghdl", *command], cwd=tmp_path, check=True)
    done = subprocess.run(
        ["ghdl", "-r", *library, "round_trip"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(("valid", "registers"), [(True, False), (False, True), (False, False)])
def test_valid_bits_and_output_registers_are_options(valid: bool, registers: bool, tmp_path: Path) -> None:
    subject, project = SUBJECTS[0], tmp_path / "rtl"
    design = parallel.generate(
        subject, project, stage_delay=3.0, max_multiplications=100, valid=valid, output_registers=registers
    )
    assert (design.latency_cycles, design.reset) == (5 if registers else 4, "rst" if valid else None)
    assert {port.valid for port in design.inputs} == {"in_valid" if valid else None}
    if shutil.which("iverilog") is None:
        pytest.skip("iverilog is not installed")
    events = events_for(subject, 4)[:4]
    vectors = test_bench.vectors(subject, design, events, wanted_of(subject, events))
    sources = test_bench.write(project, design, *vectors, clock_period_ns=5)
    result = simulators.run(simulators.plan("icarus", "one_tb", sources), project, tmp_path, timeout_s=60)
    assert result.verdict == f"PASS: 4 events, latency {design.latency_cycles} cycles, interval 1"


@pytest.mark.slow
def test_valid_bits_take_a_flip_flop_per_cycle_and_are_counted(tmp_path: Path) -> None:
    counts = []
    for valid in (True, False):
        folder = tmp_path / str(valid)
        design = parallel.generate(SUBJECTS[0], folder, stage_delay=3.0, max_multiplications=100, valid=valid)
        plan = yosys.plan(
            design.verilog,
            design.top,
            part="xcvu9p",
            effort="fast",
            statistics=Path("stat.json"),
            shift_registers=False,
        )
        counts.append(yosys.run(plan, folder, clock_period_ns=5, timeout_s=300))
    marked, plain = counts
    assert marked.ff is not None
    assert plain.ff is not None
    assert (marked.lut, marked.ff - plain.ff) == (plain.lut, 5)


def test_yosys_reads_all_of_them(designs: Designs, tmp_path: Path) -> None:
    shutil.copytree(designs.verilog / "src", tmp_path / "src")
    read = "".join(f"read_verilog {source}\n" for source in designs.sources("verilog"))
    check = "hierarchy -check -top one\n"
    yosys.run_script(f"{read}{check}proc\ncheck -assert\n", "both", tmp_path, timeout_s=120)
    # The control: the same designs under one name.
    with pytest.raises(ToolFailedError, match=r"Re-definition of module `\\one"):
        yosys.run_script(f"{read}{read}", "twice", tmp_path, timeout_s=120)

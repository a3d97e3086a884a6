"""The design in VHDL: every kind of logic, the order of files, and names."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.hls.graphs import constants, given, graph, layer, weighted
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.engines import interpreter
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl import parallel, simulators, test_bench, vhdl
from trigcnn.hls.rtl.design import RtlDesign


def kinds() -> Graph:
    """Sums, products, tables, choices and casts, each of another kind of alkaid's operations."""
    table = {"table": constants((2**5,), "fixed<5,2>")}
    sums = weighted((4, 4), "fixed<4,1>", "fixed<4,1>")
    return graph(
        given((4,), "fixed<5,3>"),
        layer("Dense", "x", (4,), "fixed<5,3,RND_CONV,SAT>", name="sums", weights=sums),
        layer("UnaryLUT", "sums", (4,), "fixed<5,2>", name="looked_up", weights=table),
        layer("Merge", "looked_up sums", (4,), "fixed<12,5>", name="product", op="multiply"),
        layer("Merge", "product x", (4,), "fixed<9,4,TRN,WRAP>", name="largest", op="maximum"),
        layer("Merge", "largest looked_up", (4,), "fixed<9,4,RND,SAT_SYM>", name="difference", op="subtract"),
        layer("Activation", "difference", (4,), "ufixed<6,3,RND,SAT>", name="positive", activation="relu"),
        outputs="positive largest",
        name="kinds",
    )


def generate(graph: Graph, folder: Path) -> RtlDesign:
    return parallel.generate(
        graph,
        folder / "verilog",
        clock_period_ns=5,
        stage_delay=3,
        max_multiplications=1000,
        vhdl_folder=folder / "vhdl",
    )


def test_every_kind_of_logic_gives_the_same_in_vhdl(tmp_path: Path) -> None:
    if shutil.which("ghdl") is None:
        pytest.skip("ghdl is not installed")
    graph = kinds()
    design = generate(graph, tmp_path)
    project = tmp_path / "vhdl"
    events = FixedPoint.parse("fixed<5,3>").to_real(np.random.default_rng(4).integers(-16, 16, (200, 4)))
    outputs = interpreter.build(graph).predict(events.astype(np.float32))
    assert len(np.unique(outputs)) > 50
    inputs, expected = test_bench.vectors(graph, design, events.astype(np.float32), outputs)
    sources = test_bench.write(project, design, inputs, expected, clock_period_ns=5, language="vhdl")
    result = simulators.run(simulators.plan("ghdl", "kinds_tb", sources), project, tmp_path, timeout_s=120)
    assert result.verdict == f"PASS: 200 events, latency {design.latency_cycles} cycles, interval 1"


def test_a_project_holds_what_is_needed_in_the_order_of_use(tmp_path: Path) -> None:
    design = generate(kinds(), tmp_path)
    project = tmp_path / "vhdl"
    assert {path.name for path in project.iterdir()} == {"src", "PORTS.md"}
    names = [Path(source).stem for source in design.sources["vhdl"]]
    assert {path.name for path in (project / "src").glob("*.vhd")} == {f"{name}.vhd" for name in names}
    assert names[-1] == "kinds"
    for first, then in [("pkg", "kinds"), ("logic_stage0", "kinds_logic"), ("trigcnn_register", "kinds_logic")]:
        assert names.index(f"kinds_{first}") < names.index(then)
    tables = [name for name in names if "_table" in name]
    assert tables
    assert max(map(names.index, tables)) < names.index("kinds_logic")


def test_files_come_behind_those_they_use(tmp_path: Path) -> None:
    body = "architecture x of it is begin\n"
    texts = {
        "a.vhd": f"entity top is\nend;\n{body}u : Entity WORK.Middle; v : entity lib.leaf; end;",
        "b.vhd": f"  ENTITY middle IS\nend;\n{body}u : entity work.leaf; end;",
        "c.vhd": f"use work.Types.all;\nentity leaf is\nend;\nentity twin is\nend;\n{body}u : entity work.twin; end;",
        "d.vhd": "package types is\nend;\npackage body types is\nend;",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    assert [path.name for path in vhdl.in_order(tmp_path.glob("*.vhd"))] == ["d.vhd", "c.vhd", "b.vhd", "a.vhd"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("signal", r"^'signal' is a reserved word of VHDL; choose another name, or set rtl\.language: verilog$"),
        ("Entity", r"^'Entity' is a reserved word of VHDL"),
        ("net__1", r"^'net__1': VHDL has no name with two underscores in a row, or one at an end; choose another"),
        ("net_", r"^'net_': VHDL has no name"),
        ("_net", r"^'_net': VHDL has no name"),
    ],
)
def test_names_that_vhdl_does_not_have_are_refused(name: str, message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        vhdl.check_name(name)

"""Streaming RTL in VHDL: the designs of the Verilog, simulated with GHDL and held to the oracle."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.hls.graphs import events_for
from tests.hls.streaming_graphs import IN_IMAGE, IN_LINE, classifier, decoder, residual, together, wanted_of
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl import simulators, test_bench
from trigcnn.hls.rtl.netlist import Constant, Module, Repeat, Slice, whole
from trigcnn.hls.rtl.netlist_vhdl import vhdl
from trigcnn.hls.rtl.streaming.generate import generate

DESIGNS: dict[str, tuple[Graph, dict[str, Any]]] = {
    "2D": (together(IN_IMAGE), {}),
    "1D": (together(IN_LINE), {}),
    "branches": (residual((4, 6)), {}),
    "serial": (classifier(), {"serial_dense": True}),
    "decoder": (decoder(), {}),
}


@pytest.mark.slow
@pytest.mark.parametrize(("subject", "options"), DESIGNS.values(), ids=DESIGNS)
def test_designs_give_the_same_in_vhdl(subject: Graph, options: dict[str, Any], tmp_path: Path) -> None:
    if shutil.which("ghdl") is None:
        pytest.skip("ghdl is not installed")
    project = tmp_path / "vhdl"
    design = generate(subject, tmp_path / "rtl", stage_delay=4.0, vhdl_folder=project, **options)
    events = events_for(subject, 4)
    vectors = test_bench.vectors(subject, design, events, wanted_of(subject, events))
    sources = test_bench.write(project, design, *vectors, clock_period_ns=5, language="vhdl")
    result = simulators.run(simulators.plan("ghdl", "top_tb", sources), project, tmp_path, timeout_s=120)
    assert result.passed, result.output
    assert (project / "PORTS.md").read_text() == (tmp_path / "rtl" / "PORTS.md").read_text()


def test_every_file_has_its_twin_and_every_static_module_is_in_a_design(tmp_path: Path) -> None:
    used: set[str] = set()
    static: set[str] = set()
    for name, (subject, options) in DESIGNS.items():
        folder = tmp_path / name
        generate(subject, folder / "rtl", stage_delay=4.0, vhdl_folder=folder / "vhdl", **options)
        for language in ("rtl", "vhdl"):
            assert (folder / language / "src" / "top.xdc").is_file()
        assert {*names_of(folder / "rtl", "v"), "top_pkg"} == names_of(folder / "vhdl", "vhd")
        for path in (folder / "vhdl" / "src").rglob("*.vhd"):
            used |= set(re.findall(r"entity work\.top_(trigcnn_\w+)", path.read_text()))
        static |= {
            name.removeprefix("top_") for name in names_of(folder / "vhdl", "vhd") if name.startswith("top_trigcnn_")
        }
    assert static == used
    library = Path(__file__).parents[2] / "hls" / "rtl" / "library"
    for language, suffix in (("verilog", "v"), ("vhdl", "vhd")):
        known = {path.stem for path in (library / language).glob(f"*.{suffix}")}
        # A wrapper of an export is in one language.
        known = {name for name in known if not name.startswith("trigcnn_axis_")}
        assert known == {name for name in static if "table" not in name}


def names_of(project: Path, suffix: str) -> set[str]:
    return {path.stem for path in (project / "src").rglob(f"*.{suffix}")}


def test_a_module_is_printed_with_all_kinds_of_pieces() -> None:
    module = Module("top_bits", "Bits.", keep=True)
    valid, word, bit = module.input("in_valid"), module.input("in_data", 5), module.input("in_bit", 1)
    copy = module.net("copy")
    module.assign(copy, Slice(word, 3, 1))
    mixed = module.joined("mixed", whole(valid), Slice(word, 1, 3), Repeat(word, 4, 2), Constant(2, 3), whole(bit))
    module.joined("alone", whole(copy))
    module.instance("trigcnn_register", "keep", {"BITS": 10}, in_data=mixed, out_data=module.output("out_data", 10))
    module.assign(module.output("out_valid"), whole(valid))
    assert vhdl(module) == (
        """-- Bits.
library ieee;
use ieee.std_logic_1164.all;

entity top_bits is
  port (
    in_valid : in std_logic;
    in_data : in std_logic_vector(4 downto 0);
    in_bit : in std_logic_vector(0 downto 0);
    out_data : out std_logic_vector(9 downto 0);
    out_valid : out std_logic
  );
end entity;

architecture rtl of top_bits is
  attribute keep_hierarchy : string;
  attribute keep_hierarchy of rtl : architecture is "yes";
  signal copy : std_logic;
  signal mixed : std_logic_vector(9 downto 0);
  signal alone : std_logic_vector(0 downto 0);
begin
  copy <= in_data(3);
  mixed <= in_bit & "010" & (1 downto 0 => in_data(4)) & in_data(3 downto 1) & (0 downto 0 => in_valid);
  alone <= (0 downto 0 => copy);
  out_valid <= in_valid;
  keep : entity work.trigcnn_register generic map (BITS => 10) port map (in_data => mixed, out_data => out_data);
end architecture;
"""
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"top": "net__1"}, r"^'net__1': VHDL has no name with two underscores in a row, or one at an end; "),
        ({"top": "net_"}, r"^'net_': VHDL has no name"),
        (
            {"top": "signal"},
            r"^'signal' is a reserved word of VHDL; choose another name, or set rtl\.language: verilog$",
        ),
    ],
)
def test_names_that_vhdl_does_not_have_are_refused(change: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=message):
        generate(renamed(classifier(), change), tmp_path / "rtl", stage_delay=4.0, vhdl_folder=tmp_path / "vhdl")


def test_names_of_layers_in_another_are_free(tmp_path: Path) -> None:
    """The activation behind a layer is computed in its module and names nothing."""
    subject = renamed(classifier(), {"r": "relu__1", "c": "signal"})
    generate(subject, tmp_path / "rtl", stage_delay=4.0, vhdl_folder=tmp_path / "vhdl")
    assert {"top_layer_signal", "top_layer_p"} <= names_of(tmp_path / "vhdl", "vhd")


def renamed(subject: Graph, names: dict[str, str]) -> Graph:
    layers = tuple(
        dataclasses.replace(
            each,
            name=names.get(each.name, each.name),
            inputs=tuple(names.get(name, name) for name in each.inputs),
        )
        for each in subject.layers
    )
    return dataclasses.replace(subject, name=names.get("top", subject.name), layers=layers)

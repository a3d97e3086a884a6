"""The RTL as a payload of the EMP framework: the option table, and a simulation with stand-ins of the framework."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.hls.graphs import given, graph, layer
from tests.hls.rtl_designs import Subject, subject
from tests.hls.streaming_graphs import SAME, conv, decoder
from tests.hls.test_two_designs import network
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.options import OptionsError
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.export.emp import patterns, payload
from trigcnn.hls.export.emp.links import Field, Links, check, default
from trigcnn.hls.export.emp.patterns import Packet
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl.design import Port, RtlDesign

STAND_INS = Path(__file__).parents[1] / "data" / "emp"
needs_ghdl = pytest.mark.skipif(not shutil.which("ghdl"), reason="needs GHDL")

# Two inputs of six numbers of 4 bits, on links and bits in no order; an image of 32 numbers of 7 bits.
TABLE = Links(
    packet_words=5,
    inputs=(
        Field("in_b", (2, 5), 6, 2, (40, 25)),
        Field("in_a", (0, 5), 5, 0, (63, 40)),
        Field("in_b", (0, 1), 5, 2, (7, 0)),
    ),
    outputs=(
        Field("out_data", (0, 8), 9, 1, (62, 0)),
        Field("out_data", (9, 17), 9, 0, (63, 1)),
        Field("out_data", (18, 26), 12, 0, (62, 0)),
        Field("out_data", (27, 31), 12, 2, (40, 6)),
    ),
)


class Exported(NamedTuple):
    """A subject, its folder of the payload, and the compiled simulation in `work`."""

    subject: Subject
    links: Links
    folder: Path
    work: Path

    @property
    def timing(self) -> payload.Timing:
        return payload.timing(self.subject.design, self.links, 5)

    def play(self, pattern: Path) -> Path:
        captured = self.work / "captured.txt"
        words = ["ghdl", "-r", "--std=08", "bench", f"-gINPUTS={pattern}", f"-gOUTPUTS={captured}"]
        done = subprocess.run(words, cwd=self.work, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "error" not in done.stdout + done.stderr
        return captured

    def compare(self, expected: Path, captured: Path) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, str(self.folder / "compare.py"), str(expected), str(captured)]
        return subprocess.run(words, capture_output=True, text=True, check=False)


def image() -> Graph:
    """An image and a vector from an image of 12 pixels, with padding."""
    shape = (3, 4, 2)
    return graph(
        given(shape, "fixed<4,2>"),
        conv("c", "x", shape, (3, 3, 2, 2), **SAME),
        layer("GlobalPooling2D", "c", (2,), "fixed<7,4>", name="g", pool_op="Max"),
        outputs="c g",
        name="net",
    )


# The pixels begin with the second word.
STREAM = Links(
    packet_words=20,
    inputs=(Field("in_data", (1, 1), 3, 1, (7, 4)), Field("in_data", (0, 0), 70, 1, (63, 60))),
    outputs=(
        Field("out_c", (0, 1), 4, 0, (13, 0)),
        Field("out_g", (0, 0), 8, 0, (6, 0)),
        Field("out_g", (1, 1), 7, 0, (63, 57)),
    ),
)


@pytest.fixture(scope="module", params=["parallel", "streaming", "no valid"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Parallel and streaming RTL with tables of their own, and RTL without valid and reset with the default table."""
    place = tmp_path_factory.mktemp("emp")
    given_links: Links | None
    match request.param:
        case "parallel":
            made, given_links = subject(place, "parallel", replace(decoder(), name="net")), TABLE
        case "streaming":
            made, given_links = subject(place, "streaming", image()), STREAM
        case _:
            made, given_links = subject(place, "parallel", network("net", 1), valid=False), None
    folder, work = place / "emp", place / "work"
    folder.mkdir()
    work.mkdir()
    payload.write(made.graph, made.design, place / "vhdl", folder, made.vectors, clock_period_ns=5, links=given_links)
    return Exported(made, given_links or default(made.design, 5), folder, work)


def dep_files(folder: Path) -> list[Path]:
    """Return the VHDL files in the order of the .dep files, as ipbb reads them."""
    found = []
    for line in (folder / "net" / "payload" / "firmware" / "cfg" / "top.dep").read_text().splitlines():
        match line.split():
            case ["include", "-c", "net:network", name]:
                network = folder / "net" / "network" / "firmware"
                lines = (network / "cfg" / name).read_text().splitlines()
                found += [network / "hdl" / row.split()[-1] for row in lines if row.startswith("src")]
            case ["src", *_, name] if name.endswith(".vhd"):
                found.append(folder / "net" / "payload" / "firmware" / "hdl" / name)
    return found


@pytest.fixture(scope="module")
def simulated(exported: Exported) -> Exported:
    sources = [STAND_INS / "framework.vhd", *dep_files(exported.folder), STAND_INS / "bench.vhd"]
    for words in (["-a", "--std=08", *map(str, sources)], ["-e", "--std=08", "bench"]):
        done = subprocess.run(["ghdl", *words], cwd=exported.work, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return exported


@needs_ghdl
def test_the_patterns_give_the_expected_words_and_a_wrong_one_fails(simulated: Exported) -> None:
    expected = simulated.folder / "patterns" / "expected_0.txt"
    captured = simulated.play(simulated.folder / "patterns" / "input_0.txt")
    same = simulated.compare(expected, captured)
    assert same.returncode == 0, same.stdout
    words = len(re.findall(r"[01]{3}1 [0-9a-f]{16}", expected.read_text()))
    assert same.stdout == f"PASS: {words} words\n"
    assert words >= len(simulated.subject.vectors.events)
    # The last output word of the first event comes at PAYLOAD_LATENCY.
    rows = [line.split() for line in captured.read_text().splitlines() if line.startswith("Frame")]
    ends = [
        next(n for n, row in enumerate(rows) if row[2 + 2 * link][2] == "1") for link in simulated.links.output_links
    ]
    assert max(ends) == simulated.timing.latency
    # The control: one bit of a word that is expected.
    wrong = simulated.work / "wrong.txt"
    wrong.write_text(re.sub(r"1 ([0-9a-f]{15})([0-9a-f])", _flip, expected.read_text(), count=1))
    assert simulated.compare(wrong, captured).returncode == 1


def _flip(found: re.Match[str]) -> str:
    return f"1 {found[1]}{int(found[2], 16) ^ 1:x}"


@needs_ghdl
def test_gaps_change_no_word_and_orbits_stay_with_their_events(simulated: Exported) -> None:
    made = simulated.subject
    design, vectors = made.design, made.vectors
    links, random = simulated.links, np.random.default_rng(3)
    inputs, outputs = payload.link_words(made.graph, design, links, vectors)
    packets, frame = [], 3
    # Events in another order, every third one with an orbit; gaps in packets and between them.
    for count, event in enumerate(random.permutation(len(vectors.events)).tolist()):
        cycles = frame + np.arange(links.packet_words) + np.cumsum(random.integers(0, 3, links.packet_words))
        packets.append(Packet(event, tuple(cycles.tolist()), start_of_orbit=count % 3 == 1))
        frame = int(cycles[-1]) + 1 + int(random.integers(0, 20))
    frames = frame + simulated.timing.latency + 2
    given = simulated.work / "gaps.txt"
    columns = dict.fromkeys(links.input_links, packets)
    given.write_text(patterns.text("gaps", links.input_links, inputs, columns, frames))
    expected = simulated.work / "gaps_expected.txt"
    expected.write_text(payload.expected_text(design, links, simulated.timing, outputs, packets, frames))
    assert expected.read_text().count("  11") >= 4
    same = simulated.compare(expected, simulated.play(given))
    assert same.returncode == 0, same.stdout


def test_the_folder_is_ipbbs_and_says_what_was_never_done(exported: Exported) -> None:
    package = exported.folder / "net"
    assert [path.name for path in sorted(exported.folder.iterdir())] == [
        "README.md", "compare.py", "links.yaml", "net", "patterns",
    ]  # fmt: skip
    assert all(path.is_file() for path in dep_files(exported.folder))
    assert {path.name for path in package.rglob("*.vhd")} == {path.name for path in dep_files(exported.folder)}
    project = (package / "payload" / "firmware" / "hdl" / "emp_project_decl.vhd").read_text()
    assert f"PAYLOAD_LATENCY : integer := {exported.timing.latency};" in project
    assert "CLOCK_RATIO : integer := 5;" in project
    assert "never built in the framework itself" in (exported.folder / "README.md").read_text()


def test_a_pattern_file_has_the_frameworks_form() -> None:
    words = {(3, 0): [0xA, 0xB], (3, 1): [0xC, 0xD]}
    packets = {3: [Packet(1, (0, 1), start_of_orbit=True), Packet(0, (3, 4))]}
    assert patterns.text("net", [3], words, packets, 5).splitlines() == [
        "ID: net",
        "Metadata: (strobe,) start of orbit, start of packet, end of packet, valid",
        "",
        "      Link              003",
        "Frame 0000    1101 000000000000000b",
        "Frame 0001    0011 000000000000000d",
        "Frame 0002    0000 0000000000000000",
        "Frame 0003    0101 000000000000000a",
        "Frame 0004    0011 000000000000000c",
    ]


def port(name: str, shape: tuple[int, ...], text: str, words: int = 1) -> Port:
    return Port(name, name, shape, FixedPoint.parse(text), 1, words, "valid")


DESIGN = RtlDesign(
    "parallel", "net", 9, 1, (port("in_a", (6,), "fixed<4,2>"), port("in_b", (6,), "fixed<4,2>")),
    (port("out_data", (32,), "fixed<7,4>"),), 1, {},
)  # fmt: skip
STREAM_DESIGN = RtlDesign(
    "streaming", "net", 9, 12, (port("in_data", (3, 4, 2), "fixed<4,2>", 12),),
    (port("out_c", (3, 4, 2), "fixed<7,4>", 12), port("out_g", (2,), "fixed<7,4>")), 1, {},
)  # fmt: skip
INPUT = TABLE.inputs[1]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((replace(INPUT, port="in_aa"),), "inputs: in_aa: there is no such port; did you mean in_a?"),
        ((replace(INPUT, values=(0, 6)),), "the port's values are 0 to 5"),
        ((replace(INPUT, values=(0, 4)),), "5 x fixed<4,2> are 20 bits"),
        ((replace(INPUT, word=5),), "the packet's words are 0 to 4"),
        ((INPUT, replace(INPUT, bits=(23, 0))), "in_a: more than one entry has value 0 (and 5 more)"),
        ((INPUT, replace(INPUT, port="in_b", bits=(50, 27))), "another entry has some of these bits"),
        ((INPUT,), "in_b: no entry has value 0 (and 5 more)"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(inputs: tuple[Field, ...], message: str) -> None:
    with pytest.raises(OptionsError, match=re.escape(message)):
        check(replace(TABLE, inputs=inputs), DESIGN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outputs": (replace(STREAM.outputs[0], word=1), *STREAM.outputs[1:])}, "need word 0"),
        ({"inputs": (STREAM.inputs[0], replace(STREAM.inputs[1], word=2))}, "need the same word"),
        ({"packet_words": 12}, "packet_words: an event takes 13 words"),
        ({"packet_words": 11}, "packet_words: events must be at least 12 clock cycles apart"),
        ({"outputs": (*STREAM.outputs[:2], replace(STREAM.outputs[2], link=4))}, "link 4 is that of out_c"),
    ],
)
def test_a_stream_keeps_its_pixels_together(change: dict[str, Any], message: str) -> None:
    check(STREAM, STREAM_DESIGN)
    with pytest.raises(OptionsError, match=re.escape(message)):
        check(replace(STREAM, **change), STREAM_DESIGN)


@pytest.mark.parametrize(("period", "ratio"), [(2.7778, 9), (2.5, 10), (25, 1), (5, 5), (4.1667, 6), (0.5, 40)])
def test_the_data_clock_is_the_fastest_that_the_design_meets(period: float, ratio: int) -> None:
    assert payload.words_per_crossing(period) == ratio


def test_a_clock_slower_than_the_bunch_crossings_is_refused() -> None:
    with pytest.raises(ConversionError, match="set it to at most 25"):
        payload.words_per_crossing(30)

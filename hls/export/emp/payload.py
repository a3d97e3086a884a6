"""The folder of an EMP payload: VHDL, ipbb's files, patterns."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.export.emp import patterns
from trigcnn.hls.export.emp.links import Field, Links, check, default
from trigcnn.hls.export.emp.patterns import Packet, Words
from trigcnn.hls.export.templates import fill
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl import test_bench
from trigcnn.hls.rtl.design import Port, RtlDesign

_CROSSING_NS = 25.0
# The data clock comes from a clock of at most this multiple of 40 MHz.
_LARGEST_COMMON_RATIO = 40
_LEAST_BUFFER_BITS = 10
# Clock cycles after a packet: none, a few, and more than a packet's words would fill.
_GAPS = (0, 0, 1, 7)
_EVENTS_PER_ORBIT = 8


@dataclass(frozen=True)
class Timing:
    """What follows from a design, its clock and its links.

    Attributes:
        clock_ratio: The data clock in units of 40 MHz.
        common_ratio: The clock that it comes from, in units of 40 MHz.
        latency: Clock cycles from an event's first link word to its last output word, if words come without gaps.
        buffer_bits: Address bits of the framework's buffers, which a pattern file fills.
    """

    clock_ratio: int
    common_ratio: int
    latency: int
    buffer_bits: int

    @property
    def frames(self) -> int:
        """Frames of a pattern file."""
        return 1 << self.buffer_bits


def words_per_crossing(clock_period_ns: float) -> int:
    """Return the data clock that a design meets, in units of 40 MHz: the words of a link per bunch crossing.

    Raises:
        ConversionError: It is slower than 40 MHz.
    """
    ratio = int(_CROSSING_NS / clock_period_ns + 1e-3)
    if ratio < 1:
        raise ConversionError(
            f"hls.clock_period_ns: {clock_period_ns:g}: the data clock of EMP is a multiple of 40 MHz; set it to at "
            f"most {_CROSSING_NS:g}, such as 2.77 for 360 MHz"
        )
    return min(ratio, _LARGEST_COMMON_RATIO)


def timing(design: RtlDesign, links: Links, clock_period_ns: float) -> Timing:
    """Return the constants of a payload."""
    ratio = words_per_crossing(clock_period_ns)
    latency = links.last_input_word + design.latency_cycles
    # A register for the inputs and one for the outputs; parallel RTL has one more, which holds an event's outputs.
    latency += 2 if design.architecture == "streaming" else 3 + links.output_words - 1
    needed = latency + links.packet_words + 1
    common = _LARGEST_COMMON_RATIO // ratio * ratio
    return Timing(ratio, common, latency, max(_LEAST_BUFFER_BITS, needed.bit_length()))


def write(
    graph: Graph,
    design: RtlDesign,
    project: Path,
    folder: Path,
    vectors: Vectors,
    *,
    clock_period_ns: float,
    links: Links | None = None,
) -> None:
    """Write the payload of a design.

    Args:
        graph: The network.
        design: Its RTL.
        project: Folder of the VHDL.
        folder: An empty folder.
        vectors: Events and outputs of the pattern files.
        clock_period_ns: Clock period that the design was made for, in ns.
        links: The option table; default: values side by side from link 0 on.

    Raises:
        ConversionError: The clock is slower than 40 MHz.
        OptionsError: The table does not fit the design.
    """
    table = links or default(design, words_per_crossing(clock_period_ns))
    check(table, design)
    times = timing(design, table, clock_period_ns)
    package = folder / design.top
    network, payload = package / "network" / "firmware", package / "payload" / "firmware"
    (network / "hdl").mkdir(parents=True)
    sources = [Path(name).name for name in design.sources["vhdl"]]
    for name in design.sources["vhdl"]:
        shutil.copy(project / name, network / "hdl" / Path(name).name)
    shutil.copy(project / "PORTS.md", package / "network" / "PORTS.md")
    values = {
        "design": design,
        "links": table,
        "timing": times,
        "version": version("trigcnn"),
        "clock_period_ns": f"{clock_period_ns:g}",
        "sources": sources,
        "valids": list(dict.fromkeys(port.valid for port in design.inputs if port.valid)),
        "open_valids": list(dict.fromkeys(port.valid for port in design.outputs if port.valid))
        if design.architecture == "parallel"
        else [],
        "links_of": {
            port.name: sorted({f.link for f in table.outputs if f.port == port.name}) for port in design.outputs
        },
        "input_words": _by_word(table.inputs, design.inputs),
        "output_words": _by_word(table.outputs, design.outputs),
        "regions": _regions(table),
        "in_flight": -(-times.latency // table.packet_words) + 2,
        "files": list(_write_patterns(graph, design, table, times, vectors, folder / "patterns")),
        "events": len(vectors.events),
    }
    for template, target in {
        "README.md.j2": folder / "README.md",
        "links.yaml.j2": folder / "links.yaml",
        "compare.py.j2": folder / "compare.py",
        "network.dep.j2": network / "cfg" / f"{design.top}.dep",
        "top.dep.j2": payload / "cfg" / "top.dep",
        "emp_payload.vhd.j2": payload / "hdl" / "emp_payload.vhd",
        "emp_project_decl.vhd.j2": payload / "hdl" / "emp_project_decl.vhd",
        "payload.xdc.j2": payload / "ucf" / f"{design.top}_payload.xdc",
    }.items():
        fill("emp", template, target, values)


def _by_word(fields: tuple[Field, ...], ports: tuple[Port, ...]) -> dict[int, list[tuple[Field, tuple[int, int]]]]:
    """Return the entries of each word in order, each with the bits of its port."""
    known = {port.name: port for port in ports}
    found: dict[int, list[tuple[Field, tuple[int, int]]]] = {}
    for field in sorted(fields, key=lambda field: (field.word, field.link, field.bits[1])):
        found.setdefault(field.word, []).append((field, field.port_bits(known[field.port])))
    return found


def _regions(links: Links) -> list[tuple[int, bool, bool]]:
    """Return each region of four links that is used, and whether it has inputs and outputs."""
    inputs, outputs = ({link // 4 for link in used} for used in (links.input_links, links.output_links))
    return [(region, region in inputs, region in outputs) for region in sorted(inputs | outputs)]


def packets_of(first: int, events: int, links: Links, frames: int) -> list[Packet]:
    """Return packets of consecutive events that begin within `frames` clock cycles, some with gaps behind them."""
    found: list[Packet] = []
    frame = 0
    for event in range(first, events):
        if frame + links.packet_words > frames:
            break
        cycles = tuple(range(frame, frame + links.packet_words))
        found.append(Packet(event, cycles, start_of_orbit=(event - first) % _EVENTS_PER_ORBIT == 0))
        frame += links.packet_words + _GAPS[event % len(_GAPS)]
    return found


def answers(packets: list[Packet], words: int, latency: int) -> list[Packet]:
    """Return the output packets of events, of `words` words each."""
    ends = [(packet, packet.frames[0] + latency) for packet in packets]
    return [Packet(packet.event, tuple(range(end - words + 1, end + 1)), packet.start_of_orbit) for packet, end in ends]


def link_words(graph: Graph, design: RtlDesign, links: Links, vectors: Vectors) -> tuple[Words, Words]:
    """Return the input words and the output words of events."""
    events = vectors.events.astype(np.float32).reshape(-1, *graph.input_shape)
    inputs, expected = test_bench.vectors(graph, design, events, vectors.outputs)
    return (
        patterns.words_of(links.inputs, design.inputs, inputs),
        patterns.words_of(links.outputs, design.outputs, expected),
    )


def expected_text(
    design: RtlDesign, links: Links, times: Timing, words: Words, packets: list[Packet], frames: int
) -> str:
    """Return the pattern file of the outputs.

    In streaming RTL the words of an output are written side by side, the last one at the latency; the design may give
    them earlier, and with gaps.
    """
    if design.architecture == "parallel":
        sent = dict.fromkeys(links.output_links, links.output_words)
    else:
        by_port = {port.name: port.words for port in design.outputs}
        sent = {field.link: by_port[field.port] for field in links.outputs}
    by_link = {link: answers(packets, count, times.latency) for link, count in sent.items()}
    return patterns.text(design.top, links.output_links, words, by_link, frames)


def _write_patterns(
    graph: Graph, design: RtlDesign, links: Links, times: Timing, vectors: Vectors, folder: Path
) -> Iterator[str]:
    folder.mkdir()
    inputs, outputs = link_words(graph, design, links, vectors)
    first, number, events = 0, 0, len(vectors.events)
    while first < events:
        packets = packets_of(first, events, links, times.frames - times.latency - 1)
        given = patterns.text(
            design.top, links.input_links, inputs, dict.fromkeys(links.input_links, packets), times.frames
        )
        wanted = expected_text(design, links, times, outputs, packets, times.frames)
        (folder / f"input_{number}.txt").write_text(given)
        (folder / f"expected_{number}.txt").write_text(wanted)
        yield f"input_{number}.txt"
        first, number = packets[-1].event + 1, number + 1

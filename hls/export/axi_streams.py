"""AXI4-Streams of a design: how the words of its ports go into beats, and how many events are under way."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path

from trigcnn.hls.rtl.design import Port, RtlDesign


@dataclass(frozen=True)
class AxiStream:
    """A port of a design as an AXI4-Stream. A packet is an event.

    Each value has a field of 8, 16, 32 or 64 bits (of more bytes where it is wider), extended by its sign, so an event
    is an array of integers in memory. The first value has the lowest bits of the first beat.

    Attributes:
        name: Prefix of its signals: `s_axis`, or `s_axis_<input>` if there are several inputs.
        port: What the stream carries.
        values_per_beat: Fields of a beat: whole words, or a part of one; the last beat of a word or of an event may
            have fewer values, and zeros above them.
    """

    name: str
    port: Port
    values_per_beat: int

    @property
    def field_bits(self) -> int:
        """Bits of a field."""
        width = self.port.number_format.width
        return next((bits for bits in (8, 16, 32, 64) if bits >= width), 8 * ceil(width / 8))

    @property
    def data_bits(self) -> int:
        """Bits of `tdata`."""
        return self.values_per_beat * self.field_bits

    @property
    def words_per_beat(self) -> int:
        """Words of the port in a beat; 1 if a word needs one or more beats."""
        return max(self.values_per_beat // self.port.values, 1)

    @property
    def beats_per_word(self) -> int:
        """Beats that a word needs; 1 if a beat has one or more words."""
        return ceil(self.port.values / self.values_per_beat)

    @property
    def beats(self) -> int:
        """Beats of an event."""
        return ceil(self.port.words / self.words_per_beat) * self.beats_per_word


@dataclass(frozen=True)
class AxiStreams:
    """A design behind AXI4-Streams.

    Attributes:
        design: The design.
        top: Name of the wrapper.
        inputs: A stream for each input.
        outputs: A stream for each output.
    """

    design: RtlDesign
    top: str
    inputs: tuple[AxiStream, ...]
    outputs: tuple[AxiStream, ...]

    @property
    def interval_cycles(self) -> int:
        """Clock cycles between events when nobody waits."""
        return max(self.design.initiation_interval, *(stream.beats for stream in (*self.inputs, *self.outputs)))

    @property
    def pause_cycles(self) -> int:
        """Clock cycles without a word that the design needs between events."""
        return self.design.initiation_interval - self.design.words

    @property
    def events(self) -> int:
        """Events that may be under way: as many as the design holds when a new one comes at every interval.

        An event is under way from its first word until its last output has left the FIFO, one cycle after the latency
        at the earliest. Words that come with gaps make the latency of several words longer by no more than the gaps.
        """
        gaps = 1 if self.design.words == 1 else max(stream.beats_per_word for stream in self.inputs)
        return ceil((self.design.latency_cycles * gaps + 2) / self.interval_cycles) + 1


def of(design: RtlDesign, values_per_beat: int | None) -> AxiStreams:
    """Return the streams of a design.

    Args:
        design: The design.
        values_per_beat: The most values in a beat; by default a beat is a word.

    Raises:
        ConversionError: The inputs have different numbers of words.
    """
    _ = design.words
    sides = {"s_axis": ("in_", design.inputs), "m_axis": ("out_", design.outputs)}
    streams = {
        side: tuple(
            AxiStream(
                side if len(ports) == 1 else f"{side}_{port.name.removeprefix(prefix)}",
                port,
                _fields(port, values_per_beat),
            )
            for port in ports
        )
        for side, (prefix, ports) in sides.items()
    }
    return AxiStreams(design, _name(design), streams["s_axis"], streams["m_axis"])


def _fields(port: Port, most: int | None) -> int:
    if most is None:
        return port.values
    return most if most < port.values else min(most // port.values, port.words) * port.values


def _name(design: RtlDesign) -> str:
    """Return `<top>_axis`, or another name if a layer has that one."""
    taken = {Path(name).stem.lower() for name in design.sources["verilog"]}
    name = f"{design.top}_axis"
    while name.lower() in taken:
        name += "_top"
    return name

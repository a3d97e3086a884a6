"""Pattern files of the EMP framework: frames of 64-bit words with their flags, a column for each link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trigcnn.hls.export.emp.links import Field
from trigcnn.hls.rtl.design import Port

Integers = npt.NDArray[np.int64]
Words = dict[tuple[int, int], list[int]]
"""By link and word of the packet: the word of each event."""


@dataclass(frozen=True)
class Frame:
    """A word of a link in a clock cycle, and its flags."""

    data: int = 0
    valid: bool = False
    start: bool = False
    last: bool = False
    start_of_orbit: bool = False

    def __str__(self) -> str:
        flags = (self.start_of_orbit, self.start, self.last, self.valid)
        return f"{''.join(str(int(flag)) for flag in flags)} {self.data:016x}"


@dataclass(frozen=True)
class Packet:
    """When a packet's words come.

    Attributes:
        event: Number of its event.
        frames: The clock cycle of each word, ascending.
        start_of_orbit: Whether the event is the first of an orbit.
    """

    event: int
    frames: tuple[int, ...]
    start_of_orbit: bool = False


def words_of(fields: Sequence[Field], ports: Sequence[Port], values: Sequence[Integers]) -> Words:
    """Return the link words of events.

    Args:
        fields: The entries of the option table.
        ports: The ports that they name.
        values: Integers of each port, [events, *shape], in units of its format's last bit.
    """
    known = {port.name: (port, part) for port, part in zip(ports, values, strict=True)}
    found: Words = {}
    for field in fields:
        port, part = known[field.port]
        width, (first, last) = port.number_format.width, field.values
        pixels = part.reshape(len(part), port.words, port.values)[:, :, first : last + 1]
        for pixel in range(port.words):
            place = found.setdefault((field.link, field.word + pixel), [0] * len(part))
            for event, numbers in enumerate(pixels[:, pixel].tolist()):
                for n, number in enumerate(numbers):
                    place[event] |= (number & ((1 << width) - 1)) << (field.bits[1] + n * width)
    return found


def text(name: str, links: Sequence[int], words: Words, packets: Mapping[int, Sequence[Packet]], frames: int) -> str:
    """Return the content of a pattern file.

    Args:
        name: The board's name in the file.
        links: Its columns.
        words: The words of the events.
        packets: When they come, by link.
        frames: Clock cycles of the file.
    """
    columns = [_column(link, words, packets[link], frames) for link in links]
    rows = [
        f"ID: {name}",
        "Metadata: (strobe,) start of orbit, start of packet, end of packet, valid",
        "",
        "      Link  " + "".join(f"            {link:03d}        " for link in links).rstrip(),
    ]
    for number in range(frames):
        rows.append(f"Frame {number:04d}    " + "  ".join(str(column[number]) for column in columns))
    return "\n".join(rows) + "\n"


def _column(link: int, words: Words, packets: Sequence[Packet], frames: int) -> list[Frame]:
    column = [Frame()] * frames
    for packet in packets:
        final = len(packet.frames) - 1
        for word, frame in enumerate(packet.frames):
            data = words[link, word][packet.event] if (link, word) in words else 0
            column[frame] = Frame(data, True, word == 0, word == final, word == 0 and packet.start_of_orbit)
    return column

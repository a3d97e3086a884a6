"""Which bits of which link words carry which values, as the user's option table says it, or by default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

from trigcnn.common.options import OPTIONS, OptionsError, Pattern
from trigcnn.common.suggestions import did_you_mean
from trigcnn.hls.rtl.design import Port, RtlDesign

WORD_BITS = 64
_MOST_LINKS = 128
# Links that a default table takes before it makes packets longer.
_PREFERRED_LINKS = 16

OptionalPort = Literal["clk40", "bc0", "slink"]


@dataclass(frozen=True)
class Field:
    """Values of a port that lie side by side in a link word, the first in the lowest bits."""

    __pydantic_config__ = OPTIONS

    port: str
    """Name of the port of the design."""
    values: tuple[Annotated[int, Ge(0)], Annotated[int, Ge(0)]]
    """First and last value, both included: of the event, or, in streaming RTL, of the pixel."""
    link: Annotated[int, Ge(0), Le(_MOST_LINKS - 1)]
    """Number of the link: index in `d` or `q`."""
    word: Annotated[int, Ge(0)]
    """Word of the packet, from 0; in streaming RTL that of the first pixel, and the others follow."""
    bits: tuple[Annotated[int, Ge(0), Le(WORD_BITS - 1)], Annotated[int, Ge(0), Le(WORD_BITS - 1)]]
    """Highest and lowest bit of the word, both included."""

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.port} {list(self.values)} at link {self.link}, word {self.word}, bits {list(self.bits)}"

    def port_bits(self, port: Port) -> tuple[int, int]:
        """Return the highest and the lowest bit of the port's word that it carries."""
        first, last = self.values
        return (last + 1) * port.number_format.width - 1, first * port.number_format.width


@dataclass(frozen=True)
class Links:
    """The option table of an EMP payload."""

    __pydantic_config__ = OPTIONS

    packet_words: Annotated[int, Ge(1)]
    """Words of a packet, the least distance between two events in clock cycles."""
    inputs: tuple[Field, ...]
    """Where the inputs come from."""
    outputs: tuple[Field, ...]
    """Where the outputs go."""
    board: Annotated[str, Pattern(r"^[\w./-]+:[\w./-]+ [\w./-]+\.dep$")] = "emp-fwk:boards/vcu118 vcu118.dep"
    """Component and file of the board, as ipbb includes it."""
    optional_ports: tuple[OptionalPort, ...] = ("clk40", "bc0", "slink")
    """Ports of the entity that not every version of the framework has; slink: `slink_q` and `backpressure`."""

    @property
    def last_input_word(self) -> int:
        """The word of a packet with which an event is complete; in streaming RTL the one with the first pixel."""
        return max(field.word for field in self.inputs)

    @property
    def output_words(self) -> int:
        """Words of an output packet of parallel RTL."""
        return max(field.word for field in self.outputs) + 1

    @property
    def input_links(self) -> tuple[int, ...]:
        """Links that carry inputs, in ascending order."""
        return tuple(sorted({field.link for field in self.inputs}))

    @property
    def output_links(self) -> tuple[int, ...]:
        """Links that carry outputs, in ascending order."""
        return tuple(sorted({field.link for field in self.outputs}))


def default(design: RtlDesign, words_per_crossing: int) -> Links:
    """Return a table that packs values side by side from link 0 on.

    Args:
        design: The design.
        words_per_crossing: Words of a link per bunch crossing; the packet has a multiple of it.

    Raises:
        OptionsError: A word of a streaming design needs more links than there are.
    """
    if design.architecture == "streaming":
        longest = max(design.initiation_interval, *(port.words for port in (*design.inputs, *design.outputs)))
        packet = _rounded_up(longest, words_per_crossing)
        found = Links(packet, _packed(design.inputs, 1), _packed(design.outputs, 1, own_links=True))
    else:
        slots = max(len(_packed(ports, 1)) for ports in (design.inputs, design.outputs))
        packet = _rounded_up(-(-slots // _PREFERRED_LINKS), words_per_crossing)
        found = Links(packet, _packed(design.inputs, packet), _packed(design.outputs, packet))
    most = max(*found.input_links, *found.output_links)
    if most >= _MOST_LINKS:
        raise OptionsError(
            f"{design.top}: a word needs {most + 1} links, and a payload has at most {_MOST_LINKS}; give the inputs "
            "and outputs narrower formats, or set rtl.architecture: parallel"
        )
    return found


def _rounded_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _packed(ports: Sequence[Port], words: int, *, own_links: bool = False) -> tuple[Field, ...]:
    """Put values into words, `words` to a link, as many as fit."""
    fields = []
    slot, used = 0, 0
    for port in ports:
        width, value = port.number_format.width, 0
        if own_links and used:
            slot, used = slot + 1, 0
        while value < port.values:
            if used + width > WORD_BITS:
                slot, used = slot + 1, 0
            count = min((WORD_BITS - used) // width, port.values - value)
            bits = (used + count * width - 1, used)
            fields.append(Field(port.name, (value, value + count - 1), slot // words, slot % words, bits))
            value, used = value + count, used + count * width
    return tuple(fields)


def check(links: Links, design: RtlDesign) -> None:
    """Check that a table carries every value of a design once.

    Raises:
        OptionsError: It does not; the message names the entry.
    """
    problems = [
        *_problems(links.inputs, design.inputs, links, "inputs"),
        *_problems(links.outputs, design.outputs, links, "outputs"),
    ]
    if design.architecture == "streaming" and not problems:
        problems += _streaming_problems(links, design)
    if problems:
        shown = "".join(f"\n  - {problem}" for problem in problems[:10])
        raise OptionsError(f"the links cannot be used:{shown}" + ("\n  - and more" if len(problems) > 10 else ""))


def _problems(fields: Sequence[Field], ports: Sequence[Port], links: Links, where: str) -> Iterator[str]:
    known = {port.name: port for port in ports}
    carried: Counter[tuple[str, int]] = Counter()
    taken: dict[tuple[int, int], int] = {}
    for field in fields:
        if field.port not in known:
            yield f"{where}: {field.port[:60]}: there is no such port; {did_you_mean(field.port[:60], known)}"
            continue
        port, (first, last), (high, low) = known[field.port], field.values, field.bits
        if not first <= last < port.values:
            yield f"{where}: {field.name}: the port's values are 0 to {port.values - 1}"
            continue
        if (width := (last - first + 1) * port.number_format.width) != high - low + 1:
            yield f"{where}: {field.name}: {last - first + 1} x {port.number_format} are {width} bits"
        if field.word >= links.packet_words:
            yield f"{where}: {field.name}: the packet's words are 0 to {links.packet_words - 1}"
        carried.update((port.name, value) for value in range(first, last + 1))
        mask = sum(1 << bit for bit in range(low, high + 1))
        if taken.get((field.link, field.word), 0) & mask:
            yield f"{where}: {field.name}: another entry has some of these bits"
        taken[field.link, field.word] = taken.get((field.link, field.word), 0) | mask
    for port in ports:
        missing = [value for value in range(port.values) if not carried[port.name, value]]
        twice = [value for value in range(port.values) if carried[port.name, value] > 1]
        if missing:
            yield f"{where}: {port.name}: no entry has value {missing[0]}" + _more(missing)
        if twice:
            yield f"{where}: {port.name}: more than one entry has value {twice[0]}" + _more(twice)


def _more(values: Sequence[int]) -> str:
    return f" (and {len(values) - 1} more)" if len(values) > 1 else ""


def _streaming_problems(links: Links, design: RtlDesign) -> Iterator[str]:
    if len({field.word for field in links.inputs}) > 1:
        yield "inputs: in streaming RTL a pixel comes with all its channels, so all entries need the same word"
    if any(field.word for field in links.outputs):
        yield "outputs: in streaming RTL a pixel leaves as soon as it is there, so all entries need word 0"
    if design.initiation_interval > links.packet_words:
        yield f"packet_words: events must be at least {design.initiation_interval} clock cycles apart"
    needed = max(links.last_input_word + design.words, *(port.words for port in design.outputs))
    if needed > links.packet_words:
        yield f"packet_words: an event takes {needed} words"
    owners: dict[int, str] = {}
    for field in links.outputs:
        if owners.setdefault(field.link, field.port) != field.port:
            yield f"outputs: {field.name}: link {field.link} is that of {owners[field.link]}, which has its own times"

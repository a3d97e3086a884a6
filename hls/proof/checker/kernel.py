"""Arithmetic between two streams of words: proved once for all words that are computed alike.

Where words of a period come from windows that lie alike in an image, the same bits of the same words stand at the same
places, and the definition asks for the same numbers. Such words are one case, whatever their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph import definition
from trigcnn.hls.graph.definition import Element, Elements, Function
from trigcnn.hls.graph.forms import Form, bounds
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.proof.checker.automaton import HIGH, LOW, Codes
from trigcnn.hls.proof.checker.cells import TIMES
from trigcnn.hls.proof.checker.constants import simplified
from trigcnn.hls.proof.checker.equivalence import Claim, Equivalence, Obligation
from trigcnn.hls.proof.checker.netlist import ONE, ZERO, Cell, Netlist
from trigcnn.hls.proof.checker.times import Times

Ask = Callable[[str, Equivalence, Layer, Elements], Mapping[int, Claim]]
"""Says which bits hold elements: `ask(place, equivalence, layer, elements)`."""
_WIDEST = 64
"""Most bits of a number."""
_TRIES = 1 << 12
"""Most attempts to find where the numbers of a word are."""


@dataclass(frozen=True)
class Channel:
    """How a word carries one of its numbers: an integer in some of its bits, or a constant.

    Attributes:
        start: The lowest bit.
        width: Number of bits; 0 for a constant.
        signed: Whether the highest bit has a negative weight.
        fraction: Fraction bits.
        low: The least integer that it can be.
        high: The most.
    """

    start: int
    width: int
    signed: bool
    fraction: int
    low: int
    high: int


@dataclass(frozen=True)
class Stream:
    """Words that come one after another, again and again.

    Attributes:
        words: Words of an event.
        bits: Bits of a word.
        channels: The numbers of a word.
        times: When the words of an event come; None if it is no matter.
    """

    words: int
    bits: int
    channels: tuple[Channel, ...]
    times: Times | None = None

    def atom(self, word: int, channel: int) -> int:
        """Return the name of a number as an atom."""
        return -1 - word * len(self.channels) - channel

    def elements(self) -> Elements:
        """Return the numbers as forms [words, channels]."""
        result = np.empty((self.words, len(self.channels)), dtype=object)
        for (word, number), _ in np.ndenumerate(result):
            channel = self.channels[number]
            name = self.atom(word, number)
            result[word, number] = (
                Form({name: 1}, 0, -channel.fraction) if channel.width else Form({}, channel.low, -channel.fraction)
            )
        return result

    def ranges(self) -> dict[int, tuple[int, int]]:
        """Return the interval of each atom."""
        return {
            self.atom(word, number): (channel.low, channel.high)
            for word in range(self.words)
            for number, channel in enumerate(self.channels)
        }


@dataclass(frozen=True)
class Feed:
    """What stands at a place for each word that is given there.

    Attributes:
        stream: The words of which it is made.
        leaves: Bits of the netlist at this place.
        table: For each word that is given, what each of these bits is: `word * bits + position`, or a constant, or any
            value (see `trigcnn.hls.proof.checker.automaton`).
        ranges: Intervals of numbers that are smaller than those of their channels, by their atoms.
        later: Bits that stand there some clocks after the others, and how many.
        low: Bits that are low while words are computed.
        times: When the words are given; None if it is no matter.
    """

    stream: Stream
    leaves: tuple[int, ...]
    table: Codes
    ranges: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    later: Mapping[int, int] = field(default_factory=dict)
    low: tuple[int, ...] = ()
    times: Times | None = None


@dataclass(frozen=True)
class Work:
    """What a kernel has to compute.

    Attributes:
        elements: The numbers of each word before a cast [words, channels].
        layers: The layers that it computes: the first has these elements, the others work on each number by itself;
            none if it gives the elements themselves.
        cast: Whether the elements are cast to the first layer's number format.
    """

    elements: Elements
    layers: tuple[Layer, ...]
    cast: bool = True


def feedforward(netlist: Netlist, bits: Sequence[int], registers: int, feed: Feed) -> Netlist:
    """Return the cells between a place and bits, with as many registers on every path.

    Raises:
        ProofError: There are more or fewer registers on a path, or something else than leaves.
    """
    ends, order = {*feed.leaves, *feed.low}, []
    delays: dict[int, int | None] = {ZERO: None, ONE: None, **dict.fromkeys(feed.leaves, 0), **feed.later}
    delays |= dict.fromkeys(feed.low, None)
    stack = [bit for bit in bits if bit >= ZERO]
    busy: set[int] = set()
    while stack:
        bit = stack[-1]
        if bit in delays:
            stack.pop()
            continue
        cell = netlist.driver.get(bit)
        if cell is None and bit not in netlist.registers:
            raise ProofError(f"{netlist.name(bit)} is not of the words from which it is to be computed")
        given = [netlist.registers[bit]] if cell is None else [b for p in cell.inputs.values() for b in p if b >= ZERO]
        missing = [b for b in given if b not in delays]
        if missing:
            if bit in busy:
                raise ProofError(f"{netlist.name(bit)} depends on itself")
            busy.add(bit)
            stack += missing
            continue
        found = {delays[b] for b in given} - {None}
        if len(found) > 1:
            raise ProofError(f"{netlist.name(bit)} joins values of different clocks")
        delay = found.pop() if found else None
        if cell is None:
            delays[bit] = None if delay is None else delay + 1
        else:
            delays.update(dict.fromkeys(cell.output, delay))
            order.append(cell)
        stack.pop()
    wrong = {delays[bit] for bit in bits if bit >= ZERO} - {None, registers}
    if wrong:
        raise ProofError(f"data come {wrong.pop()} clocks later, but their valid bit {registers}")
    peeled = {bit: netlist.registers[bit] for bit in delays if bit in netlist.registers and bit not in ends}
    names = {bit: name for bit, name in netlist.names.items() if bit in delays}
    driver = {bit: cell for cell in order for bit in cell.output}
    return Netlist({"leaves": feed.leaves}, {"out": tuple(bits)}, order, peeled, names, driver)


class Kernel:
    """Arithmetic from the words at a place to other words.

    Attributes:
        netlist: Its cells.
        feed: What stands before it.
        work: What it has to compute.
    """

    def __init__(self, netlist: Netlist, feed: Feed, work: Work, graph: Graph) -> None:
        self.netlist, self.feed, self.work, self.graph = netlist, feed, work, graph
        read = {netlist.stored(b) for cell in netlist.cells for port in cell.inputs.values() for b in port}
        read |= {netlist.stored(b) for b in netlist.outputs["out"]}
        # The interval of each number.
        self._ranges = {**feed.stream.ranges(), **feed.ranges}
        self.columns = [n for n, bit in enumerate(feed.leaves) if bit in read]

    def cases(self) -> dict[Any, int]:
        """Return a word of each kind, by its kind."""
        found: dict[Any, int] = {}
        table = self.feed.table[:, self.columns]
        bits, channels = self.feed.stream.bits, len(self.feed.stream.channels)
        for word in range(len(table)):
            names: dict[int, int] = {}
            row = tuple(
                code if code < 0 else (names.setdefault(code // bits, len(names)), code % bits)
                for code in table[word].tolist()
            )
            asked = tuple(_named(e, names, channels) for e in self.work.elements[word])
            ends = self._ends(names)
            found.setdefault((row, asked, ends), word)
        return found

    def _ends(self, names: Mapping[int, int]) -> tuple[Any, ...]:
        """Return the smaller intervals of the numbers of some words."""
        if not self.feed.ranges:
            return ()
        stream = self.feed.stream
        atoms = [stream.atom(word, number) for word in names for number in range(len(stream.channels))]
        return tuple(self.feed.ranges.get(name) for name in atoms)

    def prove(self, place: str, ask: Ask) -> tuple[Stream, list[Obligation]]:
        """Prove that it computes what it has to, and return its words.

        Raises:
            RefutedError: It computes something else.
            ProofError: Something cannot be shown.
        """
        compared = [self._compare(word, f"{place}/{word}", ask) for word in self.cases().values()]
        channels = _channels([(e, x) for e, x, _ in compared], len(self.netlist.outputs["out"]))
        words = len(self.feed.table)
        shown = _together([each for _, _, obligations in compared for each in obligations])
        return Stream(words, len(self.netlist.outputs["out"]), channels), shown

    def check(self, place: str, ask: Ask, channels: Sequence[Channel]) -> list[Obligation]:
        """Prove that it computes what it has to, and that its words carry it in given places.

        Raises:
            RefutedError: It computes something else.
            ProofError: Something cannot be shown.
        """
        shown: list[Obligation] = []
        for word in self.cases().values():
            equivalence, elements, found = self._compare(word, f"{place}/{word}", ask)
            shown += found
            for number, (element, channel) in enumerate(zip(elements, channels, strict=True)):
                if isinstance(element, Function):
                    raise ProofError(f"no bits of the netlist hold number {number} of word {word}")
                own = equivalence.netlist.outputs["out"][channel.start : channel.start + channel.width]
                value = equivalence.words.value(own, signed=channel.signed).times(1, -channel.fraction)
                if not equivalence.words.reduced(value.plus(element, -1)).is_zero():
                    raise ProofError(f"number {number} of word {word} is not in its bits")
        return _together(shown)

    def _compare(self, word: int, place: str, ask: Ask) -> tuple[Equivalence, list[Element], list[Obligation]]:
        stream = self.feed.stream
        holders: dict[int, int] = {}
        known: dict[int, int] = dict.fromkeys(self.feed.low, ZERO)
        for column in self.columns:
            bit, code = self.feed.leaves[column], int(self.feed.table[word, column])
            if code in (LOW, HIGH):
                known[bit] = ZERO if code == LOW else ONE
            elif code >= 0:
                known[bit] = holders.setdefault(code, bit)
        equivalence = Equivalence(_specialized(self.netlist, known), self.graph, (), below=stream.atom(stream.words, 0))
        equivalence.ranges.update(self._ranges)
        # Bits that the kernel does not read have numbers of their own.
        spare = max([*self.netlist.names, *self.feed.leaves, ONE]) + 1
        for code in sorted({code // stream.bits for code in holders}):
            for number, channel in enumerate(stream.channels):
                if not channel.width:
                    continue
                own = []
                for position in range(channel.start, channel.start + channel.width):
                    at = code * stream.bits + position
                    if at not in holders:
                        holders[at], spare = spare, spare + 1
                    own.append(holders[at])
                name = stream.atom(code, number)
                equivalence.variable(tuple(own), *self._ranges[name], channel.fraction, name)
        return equivalence, *self._layers(equivalence, self.work.elements[word], place, ask)

    def _layers(
        self, equivalence: Equivalence, elements: Elements, place: str, ask: Ask
    ) -> tuple[list[Element], list[Obligation]]:
        shown: list[Obligation] = []
        elements = elements.reshape(1, 1, -1)
        for number, layer in enumerate(self.work.layers):
            if number or layer.kind == "UnaryLUT":
                made = definition.results(layer, [elements], self.graph, equivalence.ranges)
            elif self.work.cast:
                made = definition.casted(elements, layer, equivalence.ranges)
            else:
                made = elements
            claims = ask(f"{place}/{layer.name}", equivalence, layer, made)
            shown += equivalence.compare(layer, claims, made)
            elements = equivalence.elements[layer.name]
        return list(elements.reshape(-1)), shown


def _together(obligations: Sequence[Obligation]) -> list[Obligation]:
    """Return obligations with those of one layer and method added up."""
    shown: dict[tuple[str, str], Obligation] = {}
    for each in obligations:
        old = shown.get((each.layer, each.method), Obligation(each.layer, each.method, 0))
        shown[each.layer, each.method] = Obligation(
            each.layer, each.method, old.elements + each.elements, old.cases + each.cases
        )
    return list(shown.values())


def _specialized(netlist: Netlist, known: dict[int, int]) -> Netlist:
    """Return a netlist without registers in which bits are replaced by other ones or constants.

    Args:
        netlist: The netlist.
        known: The bits by which others are replaced; those that follow are added.
    """

    def now(bit: int) -> int:
        bit = netlist.stored(bit)
        return known.get(bit, bit)

    cells = []
    for cell in netlist.cells:
        found = simplified(cell, now)
        known |= {bit: other for bit, other in zip(cell.output, found, strict=True) if other is not None}
        if None in found:
            inputs = {port: tuple(map(now, bits)) for port, bits in cell.inputs.items()}
            kind, inputs = _product(inputs) if cell.kind == "$mul" else (cell.kind, inputs)
            cells.append(Cell(cell.name, kind, inputs, cell.output, cell.signed))
    outputs = {port: tuple(map(now, bits)) for port, bits in netlist.outputs.items()}
    driver = {bit: cell for cell in cells for bit in cell.output}
    return Netlist(netlist.inputs, outputs, cells, {}, netlist.names, driver)


def _product(inputs: dict[str, tuple[int, ...]]) -> tuple[str, dict[str, tuple[int, ...]]]:
    """Return kind and operands of a product, which is linear if one of them is constant."""
    for one, other in (("B", "A"), ("A", "B")):
        if set(inputs[one]) <= {ZERO, ONE}:
            return TIMES, {"A": inputs[other], "B": inputs[one]}
    return "$mul", inputs


def _named(element: Element, names: dict[int, int], channels: int) -> Any:
    """Return an element with words by their place in a window."""
    if isinstance(element, Form):
        terms = []
        for name, c in element.terms.items():
            word, channel = divmod(-1 - name, channels)
            terms.append((names.setdefault(word, len(names)), channel, c))
        return tuple(sorted(terms)), element.constant, element.exponent
    parts = element.parts or element.forms
    return element.kind, element.fraction, tuple(_named(part, names, channels) for part in parts)


def _channels(compared: Sequence[tuple[Equivalence, list[Element]]], size: int) -> tuple[Channel, ...]:
    """Return how words carry numbers: each in the next bits, in every kind of word alike.

    Raises:
        ProofError: They do not.
    """
    count = len(compared[0][1])
    found: list[Channel] = []
    # Bits above a number may repeat its sign, so where a number ends is tried.
    waiting = [_places(compared, 0, size, 0)]
    for _ in range(_TRIES):
        end = sum(channel.width for channel in found)
        if len(found) == count and end in (0, size):
            return tuple(found)
        channel = next(waiting[-1], None)
        if channel is not None:
            found.append(channel)
            waiting.append(_places(compared, len(found), size, channel.start + channel.width))
            continue
        waiting.pop()
        if not found:
            break
        found.pop()
    raise ProofError("its results are not in the bits of its words, one after the other")


def _places(
    compared: Sequence[tuple[Equivalence, list[Element]]], number: int, size: int, start: int
) -> Iterator[Channel]:
    """Give how bits from `start` on can hold a number."""
    if number == len(compared[0][1]):
        return
    forms = []
    for equivalence, elements in compared:
        element = elements[number]
        if isinstance(element, Function):
            raise ProofError(f"no bits of the netlist hold number {number} of a word")
        forms.append((equivalence, equivalence.words.reduced(element).reduced()))
    fraction = max(-form.exponent for _, form in forms)
    intervals = [bounds(*form.raised(-fraction), equivalence.ranges) for equivalence, form in forms]
    low, high = min(low for low, _ in intervals), max(high for _, high in intervals)
    if low == high:
        yield Channel(start, 0, False, fraction, low, high)
    for width in range(1, min(size - start, _WIDEST) + 1):
        for signed in (low < 0, low >= 0):
            unit = _unit(forms, start, width, signed)
            if unit is not None:
                shift = unit - fraction
                ends = (low << shift, high << shift) if shift >= 0 else (-(-low >> -shift), high >> -shift)
                yield Channel(start, width, signed, unit, *ends)


def _unit(forms: Sequence[tuple[Equivalence, Form]], start: int, width: int, signed: bool) -> int | None:
    """Return the fraction bits with which some bits are a number in every kind of word; None if they are not."""
    words = [(each.words, each.netlist.outputs["out"][start : start + width]) for each, _ in forms]
    values = [own.value(bits, signed=signed) for own, bits in words]
    units = {
        value.reduced().exponent - form.exponent for value, (_, form) in zip(values, forms, strict=True) if form.terms
    }
    if len(units) != 1:
        return None
    unit = units.pop()
    for value, (equivalence, form) in zip(values, forms, strict=True):
        if not equivalence.words.reduced(value.times(1, -unit).plus(form, -1)).is_zero():
            return None
    return unit


__all__ = ["Ask", "Channel", "Feed", "Kernel", "Stream", "Work", "feedforward"]

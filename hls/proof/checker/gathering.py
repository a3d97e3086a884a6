"""A register that gathers words one by one: a sum or a maximum of those of an event so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph.definition import Element, Elements, Function, combined
from trigcnn.hls.graph.forms import Form, bounds
from trigcnn.hls.proof.checker.automaton import FREE, Codes
from trigcnn.hls.proof.checker.kernel import Channel, Feed, Stream
from trigcnn.hls.proof.checker.moves import Moves
from trigcnn.hls.proof.checker.netlist import Netlist


class Gathering:
    """What a register holds after each word of an event.

    Attributes:
        words: What stands before it.
        register: Its bits.
        channels: How it carries its numbers.
        partial: What it holds after each word, in terms of what it held before and of the word [words, channels].
    """

    def __init__(
        self,
        words: Feed,
        defined: Callable[[Elements, dict[int, tuple[int, int]]], Elements],
        size: int,
        register: Sequence[int],
    ) -> None:
        self.words, self.register = words, tuple(register)
        own = words.stream
        self._own, self._steps = own, len(words.table)
        # One stream has both: the words, and what the register holds after each.
        count = len(own.channels)
        self._offset, self._total = count, count + size
        self.numbers = defined(self._elements(), self._ranges()).reshape(-1)
        rows = [self._atoms(step) for step in range(self._steps)]
        for asked in self.numbers:
            _check_once(asked, rows)
        parts = [[_part(number, row) for number in self.numbers] for row in rows]
        self._intervals = self._hulls(parts)
        self.channels = self._layout()
        partial = np.empty((self._steps, size), dtype=object)
        for step, row in enumerate(parts):
            for number, part in enumerate(row):
                partial[step, number] = self._after(step, number, part)
        self.partial: Elements = partial

    def _after(self, step: int, number: int, part: Element) -> Element:
        """Return what the register holds after a step."""
        if isinstance(self.numbers[number], Function):
            fraction, low, _ = self._intervals[0][number]
            before = self._held(step - 1, number) if step else Form({}, low, -fraction)
            return combined("maximum", (before, part))
        if not isinstance(part, Form):
            raise ProofError("what is gathered is no number of a word")
        return self._held(step - 1, number).plus(part) if step else part

    def _name(self, word: int, channel: int) -> int:
        return -1 - word * self._total - channel

    def _elements(self) -> Elements:
        own = self._own
        result = own.elements()
        for (word, number), element in np.ndenumerate(result):
            if element.terms:
                result[word, number] = Form({self._name(word, number): 1}, 0, element.exponent)
        return result

    def _ranges(self) -> dict[int, tuple[int, int]]:
        return {
            self._name(word, number): (channel.low, channel.high)
            for word in range(self._own.words)
            for number, channel in enumerate(self._own.channels)
        }

    def _atoms(self, step: int) -> frozenset[int]:
        """Return the numbers that come with a step."""
        own = self._own
        places = {code for code in self.words.table[step].tolist() if code >= 0}
        return frozenset(
            self._name(word, number)
            for word in {code // own.bits for code in places}
            for number, channel in enumerate(own.channels)
            if channel.width and word * own.bits + channel.start in places
        )

    def _hulls(self, parts: Sequence[Sequence[Element]]) -> list[list[tuple[int, int, int]]]:
        """Return fraction bits and interval of each number after each step."""
        ranges, found = self._ranges(), []
        fractions = [_fraction([row[number] for row in parts]) for number in range(len(parts[0]))]
        so_far: list[tuple[int, int]] | None = None
        for row in parts:
            now = [_interval(part, fraction, ranges) for part, fraction in zip(row, fractions, strict=True)]
            if so_far is not None:
                now = [
                    (min(a, c), max(b, d)) if isinstance(number, Function) else (a + c, b + d)
                    for (a, b), (c, d), number in zip(so_far, now, self.numbers, strict=True)
                ]
            so_far = now
            found.append([(fraction, *ends) for fraction, ends in zip(fractions, now, strict=True)])
        return found

    def _layout(self) -> tuple[Channel, ...]:
        """Return how the register carries its numbers: wide enough for what it holds, or for any part of the sum."""
        ranges = self._ranges()
        for any_part in (False, True):
            found, start = [], 0
            for number, asked in enumerate(self.numbers):
                fraction = self._intervals[0][number][0]
                low = min(row[number][1] for row in self._intervals)
                high = max(row[number][2] for row in self._intervals)
                if any_part and isinstance(asked, Form):
                    terms, _ = asked.raised(-fraction)
                    ends = [bounds({name: c}, 0, ranges) for name, c in terms.items()]
                    low, high = sum(min(a, 0) for a, _ in ends), sum(max(b, 0) for _, b in ends)
                width = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + (low < 0)
                found.append(Channel(start, 0 if low == high else width, low < 0, fraction, low, high))
                start += found[-1].width
            if start == len(self.register):
                return tuple(found)
        raise ProofError(f"a register of {len(self.register)} bits gathers numbers that need {start}")

    def _held(self, step: int, number: int) -> Form:
        channel = self.channels[number]
        if not channel.width:
            return Form({}, channel.low, -channel.fraction)
        return Form({self._name(step, self._offset + number): 1}, 0, -channel.fraction)

    def feed(self, counts: Sequence[int], table: Codes, late: int, reset: int) -> Feed:
        """Return what stands before the register's next value.

        Args:
            counts: Bits of the counter.
            table: What they are at each step.
            late: Clocks from there to the register.
            reset: The bit of the reset, which would clear the valid bits of what is computed.
        """
        own, steps = self._own, self._steps
        bits = own.bits + len(self.register)
        moved = tuple(Channel(own.bits + c.start, c.width, c.signed, c.fraction, c.low, c.high) for c in self.channels)
        stream = Stream(max(own.words, steps), bits, (*own.channels, *moved))
        codes = self.words.table
        words = np.where(codes >= 0, codes // own.bits * bits + codes % own.bits, codes)
        held: Codes = (np.arange(steps)[:, None] - 1) * bits + own.bits + np.arange(len(self.register))
        held[0] = FREE
        ranges = {
            self._name(step, self._offset + number): (low, high)
            for step, row in enumerate(self._intervals)
            for number, (_, low, high) in enumerate(row)
        }
        leaves = (*self.words.leaves, *counts, *self.register)
        later = dict.fromkeys(self.register, late)
        return Feed(stream, leaves, np.concatenate([words, table, held], axis=1), ranges, later, (reset,))

    def result(self) -> tuple[Stream, Elements]:
        """Return the register after an event, and the numbers that were asked for in its terms."""
        last = self._intervals[-1]
        channels = tuple(
            Channel(c.start, c.width, c.signed, c.fraction, low, high) if c.width else c
            for c, (_, low, high) in zip(self.channels, last, strict=True)
        )
        stream = Stream(1, len(self.register), channels)
        asked = np.empty((1, len(channels)), dtype=object)
        for number, (element, held) in enumerate(zip(self.numbers, stream.elements()[0], strict=True)):
            constant = Form({}, element.constant, element.exponent) if isinstance(element, Form) else Form({})
            asked[0, number] = held.plus(constant)
        return stream, asked


def _check_once(asked: Element, rows: Sequence[frozenset[int]]) -> None:
    """Check that each number comes with one word.

    Raises:
        ProofError: One comes never or twice.
    """
    forms = (asked,) if isinstance(asked, Form) else asked.forms
    for name in {name for form in forms for name in form.terms}:
        if sum(name in row for row in rows) != 1:
            raise ProofError("a number does not come with one word of an event, but with none or several")


def _part(number: Element, atoms: frozenset[int]) -> Element:
    """Return what some numbers give to a sum or maximum."""
    if isinstance(number, Form):
        terms = {name: c for name, c in number.terms.items() if name in atoms}
        return Form(terms, 0, number.exponent)
    parts = [part for part in number.parts if isinstance(part, Form) and part.terms.keys() <= atoms]
    if number.kind != "maximum" or len(parts) != 1:
        raise ProofError("what is gathered is neither a sum nor a maximum of one number of each word")
    return parts[0]


def _fraction(parts: Sequence[Element]) -> int:
    """Return the fraction bits that numbers need."""
    forms = [part.reduced() for part in parts if isinstance(part, Form)]
    return max((-form.exponent for form in forms if form.terms), default=0)


def _interval(part: Element, fraction: int, ranges: dict[int, tuple[int, int]]) -> tuple[int, int]:
    if not isinstance(part, Form):
        raise ProofError("what is gathered is no number of a word")
    return bounds(*part.raised(-fraction), ranges)


def check_hold(netlist: Netlist) -> None:
    """Check that a module keeps its input of the last clock with `enable`.

    Raises:
        ProofError: It does something else.
    """
    (enable,) = netlist.inputs["enable"]
    given, kept = netlist.inputs["in_data"], netlist.outputs["out_data"]
    moves = Moves(netlist, frozenset(given) | frozenset(kept))
    for before, bit in zip(given, kept, strict=True):
        wanted = ("choose", enable, ("bit", before), ("bit", bit))
        if bit not in netlist.registers or moves.choice(netlist.registers[bit]) != wanted:
            raise ProofError(f"{netlist.name(bit)} does not keep what came with the last enable")

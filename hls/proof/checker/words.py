"""Words of the netlist as linear forms: adders by algebra, whatever their number.

Every bit is a bit of an exact number: bit `n` of an adder's output is bit `n` of the sum in two's complement, also
where the sum does not fit. Where it fits, the bits and the sum satisfy one linear equation, which removes one bit from
all forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph.forms import Form, bounds
from trigcnn.hls.proof.checker.cells import TIMES
from trigcnn.hls.proof.checker.netlist import ONE, ZERO, Cell, Netlist

LINEAR = ("$add", "$sub", "$neg", TIMES)


@dataclass(frozen=True, slots=True)
class Word:
    """What an adder delivers.

    Attributes:
        form: The exact sum.
        low: The least that it can be.
        high: The most that it can be.
        bits: Its bits in the netlist, the lowest first.
        fits: Whether they hold it without a wrap.
    """

    form: Form
    low: int
    high: int
    bits: tuple[int, ...]
    fits: bool


def constant(bits: Sequence[int], *, signed: bool) -> int:
    """Return the number that constant bits hold."""
    value = sum(bit << position for position, bit in enumerate(bits))
    return value - (bits[-1] << len(bits)) if signed else value


class Words:
    """The linear forms of a netlist's bits, found as they are asked for.

    Attributes:
        netlist: The netlist.
        ranges: Interval of each atom that is no bit.
        places: Of a bit that adders or layers' results have: the words and the positions in them, the last found last.
    """

    def __init__(self, netlist: Netlist) -> None:
        self.netlist = netlist
        self.ranges: dict[int, tuple[int, int]] = {}
        self.places: dict[int, list[tuple[Word, int]]] = {}
        self._solved: dict[int, Form] = {}
        self._words: dict[str, Word] = {}
        self._same: dict[int, int] = {}
        # The bits that say whether any of some bits is set, and the negatives of the same bits.
        self._any: dict[tuple[int, ...], int] = {}
        self._lent: dict[int, list[Cell]] = {}
        for cell in netlist.cells:
            if cell.kind in ("$reduce_or", "$reduce_bool"):
                self._any.setdefault(self._set(cell), cell.output[0])
        for cell in netlist.cells:
            if cell.kind == "$neg" and (borrow := self._any.get(self._set(cell))) is not None:
                self._lent.setdefault(borrow, []).append(cell)

    def _set(self, cell: Cell) -> tuple[int, ...]:
        return tuple(sorted({self.netlist.stored(bit) for bit in cell.inputs["A"]} - {ZERO}))

    def _drivers(self, bit: int) -> list[Cell]:
        """Return the adders that must be known before a bit is."""
        driver = self.netlist.driver.get(bit)
        return [driver] if driver is not None and driver.kind in LINEAR else self._lent.get(bit, [])

    def bit(self, bit: int) -> int:
        """Return the bit that stands for a bit: behind registers, and behind the sign that it repeats."""
        bit = self.netlist.stored(bit)
        while bit in self._same:
            bit = self.netlist.stored(self._same[bit])
        return bit

    @property
    def known(self) -> int:
        """How many bits are known to equal others."""
        return len(self._same)

    def alias(self, bit: int, other: int) -> None:
        """Note that a bit equals another one, which was proved before."""
        bit, other = self.bit(bit), self.bit(other)
        if bit in (ZERO, ONE, other):
            return
        driver = self.netlist.driver.get(bit)
        if driver is not None and driver.kind in LINEAR:
            # It stays a bit of its own sum.
            self._remove(self.value((bit,), signed=False).plus(self.value((other,), signed=False), -1), ())
        else:
            self._same[bit] = other

    def define(self, bits: Sequence[int], form: Form, low: int, high: int) -> None:
        """Note that bits hold a number, which was proved before.

        Args:
            bits: The lowest first.
            form: The number.
            low: The least that it can be.
            high: The most that it can be.
        """
        word = Word(form, low, high, tuple(bits), fits=True)
        self._enter(bits, word)

    def value(self, bits: Sequence[int], *, signed: bool) -> Form:
        """Return the number that bits hold, as a linear form.

        Raises:
            ProofError: A bit is not known.
        """
        total = 0
        weights: dict[int, int] = {}
        for position, bit in enumerate(bits):
            weight = -(1 << position) if signed and position == len(bits) - 1 else 1 << position
            bit = self.resolve(bit)
            if bit == ONE:
                total += weight
            elif bit != ZERO:
                weights[bit] = weights.get(bit, 0) + weight
        return self.reduced(Form({bit: w for bit, w in weights.items() if w}, total))

    def reduced(self, form: Form) -> Form:
        """Return a form without the bits that equations remove."""
        found = [bit for bit in form.terms if bit in self._solved]
        while found:
            for bit in found:
                c = form.terms.get(bit)
                if c:
                    rest = Form({a: k for a, k in form.terms.items() if a != bit}, form.constant, form.exponent)
                    form = rest.plus(self._solved[bit].times(c, form.exponent))
            found = [bit for bit in form.terms if bit in self._solved]
        return form.reduced() if form.exponent < 0 else form

    def word(self, cell: Cell) -> Word:
        """Return the sum that an adder computes.

        Raises:
            ProofError: It reads a bit that is not known.
        """
        waiting = [cell]
        while waiting:
            each = waiting[-1]
            if each.name in self._words:
                waiting.pop()
                continue
            feeding = [
                driver
                for port in each.inputs.values()
                for bit in port
                if self.bit(bit) not in self.places
                for driver in self._drivers(self.netlist.stored(bit))
                if driver.name not in self._words
            ]
            if feeding:
                waiting += {driver.name: driver for driver in feeding}.values()
            else:
                waiting.pop()
                self._note(each)
        return self._words[cell.name]

    def resolve(self, bit: int) -> int:
        """Return the bit that stands for a bit, after its adder was looked at."""
        bit = self.bit(bit)
        if bit in self.places or bit in (ZERO, ONE):
            return bit
        driver = self.netlist.driver.get(bit)
        if bit < ZERO:
            raise ProofError("a cell reads a bit that is not known")
        if driver is not None and driver.kind in LINEAR:
            self.word(driver)
            return self.bit(bit)
        return bit

    def _note(self, cell: Cell) -> None:
        width, signed = len(cell.output), cell.signed
        borrow = None
        form, low, high = self._operand(cell.inputs["A"], signed, width)
        if cell.kind == TIMES:
            factor = constant(cell.inputs["B"], signed=signed)
            form = form.times(factor)
            low, high = sorted((low * factor, high * factor))
        elif cell.kind == "$neg":
            form, low, high = form.times(-1), -high, -low
            if high >= 1 << (width - 1) or low < -(1 << (width - 1)):
                bits = cell.inputs["A"]
                borrow = self._any_of(tuple(map(self.resolve, bits))) if len(bits) == width else None
                if borrow is not None:
                    # Of the lowest bits of a number: what is lent from the bits above makes it not negative.
                    form = borrow.times(1, width).plus(self.value(bits, signed=False), -1)
                    low, high = 0, (1 << width) - 1
        else:
            other, least, most = self._operand(cell.inputs["B"], signed, width)
            form = form.plus(other, 1 if cell.kind == "$add" else -1)
            low, high = (low + least, high + most) if cell.kind == "$add" else (low - most, high - least)
        form = self.reduced(form)
        cut = max(-form.exponent, 0)
        least, most = bounds(*form.raised(-cut), self.ranges)
        low, high = max(low, -(-least >> cut)), min(high, most >> cut)
        fits = -(1 << (width - 1)) <= low and high < 1 << (width - 1 if low < 0 else width)
        word = self._words[cell.name] = Word(form, low, high, cell.output, fits)
        self._enter(cell.output, word, lent=borrow)

    def _any_of(self, bits: tuple[int, ...]) -> Form | None:
        """Return whether any of some bits is set, if a cell computes it."""
        names = tuple(sorted({self.netlist.stored(bit) for bit in bits} - {ZERO}))
        if len(names) < 2:
            return self.value(names, signed=False)
        return self.value((self._any[names],), signed=False) if names in self._any else None

    def _operand(self, bits: Sequence[int], signed: bool, width: int) -> tuple[Form, int, int]:
        """Return an operand of a sum of `width` bits, modulo which it counts: its form and its range."""
        if len(bits) >= width:
            bits = bits[:width]
            raised = next((n for n, bit in enumerate(bits) if self.bit(bit) != ZERO), width)
            top = self._place(self.resolve(bits[-1]))
            if top is not None and not top[0].fits and self._whole(bits[raised:], top[0]):
                # The bits of a sum that did not fit: what it lost is lost here too.
                word = top[0]
                return word.form.times(1, raised), word.low << raised, word.high << raised
            if top is not None and top[0].fits:
                # Bits above the sum's count for nothing, so the rest of a word may join its lowest bits.
                word, position = top
                bits = (*bits, *word.bits[position + 1 : _needed(word)])
                signed = word.low < 0 and position < _needed(word)
        form = self.value(bits, signed=signed)
        low, high = self._range(bits, signed=signed)
        return form, low, high

    def _whole(self, bits: Sequence[int], word: Word) -> bool:
        return all(self._place(self.bit(bit)) == (word, position) for position, bit in enumerate(bits))

    def _place(self, bit: int) -> tuple[Word, int] | None:
        found = self.places.get(bit)
        return found[-1] if found else None

    def _range(self, bits: Sequence[int], *, signed: bool) -> tuple[int, int]:
        """Return the range of a number from the ranges of the words of which it has parts."""
        names = [self.bit(bit) for bit in bits]
        end = len(names)
        repeats = 1
        while repeats < end and names[-1 - repeats] == names[-1]:
            repeats += 1
        if signed and repeats > 1:
            # The sign is extended.
            return self._range([*bits[: end - repeats], bits[-1]], signed=True)
        low = high = position = 0
        while position < end:
            bit = names[position]
            place = self._place(bit)
            length = 1
            last = False
            least, most = (0, 1) if bit not in (ZERO, ONE) else (bit, bit)
            if place is not None and place[0].fits:
                word, start = place
                while position + length < end and self._place(names[position + length]) == (word, start + length):
                    length += 1
                top = position + length == end
                least, most = word.low >> start, word.high >> start
                # Without its highest bits, or with its sign read as a bit, it can be any number of so many bits.
                last = top and signed
                within = (
                    -(1 << (length - 1)) <= least and most < 1 << (length - 1)
                    if last
                    else (least >= 0 and most < 1 << length)
                )
                if not within:
                    least, most = (-(1 << (length - 1)), (1 << (length - 1)) - 1) if last else (0, (1 << length) - 1)
            elif signed and position == end - 1:
                least, most = -most, -least
            low, high = low + (least << position), high + (most << position)
            position += length
        return low, high

    def _enter(self, bits: Sequence[int], word: Word, lent: Form | None = None) -> None:
        """Note which bits a word has; if it fits, remove a bit by the equation between them: the one that was lent."""
        for position, bit in enumerate(bits):
            if (bit := self.bit(bit)) not in (ZERO, ONE):
                self.places.setdefault(bit, []).append((word, position))
        if not word.fits:
            return
        for position in range(min(_constant_bits(word.form), len(bits))):
            if (bit := self.bit(bits[position])) not in (ZERO, ONE):
                self._same[bit] = (word.form.raised(0)[1] >> position) & 1
        signed, needed = word.low < 0, _needed(word)
        # Bits above the highest that it needs repeat it.
        same = self.bit(bits[needed - 1]) if signed else ZERO
        for above in map(self.bit, bits[needed:]):
            if above not in (ZERO, ONE, same):
                self._same[above] = same
        kept = [self.bit(bit) for bit in bits[:needed]]
        # The bit that was lent and those that were cut off cancel then, so that intervals stay narrow.
        first = [*reversed(kept)] if lent is None else [*lent.terms, *reversed(kept)]
        self._remove(self.value(kept, signed=signed).plus(word.form, -1), first)

    def _remove(self, equation: Form, first: Sequence[int]) -> None:
        """Remove a bit from all forms by an equation; one of the `first`, if it can be."""
        equation = self.reduced(equation)
        powers = {a for a, c in equation.terms.items() if abs(c) & (abs(c) - 1) == 0}
        pivot = next((bit for bit in first if bit in powers), max((a for a in powers if a > ONE), default=None))
        if pivot is None:
            # All bits are known already: the newest variable is nothing new.
            pivot = min(powers, default=None)
        if pivot is not None:
            c = equation.terms[pivot]
            rest = Form({a: k for a, k in equation.terms.items() if a != pivot}, equation.constant, equation.exponent)
            self._solved[pivot] = rest.times(-1 if c > 0 else 1, 1 - abs(c).bit_length() - equation.exponent)


def _needed(word: Word) -> int:
    """Return how many bits a word needs, with a sign if it can be negative."""
    return max(word.high.bit_length(), (-word.low - 1).bit_length()) + int(word.low < 0)


def _constant_bits(form: Form) -> int:
    """Return how many of the lowest bits of a number are the same whatever its variables are."""
    together = 0
    for c in form.terms.values():
        together |= c
    zeros = (together & -together).bit_length() - 1 if together else 64
    return max(zeros + form.exponent, 0) if form.exponent >= 0 else 0

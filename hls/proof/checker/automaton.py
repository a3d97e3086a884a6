"""What a module that moves words gives out, for every pattern of valid bits, gaps and resets.

Its control is a finite automaton. All states that it can reach are visited, with every value of its control inputs. In
each state it is known for each register which word it holds: counted back from the newest word that came, or unknown,
if ways that lead there differ. So what stands at the output is shown for every pattern, not for some of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trigcnn.hls.errors import ProofError
from trigcnn.hls.proof.checker.cases import packed, unpacked
from trigcnn.hls.proof.checker.cells import Pair, Ternary, evaluate
from trigcnn.hls.proof.checker.constants import value
from trigcnn.hls.proof.checker.moves import Choice, Lane, Moves, lanes, leaves, resolve, selects
from trigcnn.hls.proof.checker.netlist import ONE, UNKNOWN, ZERO, Netlist
from trigcnn.hls.proof.checker.times import Emission, Service

Codes = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MOST_STATES = 1 << 20
"""Largest number of states that are visited."""
# What a bit of data is: `age * width + position` of a bit of a word, the age of the newest that came being 0, of one
# that comes in this clock -1; or one of these.
_NOTHING, _ZERO, _ONE = -(1 << 40), 1 << 40, (1 << 40) + 1
# In a module's result: bits that may have any value, and constants. Others are `word * width + position`.
FREE, LOW, HIGH = -1, -2, -3


@dataclass(frozen=True)
class Handshake:
    """Names of a module's ports.

    Attributes:
        data: The word that comes; none if it is empty.
        valid: Whether one comes.
        take: Whether it is taken; every one that comes if None.
        given: Outputs that are given together.
        out_valid: Whether they are given; with each word that comes if it is empty.
        consumed: An input that says whether what is given is taken; always if None.
    """

    data: str
    valid: str
    given: tuple[str, ...]
    out_valid: str
    take: str | None = None
    consumed: str | None = None


@dataclass(frozen=True)
class Behaviour:
    """What a module makes of its words, the same for each period of words.

    Attributes:
        words_in: Words that come in a period.
        words_out: Words that are given for them.
        bits: Of each word that is given and each bit of the outputs: which bit of which word of the period it is, as
            `word * width + position`; or `FREE`, `LOW`, `HIGH`.
        states: States of the control.
        capacity: Words that may wait in a queue; that no more do is not shown here. None if it is no queue.
        emissions: When words are given, if none is taken from a queue.
        service: How words are taken and given, if they are taken from a queue.
    """

    words_in: int
    words_out: int
    bits: Codes
    states: int
    capacity: int | None = None
    emissions: tuple[Emission, ...] = ()
    service: Service | None = None


class Automaton:
    """A module of which all states of the control are visited."""

    def __init__(self, netlist: Netlist, reset: str, hands: Handshake) -> None:
        self.netlist, self.hands = netlist, hands
        self.reset = netlist.inputs[reset][0]
        self.word = netlist.inputs[hands.data] if hands.data else ()
        self.out = [bit for name in hands.given for bit in netlist.outputs[name]]
        self.moves = Moves(netlist, frozenset(self.word) | self._data_registers())
        self.registers = sorted(self.moves.data - set(self.word))
        self.free = [netlist.inputs[name][0] for name in (hands.valid, hands.consumed) if name is not None]
        self.control = self._control_registers()
        self.start = self._start()
        self.groups = lanes(self.moves, self.registers, self.word)
        followed = [lane for group in self.groups for lane in group[:1]]
        self.followed = [r for lane in followed for r in lane.registers.values()] if self.groups else self.registers
        # As many words as the registers hold.
        self.capacity = None if hands.consumed is None else len(self.registers) // len(self.word)
        self.choices = {r: self.moves.choice(netlist.registers[r]) for r in self.followed}

    def _data_registers(self) -> frozenset[int]:
        """Return the registers that data reach."""
        readers: dict[int, list[int]] = {}
        for cell in self.netlist.cells:
            for bits in cell.inputs.values():
                for bit in bits:
                    readers.setdefault(bit, []).extend(cell.output)
        for register, stored in self.netlist.registers.items():
            readers.setdefault(stored, []).append(register)
        found: set[int] = set()
        waiting = list(self.word)
        while waiting:
            for bit in readers.get(waiting.pop(), ()):
                if bit not in found:
                    found.add(bit)
                    waiting.append(bit)
        return frozenset(found & self.netlist.registers.keys())

    def _control_registers(self) -> list[int]:
        """Return the registers on which anything but data depends."""
        data = [*self.out, *(self.netlist.registers[r] for r in self.registers)]
        wanted = {s for bit in data for s in selects(self.moves.choice(bit))}
        ends = {b for bit in data for b in leaves(self.moves.choice(bit)) if not self.moves.is_data(b)}
        known = {self.reset, *self.free, *self.netlist.registers, *self.netlist.driver}
        # A word that is read from behind the end of a memory has no value.
        self.unknown = ends - known - {ZERO, ONE, UNKNOWN}
        wanted |= ends & known
        hands = self.hands
        wanted |= {self.netlist.outputs[n][0] for n in (hands.out_valid, hands.take) if n}
        self.wanted = sorted(wanted - {ZERO, ONE, UNKNOWN})
        found: list[int] = []
        waiting, seen = list(self.wanted), set(self.wanted)
        while waiting:
            bit = waiting.pop()
            if self.moves.is_data(bit):
                raise ProofError(f"{self.netlist.name(bit)}, a control bit, depends on data")
            cell, near = self.netlist.driver.get(bit), []
            if bit in self.netlist.registers:
                found.append(bit)
                near = [self.netlist.registers[bit]]
            elif cell is not None:
                near = [b for bits in cell.inputs.values() for b in bits]
            elif bit not in (ZERO, ONE, UNKNOWN, self.reset, *self.free):
                raise ProofError(f"{self.netlist.name(bit)} is not driven")
            waiting += [b for b in near if b not in seen]
            seen.update(near)
        return sorted(found)

    def _start(self) -> Bools:
        """Return the state after a clock with a reset, whatever was before."""
        ends = []
        for register in self.control:
            end = value(self.netlist, self.netlist.registers[register], {self.reset: ONE})
            if end not in (ZERO, ONE):
                raise ProofError(f"{self.netlist.name(register)}, which decides where data move, is not reset")
            ends.append(end == ONE)
        return np.array(ends, dtype=np.bool_)

    def _evaluate(self, states: Bools, bits: Sequence[int]) -> tuple[dict[int, Bools], int]:
        """Return bits in each state, for all values of the inputs without a reset: inputs slowest."""
        combinations = 1 << len(self.free)
        count = len(states) * combinations
        algebra, every = Ternary(count), (1 << count) - 1
        values: dict[int, Pair] = {ZERO: algebra.zero, ONE: algebra.one, UNKNOWN: algebra.unknown}
        values[self.reset] = algebra.zero
        repeated = np.tile(states, (combinations, 1))
        for position, register in enumerate(self.control):
            lanes_of = packed(repeated[:, position].astype(np.int64))
            values[register] = (lanes_of, every ^ lanes_of)
        for position, bit in enumerate(self.free):
            lanes_of = packed(np.arange(count) // len(states) >> position & 1)
            values[bit] = (lanes_of, every ^ lanes_of)
        for bit in bits:
            high, low = evaluate(self.netlist.driver, bit, values, algebra)
            if high & low:
                raise ProofError(f"{self.netlist.name(bit)}, which decides where data move, is not defined")
        return {bit: unpacked(values[bit][0], count).astype(np.bool_) for bit in bits}, count

    def behaviour(self, words_in: int, words_out: int) -> Behaviour:
        """Visit all states, and return what the module makes of each period of words.

        Args:
            words_in: Words of a period.
            words_out: Words that are given for a period.

        Raises:
            ProofError: The module does not work in such periods, or has too many states.
        """
        visit = _Visit(self, words_in, words_out)
        visit.run()
        table, emissions = visit.table()
        return Behaviour(words_in, words_out, table, len(visit.known), self.capacity, emissions)

    def step(self, state: Bools, *, came: bool) -> tuple[Bools, bool, bool]:
        """Return the next state, whether a word is taken, and whether one is given, without a reset."""
        outputs, hands = self.netlist.outputs, self.hands
        following = [self.netlist.registers[register] for register in self.control]
        given, take = outputs[hands.out_valid][0], outputs[hands.take or hands.out_valid][0]
        bits, _ = self._evaluate(state[None], [*following, given, take])
        case = int(came)
        after = np.array([bits[bit][case] for bit in following], dtype=np.bool_)
        return after, bool(bits[take][case]) and came, bool(bits[given][case])


class _Visit:
    def __init__(self, automaton: Automaton, words_in: int, words_out: int) -> None:
        self.automaton, self.words_in, self.words_out = automaton, words_in, words_out
        self.width = max(len(automaton.word), 1)
        self.known: dict[bytes, int] = {automaton.start.tobytes(): 0}
        self.states: list[Bools] = [automaton.start]
        self.held: list[Codes] = [np.full(len(automaton.followed), _NOTHING)]
        # Of each state: words that came and that were given, in their periods, and periods between both.
        self.counts: list[tuple[int, int, int]] = [(0, 0, 0)]
        # Clocks since a word was given, at least.
        self.since = [_LONG]
        self.next_bits = [automaton.netlist.registers[r] for r in automaton.control]
        hands, outputs = automaton.hands, automaton.netlist.outputs
        self.take = None if hands.take is None else outputs[hands.take][0]
        self.given = outputs[hands.out_valid][0] if hands.out_valid else automaton.free[0]

    def run(self) -> None:
        frontier = [0]
        while frontier:
            frontier = self._step(frontier)
            if len(self.states) > MOST_STATES:
                raise ProofError(f"the control has more than {MOST_STATES} states")

    def _cases(self, numbers: Sequence[int]) -> _Cases:
        """Look at some states with all values of the inputs."""
        automaton = self.automaton
        states = np.array([self.states[n] for n in numbers])
        needed = [*self.next_bits, *automaton.wanted, self.given, *([] if self.take is None else [self.take])]
        bits, count = automaton._evaluate(states, [*dict.fromkeys(needed), *automaton.free])
        came = bits[automaton.free[0]]
        if self.take is not None:
            came = came & bits[self.take]
        given = bits[self.given]
        if automaton.hands.consumed is not None:
            given = given & bits[automaton.free[1]]
        repeats = count // len(numbers)
        held = np.tile(np.array([self.held[n] for n in numbers]), (repeats, 1))
        counts = np.tile(np.array([self.counts[n] for n in numbers]), (repeats, 1))
        since = np.tile(np.array([self.since[n] for n in numbers]), repeats)
        return _Cases(bits, came, given, bits[automaton.free[0]], held, counts, since)

    def codes(self, cases: _Cases, registers: Sequence[int], columns: Sequence[int]) -> dict[int, Codes]:
        """Return what bits of data are in each case."""
        count = len(cases.came)
        found = {
            ZERO: np.full(count, _ZERO),
            ONE: np.full(count, _ONE),
        }
        found |= dict.fromkeys([UNKNOWN, *self.automaton.unknown], np.full(count, _NOTHING))
        for position, bit in enumerate(self.automaton.word):
            found[bit] = np.where(cases.valid, position - self.width, _NOTHING)
        for register, column in zip(registers, columns, strict=True):
            found[register] = cases.held[:, column]
        for bit in self.automaton.wanted:
            found.setdefault(bit, np.where(cases.bits[bit], _ONE, _ZERO))
        return found

    def _step(self, frontier: Sequence[int]) -> list[int]:
        automaton = self.automaton
        cases = self._cases(frontier)
        keep = self._allowed(cases)
        codes = self.codes(cases, automaton.followed, range(len(automaton.followed)))
        held = np.empty((len(cases.came), len(automaton.followed)), dtype=np.int64)
        for column, register in enumerate(automaton.followed):
            held[:, column] = resolve(automaton.choices[register], cases.bits, codes)
        aged = held + np.where(cases.came, self.width, 0)[:, None]
        held = np.where((held > _NOTHING) & (held < _ZERO), aged, held)
        after = (
            np.stack([cases.bits[bit] for bit in self.next_bits], axis=1)
            if self.next_bits
            else np.zeros((len(cases.came), 0), dtype=np.bool_)
        )
        counts, since = self._counted(cases), np.where(cases.given, 1, np.minimum(cases.since + 1, _LONG))
        changed: dict[int, None] = {}
        for case in np.flatnonzero(keep):
            key, count = after[case].tobytes(), tuple(counts[case].tolist())
            number = self.known.get(key)
            if number is None:
                number = self.known[key] = len(self.states)
                self.states.append(after[case])
                self.held.append(held[case])
                self.counts.append(count)
                self.since.append(int(since[case]))
                changed[number] = None
                continue
            if self.counts[number] != count:
                raise ProofError(
                    f"the control does not tell where in {self.words_in} words it is: in one state, "
                    f"{self.counts[number]} and {count} words came and were given"
                )
            together = np.where(self.held[number] == held[case], held[case], _NOTHING)
            if (together != self.held[number]).any() or since[case] < self.since[number]:
                self.held[number] = together
                self.since[number] = min(self.since[number], int(since[case]))
                changed[number] = None
        return list(changed)

    def _allowed(self, cases: _Cases) -> Bools:
        """Return the cases that can come, since a queue is not fuller than it can be."""
        capacity = self.automaton.capacity
        if capacity is None:
            return np.ones(len(cases.came), dtype=np.bool_)
        allowed: Bools = self._counted(cases)[:, 2] <= capacity
        return allowed

    def _counted(self, cases: _Cases) -> npt.NDArray[np.int64]:
        came, given, between = cases.counts.T
        came, given = came + cases.came, given + cases.given
        between = between + (came == self.words_in) - (given == self.words_out)
        return np.stack([came % self.words_in, given % self.words_out, between], axis=1)

    def table(self) -> tuple[Codes, tuple[Emission, ...]]:
        """Return what each bit of the outputs is in each word of a period, as in `Behaviour`, and when it is given."""
        automaton = self.automaton
        found_at: list[list[tuple[int, bool, int]]] = [[] for _ in range(self.words_out)]
        table = np.full((self.words_out, len(automaton.out)), _UNSEEN)
        places = list(self._places())
        for start in range(0, len(self.states), _CHUNK):
            numbers = range(start, min(start + _CHUNK, len(self.states)))
            cases = self._cases(numbers)
            shown = np.flatnonzero(cases.given & self._allowed(cases))
            if not shown.size:
                continue
            which = cases.counts[shown, 1]
            came, _, between = cases.counts[shown].T
            newest = came + between * self.words_in
            for word, number, now, since in zip(which, newest, cases.came[shown], cases.since[shown], strict=True):
                found_at[word].append((int(number), bool(now), int(since)))
            for lane, columns, choices in places:
                codes = self.codes(cases, list(columns), list(columns.values()))
                for position, choice in choices:
                    found = resolve(choice, cases.bits, codes)[shown]
                    found = self._numbered(found, cases, shown, lane)
                    _meet(table[:, position], which, found)
        if (table == _UNSEEN).any():
            raise ProofError(f"some of {self.words_out} words are never given")
        return table, tuple(map(_emission, found_at))

    def _places(self) -> Iterator[tuple[Lane | None, dict[int, int], list[tuple[int, Choice]]]]:
        """Give the outputs' bits lane by lane, with the columns in which what its registers hold is found."""
        automaton = self.automaton
        columns = {register: column for column, register in enumerate(automaton.followed)}
        choices = [automaton.moves.choice(bit) for bit in automaton.out]
        if not automaton.groups:
            yield None, columns, list(enumerate(choices))
            return
        done: set[int] = set()
        for group in automaton.groups:
            first = group[0]
            for lane in group:
                own = {r: columns[first.registers[key]] for key, r in lane.registers.items()}
                bits = {*own, automaton.word[lane.bit]}
                mine = [(n, c) for n, c in enumerate(choices) if n not in done and bits & set(leaves(c))]
                if any((set(leaves(c)) & automaton.moves.data) - bits for _, c in mine):
                    raise ProofError("a bit of an output is of several lanes")
                done.update(n for n, _ in mine)
                yield lane, own, mine
        yield None, {}, [(n, c) for n, c in enumerate(choices) if n not in done]

    def _numbered(self, found: Codes, cases: _Cases, shown: npt.NDArray[np.int64], lane: Lane | None) -> Codes:
        """Return bits by the number of their word in the period of the word that is given."""
        came, _, between = cases.counts[shown].T
        # Words of the period are counted from its start, of which as many came as these.
        newest = came + between * self.words_in - 1
        age, position = np.divmod(found, self.width)
        word = newest - age
        position = position if lane is None else np.full_like(position, lane.bit)
        inside = (word >= 0) & (word < self.words_in)
        numbered = np.where(inside, word * self.width + position, FREE)
        numbered = np.where((found == _NOTHING), FREE, numbered)
        return np.where(found == _ZERO, LOW, np.where(found == _ONE, HIGH, numbered))


_UNSEEN = -9
_LONG = 1 << 30
_CHUNK = 1 << 12


def _emission(found: Sequence[tuple[int, bool, int]]) -> Emission:
    """Return when a word is given.

    Args:
        found: In each case the number of the next word, whether it comes in this clock, and the clocks since a word was
            given.
    """
    early = min((newest, 0) if now else (newest - 1, 1) for newest, now, _ in found)
    alone = not all(now for _, now, _ in found)
    return Emission(early, max(newest for newest, *_ in found), alone, min(since for *_, since in found))


def _meet(column: Codes, which: Codes, found: Codes) -> None:
    """Note what a bit was seen to be; it may be anything if it was seen to be different things."""
    order = np.argsort(which, kind="stable")
    which, found = which[order], found[order]
    starts = np.flatnonzero(np.append(True, which[1:] != which[:-1]))
    least, most = np.minimum.reduceat(found, starts), np.maximum.reduceat(found, starts)
    seen = np.where(least == most, least, FREE)
    old = column[which[starts]]
    column[which[starts]] = np.where((old == _UNSEEN) | (old == seen), seen, FREE)


@dataclass(frozen=True)
class _Cases:
    bits: Mapping[int, Bools]
    came: Bools
    given: Bools
    valid: Bools
    held: Codes
    counts: npt.NDArray[np.int64]
    since: npt.NDArray[np.int64]

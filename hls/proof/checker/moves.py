"""What a module that moves words does with their bits, as choices by control bits; and bits that all move alike.

A line buffer moves each bit of a word in the same way. So its registers fall into lanes, one per bit, and it is enough
to follow one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.errors import ProofError
from trigcnn.hls.proof.checker.netlist import ONE, ZERO, Netlist

Choice = tuple[Any, ...]
"""Where a bit comes from: `("bit", bit)`, or `("choose", select, if it is high, if it is low)`."""
Codes = npt.NDArray[np.int64]


class Moves:
    """The choices behind bits of data.

    Attributes:
        netlist: The module.
        data: Bits that carry data: input bits and registers.
    """

    def __init__(self, netlist: Netlist, data: frozenset[int]) -> None:
        self.netlist, self.data = netlist, data
        self._tainted: dict[int, bool] = {}
        self._choices: dict[int, Choice] = {}

    def is_data(self, bit: int) -> bool:
        """Return whether a bit depends on data in the same clock."""
        if bit not in self._tainted:
            cell = self.netlist.driver.get(bit)
            self._tainted[bit] = bit in self.data
            if cell is not None:
                self._tainted[bit] = any(self.is_data(b) for b in _operands(cell, bit))
        return self._tainted[bit]

    def choice(self, bit: int) -> Choice:
        """Return where a bit of data comes from.

        Raises:
            ProofError: It is computed from data, or data decide.
        """
        if bit not in self._choices:
            self._choices[bit] = self._choice(bit)
        return self._choices[bit]

    def _choice(self, bit: int) -> Choice:
        cell = self.netlist.driver.get(bit)
        if bit in self.data or cell is None or (cell.kind != "$mux" and not self.is_data(bit)):
            return ("bit", bit)
        position, ports = cell.output.index(bit), cell.inputs
        match cell.kind:
            case "$mux":
                (select,) = ports["S"]
                return self._choose(select, ports["B"][position], ports["A"][position])
            case "$pmux":
                result, width = self.choice(ports["A"][position]), len(cell.output)
                for number, select in enumerate(ports["S"]):
                    self._control(select)
                    result = ("choose", select, self.choice(ports["B"][number * width + position]), result)
                return result
            case "$and" | "$or":
                a, b = ports["A"][position], ports["B"][position]
                if self.is_data(a) != self.is_data(b):
                    select, data = (b, a) if self.is_data(a) else (a, b)
                    return self._choose(select, data, ZERO) if cell.kind == "$and" else self._choose(select, ONE, data)
        raise ProofError(f"cell {cell.name} computes with data, where they should only move")

    def _choose(self, select: int, high: int, low: int) -> Choice:
        self._control(select)
        return ("choose", select, self.choice(high), self.choice(low))

    def _control(self, bit: int) -> None:
        if self.is_data(bit):
            raise ProofError(f"data decide where data move, by {self.netlist.name(bit)}")


def _operands(cell: Any, bit: int) -> Iterator[int]:
    """Give the bits of a cell's inputs on which one bit of its output depends."""
    position, width = cell.output.index(bit), len(cell.output)
    bitwise = cell.kind in ("$mux", "$pmux", "$and", "$or", "$not")
    for port, bits in cell.inputs.items():
        if not bitwise or port == "S":
            yield from bits
        else:
            yield from bits[position % width :: width]


def leaves(choice: Choice) -> Iterator[int]:
    """Give the bits at the ends of a choice."""
    if choice[0] == "bit":
        yield choice[1]
    else:
        yield from leaves(choice[2])
        yield from leaves(choice[3])


def selects(choice: Choice) -> Iterator[int]:
    """Give the control bits of a choice."""
    if choice[0] == "choose":
        yield choice[1]
        yield from selects(choice[2])
        yield from selects(choice[3])


def resolve(choice: Choice, control: Mapping[int, npt.NDArray[np.bool_]], codes: Mapping[int, Codes]) -> Codes:
    """Return what a bit is in each case.

    Args:
        choice: Where it comes from.
        control: Value of each control bit in each case.
        codes: What each bit of data is in each case.
    """
    if choice[0] == "bit":
        return codes[choice[1]]
    return np.where(control[choice[1]], resolve(choice[2], control, codes), resolve(choice[3], control, codes))


@dataclass(frozen=True)
class Lane:
    """Registers through which one bit of a word moves.

    Attributes:
        bit: The bit of the input word.
        registers: The registers, by a key that says how they are connected.
    """

    bit: int
    registers: Mapping[int, int]


def lanes(moves: Moves, registers: Sequence[int], word: Sequence[int]) -> list[list[Lane]]:
    """Divide registers into lanes; those of a group are connected alike.

    Args:
        moves: The choices.
        registers: The registers that hold data.
        word: Bits of the input word.

    Returns:
        The groups. Registers in which bits of a word mix are none of a lane; then there are no groups at all.
    """
    owner: dict[int, int] = {bit: bit for bit in word}
    keys: dict[int, int] = dict.fromkeys(word, 0)
    known: dict[Choice, int] = {}
    choices = {register: moves.choice(moves.netlist.registers[register]) for register in registers}
    readers: dict[int, list[int]] = {}
    for register, choice in choices.items():
        for bit in set(leaves(choice)) - {register}:
            readers.setdefault(bit, []).append(register)
    waiting = [register for bit in word for register in readers.get(bit, ())]
    while waiting:
        register = waiting.pop()
        if register in keys:
            continue
        ends = set(leaves(choices[register])) & (moves.data - {register})
        if not ends <= keys.keys() or len({owner[bit] for bit in ends}) != 1:
            continue
        owner[register] = owner[next(iter(ends))]
        form = _named(choices[register], {**{bit: keys[bit] for bit in ends}, register: -1})
        keys[register] = known.setdefault(form, len(known) + 1)
        waiting += readers.get(register, ())
    found = {bit: {keys[r]: r for r in registers if owner.get(r) == bit} for bit in word}
    if sum(map(len, found.values())) != len(registers):
        return []
    groups: dict[frozenset[int], list[Lane]] = {}
    for position, bit in enumerate(word):
        groups.setdefault(frozenset(found[bit]), []).append(Lane(position, found[bit]))
    return list(groups.values())


def _named(choice: Choice, names: Mapping[int, int]) -> Choice:
    """Return a choice with keys instead of bits of data."""
    if choice[0] == "bit":
        return ("key", names[choice[1]]) if choice[1] in names else choice
    return ("choose", choice[1], _named(choice[2], names), _named(choice[3], names))

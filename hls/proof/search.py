"""Finds the bits of a netlist that hold the elements of a graph; whether they do is the checker's matter.

No name is used, and nothing of the generator of the RTL: among all bits that are functions of the numbers in front of
an element, the ones are taken that have its bits for all values.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import prod

import numpy as np

from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph.definition import Element, Elements, Function
from trigcnn.hls.graph.forms import Form, bounds
from trigcnn.hls.graph.graph import Layer
from trigcnn.hls.proof.checker.cases import MOST_CASES, Batch, batches
from trigcnn.hls.proof.checker.cells import Lanes, output
from trigcnn.hls.proof.checker.equivalence import Claim, Equivalence, Leaves, RefutedError
from trigcnn.hls.proof.checker.netlist import ONE, ZERO, Cell
from trigcnn.hls.proof.checker.words import LINEAR

Key = frozenset[tuple[int, int]]
# Cases by which the bits of a function of one number are found, and around each step of it.
_SAMPLE, _NEAR, _SEED = 1 << 16, 8, 2026
# Wrong answers after which the search for the bits of a function ends.
_TRIES = 16


@dataclass(frozen=True)
class _Maximum:
    """A maximum or minimum of some parts of an element: a part, or two maxima that the netlist compares."""

    parts: frozenset[int]
    element: Element
    pair: tuple[int, int] = (-1, -1)
    place: Claim | None = None


class Search:
    """The bits of a netlist by the numbers of which they are parts.

    Attributes:
        equivalence: The comparison for which claims are found.
    """

    def __init__(self, equivalence: Equivalence) -> None:
        self.equivalence = equivalence
        netlist, self._words = equivalence.netlist, equivalence.words
        self._readers: dict[int, list[Cell]] = {}
        self._missing: dict[str, int] = {}
        self._by_key: dict[Key, list[int]] = {}
        self._seen: set[int] = {ZERO, ONE}
        for cell in netlist.cells:
            bits = {netlist.stored(bit) for port in cell.inputs.values() for bit in port} - {ZERO, ONE}
            self._missing[cell.name] = len(bits)
            for bit in bits:
                self._readers.setdefault(bit, []).append(cell)
        for atom in list(equivalence.variables):
            self._found(atom)

    def claims(self, layer: Layer, elements: Elements | None = None) -> dict[int, Claim]:
        """Return where elements are that are no linear forms; those that are not found are missing."""
        found = {}
        if elements is None:
            elements = self.equivalence.specified(layer)
        for index, element in enumerate(elements.reshape(-1)):
            if isinstance(element, Function) and (claim := self._claim(layer, index, element)) is not None:
                found[index] = claim
        return found

    def _claim(self, layer: Layer, index: int, element: Function) -> Claim | None:
        place = self._place(element)
        if place is not None or len(element.parts) < 3:
            return place
        return self._stepwise(layer, index, element)

    def _stepwise(self, layer: Layer, index: int, element: Function) -> Claim | None:
        """Return where a maximum of many parts is, by maxima of two that the netlist has."""
        nodes = [_Maximum(frozenset([number]), part) for number, part in enumerate(element.parts)]
        tried: set[tuple[int, int]] = set()
        while len(nodes[-1].parts) < len(element.parts):
            pair = next((pair for pair in self._near(nodes) if pair not in tried), None)
            if pair is None:
                return None
            tried.add(pair)
            first, second = (nodes[number] for number in pair)
            both = element.together((first.element, second.element))
            if isinstance(both, Function) and (place := self._place(both)) is not None:
                # The comparison is the checker's, on words of its own; here it only leads to the next step.
                part, _ = self.equivalence.settle(layer.name, index, both, place)
                self._found(*part.terms)
                nodes.append(_Maximum(first.parts | second.parts, part, pair, place))
        order = list(range(len(element.parts)))
        steps: list[tuple[int, int, Claim]] = []
        for number in _needed(nodes, len(nodes) - 1):
            pair, place = nodes[number].pair, nodes[number].place
            if place is not None:
                steps.append((order.index(pair[0]), order.index(pair[1]), place))
                order = [each for each in order if each not in pair] + [number]
        last = element.after(nodes[-1].element)
        if isinstance(last, Form):
            return Claim((), (), tuple(steps))
        place = self._place(last)
        return None if place is None else replace(place, steps=tuple(steps))

    def _near(self, nodes: Sequence[_Maximum]) -> Iterator[tuple[int, int]]:
        """Give pairs of maxima without a common part whose bits a cell reads."""
        owners: dict[int, list[int]] = {}
        for number, node in enumerate(nodes):
            for form in (node.element,) if isinstance(node.element, Form) else node.element.forms:
                for bit in self._by_key.get(_key(form), ()):
                    owners.setdefault(self._words.bit(bit), []).append(number)
        seen = set()
        for bit in list(owners):
            for cell in self._readers.get(bit, ()):
                if cell.name not in seen:
                    seen.add(cell.name)
                    bits = {self._words.bit(b) for port in cell.inputs.values() for b in port}
                    near = sorted({number for b in bits for number in owners.get(b, ())})
                    yield from (
                        pair for pair in combinations(near, 2) if not nodes[pair[0]].parts & nodes[pair[1]].parts
                    )

    def defined(self, layer: Layer) -> None:
        """Take the variables that a comparison made into account."""
        for element in self.equivalence.elements[layer.name].reshape(-1):
            if isinstance(element, Form) and len(element.terms) <= 1:
                self._found(*element.terms)

    def _found(self, *atoms: int) -> None:
        """Note that a variable's bits are known, and look at the adders that read only known bits."""
        claim = tuple(self.equivalence.constants)
        self.equivalence.constants.clear()
        if len(atoms) == 1 and atoms[0] in self.equivalence.variables:
            bits = self.equivalence.variables.pop(atoms[0])
            self._by_key.setdefault(frozenset([(atoms[0], 1)]), []).extend(bits)
            claim += bits
        waiting = list(map(self._words.netlist.stored, claim))
        while waiting:
            bit = waiting.pop()
            if bit in self._seen:
                continue
            self._seen.add(bit)
            for cell in self._readers.get(bit, ()):
                self._missing[cell.name] -= 1
                if not self._missing[cell.name]:
                    waiting += self._ready(cell)

    def _ready(self, cell: Cell) -> Iterable[int]:
        """Take a cell all of whose bits are known; return the bits that are known by that."""
        if cell.kind in LINEAR:
            form = self._words.reduced(self._words.word(cell).form)
            self._by_key.setdefault(_key(form), []).extend([*cell.output, *(a for a in form.terms if a > ONE)])
            return cell.output
        return cell.output if cell.kind == "$reduce_or" else ()

    def _place(self, function: Function) -> Claim | None:
        """Return where a function is; cases on which a first answer is wrong join those that are looked at."""
        wrong: list[int] = []
        while len(wrong) < _TRIES:
            claim = self._candidate(function, wrong)
            try:
                if claim is not None and _is_sampled(self._ranges(function)):
                    self.equivalence.check("", 0, function, claim)
            except RefutedError as error:
                wrong.append(error.values[0])
                continue
            except ProofError:
                pass
            return claim
        return None

    def _ranges(self, function: Function) -> list[tuple[int, int]]:
        return [bounds(form.terms, form.constant, self.equivalence.ranges) for form in function.forms]

    def _candidate(self, function: Function, more: Sequence[int]) -> Claim | None:
        batch = _some(function, self._ranges(function), more)
        if batch is None:
            return None
        count, low, high = batch.count, int(batch.results.min()), int(batch.results.max())
        width = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + (low < 0)
        bits = [batch.wanted(position) for position in range(max(width, 1))]
        algebra = Lanes(count)
        found: dict[int, list[int]] = {value: [] for value in bits}
        leaves = Leaves(self._words, function.forms)
        near = [bit for form in function.forms for bit in self._by_key.get(_key(form), ())]
        shared = dict.fromkeys(map(self._words.bit, near))
        starts = [bit for bit in shared if bit > ONE and leaves.leaf(bit) is not None]
        known = {ZERO: algebra.zero, ONE: algebra.one}
        known |= zip(starts, leaves.evaluate(starts, batch), strict=True)
        for bit, value in known.items():
            if value in found:
                found[value].append(bit)
        # Cells may read a bit by another name than the one that stands for it.
        waiting = deque(dict.fromkeys([*starts, *(bit for bit in near if self._words.bit(bit) in known)]))
        while waiting:
            for cell in self._readers.get(waiting.popleft(), ()):
                own = {b: self._words.bit(b) for port in cell.inputs.values() for b in port if b >= ZERO}
                if any(b not in known for b in own.values()) or all(self._words.bit(b) in known for b in cell.output):
                    continue
                try:
                    word = output(cell, {b: known[o] for b, o in own.items()}, algebra)
                except ProofError:
                    continue
                for name, value in zip(cell.output, word, strict=True):
                    bit = self._words.bit(name)
                    if bit not in known:
                        known[bit] = value
                        if value in found:
                            found[value].append(bit)
                        waiting += dict.fromkeys([bit, name])
        if not all(found.values()):
            return None
        # Bits of adders behind the element are known by their sums.
        drivers = self._words.netlist.driver
        copies = [
            (bits.index(value), bit)
            for value, same in found.items()
            for bit in same[1:]
            if same[0] > ONE and (bit not in drivers or drivers[bit].kind not in LINEAR or bit in self._seen)
        ]
        return Claim(tuple(found[value][0] for value in bits), tuple(copies))


def _is_sampled(ranges: Sequence[tuple[int, int]]) -> bool:
    return len(ranges) == 1 and ranges[0][1] - ranges[0][0] >= _SAMPLE


def _some(function: Function, ranges: Sequence[tuple[int, int]], more: Sequence[int]) -> Batch | None:
    """Return all cases of a function, or such that tell its bits from others; None if they are too many."""
    count = prod(high - low + 1 for low, high in ranges)
    if not _is_sampled(ranges):
        return next(batches(function, ranges)) if count <= MOST_CASES else None
    ((low, high),) = ranges
    # Drawn ones: equal distances would make low bits look alike.
    drawn = np.random.default_rng(_SEED).integers(low, high, _SAMPLE, endpoint=True)
    values = np.unique(np.append(drawn, [low, high, *more]))
    if function.monotone:
        # Where the result changes, up to the last bit.
        results = function.compute(values)
        steps = np.flatnonzero(results[1:] != results[:-1])
        before, behind, old = values[steps], values[steps + 1], results[steps]
        while (behind - before > 1).any():
            middle = (before + behind) // 2
            same = function.compute(middle) == old
            before, behind = np.where(same, middle, before), np.where(same, behind, middle)
        near = (before[:, None] + np.arange(-_NEAR, _NEAR + 1)).reshape(-1)
        values = np.unique(np.concatenate([values, near[(near >= low) & (near <= high)]]))
    return Batch(len(values), [values], function.compute(values))


def _needed(nodes: Sequence[_Maximum], number: int) -> list[int]:
    """Return the maxima of two that lead to one of them, each after those that it needs."""
    pair = nodes[number].pair
    return [] if pair == (-1, -1) else [*_needed(nodes, pair[0]), *_needed(nodes, pair[1]), number]


def _key(form: Form) -> Key:
    """Return the variables of a form with coefficients that have no common factor of two, up to the sign."""
    terms = {atom: c for atom, c in form.terms.items() if atom < ZERO}
    if not terms:
        return frozenset()
    together = 0
    for c in terms.values():
        together |= c
    zeros = (together & -together).bit_length() - 1
    sign = 1 if terms[max(terms)] > 0 else -1
    return frozenset((atom, sign * (c >> zeros)) for atom, c in terms.items())

"""Whether a netlist computes a fixed-point graph, for every input.

The netlist is cut where a layer's result is no linear form of what came before. A claim says which bits of the netlist
hold such an element. It is checked for all values that the numbers in front of it can take; then the element is a new
variable, and the next layers are forms of it. So every step is small, and the whole is proved by induction over the
layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph import definition
from trigcnn.hls.graph.definition import Element, Elements, Function
from trigcnn.hls.graph.forms import Form, atom, bounds
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.proof.checker.cases import Batch, Leaf, batches
from trigcnn.hls.proof.checker.cells import Lanes, output
from trigcnn.hls.proof.checker.netlist import ONE, ZERO, Cell, Netlist
from trigcnn.hls.proof.checker.words import Words

Bits = tuple[int, ...]
"""Bits of the netlist, the lowest first."""


@dataclass(frozen=True)
class Claim:
    """Where an element is in the netlist.

    Attributes:
        bits: The bits that hold it.
        copies: Bits that equal one of them: its position, and the bit.
        steps: Of a maximum or minimum of many parts: the numbers of two parts, which are replaced by a last one, and
            where that is.
    """

    bits: Bits
    copies: tuple[tuple[int, int], ...] = ()
    steps: tuple[tuple[int, int, Claim], ...] = ()


@dataclass(frozen=True)
class Port:
    """How a port carries a layer's values: the first in the lowest bits, each of `width` bits."""

    name: str
    layer: str
    width: int
    signed: bool
    fraction: int


@dataclass(frozen=True)
class Obligation:
    """What was shown of a layer.

    Attributes:
        layer: The layer.
        method: `linear` (equal forms) or `exhaustive` (all values).
        elements: How many elements it was shown of.
        cases: Combinations of values that were tried.
    """

    layer: str
    method: str
    elements: int
    cases: int = 0


class RefutedError(ProofError):
    """The netlist and the graph differ for values that the numbers before an element can take.

    Attributes:
        layer: The layer.
        index: Number of the element in it.
        values: The numbers before it for which they differ.
    """

    def __init__(self, layer: str, index: int, values: tuple[int, ...], message: str) -> None:
        super().__init__(f"layer {layer}, element {index}: {message}")
        self.layer, self.index, self.values = layer, index, values


class Equivalence:
    """A graph and a netlist, compared layer by layer.

    Attributes:
        words: The linear forms of the netlist.
        elements: The elements of each layer's result that was compared.
        ranges: Interval of each variable.
        variables: The bits that hold each variable, and copies of them.
        constants: Bits that are the same in every case.
    """

    def __init__(self, netlist: Netlist, graph: Graph, inputs: Sequence[Port], *, below: int = 0) -> None:
        """Take what is compared; names of new variables are less than `below`."""
        self.netlist, self.graph = netlist, graph
        self.words = Words(netlist)
        self.ranges = self.words.ranges
        self.elements: dict[str, Elements] = {}
        self.variables: dict[int, Bits] = {}
        self.constants: list[int] = []
        self._atoms = below
        for port in inputs:
            self._read(port)

    def _read(self, port: Port) -> None:
        """Make each value of an input port a variable."""
        layer, bits = self.graph[port.layer], self.netlist.inputs[port.name]
        elements = np.empty(layer.size, dtype=object)
        for index in range(layer.size):
            own = bits[index * port.width : (index + 1) * port.width]
            low, high = layer.result.min_integer, layer.result.max_integer
            elements[index] = self.variable(own, low, high, layer.result.fraction)
        self.elements[layer.name] = elements.reshape(layer.shape)

    def variable(self, bits: Bits, low: int, high: int, fraction: int, name: int = 0) -> Form:
        """Make the number that bits hold a variable; it was shown to be one of `low` to `high`.

        Args:
            bits: The bits.
            low: The least that it can be.
            high: The most.
            fraction: Its fraction bits.
            name: Its number as an atom, which is below zero; a new one if it is zero.
        """
        if not name:
            name = self._atoms = self._atoms - 1
        self.ranges[name] = (low, high)
        self.variables[name] = bits
        self.words.define(bits, atom(name), low, high)
        return Form({name: 1}, 0, -fraction)

    def specified(self, layer: Layer) -> Elements:
        """Return the elements of a layer by the definition of its kind."""
        given = [self.elements[name] for name in layer.inputs]
        return definition.results(layer, given, self.graph, self.ranges)

    def compare(self, layer: Layer, claims: Mapping[int, Claim], elements: Elements | None = None) -> list[Obligation]:
        """Check the claims for a layer's elements, and make these elements variables.

        Args:
            layer: The layer.
            claims: Where elements are.
            elements: Its elements, or some of them; all by its definition if None.

        Raises:
            RefutedError: A claim is wrong.
            ProofError: A claim cannot be checked.
        """
        if elements is None:
            elements = self.specified(layer)
        flat = elements.reshape(-1)
        shown: dict[str, Obligation] = {}
        for index, claim in claims.items():
            element, tried = flat[index], 0
            for first, second, place in claim.steps:
                pair = (element.parts[first], element.parts[second])
                part, cases = self.settle(layer.name, index, element.together(pair), place)
                element, tried = element.joined(first, second, part), tried + cases
            if isinstance(element, Function):
                element, cases = self.settle(layer.name, index, element, claim)
                tried += cases
            flat[index] = element
            old = shown.get("exhaustive", Obligation(layer.name, "exhaustive", 0))
            shown["exhaustive"] = Obligation(layer.name, "exhaustive", old.elements + 1, old.cases + tried)
        self.elements[layer.name] = flat.reshape(elements.shape)
        return list(shown.values())

    def settle(self, layer: str, index: int, element: Element, claim: Claim) -> tuple[Form, int]:
        """Check that bits hold an element and make it a variable; return that, and how many cases were tried."""
        if isinstance(element, Form):
            raise ProofError(f"layer {layer}, element {index}: a linear form needs no claim")
        low, high, same, cases = self.check(layer, index, element, claim)
        result = Form({}, low, -element.fraction)
        if same < len(claim.bits):
            # Lowest bits that are the same in all results are no part of the variable.
            variable = self.variable(claim.bits[same:], low >> same, high >> same, element.fraction - same)
            result = variable.plus(Form({}, low & ((1 << same) - 1), -element.fraction))
            self.variables[self._atoms] += tuple(copy for _, copy in claim.copies)
        for position, bit in enumerate(claim.bits[:same]):
            self.words.alias(bit, (low >> position) & 1)
        self.constants += claim.bits[:same]
        # Behind the variable, since a copy may be a bit of an adder that reads it.
        for position, copy in claim.copies:
            self.words.alias(copy, claim.bits[position])
        # Bits that were known before bring no new variable.
        return self.words.reduced(result), cases

    def finish(self, port: Port) -> Obligation:
        """Check that an output port carries a layer's result.

        Raises:
            RefutedError: It does not.
        """
        bits = self.netlist.outputs[port.name]
        flat = self.elements[port.layer].reshape(-1)
        for index, element in enumerate(flat):
            own = bits[index * port.width : (index + 1) * port.width]
            if isinstance(element, Function):
                raise ProofError(f"layer {port.layer}, element {index}: no bits of the netlist hold it")
            found = self.words.value(own, signed=port.signed).times(1, -port.fraction)
            if not self.words.reduced(found.plus(element, -1)).is_zero():
                raise RefutedError(port.layer, index, (), f"the port {port.name} carries another number")
        return Obligation(port.layer, "linear", len(flat))

    def check(self, layer: str, index: int, function: Function, claim: Claim) -> tuple[int, int, int, int]:
        """Check a claim for all values.

        Returns:
            The ends of the interval of the results, how many of their lowest bits are always the same, and how many
            values were tried.
        """
        ranges = [bounds(form.terms, form.constant, self.ranges) for form in function.forms]
        places = [*enumerate(claim.bits), *claim.copies]
        leaves = Leaves(self.words, function.forms)
        low = high = count = changing = first = 0
        try:
            for number, batch in enumerate(batches(function, ranges)):
                least, most = int(batch.results.min()), int(batch.results.max())
                low, high = (min(low, least), max(high, most)) if number else (least, most)
                first = first if number else least
                changing |= int(np.bitwise_or.reduce(batch.results ^ first))
                count += batch.count - batch.ignored.bit_length()
                found = leaves.evaluate([bit for _, bit in places], batch)
                for (position, bit), lanes in zip(places, found, strict=True):
                    if wrong := (lanes ^ batch.wanted(position)) & ~batch.ignored:
                        case = (wrong & -wrong).bit_length() - 1
                        given = tuple(int(v[case]) for v in batch.values)
                        where = f"where the numbers before it are {_short(given)} ({self.netlist.name(bit)})"
                        raise RefutedError(layer, index, given, f"bit {position} of {function.kind} differs {where}")
        except RefutedError:
            raise
        except ProofError as error:
            raise ProofError(f"layer {layer}, element {index}: {error}") from error
        if max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + int(low < 0) > len(claim.bits):
            raise ProofError(f"layer {layer}, element {index}: {len(claim.bits)} bits cannot hold {low} to {high}")
        same = (changing & -changing).bit_length() - 1 if changing else len(claim.bits)
        return low, high, same, count


def _short(values: tuple[int, ...]) -> str:
    text = ", ".join(map(str, values[:8]))
    return f"{text}, …" if len(values) > 8 else text


class Leaves:
    """The bits of the netlist that are bits of given numbers, and what lies behind them.

    A number is a linear form; a bit of any adder that computes a multiple of it, or a part of one, is a leaf.
    """

    def __init__(self, words: Words, forms: Sequence[Form]) -> None:
        self._words, self._forms = words, forms
        self._known: dict[int, Leaf | None] = {}
        self._cones: dict[tuple[int, ...], list[tuple[int, Cell | None]]] = {}

    def evaluate(self, bits: Sequence[int], batch: Batch) -> list[int]:
        """Compute bits in the cases of a batch.

        Args:
            bits: Bits of the netlist.
            batch: Values of the forms.

        Raises:
            ProofError: A bit depends on something else than the forms.
        """
        algebra = Lanes(batch.count)
        found: dict[int, int] = {ZERO: algebra.zero, ONE: algebra.one}
        names = tuple(bits)
        if names not in self._cones:
            # On the way, adders are looked at, and bits may turn out to equal others.
            known = -1
            while known != (known := self._words.known):
                self._cones[names] = list(self.cone(names))
        for bit, cell in self._cones[names]:
            if cell is None:
                leaf = self.leaf(bit)
                if leaf is None:
                    name = self._words.netlist.name(bit)
                    raise ProofError(f"{name} depends on more than the numbers before the element")
                found[bit] = batch.bit(leaf)
            else:
                own = {b: found[self._words.bit(b)] for port in cell.inputs.values() for b in port if b >= ZERO}
                for b, value in zip(cell.output, output(cell, own, algebra), strict=True):
                    found.setdefault(self._words.bit(b), value)
        return [found[self._words.bit(bit)] for bit in bits]

    def cone(self, bits: Sequence[int]) -> Iterator[tuple[int, Cell | None]]:
        """Give what some bits depend on, in an order of evaluation: leaves, and cells between them."""
        words, netlist = self._words, self._words.netlist
        done: set[int | str] = {ZERO, ONE}
        stack: list[tuple[int, bool]] = [(words.bit(bit), False) for bit in bits]
        while stack:
            bit, entered = stack.pop()
            if bit in done:
                continue
            cell = netlist.driver.get(bit)
            if cell is None or self.leaf(bit) is not None:
                done.add(bit)
                yield bit, None
            elif entered:
                done.update(words.bit(b) for b in cell.output)
                yield bit, cell
            else:
                stack.append((bit, True))
                stack += [(words.bit(b), False) for port in cell.inputs.values() for b in port if b >= ZERO]

    def leaf(self, bit: int) -> Leaf | None:
        """Return what a bit is a bit of: number of the form, factor, constant, position; None if of nothing."""
        if bit not in self._known:
            self._known[bit] = None
            self._known[bit] = self._find(bit)
        return self._known[bit]

    def _find(self, bit: int) -> Leaf | None:
        words = self._words
        words.resolve(bit)
        for word, position in reversed(words.places.get(bit, [])):
            for form in (word.form, words.reduced(word.form)):
                cut = max(-form.reduced().exponent, 0)
                terms, constant = form.reduced().raised(-cut)
                modulus = 1 << (position + cut + 1)
                for kept in (terms, self._folded(terms, modulus)):
                    for which, wanted in enumerate(self._forms):
                        for factor in _factors(kept, wanted):
                            if _is_part(kept, wanted, factor, cut, modulus):
                                return which, factor, constant, position + cut
        return None

    def _folded(self, terms: Mapping[int, int], modulus: int) -> Mapping[int, int]:
        """Return terms that are equal modulo a power of two, with variables for their lowest bits.

        The lowest `n` bits of a number are the number itself modulo `2**n`.
        """
        result = dict(terms)
        for bit in [name for name in terms if name > ONE]:
            for word, position in self._words.places.get(bit, [])[:1]:
                c, form = result.get(bit, 0), word.form
                if position or not c or form.exponent < 0 or form.constant:
                    continue
                bits = dict(enumerate(word.bits))
                low = [i for i in range(modulus.bit_length()) if (c << i) % modulus]
                if all(i in bits and (result.get(bits[i], 0) - (c << i)) % modulus == 0 for i in low):
                    for i in low:
                        del result[bits[i]]
                    for name, k in form.raised(0)[0].items():
                        result[name] = result.get(name, 0) + c * k
        return result


def _is_part(terms: Mapping[int, int], number: Form, factor: int, cut: int, modulus: int) -> bool:
    """Return whether terms are `factor * number` without some of its lowest `cut` bits, modulo a power of two.

    If `terms + rest = factor * number`, the rest is a sum of different bits below the cut, and the terms are a multiple
    of `2**cut`, then they are `factor * number` rounded down to such a multiple, up to a constant.
    """
    difference = dict(terms)
    for name, c in number.terms.items():
        difference[name] = difference.get(name, 0) - factor * c
    rest = [-c for name, c in difference.items() if c % modulus and name > ONE]
    others = [c for name, c in difference.items() if name <= ONE]
    whole = all(c > 0 and c & (c - 1) == 0 and c < 1 << cut for c in rest) and len(set(rest)) == len(rest)
    return whole and not any(c % modulus for c in others)


def _factors(terms: Mapping[int, int], wanted: Form) -> list[int]:
    """Return the factors by which a word may be a multiple of a form."""
    if not wanted.terms:
        return []
    name = min(wanted.terms, key=lambda a: (wanted.terms[a] & -wanted.terms[a], a))
    own, c = terms.get(name, 0), wanted.terms[name]
    if not own:
        return []
    ratio = (own & -own) // (c & -c) if (own & -own) >= (c & -c) else 0
    return [ratio, -ratio] if ratio else []


def prove(
    netlist: Netlist,
    graph: Graph,
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    claims: Mapping[str, Mapping[int, Claim]],
    note: Callable[[Obligation], None] = lambda _: None,
) -> list[Obligation]:
    """Prove that a netlist without registers computes a graph.

    Args:
        netlist: The netlist; its registers count as wires.
        graph: The graph.
        inputs: How its input ports carry the values of input layers.
        outputs: How its output ports carry the results.
        claims: The bits that hold elements, by layer and number of the element.
        note: Called with each obligation that was met.

    Returns:
        What was shown.

    Raises:
        RefutedError: The netlist computes something else.
        ProofError: Something cannot be shown.
    """
    equivalence = Equivalence(netlist, graph, inputs)
    shown = []
    for layer in graph.layers:
        if layer.kind == "Input":
            continue
        for obligation in equivalence.compare(layer, claims.get(layer.name, {})):
            shown.append(obligation)
            note(obligation)
    for port in outputs:
        shown.append(equivalence.finish(port))
        note(shown[-1])
    return shown


__all__ = ["Bits", "Claim", "Element", "Equivalence", "Leaves", "Obligation", "Port", "RefutedError", "prove"]

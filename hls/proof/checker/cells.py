"""What each kind of cell computes, bit by bit, over any Boolean algebra.

Source: the Yosys manual, "Word-level cells", and `simlib.v` of Yosys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from trigcnn.hls.errors import ProofError
from trigcnn.hls.proof.checker.netlist import UNKNOWN, Cell


class Algebra(Protocol):
    """Bits on which cells are computed."""

    zero: Any
    one: Any

    def both(self, a: Any, b: Any) -> Any:
        """Return `a and b`."""

    def either(self, a: Any, b: Any) -> Any:
        """Return `a or b`."""

    def differ(self, a: Any, b: Any) -> Any:
        """Return `a xor b`."""

    def inverse(self, a: Any) -> Any:
        """Return `not a`."""


class Lanes:
    """Bits of many cases at once: bit `n` of a Python integer belongs to case `n`."""

    def __init__(self, count: int) -> None:
        self.zero, self.one = 0, (1 << count) - 1

    def both(self, a: int, b: int) -> int:
        """Return `a and b`."""
        return a & b

    def either(self, a: int, b: int) -> int:
        """Return `a or b`."""
        return a | b

    def differ(self, a: int, b: int) -> int:
        """Return `a xor b`."""
        return a ^ b

    def inverse(self, a: int) -> int:
        """Return `not a`."""
        return a ^ self.one


class Ternary:
    """Bits of many cases at once, some of which are unknown: pairs of the cases that can be high, and low."""

    def __init__(self, count: int) -> None:
        every = (1 << count) - 1
        self.zero, self.one, self.unknown = (0, every), (every, 0), (every, every)

    def both(self, a: Pair, b: Pair) -> Pair:
        """Return `a and b`."""
        return a[0] & b[0], a[1] | b[1]

    def either(self, a: Pair, b: Pair) -> Pair:
        """Return `a or b`."""
        return a[0] | b[0], a[1] & b[1]

    def differ(self, a: Pair, b: Pair) -> Pair:
        """Return `a xor b`."""
        return a[0] & b[1] | a[1] & b[0], a[0] & b[0] | a[1] & b[1]

    def inverse(self, a: Pair) -> Pair:
        """Return `not a`."""
        return a[1], a[0]


Pair = tuple[int, int]
Word = list[Any]
TIMES = "times"
"""A `$mul` whose second operand is constant and not zero."""


def output(cell: Cell, values: Mapping[int, Any], algebra: Algebra) -> Word:
    """Compute a cell.

    Args:
        cell: The cell.
        values: Value of each bit that it reads; with one for `UNKNOWN`, undefined bits have this value.
        algebra: The algebra of these values.

    Returns:
        The bits of its output, the lowest first.

    Raises:
        ProofError: The kind of cell is not known.
    """
    if cell.kind not in _KINDS:
        raise ProofError(f"cell {cell.name} is of the kind {cell.kind}, which is not known")
    words = []
    unknown = UNKNOWN not in values and any(UNKNOWN in bits for bits in cell.inputs.values())
    for either in (algebra.zero, algebra.one) if unknown else (algebra.zero,):
        known = {**values, UNKNOWN: either} if unknown else values
        ports = {name: [known[bit] for bit in bits] for name, bits in cell.inputs.items()}
        words.append(_KINDS[cell.kind](_Operation(cell, ports, algebra)))
    # A choice may have a value that is never chosen; each bit of its output has at most one unknown in each word.
    if unknown and (cell.kind not in ("$mux", "$pmux") or UNKNOWN in cell.inputs["S"] or words[0] != words[1]):
        raise ProofError(f"cell {cell.name} delivers a value that is not defined")
    return words[0]


def evaluate(driver: Mapping[int, Cell], bit: int, values: dict[int, Any], algebra: Algebra) -> Any:
    """Return a bit's value in this clock, and note those on the way.

    Args:
        driver: The cell that drives each bit.
        bit: The bit.
        values: Values that are known: of constants, inputs, registers and `UNKNOWN`.
        algebra: The algebra of these values.
    """
    if bit not in values:
        cell = driver[bit]
        own = {b: evaluate(driver, b, values, algebra) for port in cell.inputs.values() for b in port}
        values.update(zip(cell.output, output(cell, own | {UNKNOWN: values[UNKNOWN]}, algebra), strict=True))
    return values[bit]


class _Operation:
    def __init__(self, cell: Cell, ports: dict[str, Word], algebra: Algebra) -> None:
        self.algebra, self.signed, self.width = algebra, cell.signed, len(cell.output)
        self.ports = ports

    def extended(self, port: str, width: int) -> Word:
        bits = self.ports[port]
        fill = bits[-1] if self.signed else self.algebra.zero
        return (bits + [fill] * (width - len(bits)))[:width]

    def padded(self, bit: Any) -> Word:
        return [bit] + [self.algebra.zero] * (self.width - 1)

    def each(self, function: Callable[[Any, Any], Any]) -> Word:
        pairs = zip(self.extended("A", self.width), self.extended("B", self.width), strict=True)
        return [function(a, b) for a, b in pairs]

    def any(self, bits: Sequence[Any]) -> Any:
        result = self.algebra.zero
        for bit in bits:
            result = self.algebra.either(result, bit)
        return result

    def all(self, bits: Sequence[Any]) -> Any:
        result = self.algebra.one
        for bit in bits:
            result = self.algebra.both(result, bit)
        return result

    def parity(self, bits: Sequence[Any]) -> Any:
        result = self.algebra.zero
        for bit in bits:
            result = self.algebra.differ(result, bit)
        return result

    def choice(self, key: Any, one: Any, zero: Any) -> Any:
        # What is not chosen may be unknown.
        algebra = self.algebra
        return algebra.either(algebra.both(key, one), algebra.both(algebra.inverse(key), zero))

    def inverted(self, bits: Word) -> Word:
        return [self.algebra.inverse(bit) for bit in bits]

    def added(self, a: Word, b: Word, carry: Any) -> tuple[Word, Any]:
        """Return the sum, and the carry out of its highest bit."""
        algebra, total = self.algebra, []
        for x, y in zip(a, b, strict=True):
            half = algebra.differ(x, y)
            total.append(algebra.differ(half, carry))
            carry = algebra.either(algebra.both(x, y), algebra.both(half, carry))
        return total, carry

    def multiplied(self) -> Word:
        left, right = self.extended("A", self.width), self.extended("B", self.width)
        total = [self.algebra.zero] * self.width
        for position, bit in enumerate(right):
            row = [self.algebra.zero] * position + [self.algebra.both(bit, a) for a in left]
            total, _ = self.added(total, row[: self.width], self.algebra.zero)
        return total

    def compared(self) -> tuple[Any, Any]:
        """Return whether the operands are equal, and whether the first is less."""
        width = max(len(self.ports["A"]), len(self.ports["B"]))
        a, b = self.extended("A", width), self.extended("B", width)
        equal = self.algebra.inverse(self.any([self.algebra.differ(x, y) for x, y in zip(a, b, strict=True)]))
        if self.signed:
            a, b = [*a[:-1], b[-1]], [*b[:-1], a[-1]]
        _, carry = self.added(a, self.inverted(b), self.algebra.one)
        return equal, self.algebra.inverse(carry)

    def selected(self) -> Word:
        result = self.ports["A"]
        for number, key in enumerate(self.ports["S"]):
            word = self.ports["B"][number * self.width : (number + 1) * self.width]
            result = [self.choice(key, one, zero) for one, zero in zip(word, result, strict=True)]
        return result


def _neg(op: _Operation) -> Word:
    return op.added(op.inverted(op.extended("A", op.width)), op.padded(op.algebra.zero), op.algebra.one)[0]


def _sub(op: _Operation) -> Word:
    return op.added(op.extended("A", op.width), op.inverted(op.extended("B", op.width)), op.algebra.one)[0]


def _or_equal(op: _Operation) -> Any:
    return op.algebra.either(*op.compared())


_KINDS: dict[str, Callable[[_Operation], Word]] = {
    "$add": lambda op: op.added(op.extended("A", op.width), op.extended("B", op.width), op.algebra.zero)[0],
    "$sub": _sub,
    "$neg": _neg,
    "$mul": _Operation.multiplied,
    TIMES: _Operation.multiplied,
    "$pos": lambda op: op.extended("A", op.width),
    "$not": lambda op: op.inverted(op.extended("A", op.width)),
    "$and": lambda op: op.each(op.algebra.both),
    "$or": lambda op: op.each(op.algebra.either),
    "$xor": lambda op: op.each(op.algebra.differ),
    "$xnor": lambda op: op.inverted(op.each(op.algebra.differ)),
    "$reduce_and": lambda op: op.padded(op.all(op.ports["A"])),
    "$reduce_or": lambda op: op.padded(op.any(op.ports["A"])),
    "$reduce_bool": lambda op: op.padded(op.any(op.ports["A"])),
    "$reduce_xor": lambda op: op.padded(op.parity(op.ports["A"])),
    "$logic_not": lambda op: op.padded(op.algebra.inverse(op.any(op.ports["A"]))),
    "$logic_and": lambda op: op.padded(op.algebra.both(op.any(op.ports["A"]), op.any(op.ports["B"]))),
    "$logic_or": lambda op: op.padded(op.any([*op.ports["A"], *op.ports["B"]])),
    "$eq": lambda op: op.padded(op.compared()[0]),
    "$ne": lambda op: op.padded(op.algebra.inverse(op.compared()[0])),
    "$lt": lambda op: op.padded(op.compared()[1]),
    "$ge": lambda op: op.padded(op.algebra.inverse(op.compared()[1])),
    "$le": lambda op: op.padded(_or_equal(op)),
    "$gt": lambda op: op.padded(op.algebra.inverse(_or_equal(op))),
    "$mux": _Operation.selected,
    "$pmux": _Operation.selected,
}

"""One pipeline stage: alkaid's combinational program as a module of single operations on bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from trigcnn.hls.rtl.netlist import (
    Bits,
    Choice,
    Constant,
    Gate,
    Inverse,
    Module,
    Net,
    Piece,
    Product,
    Reduction,
    Repeat,
    Slice,
    Sum,
    whole,
)
from trigcnn.hls.rtl.tables import Tables

_GATES: tuple[Literal["and", "or", "xor"], ...] = ("and", "or", "xor")
_REDUCTIONS: dict[int, Literal["and", "or"]] = {1: "or", 2: "and"}


@dataclass(frozen=True)
class _Number:
    """A value: bits of a net, or a constant that is not negative.

    Attributes:
        net: The net; None for a constant.
        width: Bits.
        signed: Whether the highest bit is a sign.
        value: Of a constant.
    """

    net: Net | None
    width: int
    signed: bool
    value: int = 0

    def bits(self, low: int, width: int) -> Bits:
        """Return bits from `low` on; those above the highest repeat the sign or are zero."""
        if self.net is None:
            return (Constant((self.value >> low) & ((1 << width) - 1), width),)
        own = max(min(self.width - low, width), 0)
        pieces: list[Piece] = [Slice(self.net, low, own)] if own else []
        if width > own:
            missing = width - own
            pieces.append(Repeat(self.net, self.width - 1, missing) if self.signed else Constant(0, missing))
        return tuple(pieces)

    def raised(self, by: int, width: int) -> Bits:
        """Return the lowest bits of the number shifted up."""
        if by >= width:
            return (Constant(0, width),)
        return (*((Constant(0, by),) if by else ()), *self.bits(0, width - by))


class _Term(NamedTuple):
    """A number in a sum, shifted up."""

    sign: Literal["+", "-"]
    number: _Number
    shift: int


class _Stage:
    """A stage under construction."""

    def __init__(self, logic: Any, module: Module, tables: Tables, names: Sequence[str]) -> None:
        self._logic, self._module, self._tables, self._names = logic, module, tables, names
        self._kifs = [tuple(int(part) for part in operation.qint.kif) for operation in logic.ops]
        self._nets: dict[int, Net] = {}

    def build(self) -> None:
        logic, module = self._logic, self._module
        starts = _starts([int(width) for width in logic.inp_kifs.sum(axis=0)])
        given = module.input("in_data", starts[-1])
        for number, operation in enumerate(logic.ops):
            width = sum(self._kifs[number])
            if width <= 0 or not logic.ref_count[number]:
                continue
            net = self._nets[number] = module.net(self._names[number], width)
            if operation.opcode == -1:
                module.assign(net, Slice(given, starts[operation.data[0]], width))
            else:
                self._operate(number, operation, net)
        widths = [int(width) for width in logic.out_kifs.sum(axis=0)]
        pieces: list[Piece] = []
        for index, width in zip(logic.out_idxs, widths, strict=True):
            if width > 0:
                pieces.append(Constant(0, width) if index < 0 else Slice(self._nets[index], 0, width))
        module.assign(module.output("out_data", sum(max(width, 0) for width in widths)), *pieces)

    def _number(self, index: int) -> _Number:
        """Return an earlier result; zero if it has no bits."""
        if index not in self._nets:
            return _Number(None, 1, signed=False)
        return _Number(self._nets[index], sum(self._kifs[index]), bool(self._kifs[index][0]))

    def _fraction(self, index: int) -> int:
        return self._kifs[index][2]

    def _operate(self, number: int, operation: Any, net: Net) -> None:
        width, target = sum(self._kifs[number]), whole(net)
        drive = self._module.drive
        operands = [self._number(index) for index in operation.addr]
        match operation.opcode:
            case -2:
                drive(target, Sum((("-", operands[0].bits(0, width)),)))
            case 0 | 1 | 4 | 11:
                self._add(net, *self._terms(number, operation))
            case 2:
                (x,) = operands
                rest = x.bits(self._fraction(operation.addr[0]) - self._fraction(number), width)
                negative = Slice(_net(x), x.width - 1, 1)
                drive(target, Choice(negative, (Constant(0, width),), rest) if x.signed else rest)
            case 3:
                low = self._fraction(operation.addr[0]) - operation.data[0] - self._fraction(number)
                drive(target, operands[0].bits(low, width))
            case 5:
                drive(target, (Constant(operation.data[0] % (1 << width), width),))
            case 6:
                one, zero, key = operands
                own = self._fraction(number)
                shifts = (own - self._fraction(operation.addr[0]),
                          own - self._fraction(operation.addr[1]) + operation.data[0])  # fmt: skip
                choices = [x.raised(max(shift, 0), width) for x, shift in zip((one, zero), shifts, strict=True)]
                drive(target, Choice(Slice(_net(key), key.width - 1, 1), *choices))
            case 7:
                left, right = operands
                product = self._module.net(f"{net.name}_product", left.width + right.width)
                bits = left.bits(0, left.width), right.bits(0, right.width)
                drive(whole(product), Product(*bits, (left.signed, right.signed)))
                drive(target, _Number(product, product.width or 1, left.signed or right.signed).bits(0, width))
            case 8:
                table = self._tables.name(self._logic, operation)
                self._module.instance(table, f"{net.name}_table", {}, index=_net(operands[0]), value=net)
            case 9 if operation.data[0] == 0:
                drive(target, Inverse(operands[0].bits(0, width)))
            case 9:
                drive(target, Reduction(_REDUCTIONS[operation.data[0]], whole(_net(operands[0]))))
            case 10:
                first, second = operation.addr
                shift, kind = operation.data
                shift += self._fraction(first) - self._fraction(second)
                pair = operands[0].raised(max(-shift, 0), width), operands[1].raised(max(shift, 0), width)
                drive(target, Gate(_GATES[kind], *pair))
            case opcode:
                raise ValueError(f"alkaid's operation {opcode} is not known")

    def _terms(self, number: int, operation: Any) -> tuple[list[_Term], int]:
        """Return the terms of a sum, and the lowest bits of it that are dropped."""
        given: list[tuple[Literal["+", "-"], _Number, int]]
        match operation.opcode:
            case 0 | 1:
                first, second = operation.addr
                sign: Literal["+", "-"] = "-" if operation.opcode else "+"
                given = [
                    ("+", self._number(first), self._fraction(first)),
                    (sign, self._number(second), self._fraction(second) - operation.data[0]),
                ]
            case 4:
                (first,), (value, fraction) = operation.addr, operation.data
                constant = _Number(None, max(abs(value).bit_length(), 1), signed=False, value=abs(value))
                given = [
                    ("+", self._number(first), self._fraction(first)),
                    ("-" if value < 0 else "+", constant, fraction),
                ]
            case _:
                signs = zip(operation.addr, operation.data[0::2], operation.data[1::2], strict=False)
                given = [
                    ("+" if plus else "-", self._number(index), self._fraction(index) - shift)
                    for index, plus, shift in signs
                ]
        finest = max(fraction for _, _, fraction in given)
        terms = [_Term(sign, x, finest - fraction) for sign, x, fraction in given]
        return terms, finest - self._fraction(number)

    def _add(self, net: Net, terms: list[_Term], dropped: int) -> None:
        """Drive a sum. Bits below all terms but one are copied, as a carry chain would only make it slower."""
        width = (net.width or 1) + dropped
        total = net if not dropped else self._module.net(f"{net.name}_exact", width)
        low = min(terms, key=lambda term: term.shift)
        others = [term for term in terms if term is not low]
        split = min(term.shift for term in others)
        split = 0 if split == low.shift else min(split, width)
        # In a sum of three, the others would need the borrow too.
        if low.sign == "-" and len(terms) > 2:
            split = 0
        borrow: list[tuple[Literal["+", "-"], Bits]] = []
        if split:
            bits = low.number.bits(0, split)
            self._module.drive(Slice(total, 0, split), bits if low.sign == "+" else Sum((("-", bits),)))
            if low.sign == "-" and split < width:
                rest = self._module.joined(f"{net.name}_low", *bits)
                lent = self._module.net(f"{net.name}_borrow", 1)
                self._module.drive(whole(lent), Reduction("or", whole(rest)))
                borrow = [("-", _Number(lent, 1, signed=False).bits(0, width - split))]
        if split < width:
            upper = [
                (term.sign, term.number.bits(split, width - split) if term is low else
                 term.number.raised(term.shift - split, width - split))
                for term in terms
            ]  # fmt: skip
            nothing = (Constant(0, width - split),)
            moving = [(sign, bits) for sign, bits in (*upper, *borrow) if bits != nothing] or [("+", nothing)]
            target = Slice(total, split, width - split)
            single = len(moving) == 1 and moving[0][0] == "+"
            self._module.drive(target, moving[0][1] if single else Sum(tuple(moving)))
        if dropped:
            self._module.assign(net, Slice(total, dropped, net.width or 1))


def build(logic: Any, name: str, comment: str, tables: Tables, names: Sequence[str]) -> Module:
    """Return the module of a stage: `in_data` and `out_data` are the packed inputs and outputs of the program.

    Args:
        logic: alkaid's `CombLogic`.
        name: Name of the module.
        comment: Its first lines.
        tables: The tables of the design; those that are looked up here are added.
        names: Name of the signal of each operation, different for each.
    """
    module = Module(name, comment)
    _Stage(logic, module, tables, names).build()
    return module


def _net(number: _Number) -> Net:
    if number.net is None:
        raise ValueError("alkaid asks for a bit of a number that has none")
    return number.net


def _starts(widths: Sequence[int]) -> list[int]:
    starts = [0]
    for width in widths:
        starts.append(starts[-1] + width)
    return starts

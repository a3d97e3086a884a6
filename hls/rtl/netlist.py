"""Modules as data: nets, what drives their bits, and instances of other modules.

`netlist_verilog.py` and `netlist_vhdl.py` print them, so both languages are one design.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Net:
    """A signal.

    Attributes:
        name: Its name.
        width: Bits of a vector; None for a single control bit.
    """

    name: str
    width: int | None = None


@dataclass(frozen=True)
class Slice:
    """Bits of a net, from `low` on."""

    net: Net
    low: int
    width: int


@dataclass(frozen=True)
class Constant:
    """Constant bits."""

    value: int
    width: int


@dataclass(frozen=True)
class Repeat:
    """One bit of a net, several times: the extension of a sign."""

    net: Net
    bit: int
    times: int


Piece = Slice | Constant | Repeat
# Pieces beside each other, the first in the lowest bits.
Bits = tuple[Piece, ...]


@dataclass(frozen=True)
class Sum:
    """Terms added or subtracted, each as wide as the result."""

    terms: tuple[tuple[Literal["+", "-"], Bits], ...]


@dataclass(frozen=True)
class Product:
    """The product of two numbers; the result has as many bits as both together.

    Attributes:
        left: Bits of the first.
        right: Bits of the second.
        signed: Whether the highest bit of each is a sign.
    """

    left: Bits
    right: Bits
    signed: tuple[bool, bool]


@dataclass(frozen=True)
class Choice:
    """Bits where a control bit is 1, and others where it is 0."""

    key: Slice
    one: Bits
    zero: Bits


@dataclass(frozen=True)
class Gate:
    """Bit by bit of two operands."""

    kind: Literal["and", "or", "xor"]
    left: Bits
    right: Bits


@dataclass(frozen=True)
class Inverse:
    """The inverse of each bit."""

    bits: Bits


@dataclass(frozen=True)
class Reduction:
    """One bit made of all bits of a net."""

    kind: Literal["and", "or"]
    of: Slice


Expression = Bits | Sum | Product | Choice | Gate | Inverse | Reduction


@dataclass(frozen=True)
class Instance:
    """A module in another.

    Attributes:
        module: Its name.
        label: Name of the instance.
        parameters: Its parameters (generics): numbers, or names of the module's constants.
        connections: A net for each port.
    """

    module: str
    label: str
    parameters: Mapping[str, int | str]
    connections: dict[str, Net]


@dataclass
class Module:
    """A module under construction.

    Attributes:
        name: Its name.
        comment: What it is, what its ports carry and when its outputs are valid, in lines.
        keep: Whether synthesis keeps its boundary, so that its resources can be counted.
        constants: Constants in its code, by name; of the top module only.
    """

    name: str
    comment: str
    keep: bool = False
    constants: dict[str, int] = field(default_factory=dict)
    inputs: list[Net] = field(default_factory=list)
    outputs: list[Net] = field(default_factory=list)
    nets: list[Net] = field(default_factory=list)
    assignments: list[tuple[Slice, Expression]] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)

    def input(self, name: str, width: int | None = None) -> Net:
        """Add an input port."""
        self.inputs.append(Net(name, width))
        return self.inputs[-1]

    def output(self, name: str, width: int | None = None) -> Net:
        """Add an output port."""
        self.outputs.append(Net(name, width))
        return self.outputs[-1]

    def net(self, name: str, width: int | None = None) -> Net:
        """Add a net."""
        self.nets.append(Net(name, width))
        return self.nets[-1]

    def assign(self, target: Net, *pieces: Piece) -> None:
        """Drive a net; the first piece has the lowest bits."""
        self.drive(whole(target), pieces)

    def drive(self, target: Slice, expression: Expression) -> None:
        """Drive some bits of a net."""
        self.assignments.append((target, expression))

    def joined(self, name: str, *pieces: Piece) -> Net:
        """Add a net that holds pieces, the first in the lowest bits; a zero if there are none."""
        pieces = pieces or (Constant(0, 1),)
        target = self.net(name, width_of(pieces))
        self.assign(target, *pieces)
        return target

    def instance(self, module: str, label: str, parameters: Mapping[str, int | str], **connections: Net) -> None:
        """Add an instance."""
        self.instances.append(Instance(module, label, parameters, connections))

    def unread(self) -> list[Slice]:
        """Return the bits of inputs and nets that nothing in the module reads."""
        nets = (*self.inputs, *self.nets)
        read: dict[str, set[int]] = {net.name: set() for net in nets}
        for _, expression in self.assignments:
            for piece in pieces_of(expression):
                match piece:
                    case Slice(net, low, width):
                        read[net.name].update(range(low, low + width))
                    case Repeat(net, bit):
                        read[net.name].add(bit)
        assigned = {net.name for net in self.inputs} | {target.net.name for target, _ in self.assignments}
        ends = Counter(net.name for instance in self.instances for net in instance.connections.values())
        for net in nets:
            # Of the instances at a net, one drives it where nothing else does.
            if ends[net.name] > (net.name not in assigned):
                read[net.name].update(range(whole(net).width))
        return [Slice(net, low, width) for net in nets for low, width in _gaps(read[net.name], whole(net).width)]


def pieces_of(expression: Expression) -> Iterator[Piece]:
    """Return everything that an expression reads."""
    match expression:
        case tuple():
            yield from expression
        case Sum(terms):
            for _, bits in terms:
                yield from bits
        case Product(left, right) | Gate(left=left, right=right):
            yield from (*left, *right)
        case Choice(key, one, zero):
            yield from (key, *one, *zero)
        case Inverse(bits):
            yield from bits
        case Reduction(of=of):
            yield of


def _gaps(found: set[int], width: int) -> Iterator[tuple[int, int]]:
    """Return start and length of each run of numbers below `width` that are missing."""
    start = None
    for number in range(width + 1):
        missing = number < width and number not in found
        if missing and start is None:
            start = number
        elif not missing and start is not None:
            yield start, number - start
            start = None


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, for comments.

    >>> counted(1, "clock"), counted(2, "clock")
    ('1 clock', '2 clocks')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def whole(net: Net) -> Slice:
    """All bits of a net."""
    return Slice(net, 0, 1 if net.width is None else net.width)


def width_of(bits: Bits) -> int:
    """Bits of pieces beside each other."""
    return sum(piece.times if isinstance(piece, Repeat) else piece.width for piece in bits)

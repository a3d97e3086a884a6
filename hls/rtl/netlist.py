"""Modules that only connect others: nets, assignments of bits, and instances; printed as Verilog here."""

from __future__ import annotations

from dataclasses import dataclass, field

# In every module, since a simulation takes that of whichever comes first.
TIMESCALE = "`timescale 1ns / 1ps"


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


@dataclass(frozen=True)
class Instance:
    """A module in another.

    Attributes:
        module: Its name.
        label: Name of the instance.
        parameters: Its parameters (generics).
        connections: A net for each port.
    """

    module: str
    label: str
    parameters: dict[str, int]
    connections: dict[str, Net]


@dataclass
class Module:
    """A module under construction.

    Attributes:
        name: Its name.
        comment: What it is, in a line or two.
        keep: Whether synthesis keeps its boundary, so that its resources can be counted.
    """

    name: str
    comment: str
    keep: bool = False
    inputs: list[Net] = field(default_factory=list)
    outputs: list[Net] = field(default_factory=list)
    nets: list[Net] = field(default_factory=list)
    assignments: list[tuple[Net, tuple[Piece, ...]]] = field(default_factory=list)
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
        self.assignments.append((target, pieces))

    def joined(self, name: str, *pieces: Piece) -> Net:
        """Add a net that holds pieces, the first in the lowest bits; a zero if there are none."""
        pieces = pieces or (Constant(0, 1),)
        target = self.net(name, sum(piece_width(piece) for piece in pieces))
        self.assign(target, *pieces)
        return target

    def instance(self, module: str, label: str, parameters: dict[str, int], **connections: Net) -> None:
        """Add an instance."""
        self.instances.append(Instance(module, label, parameters, connections))


def piece_width(piece: Piece) -> int:
    """Bits of a piece."""
    return piece.times if isinstance(piece, Repeat) else piece.width


def whole(net: Net) -> Slice:
    """All bits of a net."""
    return Slice(net, 0, 1 if net.width is None else net.width)


def verilog(module: Module) -> str:
    """Print a module as Verilog-2001."""
    sides = (("input", module.inputs), ("output", module.outputs))
    ports = [_declaration(side, net) for side, nets in sides for net in nets]
    lines = [TIMESCALE, "", *(f"// {line}" for line in module.comment.splitlines())]
    lines += ["(* keep_hierarchy = 1 *)"] if module.keep else []
    lines += [f"module {module.name} (", *(f"    {port}," for port in ports[:-1]), f"    {ports[-1]}", ");"]
    lines += [f"  {_declaration('wire', net)};" for net in module.nets]
    lines += [f"  assign {target.name} = {_concatenation(pieces)};" for target, pieces in module.assignments]
    for instance in module.instances:
        parameters = ", ".join(f".{name}({value})" for name, value in instance.parameters.items())
        head = f"{instance.module} #({parameters})" if parameters else instance.module
        connections = ", ".join(f".{port}({net.name})" for port, net in instance.connections.items())
        lines.append(f"  {head} {instance.label} ({connections});")
    return "\n".join([*lines, "endmodule", ""])


def _declaration(kind: str, net: Net) -> str:
    return f"{kind} {net.name}" if net.width is None else f"{kind} [{net.width - 1}:0] {net.name}"


def _concatenation(pieces: tuple[Piece, ...]) -> str:
    texts = [_verilog_piece(piece) for piece in reversed(pieces)]
    return texts[0] if len(texts) == 1 else "{" + ", ".join(texts) + "}"


def _verilog_piece(piece: Piece) -> str:
    match piece:
        case Constant(value, width):
            return f"{width}'h{value:x}"
        case Repeat(net, bit, times):
            return f"{{{times}{{{_verilog_bits(net, bit, 1)}}}}}"
        case Slice(net, low, width):
            return _verilog_bits(net, low, width)


def _verilog_bits(net: Net, low: int, width: int) -> str:
    if net.width is None or (low == 0 and width == net.width):
        return net.name
    return f"{net.name}[{low}]" if width == 1 else f"{net.name}[{low + width - 1}:{low}]"

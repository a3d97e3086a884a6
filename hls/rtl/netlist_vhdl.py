"""Modules of a netlist, printed as VHDL-2008."""

from __future__ import annotations

from trigcnn.hls.rtl.netlist import Constant, Instance, Module, Net, Piece, Repeat, Slice

_CONTEXT = ("library ieee;", "use ieee.std_logic_1164.all;", "")


def vhdl(module: Module) -> str:
    """Print a module as an entity with its architecture `rtl`.

    A single control bit is a `std_logic`; a net with a width is a `std_logic_vector`, even of one bit.
    """
    ports = [
        f"{net.name} : {side} {_type(net)}"
        for side, nets in (("in", module.inputs), ("out", module.outputs))
        for net in nets
    ]
    lines = [*_CONTEXT, *(f"-- {line}" for line in module.comment.splitlines())]
    lines += [f"entity {module.name} is", "  port (", *(f"    {port};" for port in ports[:-1]), f"    {ports[-1]}"]
    lines += ["  );", "end entity;", "", f"architecture rtl of {module.name} is"]
    if module.keep:
        lines += ["  attribute keep_hierarchy : string;", '  attribute keep_hierarchy of rtl : architecture is "yes";']
    lines += [f"  signal {net.name} : {_type(net)};" for net in module.nets]
    lines += ["begin", *(f"  {_assignment(target, pieces)}" for target, pieces in module.assignments)]
    lines += [f"  {_instance(instance)}" for instance in module.instances]
    return "\n".join([*lines, "end architecture;", ""])


def _type(net: Net) -> str:
    return "std_logic" if net.width is None else f"std_logic_vector({net.width - 1} downto 0)"


def _assignment(target: Net, pieces: tuple[Piece, ...]) -> str:
    if target.width is None:
        (piece,) = pieces
        return f"{target.name} <= {_bit(piece)};"
    return f"{target.name} <= {' & '.join(_bits(piece) for piece in reversed(pieces))};"


def _bit(piece: Piece) -> str:
    """Return a piece of one bit as a `std_logic`."""
    match piece:
        case Constant(value):
            return f"'{value}'"
        case Repeat(net, bit) | Slice(net, bit):
            return net.name if net.width is None else f"{net.name}({bit})"


def _bits(piece: Piece) -> str:
    """Return a piece as a `std_logic_vector`."""
    match piece:
        case Constant(value, width):
            return f'"{value:0{width}b}"'
        case Slice(net, low, width) if net.width is not None:
            return net.name if (low, width) == (0, net.width) else f"{net.name}({low + width - 1} downto {low})"
        case Slice():
            return f"(0 downto 0 => {_bit(piece)})"
        case Repeat(times=times):
            return f"({times - 1} downto 0 => {_bit(piece)})"


def _instance(instance: Instance) -> str:
    generics = _map("generic map", {name: str(value) for name, value in instance.parameters.items()})
    ports = _map("port map", {port: net.name for port, net in instance.connections.items()})
    return f"{instance.label} : entity work.{instance.module}{generics}{ports};"


def _map(kind: str, given: dict[str, str]) -> str:
    return f" {kind} ({', '.join(f'{name} => {value}' for name, value in given.items())})" if given else ""

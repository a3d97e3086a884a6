"""Modules of a netlist, printed as VHDL-2008."""

from __future__ import annotations

from trigcnn.hls.rtl.netlist import (
    Bits,
    Choice,
    Constant,
    Expression,
    Gate,
    Instance,
    Inverse,
    Module,
    Net,
    Piece,
    Product,
    Reduction,
    Repeat,
    Slice,
    Sum,
    width_of,
)
from trigcnn.hls.rtl.netlist_verilog import broken, commented

_CONTEXT = ("library ieee;", "use ieee.std_logic_1164.all;")


def vhdl(module: Module) -> str:
    """Print a module as an entity with its architecture `rtl`.

    A single control bit is a `std_logic`; a net with a width is a `std_logic_vector`, even of one bit.
    """
    ports = [
        f"{net.name} : {side} {_type(net)}"
        for side, nets in (("in", module.inputs), ("out", module.outputs))
        for net in nets
    ]
    lines = [*commented(module.comment, "--"), *_CONTEXT]
    if any(isinstance(value, Sum | Product) for _, value in module.assignments):
        lines.append("use ieee.numeric_std.all;")
    if module.constants:
        # They are in the design's package, for test benches and wrappers.
        lines.append(f"use work.{module.name}_pkg.all;")
    lines += ["", f"entity {module.name} is", "  port (", *(f"    {port};" for port in ports[:-1]), f"    {ports[-1]}"]
    lines += ["  );", "end entity;", "", f"architecture rtl of {module.name} is"]
    if module.keep:
        lines += ["  attribute keep_hierarchy : string;", '  attribute keep_hierarchy of rtl : architecture is "yes";']
    lines += [f"  signal {net.name} : {_type(net)};" for net in module.nets]
    lines += ["begin", *(_wrapped(f"  {_assignment(*each)}", " & ") for each in module.assignments)]
    lines += [_wrapped(f"  {_instance(instance)}", ", ") for instance in module.instances]
    return "\n".join([*lines, "end architecture;", ""])


def _type(net: Net) -> str:
    return "std_logic" if net.width is None else f"std_logic_vector({net.width - 1} downto 0)"


def _wrapped(line: str, separator: str) -> str:
    return "\n".join(broken(line.split(separator), separator))


def _assignment(target: Slice, value: Expression) -> str:
    if target.net.width is None:
        return f"{target.net.name} <= {_single(value)};"
    return f"{_vector(target)} <= {_expression(value)};"


def _single(value: Expression) -> str:
    """Return an expression of one bit as a `std_logic`."""
    match value:
        case (Constant(number, _),):
            return f"'{number}'"
        case ((Repeat(net, bit) | Slice(net, bit)),):
            return net.name if net.width is None else f"{net.name}({bit})"
        case Reduction(kind, of):
            return f"{kind} {_vector(of)}"
    raise TypeError(f"no single bit: {value}")


def _expression(value: Expression) -> str:
    match value:
        case tuple():
            return _bits(value)
        case Sum(terms):
            return f"std_logic_vector({_sum(value)})" if len(terms) else '""'
        case Product(left, right, signed):
            kind = "signed" if any(signed) else "unsigned"
            factors = [
                f"{kind}(std_logic_vector'({_bits(bits if sign or kind == 'unsigned' else (*bits, Constant(0, 1)))}))"
                for bits, sign in zip((left, right), signed, strict=True)
            ]
            return f"std_logic_vector(resize({' * '.join(factors)}, {width_of(left) + width_of(right)}))"
        case Choice(key, one, zero):
            return f"{_bits(one)} when {_single((key,))} = '1' else {_bits(zero)}"
        case Gate(kind, left, right):
            return f"({_bits(left)}) {kind} ({_bits(right)})"
        case Inverse(bits):
            return f"not ({_bits(bits)})"
        case Reduction():
            return f"(0 downto 0 => ({_single(value)}))"


def _sum(value: Sum) -> str:
    terms = [(sign, f"unsigned(std_logic_vector'({_bits(bits)}))") for sign, bits in value.terms]
    (sign, first), *others = terms
    # Modulo its width, the negative of an unsigned number is that of a signed one.
    start = f"unsigned(-signed({first}))" if sign == "-" else first
    return " ".join([start, *(f"{sign} {text}" for sign, text in others)])


def _bits(bits: Bits) -> str:
    return " & ".join(_vector(piece) for piece in reversed(bits))


def _vector(piece: Piece) -> str:
    """Return a piece as a `std_logic_vector`."""
    match piece:
        case Constant(value, width):
            return f'"{value:0{width}b}"'
        case Slice(net, low, width) if net.width is not None:
            return net.name if (low, width) == (0, net.width) else f"{net.name}({low + width - 1} downto {low})"
        case Slice():
            return f"(0 downto 0 => {_single((piece,))})"
        case Repeat(times=times):
            return f"({times - 1} downto 0 => {_single((piece,))})"


def _instance(instance: Instance) -> str:
    generics = _map("generic map", {name: str(value) for name, value in instance.parameters.items()})
    ports = _map("port map", {port: net.name for port, net in instance.connections.items()})
    return f"{instance.label} : entity work.{instance.module}{generics}{ports};"


def _map(kind: str, given: dict[str, str]) -> str:
    return f" {kind} ({', '.join(f'{name} => {value}' for name, value in given.items())})" if given else ""

"""Modules of a netlist, printed as Verilog-2001."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

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
)

# In every module, since a simulation takes that of whichever comes first.
TIMESCALE = "`timescale 1ns / 1ps"
_OPERATORS = {"and": "&", "or": "|", "xor": "^"}
_LONGEST = 116


def verilog(module: Module) -> str:
    """Print a module."""
    sides = (("input", module.inputs), ("output", module.outputs))
    ports = [_declaration(side, net) for side, nets in sides for net in nets]
    lines = [*commented(module.comment, "//"), TIMESCALE, ""]
    lines += ["(* keep_hierarchy = 1 *)"] if module.keep else []
    lines += [f"module {module.name} (", *(f"    {port}," for port in ports[:-1]), f"    {ports[-1]}", ");"]
    # For test benches and wrappers, which read them as `instance.NAME`.
    lines += [f"  localparam integer {name} = {value};" for name, value in module.constants.items()]
    if module.constants:
        lines.append(
            f"  wire [{32 * len(module.constants) - 1}:0] unused_constants = {{{', '.join(module.constants)}}};"
        )
    lines += [f"  {_declaration('wire', net)};" for net in module.nets]
    lines += [_wrapped(f"  assign {_slice(target)} = {_expression(value)};") for target, value in module.assignments]
    lines += [_wrapped(f"  {_instance(instance)}") for instance in module.instances]
    if unread := module.unread():
        # The name tells lint that they are left out on purpose: rounding drops low bits, for example.
        lines.append(_wrapped(f"  wire unused_bits = &{{1'b0, {', '.join(map(_slice, unread))}}};"))
    return "\n".join([*lines, "endmodule", ""])


def _declaration(kind: str, net: Net) -> str:
    return f"{kind} {net.name}" if net.width is None else f"{kind} [{net.width - 1}:0] {net.name}"


def _instance(instance: Instance) -> str:
    parameters = ", ".join(f".{name}({value})" for name, value in instance.parameters.items())
    head = f"{instance.module} #({parameters})" if parameters else instance.module
    connections = ", ".join(f".{port}({net.name})" for port, net in instance.connections.items())
    return f"{head} {instance.label} ({connections});"


def _expression(value: Expression) -> str:
    match value:
        case tuple():
            return _bits(value)
        case Sum(terms):
            return "".join(
                f" {sign} {_bits(bits)}" if number else f"{'-' if sign == '-' else ''}{_bits(bits)}"
                for number, (sign, bits) in enumerate(terms)
            )
        case Product(left, right, signed):
            if not any(signed):
                return f"{_bits(left)} * {_bits(right)}"
            factors = zip((left, right), signed, strict=True)
            # A number without a sign gets a zero as its sign.
            return " * ".join(f"$signed({_bits(bits if sign else (*bits, Constant(0, 1)))})" for bits, sign in factors)
        case Choice(key, one, zero):
            return f"{_slice(key)} ? {_bits(one)} : {_bits(zero)}"
        case Gate(kind, left, right):
            return f"{_bits(left)} {_OPERATORS[kind]} {_bits(right)}"
        case Inverse(bits):
            return f"~{_bits(bits)}"
        case Reduction(kind, of):
            return f"{_OPERATORS[kind]}{_slice(of)}"


def _bits(bits: Bits) -> str:
    texts = [_piece(piece) for piece in reversed(bits)]
    return texts[0] if len(texts) == 1 else "{" + ", ".join(texts) + "}"


def _piece(piece: Piece) -> str:
    match piece:
        case Constant(value, width):
            return f"{width}'h{value:x}"
        case Repeat(net, bit, times):
            return f"{{{times}{{{_slice(Slice(net, bit, 1))}}}}}"
        case Slice():
            return _slice(piece)


def _slice(bits: Slice) -> str:
    net, low, width = bits.net, bits.low, bits.width
    if net.width is None or (low == 0 and width == net.width):
        return net.name
    return f"{net.name}[{low}]" if width == 1 else f"{net.name}[{low + width - 1}:{low}]"


def _wrapped(line: str) -> str:
    """Break a long line behind commas."""
    return "\n".join(broken(line.split(", "), ", "))


def commented(text: str, mark: str) -> list[str]:
    """Return a text as comments of limited length."""
    lines = [piece for line in text.splitlines() for piece in textwrap.wrap(line, _LONGEST, subsequent_indent="  ")]
    return [f"{mark} {line}" for line in lines]


def broken(parts: Iterable[str], separator: str) -> list[str]:
    """Return parts in lines; all but the first are indented."""
    lines, indent = [""], "      "
    for number, part in enumerate(parts):
        text = part if number == 0 else f"{separator}{part}"
        if number and len(lines[-1]) + len(text) > _LONGEST:
            lines[-1] += separator.rstrip()
            lines.append(f"{indent}{part}")
        else:
            lines[-1] += text
    return lines

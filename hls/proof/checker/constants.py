"""What cells give if some of their bits are known: a constant, or another bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trigcnn.hls.proof.checker.cells import Lanes, output
from trigcnn.hls.proof.checker.netlist import ONE, UNKNOWN, ZERO, Cell, Netlist

_CONSTANT = (ZERO, ONE)


def simplified(cell: Cell, known: Callable[[int], int]) -> list[int | None]:
    """Return for each bit of a cell's output the bit that it equals; None where nothing is known of it.

    Args:
        cell: The cell.
        known: Gives the bit that stands for a bit; a constant if it is known.
    """
    ports = {name: [known(bit) for bit in bits] for name, bits in cell.inputs.items()}
    given = {bit for bits in ports.values() for bit in bits}
    if given <= {ZERO, ONE}:
        # All lanes are one case.
        return [*output(cell, dict(_constants(cell, ports)), Lanes(1))]
    match cell.kind:
        case "$mul" if any(set(bits) == {ZERO} for bits in ports.values()):
            return [ZERO] * len(cell.output)
        case "$mux":
            (select,) = ports["S"]
            pairs = zip(ports["A"], ports["B"], strict=True)
            return [b if select == ONE else a if select == ZERO or a == b else None for a, b in pairs]
        case "$pmux":
            return _chosen(cell, ports)
        case "$and" | "$or":
            return [_gate(cell.kind == "$and", a, b) for a, b in _pairs(cell, ports)]
        case "$reduce_and" | "$reduce_or" | "$reduce_bool" | "$logic_and" | "$logic_or":
            return _reduced(cell, ports)
        case "$eq" | "$ne":
            differ = any({a, b} == {ZERO, ONE} for a, b in _pairs(cell, ports))
            first = (ZERO if cell.kind == "$eq" else ONE) if differ else None
            return [first, *[ZERO] * (len(cell.output) - 1)]
    return [None] * len(cell.output)


def _constants(cell: Cell, ports: dict[str, list[int]]) -> list[tuple[int, int]]:
    """Return the value of each bit that a cell reads, all of which are constant."""
    return [pair for name, bits in cell.inputs.items() for pair in zip(bits, ports[name], strict=True)]


def _chosen(cell: Cell, ports: dict[str, list[int]]) -> list[int | None]:
    width = len(cell.output)
    if any(select not in _CONSTANT for select in ports["S"]):
        return [None] * width
    chosen = [number for number, select in enumerate(ports["S"]) if select == ONE]
    if len(chosen) > 1:
        return [None] * width
    bits = ports["B"][chosen[0] * width : (chosen[0] + 1) * width] if chosen else ports["A"]
    return list(bits)


def _pairs(cell: Cell, ports: dict[str, list[int]]) -> list[tuple[int, int]]:
    width = max(len(cell.output), len(ports["A"]), len(ports["B"]))

    def extended(bits: Sequence[int]) -> list[int]:
        return [*bits, *[bits[-1] if cell.signed else ZERO] * (width - len(bits))]

    return list(zip(extended(ports["A"]), extended(ports["B"]), strict=True))[: width if _is_one(cell) else None]


def _is_one(cell: Cell) -> bool:
    return cell.kind in ("$eq", "$ne")


def _gate(conjunction: bool, a: int, b: int) -> int | None:
    controlling, neutral = (ZERO, ONE) if conjunction else (ONE, ZERO)
    if controlling in (a, b):
        return controlling
    if neutral in (a, b):
        return b if a == neutral else a
    return a if a == b and a != UNKNOWN else None


def _reduced(cell: Cell, ports: dict[str, list[int]]) -> list[int | None]:
    rest: list[int | None] = [ZERO] * (len(cell.output) - 1)
    if cell.kind == "$logic_and":
        empty = any(all(bit == ZERO for bit in ports[name]) for name in ("A", "B"))
        return [ZERO if empty else None, *rest]
    bits = {bit for port in ports.values() for bit in port}
    if cell.kind == "$reduce_and":
        return [ZERO if ZERO in bits else None, *rest]
    if ONE in bits:
        return [ONE, *rest]
    bits.discard(ZERO)
    return [bits.pop() if len(bits) == 1 and UNKNOWN not in bits else None, *rest]


def value(netlist: Netlist, bit: int, given: dict[int, int]) -> int:
    """Return a bit of the same clock, or a constant if it follows from given bits.

    Args:
        netlist: The netlist.
        bit: The bit.
        given: Bits that are known: the constants that they are. Bits that are found are added.
    """
    stack = [bit]
    while stack:
        at = stack[-1]
        cell = netlist.driver.get(at)
        if at in given or cell is None or at in netlist.registers:
            given.setdefault(at, at)
            stack.pop()
            continue
        missing = [b for bits in cell.inputs.values() for b in bits if b not in given and b > ONE]
        if missing:
            stack += missing
            continue
        found = simplified(cell, lambda b: given.get(b, b))
        for own, other in zip(cell.output, found, strict=True):
            given.setdefault(own, own if other is None else other)
        stack.pop()
    return given[bit]


__all__ = ["simplified", "value"]

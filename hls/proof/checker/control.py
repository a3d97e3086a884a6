"""Valid bits and reset of a design without other state, for every sequence of inputs."""

from __future__ import annotations

from trigcnn.hls.errors import ProofError
from trigcnn.hls.proof.checker.cells import Lanes, output
from trigcnn.hls.proof.checker.netlist import ONE, ZERO, Netlist

# A register's next value is compared for all values of the bits in front and of the reset.
_CASES, _CLEAR = (0b10101010, 0b11001100), 0b11110000


def check_valid(netlist: Netlist, valid: tuple[str, str], reset: str, latency: int) -> None:
    """Check that an output is an input's bit some clocks ago, unless there was a reset since.

    From the output backwards, each register must store the bit in front of it, or zero while the reset is high. By
    induction over the clocks, this holds for every sequence and from every state.

    Args:
        netlist: The netlist.
        valid: Names of the input and of the output.
        reset: Name of the reset, active high.
        latency: Clocks between both.

    Raises:
        ProofError: It does not hold.
    """
    (start,), (bit,), (clear,) = netlist.inputs[valid[0]], netlist.outputs[valid[1]], netlist.inputs[reset]
    for clock in range(latency):
        if bit not in netlist.registers:
            raise ProofError(f"{valid[1]}: {netlist.name(bit)} is no register, {clock} clocks before the output")
        bit = before(netlist, netlist.registers[bit], clear)
    if bit != start:
        raise ProofError(f"{valid[1]} is not {valid[0]} of {latency} clocks ago: it is {netlist.name(bit)}")


def before(netlist: Netlist, stored: int, clear: int) -> int:
    """Return the bit that is stored while the reset is low; zero is stored while it is high.

    Raises:
        ProofError: Something else is stored.
    """
    found = all_before(netlist, stored, clear)
    if len(found) != 1:
        raise ProofError(f"{netlist.name(stored)} depends on {len(found)} bits besides the reset, not on one")
    return found[0]


def all_before(netlist: Netlist, stored: int, clear: int) -> tuple[int, ...]:
    """Return the bits, one or two, of which all are high where one is stored; zero is stored while the reset is high.

    Raises:
        ProofError: Something else is stored.
    """
    ends = tuple(sorted(bit for bit in leaves(netlist, stored) if bit not in (ZERO, ONE, clear)))
    if not 1 <= len(ends) <= 2:
        raise ProofError(f"{netlist.name(stored)} depends on {len(ends)} bits besides the reset")
    algebra = Lanes(8)
    values = {ZERO: algebra.zero, ONE: algebra.one, clear: _CLEAR, **dict(zip(ends, _CASES, strict=False))}
    wanted = algebra.one & ~_CLEAR
    for bit in ends:
        wanted &= values[bit]
    if _value(netlist, stored, values, algebra) != wanted:
        raise ProofError(f"{netlist.name(stored)} is not the bit in front of it, or zero in a reset")
    return ends


def is_and(netlist: Netlist, bit: int, both: tuple[int, ...]) -> bool:
    """Return whether a bit is high if and only if two others are."""
    algebra = Lanes(8)
    values = {ZERO: algebra.zero, ONE: algebra.one, **dict(zip(both, _CASES, strict=True))}
    return _value(netlist, bit, values, algebra) == _CASES[0] & _CASES[1]


def leaves(netlist: Netlist, bit: int) -> set[int]:
    """Return the inputs and registers on which a bit depends, not through other bits of the same cell."""
    cell = netlist.driver.get(bit)
    if cell is None:
        return {bit}
    position = cell.output.index(bit)
    found: set[int] = set()
    for port, bits in cell.inputs.items():
        # A bit of a choice or of a gate depends on this bit of its operands alone.
        own = bits if port == "S" or cell.kind not in ("$mux", "$and", "$or", "$not") else bits[position : position + 1]
        for each in own:
            found |= leaves(netlist, each)
    return found


def _value(netlist: Netlist, bit: int, values: dict[int, int], algebra: Lanes) -> int:
    if bit not in values:
        cell = netlist.driver[bit]
        position = cell.output.index(bit)
        given = {b: values.get(b, algebra.zero) for port in cell.inputs.values() for b in port}
        for port, bits in cell.inputs.items():
            for each in bits if port == "S" else bits[position : position + 1]:
                given[each] = _value(netlist, each, values, algebra)
        values[bit] = output(cell, given, algebra)[position]
    return values[bit]

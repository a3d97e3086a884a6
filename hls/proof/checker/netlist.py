"""A netlist of word-level cells, as Yosys writes it in JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trigcnn.hls.errors import ProofError

ZERO, ONE, UNKNOWN = 0, 1, -1
"""The constant bits, and one of which nothing is known; every other bit is a number from 2 on."""
_CONSTANTS = {"0": ZERO, "1": ONE, "x": UNKNOWN, "z": UNKNOWN}
_REGISTERS = ("$dff",)
_IGNORED = ("$scopeinfo",)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: a function of words.

    Attributes:
        name: Its name in the netlist.
        kind: Its type, such as `$add`.
        inputs: Bits of each input port, the lowest first.
        output: Bits of its output.
        signed: Whether its operands are signed.
    """

    name: str
    kind: str
    inputs: dict[str, tuple[int, ...]]
    output: tuple[int, ...]
    signed: bool


@dataclass(frozen=True, slots=True)
class Box:
    """An instance of a module whose boundary was kept.

    Attributes:
        name: Its name in the netlist.
        module: The module.
        ports: Bits of each port, the lowest first.
    """

    name: str
    module: str
    ports: dict[str, tuple[int, ...]]


@dataclass
class Netlist:
    """A module, without hierarchy but for boxes.

    Attributes:
        inputs: Bits of each input port, the lowest first.
        outputs: Bits of each output port.
        cells: Combinational cells before the outputs that carry data, each after those that feed it, through registers
            too.
        registers: The bit that each register stores, by the bit that it delivers.
        names: A name of each bit.
        driver: The cell that drives a bit.
        boxes: Instances of modules whose boundaries were kept.
    """

    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]
    cells: list[Cell]
    registers: dict[int, int]
    names: dict[int, str]
    driver: dict[int, Cell] = field(default_factory=dict)
    boxes: list[Box] = field(default_factory=list)

    def stored(self, bit: int) -> int:
        """Return the bit behind all registers in front of a bit: the same value, clocks earlier."""
        while bit in self.registers:
            bit = self.registers[bit]
        return bit

    def name(self, bit: int) -> str:
        """Return a name of a bit, for messages."""
        return self.names.get(bit, f"bit {bit}")


def load(path: Path, top: str, clock: str, data: Sequence[str]) -> Netlist:
    """Read a flat module.

    Args:
        path: JSON that Yosys wrote, after `proc`, `flatten` and without memories.
        top: Name of the module.
        clock: Name of the only clock; registers take a value at its rising edge.
        data: Names of the output ports that carry data.

    Raises:
        ProofError: There is a cell of a kind that is not known, a register of another clock, or a loop.
    """
    netlist = modules(path, clock)[top]
    for box in netlist.boxes:
        raise ProofError(f"cell {box.name} is of the kind {box.module}, which is not known")
    return _ordered(netlist, data)


def modules(path: Path, clock: str) -> dict[str, Netlist]:
    """Read all modules, each with its cells in no order, and the modules that it contains as boxes.

    Args:
        path: JSON that Yosys wrote, after `proc` and without memories.
        clock: Name of the only clock in each module; registers take a value at its rising edge.

    Raises:
        ProofError: There is a cell of a kind that is not known, a register of another clock, or a bit with two drivers.
    """
    content = json.loads(path.read_text())["modules"]
    return {name: _driven(_module(module, clock, set(content))) for name, module in content.items()}


def _module(module: dict[str, Any], clock: str, known: set[str]) -> Netlist:
    ports: dict[str, dict[str, tuple[int, ...]]] = {"input": {}, "output": {}}
    for name, port in module["ports"].items():
        ports[port["direction"]][name] = _bits(port["bits"])
    names: dict[int, str] = {}
    for name, net in module["netnames"].items():
        for position, bit in enumerate(_bits(net["bits"])):
            if bit > ONE and (not net["hide_name"] or bit not in names):
                names[bit] = f"{name}[{position}]"
    cells: list[Cell] = []
    registers: dict[int, int] = {}
    boxes: list[Box] = []
    for name, cell in module["cells"].items():
        kind = cell["type"]
        if kind in _IGNORED:
            continue
        connections = {port: _bits(bits) for port, bits in cell["connections"].items()}
        if kind in known:
            boxes.append(Box(name, kind, connections))
            continue
        if kind in _REGISTERS:
            if connections["CLK"] != ports["input"][clock] or not _flag(cell, "CLK_POLARITY"):
                raise ProofError(f"register {name} has another clock than {clock}")
            registers.update(zip(connections["Q"], connections["D"], strict=True))
            continue
        if "Y" not in connections:
            raise ProofError(f"cell {name} is of the kind {kind}, which is not known")
        signed = _flag(cell, "A_SIGNED") and _flag(cell, "B_SIGNED", missing=True)
        cells.append(Cell(name, kind, {p: b for p, b in connections.items() if p != "Y"}, connections["Y"], signed))
    return Netlist(ports["input"], ports["output"], cells, registers, names, boxes=boxes)


def _bits(bits: Sequence[Any]) -> tuple[int, ...]:
    return tuple(_CONSTANTS[bit] if isinstance(bit, str) else bit for bit in bits)


def _flag(cell: dict[str, Any], name: str, *, missing: bool = False) -> bool:
    value = cell["parameters"].get(name)
    return missing if value is None else int(value, 2) == 1


def _driven(netlist: Netlist) -> Netlist:
    """Find the cell that drives each bit."""
    for cell in netlist.cells:
        for bit in cell.output:
            if bit in netlist.driver or bit in netlist.registers:
                raise ProofError(f"{netlist.name(bit)} is driven twice")
            netlist.driver[bit] = cell
    return netlist


def _ordered(netlist: Netlist, data: Sequence[str]) -> Netlist:
    """Sort the cells before the outputs that carry data."""
    done: dict[str, bool] = {}
    order = []
    ends = (netlist.stored(bit) for name in data for bit in netlist.outputs[name])
    for start in (netlist.driver[bit] for bit in ends if bit in netlist.driver):
        stack = [start]
        while stack:
            cell = stack[-1]
            if done.get(cell.name):
                stack.pop()
                continue
            waiting = []
            if cell.name not in done:
                done[cell.name] = False
                bits = {netlist.stored(bit) for port in cell.inputs.values() for bit in port}
                drivers = {netlist.driver[bit].name: netlist.driver[bit] for bit in bits if bit in netlist.driver}
                waiting = [each for each in drivers.values() if not done.get(each.name)]
                if any(each.name in done for each in waiting):
                    raise ProofError(f"cell {cell.name} is in a loop")
            if waiting:
                stack += waiting
            else:
                done[cell.name] = True
                order.append(cell)
                stack.pop()
    netlist.cells[:] = order
    return netlist


def delays(netlist: Netlist, ports: Sequence[str]) -> dict[int, int]:
    """Return the registers between inputs and each bit, which must be as many on every path.

    Args:
        netlist: The netlist.
        ports: Names of the input ports from which is counted.

    Returns:
        The number of registers for each bit that depends on these ports, and on no other input.

    Raises:
        ProofError: Two paths to one cell have different numbers of registers.
    """
    found: dict[int, int] = {bit: 0 for port in ports for bit in netlist.inputs[port]}
    readers: dict[int, list[int]] = {}
    for later, earlier in netlist.registers.items():
        readers.setdefault(earlier, []).append(later)

    def note(bits: Sequence[int], delay: int) -> None:
        waiting = [(bit, delay) for bit in bits]
        while waiting:
            bit, clocks = waiting.pop()
            found[bit] = clocks
            waiting += [(later, clocks + 1) for later in readers.get(bit, ())]

    note(list(found), 0)
    for cell in netlist.cells:
        bits = {bit for port in cell.inputs.values() for bit in port if bit > ONE}
        known = {found[bit] for bit in bits if bit in found}
        if len(known) > 1:
            raise ProofError(f"cell {cell.name} joins values of different clocks: {sorted(known)}")
        if known and all(bit in found for bit in bits):
            note(cell.output, known.pop())
    return found

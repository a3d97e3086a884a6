"""An event on which a netlist and the graph differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trigcnn.hls.engines import Events, interpreter
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.proof.checker.cases import grid, packed, unpacked
from trigcnn.hls.proof.checker.cells import Lanes, evaluate, output
from trigcnn.hls.proof.checker.netlist import ONE, UNKNOWN, ZERO, Netlist
from trigcnn.hls.rtl.design import Port, RtlDesign

Values = npt.NDArray[np.float64]
_SEED = 2026
_KINDS = 4
# Events of a network that is so small are all tried.
_FEW = 1 << 16
# Sequences of valid bits and resets that are drawn.
_SEQUENCES = 256


@dataclass(frozen=True)
class Counterexample:
    """An event on which they differ.

    Attributes:
        event: The event, in the graph's shape.
        graph: What the graph gives.
        netlist: What the netlist gives.
    """

    event: Events
    graph: Values
    netlist: Values


def find(graph: Graph, design: RtlDesign, netlist: Netlist, events: Events, *, count: int) -> Counterexample | None:
    """Look for an event on which a netlist and the graph differ.

    Args:
        graph: The graph.
        design: What the netlist was read from.
        netlist: The netlist.
        events: Events to begin with [events, ...]; drawn ones follow.
        count: Number of drawn events.

    Returns:
        The first that was found; None if they agree on all.
    """
    tried = np.concatenate([events, drawn(graph, count).reshape(-1, *graph.input_shape)])
    wanted = interpreter.build(graph, optimize=False).predict(tried).reshape(len(tried), -1)
    found = simulate(graph, design, netlist, tried)
    wrong = np.flatnonzero((wanted != found).any(axis=1))
    if not wrong.size:
        return None
    return Counterexample(tried[wrong[0]], wanted[wrong[0]], found[wrong[0]])


def drawn(graph: Graph, count: int) -> Events:
    """Return all events if they are few; else draw some: uniform, at the ends, mostly zero, with one value for all."""
    bits = sum(layer.size * layer.result.width for layer in graph.input_layers)
    if 1 << bits <= _FEW:
        ranges = [
            (each.result.min_integer, each.result.max_integer) for each in graph.input_layers for _ in range(each.size)
        ]
        units = [each.result.lsb for each in graph.input_layers for _ in range(each.size)]
        every: Events = (np.stack(grid(ranges), axis=1) * np.array(units)).astype(np.float32)
        return every
    generator = np.random.default_rng(_SEED)
    parts = []
    for layer in graph.input_layers:
        low, high = layer.result.min_integer, layer.result.max_integer
        values = generator.integers(low, high, (count, layer.size), endpoint=True)
        ends = generator.choice([low, high], (count, layer.size))
        kind = np.arange(count) % _KINDS
        values[kind == 1] = ends[kind == 1]
        values[kind == 2] *= generator.random((count, layer.size))[kind == 2] < 0.1
        values[kind == 3] = values[kind == 3][:, :1]
        parts.append(layer.result.to_real(np.clip(values, low, high)))
    return np.concatenate(parts, axis=1).astype(np.float32)


def simulate(graph: Graph, design: RtlDesign, netlist: Netlist, events: Events) -> Values:
    """Return what a netlist gives, with its registers as wires: real values of all outputs [events, values]."""
    algebra = Lanes(len(events))
    values = {ZERO: algebra.zero, ONE: algebra.one, UNKNOWN: algebra.zero}
    for port, part in zip(design.inputs, graph.split_inputs(events), strict=True):
        integers = graph[port.layer].result.cast(part.reshape(len(events), -1))
        width = port.number_format.width
        for index, bit in enumerate(netlist.inputs[port.name]):
            values[bit] = packed((integers[:, index // width] >> (index % width)) & 1)
    for cell in netlist.cells:
        own = {b: values[netlist.stored(b)] for bits in cell.inputs.values() for b in bits} | {UNKNOWN: algebra.zero}
        values |= zip(cell.output, output(cell, own, algebra), strict=True)
    return np.concatenate([_numbers(netlist, port, values, len(events)) for port in design.outputs], axis=1)


def valid_differs(netlist: Netlist, design: RtlDesign) -> str:
    """Look for a sequence of valid bits and resets on which an output's valid bit is wrong.

    Returns:
        What is wrong, and in which clock of the drawn sequences; empty if nothing was found, which proves nothing.
    """
    generator, latency, mark = np.random.default_rng(_SEED), design.latency_cycles, design.inputs[0].valid
    if design.reset is None or mark is None:
        return ""
    (clear,), (start,) = netlist.inputs[design.reset], netlist.inputs[mark]
    ends = {port.valid: netlist.outputs[port.valid][0] for port in design.outputs if port.valid}
    algebra, state = Lanes(_SEQUENCES), dict.fromkeys(netlist.registers, 0)
    given: list[int] = []
    for clock in range(4 * latency + 8):
        # Each sequence begins with a reset.
        rare = [packed((generator.random(_SEQUENCES) < share).astype(np.int64)) for share in (0.5, 0.5 / latency)]
        valid, rst = rare if clock > latency else (0, algebra.one)
        values = {ZERO: 0, ONE: algebra.one, UNKNOWN: 0, clear: rst, start: valid, **state}
        wanted = given[-latency] if clock >= latency else 0
        for name, bit in ends.items():
            if clock > latency and evaluate(netlist.driver, bit, values, algebra) != wanted:
                return f"{name} is not {mark} of {latency} clocks ago in clock {clock} of a drawn sequence"
        state = {
            bit: evaluate(netlist.driver, stored, values, algebra)
            for bit, stored in _chain(netlist, ends.values()).items()
        }
        given = [each & ~rst for each in [*given[-latency:], valid]]
    return ""


def _chain(netlist: Netlist, bits: Iterable[int]) -> dict[int, int]:
    """Return the registers on which some bits depend."""
    found: dict[int, int] = {}
    waiting = list(bits)
    seen = set(waiting)
    while waiting:
        bit = waiting.pop()
        cell = netlist.driver.get(bit)
        if bit in netlist.registers:
            found[bit] = netlist.registers[bit]
        near = [found[bit]] if bit in found else [] if cell is None else [b for p in cell.inputs.values() for b in p]
        waiting += [b for b in near if b not in seen]
        seen.update(near)
    return found


def _numbers(netlist: Netlist, port: Port, values: dict[int, int], count: int) -> Values:
    width, number_format = port.number_format.width, port.number_format
    lanes = [values[netlist.stored(bit)] for bit in netlist.outputs[port.name]]
    bits = np.array([unpacked(each, count) for each in lanes]).astype(np.int64)
    integers = np.tensordot(1 << np.arange(width), bits.reshape(-1, width, count), axes=(0, 1)).T
    if number_format.signed:
        integers -= (integers >> (width - 1)) << width
    return number_format.to_real(integers)

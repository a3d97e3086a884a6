"""A combinational program cut into stages with registers, with a port for each input and output of the graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.rtl.program import mapped

# Delays of operations that alkaid (0.8.2) counts as instantaneous, by its opcode, in its unit: a ReLU is a gate, adding
# a constant is a carry chain like any adder, and one bit made of many is a tree of look-up tables. Roundings and
# saturations consist of them; without these delays some stages took 10 ns where the longest of the others took 6.7.
_DELAYS = {2: 0.3, 4: 1.1, 9: 0.5}


def pipeline(graph: Graph, logic: Any, stage_delay: float) -> Any:
    """Return a program as alkaid's `FSM`.

    Args:
        graph: What the program was made of.
        logic: alkaid's `CombLogic`.
        stage_delay: Longest path between two registers, in alkaid's unit.
    """
    from alkaid.trace.pipeline import to_pipeline

    ready = _with_an_input(graph, _timed(mapped(logic)))
    return _with_ports(graph, to_pipeline(ready, latency_cutoff=stage_delay, verbose=False))


def _with_an_input(graph: Graph, logic: Any) -> Any:
    """Return a program that reads an input: alkaid writes no module that has none, as where all outputs are constant.

    The input chooses between a constant and the same constant, of which synthesis leaves nothing.
    """
    from alkaid.types import Op, QInterval

    if any(sum(interval.kif) for interval in logic.inp_qint):
        return logic
    taken = graph.input_layers[0].result
    key, constant = len(logic.ops), logic.out_idxs[0]
    interval = logic.ops[constant].qint
    choices = [
        Op((), -1, (0,), QInterval(taken.min, taken.max, taken.lsb), 0.0, 0.0),
        Op((constant, constant, key), 6, (0,), interval if sum(interval.kif) else QInterval(0.0, 1.0, 1.0), 0.0, 0.0),
    ]
    return logic._replace(ops=[*logic.ops, *choices], out_idxs=[key + 1, *logic.out_idxs[1:]])


def _timed(logic: Any) -> Any:
    """Add the delays of operations that alkaid counts as instantaneous."""
    from alkaid.types import Op

    reached: list[float] = []
    operations = []
    for operation in logic.ops:
        entries = operation.input_ids
        own = operation.latency - max((logic.ops[entry].latency for entry in entries), default=0.0)
        if entries:
            own = max(own, _DELAYS.get(operation.opcode, 0.0))
        reached.append(max((reached[entry] for entry in entries), default=0.0) + own)
        operations.append(
            Op(operation.addr, operation.opcode, operation.data, operation.qint, reached[-1], operation.cost)
        )
    return logic._replace(ops=operations)


def _with_ports(graph: Graph, machine: Any) -> Any:
    """Replace alkaid's one input port with its register, and its one output port."""
    from alkaid.stateful.fsm import FSM, Conn, Signal

    (given,), (result,) = machine.inp_signals, machine.out_signals
    connections = machine.comb_conns + machine.reg_conns
    entry = next(each for each in connections if each.src.name == f"{given.name}_reg")
    end = next(each for each in connections if each.dst.name == result.name)
    captures, entries, ends = [], [], []
    for layer, part in _slices(graph.input_layers):
        # No output may depend on this input, for example since its weights were pruned.
        reaches, precisions = _port_precisions(given, layer, part)
        name = _name(given, layer, graph.inputs)
        port = Signal(name, True, precisions, reg=False, mode="r", schedule=given.schedule)
        register = Signal(f"captured_{layer.identifier}", False, precisions, reg=True, mode="rw")
        captures.append(Conn(port, register))
        if reaches:
            entries.append(Conn(register, entry.dst[part]))
    for layer, part in _slices(graph.output_layers):
        # alkaid fills the bits of an output that is always zero with zeros.
        _, precisions = _port_precisions(result, layer, part)
        name = _name(result, layer, graph.outputs)
        port = Signal(name, True, precisions, reg=True, mode="w", schedule=result.schedule)
        ends.append(Conn(end.src[part], port))
    replaced = (given.name, entry.src.name)
    kept = [each for each in connections if each.src.name not in replaced and each.dst.name != result.name]
    return FSM(machine.logic, (*captures, *entries, *kept, *ends))


def _port_precisions(signal: Any, layer: Layer, part: slice) -> tuple[bool, tuple[Any, ...]]:
    """Return whether a layer's part of a signal has any bits, and its precisions; the layer's own if it has none."""
    precisions = signal.precisions[part]
    if any(sum(precision) for precision in precisions):
        return True, precisions
    return False, (_precision(layer.result),) * layer.size


def _precision(number_format: FixedPoint) -> tuple[bool, int, int]:
    """Return a number format as alkaid's sign, integer bits without it, and fraction bits."""
    sign = number_format.signed
    return sign, number_format.integer - int(sign), number_format.fraction


def _name(signal: Any, layer: Layer, among: tuple[str, ...]) -> str:
    return str(signal.name) if len(among) == 1 else f"{signal.name}_{layer.identifier}"


def _slices(carried: tuple[Layer, ...]) -> list[tuple[Layer, slice]]:
    """Return the slice of each layer's values among those of all layers."""
    ends = np.cumsum([layer.size for layer in carried]).tolist()
    starts = [0, *ends[:-1]]
    return [(layer, slice(*ends_of)) for layer, *ends_of in zip(carried, starts, ends, strict=True)]

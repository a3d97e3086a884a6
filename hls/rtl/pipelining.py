"""The program of a whole graph, cut into stages with registers."""

from __future__ import annotations

from typing import Any

from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl.kernels import Kernel, ranges
from trigcnn.hls.rtl.program import mapped

# Delays of operations that alkaid (0.8.2) counts as instantaneous, by its opcode, in its unit: a ReLU is a gate, adding
# a constant is a carry chain like any adder, and one bit made of many is a tree of look-up tables. Roundings and
# saturations consist of them; without these delays some stages took 10 ns where the longest of the others took 6.7.
_DELAYS = {2: 0.3, 4: 1.1, 9: 0.5}


def pipeline(graph: Graph, logic: Any, stage_delay: float, *, output_registers: bool = True) -> Kernel:
    """Cut a program into stages.

    Args:
        graph: What the program was made of.
        logic: alkaid's `CombLogic`.
        stage_delay: Longest path between two registers, in alkaid's unit.
        output_registers: Whether there are registers behind the last stage.
    """
    from alkaid.trace.pipeline import _split_comb_logic

    ready = mapped(logic)
    inputs, outputs = ranges(ready.inp_qint), ranges(ready.out_qint)
    name, doing = f"{graph.name}_logic", f"the layers of {graph.name}"
    if all(each.constant for each in outputs):
        return Kernel(name, doing, inputs, outputs, (), 0, 0.0)
    stages = tuple(_split_comb_logic(_timed(ready), latency_cutoff=stage_delay, verbose=False))
    registers = len(stages) if output_registers else len(stages) - 1
    return Kernel(name, doing, inputs, outputs, stages, registers, float(sum(stage.cost for stage in stages)))


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

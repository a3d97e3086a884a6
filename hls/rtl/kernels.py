"""Kernels: the arithmetic of a network, or on a word or window of it, cut into pipeline stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trigcnn.hls.rtl import stages
from trigcnn.hls.rtl.netlist import Module, Net, counted
from trigcnn.hls.rtl.packing import Interval, converted, formats, live_bits, symbolic
from trigcnn.hls.rtl.program import exact_logic, mapped, repaired
from trigcnn.hls.rtl.signals import StageNames
from trigcnn.hls.rtl.tables import Tables

BIT = Interval(0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Kernel:
    """Arithmetic with registers after each stage.

    Attributes:
        name: Name of its module.
        doing: What it computes.
        inputs: The values of each input of the first stage; those that it does not read have no bits.
        outputs: Its output values.
        stages: alkaid's `CombLogic` of each stage; none if every output is constant.
        registers: Stages with registers behind them, the first ones: all, all but the last, or none.
        estimated_lut: LUTs by alkaid's cost model.
        names: Names in each stage; without them, signals are numbered.
    """

    name: str
    doing: str
    inputs: tuple[Interval, ...]
    outputs: tuple[Interval, ...]
    stages: tuple[Any, ...]
    registers: int
    estimated_lut: float
    names: tuple[StageNames, ...] = ()

    @property
    def latency(self) -> int:
        """Clock cycles from input to output."""
        return self.registers


def kernel(
    name: str,
    doing: str,
    inputs: Sequence[Interval],
    function: Callable[[Any], Any],
    *,
    stage_delay: float | None,
    whole_words: bool = False,
) -> Kernel:
    """Trace a function of symbolic numbers.

    Args:
        name: Name of the module.
        doing: What it computes.
        inputs: The values of each input; constants need no bits.
        function: Maps alkaid's symbolic numbers to others, both flat.
        stage_delay: Longest path between two registers in alkaid's unit; None for logic without registers.
        whole_words: Give each input the range of all its bit patterns, as a table needs.

    Raises:
        ConversionError: alkaid could not compute it exactly.
    """
    from alkaid.trace import FVArray
    from alkaid.trace.pipeline import _split_comb_logic

    numbers = symbolic(inputs, whole_words=whole_words)
    varying = np.array([not each.constant for each in inputs])
    live = tuple(each for each in inputs if not each.constant)
    with repaired():
        values = function(numbers).reshape(-1)
        constants = [(float(value.low), float(value.high)) for value in np.asarray(values)]
        if all(low == high for low, high in constants):
            return Kernel(name, doing, live, tuple(Interval.of(low) for low, _ in constants), (), 0, 0.0)
        logic = mapped(exact_logic(FVArray(np.asarray(numbers)[varying], hwconf=numbers.hwconf), values))
    cut = (logic,) if stage_delay is None else _split_comb_logic(logic, latency_cutoff=stage_delay, verbose=False)
    registers = 0 if stage_delay is None else len(cut)
    return Kernel(name, doing, live, ranges(logic.out_qint), tuple(cut), registers, float(logic.cost))


def ranges(intervals: Any) -> tuple[Interval, ...]:
    """Return alkaid's intervals, such as the values that a program's outputs can take."""
    return tuple(Interval(*map(float, interval)) for interval in intervals)


def build(kernel: Kernel, tables: Tables) -> list[Module]:
    """Return the modules of a kernel: one with the registers, and one for each stage.

    Args:
        kernel: What to build.
        tables: The tables of the design; those that are looked up here are added.
    """
    module = Module(kernel.name, _comment(kernel))
    clock = module.input("clk") if kernel.registers else None
    data: Net = module.input("in_data", live_bits(kernel.inputs))
    intervals: Sequence[Interval] = kernel.inputs
    built = [module]
    for number, stage in enumerate(kernel.stages):
        wanted = [(int(q.kif[0]), int(q.kif[1]), int(q.kif[2])) for q in stage.inp_qint]
        given = module.joined(f"given{number}", *converted(data, intervals, wanted))
        result = module.net(f"result{number}", int(stage.out_kifs.sum()))
        built.append(_stage(kernel, number, tables))
        module.instance(built[-1].name, f"stage{number}", {}, in_data=given, out_data=result)
        data, intervals = result, _packed(stage)
        if clock is not None and number < kernel.registers:
            data = module.net(f"kept{number}", result.width)
            ports = {"clk": clock, "in_data": result, "out_data": data}
            module.instance("trigcnn_register", f"register{number}", {"BITS": int(result.width or 1)}, **ports)
    packed = converted(data, intervals, [each.kif if not each.constant else (0, 0, 0) for each in kernel.outputs])
    module.assign(module.output("out_data", sum(each.bits for each in kernel.outputs)), *packed)
    return built


def _comment(kernel: Kernel) -> str:
    clocks, stages = counted(kernel.latency, "clock"), counted(len(kernel.stages), "stage")
    valid = f"{clocks} after in_data" if kernel.latency else "with in_data, without registers"
    return (
        f"{kernel.name}: {kernel.doing}, in {stages}; out_data is valid {valid}.\n"
        f"in_data: {formats(kernel.inputs)}\nout_data: {formats(kernel.outputs)}"
    )


def _stage(kernel: Kernel, number: int, tables: Tables) -> Module:
    logic = kernel.stages[number]
    name = f"{kernel.name}_stage{number}"
    numbered = StageNames(kernel.doing, tuple(f"v{n}" for n in range(len(logic.ops))))
    names = kernel.names[number] if kernel.names else numbered
    comment = (
        f"{name}: {names.doing}, stage {number} of {len(kernel.stages)}, without registers: out_data is valid with "
        f"in_data.\nin_data: {formats(ranges(logic.inp_qint))}\nout_data: {formats(ranges(logic.out_qint))}"
    )
    return stages.build(logic, name, comment, tables, names.signals)


def _packed(stage: Any) -> list[Interval]:
    """Return how a stage packs its outputs: constants too, if they have bits."""
    packed = []
    for sign, integer, fraction in stage.out_kifs.T.tolist():
        lsb = 2.0**-fraction
        empty = sign + integer + fraction <= 0
        low, high = -(2.0**integer) * sign, 2.0**integer - lsb
        packed.append(Interval(0.0, 0.0, 1.0) if empty else Interval(low, high, lsb))
    return packed

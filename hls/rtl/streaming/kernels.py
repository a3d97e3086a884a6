"""Kernels: the arithmetic on a word or a window, as alkaid's combinational logic cut into pipeline stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trigcnn.hls.rtl.netlist import Module, Net
from trigcnn.hls.rtl.program import exact_logic, mapped, repaired
from trigcnn.hls.rtl.streaming.streams import Interval, converted, symbolic

BIT = Interval(0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Kernel:
    """Arithmetic with registers after each stage.

    Attributes:
        name: Name of its module.
        inputs: Its input values.
        outputs: Its output values.
        stages: alkaid's `CombLogic` of each stage; none if every output is constant.
        registered: Whether the stages have registers; if not, there is one stage.
        estimated_lut: LUTs by alkaid's cost model.
    """

    name: str
    inputs: tuple[Interval, ...]
    outputs: tuple[Interval, ...]
    stages: tuple[Any, ...]
    registered: bool
    estimated_lut: float

    @property
    def latency(self) -> int:
        """Clock cycles from input to output."""
        return len(self.stages) if self.registered else 0


def kernel(
    name: str,
    inputs: Sequence[Interval],
    function: Callable[[Any], Any],
    *,
    stage_delay: float | None,
    whole_words: bool = False,
) -> Kernel:
    """Trace a function of symbolic numbers.

    Args:
        name: Name of the module.
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
    with repaired():
        values = function(numbers).reshape(-1)
        constants = [(float(value.low), float(value.high)) for value in np.asarray(values)]
        if all(low == high for low, high in constants):
            return Kernel(name, tuple(inputs), tuple(Interval.of(low) for low, _ in constants), (), False, 0.0)
        logic = mapped(exact_logic(FVArray(np.asarray(numbers)[varying], hwconf=numbers.hwconf), values))
    stages = (logic,) if stage_delay is None else _split_comb_logic(logic, latency_cutoff=stage_delay, verbose=False)
    outputs = tuple(Interval(*map(float, interval)) for interval in logic.out_qint)
    return Kernel(name, tuple(inputs), outputs, tuple(stages), stage_delay is not None, float(logic.cost))


def build(kernel: Kernel) -> Module:
    """Return the module of a kernel: its stages, a module each, and the registers between them."""
    module = Module(kernel.name, f"Arithmetic in {len(kernel.stages)} stages.")
    clock = module.input("clk") if kernel.registered else None
    live = [each for each in kernel.inputs if not each.constant]
    data: Net = module.input("in_data", sum(each.bits for each in live))
    intervals: Sequence[Interval] = live
    for number, stage in enumerate(kernel.stages):
        wanted = [(int(q.kif[0]), int(q.kif[1]), int(q.kif[2])) for q in stage.inp_qint]
        given = module.joined(f"given{number}", *converted(data, intervals, wanted))
        result = module.net(f"result{number}", int(stage.out_kifs.sum()))
        module.instance(stage_name(kernel, number), f"stage{number}", {}, model_inp=given, model_out=result)
        data, intervals = result, _packed(stage)
        if clock is not None:
            data = module.net(f"kept{number}", result.width)
            ports = {"clk": clock, "in_data": result, "out_data": data}
            module.instance("trigcnn_register", f"register{number}", {"BITS": int(result.width or 1)}, **ports)
    formats = [each.kif if not each.constant else (0, 0, 0) for each in kernel.outputs]
    packed = converted(data, intervals, formats)
    module.assign(module.output("out_data", sum(each.bits for each in kernel.outputs)), *packed)
    return module


def stage_name(kernel: Kernel, number: int) -> str:
    """Name of a stage's module."""
    return f"{kernel.name}_stage{number}"


def _packed(stage: Any) -> list[Interval]:
    """Return how a stage packs its outputs: constants too, if they have bits."""
    packed = []
    for sign, integer, fraction in stage.out_kifs.T.tolist():
        lsb = 2.0**-fraction
        empty = sign + integer + fraction <= 0
        low, high = -(2.0**integer) * sign, 2.0**integer - lsb
        packed.append(Interval(0.0, 0.0, 1.0) if empty else Interval(low, high, lsb))
    return packed

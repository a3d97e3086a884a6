"""Fully parallel RTL: every pixel has its own arithmetic, and an event enters at every clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.graph.kinds import WIRES
from trigcnn.hls.rtl import description, files, kernels, signals, size, vhdl
from trigcnn.hls.rtl.design import Port, RtlDesign
from trigcnn.hls.rtl.kernels import Kernel
from trigcnn.hls.rtl.layers import compute
from trigcnn.hls.rtl.netlist import Module, Net, Slice, whole
from trigcnn.hls.rtl.packing import converted, format_interval, live_bits
from trigcnn.hls.rtl.pipelining import pipeline
from trigcnn.hls.rtl.program import program_with_layers
from trigcnn.hls.rtl.tables import Tables


def generate(
    graph: Graph,
    folder: Path,
    *,
    stage_delay: float,
    max_multiplications: int,
    clock_period_ns: float = 5.0,
    valid: bool = True,
    output_registers: bool = True,
    vhdl_folder: Path | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> RtlDesign:
    """Write Verilog for a graph, and VHDL if asked.

    Args:
        graph: What to build.
        folder: New folder: `src/` has the Verilog.
        stage_delay: Longest path between two registers, in alkaid's unit (about the delay of an adder
            bit-sliced into LUTs; not ns). Smaller means more registers and a longer latency.
        max_multiplications: Largest number of products per event that is unrolled.
        clock_period_ns: Clock period in the constraints, in ns.
        valid: Whether events are marked by valid bits, which a reset clears.
        output_registers: Whether the outputs come from registers.
        vhdl_folder: New folder for the same design in VHDL; None for none.
        note: Called with the name of the layer in work.

    Raises:
        ConversionError: The graph is too large to be unrolled, a layer has no RTL, or a name is not valid in VHDL.
    """
    size.check_unrolled(graph.layers, max_multiplications)
    if vhdl_folder is not None:
        vhdl.check_name(graph.name)
    costs: dict[str, float] = {}

    def note_cost(layer: Layer, inputs: list[Any]) -> None:
        note(f"layer {layer.name}")
        costs[layer.name] = _cost(graph, layer, inputs)
        if layer is graph.layers[-1]:
            note("all layers together")

    logic, results = program_with_layers(graph, on_layer=note_cost)
    kernel = pipeline(graph, logic, stage_delay, output_registers=output_registers)
    if kernel.stages:
        kernel = replace(kernel, names=tuple(signals.named(graph, results, kernel.stages)))
    top = Module(graph.name, "")
    clock = top.input("clk")
    done = None
    if valid:
        done = top.net("done")
        marks = {"rst": top.input("rst"), "in_valid": top.input("in_valid"), "out_valid": done}
        # Its depth is the constant itself, so that the two cannot differ.
        top.instance("trigcnn_valid", "valid_unit", {"DEPTH": "LATENCY_CYCLES"}, clk=clock, **marks)
    inputs, given = _add_inputs(top, graph, kernel, clock, "in_valid" if valid else None)
    result = top.net("logic_out", max(live_bits(kernel.outputs), 1))
    if kernel.stages:
        clocks = {"clk": clock} if kernel.registers else {}
        top.instance(kernel.name, "logic_unit", {}, **clocks, in_data=given, out_data=result)
    outputs = _add_outputs(top, graph, kernel, result, done)
    design = RtlDesign(
        architecture="parallel",
        top=graph.name,
        # A register before the first stage.
        latency_cycles=1 + kernel.latency,
        initiation_interval=1,
        inputs=inputs,
        outputs=outputs,
        estimated_lut=kernel.estimated_lut,
        estimated_lut_by_layer=costs,
        reset="rst" if valid else None,
    )
    top.comment, top.constants = description.header(design), design.constants
    tables = Tables(graph.name)
    modules = [top, *(kernels.build(kernel, tables) if kernel.stages else ())]
    return files.write_all(folder, vhdl_folder, design, modules, tables, clock_period_ns)


def _add_inputs(
    top: Module, graph: Graph, kernel: Kernel, clock: Net, valid: str | None
) -> tuple[tuple[Port, ...], Net]:
    """Add the input ports and registers for the bits that are used; return the ports and the word for the kernel."""
    ports, words, start = [], [], 0
    for layer in graph.input_layers:
        name = "in_data" if len(graph.inputs) == 1 else f"in_{layer.identifier}"
        used = kernel.inputs[start : start + layer.size]
        start += layer.size
        live = live_bits(used)
        number_format = FixedPoint(layer.result.signed, layer.result.width, layer.result.integer)
        port = Port(name, layer.name, layer.shape, number_format, live, valid=valid, meaning=layer.meaning)
        ports.append(port)
        given = top.input(name, port.width)
        if live:
            wanted = [each.kif if each.bits else (0, 0, 0) for each in used]
            word = top.joined(f"used_{name}", *converted(given, [format_interval(number_format)] * layer.size, wanted))
            kept = top.net(f"kept_{name}", live)
            parameters, ends = {"BITS": live}, {"in_data": word, "out_data": kept}
            top.instance("trigcnn_register", f"register_{name}", parameters, clk=clock, **ends)
            words.append(kept)
    return tuple(ports), top.joined("logic_in", *map(whole, words))


def _add_outputs(top: Module, graph: Graph, kernel: Kernel, data: Net, valid: Net | None) -> tuple[Port, ...]:
    """Add the output ports, on each of which all values have one format."""
    ports, start, low = [], 0, 0
    for layer in graph.output_layers:
        only = len(graph.outputs) == 1
        name, mark = ("out_data", "out_valid") if only else (f"out_{layer.identifier}", f"out_{layer.identifier}_valid")
        values = kernel.outputs[start : start + layer.size]
        start += layer.size
        live = live_bits(values)
        kifs = [each.kif for each in values if not each.zero] or [_kif(layer.result)]
        sign, integer, fraction = (max(column) for column in zip(*kifs, strict=True))
        number_format = FixedPoint(bool(sign), sign + integer + fraction, sign + integer)
        output_valid = mark if valid else None
        port = Port(name, layer.name, layer.shape, number_format, live, valid=output_valid, meaning=layer.meaning)
        ports.append(port)
        own = top.joined(f"packed_{name}", *((Slice(data, low, live),) if live else ()))
        low += live
        formats = [(sign, integer, fraction)] * layer.size
        top.assign(top.output(name, port.width), *converted(own, values, formats))
        if valid:
            top.assign(top.output(mark), whole(valid))
    return tuple(ports)


def _kif(number_format: FixedPoint) -> tuple[int, int, int]:
    """Return a number format as sign bit, integer bits without it, and fraction bits."""
    sign = int(number_format.signed)
    return sign, number_format.integer - sign, number_format.fraction


def _cost(graph: Graph, layer: Layer, inputs: list[Any]) -> float:
    """Return the cost of one layer alone, fed by registers with the ranges of its real inputs."""
    from alkaid.trace import trace

    if layer.kind in WIRES:
        return 0.0
    fresh = [_port_like(x, whole_words=layer.kind == "UnaryLUT") for x in inputs]
    ports = np.concatenate([x.reshape(-1) for x in fresh])
    return float(trace(ports, compute(graph, layer, fresh)).cost)


def _port_like(x: Any, *, whole_words: bool) -> Any:
    """Return new symbolic numbers with the ranges of others, or with all values of their bits."""
    from alkaid.trace import FVArray

    if whole_words:
        # alkaid's optimization takes this range for every input, and a table must cover it.
        return FVArray.from_kif(*x.kif)
    low, high, step = np.array([(v.low, v.high, v.step) for v in np.asarray(x).ravel()]).T.reshape(3, *x.shape)
    return FVArray.from_lhs(low, high, step)

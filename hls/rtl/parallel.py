"""Fully parallel RTL: every pixel has its own arithmetic, and an event enters at every clock."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph, Layer, in_comment
from trigcnn.hls.graph.kinds import WIRES
from trigcnn.hls.rtl import vhdl
from trigcnn.hls.rtl.design import Port, RtlDesign
from trigcnn.hls.rtl.layers import compute
from trigcnn.hls.rtl.pipelining import pipeline
from trigcnn.hls.rtl.program import program


def generate(
    graph: Graph,
    folder: Path,
    *,
    part: str,
    clock_period_ns: float,
    stage_delay: float,
    max_multiplications: int,
    vhdl_folder: Path | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> RtlDesign:
    """Write Verilog for a graph, with alkaid's files for its simulation and its constraints.

    Args:
        graph: What to build.
        folder: New folder: `src/` has the Verilog, `sim/` the harness for Verilator.
        part: Device named in the scripts and constraints.
        clock_period_ns: Clock period in the constraints, in ns.
        stage_delay: Longest path between two registers, in alkaid's unit (about the delay of an adder
            bit-sliced into LUTs; not ns). Smaller means more registers and a longer latency.
        max_multiplications: Largest number of products per event that is unrolled.
        vhdl_folder: New folder for the same design in VHDL; None for none.
        note: Called with the name of the layer in work.

    Raises:
        ConversionError: The graph is too large to be unrolled, or a layer has no RTL.
    """
    if graph.multiplications > max_multiplications:
        largest = max(graph.layers, key=lambda layer: layer.multiplications)
        raise ConversionError(
            f"the network has {graph.multiplications:,} multiplications per event, and fully parallel RTL would build "
            f"each ({largest.multiplications:,} in layer {largest.name}); the limit is {max_multiplications:,}. Use a "
            "smaller network, set rtl.architecture: streaming, or raise rtl.max_multiplications and wait"
        )
    from alkaid.codegen import RTLModel

    costs: dict[str, float] = {}

    def note_cost(layer: Layer, inputs: list[Any]) -> None:
        note(f"layer {layer.name}")
        costs[layer.name] = _cost(graph, layer, inputs)
        if layer is graph.layers[-1]:
            note("all layers together")

    machine = pipeline(graph, program(graph, on_layer=note_cost), stage_delay)
    model = RTLModel(
        machine,
        folder,
        prj_name=graph.name,
        part_name=part,
        clock_period=clock_period_ns,
        # Already done earlier, where it can still use all of the logic.
        ternary_fuse=False,
    )
    model.write()
    # The same design in alkaid's own form: large, and useless to others.
    shutil.rmtree(folder / "model")
    if vhdl_folder is not None:
        vhdl.write(graph, machine, vhdl_folder, part=part, clock_period_ns=clock_period_ns)
    design = RtlDesign(
        architecture="parallel",
        top=graph.name,
        # alkaid: the output is valid this many clock edges after the input.
        latency_cycles=int(machine.out_signals[0].schedule.bias),
        initiation_interval=1,
        inputs=_ports(graph.input_layers, machine.inp_signals),
        outputs=_ports(graph.output_layers, machine.out_signals),
        estimated_lut=float(sum(block.cost for block in machine.logic.values())),
        estimated_lut_by_layer=costs,
    )
    for place in (folder, vhdl_folder):
        if place is not None:
            (place / "PORTS.md").write_text(_description(design))
    return design


def _ports(carried: tuple[Layer, ...], signals: tuple[Any, ...]) -> tuple[Port, ...]:
    return tuple(
        Port(signal.name, layer.name, layer.shape, _padded(signal), int(signal.width))
        for layer, signal in zip(carried, signals, strict=True)
    )


def _padded(signal: Any) -> FixedPoint:
    """Return the format that holds every element of a port; the wrapper gives each element its width."""
    sign, integer, fraction = (max(int(value) for value in column) for column in zip(*signal.precisions, strict=True))
    return FixedPoint(bool(sign), sign + integer + fraction, sign + integer)


def _description(design: RtlDesign) -> str:
    """Return a description of the ports for users of the module."""
    rows = [
        f"| `{port.name}` | {way} | `{in_comment(port.layer)}` | {_times(port.shape)} | `{port.number_format}` | "
        f"clock {clock} |"
        for ports, way, clock in [(design.inputs, "in", 0), (design.outputs, "out", design.latency_cycles)]
        for port in ports
    ]
    lines = [
        f"# Ports of `{design.top}_wrapper`",
        "",
        "One event per rising edge of `clk`. Element n (row-major, channels last) is at bits `[n * W +: W]`, W being",
        "the width of its number format. There is no reset and no enable: the pipeline runs at every clock.",
        "",
        "| Port | Direction | Layer | Elements | Number format of each | Latency |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        f"`{design.top}`, inside, has the same ports without bits that are constant or reach no output.",
    ]
    return "\n".join(lines) + "\n"


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)


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

"""Streaming RTL of a graph: its units, connected as in the graph, and their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph.graph import Graph, Layer, in_comment
from trigcnn.hls.rtl import description, files, kernels, vhdl
from trigcnn.hls.rtl.design import Port, RtlDesign
from trigcnn.hls.rtl.kernels import Kernel
from trigcnn.hls.rtl.netlist import Module, whole
from trigcnn.hls.rtl.packing import converted, format_interval, formats
from trigcnn.hls.rtl.streaming import timing
from trigcnn.hls.rtl.streaming.plan import Unit, initiation_interval, plan
from trigcnn.hls.rtl.streaming.streams import Stream, stream_shape
from trigcnn.hls.rtl.streaming.units import build
from trigcnn.hls.rtl.streaming.units.workshop import Feed, Workshop
from trigcnn.hls.rtl.tables import Tables


@dataclass(frozen=True)
class _Built:
    """A unit with its module.

    Attributes:
        unit: What was built.
        module: Its module.
        kernels: The kernels in it.
        estimated_lut: LUTs by alkaid's cost model, and of memories for words.
    """

    unit: Unit
    module: Module
    kernels: tuple[Kernel, ...]
    estimated_lut: float


def generate(
    graph: Graph,
    folder: Path,
    *,
    stage_delay: float,
    reuse_factors: Mapping[str, int] | None = None,
    serial_dense: bool = False,
    clock_period_ns: float = 5.0,
    vhdl_folder: Path | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> RtlDesign:
    """Write Verilog for a graph, and VHDL if asked.

    Args:
        graph: What to build.
        folder: New folder: `src/` has the Verilog.
        stage_delay: Longest path between two registers, in alkaid's unit (about the delay of an adder; not ns).
        reuse_factors: Clock cycles that the products of a dense layer take, by layer name.
        serial_dense: Let all other dense layers take as many cycles as lie between two events.
        clock_period_ns: Clock period in the constraints, in ns.
        vhdl_folder: New folder for the same design in VHDL; None for none.
        note: Called with what is worked on.

    Raises:
        ConversionError: A layer has no streaming form, or a name is not valid in VHDL.
    """
    units = plan(graph, reuse_factors or {}, serial=serial_dense)
    if vhdl_folder is not None:
        vhdl.check_name(graph.name)
    interval = initiation_interval(graph, units)
    top = Module(graph.name, "")
    top.input("clk"), top.input("rst")
    feeds: dict[str, Feed] = {}
    parts: list[_Built] = []
    valid = top.input("in_valid")
    inputs = [_input_port(graph, layer, top) for layer in graph.input_layers]
    for unit in units:
        if unit.front == "input":
            stream = _input_stream(unit.layer)
            port = next(port for port in inputs if port.layer == unit.name)
            sources = [Feed(stream, valid, _net(top, port.name), timing.source(stream.words, interval))]
        else:
            sources = [feeds[name] for name in unit.sources]
        note(f"layer {unit.name}")
        built, feeds[unit.result] = _add(graph, unit, sources, top, stage_delay)
        parts.append(built)
    outputs = [_output_port(graph, layer, top, feeds[layer.name]) for layer in graph.output_layers]
    design = RtlDesign(
        architecture="streaming",
        top=graph.name,
        latency_cycles=max(_latency(feeds[layer.name], interval) for layer in graph.output_layers),
        initiation_interval=interval,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        estimated_lut=sum(part.estimated_lut for part in parts),
        estimated_lut_by_layer={layer: cost for part in parts for layer, cost in _costs(part).items()},
    )
    tables = Tables(graph.name)
    modules = [top, *(part.module for part in parts)]
    modules += [module for part in parts for kernel in part.kernels for module in kernels.build(kernel, tables)]
    top.comment, top.constants = description.header(design), design.constants
    return files.write_all(folder, vhdl_folder, design, modules, tables, clock_period_ns)


def _costs(part: _Built) -> dict[str, float]:
    """Return the cost of each layer; a unit's cost counts for the layer that it is named after."""
    return {part.unit.name: part.estimated_lut, **{layer.name: 0.0 for layer in part.unit.then}}


def _net(top: Module, name: str) -> Any:
    return next(net for net in (*top.inputs, *top.nets) if net.name == name)


def _input_stream(layer: Layer) -> Stream:
    height, width, channels = stream_shape(layer.shape)
    return Stream(height, width, (format_interval(layer.result),) * channels)


def _input_port(graph: Graph, layer: Layer, top: Module) -> Port:
    stream = _input_stream(layer)
    name = "in_data" if len(graph.inputs) == 1 else f"in_{layer.identifier}"
    number_format = FixedPoint(layer.result.signed, layer.result.width, layer.result.integer)
    top.input(name, stream.bits)
    return Port(name, layer.name, layer.shape, number_format, stream.bits, stream.words, "in_valid", layer.meaning)


def _output_port(graph: Graph, layer: Layer, top: Module, feed: Feed) -> Port:
    """Add an output port, on which all values have one format."""
    signs, integers, fractions = zip(*(_kif(channel) for channel in feed.stream.channels), strict=True)
    sign, integer, fraction = max(signs), max(integers), max(fractions)
    only = len(graph.outputs) == 1
    name, valid = ("out_data", "out_valid") if only else (f"out_{layer.identifier}", f"out_{layer.identifier}_valid")
    number_format = FixedPoint(bool(sign), sign + integer + fraction, sign + integer)
    target = top.output(name, number_format.width * len(feed.stream.channels))
    formats = [(sign, integer, fraction)] * len(feed.stream.channels)
    top.assign(target, *converted(feed.data, feed.stream.channels, formats))
    top.assign(top.output(valid), whole(feed.valid))
    words = feed.stream.words
    return Port(name, layer.name, layer.shape, number_format, feed.stream.bits, words, valid, layer.meaning)


def _kif(channel: Any) -> tuple[int, int, int]:
    if channel.low == channel.high == 0:
        return 0, 1, 0
    return channel.kif  # type: ignore[no-any-return]


def _add(graph: Graph, unit: Unit, sources: list[Feed], top: Module, stage_delay: float) -> tuple[_Built, Feed]:
    """Build a unit and put it into the top module."""
    doing = f"layer {', then '.join(in_comment(layer.name) for layer in (unit.layer, *unit.then))}"
    module = Module(f"{graph.name}_layer_{unit.identifier}", "", keep=True)
    shop = Workshop(unit, graph, module, doing, stage_delay)
    inside = build(shop, sources)
    # No port's name begins like this.
    valid = top.net(f"from_{unit.identifier}_valid")
    data = top.net(f"from_{unit.identifier}_data", inside.stream.bits)
    sides = ("left", "right") if unit.front == "join" else ("in",)
    module.comment = "\n".join(
        [
            f"{module.name}: {doing}. A word of each port counts in a clock in which its valid is high.",
            *(f"{side}_data: {formats(feed.stream.channels)}" for side, feed in zip(sides, sources, strict=True)),
            f"out_data: {formats(inside.stream.channels)}",
        ]
    )
    given = {
        f"{side}_{role}": net
        for side, feed in zip(sides, sources, strict=True)
        for role, net in (("valid", feed.valid), ("data", feed.data))
    }
    clock = {"clk": top.inputs[0], "rst": top.inputs[1]}
    top.instance(module.name, f"{unit.identifier}_unit", {}, **clock, **given, out_valid=valid, out_data=data)
    cost = sum(kernel.estimated_lut for kernel in shop.kernels) + shop.memory_lut
    return _Built(unit, module, tuple(shop.kernels), cost), Feed(inside.stream, valid, data, inside.arrivals)


def _latency(feed: Feed, interval: int) -> int:
    """Return the cycles from the first word in to the last word out, the same for every event after the first."""
    lasts = feed.arrivals.dense.reshape(-1, feed.stream.words)[:, -1]
    latencies = lasts - np.arange(len(lasts)) * interval
    # The last event does not count: no event follows for which its end could wait.
    if (np.diff(latencies[:-1]) > 0).all():
        raise RuntimeError(f"events {interval} cycles apart come out later each: {latencies.tolist()}")
    return int(latencies.max())

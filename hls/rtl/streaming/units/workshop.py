"""A unit under construction, and its output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl import kernels, layers
from trigcnn.hls.rtl.casts import holds
from trigcnn.hls.rtl.kernels import Kernel
from trigcnn.hls.rtl.netlist import Constant, Module, Net, whole
from trigcnn.hls.rtl.packing import Interval, live_bits
from trigcnn.hls.rtl.streaming.plan import Unit
from trigcnn.hls.rtl.streaming.streams import Stream
from trigcnn.hls.rtl.streaming.timing import Arrivals


@dataclass(frozen=True)
class Feed:
    """The output of a unit.

    Attributes:
        stream: The values.
        valid: Net of the top module that is high while a word is there.
        data: Net of the word.
        arrivals: When words come.
    """

    stream: Stream
    valid: Net
    data: Net
    arrivals: Arrivals


@dataclass
class Workshop:
    """A unit under construction.

    Attributes:
        unit: What is built.
        graph: The graph that it is of.
        module: Its module.
        doing: The layers that it computes, in words.
        stage_delay: Longest path between two registers in alkaid's unit.
        kernels: Its kernels so far.
        memory_lut: Estimate of look-up tables that hold words.
    """

    unit: Unit
    graph: Graph
    module: Module
    doing: str
    stage_delay: float
    kernels: list[Kernel] = field(default_factory=list)
    memory_lut: float = 0.0

    def __post_init__(self) -> None:
        self.clk, self.rst = self.module.input("clk"), self.module.input("rst")

    def static(self, kind: str, label: str, parameters: Mapping[str, int], **connections: Net) -> None:
        """Add a static module that has a clock and a reset."""
        self.module.instance(f"trigcnn_{kind}", label, parameters, clk=self.clk, rst=self.rst, **connections)

    def word(self, name: str, *parts: tuple[Net, Sequence[Interval]]) -> Net:
        """Join nets that carry values of some channels; nets without values are left out."""
        return self.module.joined(name, *(whole(net) for net, channels in parts if live_bits(channels)))

    def register(self, label: str, data: Net, kept: Net) -> None:
        """Add a register."""
        ports = {"clk": self.clk, "in_data": data, "out_data": kept}
        self.module.instance("trigcnn_register", label, {"BITS": kept.width or 1}, **ports)

    def compute(
        self,
        suffix: str,
        data: Net,
        inputs: Sequence[Interval],
        function: Callable[[Any], Any],
        *,
        registered: bool = True,
        whole_words: bool = False,
    ) -> tuple[Kernel, Net]:
        """Add a kernel; return it and its output."""
        made = kernels.kernel(
            f"{self.module.name}_{suffix}",
            self.doing,
            inputs,
            function,
            stage_delay=self.stage_delay if registered else None,
            whole_words=whole_words,
        )
        if not made.stages:
            return made, self.module.joined(f"{suffix}_out")
        self.kernels.append(made)
        out = self.module.net(f"{suffix}_out", live_bits(made.outputs))
        clock = {"clk": self.clk} if registered else {}
        self.module.instance(made.name, suffix, {}, **clock, in_data=data, out_data=out)
        return made, out

    def delayed(self, label: str, valid: Net, cycles: int) -> Net:
        """Delay a control bit."""
        later = self.module.net(label)
        self.static("valid", f"{label}_delay", {"DEPTH": cycles}, in_valid=valid, out_valid=later)
        return later

    def finish(
        self,
        data: Net,
        valid: Net,
        inputs: Sequence[Interval],
        first: Callable[[Any], Any],
        shape: tuple[int, int],
        arrivals: Arrivals,
    ) -> Feed:
        """Add the last kernel, with the layers that work on each word by itself, and the output ports."""

        def function(numbers: Any) -> Any:
            values = first(numbers)
            for layer in self.unit.then:
                values = layers.compute(self.graph, layer, [values])
            return values

        looks_up = any(layer.kind == "UnaryLUT" for layer in (self.unit.layer, *self.unit.then))
        made, out = self.compute("kernel", data, inputs, function, whole_words=looks_up)
        later = self.delayed("kernel_valid", valid, made.latency)
        return self.give(Stream(*shape, made.outputs), later, out, arrivals.later(made.latency))

    def pass_on(self, data: Net, valid: Net, stream: Stream, arrivals: Arrivals) -> Feed:
        """Pass words on unchanged, unless the layer's own format or further layers change them."""
        layer = self.unit.layer
        unchanged = layer.kind == "Input" or holds(layer.result, stream.channels)
        if unchanged and not self.unit.then:
            return self.give(stream, valid, data, arrivals)
        shape = stream.height, stream.width

        def first(x: Any) -> Any:
            return x if unchanged else layers.as_result(layer, x)

        return self.finish(data, valid, stream.channels, first, shape, arrivals)

    def give(self, stream: Stream, valid: Net, data: Net, arrivals: Arrivals) -> Feed:
        """Add the output ports."""
        ports = self.module.output("out_valid"), self.module.output("out_data", stream.bits)
        self.module.assign(ports[0], whole(valid))
        self.module.assign(ports[1], whole(data) if stream.live_bits else Constant(0, 1))
        return Feed(stream, *ports, arrivals)

    def queue(self, label: str, valid: Net, data: Net, take: Net, depth: int) -> tuple[Net, Net]:
        """Add a FIFO before a unit that does not take every word at once."""
        there, out = self.module.net(f"{label}_valid"), self.module.net(f"{label}_data", data.width)
        ports = {"in_valid": valid, "in_data": data, "take": take, "out_valid": there, "out_data": out}
        self.static("fifo", label, {"BITS": data.width or 1, **fifo_sizes(depth)}, **ports)
        self.memory_lut += memory_lut(data.width or 1, depth)
        return there, out


def fifo_sizes(depth: int, prefix: str = "") -> dict[str, int]:
    """Parameters of a FIFO."""
    return {
        f"{prefix}DEPTH": depth,
        f"{prefix}POINTER_BITS": bits_for(max(depth - 1, 1)),
        f"{prefix}COUNT_BITS": bits_for(max(depth, 1)),
    }


def bits_for(number: int) -> int:
    """Bits of a counter that reaches a number."""
    return max(number.bit_length(), 1)


def memory_lut(bits: int, depth: int) -> float:
    """Estimate the look-up tables that hold words: 32 bits in each, as in a shift register of a Xilinx device."""
    return float(bits * ceil(depth / 32)) if depth > 1 else 0.0


def raster_sizes(height: int, width: int, prefix: str = "") -> dict[str, int]:
    """Parameters of counters that go over an image."""
    return {
        f"{prefix}HEIGHT": height,
        f"{prefix}WIDTH": width,
        f"{prefix}ROW_BITS": bits_for(height - 1),
        f"{prefix}COLUMN_BITS": bits_for(width - 1),
    }


def entry(shop: Workshop, feed: Feed, prefix: str = "in") -> tuple[Net, Net]:
    """Add the input ports of a unit: valid bit and data."""
    return shop.module.input(f"{prefix}_valid"), shop.module.input(f"{prefix}_data", feed.stream.bits)

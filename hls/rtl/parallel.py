"""Fully parallel RTL: every pixel has its own arithmetic, and an event enters at every clock."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hls.errors import ConversionError
from hls.fixed_point import FixedPoint
from hls.graph import Graph, Layer
from hls.rtl import layers


@dataclass(frozen=True)
class RtlDesign:
    """Generated Verilog, with what is known of it.

    Attributes:
        architecture: How it is laid out.
        top: Name of the top module.
        latency_cycles: Clock cycles from the input word at the port to the output word at the port; the
            registers at both ports are counted.
        initiation_interval: Clock cycles between two events.
        input_width: Bits of the input port.
        output_width: Bits of the output port.
        output_format: Number format that holds every output value.
        estimated_lut: LUTs by alkaid's cost model: bits of adders and multiplexers.
        estimated_lut_by_layer: The same for each layer by itself; sharing between layers is not counted.
    """

    architecture: str
    top: str
    latency_cycles: int
    initiation_interval: int
    input_width: int
    output_width: int
    output_format: FixedPoint
    estimated_lut: float
    estimated_lut_by_layer: dict[str, float]

    def save(self, folder: Path) -> None:
        """Write `design.json`."""
        (folder / "design.json").write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> RtlDesign:
        """Read `design.json`."""
        content = json.loads((folder / "design.json").read_text())
        return cls(**{**content, "output_format": FixedPoint(**content["output_format"])})


def generate(
    graph: Graph,
    folder: Path,
    *,
    part: str,
    clock_period_ns: float,
    stage_delay: float,
    max_multiplications: int,
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

    Raises:
        ConversionError: The graph is too large to be unrolled, or a layer has no RTL.
    """
    if graph.multiplications > max_multiplications:
        largest = max(graph.layers, key=lambda layer: layer.multiplications)
        raise ConversionError(
            f"the network has {graph.multiplications:,} multiplications per event, and fully parallel RTL would build "
            f"each ({largest.multiplications:,} in layer {largest.name}); the limit is {max_multiplications:,}. Use a "
            "smaller network, set rtl.architecture: none, or raise rtl.max_multiplications and wait"
        )
    from alkaid.codegen import RTLModel
    from alkaid.trace import trace

    costs: dict[str, float] = {}

    def note_cost(layer: Layer, inputs: list[object], result: object) -> None:
        costs[layer.name] = _cost(layer, inputs)

    port = layers.symbolic_input(graph.input.result, graph.input.shape)
    logic = trace(port, layers.evaluate(graph, port, on_layer=note_cost))
    model = RTLModel(
        logic,
        folder,
        prj_name=graph.name,
        latency_cutoff=stage_delay,
        part_name=part,
        clock_period=clock_period_ns,
    )
    model.write()
    (folder / "PORTS.md").write_text(_ports(graph, model.fsm))
    # A graph of the same design in alkaid's own form: large, and of no use to others.
    shutil.rmtree(folder / "model")
    (output,) = model.fsm.out_signals
    (given,) = model.fsm.inp_signals
    return RtlDesign(
        architecture="parallel",
        top=graph.name,
        # alkaid: the output is valid this many clock edges after the input.
        latency_cycles=int(output.schedule.bias),
        initiation_interval=1,
        input_width=given.width,
        output_width=output.width,
        output_format=graph.output.result,
        estimated_lut=float(sum(block.cost for block in model.fsm.logic.values())),
        estimated_lut_by_layer=costs,
    )


def _ports(graph: Graph, fsm: Any) -> str:
    """Describe the ports for whoever instantiates the module."""
    (given,), (result,) = fsm.inp_signals, fsm.out_signals
    latency = result.schedule.bias
    lines = [
        f"# Ports of `{graph.name}_wrapper`",
        "",
        "One event per rising edge of `clk`. Element n (row-major, channels last) is at bits `[n * W +: W]`, W being",
        "the width of its number format. There is no reset and no enable: the pipeline runs at every clock.",
        "",
        "| Port | Direction | Elements | Number format of each | Latency |",
        "|---|---|---|---|---|",
        f"| `{given.name}` | in | {_times(graph.input.shape)} | `{_padded(given)}` | clock 0 |",
        f"| `{result.name}` | out | {_times(graph.output.shape)} | `{_padded(result)}` | clock {latency} |",
        "",
        f"`{graph.name}`, inside, has the same ports without bits that are constant or reach no output.",
    ]
    return "\n".join(lines) + "\n"


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(str(n) for n in shape)


def _padded(signal: Any) -> FixedPoint:
    """The format that holds every element of a port; the wrapper gives each element its width."""
    sign, integer, fraction = (max(int(value) for value in column) for column in zip(*signal.precisions, strict=True))
    return FixedPoint(bool(sign), sign + integer + fraction, sign + integer)


def _cost(layer: Layer, inputs: list[object]) -> float:
    """Cost of one layer by itself, fed by registers with the formats of its real inputs."""
    from alkaid.trace import FVArray, trace

    if layer.kind in ("Input", "Reshape"):
        return 0.0
    fresh = [FVArray.from_kif(*x.kif) for x in inputs]  # type: ignore[attr-defined]
    return float(trace(fresh[0], layers.compute(layer, fresh)).cost)

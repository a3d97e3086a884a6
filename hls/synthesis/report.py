"""What a synthesis tool says of a design, with units fixed here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

# What streaming RTL puts behind a layer's name to name its instance.
INSTANCE = "_unit"

Evidence = Literal[
    "estimate",
    "open-synthesis",
    "open-place-and-route",
    "vendor-csynth",
    "vendor-cosim",
    "vendor-synthesis",
    "vendor-implementation",
]


@dataclass(frozen=True)
class LayerResources:
    """What one layer of a design takes, in the units of `SynthesisReport`. None means that the tool does not report it.

    Attributes:
        name: The layer's name, or that of the first of several that share a module.
        lut: Look-up tables used as logic or memory.
        ff: Flip-flops.
        dsp: Multiplier blocks.
        bram: Block memory in halves of 18 Kbit.
        srl: Shift registers made of look-up tables.
        carry: Carry-chain primitives.
        uram: Block memory of 288 Kbit.
        m20k: Block memory of 20 Kbit (Intel).
        mlab: Memory made of logic (Intel).
    """

    name: str
    lut: int
    ff: int
    dsp: int
    bram: int | None
    srl: int | None = None
    carry: int | None = None
    uram: int | None = None
    m20k: int | None = None
    mlab: int | None = None


@dataclass(frozen=True)
class LayerTiming:
    """What one layer of a design takes in clock cycles. None means that the tool does not know.

    Attributes:
        name: The layer's name, or the tool's name of its instance.
        latency_cycles_best: Shortest latency.
        latency_cycles_worst: Longest latency.
        initiation_interval_min: Smallest initiation interval.
        initiation_interval_max: Largest initiation interval.
    """

    name: str
    latency_cycles_best: int | None
    latency_cycles_worst: int | None
    initiation_interval_min: int | None
    initiation_interval_max: int | None


@dataclass(frozen=True)
class PathStep:
    """A piece of a critical path.

    Attributes:
        start: Cell and port at which it begins.
        end: Cell and port at which it ends.
        kind: `clk-to-q`, `logic`, `routing` or `setup`.
        delay_ns: Its delay in ns.
        layer: The layer that `start` lies in; None where the cell's name does not tell.
    """

    start: str
    end: str
    kind: str
    delay_ns: float
    layer: str | None


def layer_of(cell: str, layers: Collection[str]) -> str | None:
    """Name the layer of a cell: the first level of the hierarchy in its name is the instance of the layer's module."""
    instance, dot, _ = cell.partition(".")
    layer = instance.removesuffix(INSTANCE)
    return layer if dot and layer in layers else None


@dataclass(frozen=True)
class SynthesisReport:
    """Resources and timing of one design by one tool. None means that the tool does not report it.

    Attributes:
        tool: Name of the tool.
        version: Its version.
        evidence: Where the figures come from.
        design: What was synthesized: `rtl` (this package's Verilog), `board` (the same behind the pins of a board) or
            `hls` (hls4ml's C++).
        part: The device.
        lut: Look-up tables used as logic or memory; on Intel's devices ALUTs, on Microchip's of four inputs.
        ff: Flip-flops.
        dsp: Multiplier blocks.
        bram: Block memory in halves of 18 Kbit; None on devices whose blocks have another size.
        uram: Block memory of 288 Kbit (UltraRAM).
        alm: Adaptive logic modules (Intel); the fitter counts halves.
        m20k: Block memory of 20 Kbit (Intel).
        mlab: Memory made of logic (Intel).
        lsram: Block memory of 20 Kbit (Microchip).
        usram: Memory of 64 words of 12 bits (Microchip).
        srl: Shift registers made of look-up tables.
        carry: Carry-chain primitives; `carry_primitive` names them.
        carry_primitive: Name of the carry primitive counted (`CARRY4`, `CARRY8`, `CCU2C`).
        clock_period_ns: Clock period asked for, in ns.
        estimated_clock_period_ns: Clock period that the tool says can be met, in ns; None where no path is timed.
        hold_slack_ns: Smallest hold slack in ns; negative where data change too early.
        total_negative_slack_ns: Sum over all endpoints of the time by which they come too late, in ns; 0 or less.
        failing_endpoints: Endpoints that miss setup, hold or pulse width.
        latency_cycles_best: Shortest latency in clock cycles.
        latency_cycles_average: Mean latency in clock cycles, of a simulation.
        latency_cycles_worst: Longest latency in clock cycles.
        initiation_interval_min: Smallest initiation interval in clock cycles.
        initiation_interval_max: Largest initiation interval in clock cycles.
        layers: The share of each layer, where the design's hierarchy tells; what is left lies between layers.
        timings: Latency and interval of each layer, where the tool tells.
        critical_path: The slowest way from a register to a register, where the tool has timing.
    """

    tool: str
    version: str
    evidence: Evidence
    design: Literal["rtl", "board", "hls"]
    part: str
    clock_period_ns: float
    lut: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram: int | None = None
    uram: int | None = None
    alm: float | None = None
    m20k: int | None = None
    mlab: int | None = None
    lsram: int | None = None
    usram: int | None = None
    srl: int | None = None
    carry: int | None = None
    carry_primitive: str | None = None
    estimated_clock_period_ns: float | None = None
    hold_slack_ns: float | None = None
    total_negative_slack_ns: float | None = None
    failing_endpoints: int | None = None
    latency_cycles_best: int | None = None
    latency_cycles_average: float | None = None
    latency_cycles_worst: int | None = None
    initiation_interval_min: int | None = None
    initiation_interval_max: int | None = None
    layers: tuple[LayerResources, ...] | None = None
    timings: tuple[LayerTiming, ...] | None = None
    critical_path: tuple[PathStep, ...] | None = None

    @property
    def slack_ns(self) -> float | None:
        """Time in ns that is left in a clock period; negative where the clock is not met."""
        reached = self.estimated_clock_period_ns
        return None if reached is None else self.clock_period_ns - reached

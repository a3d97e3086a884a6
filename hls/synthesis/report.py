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
    """What one layer of a design takes, in the units of `SynthesisReport`. None means that the tool does not say."""

    name: str
    """The layer's name, or that of the first of several that share a module."""
    lut: int
    """Look-up tables used as logic or memory."""
    ff: int
    """Flip-flops."""
    dsp: int
    """Multiplier blocks."""
    bram: int | None
    """Block memory in halves of 18 Kbit; None on devices whose blocks have another size."""
    srl: int | None = None
    """Shift registers made of look-up tables."""
    carry: int | None = None
    """Carry-chain primitives."""
    uram: int | None = None
    """Block memory of 288 Kbit."""
    m20k: int | None = None
    """Block memory of 20 Kbit (Intel)."""
    mlab: int | None = None
    """Memory made of logic (Intel)."""


@dataclass(frozen=True)
class LayerTiming:
    """What one layer of a design takes in clock cycles. None means that the tool does not know."""

    name: str
    """The layer's name, or the tool's name of its instance."""
    latency_cycles_best: int | None
    """Shortest latency."""
    latency_cycles_worst: int | None
    """Longest latency."""
    initiation_interval_min: int | None
    """Smallest initiation interval."""
    initiation_interval_max: int | None
    """Largest initiation interval."""


@dataclass(frozen=True)
class PathStep:
    """A piece of a critical path."""

    start: str
    """Cell and port at which it begins."""
    end: str
    """Cell and port at which it ends."""
    kind: str
    """`clk-to-q`, `logic`, `routing` or `setup`."""
    delay_ns: float
    """Its delay in ns."""
    layer: str | None
    """The layer that it begins in; None where the cell's name does not tell."""


def layer_of(cell: str, layers: Collection[str]) -> str | None:
    """Name the layer of a cell: the first level of the hierarchy in its name is the instance of the layer's module."""
    instance, dot, _ = cell.partition(".")
    layer = instance.removesuffix(INSTANCE)
    return layer if dot and layer in layers else None


@dataclass(frozen=True)
class SynthesisReport:
    """Resources and timing of one design by one tool. None means that the tool does not say."""

    tool: str
    """Name of the tool."""
    version: str
    """Its version."""
    evidence: Evidence
    """Where the figures come from."""
    design: Literal["rtl", "board", "hls"]
    """What was synthesized: `rtl` (this package's Verilog), `board` (the same behind the pins of a board) or `hls`
    (hls4ml's C++)."""
    part: str
    """The device."""
    clock_period_ns: float
    """Clock period asked for, in ns."""
    lut: int | None = None
    """Look-up tables used as logic or memory; on Intel's devices ALUTs, on Microchip's of four inputs."""
    ff: int | None = None
    """Flip-flops."""
    dsp: int | None = None
    """Multiplier blocks."""
    bram: int | None = None
    """Block memory in halves of 18 Kbit; None on devices whose blocks have another size."""
    uram: int | None = None
    """Block memory of 288 Kbit (UltraRAM)."""
    alm: float | None = None
    """Adaptive logic modules (Intel); the fitter counts halves."""
    m20k: int | None = None
    """Block memory of 20 Kbit (Intel)."""
    mlab: int | None = None
    """Memory made of logic (Intel)."""
    lsram: int | None = None
    """Block memory of 20 Kbit (Microchip)."""
    usram: int | None = None
    """Memory of 64 words of 12 bits (Microchip)."""
    srl: int | None = None
    """Shift registers made of look-up tables."""
    carry: int | None = None
    """Carry-chain primitives; `carry_primitive` names them."""
    carry_primitive: str | None = None
    """Name of the carry primitive counted (`CARRY4`, `CARRY8`, `CCU2C`)."""
    estimated_clock_period_ns: float | None = None
    """Clock period that the tool says can be met, in ns; None where no path is timed."""
    hold_slack_ns: float | None = None
    """Smallest hold slack in ns; negative where data change too early."""
    total_negative_slack_ns: float | None = None
    """Sum over all endpoints of the time by which they come too late, in ns; 0 or less."""
    failing_endpoints: int | None = None
    """Endpoints that miss setup, hold or pulse width."""
    latency_cycles_best: int | None = None
    """Shortest latency in clock cycles."""
    latency_cycles_average: float | None = None
    """Mean latency in clock cycles, of a simulation."""
    latency_cycles_worst: int | None = None
    """Longest latency in clock cycles."""
    initiation_interval_min: int | None = None
    """Smallest initiation interval in clock cycles."""
    initiation_interval_max: int | None = None
    """Largest initiation interval in clock cycles."""
    layers: tuple[LayerResources, ...] | None = None
    """The share of each layer, where the design's hierarchy tells; what is left lies between layers."""
    timings: tuple[LayerTiming, ...] | None = None
    """Latency and interval of each layer, where the tool tells."""
    critical_path: tuple[PathStep, ...] | None = None
    """The slowest way from a register to a register, where the tool has timing."""

    @property
    def slack_ns(self) -> float | None:
        """Time in ns that is left in a clock period; negative where the clock is not met."""
        reached = self.estimated_clock_period_ns
        return None if reached is None else self.clock_period_ns - reached

"""What a synthesis tool says of a design, with units fixed here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

# What streaming RTL puts behind a layer's name to name its instance.
_INSTANCE = "_unit"

Evidence = Literal[
    "estimate",
    "open-synthesis",
    "open-place-and-route",
    "vendor-csynth",
    "vendor-synthesis",
    "vendor-implementation",
]


@dataclass(frozen=True)
class LayerResources:
    """What one layer of a design takes, in the units of `SynthesisReport`.

    Attributes:
        name: The layer's name, or that of the first of several that share a module.
        lut: Look-up tables used as logic or memory.
        ff: Flip-flops.
        dsp: Multiplier blocks.
        bram: Block memory in halves of 18 Kbit.
        srl: Shift registers made of look-up tables.
        carry: Carry-chain primitives.
    """

    name: str
    lut: int
    ff: int
    dsp: int
    bram: int
    srl: int
    carry: int


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
    layer = instance.removesuffix(_INSTANCE)
    return layer if dot and layer in layers else None


@dataclass(frozen=True)
class SynthesisReport:
    """Resources and timing of one design by one tool. None means that the tool does not say.

    Attributes:
        tool: Name of the tool.
        version: Its version.
        evidence: Where the figures come from.
        design: What was synthesized: `rtl` (this package's Verilog), `board` (the same behind the pins of a board) or
            `hls` (hls4ml's C++).
        part: The device.
        lut: Look-up tables used as logic or memory.
        ff: Flip-flops.
        dsp: Multiplier blocks.
        bram: Block memory in halves of 18 Kbit.
        srl: Shift registers made of look-up tables.
        carry: Carry-chain primitives; `carry_primitive` names them.
        carry_primitive: Name of the carry primitive counted (`CARRY4`, `CARRY8`, `CCU2C`).
        clock_period_ns: Clock period asked for, in ns.
        estimated_clock_period_ns: Clock period that the tool says can be met, in ns.
        latency_cycles_best: Shortest latency in clock cycles.
        latency_cycles_worst: Longest latency in clock cycles.
        initiation_interval_min: Smallest initiation interval in clock cycles.
        initiation_interval_max: Largest initiation interval in clock cycles.
        layers: The share of each layer, where the design's hierarchy tells; what is left lies between layers.
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
    srl: int | None = None
    carry: int | None = None
    carry_primitive: str | None = None
    estimated_clock_period_ns: float | None = None
    latency_cycles_best: int | None = None
    latency_cycles_worst: int | None = None
    initiation_interval_min: int | None = None
    initiation_interval_max: int | None = None
    layers: tuple[LayerResources, ...] | None = None
    critical_path: tuple[PathStep, ...] | None = None

    @property
    def slack_ns(self) -> float | None:
        """Time in ns that is left in a clock period; negative where the clock is not met."""
        reached = self.estimated_clock_period_ns
        return None if reached is None else self.clock_period_ns - reached

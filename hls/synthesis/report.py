"""What a synthesis tool says of a design, with units fixed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Evidence = Literal[
    "estimate",
    "open-synthesis",
    "open-place-and-route",
    "vendor-csynth",
    "vendor-synthesis",
    "vendor-implementation",
]


@dataclass(frozen=True)
class SynthesisReport:
    """Resources and timing of one design by one tool. None means that the tool does not say.

    Attributes:
        tool: Name of the tool.
        version: Its version.
        evidence: Where the figures come from.
        design: What was synthesized: `rtl` (this package's Verilog) or `hls` (hls4ml's C++).
        part: The device.
        lut: Look-up tables used as logic or memory.
        ff: Flip-flops.
        dsp: Multiplier blocks.
        bram: Block memory in halves of 18 Kbit.
        srl: Shift registers made of look-up tables.
        carry: Carry-chain primitives; `carry_primitive` names them.
        carry_primitive: Name of the carry primitive counted (`CARRY4`, `CARRY8`).
        clock_period_ns: Clock period asked for, in ns.
        estimated_clock_period_ns: Clock period that the tool says can be met, in ns.
        latency_cycles_best: Shortest latency in clock cycles.
        latency_cycles_worst: Longest latency in clock cycles.
        initiation_interval_min: Smallest initiation interval in clock cycles.
        initiation_interval_max: Largest initiation interval in clock cycles.
    """

    tool: str
    version: str
    evidence: Evidence
    design: Literal["rtl", "hls"]
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

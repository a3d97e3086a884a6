"""Options of the HLS project, named as in hls4ml."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Strategy = Literal["Latency", "Resource"]
IoType = Literal["io_parallel", "io_stream"]
Backend = Literal["Vitis", "Vivado", "Quartus", "oneAPI", "Catapult", "Libero"]


@dataclass(frozen=True)
class LayerOptions:
    """What one layer has of its own; None takes the project's value."""

    strategy: Strategy | None = None
    reuse_factor: int | None = None
    precision: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HlsOptions:
    """Options of the HLS project, named as in hls4ml.

    Attributes:
        backend: Tool that the project is for.
        part: Device.
        clock_period_ns: Clock period in ns.
        io_type: All values of an event at once, or one pixel after another.
        strategy: `Latency` unrolls, `Resource` reuses multipliers.
        reuse_factor: Times that each multiplier is used per event.
        layers: Overrides by layer name.
    """

    backend: Backend
    part: str
    clock_period_ns: float
    io_type: IoType
    strategy: Strategy
    reuse_factor: int
    layers: dict[str, LayerOptions] = field(default_factory=dict)

    def strategy_of(self, layer: str) -> Strategy:
        """Strategy of a layer, by name."""
        return self.layers.get(layer, LayerOptions()).strategy or self.strategy

    def reuse_factor_of(self, layer: str) -> int:
        """Reuse factor of a layer, by name."""
        return self.layers.get(layer, LayerOptions()).reuse_factor or self.reuse_factor

"""Options of the HLS project, named as in hls4ml."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le

from trigcnn.common.options import OPTIONS, OptionsError, Pattern
from trigcnn.hls.backends import FACTS, Backend, IoType, Strategy, check
from trigcnn.hls.errors import ConversionError

__all__ = ["Backend", "HlsOptions", "IoType", "LayerOptions", "Strategy"]

# Default of an option that `HlsOptions` takes from the back end's facts.
_OF_THE_BACKEND: Any = None


@dataclass(frozen=True)
class LayerOptions:
    """Options of one layer in the HLS project."""

    __pydantic_config__ = OPTIONS

    strategy: Strategy | None = None
    """Default: hls.strategy."""
    reuse_factor: Annotated[int, Ge(1)] | None = None
    """Default: hls.reuse_factor."""
    precision: dict[Literal["result", "accum", "weight", "bias"], str] = field(default_factory=dict)
    """Number formats to use instead of the exact ones, such as accum: fixed<16,6>; bits may be lost there."""


@dataclass(frozen=True)
class HlsOptions:
    """The HLS project that hls4ml writes."""

    __pydantic_config__ = OPTIONS

    backend: Backend = "Vitis"
    """Vendor's tool that the project is for: Vitis HLS, Vivado HLS, the Intel HLS compiler (Quartus), oneAPI, Catapult
    HLS, Libero SmartHLS; see docs/backends.md."""
    part: Annotated[str, Pattern(r"^[A-Za-z0-9_-]+$")] = _OF_THE_BACKEND
    """Device: letters, digits, hyphens and underscores. Default with Quartus: Arria10, with oneAPI: Agilex7, with
    Catapult: xcku115-flvb2104-2-i, with Libero: MPF300."""
    clock_period_ns: Annotated[float, Ge(0.1)] = 5.0
    """Clock period in ns."""
    io_type: IoType = "io_parallel"
    """All values of an event at once, or one pixel after another."""
    strategy: Strategy = _OF_THE_BACKEND
    """Unroll all multiplications, or reuse multipliers. Quartus and oneAPI have Resource only, the default there."""
    reuse_factor: Annotated[int, Ge(1)] = 1
    """Times that each multiplier is used per event."""
    reuse_factor_policy: Literal["refuse", "nearest"] = "refuse"
    """What a layer does that cannot have hls.reuse_factor: refuse, or take the nearest factor that it can have, of two
    equally near the lower one. A factor that is set for one layer is never changed."""
    float_weights: Literal["refuse", "round"] = "refuse"
    """What becomes of weights and biases that have no quantizer: refuse the model, or round them after training to
    numbers of hls.float_weight_bits; the report says what that changes."""
    float_weight_bits: Annotated[int, Ge(2), Le(24)] = 16
    """Bits of weights and biases that are rounded."""
    number_formats: Literal["exact", "hls4ml"] = "exact"
    """exact: no bit is lost but where the model rounds; hls4ml: as hls4ml chooses them by itself, to compare with."""
    layers: dict[str, LayerOptions] = field(default_factory=dict)
    """Options of single layers, by layer name."""

    def __post_init__(self) -> None:
        """Fill in what depends on the back end, and check that it has what is asked for.

        Raises:
            OptionsError: There is no such back end, or it has no such device, interface or strategy.
        """
        if self.backend not in FACTS:
            raise OptionsError(f"hls.backend: there is no {self.backend}; choose one of {', '.join(FACTS)}")
        facts = FACTS[self.backend]
        for option, usual in (("part", facts.part), ("strategy", facts.strategies[0])):
            if getattr(self, option) is None:
                object.__setattr__(self, option, usual)
        own = ((f"layers.{name}.strategy", layer.strategy) for name, layer in self.layers.items() if layer.strategy)
        for option, value in (("part", self.part), ("io_type", self.io_type), ("strategy", self.strategy), *own):
            try:
                check(self.backend, option.rpartition(".")[2], value)  # type: ignore[arg-type]
            except ConversionError as error:
                raise OptionsError(f"hls.{option}: {error}") from error

    @property
    def amd_part(self) -> str:
        """The device, or where it is another maker's, one of AMD that the open tools know."""
        return self.part if FACTS[self.backend].amd else FACTS["Vitis"].part

    @property
    def own_strategies(self) -> dict[str, str]:
        """Strategies that single layers have, by name."""
        return {name: own.strategy for name, own in self.layers.items() if own.strategy}

    def strategy_of(self, layer: str) -> Strategy:
        """Strategy of a layer, by name."""
        return self.layers.get(layer, LayerOptions()).strategy or self.strategy

    def reuse_factor_of(self, layer: str) -> int:
        """Reuse factor of a layer, by name."""
        return self.layers.get(layer, LayerOptions()).reuse_factor or self.reuse_factor

    def takes_nearest(self, layer: str) -> bool:
        """Whether a layer, by name, takes the nearest reuse factor that it can have."""
        return self.reuse_factor_policy == "nearest" and not self.has_own_reuse_factor(layer)

    def has_own_reuse_factor(self, layer: str) -> bool:
        """Whether a reuse factor is set for a layer, by name."""
        return self.layers.get(layer, LayerOptions()).reuse_factor is not None

    def exact(self) -> HlsOptions:
        """Return the same options with exact number formats everywhere."""
        layers = {name: replace(layer, precision={}) for name, layer in self.layers.items()}
        return replace(self, number_formats="exact", layers=layers)

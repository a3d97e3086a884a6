"""Options of the RTL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from trigcnn.common.options import OPTIONS
from trigcnn.hls.rtl.design import Language


@dataclass(frozen=True)
class RtlLayerOptions:
    """Options of one layer in the RTL."""

    __pydantic_config__ = OPTIONS

    reuse_factor: Annotated[int, Ge(1)]
    """Clock cycles that a dense layer's products take in streaming RTL: 1, or a multiple of the words that it takes."""


@dataclass(frozen=True)
class RtlOptions:
    """The Verilog that is generated beside the HLS project."""

    __pydantic_config__ = OPTIONS

    architecture: Literal["auto", "parallel", "streaming", "none"] = "auto"
    """parallel: all pixels at once, a new event at every clock; streaming: a pixel with all its channels at every
    clock; auto: parallel if it is small enough for max_multiplications and, by its estimate, for the part; none: no
    RTL."""
    language: Language = "verilog"
    """vhdl: the same design in VHDL-2008 beside the Verilog, which synthesis and the check of all events still use."""
    stage_delay: Annotated[float, Gt(0)] | Literal["auto"] = 10.0
    """Longest path between two pipeline registers in alkaid's delay unit (about one adder; not ns); auto: the longest
    with which hls.clock_period_ns is met in place and route."""
    max_multiplications: Annotated[int, Ge(1)] = 50_000
    """Multiplications per event above which parallel RTL is refused."""
    max_weights: Annotated[int, Ge(1)] = 100_000
    """Weights above which streaming RTL is refused; 1,000 of 16 bits take about 3 s of one processor, narrower ones
    less. Weights of dense layers whose products come one after another do not count."""
    valid: bool = True
    """In parallel RTL: mark events by `in_valid` and `out_valid`, with a synchronous reset `rst` that clears these
    bits. They take a flip-flop per clock cycle of latency. Streaming RTL always has them."""
    output_registers: bool = True
    """In parallel RTL: registers at the outputs. Without them the latency is a cycle shorter, and the logic behind the
    design shares its last clock cycle."""
    serial_dense: bool = False
    """In streaming RTL: let dense layers take as many clock cycles as lie between two events, for the fewest LUTs."""
    layers: dict[str, RtlLayerOptions] = field(default_factory=dict)
    """Options of single layers, by layer name."""

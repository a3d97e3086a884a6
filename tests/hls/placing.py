"""How tests place and route."""

from __future__ import annotations

from trigcnn.hls.synthesis.implement import ImplementOptions


def options(part: str, clock_period_ns: float, *, dsp: bool = False) -> ImplementOptions:
    return ImplementOptions(
        part, clock_period_ns, effort="fast", dsp=dsp, seed=1, synthesis_timeout_s=600.0, place_timeout_s=600.0
    )

"""Designs whose wrappers are recorded in tests/data/serial_wrapper."""

from __future__ import annotations

from dataclasses import replace

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.rtl.design import Port, RtlDesign
from trigcnn.hls.synthesis import boards

ULX3S = boards.find("ulx3s_25f")


def streaming_design() -> RtlDesign:
    """The design in tests/data/streaming_net."""
    pixel, sums = FixedPoint.parse("ufixed<4,4>"), FixedPoint.parse("fixed<19,19>")
    return RtlDesign(
        architecture="streaming",
        top="net",
        latency_cycles=9,
        initiation_interval=8,
        inputs=(Port("in_data", "x", (2, 4, 1), pixel, 4, words=8, valid="in_valid"),),
        outputs=(
            Port("pixels_data", "conv", (2, 4, 1), FixedPoint.parse("ufixed<7,7>"), 7, words=8, valid="pixels_valid"),
            Port("sums_data", "dense", (2,), sums, 38, valid="sums_valid"),
        ),
        estimated_lut=0.0,
        estimated_lut_by_layer={},
    )


def golden_design(architecture: str) -> RtlDesign:
    design = streaming_design()
    if architecture == "streaming":
        return design
    ports = {
        "inputs": tuple(replace(port, words=1, valid=None) for port in design.inputs),
        "outputs": tuple(replace(port, words=1, valid=None) for port in design.outputs),
    }
    return replace(design, architecture="parallel", initiation_interval=1, **ports)  # type: ignore[arg-type]

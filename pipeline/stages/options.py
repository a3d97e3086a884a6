"""Options of the RTL, as a configuration asks for them."""

from __future__ import annotations

from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rtl.generation import RtlOptions
from trigcnn.pipeline.config.run import RtlConfig


def rtl_options(hls: HlsOptions, rtl: RtlConfig, stage_delay: float, part: str) -> RtlOptions:
    """Give the options of RTL for a part of AMD."""
    if rtl.architecture == "none":
        raise TypeError("no RTL is asked for")
    return RtlOptions(
        architecture=rtl.architecture,
        part=part,
        clock_period_ns=hls.clock_period_ns,
        stage_delay=stage_delay,
        max_multiplications=rtl.max_multiplications,
        serial_dense=rtl.serial_dense,
        reuse_factors={name: layer.reuse_factor for name, layer in rtl.layers.items()},
    )

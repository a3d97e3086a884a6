"""Options of hls and of the RTL, as a configuration asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trigcnn.hls.rtl.generation import RtlOptions
from trigcnn.pipeline.config.run import HlsConfig, RtlConfig

if TYPE_CHECKING:
    from trigcnn.hls.options import HlsOptions


def hls_options(hls: HlsConfig, *, overrides: bool = True) -> HlsOptions:
    """Give the options of the HLS project, with or without the number formats that the user set."""
    from trigcnn.hls.options import HlsOptions, LayerOptions

    left_out = None if overrides else {"precision"}
    layers = {name: LayerOptions(**layer.model_dump(exclude=left_out)) for name, layer in hls.layers.items()}
    return HlsOptions(**hls.model_dump(exclude={"layers", "number_formats"}), layers=layers)


def rtl_options(hls: HlsConfig, rtl: RtlConfig, stage_delay: float, part: str) -> RtlOptions:
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

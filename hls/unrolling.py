"""Arrays that hls4ml's C++ takes apart completely, and loops that it unrolls, against what the HLS tools manage.

An array that is partitioned completely becomes a register for each element; a loop that is unrolled becomes a copy of
its body for each turn. Vivado HLS stops at 4,096 of them ("Stop unrolling loop", hls4ml#903; "Array exceeds the
threshold", hls4ml#1157). Vitis HLS has no such option and no documented limit, but takes very long (hls4ml#1013).
SmartHLS warns from 1,000 on (SHLS-22).
"""

from __future__ import annotations

from dataclasses import dataclass

from hls import reuse
from hls.graph import Graph, Layer
from hls.options import Backend, HlsOptions

_LIMITS: dict[Backend, tuple[int, str]] = {
    "Vivado": (4096, "Vivado HLS ends with an error above 4,096 (hls4ml#903, hls4ml#1157)"),
    "Vitis": (4096, "Vitis HLS has no fixed limit, but takes very long above some 4,096 (hls4ml#1013)"),
    "Catapult": (4096, "no limit of Catapult is known; 4,096 is that of Vivado HLS"),
    "Libero": (1000, "SmartHLS warns above 1,000 (SHLS-22)"),
}


@dataclass(frozen=True)
class Excess:
    """Something of a layer that is larger than the tool manages.

    Attributes:
        what: The array or loop.
        elements: Its elements or turns.
        limit: How many the tool manages, in words.
        mend: The change to the configuration that makes it smaller.
    """

    what: str
    elements: int
    limit: str
    mend: str

    def __str__(self) -> str:
        """Say what is too large, and what mends it."""
        return f"{self.what}: {self.elements:,} elements; {self.limit}; {self.mend}"


def excesses(
    layer: Layer, graph: Graph, options: HlsOptions, *, strategy: str | None, reuse_factor: int
) -> list[Excess]:
    """Find what of a layer is too large for the tool.

    Args:
        layer: The layer.
        graph: The graph that it is in.
        options: Options of the project.
        strategy: What hls4ml chose; None for a layer without weights.
        reuse_factor: What hls4ml chose.
    """
    if options.backend not in _LIMITS:
        return []
    limit, words = _LIMITS[options.backend]
    found = []
    if options.io_type == "io_parallel" and layer.size > limit and layer.kind != "Reshape":
        found.append(Excess("its results, an array of registers", layer.size, words, "set hls.io_type to io_stream"))
    shape = reuse.matrix(layer)
    if shape is not None and strategy is not None:
        found += _products(layer, shape, options, limit, words, strategy, reuse_factor)
        window = layer.multiplications and shape[0]
        if options.io_type == "io_stream" and window > limit:
            found.append(
                Excess("its input window, an array of registers", window, words, "use fewer channels in front")
            )
    return found


def _products(
    layer: Layer,
    shape: tuple[int, int],
    options: HlsOptions,
    limit: int,
    words: str,
    strategy: str,
    reuse_factor: int,
) -> list[Excess]:
    """With `Latency` all products of a pixel are an array with an unrolled loop, with `Resource` those of a turn."""
    n_in, n_out = shape
    products = n_in * n_out if strategy == "Latency" else -(-n_in * n_out // reuse_factor)
    if products <= limit:
        return []
    parallel = options.io_type == "io_parallel" and layer.kind != "Dense"
    factors = reuse.valid_reuse_factors(n_in, n_out)
    enough = [f for f in factors if n_in * n_out <= limit * f and not (parallel and f > n_in)]
    key = f"hls.layers.{layer.name}"
    if enough:
        mend = f"set {key}.strategy to Resource and {key}.reuse_factor to {enough[0]} or more"
    else:
        least = next(f for f in factors if n_in * n_out <= limit * f)
        mend = f"set hls.io_type to io_stream, {key}.strategy to Resource and {key}.reuse_factor to {least} or more"
    what = "its products, all at once" if strategy == "Latency" else "its products, in a turn"
    return [Excess(what, products, words, mend)]

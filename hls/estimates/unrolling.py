"""Arrays that hls4ml's C++ partitions completely and loops that it unrolls, compared with the limits of the HLS tools.

An array that is partitioned completely becomes a register for each element; a loop that is unrolled becomes a copy of
its body for each turn. Vivado HLS stops at 4,096 of them ("Stop unrolling loop", hls4ml#903; "Array exceeds the
threshold", hls4ml#1157). Vitis HLS has no such option and no documented limit, but takes very long (hls4ml#1013).
SmartHLS warns from 1,000 on (SHLS-22).
"""

from __future__ import annotations

from dataclasses import dataclass

from trigcnn.hls.backends import FACTS
from trigcnn.hls.conversion.choices import Choice
from trigcnn.hls.estimates import reuse
from trigcnn.hls.graph.graph import Layer
from trigcnn.hls.options import Backend, HlsOptions

_LIMITS: dict[Backend, tuple[int, str]] = {
    "Vivado": (4096, "Vivado HLS ends with an error above 4,096 (hls4ml#903, hls4ml#1157)"),
    "Vitis": (4096, "Vitis HLS has no fixed limit, but takes very long above some 4,096 (hls4ml#1013)"),
    "Catapult": (4096, "no limit of Catapult is known; Vivado HLS stops at 4,096"),
    "Libero": (1000, "SmartHLS warns above 1,000 (SHLS-22)"),
}


@dataclass(frozen=True)
class Excess:
    """An array or loop of a layer that exceeds the tool's limit.

    Attributes:
        what: The array or loop.
        elements: Its elements or turns.
        limit: The tool's limit, in words.
        mend: The change to the configuration that makes it smaller.
    """

    what: str
    elements: int
    limit: str
    mend: str

    def __str__(self) -> str:
        """Return what is too large, and the fix."""
        return f"{self.what}: {self.elements:,} elements; {self.limit}; {self.mend}"


def excesses(layer: Layer, options: HlsOptions, choice: Choice) -> list[Excess]:
    """Return the arrays and loops of a layer that are too large for the tool.

    Args:
        layer: The layer.
        options: Options of the project.
        choice: What hls4ml made of the options.
    """
    if options.backend not in _LIMITS:
        return []
    limit, words = _LIMITS[options.backend]
    registers = "an array of registers"
    found = []
    if options.io_type == "io_parallel" and layer.size > limit and layer.kind != "Reshape":
        found.append(Excess(f"its results, {registers}", layer.size, words, _stream(options)))
    shape = reuse.matrix(layer)
    if shape is None or choice.strategy is None:
        return found
    # With `Latency` all products of a pixel are an array with an unrolled loop, with `Resource` those of a turn.
    products = layer.weights["weight"].integers.size
    if choice.strategy == "Latency":
        what = "its products, all at once"
    else:
        what, products = "its products, in a turn", -(-products // choice.reuse_factor)
    if products > limit:
        found.append(Excess(what, products, words, _more_reuse(layer, shape, options, limit)))
    if options.io_type == "io_stream" and shape[0] > limit:
        found.append(Excess(f"its input window, {registers}", shape[0], words, "make the layers before it smaller"))
    return found


def _stream(options: HlsOptions) -> str:
    """Send the results through FIFOs, if the back end has them."""
    return "set hls.io_type to io_stream" if "io_stream" in FACTS[options.backend].io_types else _smaller(options)


def _smaller(options: HlsOptions) -> str:
    """Return the fix for back ends with neither FIFOs nor shared multipliers."""
    return f"make the layer smaller, or choose another hls.backend than {options.backend}"


def _more_reuse(layer: Layer, shape: tuple[int, int], options: HlsOptions, limit: int) -> str:
    """Return the smallest reuse factor with few enough products per turn."""
    size = layer.weights["weight"].integers.size
    enough = [factor for factor in reuse.valid_reuse_factors(*shape) if size <= limit * factor]
    # In io_parallel, a convolution cannot use a multiplier for more than one filter.
    facts = FACTS[options.backend]
    streams = options.io_type == "io_parallel" and layer.kind != "Dense" and enough[0] > shape[0]
    if "Resource" not in facts.strategies or (streams and "io_stream" not in facts.io_types):
        return _smaller(options)
    key = f"hls.layers.{layer.name}"
    first = "set hls.io_type to io_stream, " if streams else "set "
    return f"{first}{key}.strategy to Resource and {key}.reuse_factor to {enough[0]} or more"

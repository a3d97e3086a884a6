"""Casts to a number format: QONNX's quantizer where it has the modes, else plain operators in front of it.

QONNX saturates. Its modes ROUND, FLOOR, CEIL, DOWN, HALF_UP and HALF_DOWN are `RND_CONV`, `TRN`, to plus infinity,
`TRN_ZERO`, `RND_INF` and `RND_ZERO`. The other roundings become an addition of half a unit, other overflows a division
by a power of two, all of it exact in the type of the tensor.
"""

from __future__ import annotations

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.export.qonnx.exactness import SINGLE, check_result
from trigcnn.hls.export.qonnx.nodes import Nodes, Tensor
from trigcnn.hls.graph.graph import Layer
from trigcnn.hls.graph.ranges import Range

_MODES = {"TRN": "FLOOR", "TRN_ZERO": "DOWN", "RND_CONV": "ROUND", "RND_INF": "HALF_UP", "RND_ZERO": "HALF_DOWN"}
# Rounding of halves by additions in float32 takes two bits more than the format has.
_MOST_INPUT_BITS = SINGLE - 2
# Units of a format's whole range: a float32 that is so large is a multiple of it.
_FAR = 2.0**30


def cast(nodes: Nodes, layer: Layer, x: Tensor, exact: Range, to: FixedPoint, *, divided: bool = False) -> Tensor:
    """Cast values whose range is known.

    Args:
        nodes: Where the nodes go.
        layer: The layer, for messages.
        x: Real values.
        exact: Their range; float32 or float64, as `x` has it, holds them and half a unit of the format more.
        to: The format.
        divided: Whether the values are quotients, which are no multiples of a last bit.

    Raises:
        ConversionError: The format has the overflow mode `WRAP_SM` and values are outside, or float32 does not hold
            the result.
    """
    rounded = exact.rounded(to.fraction, to.rounding)
    overflows = not rounded.within(*to.limits)
    check_result(layer, exact.through(to))
    mode, rounds = "ROUND", divided or exact.fraction > to.fraction
    if rounds:
        half = {"RND": to.lsb / 2, "RND_MIN_INF": -to.lsb / 2}.get(to.rounding)
        x = x if half is None else nodes.on_each("Add", x, half)
        mode = _MODES.get(to.rounding, "FLOOR" if to.rounding == "RND" else "CEIL")
    if not overflows or _saturates(to):
        return nodes.quant(x, to, mode)
    if rounds or x.wide:
        check_result(layer, rounded)
        x = nodes.quant(x, rounded.format(), mode)
    return nodes.quant(_limited(nodes, layer, x, to), to, "ROUND")


def cast_input(nodes: Nodes, layer: Layer, x: Tensor) -> Tensor:
    """Cast events, which may be any float32.

    Raises:
        ConversionError: The format has the overflow mode `WRAP_SM`, or too many bits.
    """
    to = layer.result
    check_result(layer, Range.of(to, 1))
    if _saturates(to) and to.rounding in ("TRN", "TRN_ZERO", "RND_CONV"):
        return nodes.quant(x, to, _MODES[to.rounding])
    if to.rounding in ("RND", "RND_MIN_INF", "RND_INF", "RND_ZERO") and to.width > _MOST_INPUT_BITS:
        raise ConversionError(
            f"layer {layer.name}: QONNX has no rounding {to.rounding} that is exact for every float32, and plain "
            f"operators have it for at most {_MOST_INPUT_BITS} bits, not {to.width}; give the input RND_CONV or TRN"
        )
    whole = 2.0**to.integer
    low, high = to.limits
    near = (low - 2) * to.lsb, (high + 2) * to.lsb
    x = nodes.on_each("Clip", x, *((-_FAR * whole, _FAR * whole) if to.overflow == "WRAP" else near))
    y = _rounded(nodes, nodes.on_each("Mul", x, 2.0**to.fraction), to)
    return nodes.quant(_limited(nodes, layer, nodes.on_each("Mul", y, to.lsb), to), to, "ROUND")


def _saturates(to: FixedPoint) -> bool:
    """Whether the quantizer does what the format's overflow mode does: one signed bit is another thing there."""
    return to.overflow in ("SAT", "SAT_SYM") and not (to.signed and to.width == 1)


def _limited(nodes: Nodes, layer: Layer, x: Tensor, to: FixedPoint) -> Tensor:
    """Bring multiples of the last bit into the range, as the overflow mode says."""
    low, high = (limit * to.lsb for limit in to.limits)
    whole = 2.0**to.integer
    match to.overflow:
        case "WRAP":
            x = _modulo(nodes, x, whole)
            if to.signed:
                # From the upper half to the negative numbers.
                x = nodes.add("Sub", [x, _floored(nodes, x, whole / 2, whole)], x.shape)
            return x
        case "SAT_ZERO":
            inside = nodes.add(
                "Equal", [nodes.on_each("Clip", x, low, high), x], x.shape, like=Tensor("", (), truth=True)
            )
            return nodes.add("Where", [inside, x, nodes.constant(0.0)], x.shape, like=x)
        case "WRAP_SM":
            raise ConversionError(
                f"layer {layer.name}: neither QONNX nor ONNX has the overflow mode WRAP_SM of {to}; use WRAP or SAT"
            )
    return nodes.on_each("Clip", x, low, high)


def _floored(nodes: Nodes, x: Tensor, unit: float, times: float) -> Tensor:
    """Return `floor(x / unit) * times`, both powers of two."""
    return nodes.on_each("Mul", nodes.add("Floor", [nodes.on_each("Mul", x, 1 / unit)], x.shape), times)


def _modulo(nodes: Nodes, x: Tensor, whole: float) -> Tensor:
    return nodes.add("Sub", [x, _floored(nodes, x, whole, whole)], x.shape)


def _rounded(nodes: Nodes, y: Tensor, to: FixedPoint) -> Tensor:
    """Round to whole numbers; exact for every float32, up to multiples of the range where the format wraps."""

    def each(op: str, x: Tensor) -> Tensor:
        return nodes.add(op, [x], x.shape)

    def half_up(x: Tensor) -> Tensor:
        # With the double's floor, no sum is rounded: 0.49999997 + 0.5 would be 1.
        doubled = each("Floor", nodes.on_each("Mul", x, 2.0))
        if to.overflow == "WRAP":
            doubled = _modulo(nodes, doubled, 2.0 ** (to.width + 1))
        return each("Floor", nodes.on_each("Mul", nodes.on_each("Add", doubled, 1.0), 0.5))

    match to.rounding:
        case "TRN":
            return each("Floor", y)
        case "RND_CONV":
            return each("Round", y)
        case "RND":
            return half_up(y)
        case "RND_MIN_INF":
            return each("Neg", half_up(each("Neg", y)))
    size, sign = each("Abs", y), each("Sign", y)
    match to.rounding:
        case "TRN_ZERO":
            size = each("Floor", size)
        case "RND_INF":
            size = half_up(size)
        case "RND_ZERO":
            size = each("Neg", half_up(each("Neg", size)))
    return nodes.add("Mul", [size, sign], y.shape)

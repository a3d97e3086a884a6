"""What floating-point numbers hold: whether a layer is exact in float32, or in float64."""

from __future__ import annotations

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Layer
from trigcnn.hls.graph.ranges import Range

SINGLE, DOUBLE = 24, 53
# Far from where float32 has no normal numbers.
_MOST_SHIFT = 100


def bits(values: Range, fraction: int | None = None) -> int:
    """Return the bits of the largest magnitude, in units of `2**-fraction` where those are finer."""
    fraction = values.fraction if fraction is None else max(fraction, values.fraction)
    return values.with_fraction(fraction).magnitude.bit_length()


def check_format(layer: Layer, number_format: FixedPoint) -> None:
    """Check that float32 has numbers of a format's size.

    Raises:
        ConversionError: It has not.
    """
    if max(abs(number_format.fraction), abs(number_format.integer)) > _MOST_SHIFT:
        raise ConversionError(
            f"layer {layer.name}: {number_format} has numbers that are too small or large for float32"
        )


def check_result(layer: Layer, values: Range) -> None:
    """Check that float32 holds a layer's results.

    Raises:
        ConversionError: It does not.
    """
    if (needed := bits(values)) > SINGLE:
        raise ConversionError(
            f"layer {layer.name}: its results have {needed} bits, and QONNX's quantizers give float32, which holds "
            f"{SINGLE}; give the layer a narrower format"
        )


def needs_double(layer: Layer, needed: int) -> bool:
    """Return whether values of so many bits need float64.

    Args:
        layer: The layer.
        needed: Bits of its largest value on the way.

    Raises:
        ConversionError: They need more.
    """
    if needed > DOUBLE:
        raise ConversionError(
            f"layer {layer.name}: its values before the cast have {needed} bits, and float64 holds {DOUBLE}; give its "
            "inputs or weights fewer bits"
        )
    return needed > SINGLE

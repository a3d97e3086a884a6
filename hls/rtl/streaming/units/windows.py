"""Units with a line buffer: convolution and pooling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.rtl import layers
from trigcnn.hls.rtl.casts import larger
from trigcnn.hls.rtl.kernels import BIT
from trigcnn.hls.rtl.netlist import Net
from trigcnn.hls.rtl.packing import Interval
from trigcnn.hls.rtl.streaming.streams import Stream
from trigcnn.hls.rtl.streaming.units.workshop import Feed, Workshop, bits_for, entry, memory_lut, raster_sizes
from trigcnn.hls.rtl.sums import constants
from trigcnn.hls.rtl.windows import convolved, pooled


def window(shop: Workshop, feed: Feed) -> Feed:
    """Compute on what a window sees."""
    layer, found = shop.unit.layer, shop.unit.geometry
    if found is None or not found.fits:
        raise ConversionError(
            f"layer {layer.name}: it has more padding than its windows reach over, and there is no streaming RTL for "
            "it; use rtl.architecture: parallel, or none"
        )
    if layer.kind.startswith("Pooling"):
        return pooling(shop, feed)
    valid, data = entry(shop, feed)
    weight, bias = (constants(layer, layer.weights[role], role) for role in ("weight", "bias"))
    if layer.kind.endswith("1D"):
        weight = weight[None]
    weight = found.crop(weight)
    taps = weight.shape[0] * weight.shape[1]
    fires, word, inputs = _line_buffer(shop, "window", valid, data, feed.stream, found)

    def convolve(numbers: Any) -> Any:
        x = _masked(numbers, feed.stream, found, 0.0)
        sums = convolved(layer, x.reshape(1, taps, -1), weight.reshape(taps, *weight.shape[2:]), bias)
        return layers.as_result(layer, sums.reshape(-1))

    arrivals = feed.arrivals.windows(found)
    return shop.finish(word, fires, inputs, convolve, (found.rows.windows, found.columns.windows), arrivals)


def _line_buffer(
    shop: Workshop, label: str, valid: Net, data: Net, stream: Stream, found: Any
) -> tuple[Net, Net, list[Interval]]:
    """Add a line buffer; return its valid bit, its window with the masks after it, and their values."""
    rows, columns = found.rows, found.columns
    taps = rows.kernel * columns.kernel
    fires = shop.module.net(f"{label}_valid")
    window = shop.module.net(f"{label}_data", taps * stream.bits)
    masks = [shop.module.net(f"{label}_{name}", axis.kernel) for name, axis in (("rows", rows), ("columns", columns))]
    shop.static(
        "window",
        f"{label}_buffer",
        {
            "BITS": stream.bits,
            **raster_sizes(rows.size, columns.size),
            "KERNEL_HEIGHT": rows.kernel,
            "KERNEL_WIDTH": columns.kernel,
            "STRIDE_HEIGHT": rows.stride,
            "STRIDE_WIDTH": columns.stride,
            "ROW_PHASE": rows.phase,
            "COLUMN_PHASE": columns.phase,
            "ROW_PHASE_BITS": bits_for(rows.stride - 1),
            "COLUMN_PHASE_BITS": bits_for(columns.stride - 1),
            "FIRST_ROW": rows.first,
            "FIRST_COLUMN": columns.first,
            "PAD_BOTTOM": rows.after,
            "PAD_RIGHT": columns.after,
            "LAG_BITS": bits_for(rows.after * columns.size + columns.after),
        },
        in_valid=valid,
        in_data=data,
        out_valid=fires,
        window=window,
        rows=masks[0],
        columns=masks[1],
    )
    shop.memory_lut += (rows.kernel - 1) * memory_lut(stream.bits, columns.size - columns.kernel + 1)
    pixels = stream.channels * taps
    inputs = [*pixels, *[BIT] * (rows.kernel + columns.kernel)]
    word = shop.word(f"{label}_word", (window, pixels), (masks[0], [BIT]), (masks[1], [BIT]))
    return fires, word, inputs


def _masked(numbers: Any, stream: Stream, found: Any, outside: float | None) -> Any:
    """Return the window [rows, columns, channels] with a constant outside of the image; None for the smallest value."""
    from alkaid.trace import FVArray

    rows, columns, count = found.rows, found.columns, len(stream.channels)
    values = np.asarray(numbers)
    size = rows.kernel * columns.kernel * count
    window: npt.NDArray[Any] = values[:size].reshape(rows.kernel, columns.kernel, count).copy()
    row_masks, column_masks = values[size : size + rows.kernel], values[size + rows.kernel :]
    for i, j in np.ndindex(rows.kernel, columns.kernel):
        along = ((row_masks, i, rows), (column_masks, j, columns))
        masks: list[Any] = [mask[at] for mask, at, axis in along if sees_outside(axis, at)]
        if not masks:
            continue
        inside = masks[0] if len(masks) == 1 else masks[0] & masks[1]
        for channel, interval in enumerate(stream.channels):
            edge = interval.low if outside is None else outside
            x = window[i, j, channel]
            limits = (min(x.low, edge), max(x.high, edge), interval.union(Interval(edge, edge, 1.0)).step)
            constant = x.from_const(edge, hwconf=x.hwconf)
            if interval.constant and interval.low == edge:
                continue
            window[i, j, channel] = inside.msb_mux(x, constant, qint=limits)
    return FVArray(window, numbers.solver_options, hwconf=numbers.hwconf)


def sees_outside(axis: Any, offset: int) -> bool:
    """Return whether this pixel of the window lies outside of the image for any window."""
    starts = [n * axis.stride - axis.before for n in range(axis.windows)]
    return not all(0 <= start + offset < axis.size for start in starts)


def pooling(shop: Workshop, feed: Feed) -> Feed:
    """Pool along rows first, so that fewer pixels wait for the rows below."""
    layer, found = shop.unit.layer, shop.unit.geometry
    if found is None:
        raise TypeError(f"layer {layer.name}: a pooling layer without windows")
    rows, columns = found.rows, found.columns
    is_maximum = layer.attributes["pool_op"] == "Max"
    if not is_maximum and (rows.partial or columns.partial):
        raise ConversionError(
            f"layer {layer.name}: its mean is over fewer pixels at the border, and there is no streaming RTL for it; "
            "use padding: valid, or rtl.architecture: parallel"
        )
    valid, data = entry(shop, feed)
    stream, arrivals = feed.stream, feed.arrivals
    one_row = replace(found, rows=replace(rows, kernel=1, skipped=0, stride=1, before=0, after=0, windows=rows.size))
    if columns.kernel > 1 or columns.stride > 1:
        valid, word, inputs = _line_buffer(shop, "columns", valid, data, stream, one_row)
        before = stream

        def along(numbers: Any) -> Any:
            return _combined(is_maximum, _masked(numbers, before, one_row, None if is_maximum else 0.0))

        made, data = shop.compute("columns_kernel", word, inputs, along)
        valid = shop.delayed("columns_kernel_valid", valid, made.latency)
        stream = Stream(rows.size, columns.windows, made.outputs)
        arrivals = arrivals.windows(one_row).later(made.latency)
    width = columns.windows
    single = replace(columns, size=width, kernel=1, skipped=0, stride=1, before=0, after=0, windows=width)
    one_column = replace(found, columns=single)
    fires, word, inputs = _line_buffer(shop, "rows", valid, data, stream, one_column)
    narrow = stream

    def down(numbers: Any) -> Any:
        combined = _combined(is_maximum, _masked(numbers, narrow, one_column, None if is_maximum else 0.0))
        return layers.as_result(layer, pooled(layer, combined, rows.kernel * columns.kernel))

    arrivals = arrivals.windows(one_column)
    return shop.finish(word, fires, inputs, down, (rows.windows, columns.windows), arrivals)


def _combined(is_maximum: bool, window: Any) -> Any:
    from alkaid.trace.ops import reduce

    pixels = window.reshape(-1, window.shape[-1])
    return reduce(larger, pixels, axis=0) if is_maximum else np.sum(pixels, axis=0)

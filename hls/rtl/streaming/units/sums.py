"""Units that accumulate word by word: global pooling, and dense layers with few multipliers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from trigcnn.hls.rtl import layers
from trigcnn.hls.rtl.casts import larger
from trigcnn.hls.rtl.kernels import BIT
from trigcnn.hls.rtl.netlist import Net
from trigcnn.hls.rtl.packing import Interval, converted
from trigcnn.hls.rtl.streaming.streams import stream_shape
from trigcnn.hls.rtl.streaming.timing import Arrivals
from trigcnn.hls.rtl.streaming.units.moves import common, taken_apart
from trigcnn.hls.rtl.streaming.units.workshop import Feed, Workshop, bits_for, entry
from trigcnn.hls.rtl.sums import constants, serial_sums
from trigcnn.hls.rtl.windows import pooled


def global_pooling(shop: Workshop, feed: Feed) -> Feed:
    """Keep the largest value or the sum of the pixels so far."""
    layer, stream = shop.unit.layer, feed.stream
    valid, data = entry(shop, feed)
    is_maximum = layer.attributes["pool_op"] == "Max"
    channels, many = stream.channels, 1 if is_maximum else stream.words
    kept = [Interval(min(c.low * many, c.low), max(c.high * many, c.high), c.step) for c in channels]

    def step(x: Any, so_far: Any) -> Any:
        return [larger(a, b) for a, b in zip(x, so_far, strict=True)] if is_maximum else x + so_far

    def result(x: Any) -> Any:
        return layers.as_result(layer, pooled(layer, x, stream.words))

    start = [c.low if is_maximum else 0.0 for c in channels]
    counted = _count(shop, stream.words, valid)
    return _accumulated(shop, data, channels, kept, start, step, counted, result, feed.arrivals, stream.words)


@dataclass(frozen=True)
class _Counted:
    """Control bits of words that belong together."""

    valid: Net
    first: Net
    last: Net
    index: Net


def _count(shop: Workshop, count: int, valid: Net) -> _Counted:
    bits = bits_for(count - 1)
    found = _Counted(valid, shop.module.net("first"), shop.module.net("last"), shop.module.net("index", bits))
    parameters = {"COUNT": count, "INDEX_BITS": bits}
    shop.static("counter", "words", parameters, in_valid=valid, index=found.index, first=found.first, last=found.last)
    return found


def _accumulated(
    shop: Workshop,
    data: Net,
    inputs: Sequence[Interval],
    kept: Sequence[Interval],
    start: Sequence[float],
    step: Callable[[Any, Any], Any],
    counted: _Counted,
    result: Callable[[Any], Any],
    arrivals: Arrivals,
    count: int,
) -> Feed:
    """Add a register that is fed back, and the kernel after it."""
    size = len(inputs)
    done = shop.delayed("done", counted.last, 1)
    ends = arrivals.map(lambda times: times[count - 1 :: count]).later(1)
    height, width, _ = stream_shape(shop.unit.layer.shape)
    moving = [interval for interval in kept if not interval.constant]
    if not moving:
        return shop.finish(shop.module.joined("nothing"), done, kept, result, (height, width), ends)
    total = shop.module.net("total", sum(interval.bits for interval in moving))
    word = shop.word("step_in", (data, inputs), (total, kept), (counted.first, [BIT]))

    def one_step(numbers: Any) -> Any:
        values = np.asarray(numbers)
        x, first = values[:size], values[-1]
        so_far = []
        for value, interval, low in zip(values[size:-1], kept, start, strict=True):
            if interval.constant:
                so_far.append(value)
                continue
            limits = (min(value.low, low), max(value.high, low), interval.union(Interval(low, low, 1.0)).step)
            so_far.append(first.msb_mux(value.from_const(low, hwconf=value.hwconf), value, qint=limits))
        raised = np.asarray(step(_array(x, numbers), _array(so_far, numbers)))
        # Interval analysis cannot bound the running sums; none leaves the range that was computed exactly.
        fitted = [v.quantize(*interval.kif) for v, interval in zip(raised, kept, strict=True) if not interval.constant]
        return _array(fitted, numbers)

    made, stepped = shop.compute("step", word, [*inputs, *kept, BIT], one_step, registered=False)
    ports = {"clk": shop.clk, "enable": counted.valid, "out_data": total}
    packed = shop.module.joined("step_fitted", *converted(stepped, made.outputs, [each.kif for each in moving]))
    shop.module.instance("trigcnn_hold", "kept", {"BITS": total.width or 1}, in_data=packed, **ports)
    return shop.finish(total, done, kept, result, (height, width), ends)


def serial_dense(shop: Workshop, feed: Feed) -> Feed:
    """Multiply some values at each clock with weights from a table, and add up."""
    layer, stream, chunks = shop.unit.layer, feed.stream, shop.unit.count
    weight, bias = (constants(layer, layer.weights[role], role) for role in ("weight", "bias"))
    low, high, step = np.array([(c.low, c.high, c.step) for c in stream.channels * stream.words]).T
    finish = serial_sums(layer, (low, high, step), weight, bias)
    valid, data = entry(shop, feed)
    lanes = ceil(len(stream.channels) / chunks)
    arrivals, channels = feed.arrivals, stream.channels
    padded = [*channels, *[Interval(0.0, 0.0, 1.0)] * (lanes * chunks - len(channels))]
    lane_values = [common(padded[lane::lanes]) for lane in range(lanes)]
    if chunks > 1:
        valid, data, arrivals = taken_apart(shop, valid, data, padded, lane_values, chunks, arrivals)
    else:
        lane_values = list(channels)
    counted = _count(shop, stream.words * chunks, valid)
    table = np.zeros((stream.words * chunks, lanes, weight.shape[1]))
    by_word = weight.reshape(stream.words, len(channels), -1)
    for chunk, lane in np.ndindex(chunks, lanes):
        if chunk * lanes + lane < len(channels):
            table[chunk::chunks, lane] = by_word[:, chunk * lanes + lane]
    index = Interval(0.0, 2.0 ** (counted.index.width or 1) - 1, 1.0)

    def products(numbers: Any) -> Any:
        values = np.asarray(numbers)
        at = values[-1]
        sums = [_weighted(values[:-1], at, table[:, :, filter_], index) for filter_ in range(weight.shape[1])]
        return _array(sums, numbers)

    word = shop.word("products_in", (data, lane_values), (counted.index, [index]))
    made, parts = shop.compute("products", word, [*lane_values, index], products, whole_words=True)
    late = _Counted(
        shop.delayed("late_valid", counted.valid, made.latency),
        shop.delayed("late_first", counted.first, made.latency),
        shop.delayed("late_last", counted.last, made.latency),
        counted.index,
    )
    kept = _sums(low, high, weight, made.outputs)

    def result(x: Any) -> Any:
        return layers.as_result(layer, finish(x))

    start = [0.0] * weight.shape[1]
    later = arrivals.later(made.latency)
    return _accumulated(
        shop, parts, made.outputs, kept, start, lambda x, y: x + y, late, result, later, stream.words * chunks
    )


def _array(values: Any, like: Any) -> Any:
    from alkaid.trace import FVArray

    return FVArray(np.array(values, dtype=object), like.solver_options, hwconf=like.hwconf)


def _weighted(lanes: Any, at: Any, table: Any, index: Interval) -> Any:
    """Return the sum of each lane's value times its weight at this index."""
    full = np.zeros((int(index.high) + 1, table.shape[1]))
    full[: len(table)] = table
    total: Any = at.from_const(0.0, hwconf=at.hwconf)
    for lane, value in enumerate(lanes):
        if not full[:, lane].any():
            continue
        total = total + value * at.lookup(full[:, lane], original_qint=(index.low, index.high, index.step))
    return total


def _sums(low: Any, high: Any, weight: Any, parts: Sequence[Interval]) -> list[Interval]:
    """Return the range of the sum of any number of the products."""
    least = np.minimum(low[:, None] * weight, high[:, None] * weight).clip(max=0).sum(axis=0)
    most = np.maximum(low[:, None] * weight, high[:, None] * weight).clip(min=0).sum(axis=0)
    return [
        Interval(0.0, 0.0, 1.0) if part.low == part.high == 0 else Interval(float(a), float(b), part.last_bit)
        for a, b, part in zip(least, most, parts, strict=True)
    ]

"""Units that join words, split them, or scan a larger image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trigcnn.hls.rtl import layers
from trigcnn.hls.rtl.netlist import Constant, Net
from trigcnn.hls.rtl.packing import Interval, converted, live_bits
from trigcnn.hls.rtl.streaming import timing
from trigcnn.hls.rtl.streaming.streams import Stream, stream_shape
from trigcnn.hls.rtl.streaming.timing import Arrivals
from trigcnn.hls.rtl.streaming.units.workshop import Feed, Workshop, bits_for, entry, raster_sizes


def collect(shop: Workshop, feed: Feed) -> Feed:
    """Join words."""
    count, stream = shop.unit.count, feed.stream
    valid, data = entry(shop, feed)
    all_there, together = shop.module.net("all_there"), shop.module.net("together", count * stream.bits)
    parameters = {"BITS": stream.bits, "COUNT": count, "INDEX_BITS": bits_for(count - 1)}
    ports = {"in_valid": valid, "in_data": data, "out_valid": all_there, "out_data": together}
    shop.static("collect", "words", parameters, **ports)
    arrivals = feed.arrivals.map(lambda times: times[count - 1 :: count])
    height, width, _ = stream_shape(shop.unit.layer.shape)
    channels = stream.channels * count
    return shop.pass_on(together, all_there, Stream(height, width, channels), arrivals)


def split(shop: Workshop, feed: Feed) -> Feed:
    """Split words."""
    count, stream = shop.unit.count, feed.stream
    valid, data = entry(shop, feed)
    size = len(stream.channels) // count
    channels = tuple(common(stream.channels[channel::size]) for channel in range(size))
    valid, piece, arrivals = taken_apart(shop, valid, data, stream.channels, channels, count, feed.arrivals)
    height, width, _ = stream_shape(shop.unit.layer.shape)
    return shop.pass_on(piece, valid, Stream(height, width, channels), arrivals)


def scan(shop: Workshop, feed: Feed) -> Feed:
    """Scan a larger image: zeros around it, or each pixel repeated."""
    layer, stream = shop.unit.layer, feed.stream
    valid, data = entry(shop, feed)
    height, width, _ = stream_shape(layer.shape)
    zero = Interval(0.0, 0.0, 1.0)
    pads = [layer.integer(f"pad_{side}") if f"pad_{side}" in layer.attributes else 0 for side in ("top", "left")]
    factors = [layer.integer(f"factor_{n}") if f"factor_{n}" in layer.attributes else 1 for n in ("height", "width")]
    padded = layer.kind.startswith("ZeroPadding")
    channels = tuple(channel.union(zero) if padded else channel for channel in stream.channels)
    wide = shop.module.joined(
        "wide", *converted(data, stream.channels, [c.kif if c.bits else (0, 0, 0) for c in channels])
    )
    uses = _uses((stream.height, stream.width), (height, width), pads, factors)
    takes = [timing.scanned(times, uses)[0] for times in (feed.arrivals.dense, feed.arrivals.sparse)]
    depth = max(timing.waiting(*pair) for pair in zip((feed.arrivals.dense, feed.arrivals.sparse), takes, strict=True))
    take = shop.module.net("take")
    there, queued = shop.queue("queue", valid, wide, take, depth)
    scanned_valid, scanned = shop.module.net("scanned_valid"), shop.module.net("scanned", wide.width)
    shop.static(
        "scan",
        "scan",
        {
            "BITS": wide.width or 1,
            "HEIGHT": stream.height,
            "WIDTH": stream.width,
            "COLUMN_BITS": bits_for(stream.width - 1),
            **raster_sizes(height, width, "OUT_"),
            "PAD_TOP": pads[0],
            "PAD_LEFT": pads[1],
            "FACTOR_HEIGHT": factors[0],
            "FACTOR_WIDTH": factors[1],
            "ROW_PHASE_BITS": bits_for(factors[0] - 1),
            "COLUMN_PHASE_BITS": bits_for(factors[1] - 1),
        },
        in_valid=there,
        in_data=queued,
        take=take,
        out_valid=scanned_valid,
        out_data=scanned,
    )
    arrivals = feed.arrivals.map(lambda times: timing.scanned(times, uses)[1])
    return shop.finish(
        scanned, scanned_valid, channels, lambda x: layers.as_result(layer, x), (height, width), arrivals
    )


def _uses(
    size: tuple[int, int], out: tuple[int, int], pads: Sequence[int], factors: Sequence[int]
) -> list[tuple[bool, bool]]:
    """Return for each pixel of the larger image whether one of the smaller must be there, and whether it is taken."""
    found = []
    for row, column in np.ndindex(*out):
        inside = all(
            pad <= at < pad + pixels * factor
            for at, pad, pixels, factor in zip((row, column), pads, size, factors, strict=True)
        )
        new = inside and row % factors[0] == 0 and column % factors[1] == 0
        new = new if factors != [1, 1] else inside
        found.append((new or (row, column) == (0, 0), new))
    return found


def taken_apart(
    shop: Workshop,
    valid: Net,
    data: Net,
    channels: Sequence[Interval],
    lanes: Sequence[Interval],
    chunks: int,
    arrivals: Arrivals,
) -> tuple[Net, Net, Arrivals]:
    """Add a serializer of words, and a FIFO before it if words come faster."""
    formats = [lane.kif if not lane.constant else (0, 0, 0) for lane in lanes] * chunks
    bits = max(live_bits(lanes), 1)
    even = shop.module.joined("even", *(converted(data, channels, formats) or [Constant(0, chunks * bits)]))
    take = shop.module.net("take")
    takes = arrivals.map(lambda times: timing.taken(times, chunks))
    depth = max(timing.waiting(arrivals.dense, takes.dense), timing.waiting(arrivals.sparse, takes.sparse))
    there, queued = shop.queue("queue", valid, even, take, depth)
    piece_valid, piece = shop.module.net("piece_valid"), shop.module.net("piece", bits)
    parameters = {"BITS": bits, "COUNT": chunks, "INDEX_BITS": max(bits_for(chunks), 2)}
    ports = {"in_valid": there, "in_data": queued, "take": take, "out_valid": piece_valid, "out_data": piece}
    shop.static("serialize", "pieces", parameters, **ports)
    return piece_valid, piece, takes.map(lambda times: timing.pieces(times, chunks))


def common(channels: Sequence[Interval]) -> Interval:
    """Return the smallest interval that has all values of several."""
    found = channels[0]
    for channel in channels[1:]:
        found = found.union(channel)
    return found

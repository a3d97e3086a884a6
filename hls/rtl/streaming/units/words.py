"""Units that compute on each word by itself, or on the words of two branches."""

from __future__ import annotations

from typing import Any

from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.rtl import layers
from trigcnn.hls.rtl.streaming.streams import Stream, stream_shape
from trigcnn.hls.rtl.streaming.units.workshop import Feed, Workshop, entry, fifo_sizes, memory_lut
from trigcnn.hls.rtl.sums import constants, weighted_sums


def input_port(shop: Workshop, feed: Feed) -> Feed:
    """Add registers after the port, and what is computed before anything is stored."""
    valid, data = entry(shop, feed)
    stream = feed.stream
    kept = shop.module.net("kept", stream.bits)
    shop.register("capture", data, kept)
    later, arrivals = shop.delayed("kept_valid", valid, 1), feed.arrivals.later(1)
    return shop.pass_on(kept, later, stream, arrivals)


def each_word(shop: Workshop, feed: Feed) -> Feed:
    """Add a kernel on each word."""
    valid, data = entry(shop, feed)
    layer, channels = shop.unit.layer, feed.stream.channels
    height, width, _ = stream_shape(layer.shape)
    if layer.kind in ("Reshape", "Transpose"):
        return shop.pass_on(data, valid, Stream(height, width, channels), feed.arrivals)
    return shop.finish(data, valid, channels, lambda x: _on_word(shop.graph, layer, x), (height, width), feed.arrivals)


def _on_word(graph: Graph, layer: Layer, x: Any) -> Any:
    if layer.kind != "Dense":
        return layers.compute(graph, layer, [x])
    weight, bias = (constants(layer, layer.weights[role], role) for role in ("weight", "bias"))
    return layers.as_result(layer, weighted_sums(layer, x.reshape(1, -1), weight, bias).reshape(-1))


def join(shop: Workshop, left: Feed, right: Feed) -> Feed:
    """Compute on the words of two branches, the first with the first."""
    layer = shop.unit.layer
    ports = [entry(shop, feed, side) for feed, side in ((left, "left"), (right, "right"))]
    together = shop.module.net("together")
    out = [shop.module.net(f"{side}_word", feed.stream.bits) for feed, side in ((left, "left"), (right, "right"))]
    arrivals = left.arrivals.joined(right.arrivals)
    parameters: dict[str, int] = {}
    for feed, other, side in ((left, right, "LEFT_"), (right, left, "RIGHT_")):
        depth = feed.arrivals.waiting_for(other.arrivals)
        parameters |= {f"{side}BITS": feed.stream.bits, **fifo_sizes(depth, side)}
        shop.memory_lut += memory_lut(feed.stream.bits, depth)
    shop.static(
        "join",
        "branches",
        parameters,
        left_valid=ports[0][0],
        left_data=ports[0][1],
        right_valid=ports[1][0],
        right_data=ports[1][1],
        out_valid=together,
        left_out=out[0],
        right_out=out[1],
    )
    word = shop.word("branches_word", (out[0], left.stream.channels), (out[1], right.stream.channels))
    count = len(left.stream.channels)

    def merge(numbers: Any) -> Any:
        if layer.kind == "Concatenate":
            return layers.as_result(layer, numbers)
        return layers.compute(shop.graph, layer, [numbers[:count], numbers[count:]])

    inputs = [*left.stream.channels, *right.stream.channels]
    height, width, _ = stream_shape(layer.shape)
    return shop.finish(word, together, inputs, merge, (height, width), arrivals)

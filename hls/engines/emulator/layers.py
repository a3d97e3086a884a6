"""From graph to program: what each kind of layer computes, as hls4ml's C++ does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from trigcnn.hls.engines.emulator import accumulation
from trigcnn.hls.engines.emulator.program import (
    Body,
    Concatenation,
    Group,
    Move,
    Node,
    Pairwise,
    Pool,
    Program,
    Size,
    Source,
    Window,
    image,
)
from trigcnn.hls.engines.emulator.steps import Affine, Cast, Lookup, Rectify, Step, finer, simplified
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.graph.ranges import Range, integers, join

_MOST_BITS = 62


def translate(graph: Graph, *, trace: bool = False) -> Program:
    """Return the program of a graph; every layer is a node with the layer's name.

    Args:
        graph: The graph.
        trace: Whether every layer's result is wanted, not only the outputs.

    Raises:
        ConversionError: A layer cannot be emulated exactly; the message names it.
    """
    nodes: dict[str, Node] = {}
    ends = np.cumsum([0, *(layer.size for layer in graph.input_layers)])
    first = {name: int(end) for name, end in zip(graph.inputs, ends[:-1], strict=True)}
    for layer in graph.layers:
        try:
            if layer.kind == "Input":
                node = _source(layer, first[layer.name])
            elif layer.kind in _RULES:
                inputs = [_prepared(layer, nodes[name]) for name in layer.inputs]
                nodes.update({x.name: x for x in inputs})
                node = _RULES[layer.kind](layer, inputs, graph)
            else:
                raise ConversionError(f"a {layer.kind} is not emulated")
        except ConversionError as error:
            raise ConversionError(f"layer {layer.name}: {error}") from error
        if node.range.magnitude.bit_length() > _MOST_BITS:
            raise ConversionError(f"layer {layer.name}: its values need more than {_MOST_BITS} bits and a sign")
        nodes[layer.name] = node
    outputs = tuple(layer.name for layer in graph.layers) if trace else graph.outputs
    return Program(tuple(nodes.values()), outputs, int(ends[-1]))


def _prepared(layer: Layer, x: Node) -> Node:
    """Put a node before the mean of a pooling layer whose accumulator drops bits of what it adds."""
    if "Pooling" not in layer.kind or layer.attributes["pool_op"] != "Average":
        return x
    each = accumulation.rounds_each(layer.accumulator, x.range)
    if each is None:
        return x
    return Node(f"{layer.name}/rounded", (x.name,), x.shape, Move(np.arange(x.size)), x.range, (Cast(each),))


def _node(layer: Layer, inputs: list[Node], body: Body, start: Range, steps: list[Step]) -> Node:
    names = tuple(node.name for node in inputs)
    return Node(layer.name, names, image(layer.shape), body, start, (*steps, Cast(layer.result)))


def _source(layer: Layer, first: int) -> Node:
    if layer.result.overflow == "WRAP_SM" or layer.result.max_integer.bit_length() > _MOST_BITS:
        raise ConversionError(f"a cast of events to {layer.result} is not emulated")
    return _node(layer, [], Source(layer.result, first), Range.of(layer.result, layer.shape[-1]), [])


def _activation(layer: Layer, inputs: list[Node], _: Graph) -> Node:
    kind = layer.attributes["activation"]
    if kind not in ("linear", "relu"):
        raise ConversionError(f"the activation {kind} is not emulated")
    return _pointwise(layer, inputs, [Rectify()] if kind == "relu" else [])


def _pointwise(layer: Layer, inputs: list[Node], steps: list[Step]) -> Node:
    (x,) = inputs
    return _node(layer, inputs, Move(np.arange(x.size)), x.range.spread(layer.shape[-1]), steps)


def _table(layer: Layer, inputs: list[Node], graph: Graph) -> Node:
    number_format = graph[layer.inputs[0]].result
    table = layer.weights["table"]
    if table.integers.size != 1 << number_format.width:
        raise ConversionError(
            f"a table of {table.integers.size} entries does not fit an index of {number_format.width} bits"
        )
    entries = integers(table.integers.reshape(-1))
    step = Lookup(number_format.width, number_format.fraction, entries, table.format.fraction)
    return _pointwise(layer, inputs, [step])


def _normalization(layer: Layer, inputs: list[Node], _: Graph) -> Node:
    scale, bias = layer.weights["scale"], layer.weights["bias"]
    channels = layer.shape[-1]
    a, b = (integers(np.broadcast_to(w.integers.reshape(-1), channels)) for w in (scale, bias))
    # The product and the bias in common units.
    fraction = inputs[0].range.fraction + scale.format.fraction
    a = a * (1 << max(bias.format.fraction - fraction, 0))
    b = b * (1 << max(fraction - bias.format.fraction, 0))
    gain = max(fraction, bias.format.fraction) - inputs[0].range.fraction
    return _pointwise(layer, inputs, [Affine(a, b, gain)])


def _weighted(layer: Layer, inputs: list[Node], _: Graph) -> Node:
    (x,) = inputs
    body, start, steps = accumulation.weighted_sum(layer, x)
    return _node(layer, inputs, body, start, steps)


def _pooling(layer: Layer, inputs: list[Node], _: Graph) -> Node:
    (x,) = inputs
    shape = image(layer.shape)
    if layer.kind.startswith("Global"):
        window = Window(x.output_size, (1, 1), (0, 0))
        shape = (1, 1, x.shape[2])
    else:
        window = accumulation.window_of(layer, "pool")
    maximum = layer.attributes["pool_op"] == "Max"
    if not maximum and layer.attributes["pool_op"] != "Average":
        raise ConversionError(f"the pooling {layer.attributes['pool_op']} is not emulated")
    groups, starts = [], []
    for outputs, pixels in _window_groups(window, x.output_size, shape[:2]):
        first, total, start = ((), x.range, x.range) if maximum else accumulation.mean(layer, x.range, len(pixels))
        groups.append(Group(outputs, pixels, total, first))
        starts.append(start)
    start = join(starts)
    # The results of all groups are in the same units.
    groups = [
        replace(group, first=(*group.first, *_to_fraction(own, start.fraction)))
        for group, own in zip(groups, starts, strict=True)
    ]
    steps: list[Step] = []
    if maximum and layer.accumulator is not None:
        cast = Cast(layer.accumulator)
        if not cast.keeps_order(start):
            raise ConversionError(
                f"its maximum may overflow its accumulator {layer.accumulator}, which io_parallel and io_stream do "
                "differently; give the accumulator more integer bits"
            )
        steps = [cast]
    return _node(layer, inputs, Pool(maximum, window, tuple(groups)), start, steps)


def _to_fraction(start: Range, fraction: int) -> tuple[Step, ...]:
    bits = fraction - start.fraction
    return (finer(start.channels, bits),) if bits else ()


def _window_groups(window: Window, size: Size, outputs: Size) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the groups of outputs whose windows hold the same pixels of the image."""
    grid = np.indices(window.size).reshape(2, -1).T
    pixels = window.positions(outputs)[:, None] + grid
    inside = ((pixels >= 0) & (pixels < np.array(size))).all(axis=2)
    kinds, which = np.unique(inside, axis=0, return_inverse=True)
    if not kinds.any(axis=1).all():
        raise ConversionError("a window of the pooling lies outside of the image")
    return [(np.flatnonzero(which.reshape(-1) == i), grid[kind]) for i, kind in enumerate(kinds)]


def _merge(layer: Layer, inputs: list[Node], _: Graph) -> Node:
    a, b = inputs
    if a.size != b.size or a.size != layer.size:
        raise ConversionError("a merge of inputs of different shapes is not emulated")
    op = str(layer.attributes["op"])
    x, y = a.range.spread(layer.shape[-1]), b.range.spread(layer.shape[-1])
    if op == "multiply":
        corners = np.stack([x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high])
        start = Range(corners.min(axis=0), corners.max(axis=0), x.fraction + y.fraction)
        return _node(layer, inputs, Pairwise(op, (0, 0)), start, [])
    fraction = max(x.fraction, y.fraction)
    shifts = (fraction - x.fraction, fraction - y.fraction)
    x, y = x.with_fraction(fraction), y.with_fraction(fraction)
    match op:
        case "add":
            start = Range(x.low + y.low, x.high + y.high, fraction)
        case "subtract":
            start = Range(x.low - y.high, x.high - y.low, fraction)
        case "maximum":
            start = Range(np.maximum(x.low, y.low), np.maximum(x.high, y.high), fraction)
        case "minimum":
            start = Range(np.minimum(x.low, y.low), np.minimum(x.high, y.high), fraction)
        case _:
            raise ConversionError(f"the merge {op} is not emulated")
    return _node(layer, inputs, Pairwise(op, shifts), start, [])


def _concatenation(layer: Layer, inputs: list[Node], graph: Graph) -> Node:
    a, b = inputs
    shapes = [graph[name].shape for name in layer.inputs]
    index = np.concatenate(
        [np.arange(a.size).reshape(shapes[0]), -2 - np.arange(b.size).reshape(shapes[1])],
        axis=layer.integer("axis"),
    ).reshape(-1)
    sides = [simplified((Cast(layer.result),), x.range.spread(layer.shape[-1])) for x in inputs]
    start = join([after for _, after in sides])
    first, second = ((*steps, *_to_fraction(after, start.fraction)) for steps, after in sides)
    return _node(layer, inputs, Concatenation(index, first, second), start, [])


def _zero_padding(layer: Layer, inputs: list[Node], _: Graph) -> Node:
    (x,) = inputs
    height, width = x.output_size
    top, left = int(layer.attributes.get("pad_top", 0)), layer.integer("pad_left")  # type: ignore[arg-type]
    index = np.full(image(layer.shape), -1, np.int64)
    index[top : top + height, left : left + width] = np.arange(x.size).reshape(x.shape)
    return _node(layer, inputs, Move(index.reshape(-1), (top, left)), x.range.with_zero(), [])


def _resize(layer: Layer, inputs: list[Node], _: Graph) -> Node:
    (x,) = inputs
    index = np.arange(x.size).reshape(x.shape)
    for axis, name in enumerate(("factor_height", "factor_width")):
        index = np.repeat(index, int(layer.attributes.get(name, 1)), axis=axis)  # type: ignore[arg-type]
    return _node(layer, inputs, Move(index.reshape(-1)), x.range, [])


def _transpose(layer: Layer, inputs: list[Node], graph: Graph) -> Node:
    (x,) = inputs
    shape, perm = graph[layer.inputs[0]].shape, layer.attributes["perm"]
    if not isinstance(perm, tuple):
        raise ConversionError(f"perm is {perm!r}, not a tuple")
    index = np.arange(x.size).reshape(shape).transpose(perm)
    start = x.range if perm[-1] == len(shape) - 1 else x.range.joined()
    return _node(layer, inputs, Move(index.reshape(-1)), start.spread(layer.shape[-1]), [])


def _reshape(layer: Layer, inputs: list[Node], _: Graph) -> Node:
    return _pointwise(layer, inputs, [])


_RULES: Mapping[str, Callable[[Layer, list[Node], Graph], Node]] = {
    "Activation": _activation,
    "Dense": _weighted,
    "Conv1D": _weighted,
    "Conv2D": _weighted,
    "DepthwiseConv1D": _weighted,
    "DepthwiseConv2D": _weighted,
    "Pooling1D": _pooling,
    "Pooling2D": _pooling,
    "GlobalPooling1D": _pooling,
    "GlobalPooling2D": _pooling,
    "BatchNormalization": _normalization,
    "Merge": _merge,
    "ZeroPadding1D": _zero_padding,
    "ZeroPadding2D": _zero_padding,
    "Resize": _resize,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Concatenate": _concatenation,
    "UnaryLUT": _table,
}

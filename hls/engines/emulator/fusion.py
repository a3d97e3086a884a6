"""Fewer nodes for the same outputs: moves and steps merge into earlier layers, maxima go before monotone steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trigcnn.hls.engines.emulator.program import Move, Node, Pool, Program, Source, Sum, Window
from trigcnn.hls.engines.emulator.steps import Affine
from trigcnn.hls.graph.ranges import Integers, Range, integers


def fused(program: Program) -> Program:
    """Return a program with the same outputs, without the intermediate results that are not asked for."""
    nodes = {node.name: node for node in _needed(program)}
    changed = True
    while changed:
        changed = False
        for node in list(nodes.values()):
            joined = _joined(node, nodes, program.outputs)
            if joined is None:
                continue
            (before,) = node.inputs
            # The joined node takes the later one's name and place, since its inputs come before both.
            nodes = {name: joined if name == node.name else old for name, old in nodes.items() if name != before}
            changed = True
            break
    return Program(tuple(nodes.values()), program.outputs, program.event_size)


def _needed(program: Program) -> list[Node]:
    wanted = set(program.outputs)
    kept = []
    for node in reversed(program.nodes):
        # Events are read and checked even if no output depends on them.
        if node.name in wanted or isinstance(node.body, Source):
            wanted.update(node.inputs)
            kept.append(node)
    return kept[::-1]


def _joined(node: Node, nodes: dict[str, Node], outputs: tuple[str, ...]) -> Node | None:
    """Merge a node into the one before it, if nothing else uses that one."""
    if len(node.inputs) != 1:
        return None
    before = nodes[node.inputs[0]]
    if before.name in outputs or sum(other.inputs.count(before.name) for other in nodes.values()) > 1:
        return None
    if isinstance(node.body, Move) and node.body.pointwise and node.shape == before.shape:
        return Node(node.name, before.inputs, node.shape, before.body, before.start, before.steps + node.steps)
    if isinstance(node.body, Sum) and isinstance(before.body, Move) and not before.steps:
        return _sum_of_move(node, node.body, before, before.body, nodes)
    if isinstance(node.body, Pool) and isinstance(before.body, Sum):
        return _maximum_first(node, node.body, before, before.body)
    return None


def _sum_of_move(node: Node, body: Sum, before: Node, move: Move, nodes: dict[str, Node]) -> Node | None:
    """Merge padding into a convolution, and flattening into a dense layer."""
    image = nodes[before.inputs[0]]
    if move.padding is not None:
        above = (body.window.before[0] + move.padding[0], body.window.before[1] + move.padding[1])
        window = replace(body.window, before=above)
        return Node(node.name, before.inputs, node.shape, replace(body, window=window), node.start, node.steps)
    if move.pointwise and body.window.size == before.output_size and body.positions == (1, 1):
        weights = body.weights.reshape(*image.shape, body.weights.shape[-1])
        if body.by_channel or body.window.before != (0, 0):
            return None
        new = replace(body, weights=weights, window=Window(image.output_size, (1, 1), (0, 0)))
        return Node(node.name, before.inputs, node.shape, new, node.start, node.steps)
    return None


def _maximum_first(node: Node, pool: Pool, before: Node, body: Sum) -> Node | None:
    """Move a maximum before monotone steps: fewer values go through the steps."""
    window = pool.window
    separate = window.stride[0] >= window.size[0] and window.stride[1] >= window.size[1]
    whole = len(pool.groups) == 1 and len(pool.groups[0].pixels) == window.size[0] * window.size[1]
    if not (pool.maximum and whole and separate and body.pool is None):
        return None
    flipped = _rising(before, body)
    if flipped is None or not isinstance(flipped.body, Sum):
        return None
    new = replace(flipped.body, pool=window)
    return Node(node.name, before.inputs, node.shape, new, flipped.start, flipped.steps + node.steps)


def _rising(node: Node, body: Sum) -> Node | None:
    """Return a node whose steps keep the order of sums; channels with a negative scale change their sign."""
    steps = list(node.steps)
    start = node.start
    if steps and isinstance(steps[0], Affine) and min(steps[0].scale) < 0:
        if body.accumulator is not None:
            return None
        sign = integers(-1 if scale < 0 else 1 for scale in steps[0].scale)
        steps[0] = replace(steps[0], scale=steps[0].scale * sign)
        start = _flipped(start, sign)
        bias = [int(b * s) for b, s in zip(body.bias, sign, strict=True)]
        body = replace(body, weights=body.weights * sign.astype(np.int64), bias=bias)
    now = start
    for step in steps:
        if not step.keeps_order(now):
            return None
        now = step.after(now)
    return Node(node.name, node.inputs, node.shape, body, start, tuple(steps))


def _flipped(start: Range, sign: Integers) -> Range:
    a, b = start.low * sign, start.high * sign
    return Range(np.minimum(a, b), np.maximum(a, b), start.fraction)

"""Which arithmetic each sum uses, and how each result lies in memory; different for each instruction set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from trigcnn.hls.engines.emulator.layout import PACKED, Kind, Layout, Margins
from trigcnn.hls.engines.emulator.program import Accumulator, Node, Program, Sum
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.ranges import Range

LevelName = Literal["avx512", "avx2", "baseline"]
Arithmetic = Literal["bytes", "words", "float", "double", "long", "cast32", "cast64"]


@dataclass(frozen=True)
class Level:
    """An instruction set.

    Attributes:
        name: Its name here.
        flags: Options of the compiler.
        tile: Sums that are formed at once, to keep them in registers: pixels and filters.
        costs: Time per term of a sum, by arithmetic; measured.
    """

    name: LevelName
    flags: tuple[str, ...]
    tile: tuple[int, int]
    costs: dict[Arithmetic, float]


# Dot products of bytes need AVX-512 VNNI; before it, products of bytes saturate at 16 bits.
LEVELS: dict[LevelName, Level] = {
    "avx512": Level(
        "avx512",
        ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni", "-mfma", "-mprefer-vector-width=512"),
        (4, 4),
        {"bytes": 1, "words": 1, "float": 3, "double": 6, "long": 12},
    ),
    "avx2": Level("avx2", ("-mavx2", "-mfma"), (2, 4), {"words": 2, "float": 4, "double": 7, "long": 30}),
    "baseline": Level("baseline", (), (2, 4), {"words": 2, "float": 4, "double": 8, "long": 40}),
}
_INT32 = 1 << 31


@dataclass(frozen=True)
class Plan:
    """The arithmetic of each sum and the layouts of each node's result, by name; the node writes the first layout."""

    level: Level
    arithmetic: dict[str, Arithmetic]
    layouts: dict[str, list[Layout]]

    def layout(self, name: str, kind: str) -> Layout:
        """Return the layout of a node's result of a kind."""
        return next(layout for layout in self.layouts[name] if layout.kind == kind)

    def whole(self, name: str) -> Layout:
        """Return the layout of a node's result that is not packed."""
        return next(layout for layout in self.layouts[name] if layout.kind not in ("bytes", "words"))


def make_plan(program: Program, level: Level) -> Plan:
    """Choose the fastest arithmetic that is proved exact for each sum, and the layouts that follow from it.

    Raises:
        ConversionError: A sum needs more bits than there are; the message names the layer.
    """
    arithmetic: dict[str, Arithmetic] = {}
    wanted: dict[str, list[Layout]] = {node.name: [] for node in program.nodes}
    for node in program.nodes:
        if isinstance(node.body, Sum):
            x = program[node.inputs[0]]
            try:
                arithmetic[node.name] = _arithmetic(node, node.body, x.range, level)
            except ConversionError as error:
                raise ConversionError(f"layer {node.name}: {error}") from error
            kind = _kind(arithmetic[node.name], x)
            margins = _margins(node.body, x)
            wanted[x.name].append(Layout(kind, x.shape, margins, _zero(x.range) if kind == "bytes" else 0))
        else:
            for name in node.inputs:
                wanted[name].append(Layout(natural(program[name]), program[name].shape))
    for name in program.outputs:
        wanted[name].append(Layout(natural(program[name]), program[name].shape))
    layouts = {name: _merged(program[name], layouts) for name, layouts in wanted.items()}
    return Plan(level, arithmetic, layouts)


def natural(node: Node) -> Kind:
    """Return the kind of layout that holds a result without packing."""
    return "i32" if node.range.within(-_INT32, _INT32 - 1) else "i64"


def _kind(arithmetic: Arithmetic, x: Node) -> Kind:
    if arithmetic == "bytes" or arithmetic == "words":
        return arithmetic
    return natural(x)


def _merged(node: Node, wanted: list[Layout]) -> list[Layout]:
    by_kind: dict[Kind, list[Layout]] = {}
    for layout in wanted:
        by_kind.setdefault(layout.kind, []).append(layout)
    if len(by_kind) != 1:
        # Packed values are made from whole ones.
        by_kind = {natural(node): by_kind.pop(natural(node), [Layout(natural(node), node.shape)]), **by_kind}
    return [same[0].with_margins([other.margins for other in same]) for same in by_kind.values()]


def _margins(body: Sum, x: Node) -> Margins:
    """Return how far the windows of sums reach beyond the image."""
    corners = body.window.positions(body.positions)
    above, left = np.maximum(-corners.min(axis=0), 0)
    below, right = np.maximum(corners.max(axis=0) + np.array(body.window.size) - np.array(x.output_size), 0)
    return int(above), int(left), int(below), int(right)


def _zero(x: Range) -> int:
    """Return what is added to make the values unsigned bytes."""
    return -x.with_zero().least


def _arithmetic(node: Node, body: Sum, x: Range, level: Level) -> Arithmetic:
    if body.accumulator is not None:
        return _with_casts(body, body.accumulator, x)
    terms = np.abs(body.weights.reshape(-1, body.weights.shape[-1])).astype(object)
    # No partial sum, in any order, is larger.
    bound = int(max(terms.sum(axis=0) * x.magnitude + np.abs(np.array(body.bias, object))))
    costs = {
        name: cost * _terms(body, name) for name, cost in level.costs.items() if _exact(name, node, body, x, bound)
    }
    if not costs:
        raise ConversionError(f"its sums need {bound.bit_length() + 1} bits, and at most 62 can be emulated")
    return min(costs, key=lambda name: costs[name])


def _terms(body: Sum, arithmetic: str) -> int:
    """Return the products, or instructions with several products, per window."""
    if arithmetic not in PACKED:
        return int(np.count_nonzero(body.weights))
    height, width, channels, filters = body.weights.shape
    return int(height * width * -(-channels // PACKED[arithmetic]) * filters)


def _exact(arithmetic: str, node: Node, body: Sum, x: Range, bound: int) -> bool:
    """Return whether an arithmetic is proved to give the exact sum."""
    weights = body.weights
    match arithmetic:
        case "bytes" | "words":
            # 32-bit sums may overflow on the way, since they wrap back; the final sum must fit.
            if body.by_channel or not node.start.within(-_INT32, _INT32 - 1):
                return False
            if arithmetic == "bytes":
                seen = x.with_zero()
                return bool(seen.most - seen.least <= 255 and weights.min() >= -128 and weights.max() <= 127)
            return bool(x.within(-(1 << 15), (1 << 15) - 1) and np.abs(weights).max() < 1 << 15)
        case "float":
            return bound < 1 << 24 and x.magnitude < 1 << 24
        case "double":
            return bound < 1 << 53
    return bound < 1 << 62


def _with_casts(body: Sum, accumulator: Accumulator, x: Range) -> Arithmetic:
    """Return the arithmetic of products that are cast one by one: as narrow as products, casts and sums allow."""
    weights = np.abs(body.weights.reshape(-1, body.weights.shape[-1])).astype(object)
    dropped = accumulator.dropped
    left, right = max(-dropped, 0), max(dropped, 0)
    product = (int(weights.max()) * x.magnitude) << left
    on_the_way = product + ((1 << right) >> 1)
    each = (product >> right) + 1
    if accumulator.limits:
        limit = 1 << accumulator.format.width
        total = limit + min(each, limit)
    else:
        total = each * len(weights) + max(abs(b) for b in body.bias)
    peak = max(on_the_way, total)
    if peak < _INT32 and dropped <= 30 and x.magnitude < _INT32:
        return "cast32"
    if peak < 1 << 62 and dropped <= 61:
        return "cast64"
    raise ConversionError(f"its products and sums need {peak.bit_length() + 1} bits, and at most 62 can be emulated")

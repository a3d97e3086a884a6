"""From program and plan to C++: one call of a kernel in `runtime/` per node, with tables and the steps written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.engines.emulator import terms
from trigcnn.hls.engines.emulator.layout import PACKED, Index, Layout
from trigcnn.hls.engines.emulator.plan import Arithmetic, Plan
from trigcnn.hls.engines.emulator.program import Concatenation, Move, Node, Pairwise, Pool, Program, Source, Sum, Window
from trigcnn.hls.engines.emulator.steps import Step
from trigcnn.hls.engines.emulator.tables import Tables, bits32
from trigcnn.hls.engines.emulator.text import accumulator_functions, post_function
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import in_comment
from trigcnn.hls.graph.ranges import Range

_WEIGHT_TYPES = {"float": "float", "double": "double", "long": "int64_t", "cast32": "int32_t", "cast64": "int64_t"}
_INT32, _INT64 = 1 << 31, 1 << 62


@dataclass(frozen=True)
class Code:
    """What the compiler needs for one instruction set.

    Attributes:
        source: The C++ text, which defines `<prefix>_level_<level>`.
        tables: Its constants, which the text expects as the symbol `<prefix>_tables_<level>`, aligned to 64 bytes.
    """

    source: str
    tables: bytes


def generate(program: Program, plan: Plan, *, prefix: str = "emulator") -> Code:
    """Write the C++ of a program.

    Args:
        program: The program.
        plan: How it is computed with an instruction set.
        prefix: Beginning of the names that the linker sees.

    Raises:
        ConversionError: A layer cannot be computed exactly; the message names it.
    """
    writer = _Writer(program, plan)
    for node in program.nodes:
        try:
            writer.write(node)
        except ConversionError as error:
            raise ConversionError(f"layer {node.name}: {error}") from error
    writer.unload()
    return writer.code(prefix)


class _Writer:
    """Collects the calls of kernels, the structs that they need and the tables."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self._program, self._plan = program, plan
        self._tables = Tables()
        self._structs: dict[str, str] = {}
        self._calls: list[str] = []
        self._offsets: dict[tuple[str, str], int] = {}
        self._vectors = 0
        for name, layouts in plan.layouts.items():
            for layout in layouts:
                self._offsets[name, layout.kind] = self._vectors
                self._vectors += layout.vectors * (2 if layout.kind == "i64" else 1)

    def code(self, prefix: str) -> Code:
        """A description of the written files."""
        text = _TEMPLATE.format(
            prefix=prefix,
            level=self._plan.level.name,
            structs="\n".join(f"struct {name} {{\n{content}}};" for content, name in self._structs.items()),
            fills="\n".join(self._fills()),
            calls="\n".join(f"  {call}" for call in self._calls),
            event_size=self._program.event_size,
            output_size=sum(self._program[name].size for name in self._program.outputs),
            vectors=self._vectors,
        )
        return Code(text, self._tables.content())

    def write(self, node: Node) -> None:
        """Write the call of a node, and the calls that pack its result for others."""
        # A name can have line breaks, or a backslash at its end.
        self._calls.append(f"// {in_comment(node.name)}")
        match node.body:
            case Source() as body:
                self._source(node, body)
            case Sum() as body:
                self._sum(node, body)
            case Pool() as body:
                self._pool(node, body)
            case Move() as body:
                post = self._post(node.steps, node.start, node)
                self._moves(node, body.index, (post, post), node.inputs * 2)
            case Concatenation() as body:
                self._concatenation(node, body)
            case Pairwise() as body:
                self._pairwise(node, body)
        first, *others = self._plan.layouts[node.name]
        for layout in others:
            keep = self._struct("Post", post_function((), node.range, layout.kind == "i64", self._tables, 0))
            source = self._at(node.name, first)
            self._call(
                f"moves<{keep}, {keep}, {_store(layout)}>",
                [source, source, self._at(node.name, layout)],
                f"Moves{{{self._table(first.elements())}, {self._places(layout)}, {_pixels(node)}}}",
            )

    def unload(self) -> None:
        """Write the calls that give the outputs to the caller."""
        first = 0
        for name in self._program.outputs:
            node = self._program[name]
            layout = self._plan.whole(name)
            lsb = (2.0**-node.range.fraction).hex()
            self._calls.append(
                f"unload({self._at(name, layout)}, {self._table(layout.elements())}, {node.size}, {lsb}, valid, "
                f"outputs + {first}, kOutputSize);"
            )
            first += node.size

    def _source(self, node: Node, body: Source) -> None:
        number_format = self._struct("Format", _format_content(body.format))
        whole = "I32" if body.format.width <= 31 else "I64"
        layout = self._layout(node)
        post = self._post(node.steps, node.start, node)
        self._calls.append(
            f"good &= load<{number_format}, {whole}, {post}, {_store(layout)}>(events + {body.first}, kEventSize, "
            f"valid, {self._at(node.name, layout)}, Load{{{self._places(layout)}, {_pixels(node)}}});"
        )

    def _sum(self, node: Node, body: Sum) -> None:
        arithmetic = self._plan.arithmetic[node.name]
        (name,) = node.inputs
        layout = self._plan.layout(name, arithmetic) if arithmetic in PACKED else self._plan.whole(name)
        positions = layout.positions(_corners(node, body))
        outputs, filters = node.size // node.shape[2], node.shape[2]
        window = positions.size // outputs
        pixels, block = self._tile(window, outputs, filters, arithmetic)
        blocks = -(-filters // block)
        if arithmetic in PACKED:
            tile = f"Packed<{pixels}, {block}, {arithmetic.capitalize()}>"
            found, kind = terms.packed(body, layout, block), "int32_t"
        else:
            tile = f"Single<{pixels}, {self._step(body, arithmetic, layout)}>"
            found, kind = terms.single(body, layout, blocks * block), _WEIGHT_TYPES[arithmetic]
        tables = [
            self._table(positions),
            self._places(self._layout(node)),
            f"{outputs}, {blocks}, {filters}",
            self._table(found.starts),
            self._table(found.offsets),
            self._tables.add(kind, found.weights),
            self._tables.add(kind, found.bias),
        ]
        post = self._post(node.steps, node.start, node, blocks * block)
        self._call(
            f"sums<{tile}, {window}, {post}, {_store(self._layout(node))}>",
            [self._at(name, layout), self._at(node.name, self._layout(node))],
            f"Sums{{{', '.join(tables)}}}",
        )

    def _step(self, body: Sum, arithmetic: Arithmetic, layout: Layout) -> str:
        kind = _vector(layout)
        if body.accumulator is None:
            return {"float": "FloatStep", "double": f"DoubleStep<{kind}>", "long": f"LongStep<{kind}>"}[arithmetic]
        wide = arithmetic == "cast64"
        casts = self._struct("Casts", accumulator_functions(body.accumulator, wide=wide))
        return f"CastStep{64 if wide else 32}<{kind}, {casts}>"

    def _tile(self, window: int, outputs: int, filters: int, arithmetic: Arithmetic) -> tuple[int, int]:
        """Return how many pixels and filters are summed at once."""
        most, block = self._plan.level.tile
        pixels = max(p for p in range(1, most + 1) if (window % p == 0 if window > 1 else p <= outputs))
        # A single pixel leaves room for more filters.
        return pixels, 2 * block if arithmetic in PACKED and pixels == 1 and filters > block else block

    def _pool(self, node: Node, body: Pool) -> None:
        (name,) = node.inputs
        source, layout = self._plan.whole(name), self._layout(node)
        corners = body.window.positions(node.output_size)
        for group in body.groups:
            post = self._post((*group.first, *node.steps), group.total, node)
            # Offsets are relative to a pixel that exists.
            first = group.pixels[0]
            offsets = (group.pixels - first) @ np.array([source.row, source.pixel])
            wide = "I32" if group.total.magnitude < _INT32 else "I64"
            tables = [
                self._table(source.positions(corners[group.outputs] + first)),
                self._table(layout.places()[group.outputs]),
                self._table(offsets),
            ]
            self._call(
                f"windows<{_boolean(body.maximum)}, {wide}, {post}, {_store(layout)}>",
                [self._at(name, source), self._at(node.name, layout)],
                f"Windows{{{', '.join(tables)}, {len(group.outputs)}, {len(offsets)}, {node.shape[2]}}}",
            )

    def _concatenation(self, node: Node, body: Concatenation) -> None:
        first, second = (
            self._post((*steps, *node.steps), self._program[name].range.spread(node.shape[2]), node)
            for steps, name in zip((body.first, body.second), node.inputs, strict=True)
        )
        self._moves(node, body.index, (first, second), node.inputs)

    def _moves(self, node: Node, index: Index, posts: tuple[str, str], names: Sequence[str]) -> None:
        layout = self._layout(node)
        sides = [self._plan.whole(name) for name in names]
        table = np.full(index.size, -1)
        first, second = index >= 0, index <= -2
        table[first] = sides[0].elements()[index[first]]
        table[second] = -2 - sides[1].elements()[-2 - index[second]]
        inputs = [self._at(name, side) for name, side in zip(names, sides, strict=True)]
        self._call(
            f"moves<{posts[0]}, {posts[1]}, {_store(layout)}>",
            [*inputs, self._at(node.name, layout)],
            f"Moves{{{self._table(table)}, {self._places(layout)}, {_pixels(node)}}}",
        )

    def _pairwise(self, node: Node, body: Pairwise) -> None:
        layout = self._layout(node)
        sides = [self._plan.whole(name) for name in node.inputs]
        inputs = [self._program[name].range for name in node.inputs]
        most = max(*(x.magnitude << shift for x, shift in zip(inputs, body.shifts, strict=True)), node.start.magnitude)
        if most >= _INT64:
            raise ConversionError("its values need more than 62 bits and a sign")
        then = self._post(node.steps, node.start, node)
        post = self._struct("Pair", _pair_content(body, then, wide=most >= _INT32))
        elements = [self._table(side.elements()) for side in sides]
        self._call(
            f"pairs<{post}, {_store(layout)}>",
            [self._at(name, side) for name, side in zip(node.inputs, sides, strict=True)]
            + [self._at(node.name, layout)],
            f"Pairs{{{', '.join(elements)}, {self._places(layout)}, {_pixels(node)}}}",
        )

    def _call(self, function: str, buffers: list[str], tables: str) -> None:
        self._calls.append(f"{function}({', '.join(buffers)}, {tables});")

    def _layout(self, node: Node) -> Layout:
        return self._plan.layouts[node.name][0]

    def _struct(self, kind: str, content: str) -> str:
        """Return the name of a struct; equal structs are one, so that their kernels are compiled once."""
        return self._structs.setdefault(content, f"{kind}{len(self._structs)}")

    def _post(self, steps: Sequence[Step], start: Range, node: Node, channels: int | None = None) -> str:
        wide = self._layout(node).kind == "i64"
        return self._struct("Post", post_function(steps, start, wide, self._tables, channels or node.shape[2]))

    def _at(self, name: str, layout: Layout) -> str:
        return f"at<{_vector(layout)}>(memory, {self._offsets[name, layout.kind]})"

    def _table(self, values: npt.NDArray[np.int64]) -> str:
        return self._tables.add("int32_t", values)

    def _places(self, layout: Layout) -> str:
        return self._table(layout.places())

    def _fills(self) -> list[str]:
        lines = []
        for name, layouts in self._plan.layouts.items():
            for layout in layouts:
                if layout.fill:
                    value = int(bits32(np.array([layout.fill], object))[0])
                    lines.append(f"  fill(memory, {self._offsets[name, layout.kind]}, {layout.vectors}, {value});")
        return lines


def _corners(node: Node, body: Sum) -> Index:
    """Return the first pixel of every window, [outputs, sums of which the largest is kept, 2]."""
    corners = body.window.positions(body.positions)
    if body.pool is None:
        return corners[:, None]
    inside = Window(body.pool.size, (1, 1), (0, 0)).positions(body.pool.size)
    chosen = body.pool.positions(node.output_size)[:, None] + inside
    return np.asarray(corners.reshape(*body.positions, 2)[chosen[..., 0], chosen[..., 1]])


def _format_content(number_format: FixedPoint) -> str:
    low, high = number_format.limits
    overflow = "SAT" if number_format.overflow == "SAT_SYM" else number_format.overflow
    return (
        f"  static constexpr double scale = {(2.0**number_format.fraction).hex()};\n"
        f"  static constexpr int width = {number_format.width};\n"
        f"  static constexpr int64_t low = {low}, high = {high};\n"
        f"  static constexpr bool is_signed = {_boolean(number_format.signed)};\n"
        f"  static constexpr Rounding rounding = {number_format.rounding};\n"
        f"  static constexpr Overflow overflow = {overflow};\n"
    )


def _pair_content(body: Pairwise, then: str, *, wide: bool) -> str:
    expression = {
        "add": "a + b",
        "subtract": "a - b",
        "multiply": "a * b",
        "maximum": "largest(a, b)",
        "minimum": "smallest(a, b)",
    }[body.op]
    vector = "HalfI64" if wide else "I32"
    both = f"a = a << {body.shifts[0]}; b = b << {body.shifts[1]}; return {expression};"
    lines = [f"const auto both = [&]({vector} a, {vector} b) FORCED {{ {both} }};"]
    if wide:
        lines.append("const I64 x = to_i64(p), y = to_i64(q);")
        lines.append(f"return {then}::apply(I64{{both(x.half[0], y.half[0]), both(x.half[1], y.half[1])}}, c);")
    else:
        lines.append(f"return {then}::apply(both(to_i32(p), to_i32(q)), c);")
    body_text = "".join(f"    {line}\n" for line in lines)
    return f"  template <class A, class B> static INLINE auto apply(A p, B q, int c) {{\n{body_text}  }}\n"


def _store(layout: Layout) -> str:
    return {
        "bytes": f"StoreBytes<{layout.zero}>",
        "words": "StoreWords",
        "i32": "StoreWhole<I32>",
        "i64": "StoreWhole<I64>",
    }[layout.kind]


def _vector(layout: Layout) -> str:
    return "I64" if layout.kind == "i64" else "I32"


def _pixels(node: Node) -> str:
    return f"{node.size // node.shape[2]}, {node.shape[2]}"


def _boolean(value: bool) -> str:
    return "true" if value else "false"


_TEMPLATE = """// Generated for the instruction set {level}.
#include "events.h"
#include "level.h"
#include "moves.h"
#include "sums.h"

extern "C" __attribute__((visibility("hidden"))) const unsigned char {prefix}_tables_{level}[];

namespace {{

template <class T> INLINE const T* table(long offset) {{
  return reinterpret_cast<const T*>({prefix}_tables_{level} + offset);
}}
template <class V> INLINE V* at(void* memory, long vectors) {{
  return reinterpret_cast<V*>(static_cast<I32*>(memory) + vectors);
}}
constexpr long kEventSize = {event_size}, kOutputSize = {output_size}, kVectors = {vectors};

{structs}
[[maybe_unused]] void fill(void* memory, long first, long vectors, int32_t value) {{
  for (long i = 0; i < vectors; ++i) static_cast<I32*>(memory)[first + i] = I32{{}} + value;
}}
void prepare(void* memory) {{
  std::memset(memory, 0, kVectors * sizeof(I32));
{fills}
}}
template <class Real> bool run(const Real* events, int valid, double* outputs, void* memory) {{
  bool good = true;
{calls}
  return good;
}}
bool run_any(const void* events, bool is_double, int valid, double* outputs, void* memory) {{
  if (is_double) return run(static_cast<const double*>(events), valid, outputs, memory);
  return run(static_cast<const float*>(events), valid, outputs, memory);
}}

}}  // namespace

extern "C" const Level {prefix}_level_{level} = {{
    "{level}", kLanes, kEventSize, kOutputSize, kVectors * sizeof(I32), prepare, run_any}};
"""

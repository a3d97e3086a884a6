"""A picture of the network: layers as boxes, number formats on their connections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from trigcnn.pipeline.pages.rendering import shape
from trigcnn.pipeline.results.report import LayerEntry, Report

# In pixels: a box, what lies between boxes, and the straight piece below a box on which its format stands.
_WIDTH, _HEIGHT, _GAP, _STEM, _BEND, _MARGIN = 192, 42, 28, 28, 26, 10
# Letters that fit into a box.
_LETTERS = 25


@dataclass(frozen=True)
class Box:
    """A layer. `x` is its middle, `y` its upper edge."""

    x: float
    y: float
    name: str
    title: str
    detail: str
    has_weights: bool


@dataclass(frozen=True)
class Stem:
    """The output of a layer, with its number format. `y` is the layer's lower edge."""

    x: float
    y: float
    text: str
    title: str


@dataclass(frozen=True)
class Picture:
    """A network as shapes to draw, from top to bottom.

    Attributes:
        width: In pixels.
        height: In pixels.
        boxes: The layers.
        stems: One below each layer.
        paths: From the end of a stem to the next layer, as path data of SVG.
        label: Description for people who do not see it.
    """

    width: float
    height: float
    boxes: tuple[Box, ...]
    stems: tuple[Stem, ...]
    paths: tuple[str, ...]
    label: str
    box_width: int = _WIDTH
    box_height: int = _HEIGHT
    stem: int = _STEM


def picture(report: Report) -> Picture | None:
    """Return the layout of a network.

    Returns:
        None where the report names no layers.
    """
    layers = report.layers
    if not layers:
        return None
    numbers = {layer.name: n for n, layer in enumerate(layers)}
    edges = sorted(
        {(numbers[name], numbers[layer.name]) for layer in layers for name in layer.inputs if name in numbers}
    )
    places, chains = _placed(len(layers), edges)
    boxes = tuple(_box(layer, *places[n]) for n, layer in enumerate(layers))
    stems = tuple(
        Stem(box.x, box.y + _HEIGHT, _short(layer.result_format), layer.result_format)
        for box, layer in zip(boxes, layers, strict=True)
    )
    branching = sum(len(layer.inputs) > 1 for layer in layers)
    return Picture(
        width=max(x for x, _ in places.values()) + _WIDTH / 2 + _MARGIN,
        height=max(y for _, y in places.values()) + _HEIGHT + _STEM + _MARGIN,
        boxes=boxes,
        stems=stems,
        paths=tuple(_path([places[n] for n in chain]) for chain in chains),
        label=(
            f"The network: {len(layers)} layers, from {layers[0].name} to {layers[-1].name}, {len(edges)} connections"
            + (f", {branching} layers where branches join." if branching else ", one after the other.")
        ),
    )


def _placed(
    count: int, edges: Sequence[tuple[int, int]]
) -> tuple[dict[int, tuple[float, float]], list[tuple[int, ...]]]:
    """Return each layer's place, and for each edge what it passes: layers at both ends, bends in between.

    Bends have numbers from `count` on and places too.
    """
    from fast_sugiyama import from_edges

    places: dict[int, tuple[float, float]] = {}
    steps: list[tuple[int, int]] = []
    free = count
    apart = _WIDTH + _GAP
    layouts = from_edges(edges, vertex_spacing=apart, dummy_vertices=True)
    for positions, _, _, found in layouts.dot_layout(apart) if edges else []:
        # Bends are numbered separately in each part of a network that has several.
        own = {number: number if number < count else free + number for number, _ in positions}
        places |= {own[number]: at for number, at in positions}
        steps += [(own[start], own[end]) for start, end in found or []]
        free = max(free, *(own.values())) + 1
    # A layer by itself is in no edge.
    right = max((x for x, _ in places.values()), default=-apart)
    top = max((y for _, y in places.values()), default=0.0)
    for number in range(count):
        if number not in places:
            right += apart
            places[number] = (right, top)
    left = min(x for x, _ in places.values()) - _WIDTH / 2 - _MARGIN
    rows = {y: n for n, y in enumerate(sorted({y for _, y in places.values()}, reverse=True))}
    pitch = _HEIGHT + _STEM + _BEND
    drawn = {number: (round(x - left, 1), float(_MARGIN + rows[y] * pitch)) for number, (x, y) in places.items()}
    return drawn, _chains(steps, count)


def _chains(steps: Sequence[tuple[int, int]], count: int) -> list[tuple[int, ...]]:
    """Join the pieces of each edge."""
    after = {start: end for start, end in steps if start >= count}
    chains = []
    for start, end in sorted(steps):
        if start < count:
            chain = [start, end]
            while chain[-1] >= count:
                chain.append(after[chain[-1]])
            chains.append(tuple(chain))
    return chains


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Return an edge from the stem of its first layer to the upper edge of its last, straight past other layers."""
    (x, y), *rest = points
    y += _HEIGHT + _STEM
    drawn = [f"M{x:g} {y:g}"]
    for n, (to_x, to_y) in enumerate(rest):
        middle = (y + to_y) / 2
        drawn.append(f"C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}" if x != to_x else f"V{to_y:g}")
        x, y = to_x, to_y
        if n < len(rest) - 1:
            y += _HEIGHT + _STEM
            drawn.append(f"V{y:g}")
    return "".join(drawn)


def _box(layer: LayerEntry, x: float, y: float) -> Box:
    kernel = "" if layer.kernel is None else f" {shape(layer.kernel)}"
    return Box(
        x=x,
        y=y,
        name=_cut(layer.name),
        title=f"{layer.name}: {layer.kind}{kernel}, result {shape(layer.shape)} in {layer.result_format}",
        detail=_cut(f"{layer.kind}{kernel} · {shape(layer.shape)}", _LETTERS + 4),
        has_weights=layer.parameters > 0,
    )


def _cut(text: str, letters: int = _LETTERS) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def _short(number_format: str) -> str:
    """Leave rounding and overflow out of a number format.

    >>> _short("ufixed<5,5,RND,SAT>"), _short("fixed<8,3>")
    ('ufixed<5,5>', 'fixed<8,3>')
    """
    return re.sub(r"(<\d+,-?\d+),.*>$", r"\1>", number_format)

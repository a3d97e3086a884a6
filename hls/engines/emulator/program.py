"""The integer program: every layer of a graph as a body (what is summed or moved) and steps (what each value becomes).

Values are integers in units of `2**-fraction`, where the fraction is the range's. All layers are seen as images
[height, width, channels]; tensors with fewer axes get a height, or a height and a width, of 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.engines.emulator.steps import Step, simplified
from trigcnn.hls.graph.ranges import Range

Size = tuple[int, int]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """An input layer: the cast of numbers of the event, from `first` on."""

    format: FixedPoint
    first: int


@dataclass(frozen=True)
class Window:
    """How a window moves over an image: its size, its steps, and how far above and left of the image it begins."""

    size: Size
    stride: Size
    before: Size

    def positions(self, outputs: Size) -> npt.NDArray[np.int64]:
        """Row and column of the window's first pixel, [outputs, 2]; may be outside."""
        rows = np.arange(outputs[0]) * self.stride[0] - self.before[0]
        columns = np.arange(outputs[1]) * self.stride[1] - self.before[1]
        return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)


@dataclass(frozen=True)
class Accumulator:
    """A sum that casts each product before it is added.

    Attributes:
        format: The number format of products and sums.
        dropped: Fraction bits that the cast of a product drops; negative where it adds some.
        limits: Whether each product and each sum may saturate; otherwise the sum may be wrapped at its end.
    """

    format: FixedPoint
    dropped: int
    limits: bool


@dataclass(frozen=True)
class Sum:
    """Sums of products: `bias + sum(x * weights)` over a window.

    Attributes:
        weights: [height, width, channels, filters]; by channel: [height, width, channels].
        bias: [filters], in units of the products (with an accumulator: of the accumulator).
        window: Where the weights are laid on the image.
        positions: Rows and columns of sums before `pool`.
        accumulator: How to add, if it matters.
        pool: Window over the sums of which only the largest is kept; the outputs are then its outputs.
    """

    weights: npt.NDArray[np.int64]
    bias: list[int]
    window: Window
    positions: Size
    accumulator: Accumulator | None = None
    pool: Window | None = None

    @property
    def by_channel(self) -> bool:
        """Whether each channel has its own window (depthwise)."""
        return self.weights.ndim == 3


@dataclass(frozen=True)
class Group:
    """Outputs of a pooling layer whose windows hold the same pixels, as seen from the window's beginning.

    Attributes:
        outputs: Which outputs, counted row by row.
        pixels: Rows and columns of the pixels, [pixels, 2].
        total: Range of the sum or maximum.
        first: Step before the layer's other steps: the division by the number of pixels.
    """

    outputs: Index
    pixels: npt.NDArray[np.int64]
    total: Range
    first: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Pool:
    """Maximum or sum of windows."""

    maximum: bool
    window: Window
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Move:
    """Each result is one element of the input, by its index in row-major order, or zero at -1.

    Attributes:
        index: One per result.
        padding: Rows and columns of zeros above and left of the image, if the layer does nothing else.
    """

    index: Index
    padding: Size | None = None

    @property
    def pointwise(self) -> bool:
        """Whether each result is the element at the same place."""
        return bool(np.array_equal(self.index, np.arange(self.index.size)))


@dataclass(frozen=True)
class Concatenation:
    """Each result is one element of the first input, or at `-2 - index` of the second; each has its own steps."""

    index: Index
    first: tuple[Step, ...]
    second: tuple[Step, ...]


@dataclass(frozen=True)
class Pairwise:
    """Two inputs merged element by element, each shifted left first; `op` as in the graph."""

    op: str
    shifts: Size


Body = Source | Sum | Pool | Move | Concatenation | Pairwise


@dataclass(frozen=True)
class Node:
    """A layer of the program.

    Attributes:
        name: The layer's name in the graph; of merged layers, the last one's.
        inputs: Names of nodes.
        shape: [height, width, channels] of the result.
        body: What is computed.
        start: Range of the body's result.
        steps: What is applied to each value of the body's result.
        range: Range of the result.
    """

    name: str
    inputs: tuple[str, ...]
    shape: tuple[int, int, int]
    body: Body
    start: Range
    steps: tuple[Step, ...] = ()
    range: Range = field(init=False)

    def __post_init__(self) -> None:
        steps, after = simplified(self.steps, self.start)
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "range", after)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))

    @property
    def output_size(self) -> Size:
        """Rows and columns."""
        return self.shape[:2]


@dataclass(frozen=True)
class Program:
    """Nodes, each after those that feed it.

    Attributes:
        nodes: The nodes.
        outputs: Names of the nodes whose values are wanted, in order.
        event_size: Numbers of an event.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    event_size: int

    def __getitem__(self, name: str) -> Node:
        """Find a node by its name; KeyError if there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)


def image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return any shape as [height, width, channels]."""
    if len(shape) == 3:
        return shape
    return 1, int(np.prod(shape[:-1])), shape[-1]

"""How values lie in memory: vectors of one event per lane; narrow channels share a lane of 32 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["bytes", "words", "i32", "i64"]
# Channels in a lane, where it holds several.
PACKED = {"bytes": 4, "words": 2}
Margins = tuple[int, int, int, int]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """An image [height, width, channels] with a margin of zeros.

    Attributes:
        kind: `bytes` are unsigned, with `zero` added; `words` have 16 bits with a sign.
        shape: The image's.
        margins: Pixels above, left, below and right of the image.
        zero: Stored value of zero.
    """

    kind: Kind
    shape: tuple[int, int, int]
    margins: Margins = (0, 0, 0, 0)
    zero: int = 0

    @property
    def pixel(self) -> int:
        """Vectors of one pixel."""
        return -(-self.shape[2] // PACKED.get(self.kind, 1))

    @property
    def row(self) -> int:
        """Vectors from one row to the next."""
        return (self.shape[1] + self.margins[1] + self.margins[3]) * self.pixel

    @property
    def vectors(self) -> int:
        """Vectors in all."""
        return (self.shape[0] + self.margins[0] + self.margins[2]) * self.row

    @property
    def fill(self) -> int:
        """The 32 bits of a margin."""
        return self.zero * 0x01010101 if self.kind == "bytes" else 0

    def positions(self, pixels: Index) -> Index:
        """Vector of the first channel of pixels given by row and column, [..., 2]; they may lie in the margin."""
        rows, columns = pixels[..., 0] + self.margins[0], pixels[..., 1] + self.margins[1]
        return np.asarray(rows * self.row + columns * self.pixel)

    def places(self) -> Index:
        """Vector of the first channel of every pixel, row by row."""
        return self.positions(np.indices(self.shape[:2]).reshape(2, -1).T)

    def elements(self) -> Index:
        """Vector of every value, in row-major order; not for packed kinds."""
        return np.asarray(self.places()[:, None] + np.arange(self.shape[2])).reshape(-1)

    def with_margins(self, others: list[Margins]) -> Layout:
        """Return the same layout with the widest of some margins."""
        margins = np.max([self.margins, *others], axis=0)
        return Layout(self.kind, self.shape, tuple(int(m) for m in margins), self.zero)  # type: ignore[arg-type]

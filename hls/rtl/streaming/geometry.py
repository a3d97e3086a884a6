"""Where the windows of a convolution or pooling layer lie in an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.rtl.streaming.streams import stream_shape


@dataclass(frozen=True)
class Axis:
    """Windows along one axis.

    Attributes:
        size: Pixels of the image.
        kernel: Pixels of the window that ever see a pixel of the image.
        skipped: Pixels of the window before those.
        stride: Pixels from one window to the next.
        before: Pixels of padding before the image.
        after: Pixels of padding after the image.
        windows: Number of windows.
    """

    size: int
    kernel: int
    skipped: int
    stride: int
    before: int
    after: int
    windows: int

    @property
    def first(self) -> int:
        """Return the pixel of the first window's anchor, which lies `after` pixels before the window's end."""
        return self.kernel - 1 - self.before - self.after

    @property
    def phase(self) -> int:
        """Return the first pixel's phase in the cycle of strides; windows have phase 0."""
        return -self.first % self.stride

    @property
    def fits(self) -> bool:
        """Return whether every window has its anchor in the image, and every anchor a window."""
        anchors = [self.first + n * self.stride for n in range(self.windows)]
        return anchors[0] >= 0 and anchors[-1] < self.size <= anchors[-1] + self.stride

    @property
    def partial(self) -> bool:
        """Return whether a window reaches over the edge of the image."""
        return self.before > 0 or (self.windows - 1) * self.stride - self.before + self.kernel > self.size


@dataclass(frozen=True)
class Geometry:
    """Windows in an image."""

    rows: Axis
    columns: Axis

    @property
    def fits(self) -> bool:
        """Return whether a line buffer can produce these windows."""
        return self.rows.fits and self.columns.fits

    def crop(self, weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the part of a kernel [height, width, ...] that sees pixels."""
        rows, columns = self.rows, self.columns
        return weight[rows.skipped : rows.skipped + rows.kernel, columns.skipped : columns.skipped + columns.kernel]


def geometry(graph: Graph, layer: Layer, padding: Layer | None = None) -> Geometry:
    """Return a layer's windows.

    Args:
        graph: The graph that it is in.
        layer: A convolution or pooling layer.
        padding: A layer before it that adds zeros, to be counted as the layer's own.
    """
    source = graph[(padding or layer).inputs[0]]
    height, width, _ = stream_shape(source.shape)
    out_height, out_width, _ = stream_shape(layer.shape)
    sizes = _kernel(layer)

    def axis(name: str, pixels: int, windows: int, sides: tuple[str, str]) -> Axis:
        if f"stride_{name}" not in layer.attributes:
            return Axis(1, 1, 0, 1, 0, 0, 1)
        before, after = (_padding(layer, side) + (0 if padding is None else _padding(padding, side)) for side in sides)
        kernel, stride = sizes[name], layer.integer(f"stride_{name}")
        return _cropped(Axis(pixels, kernel, 0, stride, before, after, windows))

    return Geometry(
        axis("height", height, out_height, ("pad_top", "pad_bottom")),
        axis("width", width, out_width, ("pad_left", "pad_right")),
    )


def _kernel(layer: Layer) -> dict[str, int]:
    if layer.kind.startswith("Pooling"):
        return {
            name: layer.integer(f"pool_{name}") for name in ("height", "width") if f"pool_{name}" in layer.attributes
        }
    return dict(zip(("width", "height"), reversed(layer.weights["weight"].integers.shape[:-2]), strict=False))


def _padding(layer: Layer, side: str) -> int:
    return layer.integer(side) if side in layer.attributes else 0


def _cropped(axis: Axis) -> Axis:
    """Remove the parts of the window that never see a pixel, and padding that no window reaches."""
    starts = [n * axis.stride - axis.before for n in range(axis.windows)]
    seen = [offset for offset in range(axis.kernel) if any(0 <= start + offset < axis.size for start in starts)]
    if not seen:
        return axis
    skipped, kernel = seen[0], seen[-1] - seen[0] + 1
    before = axis.before - skipped
    after = max(starts[-1] + skipped + kernel - axis.size, 0)
    return Axis(axis.size, kernel, skipped, axis.stride, before, after, axis.windows)

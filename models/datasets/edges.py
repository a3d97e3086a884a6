"""Small images with edges, and the results of textbook kernels on them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets.base import Dataset, DatasetInfo, Labels, split_stratified
from trigcnn.models.datasets.drawn import check_events, check_option
from trigcnn.models.datasets.input_format import parse_input_format, put_on_grid
from trigcnn.models.edge_kernels import stacked
from trigcnn.models.errors import DataError

INFO = DatasetInfo(
    name="edges",
    description="images of steps, bars and boxes in grey levels, with what edge kernels give for them as targets",
    events="2000 (option)",
    shape="6x6x1 (option)",
    input_format="ufixed<4,4>",
)

KINDS = ("step", "bar", "box")


def load(
    *,
    input_format: FixedPoint | None,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    events: int = 2000,
    size: int = 6,
    kernels: tuple[str, ...] = ("prewitt_vertical",),
) -> Dataset:
    """Draw images, and compute their targets with kernels.

    Args:
        input_format: Unsigned whole numbers, the grey levels; None for ufixed<4,4>.
        validation_fraction: Share of all events to validate on.
        test_fraction: Share of all events to test on.
        seed: Seed of the events and of the split.
        events: Number of events.
        size: Height and width of an image, in pixels; at least 3.
        kernels: Names of the kernels (`models.edge_kernels`), a channel of the target each.

    Raises:
        DataError: The format does not fit, an option is out of range, or the fractions leave a part empty.
    """
    chosen = input_format or parse_input_format(INFO.input_format)
    if chosen.signed or chosen.integer != chosen.width:
        raise DataError(
            f"data.input_format {chosen} does not fit the edges, whose grey levels are whole numbers from 0; use "
            f"{INFO.input_format}, or ufixed<W,W> with another number of bits"
        )
    check_option("size", size, 3, unit="pixels")
    check_events(events, size**2, fewest=30)
    weights = stacked(kernels, DataError, "data.options.kernels")[:, :, 0]
    rng = np.random.default_rng(seed)
    labels: Labels = rng.permutation(np.arange(events, dtype=np.int64) % len(KINDS))
    levels = rng.integers(0, int(chosen.max), size=(2, events), endpoint=True)
    bright = _shapes(rng, labels, size)
    images = np.where(bright, levels[0][:, None, None], levels[1][:, None, None]).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))
    targets = np.einsum("nijab,abk->nijk", windows, weights).astype(np.float32)
    train, validation, test = split_stratified(
        put_on_grid(chosen, images[..., np.newaxis], saturate=False, where=INFO.name),
        labels,
        targets=targets,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    return Dataset(INFO.name, chosen, KINDS, train, validation, test)


def _shapes(rng: np.random.Generator, labels: Labels, size: int) -> npt.NDArray[np.bool_]:
    """Mark the pixels of each shape: beyond a line, between two parallel lines, or within a rectangle."""
    rows, columns = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    angle = rng.integers(8, size=len(labels)) * (np.pi / 4)
    along = np.cos(angle)[:, None, None] * columns + np.sin(angle)[:, None, None] * rows
    middle = (size - 1) / 2 * (np.cos(angle) + np.sin(angle)) + rng.uniform(-size / 3, size / 3, len(labels))
    distance = along - middle[:, None, None]
    low = rng.integers(0, size - 1, (2, len(labels), 1, 1))
    high = low + rng.integers(1, size, (2, len(labels), 1, 1))
    box = (rows >= low[0]) & (rows < high[0]) & (columns >= low[1]) & (columns < high[1])
    kind = labels[:, None, None]
    shapes: npt.NDArray[np.bool_] = np.select([kind == 0, kind == 1], [distance > 0, np.abs(distance) < 1], box)
    return shapes

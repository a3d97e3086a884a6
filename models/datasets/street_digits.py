"""Coloured digits before cluttered backgrounds with neighbours at their sides, as on house numbers.

Made in the likeness of the Street View House Numbers (32x32 pixels, the class is the digit in the middle), but drawn
from fonts, so that it is available offline.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets.base import Dataset, DatasetInfo, Labels, split_stratified
from trigcnn.models.datasets.drawn import check_events
from trigcnn.models.datasets.glyphs import FONTS, SIDE, digit_masks
from trigcnn.models.datasets.input_format import parse_input_format, put_on_grid
from trigcnn.models.errors import DataError

INFO = DatasetInfo(
    name="street_digits",
    description="drawn digits like those of house numbers, in colour, with clutter and neighbours; ten classes",
    events="20000 (option)",
    shape="32x32x3",
    input_format="ufixed<8,0>",
)

PIXELS = 32
"""Height and width of an image."""

Images = npt.NDArray[np.float32]
Range = tuple[float, float]
_CHUNK = 500
# Edges behind the digits, and how much they can change each colour.
_EDGES = 3
_SHADE = 0.25


def load(
    *,
    input_format: FixedPoint | None,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    events: int = 20_000,
    height_pixels: Range = (14.0, 27.0),
    rotation_deg: float = 15.0,
    shift_pixels: float = 2.5,
    neighbours: float = 0.7,
    contrast: float = 0.1,
    blur_pixels: float = 1.4,
    noise: float = 0.06,
) -> Dataset:
    """Draw images and split them.

    Args:
        input_format: Unsigned with no bit left of the binary point; None for ufixed<8,0>.
        validation_fraction: Share of all events to validate on.
        test_fraction: Share of all events to test on.
        seed: Seed of the images and of the split.
        events: Number of images; digits are equally frequent.
        height_pixels: Smallest and largest height of a digit, in pixels.
        rotation_deg: Largest rotation to either side, in degrees.
        shift_pixels: Largest shift along each axis, in pixels.
        neighbours: Probability of a further digit, on each side.
        contrast: Smallest difference in brightness between ink and background; the full scale is 1.
        blur_pixels: Largest standard deviation of the blur, in pixels.
        noise: Largest standard deviation of a pixel's noise; the full scale is 1.

    Raises:
        DataError: The format does not fit, an option is out of range, or the fractions leave a part empty.
    """
    chosen = input_format or parse_input_format(INFO.input_format)
    if chosen.signed or chosen.integer != 0:
        raise DataError(
            f"data.input_format {chosen} does not fit the street digits, whose pixels are 0 to 1; "
            f"use {INFO.input_format}, or ufixed<W,0> with another number of bits"
        )
    _check(events, height_pixels, neighbours, contrast)
    rng = np.random.default_rng(seed)
    labels: Labels = rng.permutation(np.arange(events, dtype=np.int64) % 10)
    images = np.empty((events, PIXELS, PIXELS, 3), np.float32)
    for start in range(0, events, _CHUNK):
        part = slice(start, start + _CHUNK)
        ink = _ink(rng, labels[part], height_pixels, rotation_deg, shift_pixels, neighbours)
        images[part] = _coloured(rng, ink, contrast)
        images[part] = _blurred(rng, images[part], blur_pixels)
        deviation = rng.uniform(0, noise, (len(ink), 1, 1, 1)).astype(np.float32)
        images[part] += deviation * rng.standard_normal(images[part].shape, np.float32)
    train, validation, test = split_stratified(
        put_on_grid(chosen, images, saturate=True, where=INFO.name),
        labels,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    classes = tuple(str(digit) for digit in range(10))
    # A shifted digit stays the same digit; mirrored or turned far, it may become another, or none.
    return Dataset(INFO.name, chosen, classes, train, validation, test, symmetries=("shift",))


def _check(events: int, height_pixels: Range, neighbours: float, contrast: float) -> None:
    check_events(events, 3 * PIXELS**2)
    if len(height_pixels) != 2 or not 4 <= height_pixels[0] <= height_pixels[1] <= PIXELS:
        raise DataError(
            f"data.options.height_pixels: {list(height_pixels)} must be the smallest and the largest height, "
            f"between 4 and {PIXELS} pixels"
        )
    for name, value in (("neighbours", neighbours), ("contrast", contrast)):
        if not 0 <= value <= 1:
            raise DataError(f"data.options.{name}: {value:g} must lie between 0 and 1")


def _ink(
    rng: np.random.Generator,
    labels: Labels,
    height_pixels: Range,
    rotation_deg: float,
    shift_pixels: float,
    neighbours: float,
) -> Images:
    """Draw a digit and its neighbours; give the share of each pixel that ink covers, [events, 32, 32]."""
    masks, sizes = digit_masks()
    count = len(labels)
    font = rng.integers(len(FONTS), size=count)
    digits = rng.integers(10, size=(3, count))
    digits[0] = labels
    shown = rng.random((3, count)) < neighbours
    shown[0] = True
    height, width = np.moveaxis(sizes[font, digits], -1, 0)
    # Pixels of the mask per pixel of the image.
    scale = height[0] / rng.uniform(*height_pixels, count)
    stretch = rng.uniform(0.75, 1.1, count)
    shear = rng.uniform(-0.15, 0.15, count)
    angle = np.deg2rad(rng.uniform(-rotation_deg, rotation_deg, count))
    # Places along the line of print: in the middle, to the left, to the right.
    gap = rng.uniform(0.0, 5.0, (3, count))
    half = width / 2
    places = np.stack([np.zeros(count), -half[0] - gap[1] - half[1], half[0] + gap[2] + half[2]])
    centre = (PIXELS - 1) / 2 + rng.uniform(-shift_pixels, shift_pixels, (2, count))

    grid = np.arange(PIXELS, dtype=np.float32)
    rows = grid[:, None] - centre[0][:, None, None]
    columns = grid[None, :] - centre[1][:, None, None]
    cosine, sine, zoom = (values[:, None, None] for values in (np.cos(angle), np.sin(angle), scale))
    down = (cosine * rows - sine * columns) * zoom
    along = (sine * rows + cosine * columns) * zoom / stretch[:, None, None] + shear[:, None, None] * down
    ink = np.zeros((count, PIXELS, PIXELS), np.float32)
    for digit, place, visible in zip(digits, places, shown, strict=True):
        seen = np.flatnonzero(visible)
        middle = (SIDE - 1) / 2
        drawn = _sampled(
            masks[font[seen], digit[seen]], down[seen] + middle, (along - place[:, None, None])[seen] + middle
        )
        ink[seen] = np.maximum(ink[seen], drawn)
    return ink


def _sampled(masks: Images, row: npt.NDArray[np.floating], column: npt.NDArray[np.floating]) -> Images:
    """Read masks [events, SIDE, SIDE] at real positions, by bilinear interpolation with nothing outside."""
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    row, column = (np.clip(values + 1, 0, SIDE + 0.999).astype(np.float32) for values in (row, column))
    top, left = row.astype(np.int32), column.astype(np.int32)
    row -= top
    column -= left
    at = (np.arange(len(masks), dtype=np.int32)[:, None, None] * (SIDE + 2) + top) * (SIDE + 2) + left
    flat = padded.ravel()
    upper = flat[at] * (1 - column) + flat[at + 1] * column
    lower = flat[at + SIDE + 2] * (1 - column) + flat[at + SIDE + 3] * column
    result: Images = upper * (1 - row) + lower * row
    return result


def _coloured(rng: np.random.Generator, ink: Images, contrast: float) -> Images:
    """Put ink on a background; give images [events, 32, 32, 3]."""
    count = len(ink)
    base, colour = rng.random((2, count, 3), np.float32)
    # Walls and paint are seldom of one pure colour.
    for values in (base, colour):
        values += rng.uniform(0.2, 0.9, (count, 1)).astype(np.float32) * (values.mean(axis=1, keepdims=True) - values)
    # Where ink and background are about as bright, one of them moves towards black or white.
    weights = np.array([0.3, 0.6, 0.1], np.float32)
    wanted = contrast + (1 - contrast) * rng.beta(1, 2, count).astype(np.float32)
    wanted *= np.where(base @ weights < 0.5, 1, -1)
    colour += (base @ weights + wanted - colour @ weights)[:, None]
    grid = np.linspace(-1, 1, PIXELS, dtype=np.float32)
    rows, columns = grid[:, None], grid[None, :]
    background = np.broadcast_to(base[:, None, None], (count, PIXELS, PIXELS, 3)).copy()
    # Shadows: half planes with an edge at a random place, in a random shade.
    for _ in range(_EDGES):
        angle = rng.uniform(0, 2 * np.pi, (count, 1, 1)).astype(np.float32)
        place = rng.uniform(-0.2, 1.2, (count, 1, 1)).astype(np.float32)
        sharpness = rng.uniform(1, 20, (count, 1, 1)).astype(np.float32)
        side = np.clip((rows * np.sin(angle) + columns * np.cos(angle) - place) * sharpness + 0.5, 0, 1)
        shade = _SHADE * rng.uniform(-1, 1, (count, 1, 1, 3)).astype(np.float32)
        background += side[..., None] * shade
    alpha = (ink * rng.uniform(0.75, 1, (count, 1, 1)).astype(np.float32))[..., None]
    # Light falls off over the whole image, ink and all.
    slope = rng.uniform(-0.2, 0.2, (2, count, 1, 1)).astype(np.float32)
    light = (1 + slope[0] * rows + slope[1] * columns)[..., None]
    result: Images = (background * (1 - alpha) + colour[:, None, None] * alpha) * light
    return result


def _blurred(rng: np.random.Generator, images: Images, blur_pixels: float) -> Images:
    """Blur each image with a Gaussian of its own width, cut off at three pixels."""
    deviation = rng.uniform(0.1, max(blur_pixels, 0.1), (len(images), 1)).astype(np.float32)
    taps = np.exp(-0.5 * (np.arange(-3, 4, dtype=np.float32) / deviation) ** 2)
    taps = (taps / taps.sum(axis=1, keepdims=True))[..., None, None, None]
    for axis in (1, 2):
        edges = [(0, 0)] * 4
        edges[axis] = (3, 3)
        padded = np.pad(images, edges, mode="edge")
        images = sum(taps[:, n] * np.take(padded, range(n, n + PIXELS), axis) for n in range(7))
    return images

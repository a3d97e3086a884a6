"""Small random shifts and rotations of images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def shift_and_rotate(
    images: npt.NDArray[np.float32], rng: np.random.Generator, *, shift_pixels: float, rotation_deg: float
) -> npt.NDArray[np.float32]:
    """Move each image by its own random shift and rotation, with bilinear interpolation and zeros outside.

    Args:
        images: [events, height, width, channels].
        rng: Source of randomness.
        shift_pixels: Largest shift along each axis, in pixels.
        rotation_deg: Largest rotation about the image's centre, in degrees.

    Returns:
        Images of the same shape.
    """
    events, height, width, channels = images.shape
    angle = np.deg2rad(rng.uniform(-rotation_deg, rotation_deg, (events, 1, 1)))
    shift = rng.uniform(-shift_pixels, shift_pixels, (2, events, 1, 1))
    centre = (height - 1) / 2, (width - 1) / 2
    rows, columns = np.meshgrid(np.arange(height) - centre[0], np.arange(width) - centre[1], indexing="ij")
    # Where each pixel of the result comes from.
    row = np.cos(angle) * rows - np.sin(angle) * columns + shift[0] + centre[0]
    column = np.sin(angle) * rows + np.cos(angle) * columns + shift[1] + centre[1]
    top, left = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    down, right = (row - top).astype(np.float32), (column - left).astype(np.float32)
    # One ring of zeros takes all that lies outside.
    padded = np.zeros((events, height + 2, width + 2, channels), np.float32)
    padded[:, 1:-1, 1:-1] = images
    event = np.arange(events)[:, None, None]

    def at(r: npt.NDArray[np.int64], c: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        return padded[event, np.clip(r + 1, 0, height + 1), np.clip(c + 1, 0, width + 1)]

    down, right = down[..., None], right[..., None]
    upper = at(top, left) * (1 - right) + at(top, left + 1) * right
    lower = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
    result: npt.NDArray[np.float32] = upper * (1 - down) + lower * down
    return result

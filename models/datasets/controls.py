"""Control distributions: quantities of the events of a data set, one value per event."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trigcnn.models.datasets.base import Events

Floats = npt.NDArray[np.float64]


class Control(NamedTuple):
    """A quantity of events.

    Attributes:
        name: What it is.
        unit: Its unit, or the condition of what is counted.
        values: [events]; NaN for an event that has no such quantity.
    """

    name: str
    unit: str
    values: Floats


class Ellipses(NamedTuple):
    """First and second moments of images, in pixels and radians; NaN for an image without any light.

    Attributes:
        length: rms along the major axis.
        width: rms across it.
        distance: From the image's centre of gravity to the centre of the pixels.
        alpha: Angle between the major axis and the line between these two, 0 to a right angle.
    """

    length: Floats
    width: Floats
    distance: Floats
    alpha: Floats


def ellipses(images: Floats) -> Ellipses:
    """Measure images of [events, rows, columns] by their moments, as Hillas did; no value is negative.

    >>> image = np.zeros((1, 5, 5))
    >>> image[0, 2, [2, 4]] = 1
    >>> [float(value[0]) for value in ellipses(image)]
    [1.0, 0.0, 1.0, 0.0]
    """
    rows, columns = (np.arange(size) - (size - 1) / 2 for size in images.shape[1:])
    total = images.sum(axis=(1, 2))
    share = images / np.where(total > 0, total, np.nan)[:, None, None]
    down, along = share.sum(axis=2), share.sum(axis=1)
    y, x = down @ rows, along @ columns
    yy, xx = down @ rows**2 - y * y, along @ columns**2 - x * x
    xy = np.einsum("nrc,r,c->n", share, rows, columns, optimize=True) - x * y
    apart = np.hypot(xx - yy, 2 * xy)
    length, width = (np.sqrt(np.maximum(xx + yy + sign * apart, 0) / 2) for sign in (1, -1))
    turned = np.arctan2(2 * xy, xx - yy) / 2 - np.arctan2(y, x)
    return Ellipses(length, width, np.hypot(x, y), np.abs(np.arctan(np.tan(turned))))


def of_any(events: Events) -> tuple[Control, ...]:
    """Return quantities of any image or vector; colours are added up.

    Args:
        events: [events, rows, columns, channels] or any other shape.
    """
    values = events.astype(np.float64)
    flat = values.reshape(len(values), -1)
    if values.ndim != 4:
        return (
            Control("mean", "input units", flat.mean(axis=1)),
            Control("standard deviation", "input units", flat.std(axis=1)),
            Control("smallest value", "input units", flat.min(axis=1)),
            Control("largest value", "input units", flat.max(axis=1)),
        )
    least = values.max() / 2
    shape = ellipses(np.maximum(values.sum(axis=3), 0))
    return (
        Control("sum of all values", "input units", flat.sum(axis=1)),
        Control("values", f"above {least:.3g}, half the largest", np.count_nonzero(flat > least, axis=1).astype(float)),
        Control("length (rms)", "pixels", shape.length),
        Control("width (rms)", "pixels", shape.width),
    )

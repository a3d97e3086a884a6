"""Layers that take a part of a tensor, in the place of a slice."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from trigcnn.common.keras2 import bring_up
from trigcnn.models.errors import ModelError


class Adder(Protocol):
    """What adds layers; see `operators.Call`."""

    def add(self, kind: str, inputs: Any, *, weights: Any = None, **options: Any) -> Any:
        """Add a layer."""

    def refused(self, reason: str, fix: str) -> ModelError:
        """Return the error."""


def taken(call: Adder, x: Any, spec: Any) -> Any:
    """Add the layers that take a part of a tensor.

    Pixels are cropped, and taken in steps by a pooling of one pixel. Channels and features are chosen by a dense layer
    of zeros and ones. An axis with one index is then removed.

    Args:
        call: What adds layers.
        x: The tensor, [events, ...].
        spec: What `x[spec]` would take: slices, numbers, an ellipsis.

    Raises:
        ModelError: It takes events, adds an axis, goes backwards, or takes nothing.
    """
    shape = tuple(int(size) for size in x.shape[1:])
    indices, kept = _indices(call, shape, spec)
    *pixels, channels = zip(shape, indices, strict=True)
    if any(list(chosen) != list(range(size)) for size, chosen in pixels):
        if len(pixels) not in (1, 2):
            raise call.refused(f"no layer crops a tensor of {len(shape)} axes", "crop series or images")
        crops = [(chosen[0], size - 1 - chosen[-1]) for size, chosen in pixels]
        if np.any(crops):
            x = call.add(f"Cropping{len(pixels)}D", x, cropping=crops[0] if len(crops) == 1 else tuple(crops))
        steps = tuple(chosen.step for _, chosen in pixels)
        if any(step > 1 for step in steps):
            x = call.add(f"MaxPooling{len(pixels)}D", x, pool_size=1, strides=steps if len(steps) > 1 else steps[0])
    size, chosen = channels
    if list(chosen) != list(range(size)):
        quantizer = bring_up().qkeras.quantized_bits(2, 1, alpha=1)
        one_hot = np.eye(size, dtype=np.float32)[:, list(chosen)]
        x = call.add("QDense", x, weights=[one_hot], units=len(chosen), use_bias=False, kernel_quantizer=quantizer)
    if not all(kept):
        left = tuple(len(chosen) for chosen, stays in zip(indices, kept, strict=True) if stays)
        x = call.add("Reshape", x, target_shape=left or (1,))
    return x


def _indices(call: Adder, shape: tuple[int, ...], spec: Any) -> tuple[list[range], list[bool]]:
    """Return the indices that are taken along each axis but the events', and whether the axis stays."""
    given = [_plain(one) for one in (spec if isinstance(spec, (list, tuple)) else [spec])]
    if any(one is None for one in given):
        raise call.refused("no layer adds an axis in a slice", "use a Reshape")
    axes = len(shape) + 1
    if Ellipsis in given:
        place = given.index(Ellipsis)
        given[place : place + 1] = [slice(None)] * (axes - len(given) + 1)
    given += [slice(None)] * (axes - len(given))
    if given[0] != slice(None):
        raise call.refused("it takes some of the events", "write x[:, ...]")
    indices = []
    for size, one in zip(shape, given[1:], strict=True):
        found = range(size)[one] if isinstance(one, slice) else range(size)[one : one + 1 or None]
        if not found or found.step < 0:
            raise call.refused("no layer takes nothing, or pixels backwards", "take at least one, with a positive step")
        # Steps count from the last index that is taken.
        indices.append(range(found[0], found[-1] + 1, found.step))
    return indices, [isinstance(one, slice) for one in given[1:]]


def _plain(one: Any) -> Any:
    """Return a slice of plain numbers: Keras keeps slices as dictionaries."""
    if isinstance(one, dict):
        one = slice(one["start"], one["stop"], one["step"])
    if isinstance(one, slice):
        return slice(*(None if end is None else int(end) for end in (one.start, one.stop, one.step)))
    return one if one is None or one is Ellipsis else int(one)

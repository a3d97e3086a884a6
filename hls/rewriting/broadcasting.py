"""Tensors of several shapes in a merge: each value is repeated as Keras repeats it."""

from __future__ import annotations

from typing import Any

import numpy as np

from trigcnn.hls.rewriting.site import Site


def broadcast(site: Site) -> list[Any]:
    """Return the inputs of a merge, brought to one shape; hls4ml may repeat values along another axis than Keras."""
    shapes = [tuple(map(int, x.shape[1:])) for x in site.inputs]
    rank = max(map(len, shapes))
    # Keras adds missing axes in front.
    shapes = [(*[1] * (rank - len(shape)), *shape) for shape in shapes]
    whole = tuple(map(max, *shapes))
    return [_repeated(site, x, shape, whole) for x, shape in zip(site.inputs, shapes, strict=True)]


def _repeated(site: Site, x: Any, shape: tuple[int, ...], whole: tuple[int, ...]) -> Any:
    if shape == whole and len(x.shape) == len(whole) + 1:
        return x
    producer = x.node.layer.name
    site.note(f"the values of {producer} were repeated along the axes that have a length of 1 there")
    if len(x.shape) != len(shape) + 1:
        x = site.state.plain("Reshape", site.added("axes"), x, target_shape=shape)
    if shape[-1] != whole[-1]:
        x = _channels(site, x, whole[-1])
    factors = tuple(n // own for n, own in zip(whole[:-1], shape[:-1], strict=True))
    if any(factor > 1 for factor in factors):
        size = factors if len(factors) > 1 else factors[0]
        x = site.state.plain(f"UpSampling{len(factors)}D", site.added("repeated"), x, size=size)
    return x


def _channels(site: Site, x: Any, count: int) -> Any:
    """One channel as many: a convolution of one pixel whose weights are 1."""
    name, pixels = site.added("channels"), (1,) * (len(x.shape) - 2)
    kernel = np.ones((*pixels, 1, count))
    if not pixels:
        return site.state.plain("Dense", name, x, [kernel], units=count, use_bias=False)
    options = {"filters": count, "kernel_size": pixels, "use_bias": False}
    return site.state.plain(f"Conv{len(pixels)}D", name, x, [kernel], **options)

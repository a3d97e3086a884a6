"""Rules for pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trigcnn.hls.rewriting.constants import ScaleAndShift
from trigcnn.hls.rewriting.convolutions import convolve_depthwise, same_padding
from trigcnn.hls.rewriting.means import divided
from trigcnn.hls.rewriting.site import Site, activated, frozen_weights


def maximum_pooling(site: Site) -> Any:
    """MaxPooling1D and MaxPooling2D."""
    layer = site.layer
    x = site.x
    padding = (
        same_padding(x.shape[1:-1], layer.pool_size, layer.strides)
        if layer.padding == "same"
        else ((0, 0),) * len(layer.pool_size)
    )
    given = site.state.range_of(x)
    behind = None
    if any(side for axis in padding for side in axis):
        if given.least < 0 and site.state.options.io_type != "io_stream":
            options = {"pool_size": layer.pool_size, "strides": layer.strides, "padding": "same"}
            return site.state.plain(type(layer).__name__, site.name, x, **options)
        if given.least < 0:
            site.note("its padding became zeros around values to which a constant is added, so that none is negative")
            behind = given.least * 2.0**-given.fraction
            x = _shifted(site, x, -behind)
        else:
            site.note("its padding became zeros around the image, which is exact since no pixel is negative")
        kind = f"ZeroPadding{len(padding)}D"
        x = site.state.plain(kind, site.added("padding"), x, padding=padding if len(padding) > 1 else padding[0])
    if _in_steps(site, layer.pool_size, layer.strides):
        site.note("hls4ml has no such pooling in io_stream; it became maxima of what convolutions with one 1 each pick")
        x = _maximum_of_taps(site, x, layer.pool_size, layer.strides)
    else:
        options = {"pool_size": layer.pool_size, "strides": layer.strides, "padding": "valid"}
        x = site.state.plain(type(layer).__name__, site.name, x, **options)
    return x if behind is None else _shifted(site, x, behind)


def _shifted(site: Site, x: Any, summand: float) -> Any:
    ones = np.ones(int(x.shape[-1]))
    constants = ScaleAndShift.exactly(ones, summand * ones, site.state.range_of(x))
    return site.state.scale_shift(x, site.added("shifted"), constants)


def _in_steps(site: Site, pool: Any, strides: Any) -> bool:
    """Return whether the windows overlap or leave gaps, which hls4ml's streams do not have."""
    return site.state.options.io_type == "io_stream" and tuple(pool) != tuple(strides)


def _maximum_of_taps(site: Site, x: Any, pool: Sequence[int], strides: Sequence[int]) -> Any:
    """A maximum along one axis after the other: what stands in each place of the window, and the largest of these."""
    ones = [1] * len(pool)
    axes = [axis for axis in range(len(pool)) if (pool[axis], strides[axis]) != (1, 1)]
    for axis in axes:
        size = [*ones[:axis], pool[axis], *ones[axis + 1 :]]
        step = (*ones[:axis], strides[axis], *ones[axis + 1 :])
        largest = None
        for tap in range(pool[axis]):
            kernel = np.zeros((*size, int(x.shape[-1]), 1))
            kernel[(*(0,) * axis, tap)] = 1
            last = axis == axes[-1] and tap == pool[axis] - 1
            name = site.name if last and largest is None else site.added("tap")
            picked = convolve_depthwise(site, name, kernel, [], step, "valid", x)
            merged = largest is not None
            name = site.name if last else site.added("maximum")
            largest = _larger(site, name, largest, picked) if merged else picked
        x = largest
    return x


def _larger(site: Site, name: str, a: Any, b: Any) -> Any:
    """The larger of two, which is the second and what the first has more."""
    if "Maximum" not in site.state.options.lacking:
        return site.state.plain("Maximum", name, [a, b])
    difference = site.state.plain("Subtract", site.added("difference"), [a, b])
    return site.state.plain("Add", name, [b, site.state.quantize(difference, site.added("more"), "relu")])


def average_pooling(site: Site) -> Any:
    """AveragePooling1D, AveragePooling2D and QAveragePooling2D."""
    return _mean(site, tuple(site.layer.pool_size), tuple(site.layer.strides))


def global_average_pooling(site: Site) -> Any:
    """GlobalAveragePooling1D, GlobalAveragePooling2D and QGlobalAveragePooling2D."""
    window = tuple(int(n) for n in site.x.shape[1:-1])
    return _mean(site, window, (1,) * len(window))


def _mean(site: Site, window: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    """The mean over a window, and what QKeras adds: a quantized factor 1 / count, and an activation."""
    layer, x = site.layer, site.x
    count = int(np.prod(window))
    kind = type(layer).__name__.removeprefix("Q")
    quantized = getattr(layer, "average_quantizer_internal", None) is not None
    if count & (count - 1) and not quantized:
        ones = np.ones((*window, int(x.shape[-1]), 1))
        sums = convolve_depthwise(site, site.added("sum"), ones, [], strides, "valid")
        if kind.startswith("Global"):
            sums = site.state.plain("Flatten", site.added("flatten"), sums)
        result = divided(site, sums, count)
    elif (
        site.state.options.mean
        and not quantized
        and (kind.startswith("Global") or not _in_steps(site, window, strides))
    ):
        options = {} if kind.startswith("Global") else {"pool_size": window, "strides": strides, "padding": "valid"}
        result = site.state.plain(kind, site.name, x, **options)
    else:
        factor = float(frozen_weights(site, "average", 1.0 / count).values) if quantized else 1.0 / count
        site.note(f"it became a depthwise convolution with the {'quantized ' if quantized else ''}factor {factor:g}")
        kernel = np.full((*window, int(x.shape[-1]), 1), factor)
        result = convolve_depthwise(site, site.name, kernel, [], strides, "valid")
        if count & (count - 1):
            # QKeras divides by the count, and then multiplies by it.
            site.state.divided.add(site.name)
        if kind.startswith("Global"):
            result = site.state.plain("Flatten", site.added("flatten"), result)
    return activated(site, _kept(site, result) if kind.startswith("Global") else result)


def global_maximum_pooling(site: Site) -> Any:
    """GlobalMaxPooling1D and GlobalMaxPooling2D."""
    return _kept(site, site.state.plain(type(site.layer).__name__, site.name, site.x))


def _kept(site: Site, x: Any) -> Any:
    """What keepdims=True does."""
    if not site.layer.keepdims:
        return x
    site.note("the axes that it keeps became a Reshape")
    shape = (*(1 for _ in site.x.shape[1:-1]), int(site.x.shape[-1]))
    return site.state.plain("Reshape", site.added("axes"), x, target_shape=shape)

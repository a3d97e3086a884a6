"""Rules for the layers that multiply by weights: all become convolutions or dense layers of Keras'."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trigcnn.hls.rewriting.constants import rounded_bias
from trigcnn.hls.rewriting.quantizers import WEIGHT_BITS, Frozen, common_format
from trigcnn.hls.rewriting.site import Site, activated, bias_weights, frozen_weights, weights


def convolution(site: Site) -> Any:
    """QConv1D and QConv2D."""
    layer = site.layer

    def sums(name: str, kernel: Any, bias: list[Any]) -> Any:
        return _convolve(site, site.x, name, _ungrouped(site, kernel), bias, layer.strides, layer.padding)

    return activated(site, _with_factor(site, site.name, weights(site, "kernel"), bias_weights(site), sums))


def depthwise(site: Site) -> Any:
    """QDepthwiseConv2D."""
    return activated(site, _depthwise(site, site.name, weights(site, "depthwise"), bias_weights(site)))


def separable(site: Site) -> Any:
    """QSeparableConv1D and QSeparableConv2D."""
    site.note("it became a depthwise convolution and a convolution of one pixel")
    x = _depthwise(site, site.added("depthwise"), weights(site, "depthwise"), None)

    def sums(name: str, kernel: Any, bias: list[Any]) -> Any:
        ones = 1 if kernel.ndim == 3 else (1, 1)
        return _convolve(site, x, name, kernel, bias, ones, "valid")

    return activated(site, _with_factor(site, site.name, weights(site, "pointwise"), bias_weights(site), sums))


def dense(site: Site) -> Any:
    """QDense."""

    def sums(name: str, kernel: Any, bias: list[Any]) -> Any:
        if len(site.x.shape) == 2:
            options = {"units": kernel.shape[-1], "use_bias": bool(bias)}
            return site.state.plain("Dense", name, site.x, [kernel, *bias], **options)
        ones = (1,) * (len(site.x.shape) - 2)
        site.note("a dense layer on each pixel is a convolution of one pixel")
        return _convolve(site, site.x, name, kernel.reshape(*ones, *kernel.shape), bias, ones, "valid")

    return activated(site, _with_factor(site, site.name, weights(site, "kernel"), bias_weights(site), sums))


def folded(site: Site) -> Any:
    """Rewrite QConv2DBatchnorm and QDepthwiseConv2DBatchnorm: they quantize the folded kernel, so it is constant."""
    layer = site.layer
    kernel, bias = layer.get_folded_weights()
    is_depthwise = "Depthwise" in type(layer).__name__
    constants = frozen_weights(site, "depthwise" if is_depthwise else "kernel", kernel)
    quantizer = layer.bias_quantizer_internal
    shift = np.asarray(bias if quantizer is None else quantizer(bias), np.float64)
    if quantizer is None and constants.factor is None:
        exact, whole = shift, constants.values if is_depthwise else _ungrouped(site, constants.values)
        shift = rounded_bias(exact, whole, site.state.range_of(site.x), depthwise=is_depthwise)
        if not np.array_equal(shift, exact):
            site.state.bias_errors[site.name] = np.abs(shift - exact)
    site.note("its batch normalization was folded into kernel and bias")
    if is_depthwise:
        return activated(site, _depthwise(site, site.name, constants, shift, wide_bias=quantizer is None))

    def sums(name: str, kernel: Any, bias: list[Any]) -> Any:
        return _convolve(site, site.x, name, _ungrouped(site, kernel), bias, layer.strides, layer.padding)

    return activated(site, _with_factor(site, site.name, constants, shift, sums, wide_bias=quantizer is None))


def _depthwise(site: Site, name: str, constants: Frozen, bias: Any, *, wide_bias: bool = False) -> Any:
    """A depthwise convolution, whose factors are those of each input channel's filters."""
    layer, channels = site.layer, int(site.x.shape[-1])
    factor = None if constants.factor is None else np.tile(constants.factor, channels)

    def sums(name: str, kernel: Any, bias: list[Any]) -> Any:
        return convolve_depthwise(site, name, kernel, bias, layer.strides, layer.padding)

    return _with_factor(site, name, Frozen(constants.values, factor), bias, sums, wide_bias=wide_bias)


def _with_factor(
    site: Site,
    name: str,
    constants: Frozen,
    bias: Any,
    sums: Callable[[str, Any, list[Any]], Any],
    *,
    wide_bias: bool = False,
) -> Any:
    """Multiply by constants and add a bias, with a factor behind the sums where the constants or the bias need it.

    Args:
        site: The layer.
        name: Name of the layer that multiplies.
        constants: What it multiplies by.
        bias: [channels]; None for none.
        sums: Adds that layer, from its name, its kernel and its bias.
        wide_bias: Whether the layer itself may have a bias of more than 24 bits.
    """
    narrow = wide_bias or bias is None or common_format(bias).width <= WEIGHT_BITS
    if constants.factor is None and narrow:
        return sums(name, constants.values, [] if bias is None else [bias])
    x = sums(name, constants.values, [])
    # Keras adds up products with rounded weights.
    site.state.divided.add(name)
    channels = int(x.shape[-1])
    factor = np.ones(channels) if constants.factor is None else constants.factor
    shift = np.zeros(channels) if bias is None else bias
    return site.state.scale_shift_nearly(x, site.state.names.added(name, "factor"), factor, shift)


def _convolve(site: Site, x: Any, name: str, kernel: Any, bias: list[Any], strides: Any, padding: str) -> Any:
    kernel = _dilated(site, kernel)
    if padding == "causal":
        site.note("its causal padding became zeros before the first value")
        x = site.state.plain("ZeroPadding1D", site.added("padding"), x, padding=(kernel.shape[0] - 1, 0))
        padding = "valid"
    if kernel.shape[:-2] != (1, 1):
        x, kernel, padding = _two_rows(site, x, kernel, strides, padding)
    return site.state.plain(
        f"Conv{kernel.ndim - 2}D",
        name,
        x,
        [kernel, *bias],
        filters=kernel.shape[-1],
        kernel_size=kernel.shape[:-2],
        strides=strides,
        padding=padding,
        use_bias=bool(bias),
    )


def convolve_depthwise(
    site: Site, name: str, kernel: Any, bias: list[Any], strides: Any, padding: str, x: Any = None
) -> Any:
    """Add a depthwise convolution; hls4ml has one filter per channel only, and none with Resource in io_parallel.

    Keras has equal strides only. By default it reads what the layer reads.
    """
    options, x = site.state.options, site.x if x is None else x
    resource = site.layer.name in options.resource and options.io_type == "io_parallel"
    if options.depthwise and kernel.shape[-1] == 1 and not resource and len(set(strides)) == 1:
        x, kernel, padding = _two_rows(site, x, _dilated(site, kernel), strides, padding)
        one = strides[0] if kernel.ndim == 3 else strides
        return site.state.plain(
            f"DepthwiseConv{kernel.ndim - 2}D",
            name,
            x,
            [kernel, *bias],
            kernel_size=kernel.shape[:-2],
            strides=one,
            padding=padding,
            use_bias=bool(bias),
        )
    channels, times = kernel.shape[-2:]
    full = np.zeros((*kernel.shape[:-1], channels * times))
    for channel in range(channels):
        full[..., channel, channel * times : (channel + 1) * times] = kernel[..., channel, :]
    site.note("hls4ml has no such depthwise convolution; it became a convolution with zeros between channels")
    return _convolve(site, x, name, full, bias, strides, padding)


def _two_rows(site: Site, x: Any, kernel: Any, strides: Any, padding: str) -> tuple[Any, Any, str]:
    """In io_stream, hls4ml steps down by one row where a kernel has one: a row of zeros below makes it two."""
    if site.state.options.io_type != "io_stream" or kernel.ndim != 4 or kernel.shape[0] > 1 or strides[0] == 1:
        return x, kernel, padding
    site.note("its kernel of one row got a second one of zeros, and the image a last one, which hls4ml's strides need")
    sides = same_padding(x.shape[2:3], kernel.shape[1:2], strides[1:]) if padding == "same" else ((0, 0),)
    x = site.state.plain("ZeroPadding2D", site.added("rows"), x, padding=((0, 1), *sides))
    return x, np.concatenate([kernel, np.zeros_like(kernel)]), "valid"


def same_padding(sizes: Sequence[int], windows: Sequence[int], strides: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Return what padding='same' adds on both sides of each axis, as TensorFlow does."""
    pads = []
    for size, window, stride in zip(sizes, windows, strides, strict=True):
        missing = max((-(-size // stride) - 1) * stride + window - size, 0)
        pads.append((missing // 2, missing - missing // 2))
    return tuple(pads)


def _ungrouped(site: Site, kernel: Any) -> Any:
    """Each group of filters sees its share of the channels only: zeros elsewhere."""
    groups = site.layer.groups
    if groups == 1:
        return kernel
    site.note(f"its {groups} groups became one kernel with zeros between them")
    inputs, filters = kernel.shape[-2] * groups, kernel.shape[-1]
    full = np.zeros((*kernel.shape[:-2], inputs, filters))
    for group in range(groups):
        rows = slice(group * inputs // groups, (group + 1) * inputs // groups)
        columns = slice(group * filters // groups, (group + 1) * filters // groups)
        full[..., rows, columns] = kernel[..., columns]
    return full


def _dilated(site: Site, kernel: Any) -> Any:
    """Zeros between the taps."""
    rates = getattr(site.layer, "dilation_rate", 1)
    rates = rates if isinstance(rates, (tuple, list)) else (rates,)
    axes = kernel.ndim - 2
    if all(rate == 1 for rate in rates) or kernel.shape[:axes] == (1,) * axes:
        return kernel
    site.note("its dilation became zeros between the taps of the kernel")
    shape = tuple((size - 1) * rate + 1 for size, rate in zip(kernel.shape, rates, strict=False))
    full = np.zeros((*shape, *kernel.shape[axes:]))
    full[tuple(slice(None, None, rate) for rate in rates)] = kernel
    return full

"""Rules: how each class of layer is rewritten into the normal form."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from trigcnn.common.keras2 import made_again
from trigcnn.hls.admission import label
from trigcnn.hls.admission.layers import TRAINING_ONLY
from trigcnn.hls.admission.rows import power_of_two
from trigcnn.hls.rewriting.broadcasting import broadcast
from trigcnn.hls.rewriting.constants import (
    FLOAT32_BITS,
    ROOM_BITS,
    ScaleAndShift,
    fold_batch_normalization,
    fold_rescaling,
)
from trigcnn.hls.rewriting.convolutions import convolution, convolve_depthwise, dense, depthwise, folded, separable
from trigcnn.hls.rewriting.means import divided
from trigcnn.hls.rewriting.pooling import (
    average_pooling,
    global_average_pooling,
    global_maximum_pooling,
    maximum_pooling,
)
from trigcnn.hls.rewriting.site import Site, quantized


def _activation(site: Site) -> Any:
    return quantized(site, site.x, site.name, site.layer.activation)


def _qactivation(site: Site) -> Any:
    return quantized(site, site.x, site.name, site.layer.quantizer)


def _relu(site: Site) -> Any:
    return quantized(site, site.x, site.name, site.layer)


def _softmax(site: Site) -> Any:
    return quantized(site, site.x, site.name, "softmax")


def logits(tensor: Any) -> Any:
    """Return the tensor before a softmax or sigmoid that ends a model."""
    layer = tensor.node.layer
    keras = sys.modules["tf_keras"]
    if isinstance(layer, keras.layers.Softmax):
        return layer.input
    if label(getattr(layer, "activation", None)) not in ("softmax", "sigmoid"):
        return tensor
    if type(layer).__name__ in ("Activation", "QActivation"):
        return layer.input
    return without_activation(layer)


def without_activation(layer: Any) -> Any:
    """Return the result of a layer without its argument `activation`."""
    clone = made_again(layer, activation=None)
    result = clone(layer.input)
    clone.set_weights(layer.get_weights())
    return result


def _removed(site: Site) -> Any:
    site.note(f"a {type(site.layer).__name__} has no effect when the model is applied, and was removed")
    return site.x


def _normalization(site: Site) -> Any:
    x = site.state.narrowed(site.x, site.name)
    return _scaled(site, x, fold_batch_normalization(site.layer, site.state.range_of(x)))


def _rescaling(site: Site) -> Any:
    x = site.state.narrowed(site.x, site.name)
    return _scaled(site, x, fold_rescaling(site.layer, site.state.range_of(x)))


def _scaled(site: Site, x: Any, constants: ScaleAndShift) -> Any:
    if constants.term_fraction is not None:
        precision = "exact in few bits"
    elif (constants.scale_error <= np.abs(constants.scale) * 2.0**-FLOAT32_BITS).all():
        precision = "as exact as float32"
    else:
        precision = f"of at most {constants.bits} bits, so that no sum needs more than {ROOM_BITS}"
    site.note(f"it became one factor and one summand per channel, {precision}")
    return site.state.scale_shift(x, site.name, constants)


def _permute(site: Site) -> Any:
    """In io_stream, hls4ml transposes a matrix even where the axes stay."""
    if list(site.layer.dims) == sorted(site.layer.dims):
        site.note("it keeps the order of the axes, and was removed")
        return site.x
    return _copied("dims")(site)


def _reshape(site: Site) -> Any:
    """In io_stream, hls4ml repacks words only where one of their sizes divides the other: one value at a time does.

    No other rule makes a layer of which neither does; of others, hls4ml would silently drop values.
    """
    target = tuple(int(n) for n in site.layer.output_shape[1:])
    sizes = sorted((int(site.x.shape[-1]), target[-1]))
    x = site.x
    if site.state.options.io_type == "io_stream" and sizes[1] % sizes[0]:
        site.note("its values first become pixels of one channel, since hls4ml cannot repack the words of its stream")
        x = site.state.plain("Reshape", site.added("values"), x, target_shape=(int(np.prod(target)), 1))
    return site.state.plain("Reshape", site.name, x, target_shape=target)


def _copied(*fields: str) -> Callable[[Site], Any]:
    """The layer as it is, with some fields of its configuration."""

    def rule(site: Site) -> Any:
        options = {name: site.config[name] for name in fields}
        return site.state.plain(type(site.layer).__name__, site.name, site.x, **options)

    return rule


def _merge(site: Site) -> Any:
    """hls4ml merges two tensors at a time."""
    kind = type(site.layer).__name__
    options = {"axis": site.layer.axis} if kind == "Concatenate" else {}
    first, *others = site.inputs if kind == "Concatenate" else broadcast(site)
    if len(others) > 1:
        site.note(f"{len(site.inputs)} inputs are merged two at a time")
    for number, other in enumerate(others, 1):
        name = site.name if number == len(others) else site.added(str(number))
        first = site.state.plain(kind, name, [first, other], **options)
    return first


def _cropping(site: Site) -> Any:
    """The first window begins with the cropped pixels, and takes the one behind them."""
    crops = np.reshape(site.layer.cropping, (-1, 2))
    if not crops.any():
        site.note("it crops nothing, and was removed")
        return site.x
    site.note("it became a depthwise convolution with one tap of 1 and zeros")
    kernel = np.zeros((*(crops.sum(axis=1) + 1), int(site.x.shape[-1]), 1))
    kernel[tuple(crops[:, 0])] = 1.0
    return convolve_depthwise(site, site.name, kernel, [], (1,) * len(crops), "valid")


def _average(site: Site) -> Any:
    if power_of_two(len(site.inputs)):
        site.note(f"it became a sum and the factor 1/{len(site.inputs)}")
    first, *others = broadcast(site)
    for number, other in enumerate(others, 1):
        first = site.state.plain("Add", site.added(str(number)), [first, other])
    return divided(site, first, len(site.inputs))


RULES: dict[str, Callable[[Site], Any]] = {
    "Activation": _activation,
    "QActivation": _qactivation,
    "ReLU": _relu,
    "LeakyReLU": _relu,
    "ThresholdedReLU": _relu,
    "Softmax": _softmax,
    "QConv1D": convolution,
    "QConv2D": convolution,
    "QDepthwiseConv2D": depthwise,
    "QSeparableConv1D": separable,
    "QSeparableConv2D": separable,
    "QDense": dense,
    "QConv2DBatchnorm": folded,
    "QDepthwiseConv2DBatchnorm": folded,
    "BatchNormalization": _normalization,
    "QBatchNormalization": _normalization,
    "Rescaling": _rescaling,
    "MaxPooling1D": maximum_pooling,
    "MaxPooling2D": maximum_pooling,
    "AveragePooling1D": average_pooling,
    "AveragePooling2D": average_pooling,
    "QAveragePooling2D": average_pooling,
    "GlobalMaxPooling1D": global_maximum_pooling,
    "GlobalMaxPooling2D": global_maximum_pooling,
    "GlobalAveragePooling1D": global_average_pooling,
    "GlobalAveragePooling2D": global_average_pooling,
    "QGlobalAveragePooling2D": global_average_pooling,
    "ZeroPadding1D": _copied("padding"),
    "ZeroPadding2D": _copied("padding"),
    "Cropping1D": _cropping,
    "Cropping2D": _cropping,
    "UpSampling1D": _copied("size"),
    "UpSampling2D": _copied("size"),
    "Flatten": _copied(),
    "Reshape": _reshape,
    "Permute": _permute,
    "Add": _merge,
    "Subtract": _merge,
    "Multiply": _merge,
    "Maximum": _merge,
    "Minimum": _merge,
    "Average": _average,
    "Concatenate": _merge,
    **dict.fromkeys(TRAINING_ONLY, _removed),
}

"""Rows of the fields that several classes of layers share.

A few fields are not configuration: `name`, `uses`, `training`, `input_shape` and `inputs` say how the model uses the
layer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trigcnn.hls.admission.quantizers import ACTIVATION, ACTIVATIONS, WEIGHTS
from trigcnn.hls.admission.rows import Place, Rows, exact, one_of, power_of_two, refused, rewritten

ALWAYS = (
    *exact("dtype", "float32", one_of("float32")),
    *refused(
        "dtype",
        "others",
        "other numbers",
        "Keras rounds its values to this type, or truncates them to whole numbers, and the hardware does not",
        "use float32",
    ),
    *exact("name", "any; where it is not safe in C++ and RTL, the layer has another one there"),
    *exact("uses", "1", one_of(1)),
    *refused(
        "uses",
        "more",
        "other numbers",
        "hls4ml would mix up the results of the two uses",
        "make one layer per use",
    ),
    *exact("training", "False", one_of(False)),
    *refused(
        "training",
        "True",
        "other numbers",
        "the layer is random, or uses the mean of the batch; the hardware is neither",
        "call it without",
    ),
)
CHANNELS_LAST = (
    *exact("data_format", "channels_last", one_of("channels_last")),
    *refused(
        "data_format",
        "channels_first",
        "does not compile",
        "hls4ml reads the data in another order, and Keras cannot compute it on a CPU",
        "use channels_last",
    ),
)


def weights(*roles: str) -> Rows:
    """Rows of the quantizers of weights, by role."""
    rows: Rows = ()
    for role in roles:
        rows += (
            *refused(
                f"{role}_quantizer",
                "none",
                "other numbers",
                "hls4ml rounds the weights to its own number format",
                "set quantized_bits(bits, integer, alpha=1), or hls.float_weights: round",
                one_of(None),
            ),
            *_quantized(role),
        )
    return rows


def _quantized(role: str) -> Rows:
    return (
        *rewritten(f"{role}_quantizer", "a quantizer", "its constants; see *Weights*", lambda q, _: q in WEIGHTS),
        *refused(
            f"{role}_quantizer",
            "others",
            "other numbers",
            "its values are not constant, or not known to be exact",
            f"use {' or '.join(WEIGHTS)}",
        ),
    )


BIAS = (
    *exact("use_bias", "True, False", one_of(True, False)),
    *refused(
        "bias_quantizer",
        "none, with a bias",
        "other numbers",
        "hls4ml rounds the bias to its own number format",
        "set quantized_bits(bits, integer, alpha=1), use_bias=False, or hls.float_weights: round",
        lambda q, place: q is None and place.layer.use_bias,
    ),
    *exact("bias_quantizer", "none, without a bias", one_of(None)),
    *_quantized("bias"),
)
FOLDED_BIAS = (
    *exact("use_bias", "True, False", one_of(True, False)),
    *rewritten(
        "bias_quantizer",
        "none",
        "a bias of the bits that float32 has",
        one_of(None),
    ),
    *_quantized("bias"),
)


def _ones(value: Any, _place: Place) -> bool:
    return all(v == 1 for v in np.ravel(value))


_DILATION = (
    *exact("dilation_rate", "1", _ones),
    *rewritten("dilation_rate", "larger", "a larger kernel with zeros between its taps"),
)
_NO_GROUPS = exact("groups", "1", one_of(1))
_GROUPS = (*_NO_GROUPS, *rewritten("groups", "more", "a kernel with zeros between the groups"))
_PADDING = exact("padding", "valid, same", one_of("valid", "same"))
CAUSAL = rewritten("padding", "causal", "a ZeroPadding1D before it", one_of("causal"))
_WINDOW = exact("kernel_size strides")
CONVOLUTION = (
    *ALWAYS, *exact("filters"), *_WINDOW, *_PADDING, *CHANNELS_LAST, *_DILATION, *_GROUPS, *ACTIVATION,
)  # fmt: skip
DEPTHWISE = (
    *ALWAYS,
    *_WINDOW,
    *_PADDING,
    *CHANNELS_LAST,
    *_DILATION,
    *_NO_GROUPS,
    *ACTIVATION,
    *rewritten(
        "depth_multiplier",
        "any",
        "a convolution with zeros between the channels; hls4ml has no such depthwise convolution",
        io_type="io_parallel",
        strategy="Resource",
    ),
    *exact("depth_multiplier", "1", one_of(1)),
    *rewritten("depth_multiplier", "more", "a convolution with zeros between the channels"),
)
SEPARABLE = (*DEPTHWISE, *exact("filters"), *weights("depthwise", "pointwise"), *BIAS)
NORMALIZATION = (
    *ALWAYS,
    *exact("epsilon"),
    *exact("center scale", "True, False", one_of(True, False)),
    *rewritten(
        "axis",
        "the last",
        "one factor and one summand per channel: exact in few bits, or as exact as float32",
        lambda axis, place: list(np.ravel(axis)) in ([len(place.layer.input_shape) - 1], [-1]),
    ),
    *refused("axis", "others", "other numbers", "hls4ml normalizes the last axis", "use axis=-1"),
)


def _by_channel(value: Any, place: Place) -> bool:
    """Return whether a value is a number, or as many as there are channels."""
    try:
        given = np.asarray(value, np.float32)
    except (TypeError, ValueError):
        return False
    return bool(np.isfinite(given).all()) and given.shape in ((), (1,), (place.layer.input_shape[-1],))


RESCALING = (
    *ALWAYS,
    *rewritten(
        "scale offset",
        "a number, or one per channel",
        "one factor and one summand per channel: exact in few bits, or as exact as float32",
        _by_channel,
    ),
    *refused("scale offset", "others", "error", "hls4ml does not have this layer", "give a number, or one per channel"),
)


def normalizing(role: str) -> Rows:
    """Rows of a quantizer of a batch normalization."""
    return (
        *exact(f"{role}_quantizer", "none", one_of(None)),
        *rewritten(
            f"{role}_quantizer",
            "a quantizer",
            "its constants",
            lambda q, _: q in WEIGHTS or q in ACTIVATIONS,
        ),
        *refused(
            f"{role}_quantizer", "others", "other numbers", "its values are not constant", f"use {' or '.join(WEIGHTS)}"
        ),
    )


FOLDING = (
    *NORMALIZATION[len(ALWAYS) : -2],
    *rewritten(
        "axis",
        "the last",
        "the kernel with the batch normalization folded in",
        lambda axis, _: list(np.ravel(axis)) in ([3], [-1]),
    ),
    *exact("folding_mode"),
)


def _pads(place: Place) -> bool:
    """Whether padding='same' adds anything."""
    layer = place.layer
    sizes = zip(layer.input_shape[1:-1], np.ravel(layer.pool_size), np.ravel(layer.strides), strict=True)
    return any((-(-size // stride) - 1) * stride + pool > size for size, pool, stride in sizes)


def _unpadded(value: Any, place: Place) -> bool:
    return bool(value == "valid" or (value == "same" and not _pads(place)))


_PADDING_OF_NOTHING = exact("padding", "valid, or same where no padding is needed", _unpadded)
CROPPING = rewritten("cropping", "any", "a depthwise convolution with one tap of 1 and zeros")
QUOTIENT = "a sum and a product that the quantizer behind it rounds as it would the mean"
ROUNDED = "others, in front of a quantized_bits or quantized_relu"
FACTOR = "a sum and a factor, which is as exact as float32"


def _exact_mean(count: int, place: Place) -> bool:
    return power_of_two(count) or getattr(place.layer, "average_quantizer_internal", None) is not None


# These pass on values as they are.
_PASSING = (
    "Flatten Reshape Permute Concatenate UpSampling1D UpSampling2D ZeroPadding1D ZeroPadding2D MaxPooling1D "
    "MaxPooling2D GlobalMaxPooling1D GlobalMaxPooling2D Dropout Identity"
).split()


def rounded_behind(_value: Any, place: Place) -> bool:
    """Return whether all that reads a layer is a quantizer that is a cast."""
    return casts_behind(place.layer) is not None


def casts_behind(layer: Any) -> list[Any] | None:
    """Return the quantizers that read a layer; None if anything else does, or one of them is no cast."""
    own = getattr(layer, "activation", None)
    if type(own).__name__ in ACTIVATIONS:
        return [own] if _is_cast(own) else None
    found: list[Any] = []
    for reader in (node.outbound_layer for node in layer.outbound_nodes):
        quantizer = getattr(reader, "quantizer", getattr(reader, "activation", None))
        if type(reader).__name__ in ("QActivation", "Activation"):
            behind = [quantizer] if _is_cast(quantizer) else None
        else:
            behind = casts_behind(reader) if type(reader).__name__ in _PASSING else None
        if behind is None:
            return None
        found += behind
    return found or None


def _is_cast(quantizer: Any) -> bool:
    if type(quantizer).__name__ == "quantized_bits":
        return quantizer.bits > 1 and one_of(None, 1, 1.0)(getattr(quantizer, "alpha", None), Place(None))
    if type(quantizer).__name__ != "quantized_relu":
        return False
    bounded = quantizer.relu_upper_bound is not None and not quantizer.is_quantized_clip
    return not (quantizer.negative_slope or quantizer.use_sigmoid or bounded)


def _step(strides: Any, place: Place) -> bool:
    layer = place.layer
    # Such a mean becomes a depthwise convolution.
    convolved = getattr(layer, "average_quantizer_internal", None) is not None
    return convolved or list(np.ravel(strides)) == list(np.ravel(layer.pool_size))


def _strides(form: str) -> Rows:
    return (
        *exact("strides", "equal to pool_size", _step),
        *rewritten("strides", "others", form, io_type="io_stream"),
        *exact("strides", "others", io_type="io_parallel"),
    )


_POOLING = (*ALWAYS, *CHANNELS_LAST)
MAXIMUM = (
    *_POOLING,
    *_strides("a convolution for each place of the window, and the maximum of these"),
    *exact("pool_size"),
    *_PADDING_OF_NOTHING,
    *rewritten(
        "padding",
        "same",
        "zeros around the image if no pixel is negative; otherwise unchanged",
        one_of("same"),
        io_type="io_parallel",
    ),
    *rewritten(
        "padding",
        "same",
        "zeros around the image, below which no pixel is; to negative ones, a constant is added before and behind",
        one_of("same"),
        io_type="io_stream",
    ),
)
MEAN = (
    *_POOLING,
    *_strides("a depthwise convolution with the factor"),
    *exact(
        "pool_size",
        "2, 4, 8 ... pixels in all, or any with an average_quantizer",
        lambda size, place: _exact_mean(int(np.prod(size)), place),
    ),
    *rewritten("pool_size", ROUNDED, QUOTIENT, rounded_behind),
    *rewritten("pool_size", "others", FACTOR),
    *_PADDING_OF_NOTHING,
    *refused(
        "padding",
        "same, where padding is needed",
        "other numbers",
        "at the border, the mean over a padded window has another number of pixels",
        "use padding='valid'",
    ),
)
GLOBAL = (
    *ALWAYS,
    *CHANNELS_LAST,
    *exact("keepdims", "False", one_of(False)),
    *rewritten("keepdims", "True", "a Reshape behind it"),
)
GLOBAL_MEAN = (
    *GLOBAL,
    *exact(
        "input_shape",
        "2, 4, 8 ... pixels, or any with an average_quantizer",
        lambda shape, place: _exact_mean(int(np.prod(shape[1:-1])), place),
    ),
    *rewritten("input_shape", ROUNDED, QUOTIENT, rounded_behind),
    *rewritten("input_shape", "others", FACTOR),
)
MEAN_QUANTIZER = (
    *exact("average_quantizer", "none", one_of(None)),
    *rewritten(
        "average_quantizer",
        "a quantizer",
        "a depthwise convolution with the quantized factor",
        lambda q, _: q in WEIGHTS,
    ),
    *refused(
        "average_quantizer",
        "others",
        "error",
        "its constant is not known to be exact",
        f"use {' or '.join(WEIGHTS)}",
    ),
    *ACTIVATION,
)
REMOVED = (
    *ALWAYS,
    *rewritten("trainable", "any", "nothing: the layer acts in training only"),
)
TABLE = "a table of what Keras computes, by value or between thresholds (at most 2**14 entries)"
SLOPE = "a factor, which is as exact as float32, and a choice"


def slope(value: Any, _place: Place) -> bool:
    """Return whether products with a slope only move the binary point."""
    return bool(value == 0 or power_of_two(float(value)))


MERGE = (
    *ALWAYS,
    *exact("inputs", "two tensors", one_of(2)),
    *rewritten("inputs", "more", "a merge of two tensors after another"),
)
_AXES = 4
"""Axes of an image, with the events'."""
ALIKE = (
    *exact("input_shape", "all alike", lambda shapes, _: len({tuple(shape) for shape in shapes}) == 1),
    *rewritten(
        "input_shape",
        "one shape but for axes of length 1, or missing ones in front",
        "repeated values, and then a merge of tensors of one shape",
        lambda shapes, _: max(len(shape) for shape in shapes) <= _AXES,
    ),
)

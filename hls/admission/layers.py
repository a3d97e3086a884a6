"""Rows of every class of layer and every field of its configuration."""

from __future__ import annotations

from typing import NamedTuple

from trigcnn.hls.admission.fields import (
    ALIKE,
    ALWAYS,
    BIAS,
    CAUSAL,
    CHANNELS_LAST,
    CONVOLUTION,
    CROPPING,
    DEPTHWISE,
    FACTOR,
    FOLDED_BIAS,
    FOLDING,
    GLOBAL,
    GLOBAL_MEAN,
    MAXIMUM,
    MEAN,
    MEAN_QUANTIZER,
    MERGE,
    NORMALIZATION,
    QUOTIENT,
    REMOVED,
    RESCALING,
    ROUNDED,
    SEPARABLE,
    SLOPE,
    TABLE,
    normalizing,
    rounded_behind,
    slope,
    weights,
)
from trigcnn.hls.admission.quantizers import ACTIVATION, CHOICE, LIMITS, LOGITS
from trigcnn.hls.admission.rows import Alone, Rows, exact, one_of, power_of_two, refused, rewritten

# Fields without effect when the model is applied. Keras gives `batch_input_shape` to the first layer of a Sequential
# that has an `input_shape`.
INERT = frozenset(
    "trainable batch_input_shape seed rate noise_shape stddev l1 l2 momentum ema_freeze_delay kernel_range bias_range "
    "depthwise_range beta_range gamma_range renorm synchronized rng_type".split()
)
INERT_ENDINGS = ("_initializer", "_regularizer", "_constraint")

# Layers without effect when the model is applied.
TRAINING_ONLY = (
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "ActivityRegularization",
    "Identity",
)

LAYERS: dict[str, Rows] = {
    "InputLayer": (
        *ALWAYS,
        *exact("batch_input_shape"),
        *exact("sparse ragged optional", "False", one_of(False)),
        *refused(
            "sparse optional", "True", "exact", "the engines take plain arrays, one for each input", "use a plain Input"
        ),
        *refused("ragged", "True", "error", "an event has a fixed number of values", "use a plain Input"),
    ),
    "QActivation": (*ALWAYS, *ACTIVATION),
    "Activation": (*ALWAYS, *ACTIVATION),
    "ReLU": (
        *ALWAYS,
        *exact("max_value", "none", one_of(None)),
        *rewritten("max_value", "a number", LIMITS),
        *exact("negative_slope threshold", "0", one_of(0)),
        *rewritten("negative_slope", "1/2, 1/4, 1/8 ...", CHOICE, slope),
        *rewritten("negative_slope", "others", SLOPE),
        *rewritten("threshold", "others", TABLE),
    ),
    "LeakyReLU": (
        *ALWAYS,
        *rewritten("alpha", "1/2, 1/4, 1/8 ...", CHOICE, slope),
        *rewritten("alpha", "others", SLOPE),
    ),
    "ThresholdedReLU": (*ALWAYS, *rewritten("theta", "any", TABLE)),
    "Softmax": (
        *ALWAYS,
        *rewritten(
            "axis",
            "the last, at the end of the model",
            f"nothing; {LOGITS}",
            lambda axis, place: place.last and axis in (-1, len(place.layer.input_shape) - 1),
        ),
        *refused(
            "axis",
            "others, or elsewhere",
            "does not compile",
            "hls4ml takes a softmax from tables of too few entries, or does not compile",
            "use it over the last axis at the end of the model only, or a quantized_sigmoid",
        ),
    ),
    "QConv1D": (*CONVOLUTION, *CAUSAL, *weights("kernel"), *BIAS),
    "QConv2D": (*CONVOLUTION, *weights("kernel"), *BIAS),
    "QDepthwiseConv2D": (*DEPTHWISE, *weights("depthwise"), *BIAS),
    "QSeparableConv1D": (
        *SEPARABLE,
        *refused(
            "padding",
            "causal",
            "Keras fails",
            "QKeras itself cannot compute it (TypeError)",
            "put a ZeroPadding1D((size - 1, 0)) before it, and use padding='valid'",
            one_of("causal"),
        ),
    ),
    "QSeparableConv2D": SEPARABLE,
    "QDense": (
        *ALWAYS,
        *exact("units"),
        *ACTIVATION,
        *weights("kernel"),
        *BIAS,
        *exact("input_shape", "[features]", lambda shape, _: len(shape) == 2),
        *rewritten(
            "input_shape",
            "[width, channels], [height, width, channels]",
            "a convolution of one pixel",
            lambda shape, _: len(shape) in (3, 4),
        ),
        *refused(
            "input_shape",
            "more axes",
            "error",
            "hls4ml has no dense layer on such tensors",
            "put a Flatten or Reshape before it",
        ),
    ),
    "QConv2DBatchnorm": (*CONVOLUTION, *weights("kernel"), *FOLDED_BIAS, *FOLDING),
    "QDepthwiseConv2DBatchnorm": (*DEPTHWISE, *weights("depthwise"), *FOLDED_BIAS, *FOLDING),
    "BatchNormalization": NORMALIZATION,
    "QBatchNormalization": (
        *NORMALIZATION,
        *(row for role in ("gamma", "beta", "mean", "variance") for row in normalizing(role)),
    ),
    "Rescaling": RESCALING,
    "MaxPooling1D": MAXIMUM,
    "MaxPooling2D": MAXIMUM,
    "AveragePooling1D": MEAN,
    "AveragePooling2D": MEAN,
    "QAveragePooling2D": (*MEAN, *MEAN_QUANTIZER),
    "GlobalMaxPooling1D": GLOBAL,
    "GlobalMaxPooling2D": GLOBAL,
    "GlobalAveragePooling1D": GLOBAL_MEAN,
    "GlobalAveragePooling2D": GLOBAL_MEAN,
    "QGlobalAveragePooling2D": (*GLOBAL_MEAN, *MEAN_QUANTIZER),
    "ZeroPadding1D": (*ALWAYS, *exact("padding")),
    "ZeroPadding2D": (*ALWAYS, *CHANNELS_LAST, *exact("padding")),
    "Cropping1D": (*ALWAYS, *CROPPING),
    "Cropping2D": (*ALWAYS, *CHANNELS_LAST, *CROPPING),
    "UpSampling1D": (*ALWAYS, *exact("size")),
    "UpSampling2D": (
        *ALWAYS,
        *CHANNELS_LAST,
        *exact("size"),
        *exact("interpolation", "nearest", one_of("nearest")),
        *refused(
            "interpolation", "others", "other numbers", "hls4ml repeats pixels or stops", "use interpolation='nearest'"
        ),
    ),
    "Flatten": (*ALWAYS, *CHANNELS_LAST),
    "Reshape": (*ALWAYS, *exact("target_shape")),
    "Permute": (*ALWAYS, *exact("dims")),
    **dict.fromkeys(("Add", "Multiply", "Maximum", "Minimum"), (*MERGE, *ALIKE)),
    # Keras itself takes no more than two.
    "Subtract": (*(row for row in MERGE if row.key != "inputs=more"), *ALIKE),
    "Average": (
        *ALWAYS,
        *rewritten("inputs", "2, 4, 8 ...", "a sum and a factor", lambda count, _: power_of_two(count)),
        *rewritten("inputs", ROUNDED, QUOTIENT, rounded_behind),
        *rewritten("inputs", "others", FACTOR),
        *ALIKE,
    ),
    "Concatenate": (*MERGE, *exact("axis")),
    **dict.fromkeys(TRAINING_ONLY, REMOVED),
}

_TABLES = ("hls4ml takes sigmoid and tanh from tables of too few entries", "use QConv1D")
_FLOAT = "its weights are not quantized; hls4ml would round them"
_NONE = "hls4ml has no such layer"


class RefusedLayer(NamedTuple):
    """Why a class of layers is refused; the fields are those of a `Row`."""

    alone: Alone
    effect: str
    mend: str


REFUSED_LAYERS: dict[str, RefusedLayer] = {
    "Lambda": RefusedLayer(
        "error", "it contains code, which cannot be converted and is not safe to load", "use layers"
    ),
    **dict.fromkeys(
        ("Model", "Functional", "Sequential"),
        RefusedLayer(
            "error",
            "hls4ml stops at custom classes, and where an inner layer has the name of an outer one",
            "put its layers into the outer model",
        ),
    ),
    "QAdaptiveActivation": RefusedLayer(
        "error",
        "its range follows the data when the model is applied",
        "replace it by QActivation(quantized_bits(...)) with the range that it found",
    ),
    **dict.fromkeys(
        ("Conv1DTranspose", "Conv2DTranspose"), RefusedLayer("error", _NONE, "use UpSampling2D and a QConv2D")
    ),
    "QConv2DTranspose": RefusedLayer("Keras fails", _NONE, "use UpSampling2D and a QConv2D"),
    "Dot": RefusedLayer("error", "hls4ml finds no number format for it", "use Multiply and a QDense"),
    "LayerNormalization": RefusedLayer(
        "other numbers", "hls4ml takes square roots from a table", "use BatchNormalization"
    ),
    **dict.fromkeys(("GRU", "SimpleRNN", "Bidirectional"), RefusedLayer("other numbers", *_TABLES)),
    "LSTM": RefusedLayer("does not compile", *_TABLES),
    "QLSTM": RefusedLayer("error", *_TABLES),
    **dict.fromkeys(("QGRU", "QSimpleRNN"), RefusedLayer("Keras fails", *_TABLES)),
    "QBidirectional": RefusedLayer("error", _NONE, "use QConv1D"),
    "ELU": RefusedLayer(
        "other numbers",
        "hls4ml takes its values from a table",
        "use QActivation(quantized_relu(..., negative_slope=...))",
    ),
    "PReLU": RefusedLayer(
        "other numbers", "hls4ml rounds the slopes", "use QActivation(quantized_relu(..., negative_slope=...))"
    ),
    "DepthwiseConv1D": RefusedLayer("other numbers", _FLOAT, "use QSeparableConv1D or QConv1D"),
    **{
        kind: RefusedLayer(
            "other numbers", _FLOAT, f"use Q{kind} with quantized_bits(..., alpha=1), or hls.float_weights: round"
        )
        for kind in ("Dense", "Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D")
    },
}

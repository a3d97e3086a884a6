"""Rows of every quantizer and each of its arguments, for activations and for weights."""

from __future__ import annotations

from typing import Any

from trigcnn.hls.admission.rows import Check, Place, Rows, exact, number, one_of, refused, rewritten
from trigcnn.hls.backends import FACTS

_TABLE = "a table of what QKeras computes, by value or between thresholds (at most 2**14 entries)"
LIMITS = "a cast and limits, without a table"
CHOICE = "a shift and a choice, without a table"
TOO_FINE = "others, whose constants need more than 24 bits"
_FROZEN = "constants in the smallest number format that holds them, found from their values"


def _tabulated(fields: str, values: str = "any") -> Rows:
    return rewritten(fields, values, _TABLE)


def _constants(fields: str) -> Rows:
    return rewritten(fields, "any", _FROZEN)


def _whole(low: int, high: int) -> Check:
    return lambda value, _: number(value) and int(value) == value and low <= value <= high


_NOISE = (
    *exact("qnoise_factor", "1", one_of(1)),
    *refused(
        "qnoise_factor",
        "others",
        "other numbers",
        "the hardware quantizes fully, the model only in part",
        "use qnoise_factor=1",
    ),
)
_ODD_BITS = refused(
    "bits",
    "others",
    "other numbers",
    "there is no such number format, or float32 does not hold it",
    "use 1 to 24 bits, a whole number",
)
_BITS = (*exact("bits", "1 to 24", _whole(1, 24)), *_ODD_BITS)
_LIMITED_BITS = (*rewritten("bits", "1 to 24", LIMITS, _whole(1, 24)), *_ODD_BITS)


def _hard(fields: str) -> Rows:
    return rewritten(fields, "any", LIMITS)


def _real(field: str) -> Rows:
    return (*rewritten(field, "False", LIMITS, one_of(False, 0)), *_tabulated(field, "True"))


_TABLE_BITS = (*rewritten("bits", "1 to 24", _TABLE, _whole(1, 24)), *_ODD_BITS)
_INTEGER = (
    *exact("integer", "0 to 100", _whole(0, 100)),
    *refused(
        "integer",
        "others",
        "Keras fails",
        "no number format has it, or QKeras itself fails, as for values below 0",
        "use a whole number from 0",
    ),
)
_FIXED_SCALE = (
    *exact("alpha", "none, 1", one_of(None, 1)),
    *rewritten("alpha", "another number", _TABLE, lambda value, _: number(value)),
    *refused(
        "alpha",
        "auto, auto_po2, one per channel",
        "other numbers",
        "the scale of an activation depends on the other events of the batch, or on the channel",
        "use alpha=1 and choose the range by integer",
    ),
)
_TABLE_SCALE = (
    *rewritten("alpha", "none, a number", _TABLE, lambda value, _: value is None or number(value)),
    *(row for row in _FIXED_SCALE if row.verdict == "refused"),
)
_EXPONENT = (
    *_tabulated("max_value use_stochastic_rounding quadratic_approximation log2_rounding"),
    *rewritten("bits", "2 to 6", _TABLE, _whole(2, 6)),
    *refused(
        "bits",
        "others",
        "error",
        "the exponents span no bits, or more than are computed exactly",
        "use 2 to 6 bits",
    ),
    *_NOISE,
)


def _bounded(_value: Any, place: Place) -> bool:
    quantizer = place.quantizer
    return quantizer.relu_upper_bound is not None and not quantizer.is_quantized_clip


ACTIVATIONS: dict[str, Rows] = {
    "quantized_bits": (
        *rewritten("bits", "1", _TABLE, one_of(1)),
        *exact("bits", "2 to 24", _whole(2, 24)),
        *_ODD_BITS,
        *_INTEGER,
        *exact("symmetric keep_negative", "True, False", one_of(True, False, 0, 1)),
        *exact("use_stochastic_rounding"),
        *_FIXED_SCALE,
        *_NOISE,
    ),
    "quantized_relu": (
        *refused(
            "bits",
            "1, with Quartus, oneAPI and Catapult",
            "other numbers",
            "hls4ml makes one bit into two with this back end",
            "use 2 bits",
            lambda bits, place: bits == 1 and place.backend in FACTS and FACTS[place.backend].narrowest > 1,
        ),
        *_BITS,
        *_INTEGER,
        *rewritten("relu_upper_bound", "a number, with is_quantized_clip=False", LIMITS, _bounded),
        *exact("relu_upper_bound", "none, or with is_quantized_clip=True, where QKeras ignores it"),
        *exact("is_quantized_clip", "True, False"),
        *exact("use_stochastic_rounding"),
        *exact("use_sigmoid negative_slope", "0", one_of(0, False)),
        *rewritten("use_sigmoid", "1", LIMITS, one_of(1, True)),
        *rewritten("negative_slope", "others", CHOICE),
        *_NOISE,
    ),
    "binary": (*_tabulated("use_01 use_stochastic_rounding"), *_TABLE_SCALE),
    "stochastic_binary": (*_tabulated("temperature use_real_sigmoid"), *_TABLE_SCALE),
    "ternary": (*_tabulated("threshold use_stochastic_rounding number_of_unrolls"), *_TABLE_SCALE),
    "stochastic_ternary": (
        *_tabulated("threshold temperature use_real_sigmoid number_of_unrolls"), *_TABLE_SCALE,
    ),
    "quantized_tanh": (*_LIMITED_BITS, *_hard("symmetric use_stochastic_rounding"), *_real("use_real_tanh")),
    "quantized_sigmoid": (*_LIMITED_BITS, *_hard("symmetric use_stochastic_rounding"), *_real("use_real_sigmoid")),
    "quantized_hswish": (
        *_TABLE_BITS,
        *_INTEGER,
        *_tabulated("symmetric keep_negative use_stochastic_rounding relu_shift relu_upper_bound"),
        *_TABLE_SCALE,
        *_NOISE,
    ),
    "quantized_po2": _EXPONENT,
    "quantized_relu_po2": (*_EXPONENT, *_tabulated("negative_slope")),
}  # fmt: skip

RELUS = ("ReLU", "LeakyReLU", "ThresholdedReLU")
"""Layers of Keras that can be the activation of another layer; their own rows apply, too."""

# Functions of QKeras that take no arguments, and whose values are fixed-point numbers.
FUNCTIONS = ("hard_tanh", "hard_sigmoid", "smooth_tanh", "smooth_sigmoid", "binary_tanh", "binary_sigmoid")

LOGITS = "outputs are logits: the class is the largest, or, of a single output, its sign"
_LOGITS = rewritten(
    "activation",
    "softmax, sigmoid at the end of the model",
    f"nothing; {LOGITS}",
    lambda value, place: value in ("softmax", "sigmoid") and place.last,
)
_FEW_ENTRIES = "hls4ml takes its values from a table of too few entries, or has no such function"
_ELSEWHERE = refused(
    "activation",
    "softmax, sigmoid elsewhere",
    "other numbers",
    _FEW_ENTRIES,
    "use it at the end of the model only, where it is left out, or a quantized_sigmoid",
    one_of("softmax", "sigmoid"),
)
_OTHERS = refused(
    "activation",
    "others",
    "other numbers",
    _FEW_ENTRIES,
    "use QActivation with quantized_tanh, quantized_sigmoid or another quantizer",
)

ACTIVATION: Rows = (
    *exact("activation", "none, linear", one_of(None, "linear")),
    *exact("activation", "a quantizer; see *Activations*", lambda value, _: value in ACTIVATIONS),
    *exact("activation", "relu", one_of("relu")),
    *_LOGITS,
    *_ELSEWHERE,
    *rewritten("activation", f"a layer: {', '.join(RELUS)}", "the layer", one_of(*RELUS)),
    *rewritten(
        "activation",
        f"functions of QKeras: {', '.join(FUNCTIONS)}",
        "limits, without a table; a table for binary_tanh and binary_sigmoid",
        one_of(*FUNCTIONS),
    ),
    *refused(
        "activation",
        "bernoulli",
        "error",
        "it is random when the model is applied, too",
        "use binary or stochastic_binary",
        one_of("bernoulli"),
    ),
    *refused(
        "activation",
        "quantized_ulaw",
        "error",
        "it takes a logarithm after rounding, so its values are not fixed-point numbers",
        "use quantized_tanh",
        one_of("quantized_ulaw"),
    ),
    *_OTHERS,
)


def _too_fine(field: str) -> Rows:
    return refused(
        field,
        TOO_FINE,
        "other numbers",
        "Keras computes in float32, which does not hold the products",
        "fine-tune the model with alpha=1 (or alpha='auto_po2') and fewer bits, then convert it",
        late=True,
    )


_SCALED = (
    *exact("alpha", "1", one_of(1)),
    *rewritten("alpha", "others, none", f"{_FROZEN}, or such constants and a factor, which is as exact as float32"),
    *_too_fine("alpha"),
)

WEIGHTS: dict[str, Rows] = {
    "quantized_bits": (
        *_BITS,
        *_INTEGER,
        *exact("symmetric keep_negative", "True, False", one_of(True, False, 0, 1)),
        *exact("use_stochastic_rounding"),
        *_SCALED,
        *_NOISE,
    ),
    "binary": (*_constants("use_01 use_stochastic_rounding"), *_SCALED),
    "stochastic_binary": (*_constants("temperature use_real_sigmoid"), *_SCALED),
    "ternary": (*_constants("threshold use_stochastic_rounding number_of_unrolls"), *_SCALED),
    "stochastic_ternary": (*_constants("threshold temperature use_real_sigmoid number_of_unrolls"), *_SCALED),
    "quantized_po2": (
        *rewritten("bits", "2 to 24", _FROZEN, _whole(2, 24)),
        *_ODD_BITS,
        *_too_fine("bits"),
        *_constants("max_value use_stochastic_rounding quadratic_approximation log2_rounding"),
        *_NOISE,
    ),
}

"""Each rewriting: what comes out, and that Keras computes the same with it as with the model."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.options import HlsOptions, IoType, LayerOptions
from trigcnn.hls.rewriting.check import Rewriting, compare, random_events
from trigcnn.hls.rewriting.constants import as_float32
from trigcnn.hls.rewriting.normal_form import normal_form
from trigcnn.hls.rewriting.quantizers import as_cast, common_format, frozen, is_relu
from trigcnn.hls.rewriting.rewrite import NormalForm

OPTIONS = HlsOptions("Vitis", "xcvu9p-flga2104-2L-e", 5.0, "io_parallel", "Latency", 1)
# 8 x 8 pixels of the digits, and the same numbers as pairs of channels, rows, and features.
IMAGE, PAIRS, ROWS, FEATURES = (8, 8, 1), (8, 4, 2), (8, 8), (64,)
W = "quantized_bits(4,0,0,alpha=1)"
B = "quantized_bits(6,2,0,alpha=1)"
FIRST = "ufixed<4,0,RND_CONV,SAT>"


@functools.cache
def names() -> dict[str, Any]:
    _, keras, qkeras = bring_up()
    layers = {name: kind for name, kind in vars(qkeras).items() if name.startswith("Q")}
    return {**vars(keras.layers), **vars(qkeras.quantizers), **layers}


def layer(name: str, call: str) -> Any:
    made = eval(call, names())
    made._name = name
    return made


def chain(shape: tuple[int, ...], /, *, first: str | None = "quantized_relu(4,0)", **calls: str) -> Any:
    """Layers by name, one behind another."""
    keras = bring_up().keras
    image = keras.Input(shape, name="image")
    x = image if first is None else layer("first", f"QActivation({first})")(image)
    for name, call in calls.items():
        x = layer(name, call)(x)
    return filled(keras.Model(image, x))


def filled(model: Any) -> Any:
    """Random weights, some beyond the range of their quantizers."""
    random = np.random.default_rng(1)
    for each in model.layers:
        each.set_weights([random.uniform(-1.2, 1.2, array.shape) for array in each.get_weights()])
        norm = getattr(each, "batchnorm", each)
        if hasattr(norm, "moving_variance"):
            norm.moving_variance.assign(random.uniform(0.1, 2, norm.moving_variance.shape))
    return model


@functools.cache
def digits() -> npt.NDArray[np.float64]:
    """Real images on the grid ufixed<4,0>."""
    from sklearn.datasets import load_digits

    images: npt.NDArray[np.float64] = load_digits().images
    return np.minimum(images[:64], 15) / 16


def events_of(model: Any) -> list[npt.NDArray[np.float64]]:
    """Of several inputs, each has other digits."""
    return [np.roll(digits(), at, 0).reshape(-1, *tensor.shape[1:]) for at, tensor in enumerate(model.inputs)]


def compared(model: Any, normal: NormalForm) -> Rewriting:
    found = compare(model, normal, events_of(model), random_events=64)
    assert found.events == 128
    return found


def exactly(model: Any, **options: Any) -> NormalForm:
    """The normal form, which computes what the model does, bit by bit."""
    normal = of(model, **options)
    found = compared(model, normal)
    assert (found.differing_outputs, found.bound, found.layers) == (0, 0, ())
    return normal


def of(
    model: Any, *, io_type: IoType = "io_parallel", resource: str = "", input_format: FixedPoint | None = None
) -> NormalForm:
    own = {resource: LayerOptions("Resource")} if resource else {}
    return normal_form(model, dataclasses.replace(OPTIONS, io_type=io_type, layers=own), input_format=input_format)


def kinds(normal: NormalForm) -> dict[str, str]:
    """Class of each layer behind the input, by name, in order."""
    return {each.name: type(each).__name__ for each in normal.model.layers if type(each).__name__ != "InputLayer"}


def weights(normal: NormalForm, name: str) -> list[npt.NDArray[np.float64]]:
    found: list[npt.NDArray[np.float64]] = normal.model.get_layer(name).get_weights()
    assert all(array.dtype == np.float64 for array in found)
    return found


def same(found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(found, expected, strict=False)


def quantized(quantizer: Any, values: Any) -> npt.NDArray[np.float64]:
    return np.asarray(quantizer(np.asarray(values)), np.float64)


# Convolutions with batch normalization.

FOLDED = {
    "QConv2DBatchnorm": (IMAGE, f"QConv2DBatchnorm(3, (3, 2), kernel_quantizer={W}", "Conv2D"),
    "QDepthwiseConv2DBatchnorm": (
        PAIRS,
        f"QDepthwiseConv2DBatchnorm((3, 2), depthwise_quantizer={W}",
        "DepthwiseConv2D",
    ),
}


@pytest.mark.parametrize("kind", FOLDED)
def test_a_folded_batch_normalization_is_a_plain_convolution(kind: str) -> None:
    shape, call, plain = FOLDED[kind]
    model = chain(shape, conv=f"{call}, bias_quantizer={B})")
    normal = exactly(model)
    assert kinds(normal) == {"first": "Quantize", "conv": plain}
    original = model.get_layer("conv")
    kernel, bias = original.get_folded_weights()
    found = weights(normal, "conv")
    quantizer = original.depthwise_quantizer_internal if "Depthwise" in kind else original.kernel_quantizer_internal
    same(found[0], quantized(quantizer, kernel))
    same(found[1], quantized(original.bias_quantizer_internal, bias))
    assert common_format(found[0]).width <= 4
    assert common_format(found[1]).width <= 6
    assert normal.changes == ("layer conv: its batch normalization was folded into kernel and bias",)


@pytest.mark.parametrize("kind", FOLDED)
def test_a_folded_bias_without_quantizer_keeps_all_bits_of_float32(kind: str) -> None:
    shape, call, _ = FOLDED[kind]
    model = chain(shape, conv=f"{call}, use_bias=False)")
    normal = of(model)
    _, bias = model.get_layer("conv").get_folded_weights()
    same(weights(normal, "conv")[1], np.asarray(bias))
    assert normal.bias_errors == {}
    (conv,) = compared(model, normal).layers
    assert conv.layer == "conv"
    assert 0 < conv.max_difference <= conv.bound < 2**-16


# Batch normalization of its own.


def normalized(call: str = "BatchNormalization(epsilon=2**-10)", **more: str) -> Any:
    return chain(IMAGE, conv=f"QConv2D(3, 2, use_bias=False, kernel_quantizer={W})", norm=call, **more)


def assign(model: Any, **values: Any) -> None:
    norm = model.get_layer("norm")
    for name, value in values.items():
        getattr(norm, name).assign(np.asarray(value, np.float32))


@pytest.mark.parametrize(
    "call",
    [
        "BatchNormalization(epsilon=2**-10)",
        "QBatchNormalization(epsilon=2**-10, gamma_quantizer=None, beta_quantizer=None, mean_quantizer=None, "
        "variance_quantizer=None)",
    ],
)
def test_normalization_by_powers_of_two_has_exactly_these_factors(call: str) -> None:
    model = normalized(call)
    variance = np.array([0.25, 1, 4])
    gamma, beta, mean = np.array([0.75, -1, 2]), np.array([0.25, 0, -1.5]), np.array([0.5, -0.25, 1])
    assign(model, moving_variance=variance - 2**-10, gamma=gamma, beta=beta, moving_mean=mean)
    normal = exactly(model)
    norm = normal.model.get_layer("norm")
    same(norm.scale, [1.5, -1, 1])
    same(norm.shift, [-0.5, -0.25, -2.5])
    assert normal.changes == ("layer norm: it became one factor and one summand per channel, exact in few bits",)


def test_normalization_without_scale_and_center_has_neither() -> None:
    model = normalized("BatchNormalization(epsilon=2**-10, center=False, scale=False)")
    assign(model, moving_variance=np.array([0.25, 1, 4]) - 2**-10, moving_mean=[0.5, 0, -1])
    norm = exactly(model).model.get_layer("norm")
    same(norm.scale, [2, 1, 0.5])
    same(norm.shift, [-1, 0, 0.5])


def test_ordinary_normalization_is_as_exact_as_float32() -> None:
    model = normalized(after="QActivation('quantized_bits(6,2,0,alpha=1)')")
    normal = of(model)
    old, new = model.get_layer("norm"), normal.model.get_layer("norm")
    gamma, beta, mean, variance = (np.asarray(array, np.float64) for array in old.get_weights())
    scale = gamma / np.sqrt((variance.astype(np.float32) + np.float32(old.epsilon)).astype(np.float64))
    same(new.scale, scale.astype(np.float32))
    terms = np.abs(mean * scale) + np.abs(beta)
    assert (np.abs(new.shift - (beta - mean * scale)) <= terms * 2**-24).all()
    assert "as exact as float32" in normal.changes[0]
    rewriting = compared(model, normal)
    # A value of float32 next to a tie may be on its other side.
    assert rewriting.max_difference <= rewriting.bound <= 2**-3
    (norm,) = rewriting.layers
    assert norm.layer == "norm"
    assert 0 < norm.max_difference < norm.bound < 2**-16
    assert 2**-10 < norm.max_share < 1


def test_the_quantizers_of_a_normalization_make_its_constants() -> None:
    model = normalized("QBatchNormalization(epsilon=2**-10)")
    normal = of(model)
    old, new = model.get_layer("norm"), normal.model.get_layer("norm")
    deviation = np.sqrt(quantized(old.variance_quantizer_internal, old.moving_variance) + 2**-10)
    scale = quantized(old.gamma_quantizer_internal, old.gamma) / deviation
    mean = quantized(old.mean_quantizer_internal, old.moving_mean)
    shift = quantized(old.beta_quantizer_internal, old.beta) - mean * scale
    np.testing.assert_allclose(new.scale, scale, rtol=0, atol=2**-22)
    np.testing.assert_allclose(new.shift, shift, rtol=0, atol=2**-22)
    assert [each.layer for each in compared(model, normal).layers] == ["norm"]


def test_a_rescaling_has_the_numbers_of_float32() -> None:
    narrow = exactly(chain(PAIRS, scaled="Rescaling([0.25, -2.0], 0.5)"))
    scaled = narrow.model.get_layer("scaled")
    same(scaled.scale, [0.25, -2])
    same(scaled.shift, [0.5, 0.5])
    assert narrow.changes == ("layer scaled: it became one factor and one summand per channel, exact in few bits",)
    model = chain(IMAGE, scaled="Rescaling(1 / 255, -0.1)", after="QActivation('quantized_bits(6,0,0,alpha=1)')")
    wide = of(model)
    scaled = wide.model.get_layer("scaled")
    same(scaled.scale, [np.float32(1 / 255)])
    same(scaled.shift, [np.float32(-0.1)])
    assert [each.layer for each in compared(model, wide).layers] == ["scaled"]


# Means.


@pytest.mark.parametrize("kind", ["QAveragePooling2D(2, ", "QGlobalAveragePooling2D("])
def test_a_quantized_mean_is_a_depthwise_convolution(kind: str) -> None:
    quantizers = "average_quantizer=quantized_bits(7,0,1,alpha=1), activation=quantized_relu(5,0)"
    normal = exactly(chain(PAIRS, mean=f"{kind}{quantizers})"))
    (kernel,) = weights(normal, "mean")
    if "Global" in kind:
        same(kernel, np.full((8, 4, 2, 1), 1 / 32))
        assert list(kinds(normal)) == ["first", "mean", "mean_flatten", "mean_activation"]
    else:
        same(kernel, np.full((2, 2, 2, 1), 1 / 4))
        assert list(kinds(normal)) == ["first", "mean", "mean_activation"]
    assert kinds(normal)["mean"] == "DepthwiseConv2D"
    assert normal.changes[-1] == "layer mean: its activation became the layer mean_activation"


def test_a_quantized_mean_over_nine_pixels_is_wide() -> None:
    model = chain(IMAGE, mean="QAveragePooling2D(3, average_quantizer=quantized_bits(6,0,1,alpha=1))")
    normal = of(model)
    same(weights(normal, "mean")[0], np.full((3, 3, 1, 1), 1 / 8))
    (mean,) = compared(model, normal).layers
    assert mean.layer == "mean"
    assert mean.max_difference <= mean.bound < 2**-18


def test_a_mean_over_four_pixels_stays() -> None:
    normal = exactly(chain(IMAGE, mean="AveragePooling2D(2)", all="GlobalAveragePooling2D(keepdims=True)"))
    assert kinds(normal) == {
        "first": "Quantize", "mean": "AveragePooling2D", "all": "GlobalAveragePooling2D", "all_axes": "Reshape",
    }  # fmt: skip
    assert normal.changes == ("layer all: the axes that it keeps became a Reshape",)


def test_a_mean_over_nine_pixels_is_a_product_for_the_quantizer_behind_it() -> None:
    model = chain(IMAGE, mean="AveragePooling2D(3)", cut="QActivation(quantized_bits(5,0,0,alpha=1))")
    normal = exactly(model)
    assert kinds(normal) == {"first": "Quantize", "mean_sum": "DepthwiseConv2D", "mean": "Divide", "cut": "Quantize"}
    assert "layer mean: it became a sum and a product that the quantizer behind it rounds as it would the mean" in (
        normal.changes
    )


# The end of the model.

DENSE = f"QDense(10, kernel_quantizer={W}, bias_quantizer={B}"


@pytest.mark.parametrize(
    ("last", "function"),
    [
        ("Softmax()", "softmax"),
        ("Activation('{}')", "softmax"),
        ("Activation('{}')", "sigmoid"),
        ("QActivation('{}')", "softmax"),
        ("argument", "softmax"),
        ("argument", "sigmoid"),
    ],
)
def test_the_last_probabilities_are_left_out(last: str, function: str) -> None:
    argument = last == "argument"
    dense = f"{DENSE}, activation='{function}')" if argument else f"{DENSE})"
    end = {} if argument else {"end": last.format(function)}
    model = chain(FEATURES, dense=dense, **end)
    normal = exactly(model)
    assert normal.outputs_changed
    assert kinds(normal) == {"first": "Quantize", "dense": "Dense"}
    name = "dense" if argument else "end"
    change = f"layer {name}: the {function} at the end was removed; outputs are logits: the class is the largest, or,"
    assert normal.changes[-1] == f"{change} of a single output, its sign"
    (events,) = events_of(model)
    probabilities, logits = (each.predict(events, verbose=0) for each in (model, normal.model))
    assert np.unique(logits, axis=1).shape == logits.shape
    # Equal probabilities, as of a sigmoid at its end, are those of one class or another.
    chosen = np.take_along_axis(probabilities, logits.argmax(1)[:, None], 1)[:, 0]
    same(chosen, probabilities.max(1))


@pytest.mark.parametrize("function", ["softmax", "sigmoid"])
def test_probabilities_elsewhere_are_refused(function: str) -> None:
    for calls in (
        {"dense": f"{DENSE}, activation='{function}')", "end": f"{DENSE})"},
        {"middle": f"Activation('{function}')", "end": f"{DENSE})"},
    ):
        with pytest.raises(AdmissionError, match="use it at the end of the model only"):
            of(chain(FEATURES, **calls))


def test_other_models_keep_their_outputs() -> None:
    assert not of(chain(FEATURES, dense=f"{DENSE})")).outputs_changed


# Activations.


def test_activations_become_layers() -> None:
    model = chain(
        IMAGE,
        conv=f"QConv2D(2, 2, kernel_quantizer={W}, bias_quantizer={B}, activation='quantized_relu(4,2)')",
        own="QActivation('quantized_relu(3,1)')",
        depthwise=f"QDepthwiseConv2D(2, depthwise_quantizer={W}, use_bias=False, activation=quantized_bits(5,1,1))",
        flat="Flatten()",
        dense=f"QDense(3, kernel_quantizer={W}, use_bias=False, activation='relu')",
        plain="Activation('relu')",
        linear="QActivation('linear')",
    )
    normal = exactly(model)
    assert kinds(normal) == {
        "first": "Quantize",
        "conv": "Conv2D",
        "conv_activation": "Quantize",
        "own": "Quantize",
        "depthwise": "DepthwiseConv2D",
        "depthwise_activation": "Quantize",
        "flat": "Flatten",
        "dense": "Dense",
        "dense_activation": "Quantize",
        "plain": "Quantize",
    }
    assert {name: str(found) for name, found in normal.formats.items()} == {
        "first": FIRST,
        "conv_activation": "ufixed<4,2,RND_CONV,SAT>",
        "own": "ufixed<3,1,RND_CONV,SAT>",
        "depthwise_activation": "fixed<5,2,RND_CONV,SAT_SYM>",
    }
    roles = {name: normal.model.get_layer(name).role for name, kind in kinds(normal).items() if kind == "Quantize"}
    assert roles == {
        "first": "cast",
        "conv_activation": "relu",
        "own": "relu",
        "depthwise_activation": "cast",
        "dense_activation": "relu",
        "plain": "relu",
    }
    assert normal.changes == tuple(
        f"layer {name}: its activation became the layer {name}_activation" for name in ("conv", "depthwise", "dense")
    )


CASTS = {
    "quantized_bits(6,2,0,alpha=1)": "fixed<6,3,RND_CONV,SAT>",
    "quantized_bits(6,2,1)": "fixed<6,3,RND_CONV,SAT_SYM>",
    "quantized_bits(6,2,1,keep_negative=False)": "ufixed<6,2,RND_CONV,SAT>",
    "quantized_bits(2,0,0,alpha=1)": "fixed<2,1,RND_CONV,SAT>",
    "quantized_relu(5,2)": "ufixed<5,2,RND_CONV,SAT>",
    "quantized_relu(3,4)": "ufixed<3,4,RND_CONV,SAT>",
    "quantized_relu(4,1,relu_upper_bound=1.5)": "ufixed<4,1,RND_CONV,SAT>",
}
HARD = {
    "QActivation(quantized_relu(5,1,negative_slope=0.25))": "a shift and a choice",
    "QActivation(quantized_relu(4,0,negative_slope=0.25))": "a shift and a choice",
    "QActivation(quantized_relu(4,2,use_sigmoid=1))": "a cast to ufixed<4,3,RND_CONV,SAT>, limits (3.75)",
    "QActivation(quantized_relu(4,2,relu_upper_bound=1.5,is_quantized_clip=False))": (
        "a cast to ufixed<4,2,RND_CONV,SAT>, limits (1.5)"
    ),
    "QActivation(quantized_tanh(4))": "a cast to fixed<4,1,RND_CONV,SAT>",
    "QActivation(quantized_tanh(8,symmetric=True))": "a cast to fixed<8,1,RND_CONV,SAT_SYM>",
    "QActivation(quantized_sigmoid(4))": "the factor 0.5, the summand 0.5, a cast to ufixed<4,0,RND_CONV,SAT>",
    "QActivation(quantized_sigmoid(5,symmetric=True))": (
        "the factor 0.5, the summand 0.5, a cast to ufixed<5,0,RND_CONV,SAT>, limits (0.03125)"
    ),
    "QActivation('hard_tanh')": "limits (-1, 1)",
    "QActivation('smooth_tanh')": "the factor 0.375, limits (-1, 1)",
    "QActivation('hard_sigmoid')": "the factor 0.5, the summand 0.5, limits (0, 1)",
    "QActivation('smooth_sigmoid')": "the factor 0.1875, the summand 0.5, limits (0, 1)",
    "LeakyReLU(0.25)": "a shift and a choice",
    "LeakyReLU(2.0)": "a shift and a choice",
    "ReLU(max_value=1.5)": "limits (0, 1.5)",
    "ReLU(max_value=6.0, negative_slope=0.125)": "a shift and a choice",
}
"""What activations become that are exact behind sums of any width."""
TABLES = (
    "quantized_bits(1,0,0,alpha=1)",
    "quantized_bits(4,0,0,alpha=0.5)",
    "quantized_relu(4,1,negative_slope=0.125)",
    "quantized_tanh(1)",
    "quantized_tanh(4,use_real_tanh=True)",
    "binary(alpha=1)",
    "ternary(alpha=1)",
    "quantized_po2(4)",
    "'binary_tanh'",
)


def test_casts_and_tables() -> None:
    """All of them in one model, side by side."""
    keras = bring_up().keras
    image = keras.Input(FEATURES, name="image")
    dense = layer("dense", f"{DENSE})")(layer("first", "QActivation(quantized_relu(4,0))")(image))
    calls = [f"QActivation({call})" for call in (*CASTS, *TABLES)]
    calls += ["ThresholdedReLU(1.0)", "ReLU()"]
    model = filled(keras.Model(image, [layer(f"a{number}", call)(dense) for number, call in enumerate(calls)]))
    normal = exactly(model)
    found = [normal.model.get_layer(f"a{number}") for number in range(len(calls))]
    casts, tables = found[: len(CASTS)], found[len(CASTS) : -1]
    assert [str(each.number_format) for each in casts] == list(CASTS.values())
    assert [each.role for each in casts] == ["relu" if "relu" in call else "cast" for call in CASTS]
    assert {each.role for each in tables} == {"table"}
    assert all(each.name not in normal.formats for each in tables)
    assert (found[-1].role, found[-1].number_format) == ("relu", None)
    notes = [line.partition(":")[0] for line in normal.changes if "became a table of what" in line]
    assert sorted(notes) == sorted(f"layer {each.name}" for each in tables)


def test_hard_activations_and_slopes_need_no_table() -> None:
    keras = bring_up().keras
    image = keras.Input(FEATURES, name="image")
    dense = layer("dense", f"{DENSE})")(layer("first", "QActivation(quantized_relu(4,0))")(image))
    model = filled(keras.Model(image, [layer(f"a{number}", call)(dense) for number, call in enumerate(HARD)]))
    normal = exactly(model)
    for number, words in enumerate(HARD.values()):
        assert f"layer a{number}: it became {words}" in normal.changes
    tables = [each for each in normal.model.layers if getattr(each, "role", "") == "table"]
    assert tables == []


def test_a_table_of_too_many_entries_is_refused_before_there_is_a_project() -> None:
    wide = {"dense": f"{DENSE})", "more": f"{DENSE})", "last": "QActivation(quantized_hswish(18,2))"}
    calls = {name: call.replace("quantized_bits(4,", "quantized_bits(12,") for name, call in wide.items()}
    with pytest.raises(AdmissionError, match=r"layer last: .* a table, .* QActivation\(quantized_bits.* of at most 14"):
        of(chain(FEATURES, **calls))


def test_powers_of_two_of_wide_sums_are_tables_that_add_up() -> None:
    wide = {"dense": f"{DENSE})", "norm": "BatchNormalization()", "last": "QActivation(quantized_relu_po2(5, 4))"}
    calls = {name: call.replace("quantized_bits(4,", "quantized_bits(12,") for name, call in wide.items()}
    normal = of(chain(FEATURES, **calls))
    assert kinds(normal) == {
        "first": "Quantize",
        "dense": "Dense",
        "norm": "ScaleShift",
        "last_part1": "Quantize",
        "last_part2": "Quantize",
        "last": "Add",
    }


def test_a_cast_of_fraction_bits_only() -> None:
    for call, expected in (
        ("quantized_bits(4,-1,keep_negative=0,alpha=1)", "ufixed<4,-1,RND_CONV,SAT>"),
        ("quantized_bits(4,-2,1,alpha=1)", "fixed<4,-1,RND_CONV,SAT_SYM>"),
    ):
        assert str(as_cast(eval(call, names()))) == expected


@pytest.mark.parametrize("call", [*CASTS, *TABLES[:-1]])
def test_as_cast(call: str) -> None:
    quantizer = eval(call, names())
    found = as_cast(quantizer)
    assert (None if found is None else str(found)) == CASTS.get(call)
    assert is_relu(quantizer) == call.startswith("quantized_relu(")


def test_a_scale_that_follows_the_data_is_no_cast() -> None:
    for alpha in ("'auto'", "'auto_po2'", "0.5"):
        assert as_cast(eval(f"quantized_bits(4,0,0,alpha={alpha})", names())) is None


# What does nothing.


def test_layers_of_training_are_left_out() -> None:
    removed = (
        "Dropout(0.5)",
        "AlphaDropout(0.1)",
        "GaussianDropout(0.1)",
        "GaussianNoise(0.1)",
        "ActivityRegularization(0.1)",
        "Identity()",
        "SpatialDropout1D(0.5)",
    )
    calls = {f"r{number}": call for number, call in enumerate(removed)}
    dense = f"QConv1D(3, 2, use_bias=False, kernel_quantizer={W})"
    normal = exactly(chain(ROWS, conv=dense, **calls))
    assert kinds(normal) == {"first": "Quantize", "conv": "Conv1D"}
    assert normal.changes == tuple(
        f"layer {name}: a {call.partition('(')[0]} has no effect when the model is applied, and was removed"
        for name, call in calls.items()
    )
    normal = exactly(chain(IMAGE, drop="SpatialDropout2D(0.5)", order="Permute((1, 2, 3))", flat="Flatten()"))
    # hls4ml compiles no output that is the input.
    assert kinds(normal) == {"first": "Quantize", "flat": "Flatten", "flat_output0": "ScaleShift"}
    assert normal.changes[1] == "layer order: it keeps the order of the axes, and was removed"


# Weights.


@pytest.mark.parametrize(
    "quantizer",
    [
        "quantized_bits(4,0,1,alpha='auto_po2')",
        "quantized_bits(4,0,1)",
        "quantized_bits(1,0,0,alpha=1)",
        "binary(alpha=1)",
        "binary(use_01=True,alpha=1)",
        "binary(alpha='auto_po2')",
        "ternary(alpha=1)",
        "ternary(alpha='auto_po2')",
        "quantized_po2(4)",
    ],
)
def test_weights_are_frozen(quantizer: str) -> None:
    model = chain(FEATURES, dense=f"QDense(4, kernel_quantizer={quantizer}, bias_quantizer={B})")
    dense = model.get_layer("dense")
    expected = quantized(dense.kernel_quantizer_internal, dense.kernel)
    normal = exactly(model)
    new = normal.model.get_layer("dense")
    assert type(new).__name__ == "Dense"
    assert not hasattr(new, "kernel_quantizer")
    same(weights(normal, "dense")[0], expected)
    assert len(np.unique(expected)) > 1
    change = "layer dense: the scale that alpha='auto_po2' finds for its kernel was frozen into the constants"
    # QKeras itself makes auto_po2 of no alpha.
    assert normal.changes == ((change,) if "auto" in quantizer or quantizer == "quantized_bits(4,0,1)" else ())
    if quantizer == "binary(alpha=1)":
        same(np.unique(expected), [-1, 1])
    if quantizer == "ternary(alpha=1)":
        same(np.unique(expected), [-1, 0, 1])


@pytest.mark.parametrize(
    ("quantizer", "values"),
    [
        ("quantized_bits(4,0,1,alpha='auto')", 8),
        ("quantized_bits(4,0,0,alpha=0.3)", 8),
        ("ternary(alpha='auto')", 1),
        ("binary(alpha='auto')", 1),
    ],
)
def test_a_scale_of_many_bits_is_a_factor_behind_the_sums(quantizer: str, values: int) -> None:
    model = chain(FEATURES, dense=f"QDense(4, bias_quantizer={B}, kernel_quantizer={quantizer})")
    normal = of(model)
    found = compared(model, normal)
    assert kinds(normal)["dense"] == "Dense"
    assert kinds(normal)["dense_factor"] == "ScaleShift"
    (kernel,) = weights(normal, "dense")
    constants = normal.model.get_layer("dense_factor").constants
    same(kernel * values, np.rint(kernel * values))
    original = model.get_layer("dense")
    expected = quantized(original.kernel_quantizer_internal, original.kernel)
    np.testing.assert_allclose(kernel * constants.scale, expected, rtol=2**-21)
    assert 0 < found.bound < 1e-3
    assert found.max_share <= 1


def test_a_wrong_factor_of_a_scale_is_found() -> None:
    model = chain(FEATURES, dense="QDense(4, use_bias=False, kernel_quantizer=quantized_bits(4,0,1,alpha='auto'))")
    normal = of(model)
    scaled = normal.model.get_layer("dense_factor")
    scaled.scale = scaled.constants.scale[::-1]
    with pytest.raises(AdmissionError, match="layer dense: the rewritten model differs"):
        compared(model, normal)


def test_means_and_slopes_without_a_quantizer_are_as_exact_as_float32() -> None:
    calls = {"mean": "AveragePooling2D(3)", "slope": "LeakyReLU(0.3)", "flat": "Flatten()", "dense": f"{DENSE})"}
    model = chain(IMAGE, **calls)
    normal = of(model)
    found = compared(model, normal)
    assert normal.changes[:2] == (
        "layer mean: it became a sum and the factor 1 / 9, which is as exact as float32",
        "layer slope: it became a factor, which is as exact as float32, and a choice",
    )
    assert 0 < found.bound < 1e-4
    assert found.max_share <= 1


def test_padding_of_negative_pixels_in_streams_is_zeros_around_larger_ones() -> None:
    model = chain(IMAGE, first="quantized_bits(4,1,1,alpha=1)", pool="MaxPooling2D(3, padding='same')")
    normal = exactly(model, io_type="io_stream")
    assert kinds(normal) == {
        "first": "Quantize",
        "pool_shifted": "ScaleShift",
        "pool_padding": "ZeroPadding2D",
        "pool": "MaxPooling2D",
        "pool_shifted_layer": "ScaleShift",
    }
    assert kinds(exactly(model)) == {"first": "Quantize", "pool": "MaxPooling2D"}


def test_words_that_do_not_divide_each_other_are_repacked_by_value() -> None:
    model = chain((4, 3, 2), shape="Reshape((2, 4, 3))", last="ReLU()")
    assert list(kinds(of(model, io_type="io_stream"))) == ["first", "shape_values", "shape", "last"]
    assert list(kinds(of(model))) == ["first", "shape", "last"]


# The input.


def test_the_input_takes_the_digitiser_s_format() -> None:
    calls = {"conv": f"QConv2D(2, 2, kernel_quantizer={W}, bias_quantizer={B})"}
    model = chain(IMAGE, first=None, **calls)
    normal = exactly(model, input_format=FixedPoint.parse("ufixed<4,0>"))
    assert kinds(normal) == {"image_quantizer": "Quantize", "conv": "Conv2D"}
    assert normal.model.get_layer("image_quantizer").role == "cast"
    assert {name: str(found) for name, found in normal.formats.items()} == {"image_quantizer": FIRST}
    assert normal.changes == ("layer image: the input is cast to the digitiser's number format ufixed<4,0>",)
    with pytest.raises(
        AdmissionError, match=r"layer image: the model does not quantize its input; .*data\.input_format"
    ):
        of(model)


def test_a_quantizer_that_is_no_cast_does_not_quantize_the_input() -> None:
    model = chain(FEATURES, first="quantized_tanh(4)", dense=f"{DENSE})")
    with pytest.raises(AdmissionError, match="does not quantize its input"):
        of(model)
    normal = exactly(model, input_format=FixedPoint.parse("ufixed<4,0>"))
    assert list(kinds(normal)) == ["image_quantizer", "first", "dense"]


@pytest.mark.parametrize("kind", ["QActivation", "Activation"])
def test_an_input_that_is_quantized_keeps_its_own_format(kind: str) -> None:
    model = chain(FEATURES, first=None, begin=f"{kind}(quantized_relu(4,0))", dense=f"{DENSE})")
    normal = exactly(model, input_format=FixedPoint.parse("fixed<9,3>"))
    assert {name: str(found) for name, found in normal.formats.items()} == {"begin": FIRST}
    assert normal.changes == ()


# Convolutions with zeros.


def kernel_of(model: Any, name: str, role: str = "kernel") -> npt.NDArray[np.float64]:
    old = model.get_layer(name)
    kernel = old.kernel if role == "kernel" else getattr(old, f"{role}_kernel")
    return quantized(getattr(old, f"{role}_quantizer_internal"), kernel)


def test_dilation_is_zeros_between_taps() -> None:
    options = "dilation_rate=(2, 3), padding='same', use_bias=False"
    model = chain(IMAGE, conv=f"QConv2D(2, 2, kernel_quantizer={W}, {options})")
    normal = exactly(model)
    (found,) = weights(normal, "conv")
    expected = np.zeros((3, 4, 1, 2))
    expected[::2, ::3] = kernel_of(model, "conv")
    same(found, expected)
    assert np.count_nonzero(kernel_of(model, "conv")) > 2
    assert normal.changes == ("layer conv: its dilation became zeros between the taps of the kernel",)


def test_groups_are_zeros_between_channels() -> None:
    model = chain(PAIRS, conv=f"QConv2D(4, 2, kernel_quantizer={W}, groups=2, use_bias=False)")
    normal = exactly(model)
    (found,) = weights(normal, "conv")
    own = kernel_of(model, "conv")
    assert own.shape == (2, 2, 1, 4)
    expected = np.zeros((2, 2, 2, 4))
    expected[:, :, 0, :2], expected[:, :, 1, 2:] = own[:, :, 0, :2], own[:, :, 0, 2:]
    same(found, expected)
    assert normal.changes == ("layer conv: its 2 groups became one kernel with zeros between them",)


def test_causal_padding_is_zeros_in_front() -> None:
    options = "padding='causal', dilation_rate=2"
    model = chain(ROWS, conv=f"QConv1D(3, 3, kernel_quantizer={W}, bias_quantizer={B}, {options})")
    normal = exactly(model)
    assert kinds(normal) == {"first": "Quantize", "conv_padding": "ZeroPadding1D", "conv": "Conv1D"}
    assert tuple(normal.model.get_layer("conv_padding").padding) == (4, 0)
    expected = np.zeros((5, 8, 3))
    expected[::2] = kernel_of(model, "conv")
    same(weights(normal, "conv")[0], expected)
    assert "layer conv: its causal padding became zeros before the first value" in normal.changes


@pytest.mark.parametrize("times", [1, 2])
def test_a_depthwise_convolution_that_hls4ml_lacks_is_a_convolution(times: int) -> None:
    call = f"QDepthwiseConv2D((2, 3), depth_multiplier={times}, depthwise_quantizer={W}, bias_quantizer={B})"
    model = chain(PAIRS, conv=call)
    normal = exactly(model, resource="conv" if times == 1 else "")
    assert kinds(normal) == {"first": "Quantize", "conv": "Conv2D"}
    own = kernel_of(model, "conv", "depthwise")
    expected = np.zeros((2, 3, 2, 2 * times))
    for channel in (0, 1):
        for copy in range(times):
            expected[:, :, channel, channel * times + copy] = own[:, :, channel, copy]
    same(weights(normal, "conv")[0], expected)
    assert normal.changes[0].startswith("layer conv: hls4ml has no such depthwise convolution")


def test_other_depthwise_convolutions_stay() -> None:
    call = f"QDepthwiseConv2D(2, depthwise_quantizer={W}, use_bias=False, dilation_rate=2)"
    model = chain(PAIRS, conv=call)
    for io_type, resource in (("io_parallel", ""), ("io_stream", "conv")):
        normal = exactly(model, io_type=io_type, resource=resource)
        assert kinds(normal) == {"first": "Quantize", "conv": "DepthwiseConv2D"}
        expected = np.zeros((3, 3, 2, 1))
        expected[::2, ::2] = kernel_of(model, "conv", "depthwise")
        same(weights(normal, "conv")[0], expected)


@pytest.mark.parametrize(("axes", "shape"), [(1, ROWS), (2, PAIRS)])
def test_a_separable_convolution_is_two(axes: int, shape: tuple[int, ...]) -> None:
    quantizers = f"depthwise_quantizer={W}, pointwise_quantizer={W}, bias_quantizer={B}"
    model = chain(shape, conv=f"QSeparableConv{axes}D(3, 2, strides=2, {quantizers}, activation='quantized_relu(4,2)')")
    normal = exactly(model)
    assert kinds(normal) == {
        "first": "Quantize",
        "conv_depthwise": f"DepthwiseConv{axes}D",
        "conv": f"Conv{axes}D",
        "conv_activation": "Quantize",
    }
    same(weights(normal, "conv_depthwise")[0], kernel_of(model, "conv", "depthwise"))
    same(weights(normal, "conv")[0], kernel_of(model, "conv", "pointwise"))
    assert normal.changes[0] == "layer conv: it became a depthwise convolution and a convolution of one pixel"


@pytest.mark.parametrize(("shape", "kind"), [(ROWS, "Conv1D"), (PAIRS, "Conv2D")])
def test_a_dense_layer_on_pixels_is_a_convolution(shape: tuple[int, ...], kind: str) -> None:
    model = chain(shape, dense=f"{DENSE})")
    normal = exactly(model)
    assert kinds(normal) == {"first": "Quantize", "dense": kind}
    ones = (1,) * (len(shape) - 1)
    same(weights(normal, "dense")[0], kernel_of(model, "dense").reshape(*ones, shape[-1], 10))
    assert normal.changes == ("layer dense: a dense layer on each pixel is a convolution of one pixel",)


def test_padded_maximum_behind_relu_is_padding_with_zeros() -> None:
    conv = f"QConv2D(2, 1, kernel_quantizer={W}, bias_quantizer={B}"
    pool = "MaxPooling2D((3, 2), strides=(2, 1), padding='same')"
    model = chain(IMAGE, conv=f"{conv}, activation='quantized_relu(4,2)')", up="UpSampling2D(1)", pool=pool)
    normal = exactly(model)
    assert list(kinds(normal).values())[-2:] == ["ZeroPadding2D", "MaxPooling2D"]
    assert normal.model.get_layer("pool_padding").padding == ((0, 1), (0, 1))
    assert normal.model.get_layer("pool").padding == "valid"
    assert "zeros around the image, which is exact since no pixel is negative" in normal.changes[-1]
    # hls4ml pads signed values with the smallest.
    signed = chain(IMAGE, conv=f"{conv})", pool=pool)
    assert exactly(signed).model.get_layer("pool").padding == "same"


# Models of several branches.


@pytest.mark.parametrize("kind", ["Add", "Multiply", "Maximum", "Minimum", "Concatenate"])
def test_merges_take_two_tensors_at_a_time(kind: str) -> None:
    keras = bring_up().keras
    image = keras.Input(FEATURES, name="image")
    x = layer("first", "QActivation(quantized_relu(4,0))")(image)
    bits = "quantized_bits(4,0,0,alpha=1)"
    parts = [
        layer(f"d{n}", f"QDense(3, use_bias=False, kernel_quantizer={W}, activation={bits})")(x) for n in (0, 1, 2)
    ]
    model = filled(keras.Model(image, layer("merge", f"{kind}()")(parts)))
    normal = exactly(model)
    merges = {name: found for name, found in kinds(normal).items() if "merge" in name}
    assert merges == {"merge_1": kind, "merge": kind}
    assert all(len(normal.model.get_layer(name).input) == 2 for name in merges)
    assert normal.changes[-1] == "layer merge: 3 inputs are merged two at a time"


def two_by_three() -> Any:
    keras = bring_up().keras
    left, right = keras.Input(FEATURES, name="left"), keras.Input(PAIRS, name="right")
    a = layer("left_first", "QActivation(quantized_relu(4,0))")(left)
    b = layer("flat", "Flatten()")(layer("right_first", "QActivation(quantized_bits(5,0,0,alpha=1))")(right))
    a = layer("dense_a", f"{DENSE}, activation='quantized_relu(5,2)')")(a)
    b = layer("dense_b", f"{DENSE})")(b)
    outputs = [layer("probabilities", "Softmax()")(b), a, layer("mean", "Average()")([a, b])]
    return filled(keras.Model([left, right], outputs, name="both"))


def test_several_inputs_and_outputs() -> None:
    model = two_by_three()
    normal = exactly(model)
    assert normal.model.name == "both"
    assert [tensor.node.layer.name for tensor in normal.model.inputs] == ["left", "right"]
    assert [tensor.node.layer.name for tensor in normal.model.outputs] == ["dense_b", "dense_a_activation", "mean"]
    mean = normal.model.get_layer("mean")
    same(mean.scale, np.full(10, 0.5))
    same(mean.shift, np.zeros(10))
    assert normal.outputs_changed
    assert set(kinds(normal)) == {
        "left_first", "right_first", "flat", "dense_a", "dense_a_activation", "dense_b", "mean_1", "mean",
    }  # fmt: skip
    assert "layer mean: it became a sum and the factor 1/2" in normal.changes


# Numbers.


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.75, -2.0], "fixed<4,2>"),
        ([], "ufixed<1,1>"),
        ([0.0, -0.0], "ufixed<1,1>"),
        ([1], "ufixed<1,1>"),
        ([-1], "fixed<1,1>"),
        ([-1, 1], "fixed<2,2>"),
        ([-2, 1], "fixed<2,2>"),
        ([0.5], "ufixed<1,0>"),
        ([-0.5], "fixed<1,0>"),
        ([0.125, 0.25], "ufixed<2,-1>"),
        ([4, 8], "ufixed<2,4>"),
        ([[3], [-4]], "fixed<3,3>"),
        ([2.0**-20, 1], "ufixed<21,1>"),
        ([15 / 16], "ufixed<4,0>"),
        ([2.0**100], "ufixed<1,101>"),
        ([0.1], "ufixed<52,-3>"),
    ],
)
def test_common_format(values: list[float], expected: str) -> None:
    found = common_format(values)
    assert str(found) == expected
    same(found.to_real(found.cast(np.asarray(values, np.float64))), values)


@pytest.mark.parametrize("values", [[np.nan], [np.inf], [1.0, 2.0**-70], [-(2.0**40), 2.0**-40]])
def test_values_without_a_common_format(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"not finite|63 bits"):
        common_format(values)


def test_frozen_refuses_more_than_24_bits() -> None:
    same(frozen(None, [1, 2.0**-23]).values, [1, 2.0**-23])
    with pytest.raises(ValueError, match="more than 24 bits"):
        frozen(None, [1, 2.0**-24])


@pytest.mark.parametrize(
    ("values", "fraction", "expected"),
    [
        ([0, 0], 24, [0, 0]),
        ([], 24, []),
        ([1, 2.0**-30], 24, [1, 0]),
        ([1, 2.0**-30], 30, [1, 2.0**-30]),
        # Halves go to even.
        ([2.0**24 + 1], 24, [2.0**24]),
        ([2.0**24 + 3], 24, [2.0**24 + 4]),
        ([1, -0.3, 0.375], 2, [1, -0.25, 0.5]),
    ],
)
def test_constants_have_the_bits_of_float32_and_at_most_some(
    values: list[float], fraction: int, expected: list[float]
) -> None:
    same(as_float32(values, fraction=fraction), expected)


def test_constants_of_float32_stay() -> None:
    values = np.random.default_rng(0).normal(0, 1, 100).astype(np.float32) * np.float32(2.0) ** np.arange(-50, 50)
    same(as_float32(values), values)
    # Each on the grid of its own magnitude.
    same(as_float32([0.1, 0.1], [1, 2.0**20]), [round(0.1 * 2**23) / 2**23, round(0.1 * 2**3) / 2**3])


def test_cropping_is_a_convolution_of_one_tap() -> None:
    normal = exactly(chain(IMAGE, crop="Cropping2D(((1, 2), (0, 3)))", nothing="Cropping2D(0)"))
    assert kinds(normal) == {"first": "Quantize", "crop": "DepthwiseConv2D"}
    kernel = np.zeros((4, 4, 1, 1))
    kernel[1, 0] = 1
    same(weights(normal, "crop")[0], kernel)
    normal = exactly(chain(ROWS, crop="Cropping1D((2, 1))"))
    assert normal.model.output_shape == (None, 5, 8)
    assert normal.changes == ("layer crop: it became a depthwise convolution with one tap of 1 and zeros",)


def heads(outputs: Callable[[Any, Any], list[Any]]) -> Any:
    """A dense layer and its softmax, and which of them leave the model."""
    keras = bring_up().keras
    image = keras.Input(FEATURES, name="image")
    x = layer("first", "QActivation(quantized_relu(4,0))")(image)
    y = layer("logits", f"QDense(3, kernel_quantizer={W}, bias_quantizer={B})")(x)
    return filled(keras.Model(image, outputs(y, layer("probabilities", "Softmax()")(y))))


@pytest.mark.parametrize(
    ("outputs", "names"),
    [
        (lambda y, p: [y, p], ["logits", "probabilities"]),
        (lambda y, p: [p, y, y], ["logits", "logits_output1", "logits_output2"]),
    ],
)
def test_each_output_has_a_layer_of_its_own(outputs: Callable[[Any, Any], list[Any]], names: list[str]) -> None:
    normal = exactly(heads(outputs))
    assert [tensor.node.layer.name for tensor in normal.model.outputs] == names
    assert f"layer {names[1]}: output 1 has the values of logits and is a copy of them" in normal.changes


def test_an_input_that_no_layer_reads_keeps_its_port() -> None:
    keras = bring_up().keras
    image, unread = keras.Input(FEATURES, name="image"), keras.Input((3,), name="unread")
    model = keras.Model([image, unread], layer("first", "QActivation(quantized_relu(4,0))")(image))
    normal = normal_form(model, OPTIONS, input_format=FixedPoint.parse(FIRST))
    events = [digits().reshape(-1, *FEATURES)[:20], np.zeros((20, 3))]
    assert compare(model, normal, events).differing_outputs == 0
    assert normal.formats["unread"] == FixedPoint.parse(FIRST)
    assert any(change.startswith("layer unread: no layer reads it, and its port stays") for change in normal.changes)
    assert random_events(normal, 5).shape == (5, 67)

"""The comparison of a normal form with its model: bounds of float32, and wrong rewritings, which it has to find."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.hls.test_rewriting import OPTIONS, chain, events_of, filled, layer, of, same, two_by_three
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.rewriting import constants, rules
from trigcnn.hls.rewriting.check import Rewriting, compare
from trigcnn.hls.rewriting.constants import ScaleAndShift
from trigcnn.hls.rewriting.normal_form import check_converts
from trigcnn.hls.rewriting.rewrite import NormalForm

IMAGE = (8, 4, 2)


def network(bits: int, norm: str) -> Any:
    """Every kind of layer that has constants; with 16 bits, no sum fits into float32."""
    weights = f"quantized_bits({bits},0,0,alpha=1)"
    return chain(
        IMAGE,
        first=f"quantized_bits({bits},0,0,alpha=1)",
        apart=f"QDepthwiseConv2D(2, depthwise_quantizer={weights}, bias_quantizer={weights})",
        cast=f"QActivation(quantized_bits({bits},2,0,alpha=1))",
        conv=f"QSeparableConv2D(3, 2, depthwise_quantizer={weights}, pointwise_quantizer={weights}, "
        f"bias_quantizer={weights}, activation=quantized_relu({bits},3))",
        mean="QAveragePooling2D(2, average_quantizer=quantized_bits(7,0,1,alpha=1))",
        norm=norm,
        relu=f"QActivation(quantized_relu({bits},2))",
        flat="Flatten()",
        dense=f"QDense(3, kernel_quantizer={weights}, bias_quantizer={weights})",
    )


NETWORKS = {
    "narrow": lambda: network(4, "QBatchNormalization(epsilon=0, beta_quantizer=quantized_bits(4,1,alpha=1), "
    "gamma_quantizer=quantized_bits(4,1,alpha=1), mean_quantizer=quantized_bits(4,1,alpha=1), "
    "variance_quantizer=quantized_relu_po2(2,4,quadratic_approximation=True))"),
    "wide": lambda: network(16, "BatchNormalization()"),
}  # fmt: skip


def compared(model: Any, normal: NormalForm) -> Rewriting:
    return compare(model, normal, [x[:16] for x in events_of(model)], random_events=16)


@pytest.fixture(scope="module", params=NETWORKS)
def both(request: pytest.FixtureRequest) -> tuple[Any, NormalForm]:
    model = NETWORKS[request.param]()
    return model, of(model)


def test_float32_rounds_within_its_bound_and_only_where_sums_are_wide(both: tuple[Any, NormalForm]) -> None:
    model, normal = both
    found = compared(model, normal)
    if model.get_layer("apart").depthwise_quantizer_internal.bits == 4:
        assert (found.differing_outputs, found.bound, found.max_share, found.layers) == (0, 0, 0, ())
        return
    assert [each.layer for each in found.layers] == ["apart", "conv", "norm", "dense"]
    for each in found.layers:
        assert 0 < each.bound < 2**-7
        assert each.max_share <= 1
    assert 0 < found.max_difference <= found.bound < 2**-5
    assert found.checked_events == found.events == 32


def factor(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The last channel is larger by a 64th."""
    changed = values.copy()
    changed[..., -1] *= 1 + 2**-6
    return changed


def swapped(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Two channels change places."""
    return np.concatenate([values[..., 1:2], values[..., :1], values[..., 2:]], axis=-1)


def lost(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One value is gone."""
    changed = values.copy()
    changed[..., 0] = 0
    return changed


Change = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
# By the layer of the normal form: which of its constants, and what becomes of them.
MUTATIONS: list[tuple[str, int, Change]] = [
    ("apart", 0, lambda values: factor(values[..., 0])[..., None]),
    ("apart", 0, lambda values: swapped(values[..., 0])[..., None]),
    ("apart", 1, lost),
    ("conv_depthwise", 0, lambda values: swapped(values[..., 0])[..., None]),
    ("conv", 0, factor),
    ("conv", 0, swapped),
    ("conv", 1, lost),
    ("conv", 1, swapped),
    ("mean", 0, lambda values: values * (1 + 2**-8)),
    ("dense", 0, factor),
    ("dense", 0, swapped),
    ("dense", 1, lost),
]


@pytest.mark.parametrize("number", range(len(MUTATIONS)))
def test_wrong_weights_are_found(both: tuple[Any, NormalForm], number: int) -> None:
    model, normal = both
    name, index, change = MUTATIONS[number]
    plain = normal.model.get_layer(name)
    right = plain.get_weights()
    wrong = [change(values) if at == index else values for at, values in enumerate(right)]
    plain.set_weights(wrong)
    try:
        with pytest.raises(AdmissionError, match=rf"layer {name.split('_')[0]}: .* float32 does not explain"):
            compared(model, normal)
    finally:
        plain.set_weights(right)


@pytest.mark.parametrize(
    ("role", "change"), [("scale", factor), ("scale", swapped), ("shift", swapped), ("shift", lost)]
)
def test_wrong_factors_and_summands_are_found(
    both: tuple[Any, NormalForm], monkeypatch: pytest.MonkeyPatch, role: str, change: Change
) -> None:
    model, _ = both
    fold = constants.fold_batch_normalization

    def wrong(*arguments: Any) -> ScaleAndShift:
        found = fold(*arguments)
        changed: dict[str, Any] = {role: change(getattr(found, role))}
        return dataclasses.replace(found, **changed)

    monkeypatch.setattr(rules, "fold_batch_normalization", wrong)
    with pytest.raises(AdmissionError, match=r"layer norm: .* float32 does not explain"):
        compared(model, of(model))


def test_a_rule_that_adds_a_layer_is_found_with_its_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """It doubles one of three outputs."""
    rule = rules.RULES["Average"]

    def twice(site: Any) -> Any:
        site.note("it was doubled")
        x = rule(site)
        return site.state.scale_shift(
            x, f"{site.name}_twice", ScaleAndShift.exactly(np.full(10, 2.0), np.zeros(10), site.state.range_of(x))
        )

    model = two_by_three()
    monkeypatch.setitem(rules.RULES, "Average", twice)
    with pytest.raises(AdmissionError) as error:
        compared(model, of(model))
    message = str(error.value)
    assert message.startswith("layer mean: the rewritten model differs from the model in ")
    assert message.endswith(
        "report this model. Rewritten were: layer mean: it was doubled; layer mean: it became a sum and the factor 1/2"
    )


def test_channels_of_a_normalization_that_differ_much_in_size_keep_their_bits() -> None:
    model = chain(
        (8, 8, 1),
        conv="QConv2D(3, 2, kernel_quantizer='quantized_bits(4,0,0,alpha=1)', use_bias=False)",
        norm="BatchNormalization()",
        relu="QActivation(quantized_relu(6,1))",
    )
    norm = model.get_layer("norm")
    norm.moving_mean.assign([3e5, 0.1, -0.2])
    norm.gamma.assign([1, 1, 1e-4])
    normal = of(model)
    found = compared(model, normal)
    # The first channel is a constant of -3e5, which float32 has in steps of 1/64.
    assert found.layers[0].bound > 0.1
    assert found.differing_outputs <= 1
    new = normal.model.get_layer("norm")
    gamma, beta, mean, variance = (np.asarray(array, np.float64) for array in norm.get_weights())
    scale = gamma / np.sqrt((variance.astype(np.float32) + np.float32(norm.epsilon)).astype(np.float64))
    np.testing.assert_allclose(new.scale, scale, rtol=2**-24, atol=2**-26)
    np.testing.assert_allclose(new.shift[1:], (beta - mean * scale)[1:], rtol=2**-20)
    same(new.shift[0] * 64 % 1, 0)


def test_factors_of_a_normalization_behind_wide_sums_have_fewer_bits() -> None:
    """34 bits times 24 bits are more than float64 holds."""
    wide = "quantized_bits(16,0,0,alpha=1)"
    model = chain(
        (16,),
        first=wide,
        dense=f"QDense(3, kernel_quantizer={wide}, bias_quantizer={wide})",
        norm="BatchNormalization()",
        cast="QActivation(quantized_bits(16,3,0,alpha=1))",
    )
    model.get_layer("dense")
    normal = of(model)
    (change,) = normal.changes
    assert change.startswith("layer norm: it became one factor and one summand per channel, of at most 1")
    assert change.endswith(" bits, so that no sum needs more than 51")
    found = compared(model, normal)
    assert 0 < found.layers[-1].bound < 2**-13


def test_sums_too_wide_to_be_multiplied_are_rounded_finer_than_float32() -> None:
    """43 bits times 24 bits, of which 32 are kept, times 24 bits; and thresholds have room for their offsets."""
    model = chain(
        (8,),
        first="quantized_bits(24,0,0,alpha=1)",
        dense="QDense(3, kernel_quantizer=quantized_bits(16,0,1,alpha='auto'), use_bias=False)",
        norm="BatchNormalization()",
        act="QActivation(quantized_relu_po2(5,4))",
    )
    normal = of(model)
    grids = {each.name: each for each in normal.model.layers if getattr(each, "role", "") == "grid"}
    assert {name: each.number_format.width for name, each in grids.items()} == {
        "dense_factor_grid": 35,
        "dense_factor_grid_layer": 32,
    }
    check_converts(model, OPTIONS)
    found = compared(model, normal)
    assert [each.layer for each in found.layers] == ["first", "dense", "norm"]
    assert 0 < max(each.bound for each in found.layers) < 2**-15


@pytest.mark.parametrize("layers", [1, 2])
def test_more_than_53_bits_are_refused_with_layer_and_bits(layers: int) -> None:
    keras = bring_up().keras
    wide = "quantized_bits(24,0,0,alpha=1)"
    x = image = keras.Input((4,), name="image")
    x = layer("first", f"QActivation({wide})")(x)
    for number in range(layers):
        x = layer(f"dense{number}", f"QDense(4, kernel_quantizer={wide}, use_bias=False)")(x)
    model = filled(keras.Model(image, x))
    normal = of(model)
    events = [np.zeros((1, 4))]
    if layers == 1:
        assert compare(model, normal, events, random_events=8).layers[0].layer == "dense0"
        return
    message = r"layer dense1: its values need 7\d bits .* hold 53; put a QActivation"
    with pytest.raises(AdmissionError, match=message):
        compare(model, normal, events)
    # Before training, too.
    with pytest.raises(AdmissionError, match=message):
        check_converts(model, OPTIONS)


@pytest.mark.parametrize("size", [63, 64])
def test_a_sum_that_rounds_to_54_bits_is_refused_if_there_is_rtl(size: int) -> None:
    """64 products of 24 bits and 23 bits reach almost 2**53, and more with half of the last bit that stays."""
    keras = bring_up().keras
    x = image = keras.Input((size,), name="image")
    x = layer("first", "QActivation(quantized_relu(24,0))")(x)
    x = layer("dense", "QDense(1, kernel_quantizer=quantized_bits(24,0,alpha=1), use_bias=False)")(x)
    model = keras.Model(image, layer("relu", "QActivation(quantized_relu(8,5))")(x))
    model.set_weights([np.full((size, 1), 1 - 2.0**-23, np.float32)])
    check_converts(model, OPTIONS, rtl=False)
    if size == 63:
        check_converts(model, OPTIONS)
        return
    message = r"layer \w+: its values have 53 bits, and RTL, which adds half a bit to round them, holds 53; put a QAct"
    with pytest.raises(AdmissionError, match=message):
        check_converts(model, OPTIONS)


@pytest.mark.parametrize("activation", ["quantized_tanh(6)", "quantized_relu(6,0,use_sigmoid=1)"])
def test_a_sigmoid_of_fine_numbers_rounds_in_float32(activation: str) -> None:
    """QKeras computes `2 * (x / 2 + 1 / 2) - 1`: just above a half step, the sum loses the last bit of `x`."""
    model = chain((4,), first=None, act=f"QActivation({activation})")
    normal, above = of(model, input_format=FixedPoint.parse("fixed<24,-1>")), 2.0**-25
    halves = np.array([[1, 3, 5, 7]]) / 64
    same(normal.model(halves + above), [[1 / 32, 2 / 32, 3 / 32, 4 / 32]])
    found = compare(model, normal, [np.concatenate([halves, halves + above])], random_events=0)
    assert (found.differing_outputs, found.max_difference) == (2, 1 / 32)
    assert 1 / 32 <= found.bound < 1.01 / 32


def test_a_layer_may_get_one_tensor_twice() -> None:
    modules = bring_up()
    layers = modules.keras.layers
    given = modules.keras.Input(IMAGE)
    x = modules.qkeras.QActivation("quantized_bits(4,0,0,alpha=1)")(given)
    model = modules.keras.Model(given, layers.Multiply()([layers.Add()([x, x]), layers.Dropout(0.5)(x)]))
    found = compared(model, of(model))
    assert (found.differing_outputs, found.layers) == (0, ())

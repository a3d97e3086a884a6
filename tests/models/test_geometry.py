"""Sizes, receptive fields and counts of networks, held to numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import Keras2, bring_up
from trigcnn.hls.admission.table import LAYERS
from trigcnn.models import zoo
from trigcnn.models.errors import ModelError
from trigcnn.models.geometry import Axis, Dense, LayerGeometry, ReceptiveField, geometry, refuse_dropped, sight
from trigcnn.models.geometry.axis import same_padding
from trigcnn.models.geometry.layers import kind_of

FORMAT = FixedPoint.parse("ufixed<8,0>")


@pytest.fixture(scope="module")
def k() -> Keras2:
    return bring_up()


def chain(shape: tuple[int | None, ...], *layers: Any) -> dict[str, LayerGeometry]:
    """The sizes of layers one behind the other."""
    keras = bring_up().keras
    x = inputs = keras.Input(shape, name="events")
    for layer in layers:
        x = layer(x)
    return named(keras.Model(inputs, x))


def named(model: Any) -> dict[str, LayerGeometry]:
    return {layer.name: layer for layer in geometry(model)}


def fields(layers: dict[str, LayerGeometry], *names: str) -> list[tuple[int, ...]]:
    return [field.pixels for name in names for field in layers[name].fields]


@pytest.mark.parametrize(
    ("axis", "formula", "dropped", "skipped"),
    [
        (Axis.of("width", 8, 3), "(8 - 3 + 2*0)/1 + 1 = 6", 0, 0),
        (Axis.of("width", 8, 3, 1, 1, 1), "(8 - 3 + 2*1)/1 + 1 = 8", 0, 0),
        (Axis.of("width", 32, 3, 2, 0, 1), "(32 - 3 + 0 + 1)/2 + 1 = 16", 0, 0),
        (Axis.of("width", 227, 11, 4), "(227 - 11 + 2*0)/4 + 1 = 55", 0, 0),
        # Windows begin at 0, 4 ... 212; the last ends with pixel 222 of 0 to 223.
        (Axis.of("width", 224, 11, 4), "floor((224 - 11 + 2*0)/4) + 1 = 54", 1, 0),
        (Axis.of("width", 10, 3, 4), "floor((10 - 3 + 2*0)/4) + 1 = 2", 3, 1),
        # The pixel behind the last window is a zero of the padding.
        (Axis.of("width", 8, 3, 2, 1, 1), "floor((8 - 3 + 2*1)/2) + 1 = 4", 0, 0),
        (Axis.of("width", 9, 3, 5, 1, 1), "floor((9 - 3 + 2*1)/5) + 1 = 2", 2, 2),
        (Axis.of("width", 9, 2, 2, blank=1), "floor((9 - 2 + 2*0)/2) + 1 = 4", 0, 0),
        (Axis.of("width", 8, 1, 2), "floor((8 - 1 + 2*0)/2) + 1 = 4", 1, 3),
        (Axis.of("width", 5, repeat=3), "3*5 = 15", 0, 0),
        (Axis.of("width", 9, before=-2, after=-1), "(9 - 1 - 2 - 1)/1 + 1 = 6", 0, 0),
    ],
)
def test_the_formula_and_what_is_left_out_of_an_axis(axis: Axis, formula: str, dropped: int, skipped: int) -> None:
    assert (axis.formula, axis.dropped, axis.skipped) == (formula, dropped, skipped)


def test_what_is_dropped_and_skipped_is_what_no_window_sees_and_the_named_sizes_mend_it() -> None:
    for size in range(3, 14):
        for window in range(1, 4):
            for stride in range(1, 6):
                axis = Axis.of("width", size, window, stride)
                seen = {n * stride + tap for n in range(axis.output) for tap in range(window)}
                last = (axis.output - 1) * stride + window
                assert (axis.dropped, axis.skipped) == (size - last, last - len(seen))
                smaller, larger = axis.sizes_that_divide
                assert smaller <= size <= larger == smaller + (stride if axis.dropped else 0)
                assert {Axis.of("width", n, window, stride).dropped for n in (smaller, larger)} == {0}


def test_same_padding_is_that_of_tensorflow(k: Keras2) -> None:
    for size, window, stride in ((7, 3, 2), (8, 3, 2), (8, 5, 3), (9, 2, 2), (6, 1, 2), (5, 4, 1)):
        layer = k.keras.layers.Conv1D(1, window, stride, padding="same", kernel_initializer="ones")
        counted = np.asarray(layer(np.ones((1, size, 1), np.float32)))[0, :, 0]
        before, after = same_padding(size, window, stride)
        pixels = np.pad(np.ones(size), (before, after))
        expected = np.lib.stride_tricks.sliding_window_view(pixels, window)[::stride].sum(axis=1)
        np.testing.assert_array_equal(counted, expected)
        np.testing.assert_array_equal(
            layer(np.ones((1, size, 1))).shape[1], Axis.of("", size, window, stride, before, after).output
        )


def test_lenet_on_images_of_28_pixels() -> None:
    layers = named(zoo.builder("lenet")((28, 28, 1), 10, FORMAT, kernel_sizes=(5, 5)))
    assert layers["conv1"].shape == (24, 24, 6)
    assert [axis.formula for axis in layers["conv1"].axes] == ["(28 - 5 + 2*0)/1 + 1 = 24"] * 2
    # 5*5*1*6 weights and 6 biases; 24*24 windows.
    assert (layers["conv1"].parameters, layers["conv1"].multiplications) == (156, 86_400)
    # 784 inputs, 3,456 outputs.
    assert layers["conv1"].dense == Dense(parameters=2_712_960, multiplications=2_709_504)
    assert (layers["pool1"].shape, layers["pool1"].parameters) == ((12, 12, 6), 0)
    assert layers["pool1"].dense == Dense(parameters=3456 * 864 + 864, multiplications=3456 * 864)
    # 5*5*6*16 weights, 8*8 windows.
    assert (layers["conv2"].parameters, layers["conv2"].multiplications) == (2416, 153_600)
    assert (layers["flatten"].shape, layers["flatten"].axes, layers["flatten"].dense) == ((1024,), (), None)
    assert (layers["logits"].parameters, layers["logits"].multiplications) == (10_250, 10_240)
    assert layers["logits"].dense == Dense(parameters=10_250, multiplications=10_240)
    # 1, + 4, + 1, + 4*2, and then 8 places 2 pixels apart.
    assert fields(layers, "events", "conv1", "relu1", "pool1", "conv2", "flatten", "logits") == [
        (1, 1), (5, 5), (5, 5), (6, 6), (14, 14), (14, 14), (28, 28),
    ]  # fmt: skip
    assert [layers[name].fields[0].jump for name in ("conv1", "pool1", "conv2")] == [(1, 1), (2, 2), (2, 2)]
    assert layers["flatten"].fields[0].jump == (None, None)


def test_the_svhn_network() -> None:
    model = zoo.builder("svhn")((32, 32, 3), 10, FORMAT)
    layers = named(model)
    windowed = [layer for layer in layers.values() if layer.axes]
    assert [layer.shape[0] for layer in windowed] == [30, 15, 13, 6, 4, 2]
    assert [layer.fields[0].pixels for layer in windowed] == [(n, n) for n in (3, 4, 8, 10, 18, 22)]
    assert [layer.fields[0].jump[0] for layer in windowed] == [1, 2, 2, 4, 4, 8]
    assert [layer.multiplications for layer in windowed] == [388_800, 0, 389_376, 0, 55_296, 0]
    # Two places, 8 pixels apart, of 22: the last 2 columns of the image are never seen.
    assert layers["logits"].fields == (ReceptiveField("events", (30, 30), (None, None)),)
    assert layers["pool2"].unseen == (
        "windows of 2, stride 2, never see the last 1 of 13 pixels, along height and width",
    )
    assert [layer.name for layer in layers.values() if layer.unseen] == ["pool2"]
    # Factors and summands of five normalizations.
    assert layers["conv1_norm"].parameters == 32
    assert sum(layer.parameters for layer in layers.values()) == sum(
        weights.shape.num_elements() for weights in model.trainable_weights
    )


def test_alexnet_s_convolutions(k: Keras2) -> None:
    layers = chain(
        (227, 227, 3),
        k.keras.layers.Conv2D(96, 11, 4, name="conv1"),
        k.keras.layers.MaxPooling2D(3, 2, name="pool1"),
        k.keras.layers.Conv2D(256, 5, padding="same", groups=2, name="conv2"),
        k.keras.layers.MaxPooling2D(3, 2, name="pool2"),
        k.keras.layers.Conv2D(384, 3, padding="same", name="conv3"),
        k.keras.layers.Conv2D(384, 3, padding="same", name="conv4"),
        k.keras.layers.Conv2D(256, 3, padding="same", name="conv5"),
        k.keras.layers.MaxPooling2D(3, 2, name="pool5"),
    )
    assert [axis.formula for axis in layers["conv1"].axes] == ["(227 - 11 + 2*0)/4 + 1 = 55"] * 2
    assert [axis.formula for axis in layers["conv2"].axes] == ["(27 - 5 + 2*2)/1 + 1 = 27"] * 2
    names = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")
    assert [layers[name].shape[0] for name in names] == [55, 27, 27, 13, 13, 13, 13, 6]
    assert fields(layers, *names) == [(n, n) for n in (11, 19, 51, 67, 99, 131, 163, 195)]
    # The published count of weights and biases of each convolution.
    assert [layers[name].parameters for name in names if "conv" in name] == [
        34_944,
        307_456,
        885_120,
        1_327_488,
        884_992,
    ]
    assert layers["conv1"].multiplications == 55 * 55 * 11 * 11 * 3 * 96
    assert layers["conv1"].dense == Dense(154_587 * 290_400 + 290_400, 154_587 * 290_400)
    refuse_dropped(tuple(layers.values()))


def test_each_kind_of_layer(k: Keras2) -> None:
    L, q = k.keras.layers, k.qkeras  # noqa: N806 - as in Keras' own examples
    layers = chain(
        (9, 12, 2),
        L.ZeroPadding2D(((1, 0), (2, 2)), name="padded"),
        q.QDepthwiseConv2D((3, 2), depth_multiplier=2, name="depthwise"),
        q.QSeparableConv2D(5, 3, padding="same", name="separable"),
        L.Cropping2D(((1, 1), (0, 3)), name="cropped"),
        L.UpSampling2D((2, 3), name="larger"),
        L.Conv2D(4, 3, dilation_rate=2, use_bias=False, name="dilated"),
        q.QConv2DBatchnorm(3, 1, use_bias=False, name="folded"),
        L.Permute((2, 1, 3), name="turned"),
        q.QDense(7, name="each"),
        q.QGlobalAveragePooling2D(name="mean"),
        L.Reshape((7, 1), name="column"),
        q.QConv1D(2, 3, 2, padding="causal", name="causal"),
        L.AveragePooling1D(2, name="halves"),
    )
    assert [(name, layer.shape) for name, layer in layers.items()] == [
        ("events", (9, 12, 2)), ("padded", (10, 16, 2)), ("depthwise", (8, 15, 4)), ("separable", (8, 15, 5)),
        ("cropped", (6, 12, 5)), ("larger", (12, 36, 5)), ("dilated", (8, 32, 4)), ("folded", (8, 32, 3)),
        ("turned", (32, 8, 3)), ("each", (32, 8, 7)), ("mean", (7,)), ("column", (7, 1)), ("causal", (4, 2)),
        ("halves", (2, 2)),
    ]  # fmt: skip
    assert {name: [axis.formula for axis in layer.axes] for name, layer in layers.items() if layer.axes} == {
        "padded": ["(9 - 1 + 1 + 0)/1 + 1 = 10", "(12 - 1 + 2*2)/1 + 1 = 16"],
        "depthwise": ["(10 - 3 + 2*0)/1 + 1 = 8", "(16 - 2 + 2*0)/1 + 1 = 15"],
        "separable": ["(8 - 3 + 2*1)/1 + 1 = 8", "(15 - 3 + 2*1)/1 + 1 = 15"],
        "cropped": ["(8 - 1 - 1 - 1)/1 + 1 = 6", "(15 - 1 - 0 - 3)/1 + 1 = 12"],
        "larger": ["2*6 = 12", "3*12 = 36"],
        "dilated": ["(12 - 5 + 2*0)/1 + 1 = 8", "(36 - 5 + 2*0)/1 + 1 = 32"],
        "folded": ["(8 - 1 + 2*0)/1 + 1 = 8", "(32 - 1 + 2*0)/1 + 1 = 32"],
        "each": ["(32 - 1 + 2*0)/1 + 1 = 32", "(8 - 1 + 2*0)/1 + 1 = 8"],
        "mean": ["(32 - 32 + 2*0)/1 + 1 = 1", "(8 - 8 + 2*0)/1 + 1 = 1"],
        "causal": ["(7 - 3 + 2 + 0)/2 + 1 = 4"],
        "halves": ["(4 - 2 + 2*0)/2 + 1 = 2"],
    }
    assert {name: (layer.parameters, layer.multiplications) for name, layer in layers.items() if layer.parameters} == {
        "depthwise": (3 * 2 * 4 + 4, 120 * 24),
        "separable": (3 * 3 * 4 + 4 * 5 + 5, 120 * 56),
        "dilated": (3 * 3 * 5 * 4, 256 * 180),
        # What is folded brings a bias.
        "folded": (4 * 3 + 3, 256 * 12),
        "each": (3 * 7 + 7, 256 * 21),
        "causal": (3 * 1 * 2 + 2, 4 * 6),
    }
    assert fields(layers, "padded", "depthwise", "separable", "cropped") == [(1, 1), (3, 2), (5, 4), (5, 4)]
    # A window of 5 over rows given twice sees 3 of them, over columns given three times 3 at most, too.
    assert fields(layers, "larger", "dilated", "turned", "each") == [(5, 4), (7, 6), (7, 6), (7, 6)]
    assert layers["larger"].fields[0].jump == (1 / 2, 1 / 3)
    # Row i of the separable convolution sees rows i - 2 to i + 2, column j columns j - 3 to j: what was cropped is
    # seen by its neighbours too.
    assert fields(layers, "mean", "column", "halves") == [(9, 12)] * 3


def test_upsampling_is_counted_pixel_by_pixel(k: Keras2) -> None:
    L = k.keras.layers  # noqa: N806
    layers = chain(
        (8, 1),
        L.UpSampling1D(2, name="twice"),
        L.AveragePooling1D(2, name="aligned"),
        L.UpSampling1D(4, name="four_times"),
        L.Conv1D(1, 2, name="narrow"),
        L.Conv1D(1, 4, name="wider"),
        L.Conv1D(1, 2, name="widest"),
    )
    assert fields(layers, "twice", "aligned", "four_times", "narrow", "wider", "widest") == [
        (1,), (1,), (1,), (2,), (2,), (3,),
    ]  # fmt: skip
    assert [layers[name].fields[0].jump for name in ("twice", "aligned", "widest")] == [(0.5,), (1,), (0.25,)]


def test_branches_see_what_the_largest_of_them_sees(k: Keras2) -> None:
    L = k.keras.layers  # noqa: N806
    inputs = k.keras.Input((16, 16, 2), name="image")
    ones = L.Conv2D(4, 1, name="ones")(inputs)
    fives = L.Conv2D(4, 5, padding="same", name="fives")(inputs)
    pooled = L.MaxPooling2D(3, 1, padding="same", name="pooled")(inputs)
    both = L.Concatenate(name="both")([ones, fives, pooled])
    step = L.Conv2D(6, 3, 2, padding="same", name="step")(both)
    short = L.Conv2D(6, 1, 2, name="short")(both)
    out = L.Add(name="out")([step, short])
    layers = named(k.keras.Model(inputs, out))
    assert layers["both"].shape == (16, 16, 10)
    assert fields(layers, "ones", "fives", "pooled", "both") == [(1, 1), (5, 5), (3, 3), (5, 5)]
    assert fields(layers, "step", "short", "out") == [(7, 7), (5, 5), (7, 7)]
    assert layers["out"].fields[0].jump == (2, 2)
    assert [axis.formula for axis in layers["step"].axes] == ["(16 - 3 + 0 + 1)/2 + 1 = 8"] * 2
    assert layers["short"].unseen == (
        "windows of 1, stride 2, never see the last 1 of 16 pixels, along height and width",
        "windows of 1, stride 2, never see 7 of 16 pixels, between them, along height and width",
    )


def test_images_beside_each_other_and_several_inputs(k: Keras2) -> None:
    L = k.keras.layers  # noqa: N806
    first, second = k.keras.Input((6, 2), name="pulse"), k.keras.Input((3,), name="summary")
    halves = [L.Conv1D(2, 3, name="left")(first), L.Conv1D(2, 2, name="right")(first)]
    joined = L.Concatenate(axis=1, name="joined")(halves)
    flat = L.Concatenate(name="all")([L.Flatten(name="flat")(joined), second])
    layers = named(k.keras.Model([first, second], L.Dense(2, name="out")(flat)))
    assert (layers["joined"].shape, layers["joined"].fields[0].pixels) == ((9, 2), (3,))
    # The flattened pulse has lost its order, the summary has not.
    assert layers["all"].fields == (ReceptiveField("pulse", (3,), (None,)), ReceptiveField("summary", (1,), (1.0,)))
    assert layers["out"].fields == (ReceptiveField("pulse", (6,), (None,)), ReceptiveField("summary", (3,), (None,)))


def test_the_image_is_not_left(k: Keras2) -> None:
    """Windows that stick out see zeros there; so no value of a small image sees more than all of it."""
    same = [k.keras.layers.Conv2D(1, 5, padding="same", name=f"conv{n}") for n in range(4)]
    layers = chain((8, 8, 1), *same)
    assert fields(layers, "conv0", "conv1", "conv2", "conv3") == [(5, 5), (8, 8), (8, 8), (8, 8)]


def test_receptive_fields_are_where_the_gradient_is(k: Keras2) -> None:
    """An input changes an output exactly where the interval says so."""
    L = k.keras.layers  # noqa: N806
    x = inputs = k.keras.Input((19, 1), name="events")
    x = L.ZeroPadding1D((2, 0))(x)
    x = L.Conv1D(1, 3, 2, kernel_initializer="ones")(x)
    x = L.Concatenate(axis=1)([L.AveragePooling1D(3, 1, padding="same")(x), L.UpSampling1D(2)(L.MaxPooling1D(2)(x))])
    x = L.Conv1D(1, 2, padding="causal", kernel_initializer="ones")(x)
    model = k.keras.Model(inputs, x)
    events = k.tf.constant(np.ones((1, 19, 1), np.float32))
    with k.tf.GradientTape() as tape:
        tape.watch(events)
        outputs = model(events)
    seen = np.asarray(tape.jacobian(outputs, events))[0, :, 0, 0, :, 0] != 0
    widths = [int(np.ptp(np.flatnonzero(row))) + 1 for row in seen]
    assert geometry(model)[-1].fields[0].pixels == (max(widths),)


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ((6, 4, 2), (48,), [None, None]),
        ((6, 4, 2), (6, 8), [0, None]),
        ((6, 4, 2), (2, 3, 4, 2), [None, 2]),
        ((6, 4, 2), (6, 4, 1, 2), [0, 1]),
        ((1, 4, 2), (4, 2), [None, 0]),
    ],
)
def test_a_reshape_keeps_the_axes_that_stay_whole(
    old: tuple[int, ...], new: tuple[int, ...], kept: list[int | None]
) -> None:
    assert [found.axis for found in sight.reshaped(sight.of_input("x", old), old, new)] == kept


def test_zeros_of_a_padding_layer_are_no_dropped_pixels(k: Keras2) -> None:
    L = k.keras.layers  # noqa: N806
    layers = chain((8, 8, 1), L.ZeroPadding2D(1, name="pad"), L.ReLU(name="relu"), L.Conv2D(2, 3, 2, name="conv"))
    assert [axis.formula for axis in layers["conv"].axes] == ["floor((10 - 3 + 2*0)/2) + 1 = 4"] * 2
    assert layers["conv"].unseen == ()
    refuse_dropped(tuple(layers.values()))


def test_dropped_pixels_are_refused_with_layer_axis_number_and_mend(k: Keras2) -> None:
    L = k.keras.layers  # noqa: N806
    model = chain((13, 12, 1), L.MaxPooling2D(2, name="pool"), L.Conv2D(1, 2, 3, name="step"))
    with pytest.raises(ModelError) as caught:
        refuse_dropped(tuple(model.values()))
    assert str(caught.value) == (
        "model.dropped_pixels: refuse: strides that do not divide drop pixels:\n"
        "  - layer pool (MaxPooling2D): the last 1 of 13 of the height (12 or 14 divide); change the size of its "
        "input, or put a ZeroPadding2D(((0, 1), (0, 0))) before it\n"
        "  - layer step (Conv2D): the last 1 of 6 of the height (5 or 8 divide) and the last 1 of 6 of the width (5 or "
        "8 divide); change the size of its input, or put a ZeroPadding2D(((0, 2), (0, 2))) before it"
    )
    mended = chain(
        (13, 12, 1),
        L.ZeroPadding2D(((0, 1), (0, 0))),
        L.MaxPooling2D(2),
        L.ZeroPadding2D(((0, 1), (0, 2))),
        L.Conv2D(1, 2, 3),
    )
    refuse_dropped(tuple(mended.values()))


@pytest.mark.parametrize("kind", LAYERS)
def test_every_layer_that_converts_is_known(kind: str) -> None:
    assert kind_of(type(kind, (), {"name": "layer"})())


def test_what_is_not_known_is_refused(k: Keras2) -> None:
    with pytest.raises(ModelError, match=r"layer up \(Conv2DTranspose\): which values it computes from which is not"):
        chain((8, 8, 1), k.keras.layers.Conv2DTranspose(1, 2, name="up"))
    with pytest.raises(ModelError, match=r"layer first .*data_format='channels_first': use channels_last"):
        chain((1, 8, 8), k.keras.layers.MaxPooling2D(2, data_format="channels_first", name="first"))
    with pytest.raises(ModelError, match="not known before it is called; build it with an Input"):
        geometry(k.keras.Sequential([k.keras.layers.Dense(2)]))
    with pytest.raises(ModelError, match=r"layer events: its size \(None, 3\) is not known"):
        chain((None, 3), k.keras.layers.Conv1D(1, 1))

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.arithmetic import exact
from trigcnn.hls.graph.graph import Graph, Layer, Weights
from trigcnn.hls.graph.intervals import LayerRange, analyse, layer_range
from trigcnn.hls.graph.ranges import Range

X = FixedPoint.parse("fixed<3,2>")
"""-2 to 1.5 in halves."""
WIDE = FixedPoint.parse("fixed<40,20>")


def weights(values: Any, text: str = "fixed<4,2>") -> Weights:
    number_format = FixedPoint.parse(text)
    return Weights(number_format, number_format.to_integers(np.asarray(values, np.float64)))


def source(shape: tuple[int, ...], number_format: FixedPoint = X, name: str = "x") -> Layer:
    return Layer(name, "Input", (), shape, number_format)


def layer(
    kind: str,
    shape: tuple[int, ...],
    *,
    inputs: tuple[str, ...] = ("x",),
    result: FixedPoint = WIDE,
    constants: dict[str, Weights] | None = None,
    accumulator: FixedPoint | None = None,
    **attributes: Any,
) -> Layer:
    return Layer("y", kind, inputs, shape, result, accumulator, constants or {}, attributes)


def found(of: Layer, *sources: Layer) -> LayerRange:
    inputs = sources or (source((2,)),)
    return analyse(Graph("top", (*inputs, of), tuple(x.name for x in inputs), ("y",)))["y"]


def reals(of: Range) -> tuple[list[float], list[float]]:
    lsb = 2.0**-of.fraction
    return [float(v) * lsb for v in of.low], [float(v) * lsb for v in of.high]


BIAS = weights([0.25, -1.0])
KERNEL = [[1.5, -0.25], [-0.5, 0.75]]
WINDOW: dict[str, Any] = {
    "stride_width": 1,
    "pad_left": 0,
    "pad_right": 0,
    "filt_width": 2,
    "in_width": 3,
    "out_width": 2,
}
PADDED: dict[str, Any] = {**WINDOW, "pad_right": 1, "out_width": 3}
CONV1D: dict[str, Any] = {"n_chan": 1, "n_filt": 2}

EXACT: dict[str, tuple[Layer, tuple[Layer, ...], list[float], list[float]]] = {
    "linear": (layer("Activation", (2,), activation="linear"), (), [-2, -2], [1.5, 1.5]),
    "relu": (layer("Activation", (2,), activation="relu"), (), [0, 0], [1.5, 1.5]),
    "table": (
        layer("UnaryLUT", (2,), constants={"table": weights([0, 1, -0.5, 0, 1.75, 0, 0, 0])}),
        (),
        [-0.5, -0.5],
        [1.75, 1.75],
    ),
    # 1.5 x - 0.5 y + 0.25 and -0.25 x + 0.75 y - 1
    "dense": (
        layer("Dense", (2,), constants={"weight": weights(KERNEL), "bias": BIAS}, n_in=2, n_out=2),
        (),
        [-3.5, -2.875],
        [3.5, 0.625],
    ),
    "convolution": (
        layer(
            "Conv1D",
            (2, 2),
            constants={"weight": weights(np.reshape(KERNEL, (2, 1, 2))), "bias": BIAS},
            **WINDOW,
            **CONV1D,
        ),
        (source((3, 1)),),
        [-3.5, -2.875],
        [3.5, 0.625],
    ),
    # Padding brings a zero, which an unsigned input from 1 on would not have.
    "padded convolution": (
        layer(
            "Conv1D",
            (3, 2),
            constants={"weight": weights(np.reshape(KERNEL, (2, 1, 2))), "bias": BIAS},
            **PADDED,
            **CONV1D,
        ),
        (source((3, 1)),),
        [-3.5, -2.875],
        [3.5, 0.625],
    ),
    "depthwise": (
        layer(
            "DepthwiseConv1D",
            (2, 2),
            constants={"weight": weights(np.reshape([[1.0, 0.5], [-1.0, 0.25]], (2, 2, 1))), "bias": BIAS},
            **WINDOW,
            n_chan=2,
            n_filt=2,
        ),
        (source((3, 2)),),
        [-3.25, -2.5],
        [3.75, 0.125],
    ),
    "normalization": (
        layer("BatchNormalization", (2,), constants={"scale": weights([-1.5, 0.5]), "bias": BIAS}),
        (),
        [-2, -2],
        [3.25, -0.25],
    ),
    "add": (
        layer("Merge", (2,), inputs=("x", "z"), op="add"),
        (source((2,)), source((2,), FixedPoint.parse("ufixed<2,0>"), "z")),
        [-2, -2],
        [2.25, 2.25],
    ),
    "subtract": (
        layer("Merge", (2,), inputs=("x", "z"), op="subtract"),
        (source((2,)), source((2,), FixedPoint.parse("ufixed<2,0>"), "z")),
        [-2.75, -2.75],
        [1.5, 1.5],
    ),
    "multiply": (
        layer("Merge", (2,), inputs=("x", "z"), op="multiply"),
        (source((2,)), source((2,), name="z")),
        [-3, -3],
        [4, 4],
    ),
    "maximum": (
        layer("Merge", (2,), inputs=("x", "z"), op="maximum"),
        (source((2,)), source((2,), FixedPoint.parse("ufixed<2,0>"), "z")),
        [0, 0],
        [1.5, 1.5],
    ),
    "minimum": (
        layer("Merge", (2,), inputs=("x", "z"), op="minimum"),
        (source((2,)), source((2,), FixedPoint.parse("ufixed<2,0>"), "z")),
        [-2, -2],
        [0.75, 0.75],
    ),
    "concatenate channels": (
        layer("Concatenate", (3,), inputs=("x", "z"), axis=0),
        (source((2,)), source((1,), FixedPoint.parse("ufixed<2,0>"), "z")),
        [-2, -2, 0],
        [1.5, 1.5, 0.75],
    ),
    "concatenate pixels": (
        layer("Concatenate", (3, 2), inputs=("x", "z"), axis=0),
        (source((2, 2)), source((1, 2), FixedPoint.parse("ufixed<2,2>"), "z")),
        [-2, -2],
        [3, 3],
    ),
    "largest of a window": (
        layer("Pooling1D", (1, 2), pool_op="Max", pool_width=2, stride_width=2, pad_left=0, pad_right=0),
        (source((2, 2)),),
        [-2, -2],
        [1.5, 1.5],
    ),
    "mean of an image": (layer("GlobalPooling1D", (2,), pool_op="Average"), (source((4, 2)),), [-2, -2], [1.5, 1.5]),
    "zeros around": (
        layer("ZeroPadding1D", (4, 2), pad_left=1, pad_right=1),
        (source((2, 2), FixedPoint.parse("ufixed<2,2>")),),
        [0, 0],
        [3, 3],
    ),
    "repeated": (layer("Resize", (4, 2), factor_height=1, factor_width=2), (source((2, 2)),), [-2, -2], [1.5, 1.5]),
    "transposed": (layer("Transpose", (2, 3), perm=(1, 0)), (source((3, 2)),), [-2] * 3, [1.5] * 3),
    "reshaped": (layer("Reshape", (4,)), (source((2, 2)),), [-2] * 4, [1.5] * 4),
}


@pytest.mark.parametrize("case", EXACT)
def test_the_range_of_each_kind_of_layer(case: str) -> None:
    of, sources, low, high = EXACT[case]
    assert reals(found(of, *sources).exact) == (low, high)


def test_ranges_are_kept_by_channel_through_a_flatten() -> None:
    scaled = layer("BatchNormalization", (2, 2), constants={"scale": weights([0.5, 0.0]), "bias": weights([0, 1])})
    x = source((2, 2))
    before = layer_range(scaled, [(Range.of(X, 2), x.shape)]).result
    flat = layer_range(layer("Reshape", (4,)), [(before, (2, 2))])
    assert reals(flat.exact) == ([-1, 1, -1, 1], [0.75, 1, 0.75, 1])


def test_a_transposition_of_channels_joins_their_ranges() -> None:
    x = Range(np.array([0, -4], object), np.array([1, 3], object), 1)
    assert reals(layer_range(layer("Transpose", (2, 3), perm=(1, 0)), [(x, (3, 2))]).exact) == ([-2] * 3, [1.5] * 3)


def test_partial_sums_may_leave_the_range_of_the_whole_sum() -> None:
    # x - x + 4 lies between 0.5 and 7.5, but what is summed first may be any of the three.
    of = layer(
        "Dense",
        (1,),
        constants={"weight": weights([[1.0], [-1.0]]), "bias": weights([4], "fixed<4,4>")},
        n_in=2,
        n_out=1,
    )
    answer = found(of)
    assert reals(answer.exact) == ([0.5], [7.5])
    assert answer.sums is not None
    assert reals(answer.sums) == ([-3.5], [7.5])


def test_partial_sums_of_a_mean_are_those_of_all_pixels() -> None:
    answer = found(layer("GlobalPooling1D", (1,), pool_op="Average"), source((4, 1), FixedPoint.parse("ufixed<2,2>")))
    assert answer.sums is not None
    assert reals(answer.sums) == ([0], [12])
    assert answer.exact.fraction == 2


def test_a_mean_of_pixels_that_are_never_zero_may_have_a_partial_sum_of_zero() -> None:
    x = Range(np.array([3], object), np.array([5], object), 0)
    answer = layer_range(layer("GlobalPooling1D", (1,), pool_op="Average"), [(x, (2, 1))])
    assert answer.sums is not None
    assert reals(answer.exact) == ([3], [5])
    assert reals(answer.sums) == ([0], [10])


def test_the_sums_of_a_global_maximum_are_signed_so_that_it_can_begin_with_the_least_number() -> None:
    unsigned = source((4, 1), FixedPoint.parse("ufixed<2,2>"))
    answer = found(layer("GlobalPooling1D", (1,), pool_op="Max"), unsigned)
    assert answer.sums is not None
    assert reals(answer.exact) == ([0], [3])
    assert str(answer.sums.format()) == "fixed<3,3>"


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("fixed<2,2>", -2, 1),
        ("fixed<3,3,RND,SAT>", -2, 2),
        ("fixed<2,2,RND_CONV,SAT>", -2, 1),
        ("fixed<2,2,RND_CONV,SAT_SYM>", -1, 1),
        ("ufixed<2,1,TRN,SAT>", 0, 1.5),
        # Wraps: all values.
        ("ufixed<2,1>", 0, 1.5),
        ("ufixed<1,1,TRN,SAT_ZERO>", 0, 1),
        ("fixed<1,0,RND_CONV,SAT>", -0.5, 0),
    ],
)
def test_ranges_behind_a_cast(text: str, low: float, high: float) -> None:
    of = layer("Activation", (1,), activation="linear", result=FixedPoint.parse(text))
    assert reals(found(of, source((1,))).result) == ([low], [high])


def test_a_cast_that_loses_nothing_leaves_the_range_and_its_last_bit() -> None:
    # Found by search: hls4ml's copies of a tensor may have a finer format, of which nothing is used.
    answer = found(layer("Activation", (2,), activation="linear"))
    assert reals(answer.result) == ([-2, -2], [1.5, 1.5])
    assert answer.result.fraction == X.fraction


def test_an_accumulator_that_loses_bits_may_give_all_that_it_holds() -> None:
    constants = {"weight": weights([[0.25]]), "bias": weights([0.0])}
    accumulator = FixedPoint.parse("fixed<4,3>")
    of = layer("Dense", (1,), constants=constants, accumulator=accumulator, n_in=1, n_out=1)
    assert reals(found(of, source((1,))).result) == ([-4], [3.5])


@pytest.mark.parametrize(("low", "high", "text"), [(0, 0, "ufixed<1,0>"), (-8, 7, "fixed<4,3>"), (0, 8, "ufixed<4,3>")])
def test_the_smallest_format_of_a_range(low: int, high: int, text: str) -> None:
    of = Range(np.array([low], object), np.array([high], object), 1)
    assert of.format() == FixedPoint.parse(text)
    assert of.fits(of.format())


def test_a_range_of_more_than_63_bits_has_no_format() -> None:
    with pytest.raises(ValueError, match="width must lie between 1 and 63 bits"):
        Range(np.array([0], object), np.array([1 << 63], object), 0).format()


def test_a_layer_that_is_not_known_is_refused() -> None:
    with pytest.raises(ConversionError, match=r"^layer y: the values of a GarNet are not known$"):
        found(layer("GarNet", (2,)))


def _random_layer(kind: str, random: np.random.Generator) -> tuple[Layer, tuple[Layer, ...]]:
    """A layer with random constants and a random, often lossy, number format."""

    def constants(*shape: int) -> Weights:
        number_format = FixedPoint(True, 4, int(random.integers(0, 4)))
        return Weights(number_format, random.integers(-8, 8, shape))

    width = int(random.integers(2, 12))
    modes: Any = (random.choice(["TRN", "RND", "RND_CONV"]), random.choice(["WRAP", "SAT", "SAT_SYM"]))
    result = FixedPoint(bool(random.integers(2)), width, int(random.integers(0, width + 1)), *modes)
    window: dict[str, Any] = {
        "filt_height": 2,
        "stride_height": 1,
        "in_height": 3,
        "out_height": 3,
        "pad_top": 0,
        "pad_bottom": 1,
    }
    window |= {"filt_width": 2, "stride_width": 1, "in_width": 3, "out_width": 2, "pad_left": 0, "pad_right": 0}
    image = source((3, 3, 2), FixedPoint(bool(random.integers(2)), 4, int(random.integers(0, 5))))
    match kind:
        case "Dense":
            return layer(
                kind, (3,), result=result, constants={"weight": constants(2, 3), "bias": constants(3)}, n_in=2, n_out=3
            ), (source((2,)),)
        case "Conv2D":
            own = {"weight": constants(2, 2, 2, 3), "bias": constants(3)}
            return layer(kind, (3, 2, 3), result=result, constants=own, n_chan=2, n_filt=3, **window), (image,)
        case "DepthwiseConv2D":
            own = {"weight": constants(2, 2, 2, 1), "bias": constants(2)}
            return layer(kind, (3, 2, 2), result=result, constants=own, n_chan=2, n_filt=2, **window), (image,)
        case "BatchNormalization":
            own = {"scale": constants(2), "bias": constants(2)}
            return layer(kind, (3, 3, 2), result=result, constants=own), (image,)
        case "Merge":
            op = random.choice(["add", "subtract", "multiply", "maximum", "minimum"])
            return layer(kind, (2,), inputs=("x", "z"), result=result, op=str(op)), (
                source((2,)),
                source((2,), FixedPoint.parse("ufixed<3,1>"), "z"),
            )
    pool: dict[str, Any] = {"pool_height": 2, "pool_width": 2, "stride_height": 2, "stride_width": 2}
    pads: dict[str, Any] = {"pad_top": 0, "pad_bottom": 1, "pad_left": 0, "pad_right": 1}
    return layer(kind, (2, 2, 2), result=result, pool_op=str(random.choice(["Max", "Average"])), **pool, **pads), (
        image,
    )


@pytest.mark.parametrize("kind", ["Dense", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "Merge", "Pooling2D"])
def test_no_value_leaves_the_range(kind: str) -> None:
    random = np.random.default_rng(7)
    for _ in range(12):
        of, sources = _random_layer(kind, random)
        graph = Graph("top", (*sources, of), tuple(x.name for x in sources), ("y",))
        events = random.uniform(-9, 9, (200, *graph.input_shape)).astype(np.float32)
        given = [
            x.result.to_real(x.result.cast(part)) for x, part in zip(sources, graph.split_inputs(events), strict=True)
        ]
        values: npt.NDArray[np.float64] = of.result.to_real(of.result.cast(exact(graph, of, given)))
        answer = analyse(graph)["y"].result
        rows = values.reshape(-1, of.shape[-1])
        low, high = reals(answer)
        assert (rows.min(axis=0) >= low).all()
        assert (rows.max(axis=0) <= high).all()
        scaled = rows * 2.0**answer.fraction
        np.testing.assert_array_equal(scaled, np.rint(scaled))


def test_one_signed_bit_still_saturates_at_minus_one_where_the_range_is_symmetric() -> None:
    wide = Range(np.array([-5], object), np.array([5], object), 0)
    after = wide.through(FixedPoint(True, 1, 1, "TRN", "SAT_SYM"))
    assert (after.least, after.most) == (-1, 0)

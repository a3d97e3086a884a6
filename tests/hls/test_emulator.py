"""The emulator, compared with the oracle."""

from __future__ import annotations

import dataclasses
import itertools
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest

from tests.hls.oracle import expected
from trigcnn.common.fixed_point import FixedPoint, Overflow, Rounding
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.conversion.convert import convert
from trigcnn.hls.engines import csim
from trigcnn.hls.engines.emulator import engine as emulator
from trigcnn.hls.engines.emulator.engine import Emulator
from trigcnn.hls.errors import ConversionError, SimulationError
from trigcnn.hls.graph.graph import Attribute, Graph, Layer, Weights
from trigcnn.hls.options import HlsOptions

ROUNDINGS = get_args(Rounding)
OVERFLOWS = [mode for mode in get_args(Overflow) if mode != "WRAP_SM"]
TIMEOUT_S = 300
INPUT = FixedPoint(True, 6, 3, "RND_CONV", "SAT")


class Net:
    """A graph that is put together layer by layer, with random constants."""

    def __init__(self, shape: tuple[int, ...], number_format: FixedPoint = INPUT, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.layers = [Layer("x", "Input", (), shape, number_format)]

    @property
    def last(self) -> Layer:
        return self.layers[-1]

    def input(self, more: dict[str, Any]) -> Layer:
        name = more["inputs"][0] if "inputs" in more else self.last.name
        return next(layer for layer in self.layers if layer.name == name)

    def weights(self, number_format: FixedPoint, shape: tuple[int, ...]) -> Weights:
        values = self.random.integers(number_format.min_integer, number_format.max_integer, shape, endpoint=True)
        # The extremes are there, and some zeros.
        values.flat[0], values.flat[-1] = number_format.min_integer, number_format.max_integer
        values[self.random.random(shape) < 0.3] = 0
        return Weights(number_format, values)

    def add(
        self,
        kind: str,
        shape: tuple[int, ...],
        result: FixedPoint,
        *,
        name: str | None = None,
        inputs: tuple[str, ...] | None = None,
        accumulator: FixedPoint | None = None,
        weights: dict[str, Weights] | None = None,
        **attributes: Attribute,
    ) -> Net:
        given = (self.last.name,) if inputs is None else inputs
        layer_name = name or f"{kind.lower()}{len(self.layers)}"
        self.layers.append(Layer(layer_name, kind, given, shape, result, accumulator, weights or {}, attributes))
        return self

    def dense(self, size: int, result: FixedPoint, weight: FixedPoint, **more: Any) -> Net:
        n_in = self.input(more).size
        weights = {"weight": self.weights(weight, (n_in, size)), "bias": self.weights(weight, (size,))}
        return self.add("Dense", (size,), result, weights=weights, n_in=n_in, n_out=size, **more)

    def conv(
        self,
        size: tuple[int, ...],
        filters: int | None,
        result: FixedPoint,
        weight: FixedPoint,
        *,
        strides: tuple[int, ...] = (1, 1),
        pads: tuple[int, int, int, int] = (0, 0, 0, 0),
        **more: Any,
    ) -> Net:
        """A convolution; by channel if `filters` is None. `pads` are top, bottom, left and right."""
        one = len(size) == 1
        shape = self.input(more).shape
        sides = [pads[2:]] if one else [pads[:2], pads[2:]]
        out = tuple(
            (n + sum(p) - k) // s + 1 for n, p, k, s in zip(shape, sides, size, strides[-len(size) :], strict=False)
        )
        count = filters or shape[-1]
        weights = {
            "weight": self.weights(weight, (*size, shape[-1], filters or 1)),
            "bias": self.weights(weight, (count,)),
        }
        attributes: dict[str, Any] = {"filt_width": size[-1], "stride_width": strides[-1]}
        attributes |= {"pad_left": pads[2], "pad_right": pads[3], "n_chan": shape[-1], "n_filt": count}
        if not one:
            attributes |= {"filt_height": size[0], "stride_height": strides[0]}
            attributes |= {"pad_top": pads[0], "pad_bottom": pads[1]}
        kind = ("" if filters else "Depthwise") + f"Conv{len(size)}D"
        return self.add(kind, (*out, count), result, weights=weights, **attributes, **more)

    def graph(self, *outputs: str) -> Graph:
        inputs = tuple(layer.name for layer in self.layers if layer.kind == "Input")
        return Graph("top", tuple(self.layers), inputs, outputs or (self.last.name,))


def events_for(graph: Graph, count: int = 19, seed: int = 1) -> npt.NDArray[np.float32]:
    """Events on the grid, off it, half between, at the ends of the range and far outside."""
    random = np.random.default_rng(seed)
    columns = []
    for layer in graph.input_layers:
        form = layer.result
        integers = random.integers(form.min_integer, form.max_integer, (count, layer.size), endpoint=True)
        values = integers.astype(np.float64)
        values[1::6] += 0.5
        values[2::6] += random.uniform(-1, 1, values[2::6].shape)
        values[3::6] *= 37.25
        values[4] = form.max_integer
        values[5] = form.min_integer
        values[6] = form.max_integer + 0.5
        values[7] = random.uniform(-(2.0**40), 2.0**40, layer.size)
        columns.append(values * form.lsb)
    return np.concatenate(columns, axis=1).astype(np.float32).reshape(count, *graph.input_shape)


Check = Callable[..., Emulator]


@pytest.fixture(params=["one", pytest.param("all", marks=pytest.mark.walk)])
def check(request: pytest.FixtureRequest, built: Emulator, tmp_path: Path) -> Check:
    """Outputs and every layer against the oracle, with one instruction set or with all.

    The suite takes another instruction set for each test; `make walk` takes all of them in each.
    """
    here = built.library.levels
    turn = zlib.crc32(request.node.originalname.encode()) % len(here)
    level = here[turn] if request.param == "one" else None

    def check(graph: Graph, events: npt.NDArray[Any] | None = None, *, trace: bool = True) -> Emulator:
        found = emulator.build(graph, tmp_path, timeout_s=TIMEOUT_S, threads=1, level=level)
        given = events_for(graph) if events is None else events
        wanted = expected(graph, given)
        outputs = np.concatenate([wanted[name].reshape(len(given), -1) for name in graph.outputs], axis=1)
        outputs = outputs.reshape(len(given), *graph.output_shape)
        for each in found.library.levels:
            found.level = each
            np.testing.assert_array_equal(found.predict(given), outputs, err_msg=each)
        found.level = found.library.levels[0]
        if not trace:
            return found
        results = found.trace(given)
        assert list(results) == [layer.name for layer in graph.layers]
        for name, values in results.items():
            np.testing.assert_array_equal(values, wanted[name], err_msg=name)
        return found

    return check


def fixed(width: int, integer: int, rounding: Rounding = "TRN", overflow: Overflow = "WRAP") -> FixedPoint:
    return FixedPoint(True, width, integer, rounding, overflow)


def ufixed(width: int, integer: int, rounding: Rounding = "TRN", overflow: Overflow = "WRAP") -> FixedPoint:
    return FixedPoint(False, width, integer, rounding, overflow)


W4 = fixed(4, 1)
WIDE = fixed(24, 12)


def test_casts_of_every_mode(check: Check) -> None:
    net = Net((40,), fixed(12, 6))
    modes = list(itertools.product(ROUNDINGS, OVERFLOWS))
    for number, (rounding, overflow) in enumerate(modes):
        form = FixedPoint(number % 3 > 0, 5 + number % 2, 3, rounding, overflow)
        net.add("Activation", (40,), form, name=f"cast{number}", inputs=("x",), activation="linear")
    check(net.graph(*[f"cast{n}" for n in range(len(modes))]), trace=False)


def wide_scale(net: Net, bits: int, name: str) -> Net:
    """A normalization whose result has about `bits` bits, and no more than 63."""
    channels = net.layers[0].shape[-1]
    scale = net.weights(fixed(bits - 12, 4), (channels,))
    bias = net.weights(fixed(bits - 8, 4), (channels,))
    form = fixed(63, 63 - (6 + bits - 12))
    return net.add(
        "BatchNormalization",
        net.layers[0].shape,
        form,
        name=name,
        inputs=("x",),
        weights={"scale": scale, "bias": bias},
    )


@pytest.mark.slow
@pytest.mark.parametrize("bits", [42, 57])
def test_casts_of_wide_values(bits: int, check: Check) -> None:
    """Of doubles and of 64-bit integers."""
    net = wide_scale(Net((24,), fixed(12, 6)), bits, "wide")
    modes = list(itertools.product(ROUNDINGS, OVERFLOWS))
    for number, (rounding, overflow) in enumerate(modes):
        form = FixedPoint(number % 3 > 0, 9, 6 + number % 2, rounding, overflow)
        net.add(
            "Activation", (24,), form, name=f"cast{number}", inputs=("wide",), activation=("relu", "linear")[number % 2]
        )
        if number % 5 == 0:
            # Few bits dropped, many kept.
            form = FixedPoint(True, bits - 4, bits - 4 - (bits - 10), rounding, overflow)
            net.add("Activation", (24,), form, name=f"kept{number}", inputs=("wide",), activation="linear")
    check(net.graph(*[layer.name for layer in net.layers[2:]]), trace=False)


@pytest.mark.slow
def test_dense_layers_in_every_arithmetic(check: Check) -> None:
    """Bytes, 16-bit words, float, double and 64-bit integers, with and without signs."""
    net = Net((9,))
    net.add("Activation", (9,), ufixed(5, 2, "RND", "SAT"), activation="relu", name="positive")
    net.dense(11, WIDE, W4, inputs=("positive",), name="bytes", accumulator=WIDE)
    net.dense(10, WIDE, W4, inputs=("x",), name="signed", accumulator=WIDE)
    net.add("Activation", (11,), fixed(14, 8), inputs=("bytes",), activation="linear", name="narrower")
    net.dense(7, fixed(40, 20), fixed(12, 3), inputs=("narrower",), name="words", accumulator=fixed(40, 20))
    net.dense(5, fixed(48, 24), fixed(9, 3), inputs=("words",), name="doubles", accumulator=fixed(56, 30))
    net.dense(3, fixed(60, 30, "RND", "SAT"), fixed(10, 3), inputs=("doubles",), name="longs")
    net.add("Activation", (11,), fixed(18, 9), inputs=("bytes",), activation="linear", name="wider")
    sparse = net.dense(6, WIDE, fixed(3, 2), inputs=("wider",), name="floats").last
    # Two terms per sum.
    sparse.weights["weight"].integers[2:] = 0
    # No weights at all.
    empty = net.dense(2, WIDE, W4, inputs=("x",), name="empty").last
    empty.weights["weight"].integers[:] = 0
    check(net.graph("signed", "words", "longs", "floats", "empty"))


@pytest.mark.slow
def test_accumulators_that_lose_something(check: Check) -> None:
    net = Net((12,))
    outputs = []
    for number, rounding in enumerate(ROUNDINGS):
        for overflow in OVERFLOWS:
            signed = rounding != "RND_ZERO"
            form = FixedPoint(signed, 7, 5 + (number % 2), rounding, overflow)
            net.dense(5, WIDE, W4, inputs=("x",), name=f"{rounding}_{overflow}".lower(), accumulator=form)
            outputs.append(net.last.name)
    # Nothing is lost but the highest bits.
    net.dense(5, WIDE, W4, inputs=("x",), name="high", accumulator=fixed(7, 1))
    net.dense(5, WIDE, W4, inputs=("x",), name="limited", accumulator=fixed(10, 4, "TRN", "SAT"))
    # Wide products, cast one by one with 64 bits.
    net.dense(4, fixed(60, 30), fixed(28, 4), inputs=("x",), name="scaled")
    for overflow in ("WRAP", "SAT"):
        form = fixed(30, 8, "RND_CONV", overflow)  # type: ignore[arg-type]
        net.dense(4, fixed(40, 20), fixed(24, 3), inputs=("scaled",), name=f"long_{overflow.lower()}", accumulator=form)
    check(net.graph(*outputs, "high", "limited", "long_wrap", "long_sat"))


RELU = ufixed(4, 1, "RND_CONV", "SAT")


@pytest.mark.slow
def test_convolutions(check: Check) -> None:
    net = Net((7, 6, 3))
    net.conv((3, 3), 5, WIDE, W4, pads=(1, 1, 1, 1), name="same", accumulator=WIDE)
    net.conv((2, 3), 4, WIDE, W4, strides=(2, 1), pads=(0, 1, 2, 0), inputs=("x",), name="strided")
    pads: dict[str, Any] = {"pad_top": 1, "pad_bottom": 1, "pad_left": 0, "pad_right": 2}
    net.add("ZeroPadding2D", (9, 8, 3), INPUT, inputs=("x",), name="padded", **pads)
    net.conv((3, 2), 6, WIDE, W4, name="after_padding", accumulator=WIDE)
    net.add("Activation", (7, 7, 6), RELU, activation="relu", name="relu")
    net.conv((3, 3), None, WIDE, W4, pads=(1, 1, 1, 1), name="by_channel", accumulator=WIDE)
    net.conv((1, 1), 4, WIDE, W4, name="pointwise", accumulator=WIDE)
    lossy = fixed(9, 6, "TRN", "SAT")
    net.conv((2, 2), 3, WIDE, W4, inputs=("relu",), name="lossy", accumulator=lossy, pads=(1, 0, 1, 0))
    net.conv((2, 2), None, WIDE, W4, inputs=("relu",), name="lossy_by_channel", accumulator=lossy, strides=(2, 2))
    net.dense(5, WIDE, W4, inputs=("relu",), name="whole_image")
    check(net.graph("same", "strided", "pointwise", "lossy", "lossy_by_channel", "whole_image"))


@pytest.mark.slow
def test_maxima_go_before_monotone_steps_only_where_nothing_changes(check: Check) -> None:
    """Convolution, normalization with scales of both signs, relu and pooling become one; tables and wraps do not."""
    net = Net((9, 9, 2))
    outputs = []
    for number, form in enumerate([RELU, fixed(5, 2), fixed(6, 3, "TRN", "SAT_ZERO"), fixed(6, 2, "RND", "SAT_SYM")]):
        accumulator = fixed(8, 5) if number == 2 else WIDE
        net.conv((3, 3), 7, WIDE, W4, inputs=("x",), name=f"conv{number}", accumulator=accumulator)
        weights = {role: net.weights(fixed(9, 2), (7,)) for role in ("scale", "bias")}
        net.add("BatchNormalization", (7, 7, 7), fixed(40, 20), weights=weights)
        net.add("Activation", (7, 7, 7), form, activation="relu" if number == 0 else "linear")
        size = (2, 3)[number % 2]
        shape = (7 // size, 7 // size, 7)
        pool: dict[str, Any] = {
            "pool_op": "Max",
            "pool_height": size,
            "pool_width": size,
            "stride_height": size,
            "stride_width": size,
        }
        net.add("Pooling2D", shape, form, name=f"pool{number}", accumulator=form, **pool)
        net.add("Reshape", (int(np.prod(shape)),), form)
        outputs.append(net.dense(3, WIDE, W4, name=f"dense{number}").last.name)
    check(net.graph(*outputs))


@pytest.mark.slow
def test_one_dimensional_layers(check: Check) -> None:
    net = Net((11, 3))
    net.conv((3,), 4, WIDE, W4, strides=(2,), pads=(0, 0, 1, 1), name="conv", accumulator=WIDE)
    net.add("Activation", (6, 4), RELU, activation="relu", name="relu")
    net.add("Pooling1D", (3, 4), RELU, pool_op="Max", pool_width=2, stride_width=2)
    net.conv((2,), None, WIDE, W4, name="by_channel")
    net.add("ZeroPadding1D", (9, 4), RELU, inputs=("relu",), pad_left=2, pad_right=1, name="padded")
    net.add("Resize", (18, 4), RELU, factor_width=2)
    net.add("Transpose", (4, 18), RELU, perm=(1, 0), name="transposed")
    net.conv((1,), 3, WIDE, W4, name="pointwise")
    net.add("GlobalPooling1D", (4,), fixed(12, 4), inputs=("padded",), pool_op="Average", name="mean")
    net.dense(2, WIDE, W4)
    check(net.graph("by_channel", "pointwise", net.last.name))


@pytest.mark.slow
def test_pooling(check: Check) -> None:
    net = Net((7, 5, 3))
    square: dict[str, Any] = {
        "pool_height": 3,
        "pool_width": 2,
        "stride_height": 2,
        "stride_width": 2,
        "pad_top": 1,
        "pad_left": 1,
    }
    kinds: list[tuple[str, FixedPoint | None, FixedPoint]] = [
        ("Max", None, INPUT),
        ("Max", fixed(8, 3, "RND", "SAT"), fixed(5, 3)),
        ("Average", fixed(30, 10), fixed(10, 4)),
        ("Average", fixed(9, 6), fixed(10, 4)),
        ("Average", fixed(8, 6, "RND"), fixed(10, 4, "RND")),
        ("Average", fixed(5, 2), fixed(10, 4, "RND")),
        ("Average", None, fixed(9, 3, "RND_CONV")),
    ]
    names = []
    for number, (op, accumulator, result) in enumerate(kinds):
        common: dict[str, Any] = {"inputs": ("x",), "accumulator": accumulator, "pool_op": op}
        net.add("Pooling2D", (4, 3, 3), result, name=f"pool{number}", **common, **square)
        net.add("GlobalPooling2D", (3,), result, name=f"global{number}", **common)
        names += [f"pool{number}", f"global{number}"]
    for rounding in ROUNDINGS:
        form = fixed(6, 3, rounding, "SAT")
        net.add("GlobalPooling2D", (3,), form, inputs=("x",), pool_op="Average", name=rounding.lower())
        names.append(rounding.lower())
    check(net.graph(*names))


@pytest.mark.slow
def test_several_inputs_and_outputs(check: Check) -> None:
    """Merges, concatenations, moves and tables; the second input is wide."""
    net = Net((4, 3, 2))
    net.add("Input", (4, 3, 2), fixed(40, 20, "RND_ZERO", "SAT_SYM"), name="y", inputs=())
    names = []
    for op in ("add", "subtract", "multiply", "maximum", "minimum"):
        net.add("Merge", (4, 3, 2), fixed(50, 25, "RND"), name=op, inputs=("x", "y"), op=op)
        net.add("Merge", (4, 3, 2), fixed(9, 5, "RND", "SAT"), name=f"{op}_x", inputs=("x", "x"), op=op)
        names += [op, f"{op}_x"]
    for axis, shape in enumerate([(8, 3, 2), (4, 6, 2), (4, 3, 4)]):
        net.add("Concatenate", shape, fixed(14, 8, "RND", "SAT"), name=f"joined{axis}", inputs=("y", "x"), axis=axis)
        names.append(f"joined{axis}")
    net.add("Resize", (8, 9, 2), INPUT, inputs=("x",), factor_height=2, factor_width=3)
    net.add("Transpose", (2, 8, 9), fixed(5, 2, "RND", "SAT"), perm=(2, 0, 1), name="transposed")
    net.add("Reshape", (9, 4, 4), fixed(5, 2), name="reshaped")
    table = {"table": net.weights(fixed(8, 2), (64,))}
    net.add("UnaryLUT", (4, 3, 2), fixed(7, 2, "RND"), inputs=("x",), weights=table, name="table")
    table = {"table": net.weights(fixed(45, 2), (32,))}
    net.add("UnaryLUT", (9, 4, 4), fixed(45, 2), inputs=("reshaped",), weights=table, name="wide_table")
    net.conv((2, 2), 3, WIDE, W4, inputs=("table",), name="conv")
    check(net.graph(*names, "transposed", "wide_table", "conv"))


HUGE = [0.0, -0.0, 1e-300, -1e-300, 5e-324, -5e-324, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 2.0**52 + 1, -(2.0**53) + 1]
HUGE += [2.0**31, -(2.0**31), 2.0**62, -(2.0**62), 2.0**63, -(2.0**63), 2.0**64 + 2.0**13, 3e38, -3e38, 1e300, -1e308]


@pytest.mark.slow
def test_inputs_of_any_size(check: Check) -> None:
    """Every mode of the input's cast, narrow and wide, from float32 and float64."""
    random = np.random.default_rng(3)
    net = Net((1,), fixed(8, 4))
    for number, (rounding, overflow) in enumerate(itertools.product(ROUNDINGS, OVERFLOWS)):
        form = FixedPoint(number % 2 > 0, 6, (3, 9, -2)[number % 3], rounding, overflow)
        net.add("Input", (1,), form, inputs=())
        if number % 3 == 0:
            form = FixedPoint(number % 2 > 0, (30, 48, 55, 62)[number % 4], 20, rounding, overflow)
            net.add("Input", (1,), form, inputs=())
    graph = net.graph(*[layer.name for layer in net.layers])
    values = [*HUGE, *random.uniform(-20, 20, 40), *(random.uniform(-1, 1, 40) * 2.0 ** random.integers(-10, 70, 40))]
    events = np.repeat(np.array(values)[:, None], len(net.layers), axis=1)
    found = check(graph, events, trace=False)
    with np.errstate(over="ignore"):
        narrow = events.astype(np.float32)
    narrow = narrow[np.isfinite(narrow).all(axis=1)]
    wanted = np.concatenate(list(expected(graph, narrow).values()), axis=1)
    for level in found.library.levels:
        found.level = level
        np.testing.assert_array_equal(found.predict(narrow), wanted)


def small(*, seed: int = 0) -> Graph:
    """A small network of the usual kind."""
    net = Net((6, 5, 2), seed=seed)
    net.conv((3, 3), 5, WIDE, W4, name="conv", accumulator=WIDE)
    net.add("Activation", (4, 3, 5), RELU, activation="relu", name="relu")
    net.add("Reshape", (60,), RELU, name="flat")
    return net.dense(3, WIDE, W4, name="dense", accumulator=WIDE).graph()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Emulator:
    return emulator.build(small(), tmp_path_factory.mktemp("a folder with spaces"), timeout_s=TIMEOUT_S)


@pytest.mark.slow
def test_numbers_of_events_threads_and_instruction_sets_change_nothing(built: Emulator) -> None:
    assert built.name == "emulator"
    events = events_for(built.graph, 101)
    wanted = expected(built.graph, events)["dense"]
    for level, threads in itertools.product(built.library.levels, (1, 2, 5)):
        other = dataclasses.replace(built, level=level, threads=threads)
        for count in (0, 1, 3, 4, 5, 15, 16, 17, 33, 100, 101):
            np.testing.assert_array_equal(other.predict(events[:count]), wanted[:count])
    assert built.trace(events[:0])["conv"].shape == (0, 4, 3, 5)
    np.testing.assert_array_equal(built.predict(events[::-1]), wanted[::-1])
    np.testing.assert_array_equal(built.predict(events.astype(np.float64)), wanted)
    np.testing.assert_array_equal(built.predict(events.reshape(101, -1)), wanted)
    whole = np.arange(-300, 300).reshape(10, 6, 5, 2)
    found = built.predict(whole)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found, expected(built.graph, whole)["dense"])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_numbers_that_are_not_finite_are_refused(built: Emulator, bad: float, kind: type) -> None:
    events: npt.NDArray[Any] = events_for(built.graph, 70).astype(kind)
    events[39, 2, 2, 1] = bad
    with pytest.raises(ValueError, match=r"^event 39 has a number that is not finite$"):
        built.predict(events)


def test_events_of_another_size_are_refused(built: Emulator) -> None:
    with pytest.raises(ValueError, match=r"^events of shape \(6, 5, 3\) do not fit the input's \(6, 5, 2\)$"):
        built.predict(np.zeros((4, 6, 5, 3), np.float32))


@pytest.mark.slow
def test_the_instruction_set_can_be_forced(built: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert built.level == built.library.levels[0]
    assert built.library.levels[-1] == "baseline"
    monkeypatch.setenv("TRIGCNN_EMULATOR_LEVEL", "baseline")
    graph = Net((3,)).graph()
    found = emulator.build(graph, tmp_path / "1", timeout_s=TIMEOUT_S, threads=3)
    assert (found.level, found.threads) == ("baseline", 3)
    with pytest.raises(SimulationError, match=r"^the instruction set mmx does not run here; use one of .*baseline$"):
        emulator.build(graph, tmp_path / "2", timeout_s=TIMEOUT_S, level="mmx")  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_emulator_is_the_c_simulation(tmp_path: Path) -> None:
    """A network as it comes from QKeras, on and off the grid and far outside."""
    keras, qkeras = bring_up().keras, bring_up().qkeras

    def bits(width: int, integer: int) -> object:
        return qkeras.quantized_bits(width, integer, symmetric=0, alpha=1)

    quantizers = {"kernel_quantizer": bits(5, 0), "bias_quantizer": bits(6, 1)}
    model = keras.Sequential(
        [
            keras.Input((8, 7, 3), name="events"),
            qkeras.QActivation(bits(6, 2), name="first"),
            qkeras.QConv2D(6, 3, padding="same", **quantizers, name="conv"),
            qkeras.QActivation(qkeras.quantized_relu(4, 2), name="relu"),
            keras.layers.MaxPooling2D(2, name="pool"),
            qkeras.QConv2D(5, 2, strides=(2, 1), **quantizers, name="strided"),
            qkeras.QActivation(bits(5, 2), name="signed"),
            keras.layers.Flatten(name="flatten"),
            qkeras.QDense(7, **quantizers, name="dense"),
            qkeras.QActivation(qkeras.quantized_relu(6, 3), name="relu2"),
            qkeras.QDense(3, **quantizers, name="logits"),
        ]
    )
    random = np.random.default_rng(5)
    model.set_weights([random.uniform(-1.2, 1.2, array.shape) for array in model.get_weights()])
    options = HlsOptions("Vitis", "xcvu9p-flga2104-2L-e", 5.0, "io_stream", "Latency", 1)
    bench = (np.zeros((1, 8, 7, 3), np.float32), np.zeros((1, 3), np.float32))
    graph = convert(
        model, name="top", options=options, project=tmp_path / "hls", log=tmp_path / "log", test_bench=bench
    )
    events = events_for(graph, 300)
    simulation = csim.build(graph, tmp_path / "hls", tmp_path, timeout_s=TIMEOUT_S)
    found = emulator.build(graph, tmp_path, timeout_s=TIMEOUT_S)
    expected = simulation.predict(events)
    assert len(np.unique(expected)) > 100
    np.testing.assert_array_equal(found.predict(events), expected)
    trace = found.trace(events[:60])
    for name, values in simulation.trace(events[:60]).items():
        # hls4ml's simulation does not save what its padding gives.
        if graph[name].kind == "ZeroPadding2D":
            continue
        np.testing.assert_array_equal(trace[name].reshape(values.shape), values, err_msg=name)


def one(kind: str, result: FixedPoint = WIDE, **more: Any) -> Graph:
    return Net((4, 4, 2)).add(kind, (4, 4, 2), result, name="bad", **more).graph()


def wide_dense(accumulator: FixedPoint | None, input_bits: int = 40) -> Graph:
    net = Net((8,), fixed(input_bits, 20))
    return net.dense(2, fixed(20, 10), fixed(30, 4), name="bad", accumulator=accumulator).graph()


MEAN: dict[str, Any] = {"pool_op": "Average", "pool_height": 1, "pool_width": 2, "pad_right": 1}


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (one("Softmax"), "a Softmax is not emulated"),
        (one("Activation", activation="tanh"), "the activation tanh is not emulated"),
        (
            one("Activation", fixed(4, 2, overflow="WRAP_SM"), activation="linear"),
            "the overflow mode WRAP_SM of .* use",
        ),
        (one("Merge", op="average", inputs=("x", "x")), "the merge average is not emulated"),
        (one("Pooling2D", pool_op="L2Norm"), "the pooling L2Norm is not emulated"),
        (one("Pooling2D", accumulator=fixed(4, 3, "RND_CONV"), **MEAN), "rounds the input, and .* give it more"),
        (one("Pooling2D", accumulator=fixed(6, 3, "TRN", "SAT"), **MEAN), "its sum may overflow .* more integer bits"),
        (one("Pooling2D", accumulator=fixed(5, 2), pool_op="Max"), "its maximum may overflow .* more integer bits"),
        (Net((2,), fixed(8, 4, overflow="WRAP_SM")).graph(), "a cast of events to .*WRAP_SM.* is not emulated"),
        (Net((2,), ufixed(63, 4)).graph(), "a cast of events to ufixed<63,4> is not emulated"),
        (wide_dense(None), "its sums need 7. bits, and at most 62 can be emulated"),
        (wide_dense(fixed(40, 20, "RND", "SAT")), "its products and sums need 7. bits, and at most 62 can be emulated"),
        (wide_dense(fixed(6, 2, "TRN", "WRAP_SM"), 12), "WRAP_SM is not emulated"),
    ],
)
def test_what_is_not_proved_exact_is_refused(graph: Graph, message: str, tmp_path: Path) -> None:
    name = graph.layers[-1].name
    with pytest.raises(ConversionError, match=f"^layer {name}: .*{message}"):
        emulator.build(graph, tmp_path, timeout_s=TIMEOUT_S)
    # The compiler was not started.
    assert not list(tmp_path.rglob("*.log"))

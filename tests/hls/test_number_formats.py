from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.conversion import convert as conversion
from trigcnn.hls.conversion import number_formats
from trigcnn.hls.engines import csim, interpreter
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.graph.intervals import analyse
from trigcnn.hls.options import HlsOptions, LayerOptions
from trigcnn.hls.rewriting.rewrite import NormalForm

OPTIONS = HlsOptions("Vitis", "xcvu9p-flga2104-2L-e", 5.0, "io_parallel", "Latency", 1)


def quantizer(text: str) -> Any:
    return bring_up().qkeras.get_quantizer(text)


def activation(text: str, name: str) -> Any:
    return bring_up().qkeras.QActivation(quantizer(text), name=name)


def dense(units: int, name: str = "dense", **options: Any) -> Any:
    quantizers = {role: quantizer("quantized_bits(4,0,0,alpha=1)") for role in ("kernel_quantizer", "bias_quantizer")}
    return bring_up().qkeras.QDense(units, name=name, **{**quantizers, **options})


def chain(shape: tuple[int, ...], *layers: Any) -> Any:
    keras = bring_up().keras
    model = keras.Sequential([keras.Input(shape, name="events"), *layers])
    random = np.random.default_rng(1)
    model.set_weights([random.uniform(0.2, 1.2, array.shape) for array in model.get_weights()])
    return model


def convert(model: Any, folder: Path, options: HlsOptions = OPTIONS) -> tuple[NormalForm, Graph]:
    normal = conversion.normal_form(model, options)
    bench = (np.zeros((1, *model.input_shape[1:]), np.float32), np.zeros((1, 1), np.float32))
    graph = conversion.convert(
        normal, name="top", options=options, project=folder / "hls", log=folder / "log", test_bench=bench
    )
    return normal, graph


def events(graph: Graph) -> npt.NDArray[np.float32]:
    """In the range and far out of it."""
    generator, port = np.random.default_rng(2), graph.input.result
    shape = (40, *graph.input_shape)
    reach = np.where(np.arange(40) % 2, 1.0, 30.0).reshape(40, *([1] * len(graph.input_shape)))
    return (generator.uniform(-1, 1, shape) * reach * max(port.max, -port.min)).astype(np.float32)


def assert_equal(normal: NormalForm, graph: Graph, folder: Path | None = None) -> None:
    """Keras, the interpreter and, in a folder, the C simulation."""
    given = events(graph)
    expected = KerasEngine(normal.model).predict(given)
    np.testing.assert_array_equal(interpreter.build(graph).predict(given), expected)
    if folder is not None:
        simulation = csim.build(graph, folder / "hls", folder, timeout_s=300, quick=True)
        np.testing.assert_array_equal(simulation.predict(given), expected)


def formats(graph: Graph) -> dict[str, str]:
    return {layer.name: str(layer.result) for layer in graph.layers}


def test_no_layer_but_a_quantizer_loses_a_bit(tmp_path: Path) -> None:
    layers = bring_up().keras.layers
    _, graph = convert(
        chain(
            (6,),
            activation("quantized_bits(6,2,0,alpha=1)", "first"),
            dense(4),
            layers.BatchNormalization(name="norm"),
            activation("quantized_relu(4,2)", "relu"),
            dense(2, "last"),
        ),
        tmp_path,
    )
    rounding = {name for name, found in analyse(graph).items() if not found.exact.fits(graph[name].result)}
    assert rounding == {"relu"}
    for layer in graph.layers:
        sums = analyse(graph)[layer.name].sums
        assert sums is None or layer.accumulator is None or sums.fits(layer.accumulator)


def test_a_cast_is_done_by_the_layer_in_front_but_only_one(tmp_path: Path) -> None:
    # Found by search: the second cast, and then the cut of the table, once took the place of the first.
    normal, graph = convert(
        chain(
            (4,),
            activation("quantized_bits(4,0,1,alpha=1)", "first"),
            dense(3, activation=quantizer("quantized_bits(9,5,0,0,alpha=1)")),
            activation("quantized_bits(8,7,0,alpha=1)", "second"),
            activation("smooth_sigmoid", "bend"),
        ),
        tmp_path,
    )
    assert formats(graph)["dense"] == "ufixed<9,5,RND_CONV,SAT>"
    assert formats(graph)["second"] == "fixed<8,8,RND_CONV,SAT>"
    assert_equal(normal, graph)


def test_an_input_that_begins_with_a_relu_saturates_at_the_port(tmp_path: Path) -> None:
    # Found by search: the port once wrapped what the relu behind it should have cut off.
    normal, graph = convert(chain((3,), activation("quantized_relu(3,2)", "first"), dense(2)), tmp_path)
    assert str(graph.input.result) == "ufixed<3,2,RND_CONV,SAT>"
    assert_equal(normal, graph)


@pytest.mark.slow
def test_a_cast_that_drops_more_bits_than_there_are_is_given_some(tmp_path: Path) -> None:
    # Found by search: the header of ap_fixed ends the process in such a cast.
    normal, graph = convert(
        chain(
            (3,),
            activation("quantized_relu(3,2)", "first"),
            dense(2),
            activation("quantized_relu(7,0)", "fine"),
            activation("quantized_bits(6,9,0,alpha=1)", "coarse"),
            dense(2, "last"),
        ),
        tmp_path,
    )
    assert formats(graph)["coarse_cut"] == "ufixed<11,4>"
    assert_equal(normal, graph, tmp_path)


@pytest.mark.slow
def test_a_normalization_of_small_numbers_leaves_a_coarse_cast_to_the_next_layer(tmp_path: Path) -> None:
    # Found by search: the product of small numbers has too few bits for that cast; see above.
    norm = bring_up().keras.layers.BatchNormalization(center=False, scale=False, name="norm")
    coarse = activation("quantized_bits(5,8,0,alpha=1)", "coarse")
    model = chain((3,), activation("quantized_relu(4,0)", "first"), norm, coarse)
    norm.set_weights([np.full(3, 0.25), np.full(3, 40.0)])
    normal, graph = convert(model, tmp_path)
    assert [layer.name for layer in graph.layers] == ["events", "norm", "coarse"]
    assert_equal(normal, graph, tmp_path)


@pytest.mark.parametrize(
    ("whole", "function", "cut"),
    [
        # The last bit makes no difference.
        ("fixed<6,3>", lambda x: np.floor(x * 4), "fixed<5,3,TRN,SAT>"),
        # Nothing changes beyond -1 and 1.
        ("fixed<8,4>", lambda x: np.clip(x, -1, 0.9375), "fixed<5,1,TRN,SAT>"),
        ("ufixed<8,4>", lambda x: np.minimum(x, 1.9375), "ufixed<5,1,TRN,SAT>"),
        # Both.
        ("fixed<8,4>", lambda x: np.clip(np.floor(x), -2, 1), "fixed<2,2,TRN,SAT>"),
        # Every bit counts.
        ("fixed<6,3>", lambda x: x, "fixed<6,3>"),
        # Zero alone is another value: nothing may be cut off below.
        ("fixed<4,4>", lambda x: (x == 0) * 1.0, "fixed<2,2,TRN,SAT>"),
    ],
)
def test_the_cut_in_front_of_a_table_changes_nothing(
    whole: str, function: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]], cut: str
) -> None:
    given = FixedPoint.parse(whole)
    integers = np.arange(given.min_integer, given.max_integer + 1)
    outputs = function(given.to_real(integers))
    found = number_formats._cut(given, outputs)
    assert str(found) == cut
    reached = found.to_real(found.cast_integers(integers, given.fraction))
    np.testing.assert_array_equal(function(reached), outputs)


@pytest.mark.parametrize("width", [15, 23])
def test_a_table_of_too_many_entries_is_refused(width: int, tmp_path: Path) -> None:
    model = chain(
        (2,),
        activation(f"quantized_bits({width},3,0,alpha=1)", "first"),
        activation("quantized_relu(20,4,negative_slope=0.5)", "leaky"),
    )
    message = (
        rf"^layer leaky: hls4ml has no exact form of this activation but a table, and that would have 2\*\*{width} "
        r"entries for the values .* that reach it \(at most 2\*\*14 are built\); put a "
        r"QActivation\(quantized_bits\(...\)\) of fewer bits before it$"
    )
    with pytest.raises(ConversionError, match=message):
        convert(model, tmp_path)


def test_the_entries_of_a_table_stand_in_the_order_of_bit_patterns(tmp_path: Path) -> None:
    model = chain(
        (2,), activation("quantized_bits(3,2,0,alpha=1)", "first"), activation("quantized_bits(4,1,0,alpha=0.75)", "t")
    )
    normal, graph = convert(model, tmp_path)
    function = model.layers[-1].quantizer
    expected = np.asarray(function(np.array([0, 1, 2, 3, -4, -3, -2, -1], np.float32)))
    np.testing.assert_array_equal(graph["t"].weights["table"].values, expected)
    assert_equal(normal, graph)


def test_the_user_can_set_number_formats(tmp_path: Path) -> None:
    own = {"dense": LayerOptions(precision={"result": "fixed<6,3,RND,SAT>", "accum": "fixed<20,10>"})}
    _, graph = convert(
        chain((3,), activation("quantized_bits(6,2,0,alpha=1)", "first"), dense(2)),
        tmp_path,
        dataclasses.replace(OPTIONS, layers=own),
    )
    assert str(graph["dense"].result) == "fixed<6,3,RND,SAT>"
    assert str(graph["dense"].accumulator) == "fixed<20,10>"


def test_values_of_too_many_bits_are_refused(tmp_path: Path) -> None:
    wide = [activation("quantized_bits(24,4,0,alpha=1)", "first")]
    wide += [dense(2, f"dense{n}", kernel_quantizer=quantizer("quantized_bits(16,4,0,alpha=1)")) for n in range(4)]
    with pytest.raises(
        ConversionError,
        match=r"^layer dense[123]: its values need more bits than can be computed exactly: .* holds 53; use fewer",
    ):
        convert(chain((2,), *wide), tmp_path)

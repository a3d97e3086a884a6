from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.hls.admission_branches import Branch, events_of, network
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.conversion import convert as conversion
from trigcnn.hls.engines import csim, interpreter
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.errors import AdmissionError, ConversionError
from trigcnn.hls.graph.graph import Graph, pack
from trigcnn.hls.graph.intervals import analyse
from trigcnn.hls.options import HlsOptions, IoType, LayerOptions
from trigcnn.hls.rewriting.normal_form import normal_form
from trigcnn.hls.rewriting.rewrite import NormalForm

OPTIONS = HlsOptions("Vitis", "xcvu9p-flga2104-2L-e", 5.0, "io_parallel", "Latency", 1)
WIDE_WEIGHTS = "kernel_quantizer=quantized_bits(8,0,0,alpha=1), bias_quantizer=quantized_bits(8,0,0,alpha=1)"


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
    normal = normal_form(model, options)
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


def test_an_activation_of_a_layer_is_made_a_layer_of_its_own() -> None:
    """In front of the layer, a cast would not make its sums narrower."""
    wide, sigmoid = "quantized_bits(16,3,0,alpha=1)", "quantized_sigmoid(16,use_real_sigmoid=True)"
    saved = chain((2,), activation(wide, "first"), dense(2, "dense", activation=quantizer(sigmoid)))
    message = (
        r"^layer dense: .* would have 2\*\*\d\d entries .* are built\); build the layer without `activation=`, and "
        r"behind it a QActivation\(quantized_bits\(...\)\) of at most 14 bits and this activation as a QActivation; "
        r"both have no weights, so set_weights\(saved.get_weights\(\)\) gives the new model the trained ones$"
    )
    with pytest.raises(AdmissionError, match=message):
        normal_form(saved, OPTIONS)
    narrow, act = activation("quantized_bits(8,3,0,alpha=1)", "narrow"), activation(sigmoid, "act")
    fixed = chain((2,), activation(wide, "first"), dense(2, "dense"), narrow, act)
    fixed.set_weights(saved.get_weights())
    normal_form(fixed, OPTIONS)


def thresholded() -> Any:
    return bring_up().keras.layers.ThresholdedReLU(1.0, name="sharp")


@pytest.mark.parametrize("width", [17, 23])
def test_a_table_of_too_many_entries_is_refused(width: int, tmp_path: Path) -> None:
    model = chain(
        (2,),
        activation(f"quantized_bits({width},3,0,alpha=1)", "first"),
        thresholded(),
    )
    message = (
        rf"^layer sharp: there is no exact form of this activation but a table, and that would have 2\*\*{width} "
        r"entries for the values .* that reach it \(at most 2\*\*14 are built\); put a "
        r"QActivation\(quantized_bits\(...\)\) of at most 14 bits in front of it$"
    )
    with pytest.raises(AdmissionError, match=message):
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


@pytest.mark.slow
@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_thresholds_behind_wide_sums_are_exact(io_type: IoType, tmp_path: Path) -> None:
    """Sums of 17 bits in front of functions that are no limits: tables of 2**14 entries would not do."""
    calls = ("quantized_tanh(6,use_real_tanh=True)", "quantized_po2(4)", "quantized_hswish(6,1)")
    branches = [Branch((6,), f"QDense(2, {WIDE_WEIGHTS}) > QActivation({call})") for call in calls]
    made = network(branches, io_type)
    normal = normal_form(made.model, made.options)
    bench = (np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    graph = conversion.convert(
        normal, name="top", options=made.options, project=tmp_path / "hls", log=tmp_path / "log", test_bench=bench
    )
    for number in range(len(calls)):
        name = f"layer{number}_1"
        kinds = [each.kind for each in graph.layers if each.name.startswith(name)]
        assert kinds[-4:] == ["Activation", "UnaryLUT", "Merge", "UnaryLUT"]
        assert graph[f"{name}_offset"].weights["table"].integers.size <= 1 << 10
    events = pack(events_of(made.model))
    expected = KerasEngine(normal.model).predict(events).reshape(len(events), -1)
    np.testing.assert_array_equal(KerasEngine(made.model).predict(events).reshape(len(events), -1), expected)
    simulation = csim.build(graph, tmp_path / "hls", tmp_path, timeout_s=300, quick=True)
    np.testing.assert_array_equal(simulation.predict(events), expected)


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

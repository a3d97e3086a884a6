from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from tests.hls import graphs
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.conversion.checks import check_padding
from trigcnn.hls.conversion.convert import convert
from trigcnn.hls.engines import Events, csim, interpreter
from trigcnn.hls.engines.csim import CSimulation
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.options import HlsOptions, IoType, LayerOptions, Strategy
from trigcnn.hls.rewriting.quantizers import as_cast

OPTIONS = HlsOptions("Vitis", "xcvu9p-flga2104-2L-e", 5.0, "io_parallel", "Latency", 1)


def bits(width: int, integer: int) -> Any:
    return bring_up().qkeras.quantized_bits(width, integer, symmetric=0, alpha=1)


def quantize(width: int, integer: int, name: str) -> Any:
    return bring_up().qkeras.QActivation(bits(width, integer), name=name)


def relu(width: int, integer: int, name: str) -> Any:
    return bring_up().qkeras.QActivation(bring_up().qkeras.quantized_relu(width, integer), name=name)


def weighted(kind: str, *arguments: Any, **options: Any) -> Any:
    quantizers = {"kernel_quantizer": bits(4, 0), "bias_quantizer": bits(5, 1)}
    return getattr(bring_up().qkeras, kind)(*arguments, **{**quantizers, **options})


def layer(kind: str, *arguments: Any, **options: Any) -> Any:
    return getattr(bring_up().keras.layers, kind)(*arguments, **options)


def chain(shape: tuple[int, ...], *layers: Any, seed: int = 1) -> Any:
    """A Sequential model with random weights, some beyond the range of their quantizers."""
    keras = bring_up().keras
    model = keras.Sequential([keras.Input(shape, name="events"), *layers])
    random = np.random.default_rng(seed)
    model.set_weights([random.uniform(-1.2, 1.2, array.shape) for array in model.get_weights()])
    return model


def image() -> Any:
    """Channels, a non-square image, every kind of layer, an image that the pool does not divide."""
    return chain(
        (6, 7, 2),
        quantize(6, 2, "first"),
        weighted("QConv2D", 3, (3, 2), name="conv"),
        relu(4, 2, "relu"),
        layer("Dropout", 0.5),
        layer("MaxPooling2D", 2, name="pool"),
        weighted("QConv2D", 4, 1, kernel_quantizer="quantized_bits(5,1,0,alpha=1)", name="pixelwise"),
        quantize(5, 1, "signed"),
        layer("Flatten"),
        weighted("QDense", 3, use_bias=False, name="dense"),
    )


def strided() -> Any:
    """Same padding with strides, and a maximum of signed values."""
    return chain(
        (7, 6, 1),
        quantize(6, 2, "first"),
        weighted("QConv2D", 2, 3, strides=2, padding="same", use_bias=False, name="conv"),
        layer("MaxPooling2D", (2, 1), name="pool"),
        relu(5, 1, "relu"),
        layer("Flatten"),
        weighted("QDense", 4, name="hidden"),
        relu(4, 1, "relu2"),
        weighted("QDense", 2, name="dense"),
        quantize(5, 2, "last"),
    )


def sequence() -> Any:
    """One dimension; the network ends with an activation of images."""
    return chain(
        (9, 2),
        quantize(6, 2, "first"),
        weighted("QConv1D", 3, 3, padding="same", name="conv"),
        relu(4, 2, "relu"),
        layer("MaxPooling1D", 2, name="pool"),
        weighted("QConv1D", 2, 1, name="pixelwise"),
        relu(3, 1, "relu2"),
    )


def whole_numbers() -> Any:
    """Number formats without fraction bits, where hls4ml itself would neither round nor saturate."""
    return chain(
        (3,),
        quantize(6, 5, "first"),
        weighted("QDense", 4, name="dense"),
        relu(4, 4, "relu"),
        weighted("QDense", 3, kernel_quantizer=bits(1, 0), name="signs"),
        quantize(4, 4, "coarse"),
        weighted("QDense", 2, kernel_quantizer=bits(4, 4), name="zeros"),
    )


CASES: dict[str, tuple[Callable[[], Any], IoType, Strategy, str]] = {
    "image-parallel-latency-vitis": (image, "io_parallel", "Latency", "Vitis"),
    "strided-parallel-resource-vivado": (strided, "io_parallel", "Resource", "Vivado"),
    "strided-stream-latency-vitis": (strided, "io_stream", "Latency", "Vitis"),
    "image-stream-resource-vivado": (image, "io_stream", "Resource", "Vivado"),
    "sequence-parallel-latency-vivado": (sequence, "io_parallel", "Latency", "Vivado"),
    "sequence-stream-resource-vitis": (sequence, "io_stream", "Resource", "Vitis"),
    "whole-numbers-parallel-resource-vitis": (whole_numbers, "io_parallel", "Resource", "Vitis"),
}


class Case(NamedTuple):
    model: Any
    graph: Graph
    simulation: CSimulation
    events: Events


def events_for(model: Any, number_format: FixedPoint) -> Events:
    """Events on the grid, between its points, exactly half between them, and far out of range."""
    random = np.random.default_rng(3)
    shape = (24, *model.input_shape[1:])
    integers = random.integers(number_format.min_integer, number_format.max_integer, shape, endpoint=True)
    on_grid = number_format.to_real(integers)
    kinds = [
        on_grid,
        random.uniform(number_format.min, number_format.max, shape),
        on_grid + number_format.lsb / 2,
        random.uniform(30 * number_format.min, 30 * number_format.max, shape),
    ]
    return np.concatenate(kinds).astype(np.float32)


def converted(model: Any, folder: Path, options: HlsOptions = OPTIONS) -> Graph:
    bench = (np.zeros((1, *model.input_shape[1:]), np.float32), np.zeros((1, 1), np.float32))
    return convert(model, name="top", options=options, project=folder / "hls", log=folder / "log", test_bench=bench)


# The suite has each network, interface, strategy and back end; Vivado's C++ is walked by test_admission_rows.py, too.
WALKED = ("strided-parallel-resource-vivado", "sequence-parallel-latency-vivado")


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.walk if name in WALKED else []) for name in CASES],
)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    build, io_type, strategy, backend = CASES[request.param]
    folder, model = tmp_path_factory.mktemp("conversion"), build()
    options = dataclasses.replace(OPTIONS, io_type=io_type, strategy=strategy, backend=backend)  # type: ignore[arg-type]
    graph = converted(model, folder, options)
    simulation = csim.build(graph, folder / "hls", folder, timeout_s=300, quick=True)
    return Case(model, graph, simulation, events_for(model, graph.input.result))


@pytest.mark.slow
def test_the_c_simulation_is_the_model(case: Case) -> None:
    expected = KerasEngine(case.model).predict(case.events)
    assert len(np.unique(expected)) > 3
    np.testing.assert_array_equal(case.simulation.predict(case.events), expected)


@pytest.mark.slow
def test_every_layer_of_the_c_simulation_is_that_of_the_model(case: Case) -> None:
    expected, found = KerasEngine(case.model).trace(case.events), case.simulation.trace(case.events)
    weighted_layers = {each.name for each in case.graph.layers if each.weights}
    assert weighted_layers | {"events"} <= expected.keys() & found.keys()
    for name in expected.keys() & found.keys():
        # A layer may do the cast of the layer behind it.
        stored = case.graph[name].result
        exact = stored.to_real(stored.cast(expected[name].reshape(found[name].shape)))
        np.testing.assert_array_equal(found[name], exact, err_msg=name)


@pytest.mark.slow
def test_the_symbolic_evaluation_is_the_c_simulation(case: Case) -> None:
    expected = case.simulation.predict(case.events)
    np.testing.assert_array_equal(interpreter.build(case.graph).predict(case.events), expected)


@pytest.mark.slow
def test_the_weights_are_the_quantized_weights_of_the_model(case: Case) -> None:
    for each in case.model.layers:
        if type(each).__name__ not in ("QConv1D", "QConv2D", "QDense"):
            continue
        weights = case.graph[each.name].weights
        kernel: npt.NDArray[np.float32] = each.kernel_quantizer_internal(each.kernel).numpy()
        np.testing.assert_array_equal(weights["weight"].values.reshape(kernel.shape), kernel)
        bias = each.bias_quantizer_internal(each.bias).numpy() if each.use_bias else np.zeros(kernel.shape[-1])
        np.testing.assert_array_equal(weights["bias"].values, bias)


@pytest.mark.slow
def test_a_graph_that_was_saved_is_simulated_alike(case: Case, tmp_path: Path) -> None:
    case.graph.save(tmp_path)
    reloaded = dataclasses.replace(case.simulation, graph=Graph.load(tmp_path))
    np.testing.assert_array_equal(reloaded.predict(case.events), case.simulation.predict(case.events))


@pytest.mark.parametrize(
    ("quantizer", "number_format"),
    [
        ("quantized_bits(4,0,0,alpha=1)", "fixed<4,1,RND_CONV,SAT>"),
        ("quantized_bits(4,6,0,alpha=1)", "fixed<4,7,RND_CONV,SAT>"),
        ("quantized_relu(4)", "ufixed<4,0,RND_CONV,SAT>"),
        ("quantized_relu(4,4)", "ufixed<4,4,RND_CONV,SAT>"),
    ],
)
def test_number_formats_of_activations(quantizer: str, number_format: str) -> None:
    assert as_cast(bring_up().qkeras.get_quantizer(quantizer)) == FixedPoint.parse(number_format)


def test_options_of_one_layer_are_kept(tmp_path: Path) -> None:
    own = {"dense": LayerOptions("Resource", 3)}
    graph = converted(small(), tmp_path, dataclasses.replace(OPTIONS, layers=own))
    parameters = (tmp_path / "hls" / "firmware" / "parameters.h").read_text()
    assert graph["dense"].shape == (2,)
    assert "static const unsigned strategy = nnet::resource;" in parameters
    assert "static const unsigned reuse_factor = 3;" in parameters


def test_the_project_can_be_moved(tmp_path: Path) -> None:
    converted(small(), tmp_path)
    texts = {path: path.read_bytes() for path in (tmp_path / "hls").rglob("*") if path.is_file()}
    assert [path.name for path, text in texts.items() if str(tmp_path).encode() in text] == []
    assert b"OutputDir: ." in texts[tmp_path / "hls" / "hls4ml_config.yml"]


def small(**options: Any) -> Any:
    return chain((3,), quantize(6, 2, "first"), weighted("QDense", 2, **{"name": "dense", **options}))


def test_a_reuse_factor_that_is_not_possible_is_refused_with_the_one_that_is(tmp_path: Path) -> None:
    options = dataclasses.replace(OPTIONS, strategy="Resource", reuse_factor=4)
    message = (
        r"^layer dense: reuse_factor 4 is not possible, hls4ml would take 3; set hls\.layers\.dense\.reuse_factor to 3"
        r", or set hls\.reuse_factor_policy: nearest$"
    )
    with pytest.raises(ConversionError, match=message):
        converted(small(), tmp_path, options)
    assert not (tmp_path / "hls").exists()


def test_options_of_a_layer_that_is_not_there_are_refused(tmp_path: Path) -> None:
    options = dataclasses.replace(OPTIONS, layers={"dnese": LayerOptions("Resource")})
    with pytest.raises(
        ConversionError, match=r"^hls\.layers\.dnese: the model has no layer of this name; it has events, "
    ):
        converted(small(), tmp_path, options)


def test_a_padded_maximum_behind_values_that_happen_to_be_unsigned_is_padded_with_zeros(tmp_path: Path) -> None:
    # hls4ml pads with the bits of the smallest signed number.
    conv = weighted("QConv2D", 2, 2, use_bias=False, name="conv")
    pool = layer("MaxPooling2D", 2, padding="same", name="pool")
    model = chain((4, 4, 1), quantize(6, 2, "first"), relu(4, 2, "relu"), conv, pool)
    (tmp_path / "signed").mkdir()
    signed = converted(model, tmp_path / "signed")
    assert [layer.name for layer in signed.layers][-2:] == ["conv", "pool"]
    assert signed["conv"].result.signed
    model.get_layer("conv").set_weights([np.abs(kernel) for kernel in model.get_layer("conv").get_weights()])
    graph = converted(model, tmp_path)
    assert [layer.name for layer in graph.layers][-3:] == ["conv", "pool_padding", "pool"]
    assert (graph["conv"].result.signed, graph["pool"].shape) == (False, (2, 2, 2))
    assert [graph["pool"].attributes[f"pad_{side}"] for side in ("left", "right", "top", "bottom")] == [0, 0, 0, 0]


def test_a_padded_maximum_of_unsigned_values_is_refused() -> None:
    """As behind a layer whose result was set to a number format without a sign."""
    pool = graphs.pool1d("Max", 2, (3, 2), 2, right=1)
    check_padding(graphs.graph(graphs.given((5, 2), "fixed<5,3>"), pool))
    message = r"^layer y: padding='same' is not possible after values of ufixed<5,3>, which hls4ml pads with a large"
    with pytest.raises(ConversionError, match=message):
        check_padding(graphs.graph(graphs.given((5, 2), "ufixed<5,3>"), pool))


def test_strides_down_of_a_kernel_of_one_row_are_those_of_two_rows_in_io_stream(tmp_path: Path) -> None:
    # Found by search: hls4ml steps down by one row.
    model = chain((5, 4, 1), quantize(6, 2, "first"), weighted("QConv2D", 2, (1, 2), strides=2, name="conv"))
    (tmp_path / "parallel").mkdir()
    assert converted(model, tmp_path / "parallel")["conv"].attributes["filt_height"] == 1
    graph = converted(model, tmp_path, dataclasses.replace(OPTIONS, io_type="io_stream"))
    assert (graph["conv"].attributes["filt_height"], graph["conv"].shape) == (2, (3, 2, 2))
    assert not graph["conv"].weights["weight"].integers[1].any()


def test_pixels_that_do_not_divide_each_other_go_one_value_after_the_other_in_io_stream(tmp_path: Path) -> None:
    # Found by search: hls4ml repacks 4 channels into 6 by dropping some.
    model = chain((3, 4), quantize(6, 2, "first"), layer("Reshape", (2, 6), name="reshape"), relu(4, 2, "relu"))
    graph = converted(model, tmp_path, dataclasses.replace(OPTIONS, io_type="io_stream"))
    assert [layer.shape for layer in graph.layers] == [(3, 4), (12, 1), (2, 6), (2, 6)]


def test_a_reuse_factor_beyond_one_filter_is_refused_in_io_parallel(tmp_path: Path) -> None:
    # Found by search: hls4ml's C simulation ends the process.
    model = chain((5, 2), quantize(6, 2, "first"), weighted("QConv1D", 4, 2, name="conv"))
    message = (
        r"^layer conv: reuse_factor 8 is not possible, a convolution in io_parallel uses a multiplier for one filter "
        r"only; set hls\.layers\.conv\.reuse_factor to 4, or set hls\.reuse_factor_policy: nearest$"
    )
    with pytest.raises(ConversionError, match=message):
        converted(model, tmp_path, dataclasses.replace(OPTIONS, strategy="Resource", reuse_factor=8))


def test_a_flatten_at_the_end_changes_no_value(tmp_path: Path) -> None:
    model = chain((4, 2), quantize(6, 2, "first"), weighted("QConv1D", 3, 2, name="conv"), layer("Flatten"))
    assert converted(model, tmp_path).output_shape == (3, 3)


@pytest.mark.parametrize("role", ["weight", "bias"])
def test_weights_other_than_the_models_are_refused(role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hls4ml.converters.keras_v2_to_hls import KerasModelReader

    given = KerasModelReader.get_weights_data

    def mixed_up(self: Any, layer_name: str, name: str) -> Any:
        values = given(self, layer_name, name)
        return values[::-1] if name == {"weight": "kernel", "bias": "bias"}[role] else values

    monkeypatch.setattr(KerasModelReader, "get_weights_data", mixed_up)
    with pytest.raises(
        ConversionError, match=f"^layer dense: hls4ml took other values for the {role} than the model has"
    ):
        converted(small(), tmp_path)


def test_a_crash_of_hls4ml_is_a_conversion_error_and_the_front_end_is_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hls4ml

    seen = []

    def crash(*_: Any, **__: Any) -> None:
        seen.append(sys.modules["keras"])
        raise IndexError("list index out of range")

    before = sys.modules.get("keras")
    monkeypatch.setattr(hls4ml.converters, "convert_from_keras_model", crash)
    message = "^hls4ml could not convert the model: IndexError: list index out of range$"
    with pytest.raises(ConversionError, match=message):
        converted(small(), tmp_path)
    assert seen == [bring_up().keras]
    assert sys.modules.get("keras") is before


def test_the_front_end_is_restored_after_a_conversion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker: Any = object()
    monkeypatch.setitem(sys.modules, "keras", marker)
    converted(small(), tmp_path)
    assert sys.modules["keras"] is marker

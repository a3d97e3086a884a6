"""What hls4ml alone makes of the refused rows: a row of which it makes the model's numbers has to go."""

from __future__ import annotations

import contextlib
import dataclasses
import filecmp
import io
import re
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pytest

from tests.hls.admission_branches import (
    BITS,
    IMAGE,
    OPTIONS,
    SEQUENCE,
    SQUARE,
    VECTOR,
    Branch,
    events_of,
    fill,
    network,
)
from tests.hls.refused_models import LATE, REFUSED, chain, conv, layer, representatives
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.admission.layers import RefusedLayer
from trigcnn.hls.admission.rows import Alone, Row
from trigcnn.hls.admission.table import REFUSED_LAYERS
from trigcnn.hls.backends import FACTS
from trigcnn.hls.conversion.convert import _keras2_front_end, convert
from trigcnn.hls.engines import Outputs, csim
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.errors import ConversionError, ToolFailedError
from trigcnn.hls.graph.graph import Graph, Layer, pack
from trigcnn.hls.options import Backend, HlsOptions, IoType, Strategy
from trigcnn.hls.rewriting.normal_form import normal_form

TABLE: dict[str, Row | RefusedLayer] = {
    **representatives(),
    **{f"refused {kind}": reason for kind, reason in REFUSED_LAYERS.items()},
}

# A layer of each class that is refused.
CLASSES: dict[str, Branch] = {
    "Lambda": Branch(VECTOR, "Lambda(lambda x: 2 * x)"),
    "Model": Branch(VECTOR, "type('Model', (Model,), {'call': lambda _, x: 2 * x, 'get_config': lambda _: {}})()"),
    # The layer within has the name of the one in front.
    "Functional": Branch(VECTOR, "ReLU() > (lambda x: Model(x, ReLU(name='layer0_0')(x)))(Input((4,)))"),
    "Sequential": Branch(VECTOR, "ReLU() > Sequential([ReLU(name='layer0_0')])"),
    "QAdaptiveActivation": Branch(VECTOR, "QAdaptiveActivation('quantized_bits', 4)"),
    "Dot": Branch(VECTOR, "Dot(1)", inputs=2),
    "LayerNormalization": Branch(SEQUENCE, "LayerNormalization()"),
    "QBidirectional": Branch(SEQUENCE, "QBidirectional(QLSTM(2))"),
    "Bidirectional": Branch(SEQUENCE, "Bidirectional(LSTM(2))"),
    "ELU": Branch(VECTOR, "ELU()"),
    "PReLU": Branch(VECTOR, "PReLU()"),
    "Dense": Branch(VECTOR, "Dense(2)"),
    **{kind: Branch(SEQUENCE, f"{kind}(2)") for kind in ("LSTM", "GRU", "SimpleRNN", "QLSTM", "QGRU", "QSimpleRNN")},
    **{
        kind: Branch(SEQUENCE if "1D" in kind else IMAGE, f"{kind}({arguments})")
        for arguments, kinds in {
            "2": ("DepthwiseConv1D", "DepthwiseConv2D"),
            "2, 2": (
                *("Conv1D", "Conv2D", "SeparableConv1D", "SeparableConv2D"),
                *("Conv1DTranspose", "Conv2DTranspose", "QConv2DTranspose"),
            ),
        }.items()
        for kind in kinds
    },
}

# What shows a refused row or class, with one branch.
SHOWING = {name: branch for name, (branch, _) in (REFUSED | LATE).items()} | {
    "QSeparableConv1D.padding=causal": Branch(SEQUENCE, "QSeparableConv1D(2, 2, padding='causal')"),
    "activation quantized_bits.integer=others": Branch(VECTOR, "QActivation(quantized_bits(4, 0.5, 0, alpha=1))"),
    **{f"refused {kind}": branch for kind, branch in CLASSES.items()},
}

# What hls4ml says, where it does not take the model at all.
_UNKNOWN = ("Lambda", "Model", "QAdaptiveActivation", "Conv1DTranspose", "Conv2DTranspose", "QBidirectional")
RAISES = {
    "Rescaling.scale=others": "Unsupported layer type: Rescaling",
    "Rescaling.offset=others": "Unsupported layer type: Rescaling",
    "QActivation.activation=bernoulli": "Unsupported QKeras activation: bernoulli",
    "QActivation.activation=quantized_ulaw": "Unsupported QKeras activation: quantized_ulaw",
    "QDense.input_shape=more axes": "Cannot replace Dense over 3D tensor with Conv3D",
    "QAveragePooling2D.average_quantizer=others": "Unsupported layer type: QAveragePooling2D",
    "activation quantized_po2.bits=others": "Unsupported QKeras activation: quantized_po2",
    **{f"refused {kind}": f"Unsupported layer type: {kind}" for kind in _UNKNOWN},
    "refused Functional": 'Layer names must be unique: "layer0_0" already found',
    "refused Sequential": 'Layer names must be unique: "layer0_0" already found',
    "refused QLSTM": "Hard activation not supported",
}

# What the compiler says, where hls4ml writes C++ that is none.
COMPILES_NOT = {
    "Softmax.axis=others, or elsewhere": "‘softmax_config[0-9]+’ was not declared",
    "QConv1D.data_format=channels_first": "‘conv_2d_cf’ is not a member of ‘nnet’",
    "refused LSTM": "nnet_recurrent.h.*cannot convert ‘ap_fixed<16, 6>",
}

# Where the numbers are others than Keras', and where they are Keras'.
DIFFERS, EXACT = (
    tuple(name for name, row in TABLE.items() if name in SHOWING and row.alone == alone)
    for alone in ("other numbers", "exact")
)

# What Keras says, where it does not apply the layer itself.
FAILS = {
    "QSeparableConv1D.padding=causal": "_compute_causal_padding",
    "activation quantized_bits.integer=others": "Expected int32, but got 0.5",
    **{f"refused {kind}": "has no attribute" for kind in ("QConv2DTranspose", "QGRU", "QSimpleRNN")},
}

# The same layers where nothing is refused; hls4ml alone is exact in them, so what differs above is the row's.
CONTROLS = (
    Branch(VECTOR, "ReLU()"),
    conv(""),
    Branch(VECTOR, f"QDense(3, use_bias=False, kernel_quantizer={BITS})"),
    Branch(VECTOR, f"QActivation({BITS})"),
    Branch(IMAGE, f"QDepthwiseConv2D(2, use_bias=False, depthwise_quantizer={BITS})"),
    Branch(SQUARE, "MaxPooling2D(2)"),
    Branch(SQUARE, "GlobalAveragePooling2D()"),
    Branch(IMAGE, "UpSampling2D(2)"),
    Branch(IMAGE, "BatchNormalization(epsilon=2**-10)"),
)


Test = TypeVar("Test", bound=Callable[..., None])

# What the tests below show of each row.
SHOWN: dict[str, Alone] = {}


def shows(made: Alone, names: Iterable[str]) -> Callable[[Test], Test]:
    """Note what a test shows of refused rows; each is shown by one test."""
    assert not SHOWN.keys() & set(names)
    SHOWN.update(dict.fromkeys(names, made))
    return lambda test: test


def alone(
    model: Any, folder: Path, *, io_type: str = "io_parallel", strategy: str = "Latency", backend: str = "Vitis"
) -> Any:
    """What a user of hls4ml does, and `config_from_keras_model` chooses the number formats."""
    import hls4ml

    with _keras2_front_end(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend=backend)
        config["Model"]["Strategy"] = strategy
        converted = hls4ml.converters.convert_from_keras_model(
            model,
            hls_config=config,
            output_dir=str(folder / "hls"),
            project_name="top",
            backend=backend,
            io_type=io_type,
            part=OPTIONS.part,
        )
        converted.write()
    return converted


def ports(converted: Any) -> Graph:
    """Inputs and outputs, which are all that a simulation needs to know."""
    whole = FixedPoint(True, 16, 6)
    sides = [
        [Layer(variable.name, "Input", (), tuple(int(n) for n in variable.shape), whole) for variable in variables]
        for variables in (converted.get_input_variables(), converted.get_output_variables())
    ]
    inputs, outputs = (tuple(layer.name for layer in side) for side in sides)
    return Graph("top", (*sides[0], *sides[1]), inputs, outputs)


def events(model: Any) -> list[npt.NDArray[np.float32]]:
    """Values of the inputs' number format: what hls4ml does to others is not the question here."""
    random = np.random.default_rng(2)
    return [(random.integers(-32, 32, (24, *x.shape[1:])) / 8).astype(np.float32) for x in model.inputs]


def both(model: Any, folder: Path, **options: str) -> tuple[list[Outputs], list[Outputs]]:
    """Give the outputs of Keras, and of hls4ml's C simulation."""
    graph = ports(alone(model, folder, **options))
    simulation = csim.build(graph, folder / "hls", folder, timeout_s=300, quick=True)
    given = events(model)
    found = simulation.predict(pack(given))
    expected = model.predict(given if len(given) > 1 else given[0], verbose=0)
    expected = expected if isinstance(expected, list) else [expected]
    ends = np.cumsum([part[0].size for part in expected])[:-1]
    flat = np.split(found.reshape(len(found), -1), ends, axis=1)
    return [part.reshape(len(part), -1) for part in expected], flat


def test_what_hls4ml_alone_makes_of_every_refused_row_is_shown() -> None:
    assert {name: row.alone for name, row in TABLE.items()} == SHOWN


@shows("other numbers", DIFFERS)
@shows("exact", EXACT)
@pytest.mark.slow
@pytest.mark.parametrize("images", [True, False])
def test_hls4ml_alone_gives_other_numbers(images: bool, tmp_path: Path) -> None:
    # hls4ml's depthwise convolutions of one and of two dimensions do not compile together (one include guard).
    branches = {name: SHOWING[name] for name in (*DIFFERS, *EXACT)} | {control.layers: control for control in CONTROLS}
    branches = {name: branch for name, branch in branches.items() if (len(branch.shape) == 3) == images}
    expected, found = both(network(list(branches.values()), "io_parallel").model, tmp_path)
    pairs = zip(branches, expected, found, strict=True)
    differing = {name for name, a, b in pairs if np.abs(a - b).max() > 0}
    assert differing == {name for name in branches if name in DIFFERS}


@shows("error", RAISES)
@pytest.mark.parametrize("name", RAISES)
def test_hls4ml_alone_does_not_take_the_model(name: str, tmp_path: Path) -> None:
    model = network([SHOWING[name]], "io_parallel").model
    with pytest.raises(Exception, match=RAISES[name]):
        alone(model, tmp_path)


@shows("error", ["refused Dot"])
def test_hls4ml_alone_finds_no_number_format_for_a_dot_product(tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as caught:
        alone(network([CLASSES["Dot"]], "io_parallel").model, tmp_path)
    assert caught.traceback[-1].name == "_infer_dot_precision"


@shows("Keras fails", FAILS)
@pytest.mark.parametrize("name", FAILS)
def test_keras_alone_does_not_apply_the_layer(name: str) -> None:
    with pytest.raises((TypeError, AttributeError), match=FAILS[name]):
        network([SHOWING[name]], "io_parallel")


@shows("does not compile", COMPILES_NOT)
@pytest.mark.slow
@pytest.mark.parametrize("recurrent", [True, False])
def test_hls4ml_alone_writes_what_does_not_compile(recurrent: bool, tmp_path: Path) -> None:
    # Behind an error in the top function the compiler looks into no template.
    names = [name for name in COMPILES_NOT if (name == "refused LSTM") == recurrent]
    model = network([SHOWING[name] for name in names], "io_parallel").model
    graph = ports(alone(model, tmp_path))
    with pytest.raises(ToolFailedError):
        csim.build(graph, tmp_path / "hls", tmp_path, timeout_s=300)
    log = (tmp_path / "csim_build.log").read_text()
    assert [name for name in names if not re.search(COMPILES_NOT[name], log)] == []


@shows("other numbers", ["InputLayer.uses=more"])
@pytest.mark.slow
def test_hls4ml_alone_mixes_up_the_uses_of_a_layer(tmp_path: Path) -> None:
    qkeras = bring_up().qkeras
    shared = qkeras.QDense(4, kernel_quantizer=qkeras.quantized_bits(4, 0, 0, alpha=1), use_bias=False, name="shared")
    model = chain(lambda x: shared(qkeras.QActivation("quantized_relu(4,2)", name="relu")(shared(x))))
    fill(model)
    (expected,), (found,) = both(model, tmp_path)
    assert np.abs(expected - found).max() > 1


@shows("other numbers", ["InputLayer.training=True"])
def test_hls4ml_alone_leaves_out_what_keras_draws_at_random(tmp_path: Path) -> None:
    model = chain(lambda x: layer("Dropout", 0.5, name="drop")(x, training=True))
    (given,) = events(model)
    assert (model.predict(given, verbose=0) != model.predict(given, verbose=0)).any()
    assert [node.name for node in alone(model, tmp_path).get_layers()] == ["events", "first"]


@shows("exact", ["hls.strategy=others"])
def test_hls4ml_alone_takes_any_strategy_for_latency(tmp_path: Path) -> None:
    model = network([conv("")], "io_parallel").model
    for strategy in ("Latency", "Latancy"):
        alone(model, tmp_path / strategy, strategy=strategy)
    same_code(tmp_path / "Latency", tmp_path / "Latancy")


@shows("exact", ["InputLayer.sparse=True", "InputLayer.optional=True"])
@pytest.mark.parametrize("option", ["sparse", "optional"])
def test_hls4ml_alone_takes_any_input_for_a_plain_one(option: str, tmp_path: Path) -> None:
    qkeras = bring_up().qkeras
    outputs = []
    for name, options in (("plain", {}), (option, {option: True})):
        inputs = layer("Input", (4,), name="events", **options)
        dense = qkeras.QDense(3, kernel_quantizer=qkeras.quantized_bits(4, 0, 0, alpha=1), use_bias=False, name="dense")
        model = bring_up().keras.Model(inputs, dense(inputs))
        fill(model)
        alone(model, tmp_path / name)
        outputs.append(model.predict(np.eye(4, dtype=np.float32), verbose=0))
    np.testing.assert_array_equal(*outputs)
    same_code(tmp_path / "plain", tmp_path / option)


def same_code(one: Path, other: Path) -> None:
    """Assert that two projects have the same C++, weights included."""
    files = [str(path.relative_to(one)) for path in one.rglob("firmware/**/*") if path.is_file()]
    assert len(files) > 10
    assert filecmp.cmpfiles(one, other, files, shallow=False)[0] == files


@shows("error", ["InputLayer.ragged=True"])
def test_hls4ml_alone_does_not_take_events_of_any_length(tmp_path: Path) -> None:
    inputs = layer("Input", (None,), name="events", ragged=True)
    model = bring_up().keras.Model(inputs, layer("ReLU", name="relu")(inputs))
    with pytest.raises(RuntimeError, match="Unexpectedly have a None in shape"):
        alone(model, tmp_path)


@shows("error", ["hls.io_type=others", "hls.backend=others"])
@pytest.mark.parametrize("option", ["io_type", "backend"])
def test_hls4ml_alone_does_not_take_other_options(option: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="other"):
        alone(network([conv("")], "io_parallel").model, tmp_path, **{option: "other"})


@shows("exact", ["hls.strategy=Latency, with Quartus and oneAPI"])
@pytest.mark.parametrize("backend", ["Quartus", "oneAPI"])
def test_hls4ml_alone_takes_latency_for_resource_with_intels_tools(backend: Backend, tmp_path: Path) -> None:
    model = network([conv("")], "io_parallel").model
    for strategy in ("Latency", "Resource"):
        alone(model, tmp_path / strategy, strategy=strategy, backend=backend)
    same_code(tmp_path / "Latency", tmp_path / "Resource")


@shows("other numbers", ["activation quantized_relu.bits=1, with Quartus, oneAPI and Catapult"])
@pytest.mark.parametrize("backend", ["Quartus", "oneAPI", "Catapult"])
def test_hls4ml_alone_makes_two_bits_of_one_with_ac_types(backend: Backend, tmp_path: Path) -> None:
    model = chain(bring_up().qkeras.QActivation("quantized_relu(1,0)", name="relu"))
    alone(model, tmp_path, backend=backend)
    (defines,) = tmp_path.rglob("firmware/defines.h")
    assert "ac_fixed<2,0,false,AC_RND_CONV,AC_SAT>" in defines.read_text()


@shows("error", ["hls.io_type=io_stream, with Libero"])
def test_a_stream_cannot_be_written_for_libero(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="unexpected keyword argument 'as_struct'"):
        with_libero(monkeypatch, tmp_path, "io_stream", "Latency")


@shows("other numbers", ["hls.strategy=Resource, with Libero"])
@pytest.mark.slow
def test_the_strategy_resource_is_wrong_with_libero(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expected, found = with_libero(monkeypatch, tmp_path, "io_parallel", "Resource")
    assert np.abs(expected - found).max() > 1


def with_libero(
    monkeypatch: pytest.MonkeyPatch, folder: Path, io_type: IoType, strategy: Strategy
) -> tuple[Outputs, Outputs]:
    """What comes of options that are refused; hls4ml alone needs the vendor's tool even to write a project."""
    facts = dataclasses.replace(FACTS["Libero"], io_types=("io_stream", "io_parallel"))
    monkeypatch.setitem(FACTS, "Libero", dataclasses.replace(facts, strategies=("Latency", "Resource")))
    options = HlsOptions("Libero", facts.part, 5.0, io_type, strategy, 1)
    dense = f"QDense(6, kernel_quantizer={BITS}, bias_quantizer={BITS})"
    made = network([Branch(VECTOR, dense)], options)
    normal = normal_form(made.model, options)
    bench = (np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    graph = convert(normal, name="top", options=options, project=folder / "hls", log=folder / "log", test_bench=bench)
    given = pack(events_of(made.model))
    found = csim.build(graph, folder / "hls", folder, timeout_s=300, quick=True).predict(given)
    return KerasEngine(normal.model).predict(given), found

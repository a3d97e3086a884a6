"""What hls4ml alone makes of the refused rows: a row of which it makes the model's numbers has to go."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hls.conversion import _keras2_front_end
from hls.engines import Outputs, csim
from hls.errors import SimulationError, ToolFailedError
from hls.fixed_point import FixedPoint
from hls.graph import Graph, Layer, pack
from models.keras2 import bring_up
from tests.hls.admission_branches import BITS, IMAGE, OPTIONS, SQUARE, VECTOR, Branch, fill, network
from tests.hls.test_admission import REFUSED, broadcast, chain, conv, layer

# What hls4ml says, where it does not take the model at all.
RAISES = {
    "InputLayer.name=a word of C++ or of hls4ml": "No model layer should be named 'input'",
    "QActivation.activation=bernoulli": "Unsupported QKeras activation: bernoulli",
    "QActivation.activation=quantized_ulaw": "Unsupported QKeras activation: quantized_ulaw",
    "QDense.input_shape=more axes": "Cannot replace Dense over 3D tensor with Conv3D",
    "QAveragePooling2D.average_quantizer=others": "Unsupported layer type: QAveragePooling2D",
    "Average.inputs=others": "Merging more than two tensors is not yet supported",
    "activation quantized_po2.bits=others": "Unsupported QKeras activation: quantized_po2",
}

# What the compiler says, where hls4ml writes C++ that is none.
COMPILES_NOT = {
    "InputLayer.name=no C identifier": "expected initializer before ‘-’ token",
    "InputLayer.name=clone_..., repack_..., zp1d_..., zp2d_..., ..._linear, ..._cut": "redefinition of ‘layer[0-9]+_t",
    "Softmax.axis=others, or elsewhere": "‘softmax_config[0-9]+’ was not declared",
    "QConv1D.data_format=channels_first": "‘conv_2d_cf’ is not a member of ‘nnet’",
}

# Here the process ends.
ABORTS = ("MaxPooling1D.strides=others (io_stream)",)

DIFFERS = [name for name in REFUSED if name not in {*RAISES, *COMPILES_NOT, *ABORTS}]

PADDED = Branch(IMAGE, "MaxPooling2D(2, padding='same')")

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


def alone(model: Any, folder: Path, *, io_type: str = "io_parallel", strategy: str = "Latency") -> Any:
    """What a user of hls4ml does, and `config_from_keras_model` chooses the number formats."""
    import hls4ml

    with _keras2_front_end(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend="Vitis")
        config["Model"]["Strategy"] = strategy
        converted = hls4ml.converters.convert_from_keras_model(
            model,
            hls_config=config,
            output_dir=str(folder / "hls"),
            project_name="top",
            backend="Vitis",
            io_type=io_type,
            part=OPTIONS.part,
        )
        converted.write()
    script = folder / "hls" / "build_lib.sh"
    script.write_text(script.read_text().replace("-O3", "-O0"))
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
    simulation = csim.build(graph, folder / "hls", folder, timeout_s=300)
    given = events(model)
    found = simulation.predict(pack(given))
    expected = model.predict(given if len(given) > 1 else given[0], verbose=0)
    expected = expected if isinstance(expected, list) else [expected]
    ends = np.cumsum([part[0].size for part in expected])[:-1]
    flat = np.split(found.reshape(len(found), -1), ends, axis=1)
    return [part.reshape(len(part), -1) for part in expected], flat


@pytest.mark.slow
def test_hls4ml_alone_gives_other_numbers(tmp_path: Path) -> None:
    branches = [*(REFUSED[name][0] for name in DIFFERS), *CONTROLS]
    expected, found = both(network(branches, "io_parallel").model, tmp_path)
    differences = [float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True)]
    assert differences[len(DIFFERS) :] == [0.0] * len(CONTROLS)
    assert [name for name, difference in zip(DIFFERS, differences, strict=False) if not difference] == []


@pytest.mark.parametrize("name", RAISES)
def test_hls4ml_alone_does_not_take_the_model(name: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=RAISES[name]):
        alone(network([REFUSED[name][0]], "io_parallel").model, tmp_path)


@pytest.mark.slow
def test_hls4ml_alone_writes_what_does_not_compile(tmp_path: Path) -> None:
    # A layer is called by the number of its branch.
    names = sorted(COMPILES_NOT, key=lambda name: "_linear" not in name)
    model = network([REFUSED[name][0] for name in names], "io_parallel").model
    graph = ports(alone(model, tmp_path))
    with pytest.raises(ToolFailedError):
        csim.build(graph, tmp_path / "hls", tmp_path, timeout_s=300)
    log = (tmp_path / "csim_build.log").read_text()
    assert [name for name in names if not re.search(COMPILES_NOT[name], log)] == []


@pytest.mark.slow
def test_hls4ml_alone_ends_the_process_where_windows_overlap_in_io_stream(tmp_path: Path) -> None:
    (name,) = ABORTS
    with pytest.raises(SimulationError, match="Assertion `CONFIG_T::pool_"):
        both(network([REFUSED[name][0]], "io_stream").model, tmp_path, io_type="io_stream")


@pytest.mark.slow
def test_hls4ml_alone_ends_the_process_where_a_maximum_is_padded_in_io_stream(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="Assertion"):
        both(network([PADDED], "io_stream").model, tmp_path, io_type="io_stream")


@pytest.mark.slow
def test_hls4ml_alone_mixes_up_the_uses_of_a_layer(tmp_path: Path) -> None:
    qkeras = bring_up().qkeras
    shared = qkeras.QDense(4, kernel_quantizer=qkeras.quantized_bits(4, 0, 0, alpha=1), use_bias=False, name="shared")
    model = chain(lambda x: shared(qkeras.QActivation("quantized_relu(4,2)", name="relu")(shared(x))))
    fill(model)
    (expected,), (found,) = both(model, tmp_path)
    assert np.abs(expected - found).max() > 1


@pytest.mark.slow
def test_hls4ml_alone_repeats_other_values_to_merge_shapes(tmp_path: Path) -> None:
    (expected,), (found,) = both(broadcast(), tmp_path)
    assert np.abs(expected - found).max() > 1


def test_hls4ml_alone_takes_any_strategy_for_latency(tmp_path: Path) -> None:
    converted = alone(network([conv("")], "io_parallel").model, tmp_path, strategy="Latancy")
    (node,) = (node for node in converted.get_layers() if node.name == "layer0_0")
    assert str(node.get_attr("strategy")).lower() in ("latency", "latancy")
    assert "nnet::resource" not in (tmp_path / "hls" / "firmware" / "parameters.h").read_text()


def test_hls4ml_alone_does_not_take_other_interfaces(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="other"):
        alone(network([conv("")], "io_parallel").model, tmp_path, io_type="other")


def test_keras_alone_draws_at_random_in_training() -> None:
    model = chain(lambda x: layer("Dropout", 0.5, name="drop")(x, training=True))
    (given,) = events(model)
    assert (model.predict(given, verbose=0) != model.predict(given, verbose=0)).any()

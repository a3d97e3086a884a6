from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tests.hls.admission_branches import BITS, SEQUENCE, Branch, network
from tests.hls.refused_models import ELSEWHERE, LATE, REFUSED, chain, layer, representatives
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.admission import admit, look_up
from trigcnn.hls.admission.table import INERT, INERT_ENDINGS, LAYERS, REFUSED_LAYERS, entries
from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.options import IoType
from trigcnn.hls.rewriting.rewrite import rewrite
from trigcnn.hls.rewriting.state import RewriteOptions
from trigcnn.models import zoo


def problems(model: Any, **options: str) -> list[str]:
    with pytest.raises(AdmissionError, match=r"^the model cannot be converted exactly:\n  - ") as caught:
        admit(model, **options)  # type: ignore[arg-type]
    return re.findall(r"\n  - (.*)", str(caught.value))


def refusal(model: Any, **options: str) -> str:
    (problem,) = problems(model, **options)
    return problem


def test_every_refused_row_has_an_example() -> None:
    assert set(representatives()) == {*REFUSED, *ELSEWHERE, *LATE}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_row_says_layer_field_value_effect_and_mend(name: str) -> None:
    branch, beginning = REFUSED[name]
    row = representatives()[name]
    io_type: IoType = "io_stream" if row.io_type == "io_stream" else "io_parallel"
    model = network([branch], io_type).model
    (found,) = (found for found in look_up(model, io_type=io_type) if found.problem)
    assert entries()[found.row] == row
    assert re.match(r"layer \S+ " + re.escape(beginning), found.problem), found.problem
    assert found.problem.endswith(f": {row.effect}; {row.mend}")
    assert refusal(model, io_type=io_type) == found.problem


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("io_type", "other", "hls: io_type='other': hls4ml has no such interface; use io_parallel or io_stream"),
        (
            "strategy",
            "other",
            "hls: strategy='other': hls4ml silently uses Latency instead of any other word; use Latency or Resource",
        ),
        (
            "backend",
            "other",
            "hls: backend='other': hls4ml does not have this back end, or it is not known to be exact; use Vitis or "
            "Vivado or Quartus or oneAPI or Catapult or Libero",
        ),
    ],
)
def test_options_of_the_project_are_in_the_table(option: str, value: str, message: str) -> None:
    assert refusal(chain(), **{option: value}) == message


def test_a_layer_that_is_used_twice_is_refused() -> None:
    shared = layer("ReLU", name="shared")
    message = "layer shared (ReLU): uses=2: hls4ml would mix up the results of the two uses; "
    assert refusal(chain(shared, shared)) == message + "make one layer per use"


def test_a_layer_that_is_at_random_in_use_is_refused() -> None:
    model = chain(lambda x: layer("Dropout", 0.5, name="drop")(x, training=True))
    message = (
        "layer drop (Dropout): training=True: the layer is random, or uses the mean of the batch; the "
        "hardware is neither; call it without"
    )
    assert refusal(model) == message


@pytest.mark.parametrize(
    ("option", "effect"),
    [
        ("sparse", "the engines take plain arrays, one for each input"),
        ("optional", "the engines take plain arrays, one for each input"),
        ("ragged", "an event has a fixed number of values"),
    ],
)
def test_inputs_other_than_plain_ones_are_refused(option: str, effect: str) -> None:
    keras = bring_up().keras
    inputs = keras.Input((4,), name="events", **{option: True})
    message = f"layer events (InputLayer): {option}=True: {effect}; use a plain Input"
    assert message in problems(keras.Model(inputs, inputs))


@pytest.mark.parametrize("integer", [0.5])
def test_a_range_that_is_no_power_of_two_is_refused(integer: float) -> None:
    model = chain(bring_up().qkeras.QActivation("quantized_bits(4,0,0,alpha=1)", name="act"))
    model.get_layer("act").quantizer.integer = integer
    message = "layer act (QActivation), activation=quantized_bits: integer=0.5: no number format has it, or QKeras "
    assert refusal(model) == message + "itself fails, as for values below 0; use a whole number from 0"


def test_causal_separable_convolutions_are_refused() -> None:
    model = network([Branch(SEQUENCE, f"QSeparableConv1D(2, 2, use_bias=False, depthwise_quantizer={BITS}, "
                            f"pointwise_quantizer={BITS})")], "io_parallel").model  # fmt: skip
    model.layers[-1].padding = "causal"
    message = (
        "layer layer0_0 (QSeparableConv1D): padding='causal': QKeras itself cannot compute it (TypeError); put a "
        "ZeroPadding1D((size - 1, 0)) before it, and use padding='valid'"
    )
    assert refusal(model) == message


@pytest.mark.parametrize("kind", [kind for kind in REFUSED_LAYERS if kind not in ("Model", "Functional", "Sequential")])
def test_layers_that_are_known_not_to_be_exact_say_why(kind: str) -> None:
    arguments: dict[str, Any] = {
        "Lambda": (lambda x: x,), "QAdaptiveActivation": ("quantized_bits", 4), "Dot": (1,),
    }  # fmt: skip
    keras, qkeras = bring_up().keras, bring_up().qkeras
    model = chain()
    made = getattr(qkeras, kind, None) or getattr(keras.layers, kind, None)
    if made is None or kind in ("QBidirectional", "Bidirectional"):
        made = type(kind, (keras.layers.Layer,), {"__module__": "qkeras"})
        arguments[kind] = ()
    new = made(*arguments.get(kind, ()), name="it") if kind in arguments else _with_sizes(made)
    new._inbound_nodes = list(model.layers[-1].inbound_nodes)
    model._self_tracked_trackables[-1] = new
    known = REFUSED_LAYERS[kind]
    assert f"layer it ({kind}): {known.effect}; {known.mend}" in problems(model)


def _with_sizes(made: Any) -> Any:
    for arguments in ((), (2,), (2, 2)):
        try:
            return made(*arguments, name="it")
        except TypeError:
            continue
    raise AssertionError(made)


def test_a_model_within_a_model_is_refused() -> None:
    model = chain(bring_up().keras.Sequential([layer("ReLU")], name="inner"))
    message = (
        "layer inner (Sequential): hls4ml stops at custom classes, and where an inner layer has the name of an "
        "outer one; put its layers into the outer model"
    )
    assert refusal(model) == message


def test_classes_that_only_have_the_name_of_a_known_one_are_refused() -> None:
    keras = bring_up().keras
    own = type("ReLU", (keras.layers.ReLU,), {"__module__": "mine"})
    message = (
        f"layer act (mine.ReLU): it is not one of the layers that are known to convert exactly; use {', '.join(LAYERS)}"
    )
    assert refusal(chain(own(name="act"))) == message


def test_functions_that_only_have_the_name_of_a_known_one_are_refused() -> None:
    def relu(x: Any) -> Any:
        return 2 * x

    message = refusal(chain(layer("Activation", relu, name="act")))
    assert message.startswith("layer act (Activation): activation='")
    assert message.split("'")[1].endswith(".relu")


def test_fields_that_are_not_known_are_refused() -> None:
    keras = bring_up().keras

    class Wider(keras.layers.ReLU):  # type: ignore[name-defined,misc]
        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "width": 3}

    Wider.__name__, Wider.__module__ = "ReLU", "tf_keras.fake"
    message = (
        "layer act (ReLU): width=3: it is not known to convert exactly; leave it at its default, or remove the layer"
    )
    assert refusal(chain(Wider(name="act"))) == message


@pytest.mark.parametrize("options", [{}, {"hidden_units": 4, "padding": "same", "dropout": 0.5}])
@pytest.mark.parametrize("number_format", ["ufixed<4,0>", "fixed<8,3>", "ufixed<5,5>"])
def test_the_zoo_is_admitted(number_format: str, options: dict[str, Any]) -> None:
    admit(zoo.available()["lenet"]((8, 8, 1), 10, FixedPoint.parse(number_format), **options))


def test_the_input_of_a_sequential_model_is_seen() -> None:
    keras, qkeras = bring_up().keras, bring_up().qkeras
    model = keras.Sequential([keras.Input((4,), name="input"), qkeras.QActivation("quantized_relu(4)", name="first")])
    fields = [finding.row.split("=")[0] for finding in look_up(model)]
    assert "InputLayer.sparse" in fields


def test_a_model_without_known_layers_is_refused() -> None:
    keras = bring_up().keras
    message = "its layers are not known before it is called; build it as a functional or Sequential model with an Input"
    assert refusal(keras.Sequential([layer("ReLU")])) == message
    assert refusal(type("Own", (keras.Model,), {})()) == message


def test_all_problems_are_told_at_once() -> None:
    branches = [REFUSED[name][0] for name in ("QConv1D.kernel_quantizer=none", "QActivation.activation=others")]
    assert [problem.split(":")[1] for problem in problems(network(branches, "io_parallel").model)] == [
        " kernel_quantizer=None",
        " activation='keras.activations.tanh'",
    ]


@pytest.mark.parametrize("name", LATE)
def test_what_shows_while_the_model_is_rewritten_is_refused_alike(name: str) -> None:
    branch, beginning = LATE[name]
    row = representatives()[name]
    model = network([branch], "io_stream").model
    admit(model, io_type="io_stream")
    message = f"layer layer0_0 {beginning}: {row.effect}; {row.mend}"
    with pytest.raises(AdmissionError, match=f"^{re.escape(message)}$"):
        rewrite(model, RewriteOptions("io_stream"))


def test_every_field_of_every_class_is_in_the_table() -> None:
    modules = bring_up()
    arguments: dict[str, dict[str, Any]] = {
        "InputLayer": {"input_shape": (4,)}, "QActivation": {"activation": "quantized_relu(4)"},
        "Activation": {"activation": "relu"}, "Reshape": {"target_shape": (4,)}, "Permute": {"dims": (1,)},
        "QDense": {"units": 2}, "GaussianNoise": {"stddev": 0.1}, "Rescaling": {"scale": 2.0},
        **{kind: {"filters": 2, "kernel_size": 2} for kind in LAYERS if "Conv" in kind and "Depthwise" not in kind},
        **{kind: {"kernel_size": 2} for kind in LAYERS if "Depthwise" in kind},
        **{kind: {"rate": 0.1} for kind in LAYERS if kind.endswith(("Dropout", "Dropout1D", "Dropout2D"))},
    }  # fmt: skip
    for kind, rows in LAYERS.items():
        made = getattr(modules.qkeras, kind) if kind.startswith("Q") else getattr(modules.keras.layers, kind)
        known = {row.field for row in rows} | INERT
        fields = {field for field in made(**arguments.get(kind, {})).get_config() if not field.endswith(INERT_ENDINGS)}
        assert fields - known == set(), kind


def test_the_page_is_printed_without_tensorflow() -> None:
    program = "import sys, trigcnn.hls.admission.document as d; d.document(); print('tensorflow' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"


def _saved_weights(**changes: float) -> Any:
    """A model of which the first value of some weights is another one."""
    modules = bring_up()
    weights = {f"{role}_quantizer": modules.qkeras.quantized_bits(4, 0, alpha=1) for role in ("kernel", "bias")}
    image = modules.keras.Input((4, 4, 1), name="image")
    x = modules.qkeras.QConv2D(2, 3, name="conv", **weights)(image)
    model = modules.keras.Model(image, modules.keras.layers.BatchNormalization(name="norm")(x))
    for variable in model.weights:
        values = variable.numpy()
        for name, value in changes.items():
            if name in variable.name:
                values.flat[0] = value
        variable.assign(values)
    return model


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"conv/kernel": np.nan}, ["layer conv (QConv2D): 1 of its 20 weights is NaN; train again"]),
        (
            {"conv/kernel": np.nan, "conv/bias": np.nan, "norm/beta": -np.inf},
            [
                "layer conv (QConv2D): 2 of its 20 weights are NaN; train again",
                "layer norm (BatchNormalization): 1 of its 8 weights is infinite; train again",
            ],
        ),
        (
            {"moving_variance": -0.5},
            ["layer norm (BatchNormalization): 1 of its 2 variances is negative (moving_variance), which"],
        ),
        ({"moving_variance": 0.0, "moving_mean": -0.5}, []),
    ],
)
def test_weights_that_are_no_numbers_are_named_with_their_layer(changes: dict[str, float], expected: list[str]) -> None:
    model = _saved_weights(**changes)
    found = [finding.problem for finding in look_up(model) if finding.problem]
    assert len(found) == len(expected)
    for problem, begin in zip(found, expected, strict=True):
        assert problem.startswith(begin)

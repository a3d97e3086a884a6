"""Forms of models: what people bring becomes a plain graph with the same outputs, and what has none is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trigcnn.common.keras2 import bring_up
from trigcnn.models.errors import ModelError
from trigcnn.models.float_twin import float_twin
from trigcnn.models.forms import check_same, flattened, plain, single_use
from trigcnn.models.source import load_saved

# What Keras says to those who save models.
pytestmark = pytest.mark.filterwarnings("ignore")


def bits(width: int = 6, integer: int = 0) -> Any:
    return bring_up().qkeras.quantized_bits(width, integer, alpha=1)


def dense(units: int, name: str) -> Any:
    return bring_up().qkeras.QDense(units, kernel_quantizer=bits(), bias_quantizer=bits(), name=name)


def conv(name: str, kind: str = "QConv2D", **options: Any) -> Any:
    made = getattr(bring_up().qkeras, kind)
    return made(2, 3, kernel_quantizer=bits(), bias_quantizer=bits(), name=name, **options)


def act(name: str) -> Any:
    return bring_up().qkeras.QActivation(bits(6, 2), name=name)


def seeded(model: Any) -> Any:
    rng = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return model


def nested() -> Any:
    keras = bring_up().keras
    encoder = keras.Sequential([dense(4, "inner"), act("out")], name="encoder")
    events = keras.Input((6,), name="events")
    return keras.Model(events, dense(3, "out")(encoder(act("first")(events))))


def siamese() -> Any:
    keras = bring_up().keras
    encoder = keras.Sequential([keras.Input((6,)), act("first"), dense(4, "inner")], name="encoder")
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    return keras.Model([a, b], keras.layers.Subtract(name="out")([encoder(a), encoder(b)]))


def shared() -> Any:
    keras = bring_up().keras
    layer = dense(6, "twice")
    events = keras.Input((6,), name="events")
    return keras.Model(events, layer(act("between")(layer(act("first")(events)))))


def dictionaries() -> Any:
    keras = bring_up().keras
    a, b = keras.Input((6,), name="a"), keras.Input((3,), name="b")
    x = keras.layers.Concatenate(name="both")([act("first_a")(a), act("first_b")(b)])
    return keras.Model({"b": b, "a": a}, {"species": dense(3, "species")(x), "energy": dense(1, "gev")(x)})


def of_operators() -> Any:
    tf, keras, _ = bring_up()
    events = keras.Input((6, 6, 2), name="events")
    x = act("first")(events)
    x = act("sum")(x + conv("conv", padding="same")(x))
    x = 2 * x[:, 1:, ::2] - 0.5
    a, b = tf.split(x, 2, axis=-1)
    x = tf.concat([a, b, 1.5 - b, -a / 4], -1)
    largest = tf.reduce_max(x, axis=(1, 2))
    x = tf.nn.relu(tf.reshape(x, (-1, 60)))
    x = tf.concat([x, largest[:, 1:3], largest[:, :1] + x[:, 3:4], x[:, 7:8]], 1)
    return keras.Model(events, dense(3, "out")(x))


def series_of_vectors() -> Any:
    keras = bring_up().keras
    events = keras.Input((5, 4), name="events")
    x = keras.layers.TimeDistributed(dense(3, "of_each"), name="each")(act("first")(events))
    return keras.Model(events, keras.layers.Flatten(name="flat")(x))


def augmented() -> Any:
    keras = bring_up().keras
    events = keras.Input((6, 6, 2), name="events")
    x = keras.layers.RandomTranslation(0.1, 0.1, name="shift")(keras.layers.RandomFlip(name="flip")(events))
    return keras.Model(events, dense(3, "out")(keras.layers.Flatten(name="flat")(act("first")(x))))


OPERATORS = """\
layer add (Add): it computes tf.add of the model
layer slice (Cropping2D): it computes tf.getitem of the model
layer slice_2 (MaxPooling2D): it computes tf.getitem of the model"""
# What is said, and the names of the layers that are converted.
FORMS: dict[Callable[[], Any], tuple[str, str]] = {
    nested: (
        "layer encoder: the layers of this model became layers of the outer model\n"
        "layer out: it is called out_2, since another layer has its name",
        "events first inner out_2 out",
    ),
    siamese: (
        "layer encoder: the layers of this model became layers of the outer model\n"
        "layer first: its use number 2 became the layer first_2, with the same weights\n"
        "layer inner: its use number 2 became the layer inner_2, with the same weights",
        "a b first first_2 inner inner_2 out",
    ),
    shared: (
        "layer twice: its use number 2 became the layer twice_2, with the same weights",
        "events first twice between twice_2",
    ),
    dictionaries: (
        "the inputs of the dictionary became a list, in the order a, b\n"
        "the outputs of the dictionary became a list, in the order energy (layer gev), species",
        "a b first_a first_b both gev species",
    ),
    of_operators: (OPERATORS, ""),
    series_of_vectors: (
        "layer each: TimeDistributed was removed; its layer treats every vector alike",
        "events first each flat",
    ),
    augmented: (
        "layer flip: a RandomFlip has no effect when the model is applied, and was removed\n"
        "layer shift: a RandomTranslation has no effect when the model is applied, and was removed",
        "events first flat out",
    ),
}


@pytest.mark.parametrize(
    ("build", "suffix"),
    [*((build, "") for build in FORMS), (of_operators, ".keras"), (of_operators, ".h5"), (dictionaries, ".h5")],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_each_form_becomes_a_plain_graph_with_equal_outputs(
    build: Callable[[], Any], suffix: str, tmp_path: Path
) -> None:
    given = seeded(build())
    if suffix:
        given.save(tmp_path / f"model{suffix}")
        given = load_saved(tmp_path / f"model{suffix}")
    trained = plain(given)
    form = flattened(given)
    said, names = FORMS[build]
    assert "\n".join(form.changes).startswith(said)
    if names:
        assert sorted(layer.name for layer in form.model.layers) == sorted(names.split())
    assert all(len(layer.inbound_nodes) == 1 for layer in form.model.layers)
    check_same(given, trained.model)
    check_same(given, form.model)
    # A twin shares the layers that the model shares, and computes operators too.
    twin = float_twin(trained.model, with_weights=False)
    assert len(twin.layers) == len(trained.model.layers)
    again = flattened(form.model)
    assert again.model is form.model
    assert again.changes == ()


def test_a_plain_model_stays_the_same_object() -> None:
    keras = bring_up().keras
    model = keras.Sequential([keras.Input((6,)), act("first"), dense(3, "out")])
    assert flattened(model).model is model


def test_a_difference_is_found() -> None:
    model = seeded(siamese())
    form = flattened(model).model
    form.get_layer("inner_2").set_weights([2 * weight for weight in form.get_layer("inner_2").get_weights()])
    with pytest.raises(ModelError, match=r"computes something else .*: output out differs by up to \d"):
        check_same(model, form)


def test_layers_of_another_model_too_are_copied() -> None:
    keras = bring_up().keras
    events = keras.Input((6,), name="events")
    x = dense(3, "features")(act("first")(events))
    model = keras.Model(events, x)
    dense(1, "of_another_model")(x)
    form = flattened(model)
    assert not form.model.get_layer("features").outbound_nodes
    assert form.changes == ()
    check_same(model, form.model)


def test_open_dimensions_take_the_size_of_the_events() -> None:
    keras = bring_up().keras
    events = keras.Input((None, 2), name="events")
    x = keras.layers.GlobalMaxPooling1D(name="most")(conv("conv", "QConv1D")(act("first")(events)))
    model = keras.Model(events, x)
    # Events of two axes get a channel axis, which series have not.
    form = plain(model, ((10, 2, 1),))
    assert form.model.input_shape == (None, 10, 2)
    assert form.changes == ("layer events: its open shape (None, 2) is that of the events, (10, 2)",)
    message = "the input events has the open shape (None, 2), and events of shape (10, 3) do not fit it"
    with pytest.raises(ModelError, match=re.escape(message)):
        plain(model, ((10, 3),))
    with pytest.raises(ModelError, match="events of shape unknown do not fit it"):
        plain(model)


def test_a_sequential_model_is_built_for_the_events() -> None:
    keras = bring_up().keras
    form = plain(keras.Sequential([act("first"), dense(3, "out")], name="net"), ((6,),))
    assert form.model.input_shape == (None, 6)
    assert form.changes == ("the model was built for events of shape (6,)",)


def test_a_model_whose_layers_are_not_known_is_refused() -> None:
    class Own(bring_up().keras.Model):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

    message = r"the layers of the model own are not known .* as tf_keras.Input\(shape=\(6,\)\)"
    with pytest.raises(ModelError, match=message):
        plain(Own(name="own"), ((6,),))


def test_layers_that_are_not_trained_keep_their_weights_in_the_twin() -> None:
    keras = bring_up().keras
    events = keras.Input((6,), name="events")
    model = plain(keras.Model(events, dense(3, "out")(act("first")(events) * 2))).model
    twin = float_twin(model, with_weights=False)
    assert twin.get_layer("multiply").get_weights()[0].tolist() == [2.0] * 6
    assert not twin.get_layer("multiply").trainable
    assert twin.get_layer("out").trainable


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x / 3, "tf.truediv: float32 rounds the quotients by 3; multiply by a number of few bits"),
        (lambda x: x[::2], "tf.getitem: it takes some of the events; write x[:, ...]"),
        (lambda x: x[:, ::-1], "tf.getitem: no layer takes nothing, or pixels backwards"),
        (lambda x: x[:, None], "tf.getitem: no layer adds an axis in a slice; use a Reshape"),
        (lambda x: bring_up().tf.math.erf(x), "no layer does what the function tf.math.erf does"),
        (lambda x: bring_up().tf.reshape(x, (3, -1)), "tf.reshape: the shape (3, -1) mixes events"),
        (lambda x: x * np.ones((6, 6, 2), np.float32), "tf.multiply: only single numbers have a layer"),
    ],
    ids=["division", "events", "backwards", "new_axis", "erf", "reshape", "image"],
)
def test_operators_without_a_layer_are_refused(function: Callable[[Any], Any], reason: str) -> None:
    keras = bring_up().keras
    events = keras.Input((6, 6, 2), name="events")
    with pytest.raises(ModelError, match=re.escape(reason)):
        plain(keras.Model(events, function(act("first")(events))))


def test_a_saved_model_may_not_call_any_function(tmp_path: Path) -> None:
    tf, keras, _ = bring_up()
    events = keras.Input((6,), name="events")
    keras.Model(events, tf.io.decode_raw(tf.strings.as_string(events), "uint8")).save(tmp_path / "model.keras")
    with pytest.raises(ModelError, match=r"calls tf\.\S+, in whose place there is no layer"):
        load_saved(tmp_path / "model.keras")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_quantizers_are_made_again_from_saved_layers(tmp_path: Path, suffix: str) -> None:
    """`QActivation(quantizer)` and `Activation(quantizer)`, loaded, and in a model with an inner one."""
    keras, qkeras = bring_up()[1:]
    inner = keras.Sequential([dense(4, "inner"), keras.layers.Activation(qkeras.quantized_relu(4, 1))], name="part")
    events = keras.Input((6,), name="events")
    model = seeded(keras.Model(events, dense(3, "out")(inner(act("first")(events)))))
    path = tmp_path / f"model{suffix}"
    model.save(path)
    form = flattened(load_saved(path))
    assert [type(each).__name__ for each in form.model.layers[1:]] == ["QActivation", "QDense", "Activation", "QDense"]
    check_same(model, form.model)
    float_twin(form.model, with_weights=True)


def test_shared_layers_are_trained_as_one() -> None:
    model = plain(siamese()).model
    assert len(model.get_layer("inner").inbound_nodes) == 2
    assert len(single_use(model).model.get_layer("inner").inbound_nodes) == 1

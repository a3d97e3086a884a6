"""Training, the float twin and the zoo."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up, predict
from trigcnn.models import datasets, training, zoo
from trigcnn.models.datasets import Dataset
from trigcnn.models.errors import ModelError
from trigcnn.models.float_twin import float_twin
from trigcnn.models.training import Recipe

RECIPE = Recipe(epochs=3, batch_size=128, learning_rate=0.01, patience=3, shift_pixels=0.5, rotation_deg=5.0)


def quiet(done: int, total: int, text: str) -> None:
    assert 0 < done <= total
    assert text.startswith("validation accuracy ")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load(
        "digits",
        input_format=None,
        events="events",
        labels="labels",
        classes=None,
        saturate=False,
        validation_fraction=0.1,
        test_fraction=0.25,
        seed=1,
    )


def small_lenet(**options: Any) -> Any:
    return zoo.builder("lenet")((8, 8, 1), 10, FixedPoint.parse("ufixed<4,0>"), **{"filters": (2, 3), **options})


def test_the_same_seed_gives_the_same_weights_and_history(digits: Dataset) -> None:
    results = []
    for _ in range(2):
        training.seed_everything(4)
        model = small_lenet()
        history = training.train(model, digits, RECIPE, quiet, seed=4)
        results.append((model.get_weights(), history))
    assert results[0][1] == results[1][1]
    for first, second in zip(results[0][0], results[1][0], strict=True):
        np.testing.assert_array_equal(first, second)


def test_another_seed_gives_other_weights(digits: Dataset) -> None:
    weights = []
    for seed in (4, 5):
        training.seed_everything(seed)
        model = small_lenet()
        training.train(model, digits, dataclasses.replace(RECIPE, epochs=1), quiet, seed=seed)
        weights.append(model.get_weights()[0])
    assert not np.array_equal(weights[0], weights[1])


def test_training_stops_early_and_keeps_the_weights_of_the_lowest_validation_loss(digits: Dataset) -> None:
    training.seed_everything(4)
    model = small_lenet()
    # The learning rate is so high that the loss soon stops falling.
    recipe = dataclasses.replace(RECIPE, epochs=40, patience=2, learning_rate=0.3)
    history = training.train(model, digits, recipe, quiet, seed=4)
    assert len(history.loss) < 40
    best = min(history.validation_loss)
    assert history.validation_loss.index(best) == len(history.loss) - 3
    loss = model.evaluate(digits.validation.events, digits.validation.labels, verbose=0)[0]
    assert loss == pytest.approx(best, rel=1e-5)


def test_training_lowers_the_loss(digits: Dataset) -> None:
    training.seed_everything(4)
    history = training.train(small_lenet(), digits, dataclasses.replace(RECIPE, epochs=6, batch_size=32), quiet, seed=4)
    assert history.loss[-1] < 0.9 * history.loss[0]


def test_a_loss_that_is_not_finite_stops_training_with_the_mend(digits: Dataset) -> None:
    training.seed_everything(4)
    twin = float_twin(small_lenet(), with_weights=False)
    with pytest.raises(ModelError, match=r"the loss is not finite after epoch \d+; lower training.learning_rate"):
        training.train(twin, digits, dataclasses.replace(RECIPE, learning_rate=1e30), quiet, seed=4)


def test_augmentation_of_events_that_are_no_images_is_refused(digits: Dataset) -> None:
    flat = dataclasses.replace(
        digits, train=dataclasses.replace(digits.train, events=digits.train.events.reshape(-1, 64))
    )
    with pytest.raises(ModelError, match=r"set training\.shift_pixels and training\.rotation_deg to 0"):
        training.train(small_lenet(), flat, RECIPE, quiet, seed=4)


def channels_first() -> Any:
    keras = bring_up().keras
    return keras.Sequential([keras.Input((1, 8, 8)), keras.layers.Flatten(data_format="channels_first")])


def test_a_model_for_other_shapes_or_classes_is_refused(digits: Dataset) -> None:
    input_format = FixedPoint.parse("ufixed<4,0>")
    with pytest.raises(ModelError, match=r"takes events of shape \(9, 9, 1\).*input_shape=\(8, 8, 1\)"):
        training.check_fits(zoo.builder("lenet")((9, 9, 1), 10, input_format), digits, trained=True)
    with pytest.raises(ModelError, match=r"shape \(1, 8, 8\), the channels first.*data_format='channels_last'"):
        training.check_fits(channels_first(), digits, trained=True)
    with pytest.raises(ModelError, match="10 classes; end the model with a QDense layer of 10 units"):
        training.check_fits(zoo.builder("lenet")((8, 8, 1), 7, input_format), digits, trained=True)
    training.check_fits(small_lenet(), digits, trained=True)


def test_the_class_is_that_of_the_largest_logit_and_the_first_of_equals() -> None:
    logits = np.array([[0.0, 2.0, 2.0], [-1.0, -3.0, -2.0]])
    assert training.classify(logits).tolist() == [1, 0]
    assert training.classify(np.array([[0.5], [0.0], [-0.5]])).tolist() == [1, 0, 0]


def test_a_binary_classifier_with_one_logit_trains() -> None:
    rng = np.random.default_rng(0)
    events = (rng.integers(0, 16, (400, 4)) / 16).astype(np.float32)
    labels = (events[:, 0] + events[:, 1] > events[:, 2] + events[:, 3]).astype(np.int64)
    train, validation, test = datasets.split_stratified(
        events, labels, validation_fraction=0.2, test_fraction=0.2, seed=1
    )
    dataset = Dataset("toy", FixedPoint.parse("ufixed<4,0>"), ("low", "high"), train, validation, test)
    k = bring_up()
    training.seed_everything(1)
    inputs = k.keras.Input((4,), name="events")
    quantizer = k.qkeras.quantized_bits(6, 0, alpha=1)
    x = k.qkeras.QActivation(k.qkeras.quantized_bits(5, 0, alpha=1), name="input_quantizer")(inputs)
    outputs = k.qkeras.QDense(1, kernel_quantizer=quantizer, bias_quantizer=quantizer, name="logit")(x)
    model = k.keras.Model(inputs, outputs)
    training.check_fits(model, dataset, trained=True)
    recipe = Recipe(epochs=60, batch_size=32, learning_rate=0.05, patience=60)
    history = training.train(model, dataset, recipe, quiet, seed=1)
    accuracy = (training.classify(predict(model, test.events)) == test.labels).mean()
    assert accuracy > 0.85
    assert max(history.validation_accuracy) > 0.85


def test_the_float_twin_has_the_same_layers_without_quantizers() -> None:
    model = small_lenet(hidden_units=5, dropout=0.1, padding="same")
    twin = float_twin(model, with_weights=True)
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert not [layer for layer in twin.layers if type(layer).__name__.startswith("Q")]
    assert [w.shape for w in twin.get_weights()] == [w.shape for w in model.get_weights()]
    for mine, theirs in zip(twin.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_float_twin_keeps_a_cut_of_its_input_alone() -> None:
    # A cut in front of the network belongs to the trigger, at the end of its range; ranges behind weights do not.
    model = zoo.builder("cicada")((18, 14, 1), 1, FixedPoint.parse("ufixed<10,10>"), saturation_bits=6)
    twin = float_twin(model, with_weights=False)
    events = np.full((1, 18, 14, 1), 1023, np.float32)
    cut = bring_up().keras.Model(twin.input, twin.get_layer("saturation").output)
    assert np.unique(cut.predict(events, verbose=0)).tolist() == [64.0]
    assert twin.get_layer("conv_relu").get_config()["activation"] == "relu"


def test_the_float_twin_computes_in_full_precision() -> None:
    k = bring_up()
    inputs = k.keras.Input((2,), name="events")
    quantizer = k.qkeras.quantized_bits(3, 0, alpha=1)
    x = k.qkeras.QDense(1, kernel_quantizer=quantizer, bias_quantizer=quantizer, name="dense")(inputs)
    model = k.keras.Model(inputs, k.qkeras.QActivation(k.qkeras.quantized_relu(3, 1), name="relu")(x))
    weights = [np.array([[0.3], [-0.6]], np.float32), np.array([0.1], np.float32)]
    model.set_weights(weights)
    twin = float_twin(model, with_weights=True)
    events = np.array([[1.0, 0.25], [0.5, 1.0]], np.float32)
    expected = np.maximum(events @ weights[0] + weights[1], 0)
    np.testing.assert_allclose(predict(twin, events), expected, rtol=1e-6)
    assert not np.array_equal(predict(model, events), expected)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda q: q.QAdaptiveActivation("quantized_relu", 4, name="odd"), "layer odd: there is no float twin of a"),
        (lambda q: q.QActivation(q.bernoulli(), name="odd"), "layer odd: there is no float twin of the activation"),
    ],
)
def test_a_layer_without_a_float_twin_is_named(layer: Callable[[Any], Any], message: str) -> None:
    k = bring_up()
    inputs = k.keras.Input((2,), name="events")
    with pytest.raises(ModelError, match=message):
        float_twin(k.keras.Model(inputs, layer(k.qkeras)(inputs)), with_weights=False)


@pytest.mark.parametrize("text", ["ufixed<4,0>", "fixed<6,2>", "ufixed<10,10>", "fixed<3,5>"])
def test_the_zoos_input_quantizer_leaves_every_value_of_the_input_format_as_it_is(text: str) -> None:
    input_format = FixedPoint.parse(text)
    model = zoo.builder("lenet")((8, 8, 1), 2, input_format, filters=(1, 1))
    first = bring_up().keras.Model(model.inputs, model.get_layer("input_quantizer").output)
    steps = round((input_format.max - input_format.min) / input_format.lsb) + 1
    values = (input_format.min + input_format.lsb * np.arange(steps)).astype(np.float32)
    events = np.resize(values, (-(-steps // 64), 8, 8, 1))
    np.testing.assert_array_equal(predict(first, events), events)


def test_the_zoo_describes_its_networks_and_names_the_nearest_for_an_unknown_one() -> None:
    summary, options = zoo.describe("lenet")
    assert summary.startswith("Two convolutions")
    assert options["weight_bits"] == 4
    assert "input_shape" not in options
    with pytest.raises(ModelError, match="did you mean lenet"):
        zoo.builder("lenett")

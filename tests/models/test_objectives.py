"""What networks learn, and that models must fit it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up, predict
from trigcnn.models import training
from trigcnn.models.datasets import Dataset, Split
from trigcnn.models.errors import ModelError
from trigcnn.models.heads import Head, Truth
from trigcnn.models.training import Recipe
from trigcnn.models.training.weights import weights_by_class

FORMAT = FixedPoint.parse("ufixed<4,0>")


def dataset(targets: bool = True) -> Dataset:
    rng = np.random.default_rng(0)

    def part(number: int) -> Split:
        events = (rng.integers(0, 16, (number, 4)) / 16).astype(np.float32)
        wanted = np.stack([events[:, 0] - events[:, 1], events[:, 2]], axis=1)
        return Split(events, np.arange(number) % 4 // 3, wanted if targets else None)

    return Dataset("toy", FORMAT, ("many", "few"), part(320), part(80), part(80))


def dense(units: int) -> Any:
    k = bring_up()
    inputs = k.keras.Input((4,), name="events")
    quantizer = k.qkeras.quantized_bits(6, 1, alpha=1)
    x = k.qkeras.QActivation(k.qkeras.quantized_bits(5, 0, alpha=1), name="input_quantizer")(inputs)
    return k.keras.Model(
        inputs, k.qkeras.QDense(units, kernel_quantizer=quantizer, bias_quantizer=quantizer, name="out")(x)
    )


def recipe(**options: Any) -> Recipe:
    fixed: dict[str, Any] = {"batch_size": 32, "learning_rate": 0.05, "patience": 60, "epochs": 25}
    return Recipe(**(fixed | options))


def quiet(done: int, total: int, text: str) -> None:
    assert text.startswith("validation loss ")


@pytest.mark.parametrize(("objective", "units"), [("regression", 2), ("reconstruction", 4)])
def test_targets_are_learned_by_the_mean_squared_error(objective: Any, units: int) -> None:
    training.seed_everything(1)
    model, data = dense(units), dataset()
    heads = training.check_fits(model, data, trained=True, objective=objective)
    assert heads == (Head("out", (units,), "targets"),)
    assert training.outputs_wanted(data, objective) == units
    data = training.with_heads(data, heads, objective)
    history = training.train(model, data, recipe(objective=objective), quiet, seed=1)
    error = np.square(predict(model, data.test.events) - data.test.truths["out"]).mean()
    # A linear function in 6 bits; the targets' variance is above 0.08.
    assert error < 0.004
    assert history.accuracy == history.validation_accuracy == history.signal_efficiency == []
    loss = np.square(predict(model, data.validation.events) - data.validation.truths["out"]).mean()
    assert min(history.validation_loss) == pytest.approx(loss, 1e-4)
    assert history.kept == [1 + history.validation_loss.index(min(history.validation_loss))]


def test_an_event_that_is_moved_is_also_the_one_to_be_given_back() -> None:
    from trigcnn.models.training.batches import batches

    events = (np.arange(5 * 6).reshape(5, 3, 2, 1) / 32).astype(np.float32)
    part = Split(events, np.zeros(5, np.int64))
    data = Dataset("toy", FixedPoint.parse("ufixed<5,0>"), ("one",), part, part, part, symmetries=("roll_rows",))
    model = bring_up().keras.Sequential([bring_up().keras.Input((3, 2, 1)), bring_up().keras.layers.Flatten()])
    own = recipe(objective="reconstruction", augmentation=["roll_rows"], batch_size=5)
    moved, wanted = batches(model, data, own, np.random.default_rng(3), Random(3))[0]
    np.testing.assert_array_equal(moved.reshape(5, 6), wanted)
    assert not np.array_equal(np.sort(wanted, axis=0), np.sort(events.reshape(5, 6), axis=0))


@pytest.mark.parametrize(
    ("objective", "units", "targets", "message"),
    [
        ("reconstruction", 3, True, r"shape \(3,\), .* that of the events .* \(4,\); end the model with .* 4 values"),
        ("regression", 3, True, r"that of the targets of the data set toy, \(2,\); end the model .* 2 values"),
        ("regression", 3, False, "the data set toy has no targets; choose a data set with targets, name the array"),
        ("distillation", 2, True, r"shape \(2,\), but .* a teacher's score, which is one number; .* layer of 1 unit"),
        ("classification", 3, True, "2 classes; end the model .* of 2 units"),
    ],
)
def test_a_model_that_does_not_fit_the_objective_is_refused(
    objective: Any, units: int, targets: bool, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        training.check_fits(dense(units), dataset(targets), trained=True, objective=objective)


def test_class_weights_are_balanced_or_by_name() -> None:
    data = dataset()
    assert weights_by_class(data, "none") == ()
    # 240 events of one class, 80 of the other.
    assert weights_by_class(data, "balanced") == pytest.approx((2 / 3, 2.0))
    assert weights_by_class(data, {"few": 5.0}) == (1.0, 5.0)
    with pytest.raises(ModelError, match=r"training.class_weights.fewer: no such class; did you mean few\?"):
        weights_by_class(data, {"fewer": 1.0})


def test_a_class_of_weight_zero_is_not_learned() -> None:
    training.seed_everything(1)
    model, data = dense(2), dataset()
    training.train(model, data, recipe(epochs=8, class_weights={"many": 0.0}), lambda *_: None, seed=1)
    assert set(training.classify(predict(model, data.test.events)).tolist()) == {1}


def image_dataset(**known: Any) -> Dataset:
    """Events of 4 x 4 pixels, and what is known of them."""
    rng = np.random.default_rng(2)

    def part(number: int) -> Split:
        events = (rng.integers(0, 16, (number, 4, 4, 1)) / 16).astype(np.float32)
        truths = {"mask": (events[..., 0] > 0.5).astype(np.int64), "mean": events.mean(axis=(1, 2, 3))}
        return Split(events, np.zeros(number, np.int64), truths={name: truths[name] for name in known})

    return Dataset("toy", FORMAT, (), part(320), part(80), part(80), truths=known)


def image_model() -> Any:
    """A mask of one logit per pixel, the mean, and features that nothing is known of."""
    k = bring_up()
    bits = {name: k.qkeras.quantized_bits(8, 3, alpha=1) for name in ("kernel_quantizer", "bias_quantizer")}
    inputs = k.keras.Input((4, 4, 1), name="events")
    x = k.qkeras.QActivation(k.qkeras.quantized_bits(5, 0, alpha=1), name="input_quantizer")(inputs)
    flat = k.keras.layers.Flatten(name="flat")(x)
    outputs = [k.qkeras.QConv2D(1, 1, name="mask", **bits)(x), k.qkeras.QDense(1, name="mean", **bits)(flat)]
    return k.keras.Model(inputs, [*outputs, k.qkeras.QDense(3, name="features", **bits)(flat)])


MASK, MEAN = Truth("mask", ("dark", "bright")), Truth("targets")


def test_several_outputs_learn_together() -> None:
    training.seed_everything(1)
    model, data = image_model(), image_dataset(mask=MASK, mean=MEAN)
    heads = training.check_fits(model, data, trained=True)
    assert [(head.name, head.truth) for head in heads] == [("mask", "mask"), ("mean", "targets"), ("features", "none")]
    assert training.outputs_wanted(data, "classification") == {"mask": 2, "mean": 1}
    data = training.with_heads(data, heads, "classification")
    before = model.get_layer("features").get_weights()
    history = training.train(model, data, recipe(epochs=30, learning_rate=0.1), quiet, seed=1)
    mask, mean, _ = model.predict(data.test.events, verbose=0)
    # The threshold 0.53 lies between two steps of the events, and quantized weights can reach it.
    assert ((mask > 0) == data.test.truths["mask"]).mean() > 0.95
    assert np.abs(mean - data.test.truths["mean"]).mean() < 0.1
    # The accuracies of several outputs are not one accuracy.
    assert history.accuracy == []
    for old, new in zip(before, model.get_layer("features").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def changed(data: Dataset, change: Callable[[Split], Split], **truths: Truth) -> Dataset:
    """Return a data set with other truths, and all its parts changed."""
    train, validation, test = change(data.train), change(data.validation), change(data.test)
    return dataclasses.replace(data, train=train, validation=validation, test=test, truths=truths)


def test_an_event_of_weight_zero_is_not_learned() -> None:
    def two_of_three_wrong(split: Split) -> Split:
        wrong = np.arange(len(split.events)) % 3 > 0
        wanted = np.where(wrong, 5.0, split.events[:, 0]).astype(np.float32)
        return dataclasses.replace(split, truths={"out": wanted}, weights=np.where(wrong, 0, 7).astype(np.float32))

    data = changed(dataset(), two_of_three_wrong, out=MEAN)
    training.seed_everything(1)
    model = dense(1)
    history = training.train(model, data, recipe(), quiet, seed=1)
    assert np.abs(predict(model, data.test.events)[:, 0] - data.test.events[:, 0]).mean() < 0.05
    # The size of the loss does not depend on the weights' unit.
    assert max(history.loss[-1], history.validation_loss[-1]) < 0.01


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"maks": MASK}, "data.labels.maks: the model has no such output; did you mean mask?"),
        (
            {"mean": MASK},
            "the model's output mean has shape (1,), but data.labels.mean has the class of each of (4, 4)",
        ),
        (
            {"features": MEAN},
            "output features has shape (3,), but data.targets.features has () per event; end the model",
        ),
        ({}, "the model has the outputs mask, mean, features, and the configuration does not say what they are to"),
    ],
)
def test_truths_that_do_not_fit_the_outputs_are_refused(known: dict[str, Truth], message: str) -> None:
    names = {"maks": "mask", "features": "mean", "mean": "mask"}
    data = changed(
        image_dataset(mask=MASK, mean=MEAN),
        lambda split: dataclasses.replace(split, truths={name: split.truths[names[name]] for name in known}),
        **known,
    )
    with pytest.raises(ModelError) as caught:
        training.check_fits(image_model(), data, trained=True)
    assert message in str(caught.value)


def test_a_saved_model_is_taken_whatever_its_output_is() -> None:
    (head,) = training.check_fits(dense(5), dataset(), trained=False)
    assert head == Head(
        "out", (5,), "none", reason="the model's output out has shape (5,), but the data set toy has 2 classes"
    )
    assert training.with_heads(dataset(), (head,), "classification").test.truths == {}


def test_augmentation_does_not_move_a_mask() -> None:
    data = image_dataset(mask=MASK, mean=MEAN)
    with pytest.raises(ModelError, match="augmentation moves events, but not the mask of the output mask; set"):
        training.train(image_model(), data, recipe(shift_pixels=1.0), quiet, seed=1)

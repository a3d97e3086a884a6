"""What networks learn, and that models must fit it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up, predict
from trigcnn.models import training
from trigcnn.models.datasets import Dataset, Split
from trigcnn.models.errors import ModelError
from trigcnn.models.heads import Head
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
    moved, wanted = batches(model, data, own, np.random.default_rng(3))[0]
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

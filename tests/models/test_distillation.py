"""A student learns its teacher's score."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up, predict
from trigcnn.models import teachers, training, zoo
from trigcnn.models.datasets import Dataset, Split
from trigcnn.models.errors import ModelError
from trigcnn.models.training import Distillation, Recipe
from trigcnn.models.training.distillation import limits_of, outliers, score

FORMAT = FixedPoint.parse("ufixed<10,10>")
TEACHER = Distillation("calorimeter_autoencoder", {"filters": [2, 2], "latent_units": 3}, 1, 0.01, ["quiet"], 0.25)


def dataset(events: int = 120) -> Dataset:
    """Poisson noise, and the same with a bright region."""
    rng = np.random.default_rng(0)

    def part(number: int) -> Split:
        labels = np.arange(number) % 2
        counts = rng.poisson(4.0, (number, 4, 6, 1)).astype(np.float32)
        counts[labels == 1, 1, 2, 0] += 200
        return Split(counts, labels)

    return Dataset("toy", FORMAT, ("quiet", "bright"), part(events), part(events // 2), part(events // 2))


def recipe(**options: Any) -> Recipe:
    fixed: dict[str, Any] = {"batch_size": 32, "learning_rate": 0.01, "patience": 60, "epochs": 1}
    return Recipe(objective="distillation", **(fixed | options))


@pytest.fixture(scope="module")
def teacher() -> Any:
    training.seed_everything(1)
    return training.train_teacher(TEACHER, dataset(), recipe(), lambda *_: None, seed=1)[0]


def test_the_score_is_32_times_the_logarithm_of_the_mean_squared_error_in_lsb() -> None:
    k = bring_up()
    inputs = k.keras.Input((2, 1, 1))
    nothing = k.keras.Model(inputs, inputs * 0.0)
    events = np.array([[3.0, 5.0], [0.0, 0.0], [0.5, 0.5]], np.float32).reshape(3, 2, 1, 1)
    found = score(nothing, events, FixedPoint.parse("ufixed<10,10>"))
    # Errors below one unit count as one unit.
    np.testing.assert_allclose(found, [[32 * np.log(17.0)], [0.0], [0.0]], rtol=1e-6)
    finer = score(nothing, events, FixedPoint.parse("ufixed<10,9>"))
    np.testing.assert_allclose(finer[0], 32 * np.log(4 * 17.0), rtol=1e-6)


def test_teacher_and_student_see_background_alone_and_labels_nowhere(teacher: Any) -> None:
    data = dataset()
    training.seed_everything(1)
    changed = dataclasses.replace(
        data.train, events=np.where(data.train.labels[:, None, None, None] == 1, 0, data.train.events)
    )
    again, _ = training.train_teacher(
        TEACHER, dataclasses.replace(data, train=changed), recipe(), lambda *_: None, seed=1
    )
    for first, second in zip(teacher.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    student = training.student_dataset(teacher, TEACHER, data, seed=1, limits=(0.0, 120.0))
    assert (len(student.train.events), len(student.validation.events), len(student.test.events)) == (80, 40, 60)
    np.testing.assert_array_equal(student.train.events[:60], data.train.events[data.train.labels == 0])
    assert student.train.labels.tolist() == [0] * 60 + [-1] * 20
    expected = np.clip(score(teacher, data.test.events, FORMAT), 0.0, 120.0)
    np.testing.assert_array_equal(student.test.targets, expected)
    # The teacher knows no bright region.
    assert expected[data.test.labels == 1].min() > expected[data.test.labels == 0].max()


def test_values_are_cut_off_for_the_teacher_alone(teacher: Any) -> None:
    data = dataset()
    cut = dataclasses.replace(TEACHER, largest_value=20.0, outliers=0.0)
    student = training.student_dataset(teacher, cut, data, seed=1, limits=None)
    np.testing.assert_array_equal(student.test.targets, score(teacher, np.minimum(data.test.events, 20), FORMAT))
    assert student.test.events.max() > 200


def test_outliers_are_further_from_the_mean_and_on_the_grid() -> None:
    data = dataset()
    events = data.train.events[data.train.labels == 0]
    made = outliers(events, 500, np.random.default_rng(2), FORMAT)
    assert made.shape == (500, 4, 6, 1)
    np.testing.assert_array_equal(made, np.rint(made))
    assert 0 <= made.min() <= made.max() <= 1023
    distances = [np.square(values - events.mean(axis=0)).mean() for values in (made, events)]
    assert distances[0] > 3 * distances[1]


def test_the_limits_are_those_of_the_last_quantizer() -> None:
    score_of = zoo.builder("cicada")
    assert limits_of(score_of((18, 14, 1), 1, FORMAT)) == (0.0, 256.0)
    assert limits_of(score_of((18, 14, 1), 2, FORMAT)) == (-128.0, 128.0)
    assert limits_of(zoo.builder("lenet")((8, 8, 1), 1, FORMAT)) is None


def test_the_student_learns_the_score(teacher: Any) -> None:
    data = dataset(400)
    training.seed_everything(1)
    model = zoo.builder("cicada")((4, 6, 1), 1, FORMAT, units=4)
    training.check_fits(model, data, trained=True, objective="distillation")
    student = training.student_dataset(teacher, TEACHER, data, seed=1, limits=limits_of(model))
    training.train(model, student, recipe(epochs=30, learning_rate=0.02), lambda *_: None, seed=1)
    assert student.test.targets is not None
    outputs = predict(model, student.test.events)
    correlation = np.corrcoef(outputs.ravel(), student.test.targets.ravel())[0, 1]
    assert correlation > 0.8


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"teacher": "resnet50"}, "training.distillation.teacher 'resnet50' is not known; choose one of calorimeter_"),
        ({"teacher_options": {"filter": 3}}, r"has no option 'filter'; did you mean filters\?"),
        ({"classes": ["quite"]}, "training.distillation.classes: quite is no class of toy; did you mean quiet"),
        ({"teacher": "lenet", "teacher_options": {"kernel_sizes": [1, 1]}}, "that of the events of the data set toy"),
    ],
)
def test_what_cannot_teach_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        training.train_teacher(dataclasses.replace(TEACHER, **changed), dataset(), recipe(), lambda *_: None, seed=1)


def test_the_autoencoder_gives_back_the_shape_that_it_takes() -> None:
    assert teachers.calorimeter_autoencoder((18, 14, 1)).output_shape == (None, 18, 14, 1)
    with pytest.raises(ModelError, match=r"even height and width, not \(17, 14, 1\); choose another teacher"):
        teachers.calorimeter_autoencoder((17, 14, 1))

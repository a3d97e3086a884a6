"""Courses of the learning rate, and which epoch is kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from trigcnn.models.training import Recipe
from trigcnn.models.training.callbacks import Best
from trigcnn.models.training.schedules import learning_rate


def rates(steps_per_epoch: int, **options: Any) -> list[float]:
    recipe = Recipe(epochs=4, batch_size=1, learning_rate=0.5, patience=1, **options)
    found = learning_rate(recipe, steps_per_epoch)
    steps = range(4 * steps_per_epoch)
    return [float(found(step)) if callable(found) else float(found) for step in steps]


def test_a_cosine_falls_to_zero_over_all_steps() -> None:
    expected = [0.25 * (1 + math.cos(math.pi * step / 20)) for step in range(20)]
    np.testing.assert_allclose(rates(5), expected, rtol=1e-5, atol=1e-7)


def test_a_constant_stays_and_an_exponential_reaches_its_share() -> None:
    assert rates(5, schedule="constant") == [0.5] * 20
    exponential = rates(5, schedule="exponential", final_learning_rate=0.01)
    np.testing.assert_allclose(exponential, [0.5 * 0.01 ** (step / 20) for step in range(20)], rtol=1e-5)


def test_steps_come_after_whole_epochs() -> None:
    found = rates(3, schedule="step", step_epochs=2, step_factor=0.1)
    np.testing.assert_allclose(found, [0.5] * 6 + [0.05] * 6, rtol=1e-6)


def test_a_training_shorter_than_one_step_has_a_constant_rate() -> None:
    assert rates(3, schedule="step", step_epochs=4) == [0.5] * 12


@pytest.mark.parametrize(
    ("schedule", "after"),
    [
        ("cosine", [0.25 * (1 + math.cos(math.pi * step / 15)) for step in range(15)]),
        ("constant", [0.5] * 15),
        ("exponential", [0.5 * 0.1 ** (step / 15) for step in range(15)]),
        ("step", [0.5] * 5 + [0.25] * 10),
    ],
)
def test_a_warm_up_rises_in_a_line_and_comes_first(schedule: str, after: list[float]) -> None:
    found = rates(5, schedule=schedule, warmup_epochs=1.0, final_learning_rate=0.1, step_epochs=2)
    np.testing.assert_allclose(found, [0.0, 0.1, 0.2, 0.3, 0.4, *after], rtol=1e-5, atol=1e-7)


class _Model:
    def __init__(self, epoch: int) -> None:
        self._epoch = epoch

    def get_weights(self) -> list[Any]:
        return [np.array(self._epoch)]


def test_the_best_epoch_is_kept_and_of_equals_the_one_with_the_lower_loss() -> None:
    best = Best("accuracy", patience=2, first_epoch=1)
    taken = []
    for epoch, (value, loss) in enumerate([(0.9, 0.1), (0.5, 0.4), (0.5, 0.3), (0.4, 0.2), (0.5, 0.3), (0.8, 0.1)]):
        if not best.stopped:
            best.take(_Model(epoch), epoch, value, loss)
            taken.append(epoch)
    assert taken == [0, 1, 2, 3, 4]
    assert (best.epoch, best.stopped, int(best.weights[0])) == (2, True, 2)

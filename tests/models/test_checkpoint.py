"""A training that is killed goes on to the same bits."""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import networks
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models import training
from trigcnn.models.datasets import Dataset, Split
from trigcnn.models.datasets.input_format import put_on_grid
from trigcnn.models.training import History, Hooks, Recipe

FORMAT = FixedPoint.parse("ufixed<4,0>")


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def dataset() -> Dataset:
    rng = np.random.default_rng(0)

    def part(number: int) -> Split:
        labels = np.arange(number) % 2
        events = np.clip(rng.random((number, 4, 4, 1)) * 0.6 + 0.2 * labels[:, None, None, None], 0, 15 / 16)
        return Split(put_on_grid(FORMAT, events, saturate=True, where="here"), labels)

    return Dataset("toy", FORMAT, ("a", "b"), part(96), part(40), part(40), symmetries=("flip_rows", "roll_rows"))


RECIPE = Recipe(
    epochs=5,
    batch_size=32,
    learning_rate=0.02,
    patience=9,
    shift_pixels=0.5,
    augmentation=["flip_rows", "roll_rows"],
    pruning_sparsity=0.5,
    pruning_frequency=2,
    pruning_last_epoch=3,
    folded_epochs=3,
)


def run(
    folder: Path | None, *, killed_at: int | None = None, every: int = 1, disturbed: bool = False
) -> tuple[list[Any], History]:
    """Train, and be killed in a step of the whole training; or draw from the global generators at each step."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if disturbed:
            random.random()
            np.random.random()
        if steps == killed_at:
            raise Killed

    recipe = dataclasses.replace(RECIPE, checkpoint_epochs=every)
    hooks = Hooks(checkpoint=folder, each_step=step)
    model, history = training.train_for_hardware(
        networks.with_state(), dataset(), recipe, lambda *_: None, hooks, seed=3
    )
    return model.get_weights(), history


@pytest.fixture(scope="module")
def uninterrupted() -> tuple[list[Any], History]:
    return run(None)


# An epoch has 3 steps: in the third epoch, in the folded network's training, and at the end of the first one's.
@pytest.mark.parametrize(("killed_at", "every"), [(8, 1), (20, 1), pytest.param(14, 2, marks=pytest.mark.walk)])
def test_a_killed_training_ends_with_the_same_weights_and_history(
    uninterrupted: tuple[list[Any], History], tmp_path: Path, killed_at: int, every: int
) -> None:
    with pytest.raises(Killed):
        run(tmp_path, killed_at=killed_at, every=every)
    assert {path.name for path in tmp_path.iterdir()} <= {"quantized.npz", "folded.npz"}
    weights, history = run(tmp_path)
    assert history == uninterrupted[1]
    for found, expected in zip(weights, uninterrupted[0], strict=True):
        np.testing.assert_array_equal(found, expected)
    # All is done: nothing is trained again.
    again, _ = run(tmp_path, killed_at=1)
    for found, expected in zip(again, weights, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[:-400], id="cut"),
        pytest.param(
            lambda content: content.replace(b"state.npy", b"other.npy"), id="without state", marks=pytest.mark.walk
        ),
    ],
)
def test_a_damaged_checkpoint_is_left_out(
    uninterrupted: tuple[list[Any], History], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(Killed):
        run(tmp_path, killed_at=8)
    path = tmp_path / "quantized.npz"
    path.write_bytes(damage(path.read_bytes()))
    weights, history = run(tmp_path)
    assert history == uninterrupted[1]
    for found, expected in zip(weights, uninterrupted[0], strict=True):
        np.testing.assert_array_equal(found, expected)


def stochastic() -> Any:
    k = bring_up()
    training.seed_everything(3)
    q = k.qkeras.quantized_bits(4, 0, alpha=1, use_stochastic_rounding=True)
    layers = [k.keras.layers.Flatten(), k.qkeras.QDense(2, kernel_quantizer=q, bias_quantizer=q, name="logits")]
    return k.keras.Sequential([k.keras.Input((4, 4, 1)), *layers])


def test_a_training_with_stochastic_quantizers_begins_again(tmp_path: Path) -> None:
    recipe = Recipe(epochs=3, batch_size=32, learning_rate=0.1, patience=9, checkpoint_epochs=1)
    weights: list[Any] = []
    for killed_at in (None, 8, None):
        steps = iter(range(1, 100))

        def step(steps: Iterator[int] = steps, killed_at: int | None = killed_at) -> None:
            if next(steps) == killed_at:
                raise Killed

        model, file = stochastic(), tmp_path / ("first.npz" if not weights else "second.npz")
        with contextlib.suppress(Killed):
            training.train(model, dataset(), recipe, lambda *_: None, Hooks(checkpoint=file, each_step=step), seed=3)
            weights.append(model.get_weights())
        assert file.exists() == (killed_at is None)
    for found, expected in zip(*weights, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_training_does_not_depend_on_what_else_its_process_draws(uninterrupted: tuple[list[Any], History]) -> None:
    weights, history = run(None, disturbed=True)
    assert history == uninterrupted[1]
    for found, expected in zip(weights, uninterrupted[0], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_tensorboard_gets_every_epoch_also_of_a_training_that_went_on(tmp_path: Path) -> None:
    tf = bring_up().tf
    recipe = dataclasses.replace(RECIPE, epochs=2, folded_epochs=0, pruning_sparsity=0.0)
    hooks = Hooks(checkpoint=tmp_path / "kept.npz", logs=tmp_path / "logs")
    training.train(
        networks.with_state(), dataset(), dataclasses.replace(recipe, epochs=1), lambda *_: None, hooks, seed=3
    )
    history = training.train(networks.with_state(), dataset(), recipe, lambda *_: None, hooks, seed=3)
    (file,) = (tmp_path / "logs").iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(file)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            found[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    assert {step for _, step in found} == {1, 2}
    assert [found["loss/validation", step] for step in (1, 2)] == pytest.approx(history.validation_loss)
    assert [found["accuracy/training", step] for step in (1, 2)] == pytest.approx(history.accuracy)

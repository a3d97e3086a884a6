"""Fit a network, and keep its best epoch."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from trigcnn.common.keras2 import bring_up
from trigcnn.models.datasets import Dataset
from trigcnn.models.errors import ModelError
from trigcnn.models.folding import fold_batch_normalization
from trigcnn.models.history import History
from trigcnn.models.pruning import pruning_callback
from trigcnn.models.training.batches import batches, validation_data
from trigcnn.models.training.callbacks import Best, each_step, record, tensorboard
from trigcnn.models.training.checkpoint import Checkpoint
from trigcnn.models.training.heads import prepared
from trigcnn.models.training.objectives import loss_and_metrics
from trigcnn.models.training.options import Recipe
from trigcnn.models.training.recipe import Hooks, Progress
from trigcnn.models.training.schedules import learning_rate

# Weights that were rounded again need smaller steps than random ones.
_FOLDED_LEARNING_RATE = 0.3


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and ask TensorFlow for reproducible operations."""
    k = bring_up()
    k.keras.utils.set_random_seed(seed)
    k.tf.config.experimental.enable_op_determinism()
    # The state of Dropout layers can then be kept in a checkpoint.
    k.keras.backend.experimental.enable_tf_random_generator()


def train_for_hardware(
    model: Any, dataset: Dataset, recipe: Recipe, progress: Progress, hooks: Hooks | None = None, *, seed: int
) -> tuple[Any, History]:
    """Train a quantized network, fold its batch normalization if asked, and train the folded network further.

    Args:
        model: QKeras model; trained in place.
        dataset: Events, and labels or targets.
        recipe: How to train. Weights that pruning made zero stay zero.
        progress: Called with (epoch, epochs, text) after each epoch.
        hooks: What else is done; their files are folders here.
        seed: Of shuffling and augmentation.

    Returns:
        The trained model, which is another one where batch normalization was folded; both histories as one.

    Raises:
        ModelError: As `train` does; or there is nothing to fold.
    """
    hooks = hooks or Hooks()
    epochs = recipe.epochs + recipe.folded_epochs
    order = Random(seed)  # noqa: S311

    def shown(epoch: int, _: int, text: str) -> None:
        progress(epoch, epochs, text)

    history = train(model, dataset, recipe, shown, hooks.of("quantized"), seed=seed, order=order)
    if not recipe.folded_epochs:
        return model, history
    folded = fold_batch_normalization(model)
    further = replace(
        recipe,
        epochs=recipe.folded_epochs,
        learning_rate=recipe.learning_rate * _FOLDED_LEARNING_RATE,
        warmup_epochs=0.0,
        pruning_first_epoch=0,
        pruning_last_epoch=0,
    )
    first = len(history.loss)
    each_epoch = hooks.each_epoch
    after = replace(
        hooks.of("folded"),
        each_epoch=None if each_epoch is None else lambda epoch, figure: each_epoch(first + epoch, figure),
    )

    def shown_after(epoch: int, _: int, text: str) -> None:
        progress(first + epoch, epochs, text)

    second = train(folded, dataset, further, shown_after, after, seed=seed, order=order)
    return folded, history.followed_by(second)


def train(
    model: Any,
    dataset: Dataset,
    recipe: Recipe,
    progress: Progress,
    hooks: Hooks | None = None,
    *,
    seed: int,
    order: Random | None = None,
) -> History:
    """Train a network in place, and keep its best epoch by `recipe.monitor`.

    Outputs that learn classes are logits and learn by the cross-entropy, others by the mean squared error. The losses
    of several outputs are added up; an output of which nothing is known is not trained. Where weights are pruned, only
    epochs with the final sparsity count.

    Args:
        model: Keras model; compiled here.
        dataset: Events, and labels or targets.
        recipe: How to train.
        progress: Called with (epoch, epochs, text) after each epoch.
        hooks: What else is done.
        seed: Of shuffling and augmentation.
        order: Generator of the order of batches, if it continues one of an earlier training; default: from the seed.

    Raises:
        ModelError: The events do not have the shape or the symmetry that augmentation needs, a class with a weight
            does not exist, the loss is not finite, there is nothing to learn, or the monitored figure has no measure.
    """
    hooks = hooks or Hooks()
    if recipe.monitor == "signal_efficiency" and hooks.measure is None:
        raise ModelError("training.monitor: signal_efficiency: its measure is missing")
    dataset = prepared(model, dataset, recipe.objective)
    if recipe.monitor == "accuracy" and (len(dataset.heads) > 1 or "accuracy" not in dataset.heads[0].figures):
        raise ModelError("training.monitor: the outputs have no accuracy of their own; use loss")
    keras = bring_up().keras
    rng = np.random.default_rng(seed)
    # Own generators: the global ones are drawn from by other threads too.
    order = order or Random(seed)  # noqa: S311
    steps_per_epoch = -(-len(dataset.train.events) // recipe.batch_size)
    loss, metrics = loss_and_metrics(dataset.heads)
    weighted = dataset.train.weights is not None
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate(recipe, steps_per_epoch)),
        loss=loss,
        **{"weighted_metrics" if weighted else "metrics": metrics},
    )
    pruned_from = recipe.pruned_from_epoch if recipe.prunes else 0
    best = Best(recipe.monitor, recipe.patience, pruned_from)
    history = History(pruned_after=pruned_from if recipe.prunes else None)
    pruning = pruning_callback(model, recipe.pruning(steps_per_epoch)) if recipe.prunes else None
    callbacks = [
        *([] if pruning is None else [pruning]),
        *([] if hooks.each_step is None else [each_step(hooks)]),
        record(history, best, dataset, hooks, recipe.epochs, progress),
        *([] if hooks.logs is None else [tensorboard(hooks.logs, history)]),
    ]
    done = 0
    if hooks.checkpoint is not None:
        checkpoint = Checkpoint(hooks.checkpoint, model, history, best, rng, order)
        done = checkpoint.restore(pruning)
        callbacks.append(checkpoint.callback(recipe.checkpoint_epochs, recipe.epochs, pruning))
    if done < recipe.epochs and not best.stopped:
        model.fit(
            batches(model, dataset, recipe, rng, order),
            shuffle=False,
            initial_epoch=done,
            epochs=recipe.epochs,
            validation_data=validation_data(model, dataset.validation, dataset.heads),
            callbacks=callbacks,
            verbose=0,
        )
    model.set_weights(best.weights)
    history.kept.append(best.epoch + 1)
    return history

"""Batches for Keras: every epoch is shuffled and augmented again, on the input's grid."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.keras2 import bring_up, inputs_of
from trigcnn.models.augmentation import apply_symmetries, chosen_symmetries, shift_and_rotate
from trigcnn.models.datasets import Dataset, Split
from trigcnn.models.datasets.input_format import put_on_grid
from trigcnn.models.errors import ModelError
from trigcnn.models.heads import Head
from trigcnn.models.training.heads import prepared
from trigcnn.models.training.objectives import by_output, learned
from trigcnn.models.training.options import Recipe
from trigcnn.models.training.weights import weights_by_class, weights_by_event


def batches(model: Any, dataset: Dataset, recipe: Recipe, rng: np.random.Generator, order: Random) -> Any:
    """Make Keras' sequence of batches; it draws the first epoch at once.

    Keras must not shuffle it: Keras draws from Python's global generator, from which other threads draw too, so that
    a training would depend on its process.

    Args:
        model: The model.
        dataset: The events.
        recipe: How to train.
        rng: Draws the order of events and their augmentation.
        order: Draws the order of batches.

    Raises:
        ModelError: Augmentation is requested for events without the shape or the symmetry for it, or a class with a
            weight does not exist.
    """
    keras = bring_up().keras
    symmetries = chosen_symmetries(
        recipe.augmentation, dataset, shift_pixels=recipe.shift_pixels, rotation_deg=recipe.rotation_deg
    )
    moves = bool(recipe.shift_pixels or recipe.rotation_deg)
    if moves and (dataset.parts or len(dataset.input_shape) not in (2, 3)):
        raise ModelError(
            f"augmentation moves images of shape (height, width, channels), but events have the shape "
            f"{dataset.input_shape}; set training.shift_pixels and training.rotation_deg to 0"
        )
    dataset = prepared(model, dataset, recipe.objective)
    heads, split = dataset.heads, dataset.train
    for head in heads:
        if head.truth in ("targets", "mask") and recipe.objective != "reconstruction" and (moves or symmetries):
            raise ModelError(
                f"augmentation moves events, but not the {head.truth} of the output {head.name}; set "
                "training.augmentation: none, training.shift_pixels: 0 and training.rotation_deg: 0"
            )
    targets = learned(split, heads)
    factors = weights_by_event(split, weights_by_class(dataset, recipe.class_weights))

    class Batches(keras.utils.Sequence):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self.on_epoch_end()

        def on_epoch_end(self) -> None:
            drawn = rng.permutation(len(split.events))
            self.events, self.labels = split.events[drawn], {name: values[drawn] for name, values in targets.items()}
            self.factors = None if factors is None else factors[drawn]
            self.order: list[int] = []
            if symmetries:
                self.events = apply_symmetries(self.events, symmetries, rng)
            if moves:
                moved = shift_and_rotate(
                    self.events, rng, shift_pixels=recipe.shift_pixels, rotation_deg=recipe.rotation_deg
                )
                self.events = put_on_grid(dataset.input_format, moved, saturate=True, where="augmentation")
            if recipe.objective == "reconstruction":
                # The target is the event itself.
                self.labels = {name: self.events.reshape(values.shape) for name, values in targets.items()}

        def __len__(self) -> int:
            return -(-len(split.events) // recipe.batch_size)

        def __getitem__(self, index: int) -> tuple[Any, ...]:
            if not self.order:
                # Late, since no epoch follows the last one: the next training goes on with the same generator.
                self.order = list(range(len(self)))
                order.shuffle(self.order)
            begin = self.order[index] * recipe.batch_size
            part = slice(begin, begin + recipe.batch_size)
            labels = {name: values[part] for name, values in self.labels.items()}
            return of_keras(
                model, heads, self.events[part], labels, None if self.factors is None else self.factors[part]
            )

    return Batches()


def of_keras(
    model: Any,
    heads: Sequence[Head],
    events: npt.NDArray[Any],
    labels: dict[str, npt.NDArray[Any]],
    weights: npt.NDArray[Any] | None,
) -> tuple[Any, ...]:
    """Return events, what the outputs are to be, and weights if there are any, as Keras takes them.

    Args:
        model: The model.
        heads: Its outputs.
        events: [events, ...].
        labels: [events, ...] by output.
        weights: [events]; Keras takes one weight for each value of a loss, which has one per pixel of an image.
    """
    given = inputs_of(model, events), by_output(heads, labels)
    if weights is None:
        return given
    shapes = {head.name: head.shape[:-1] for head in heads if head.name in labels}
    spread = {
        name: np.broadcast_to(weights.reshape(-1, *(1,) * len(shape)), (len(weights), *shape))
        for name, shape in shapes.items()
    }
    return *given, by_output(heads, spread)


def validation_data(model: Any, split: Split, heads: Sequence[Head]) -> tuple[Any, ...]:
    """Return the validation events as Keras takes them."""
    return of_keras(model, heads, split.events, learned(split, heads), weights_by_event(split, ()))

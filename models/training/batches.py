"""Batches for Keras: every epoch is shuffled and augmented again, on the input's grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from trigcnn.common.keras2 import bring_up, inputs_of
from trigcnn.models.augmentation import apply_symmetries, chosen_symmetries, shift_and_rotate
from trigcnn.models.datasets import Dataset
from trigcnn.models.datasets.input_format import put_on_grid
from trigcnn.models.errors import ModelError
from trigcnn.models.training.objectives import learned
from trigcnn.models.training.options import Recipe
from trigcnn.models.training.weights import weights_by_class


def batches(model: Any, dataset: Dataset, recipe: Recipe, rng: np.random.Generator) -> Any:
    """Make Keras' sequence of batches; it draws the first epoch at once, from `rng`.

    Raises:
        ModelError: Augmentation is requested for events without the shape or the symmetry for it, or a class with a
            weight does not exist.
    """
    keras = bring_up().keras
    symmetries = chosen_symmetries(
        recipe.augmentation, dataset, shift_pixels=recipe.shift_pixels, rotation_deg=recipe.rotation_deg
    )
    factors = np.asarray(weights_by_class(dataset, recipe.class_weights), np.float32)
    split, moves = dataset.train, bool(recipe.shift_pixels or recipe.rotation_deg)
    if moves and (dataset.parts or len(dataset.input_shape) not in (2, 3)):
        raise ModelError(
            f"augmentation moves images of shape (height, width, channels), but events have the shape "
            f"{dataset.input_shape}; set training.shift_pixels and training.rotation_deg to 0"
        )
    if recipe.objective in ("regression", "distillation") and (moves or symmetries):
        raise ModelError(
            f"augmentation moves events, but not what training.objective {recipe.objective} wants of them; set "
            "training.augmentation: none, training.shift_pixels: 0 and training.rotation_deg: 0"
        )
    targets = learned(split, recipe.objective)

    class Batches(keras.utils.Sequence):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self.on_epoch_end()

        def on_epoch_end(self) -> None:
            order = rng.permutation(len(split.events))
            self.events, self.labels = split.events[order], targets[order]
            self.factors = factors[split.labels[order]] if factors.size else None
            if symmetries:
                self.events = apply_symmetries(self.events, symmetries, rng)
            if moves:
                moved = shift_and_rotate(
                    self.events, rng, shift_pixels=recipe.shift_pixels, rotation_deg=recipe.rotation_deg
                )
                self.events = put_on_grid(dataset.input_format, moved, saturate=True, where="augmentation")
            if recipe.objective == "reconstruction":
                # The target is the event itself.
                self.labels = self.events.reshape(targets.shape)

        def __len__(self) -> int:
            return -(-len(split.events) // recipe.batch_size)

        def __getitem__(self, index: int) -> tuple[Any, ...]:
            part = slice(index * recipe.batch_size, (index + 1) * recipe.batch_size)
            batch = inputs_of(model, self.events[part]), self.labels[part]
            return batch if self.factors is None else (*batch, self.factors[part])

    return Batches()

"""A small network learns the score of a large one, as in the CICADA trigger of CMS.

The teacher is an auto-encoder that saw background alone: what it reconstructs badly is unlike background. Its score, a
logarithm of the mean squared error, is what the student learns as a number. The student must also know what is far from
background, or it would guess there: CICADA shows it simulated outliers, of which it takes the teacher's score and no
label. Here outliers are made of the background itself, so that no signal is needed to train a trigger for the unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import predict
from trigcnn.common.suggestions import did_you_mean
from trigcnn.models import teachers
from trigcnn.models.datasets import Dataset, Split
from trigcnn.models.datasets.input_format import put_on_grid
from trigcnn.models.errors import ModelError
from trigcnn.models.history import History
from trigcnn.models.training.fit import train
from trigcnn.models.training.heads import check_fits, with_heads
from trigcnn.models.training.options import Distillation, Recipe
from trigcnn.models.training.recipe import Hooks, Progress

Events = npt.NDArray[np.float32]

# As CICADA: 32 counts per factor e.
SCALE = 32.0
# Of how many events an outlier is made, at most, and the factor by which they are stretched.
_MOST_OVERLAID = 8
_STRETCH = (0.5, 2.0)


def train_teacher(
    distillation: Distillation,
    dataset: Dataset,
    recipe: Recipe,
    progress: Progress,
    hooks: Hooks | None = None,
    *,
    seed: int,
) -> tuple[Any, History]:
    """Build the teacher, and train it to reconstruct events of the classes that it may see.

    Args:
        distillation: What is distilled.
        dataset: Events of all classes.
        recipe: Of the student; batches, augmentation and patience are the same.
        progress: Called with (epoch, epochs, text) after each epoch.
        hooks: What else is done.
        seed: Of shuffling and augmentation.

    Raises:
        ModelError: The teacher or a class is not known, or it does not give back what it takes.
    """
    model = teachers.build(distillation.teacher, dataset, distillation.teacher_options)
    seen = of_classes(dataset, distillation.classes)
    train_events, validation = distillation.shown(seen.train.events), distillation.shown(seen.validation.events)
    seen = replace(
        seen, train=replace(seen.train, events=train_events), validation=replace(seen.validation, events=validation)
    )
    heads = check_fits(model, seen, trained=True, objective="reconstruction")
    seen = with_heads(seen, heads, "reconstruction")
    own = Recipe(
        epochs=distillation.epochs,
        batch_size=recipe.batch_size,
        learning_rate=distillation.learning_rate,
        patience=recipe.patience,
        shift_pixels=recipe.shift_pixels,
        rotation_deg=recipe.rotation_deg,
        objective="reconstruction",
        augmentation=recipe.augmentation,
        checkpoint_epochs=recipe.checkpoint_epochs,
    )
    return model, train(model, seen, own, progress, hooks, seed=seed)


def student_dataset(
    teacher: Any, distillation: Distillation, dataset: Dataset, *, seed: int, limits: tuple[float, float] | None
) -> Dataset:
    """Return the events that the student learns from, with the teacher's scores as targets.

    Args:
        teacher: The trained teacher.
        distillation: What is distilled.
        dataset: Events of all classes. Those for the test all stay, with their scores.
        seed: Of the outliers.
        limits: Smallest and largest value that the student can give, to which scores are clipped; None for any.
    """
    rng = np.random.default_rng(seed)
    seen = of_classes(dataset, distillation.classes)

    def scored(split: Split) -> Split:
        targets = score(teacher, distillation.shown(split.events), dataset.input_format)
        return replace(split, targets=targets if limits is None else np.clip(targets, *limits))

    def with_outliers(split: Split) -> Split:
        share = distillation.outliers
        number = round(len(split.events) * share / (1 - share))
        if not number:
            return split
        further = outliers(split.events, number, rng, dataset.input_format)
        # They are of no class, and no label is looked at where a score is learned.
        labels = np.concatenate([split.labels, np.full(number, -1, np.int64)])
        weights = split.weights
        if weights is not None:
            weights = np.concatenate([weights, np.full(number, weights.mean(), np.float32)])
        return Split(np.concatenate([split.events, further]), labels, weights=weights)

    return replace(
        dataset,
        train=scored(with_outliers(seen.train)),
        validation=scored(with_outliers(seen.validation)),
        test=scored(dataset.test),
    )


def score(teacher: Any, events: Events, input_format: FixedPoint) -> Events:
    """Return the teacher's score, 32 times the logarithm of the mean squared error in units of the input's last bit.

    Args:
        teacher: Auto-encoder.
        events: [events, ...].
        input_format: Of the events.

    Returns:
        [events, 1]; errors below one unit give 0.
    """
    differences = (predict(teacher, events).reshape(len(events), -1) - events.reshape(len(events), -1)).astype(float)
    errors = np.square(differences / input_format.lsb).mean(axis=1, keepdims=True)
    scores: Events = (SCALE * np.log(np.maximum(errors, 1.0))).astype(np.float32)
    return scores


def outliers(events: Events, number: int, rng: np.random.Generator, input_format: FixedPoint) -> Events:
    """Make events that are unlike others: differences of several from the mean event, stretched, laid on top of it.

    Args:
        events: [events, ...], of which outliers are made.
        number: How many to make.
        rng: Source of randomness.
        input_format: What they are rounded to.
    """
    mean = events.mean(axis=0)
    sums = np.zeros((number, *events.shape[1:]), np.float32)
    overlaid = rng.integers(2, _MOST_OVERLAID, size=number, endpoint=True)
    for count in range(_MOST_OVERLAID):
        chosen = np.flatnonzero(overlaid > count)
        sums[chosen] += events[rng.integers(len(events), size=len(chosen))] - mean
    stretch = rng.uniform(*_STRETCH, (number, *(1,) * mean.ndim)).astype(np.float32)
    return put_on_grid(input_format, mean + stretch * sums, saturate=True, where="outliers")


def limits_of(model: Any) -> tuple[float, float] | None:
    """Return the smallest and the largest value of the quantizer at a network's end; None without one."""
    last = model.outputs[0].node.layer
    quantizer: Any = getattr(last, "quantizer", None) or getattr(last, "activation", None)
    if not hasattr(quantizer, "max") or not hasattr(quantizer, "min"):
        return None
    return float(quantizer.min()), float(quantizer.max())


def of_classes(dataset: Dataset, names: Sequence[str] | None) -> Dataset:
    """Leave out the events of other classes, but those for the test.

    Args:
        dataset: Events of all classes.
        names: Names of the classes that stay; None for all.

    Raises:
        ModelError: A name is no class.
    """
    if names is None:
        return dataset
    for name in names:
        if name not in dataset.classes:
            mend = did_you_mean(name, dataset.classes)
            raise ModelError(f"training.distillation.classes: {name} is no class of {dataset.name}; {mend}")
    wanted = [dataset.classes.index(name) for name in names]

    def chosen(split: Split) -> Split:
        return split.at(np.isin(split.labels, wanted))

    return replace(dataset, train=chosen(dataset.train), validation=chosen(dataset.validation))

"""What a network learns: labels, the event itself, targets of the data set, or a teacher's score."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.keras2 import bring_up
from trigcnn.models.datasets import Dataset, Split
from trigcnn.models.errors import ModelError
from trigcnn.models.training.options import Objective


def input_shapes(model: Any) -> tuple[tuple[int, ...], ...]:
    """Shapes of a model's inputs, without the batch."""
    return tuple(tuple(tensor.shape[1:]) for tensor in model.inputs)


def outputs_wanted(dataset: Dataset, objective: Objective) -> int:
    """Return the number of outputs that an objective asks for, which a builder is offered as `classes`.

    Of images it is the number of their channels.
    """
    if objective == "classification":
        return len(dataset.classes)
    if objective == "distillation":
        return 1
    wanted = dataset.train.events if objective == "reconstruction" else _targets(dataset)
    return int(wanted.shape[-1]) if wanted.ndim > 1 else 1


def with_targets(dataset: Dataset, objective: Objective, output_shape: tuple[int, ...]) -> Dataset:
    """Return a data set whose targets are what the objective asks for, in the shape of the model's output.

    Args:
        dataset: The data set.
        objective: `classification` needs no targets; for `reconstruction` they are the events themselves.
        output_shape: Of the model, without the batch.
    """
    if objective == "classification":
        return dataset

    def shaped(split: Split) -> Split:
        wanted = split.events if objective == "reconstruction" else split.targets
        return replace(split, targets=None if wanted is None else wanted.reshape(-1, *output_shape))

    return replace(
        dataset, train=shaped(dataset.train), validation=shaped(dataset.validation), test=shaped(dataset.test)
    )


def learned(split: Split, objective: Objective) -> npt.NDArray[Any]:
    """Return what the outputs are compared with, [events, ...]."""
    if objective == "classification":
        return split.labels
    if split.targets is None:
        raise ModelError(f"training.objective {objective}: the events have no targets")
    return split.targets


def loss_and_metrics(model: Any, objective: Objective) -> tuple[Any, list[Any]]:
    """Return Keras' loss, and accuracy where there is one."""
    keras = bring_up().keras
    if objective != "classification":
        return keras.losses.MeanSquaredError(), []
    binary = model.output_shape[-1] == 1
    losses = keras.losses.BinaryCrossentropy if binary else keras.losses.SparseCategoricalCrossentropy
    accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0) if binary else "accuracy"
    return losses(from_logits=True), [accuracy]


def check_fits(model: Any, dataset: Dataset, *, trained: bool, objective: Objective = "classification") -> None:
    """Check that a model takes the data set's events and has the outputs that it must learn.

    Args:
        model: The model.
        dataset: The data set.
        trained: Whether the model is to be trained, for which it must have one output.
        objective: What it learns.

    Raises:
        ModelError: Numbers or shapes of inputs or outputs do not match, or the data set has no targets.
    """
    _check_inputs(model, dataset)
    if len(model.outputs) > 1:
        if trained:
            raise ModelError(
                f"the model has {len(model.outputs)} outputs, and only one can be trained here; train it yourself, "
                "save it, and name the file in model.source"
            )
        return
    found = tuple(model.output_shape[1:])
    if objective == "classification":
        _check_classes(found, dataset)
    elif objective == "distillation":
        if math.prod(found) != 1:
            raise ModelError(
                f"the model's output has shape {found}, but a teacher's score is one number; end the model with a "
                "QDense layer of 1 unit"
            )
    else:
        of_events = objective == "reconstruction"
        wanted = (dataset.train.events if of_events else _targets(dataset)).shape[1:]
        if math.prod(found) != math.prod(wanted):
            what = "events" if of_events else "targets"
            raise ModelError(
                f"the model's output has shape {found}, but training.objective {objective} needs that of the {what} of "
                f"the data set {dataset.name}, {wanted}; end the model with a layer of {math.prod(wanted)} values"
            )


def _check_inputs(model: Any, dataset: Dataset) -> None:
    taken, given = input_shapes(model), dataset.input_shapes
    if len(taken) != len(given):
        raise ModelError(
            f"the model has {len(taken)} inputs, the data set {dataset.name} gives {len(given)}; name one array per "
            f"input in data.events, in the order {', '.join(tensor.node.layer.name for tensor in model.inputs)}"
        )
    for number, (shape, offered) in enumerate(zip(taken, given, strict=True)):
        which = "" if len(given) == 1 else f" at input {number}"
        if shape != offered:
            raise ModelError(
                f"the model takes events of shape {shape}{which}, the data set {dataset.name} "
                f"gives {offered}; build the model with input_shape={offered}"
            )


def _check_classes(found: tuple[int, ...], dataset: Dataset) -> None:
    classes = len(dataset.classes)
    wanted = {(classes,), (1,)} if classes == 2 else {(classes,)}
    if found not in wanted:
        raise ModelError(
            f"the model's output has shape {found}, the data set {dataset.name} has "
            f"{classes} classes; end the model with a QDense layer of {classes} units (one logit per class)"
        )


def _targets(dataset: Dataset) -> npt.NDArray[np.float32]:
    if dataset.train.targets is None:
        raise ModelError(
            f"training.objective regression: the data set {dataset.name} has no targets; choose a data set with "
            "targets, or another objective"
        )
    return dataset.train.targets


def classify(outputs: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int64]:
    """Return the class with the largest logit, the first of equals; with one logit, whether it is above zero.

    Args:
        outputs: Logits [events, classes] or [events, 1].
    """
    logits = outputs.reshape(len(outputs), -1)
    if logits.shape[1] == 1:
        return (logits[:, 0] > 0).astype(np.int64)
    classes: npt.NDArray[np.int64] = np.argmax(logits, axis=1).astype(np.int64)
    return classes

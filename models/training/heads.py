"""What the outputs of a network are compared with: labels, masks, real values, the event itself, or a teacher's score.

This is the one place that reads it from the data set, the objective and the model, as one `Head` per output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.datasets import Dataset, Split
from trigcnn.models.datasets.truths import ONLY
from trigcnn.models.errors import ModelError
from trigcnn.models.heads import Head, Truth, fits
from trigcnn.models.training.options import Objective

Shape = tuple[int, ...]


def input_shapes(model: Any) -> tuple[Shape, ...]:
    """Shapes of a model's inputs, without the batch."""
    return tuple(tuple(tensor.shape[1:]) for tensor in model.inputs)


def outputs_wanted(dataset: Dataset, objective: Objective) -> int | dict[str, int] | None:
    """Return the number of outputs that an objective asks for, which a builder is offered as `classes`.

    Of images it is the number of their channels. For named outputs it is the number of each; None if nothing is known.
    """
    if objective == "distillation":
        return 1
    if objective == "reconstruction":
        return int(dataset.train.events.shape[-1])
    known = {output: _channels(truth, dataset.train.truths[output]) for output, truth in dataset.truths.items()}
    if known:
        return known.get(ONLY, known)
    if objective == "regression" and dataset.train.targets is not None:
        return _channels(Truth("targets"), dataset.train.targets)
    return len(dataset.classes) or None


def _channels(truth: Truth, values: npt.NDArray[Any]) -> int:
    if truth.kind != "targets":
        return len(truth.classes)
    return int(values.shape[-1]) if values.ndim > 1 else 1


def check_fits(
    model: Any, dataset: Dataset, *, trained: bool, objective: Objective = "classification"
) -> tuple[Head, ...]:
    """Check that a model takes the data set's events, and that its outputs can be compared with what is known.

    Args:
        model: The model.
        dataset: The data set.
        trained: Whether the model is to be trained. If not, an output without a truth that fits is taken as it is.
        objective: What it learns; a file's targets, and truths of named outputs, hold for each objective but
            reconstruction and distillation.

    Returns:
        What is known of each output, in the order of the model's outputs.

    Raises:
        ModelError: Numbers or shapes of inputs or outputs do not match, an output that the configuration names does
            not exist, or a model that is to be trained has nothing to learn.
    """
    _check_inputs(model, dataset)
    return _heads(model, dataset, trained=trained, objective=objective)


def _heads(model: Any, dataset: Dataset, *, trained: bool, objective: Objective) -> tuple[Head, ...]:
    outputs = [(tensor.node.layer.name, tuple(tensor.shape[1:])) for tensor in model.outputs]
    _check_names(dataset, [name for name, _ in outputs])
    if len(outputs) == 1:
        return (_only_head(*outputs[0], dataset, objective, trained=trained),)
    return _several_heads(outputs, dataset, objective, trained=trained)


def _only_head(name: str, shape: Shape, dataset: Dataset, objective: Objective, *, trained: bool) -> Head:
    train, key = dataset.train, _key(name, dataset, objective)
    if objective == "distillation" and not trained:
        return Head(name, shape, "none", reason="a teacher's score is known only where the network is trained")
    if objective == "distillation":
        fit = f"training.objective {objective} needs a teacher's score, which is one number; end the model with a "
        return _head(name, shape, Truth("targets"), (1,), f"{fit}QDense layer of 1 unit", refused=True)
    if objective == "reconstruction":
        return _of_targets(name, shape, "events", train.events.shape[1:], dataset, objective, refused=trained)
    if key is not None:
        return _named(name, shape, key, dataset)
    if objective == "regression":
        if train.targets is not None:
            return _of_targets(name, shape, "targets", train.targets.shape[1:], dataset, objective, refused=trained)
        reason = (
            f"training.objective regression: the data set {dataset.name} has no targets; choose a data set with "
            "targets, name the array of a file in data.targets, or choose another objective"
        )
        return _unknown(name, shape, reason, refused=trained)
    if not dataset.classes:
        reason = (
            f"the data set {dataset.name} has no truth of the output {name}; name an array of the file in data.labels "
            "or data.targets"
        )
        return _unknown(name, shape, reason, refused=trained)
    classes = len(dataset.classes)
    fit = (
        f"the data set {dataset.name} has {classes} classes; end the model with a QDense layer of {classes} units (one "
        "logit per class)"
    )
    return _head(name, shape, Truth("classes", dataset.classes), (), fit, refused=trained)


def _several_heads(
    outputs: Sequence[tuple[str, Shape]], dataset: Dataset, objective: Objective, *, trained: bool
) -> tuple[Head, ...]:
    if trained and objective in ("reconstruction", "distillation"):
        raise ModelError(
            f"the model has {len(outputs)} outputs, and training.objective {objective} is for one; train it yourself, "
            "save it, and name the file in model.source"
        )
    names = ", ".join(name for name, _ in outputs)
    heads = tuple(
        _named(name, shape, name, dataset)
        if name in dataset.truths
        else Head(name, shape, "none", reason=f"no array is named for the output {name} in data.labels or data.targets")
        for name, shape in outputs
    )
    if trained and all(head.truth == "none" for head in heads):
        raise ModelError(
            f"the model has the outputs {names}, and the configuration does not say what they are to learn; name an "
            f"array for each in data.labels or data.targets, such as data.labels: {{{outputs[0][0]}: labels}}"
        )
    return heads


def _named(name: str, shape: Shape, key: str, dataset: Dataset) -> Head:
    """Return the head of an output for which the configuration names an array; it must fit."""
    truth, of_event = dataset.truths[key], dataset.train.truths[key].shape[1:]
    option = f"data.{'targets' if truth.kind == 'targets' else 'labels'}{f'.{key}' if key else ''}"
    if truth.kind == "targets":
        fit = f"{option} has {of_event} per event; end the model with a layer of {math.prod(of_event)} values"
    elif truth.kind == "mask":
        classes = len(truth.classes)
        fit = (
            f"{option} has the class of each of {of_event} pixels, of {classes} classes; end the model with as many "
            f"pixels and {classes} channels{', or one' if classes == 2 else ''}"
        )
    else:
        classes = len(truth.classes)
        fit = f"{option} has {classes} classes; end the model with a QDense layer of {classes} units"
    return _head(name, shape, truth, of_event, fit, refused=True)


def _of_targets(
    name: str, shape: Shape, what: str, of_event: Shape, dataset: Dataset, objective: Objective, *, refused: bool
) -> Head:
    fit = (
        f"training.objective {objective} needs that of the {what} of the data set {dataset.name}, {of_event}; end the "
        f"model with a layer of {math.prod(of_event)} values"
    )
    return _head(name, shape, Truth("targets"), of_event, fit, refused=refused)


def _head(name: str, shape: Shape, truth: Truth, of_event: Shape, fit: str, *, refused: bool) -> Head:
    """Return a head whose truth fits; otherwise one without truth, or raise an error that says what would fit."""
    if fits(truth, shape, of_event):
        return Head(name, shape, truth.kind, truth.classes)
    return _unknown(name, shape, f"the model's output {name} has shape {shape}, but {fit}", refused=refused)


def _unknown(name: str, shape: Shape, reason: str, *, refused: bool) -> Head:
    if refused:
        raise ModelError(reason)
    return Head(name, shape, "none", reason=reason.partition(";")[0])


def _key(name: str, dataset: Dataset, objective: Objective) -> str | None:
    """Return the key of what a file says of the only output."""
    if objective in ("reconstruction", "distillation"):
        return None
    return next((key for key in (name, ONLY) if key in dataset.truths), None)


def _check_names(dataset: Dataset, names: list[str]) -> None:
    """Check that the outputs exist for which the configuration names arrays."""
    for key, truth in dataset.truths.items():
        option = f"data.{'targets' if truth.kind == 'targets' else 'labels'}"
        if key == ONLY and len(names) > 1:
            raise ModelError(
                f"{option}: the model has {len(names)} outputs ({', '.join(names)}); say which the array is for, such "
                f"as {option}: {{{names[0]}: NAME}}"
            )
        if key != ONLY and key not in names:
            raise ModelError(f"{option}.{key}: the model has no such output; {did_you_mean(key, names)}")


def _check_inputs(model: Any, dataset: Dataset) -> None:
    taken, given = input_shapes(model), dataset.input_shapes
    if len(taken) != len(given):
        raise ModelError(
            f"the model has {len(taken)} inputs, the data set {dataset.name} gives {len(given)}; name one array per "
            f"input in data.events, in the order {', '.join(tensor.node.layer.name for tensor in model.inputs)}"
        )
    for number, (shape, offered) in enumerate(zip(taken, given, strict=True)):
        which = "" if len(given) == 1 else f" at input {number}"
        if shape != offered and len(shape) > 1 and shape == (offered[-1], *offered[:-1]):
            raise ModelError(
                f"the model takes events of shape {shape}{which}, the channels first; the data set {dataset.name} "
                f"gives {offered}, the channels last; build the model with data_format='channels_last', and copy its "
                "weights: only a dense layer behind a Flatten reads its weights in another order"
            )
        if shape != offered:
            raise ModelError(
                f"the model takes events of shape {shape}{which}, the data set {dataset.name} "
                f"gives {offered}; build the model with input_shape={offered}"
            )


def with_heads(dataset: Dataset, heads: tuple[Head, ...], objective: Objective) -> Dataset:
    """Return a data set with the truth of each output, by its name, in the shape that a loss takes.

    Args:
        dataset: The data set; with objective distillation, with the teacher's scores as targets, or without truth.
        heads: From `check_fits`.
        objective: As for `check_fits`.
    """

    def shaped(split: Split) -> Split:
        truths = {}
        for head in heads:
            array = None if head.truth == "none" else _array(head, split, dataset, objective)
            if array is not None:
                truths[head.name] = array.reshape(len(array), *head.truth_shape)
        return replace(split, truths=truths)

    return replace(
        dataset,
        heads=heads,
        truths={head.name: Truth(head.truth, head.classes) for head in heads if head.truth != "none"},
        train=shaped(dataset.train),
        validation=shaped(dataset.validation),
        test=shaped(dataset.test),
    )


def _array(head: Head, split: Split, dataset: Dataset, objective: Objective) -> npt.NDArray[Any] | None:
    if objective == "reconstruction":
        return split.events
    if objective == "distillation":
        return split.targets
    key = _key(head.name, dataset, objective)
    if key is not None:
        return split.truths[key]
    return split.labels if head.truth == "classes" else split.targets


def prepared(model: Any, dataset: Dataset, objective: Objective) -> Dataset:
    """Return a data set with the heads of a model that is to be trained; unchanged if it has them."""
    if dataset.heads:
        return dataset
    return with_heads(dataset, _heads(model, dataset, trained=True, objective=objective), objective)

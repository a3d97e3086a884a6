"""Losses and accuracies of the outputs of a network, and the classes that logits give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.keras2 import bring_up
from trigcnn.models.datasets import Split
from trigcnn.models.errors import ModelError
from trigcnn.models.heads import Head


def by_output(heads: Sequence[Head], values: Mapping[str, Any]) -> Any:
    """Return what Keras is given for each output: of one output alone its value, of several all by name."""
    return values[heads[0].name] if len(heads) == 1 else dict(values)


def learned(split: Split, heads: Sequence[Head]) -> dict[str, npt.NDArray[Any]]:
    """Return what the outputs are compared with, [events, ...], by name; an output without truth is left out.

    Raises:
        ModelError: There is nothing to learn.
    """
    found = {head.name: split.truths[head.name] for head in heads if head.name in split.truths}
    if not found:
        raise ModelError("there is nothing to learn: the events have neither labels nor targets")
    return found


def loss_and_metrics(heads: Sequence[Head]) -> tuple[Any, Any]:
    """Return Keras' losses, and accuracies where there are any, of all outputs that learn."""
    learn = [head for head in heads if head.truth != "none"]
    losses = {head.name: _loss(head) for head in learn}
    accuracies = {head.name: _accuracy(head) for head in learn if "accuracy" in head.figures}
    return by_output(heads, losses), by_output(heads, accuracies) if len(heads) > 1 or accuracies else []


def _loss(head: Head) -> Any:
    losses = bring_up().keras.losses
    if head.truth == "targets":
        return losses.MeanSquaredError()
    kind = losses.BinaryCrossentropy if head.one_logit else losses.SparseCategoricalCrossentropy
    return kind(from_logits=True)


def _accuracy(head: Head) -> list[Any]:
    metrics = bring_up().keras.metrics
    if head.one_logit:
        return [metrics.BinaryAccuracy(name="accuracy", threshold=0.0)]
    return [metrics.SparseCategoricalAccuracy(name="accuracy")]


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

"""Factors of the losses of events and classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.datasets import Dataset, Split
from trigcnn.models.errors import ModelError
from trigcnn.models.training.options import ClassWeights


def weights_by_class(dataset: Dataset, wanted: ClassWeights) -> tuple[float, ...]:
    """Return a factor per class.

    Args:
        dataset: The data set.
        wanted: `none`; `balanced`: inversely as many events as the class has in training, so that all classes count
            the same and the mean over events is 1; or factors by class name, 1 for classes that are not named.

    Returns:
        A factor per class; empty for `none`.

    Raises:
        ModelError: A name is no class, or the events' classes are not known.
    """
    if wanted == "none":
        return ()
    if not dataset.classes:
        raise ModelError("training.class_weights: the classes of the events are not known; remove the option")
    if wanted == "balanced":
        counts = np.bincount(dataset.train.labels, minlength=len(dataset.classes))
        if not counts.all():
            empty = dataset.classes[int(np.argmin(counts))]
            raise ModelError(
                f"training.class_weights: class {empty} has no training events; give factors by class name"
            )
        return tuple(float(counts.sum() / (len(counts) * count)) for count in counts)
    for name in wanted:
        if name not in dataset.classes:
            mend = did_you_mean(name, dataset.classes)
            raise ModelError(f"training.class_weights.{name}: no such class; {mend}")
    return tuple(wanted.get(name, 1.0) for name in dataset.classes)


def weights_by_event(split: Split, factors: Sequence[float]) -> npt.NDArray[np.float32] | None:
    """Return a weight per event [events]; None if all count the same.

    Args:
        split: Events. Their own weights are divided by their mean, so that the size of the loss does not depend on the
            weights' unit.
        factors: A factor per class, or none.
    """
    own = None if split.weights is None else split.weights / split.weights.mean(dtype=np.float64)
    if not factors:
        return None if own is None else own.astype(np.float32)
    of_class = np.asarray(factors, np.float32)[split.labels]
    return of_class if own is None else (own * of_class).astype(np.float32)

"""Factors of the losses of classes."""

from __future__ import annotations

import numpy as np

from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.datasets import Dataset
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
        ModelError: A name is no class.
    """
    if wanted == "none":
        return ()
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

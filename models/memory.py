"""Limits of a model's size, kept while Keras builds it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trigcnn.common.foreign import cut
from trigcnn.common.keras2 import bring_up
from trigcnn.models.damage import MOST_WEIGHTS_BYTES, in_words
from trigcnn.models.errors import ModelError

MOST_RESULTS = 2**22
"""Values of a layer's result for one event: four times those of the largest layers of networks for photographs."""
_WEIGHT_BYTES = 4


@contextmanager
def limited(where: str) -> Iterator[None]:
    """Refuse the weights that are too large, before memory is taken for them.

    Args:
        where: The model, for messages.

    Raises:
        ModelError: The weights that were built inside have more than `MOST_WEIGHTS_BYTES` together.
    """
    tf = bring_up().tf
    size, refused = 0, ModelError()

    def create(next_creator: Any, **options: Any) -> Any:
        nonlocal size, refused
        shape = tuple(options.get("shape") or ())
        size += _WEIGHT_BYTES * math.prod(shape)
        if size > MOST_WEIGHTS_BYTES:
            name = f"{tf.get_current_name_scope()}/{options.get('name')}"
            refused = ModelError(
                f"{where}, {cut(name)}: with the weights of shape {shape} the model has "
                f"{in_words(size)}, more than the limit of {in_words(MOST_WEIGHTS_BYTES)}; make this layer or its "
                "input smaller"
            )
            raise refused
        return next_creator(**options)

    try:
        with tf.variable_creator_scope(create):
            yield
    except Exception as error:
        # Keras wraps errors of its layers in its own.
        if refused.args:
            raise refused from error
        raise


def check_results(model: Any, where: str) -> None:
    """Check that a model has outputs, and the sizes of the results of its layers for one event.

    Raises:
        ModelError: It has no outputs, or a result has more than `MOST_RESULTS` values or an unknown number of axes.
    """
    by_depth = getattr(model, "_nodes_by_depth", {})
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    if nodes and not model.outputs:
        raise ModelError(f"{where}: the model has no outputs; build it with the outputs of its last layers")
    for node in nodes:
        for tensor in bring_up().tf.nest.flatten(node.outputs):
            layer = f"{where}, layer {cut(node.layer.name)}"
            if tensor.shape.rank is None:
                raise ModelError(
                    f"{layer}: its result has an unknown number of axes; begin the model with an Input of a known shape"
                )
            shape = tuple(length for length in tensor.shape.as_list()[1:] if length is not None)
            if math.prod(shape) > MOST_RESULTS:
                raise ModelError(
                    f"{layer}: its result has shape {shape}, {math.prod(shape)} values for one event, more than the "
                    f"limit of {MOST_RESULTS}; use smaller events or layers"
                )

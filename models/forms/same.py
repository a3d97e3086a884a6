"""A check that a model in another form computes the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from trigcnn.common.keras2 import bring_up
from trigcnn.models.errors import ModelError

_EVENTS = 16


def check_same(model: Any, form: Any) -> None:
    """Check that a model and its other form have equal float32 outputs on random events.

    Args:
        model: Keras 2 model.
        form: The same with known sizes; see `plain`.

    Raises:
        ModelError: They differ.
    """
    if model is form:
        return
    nest = bring_up().tf.nest
    generator = np.random.default_rng(0)
    events = [generator.normal(0, 1, (_EVENTS, *tensor.shape[1:])).astype(np.float32) for tensor in form.inputs]
    given = nest.pack_sequence_as(model._nested_inputs, events)
    try:
        expected, again = (nest.flatten(model(given, training=False)) for _ in range(2))
    except bring_up().tf.errors.OpError:
        # TensorFlow cannot compute it on this device, as with channels first; it is refused later.
        return
    if not all(np.array_equal(*pair, equal_nan=True) for pair in zip(expected, again, strict=True)):
        # A random model; it is refused later.
        return
    found = nest.flatten(form(events if len(events) > 1 else events[0], training=False))
    for name, one, other in zip(form.output_names, expected, found, strict=True):
        if not np.array_equal(one, other, equal_nan=True):
            difference = float(np.max(np.abs(np.subtract(one, other))))
            raise ModelError(
                f"the model {model.name} computes something else as a plain graph of layers: output {name} differs by "
                f"up to {difference:g}; please report this model"
            )

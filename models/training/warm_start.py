"""Training that begins with the weights of another network."""

from __future__ import annotations

from typing import Any


def begin_with(model: Any, other: Any) -> list[str]:
    """Return a network the weights of another, in all layers of the same name whose weights have the same shapes.

    Args:
        model: Keras model; changed in place.
        other: Keras model.

    Returns:
        Names of the layers that were given weights, in the order of the model.
    """
    theirs = {layer.name: layer.get_weights() for layer in other.layers}
    taken = []
    for layer in model.layers:
        weights = theirs.get(layer.name)
        own = layer.get_weights()
        if weights and [each.shape for each in own] == [each.shape for each in weights]:
            layer.set_weights(weights)
            taken.append(layer.name)
    return taken

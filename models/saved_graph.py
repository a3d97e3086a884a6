"""Check of how the layers of a saved model feed each other, before Keras builds them.

Keras calls each layer once its inputs exist, and looks for the next such layer for ever: read in tf_keras 2.21,
`functional.py:reconstruct_from_config`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trigcnn.common.foreign import cut
from trigcnn.models.errors import ModelError

_MODELS = ("Functional", "Model", "Sequential")
_CONSTANT = "_CONSTANT_VALUE"
# The time that Keras takes grows with the square.
_MOST_LAYERS = 5_000
_SHOWN = 8

_Call = list[tuple[str, Any]]
"""The layers that a call of a layer waits for, each with the number of its call."""


def check_order(config: Any, path: Path) -> None:
    """Check that every layer of a model, and of the models in it, can be called.

    Args:
        config: The JSON of the model, in the notation of Keras 2.
        path: The model's file, for messages.

    Raises:
        ModelError: Layers wait for each other or for a call that does not exist, with their names; or the model has
            more than 5,000 layers.
    """
    waiting = [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            layers = node.get("layers")
            if isinstance(layers, list):
                _check(layers, path)
            waiting += node.values()


def _check(layers: list[Any], path: Path) -> None:
    if len(layers) > _MOST_LAYERS:
        raise ModelError(
            f"{path}: a model of {len(layers)} layers, more than {_MOST_LAYERS}, which no device holds; save a smaller "
            "model"
        )
    found = [layer for layer in layers if isinstance(layer, dict) and isinstance(layer.get("name"), str)]
    # Keras counts how a model with inputs was made as its first call.
    done = {layer["name"]: int(layer.get("class_name") in _MODELS) for layer in found}
    inputs = {layer["name"] for layer in found if layer.get("class_name") == "InputLayer"}
    calls: dict[str, list[_Call]] = {}
    for layer in found:
        nodes = layer.get("inbound_nodes")
        if layer["name"] not in inputs and isinstance(nodes, list):
            calls.setdefault(layer["name"], []).extend(list(_references(node)) for node in nodes)

    def ready(name: str, number: Any) -> bool:
        return name in inputs or (isinstance(number, int) and 0 <= number < done.get(name, 0))

    progress = True
    while progress:
        progress = False
        for name, own in calls.items():
            while own and all(ready(*reference) for reference in own[0]):
                del own[0]
                done[name] += 1
                progress = True
    stuck = [name for name, own in calls.items() if own]
    if stuck:
        more = f" and {len(stuck) - _SHOWN} more" if len(stuck) > _SHOWN else ""
        shown = ", ".join(repr(cut(name, 60)) for name in stuck[:_SHOWN])
        what = "layer" if len(stuck) == 1 else "layers"
        raise ModelError(
            f"{path}, {what} {shown}{more}: nothing gives them their inputs, they wait for each other or for what "
            "does not exist; the file is damaged: save the model again"
        )


def _references(node: Any) -> Iterator[tuple[str, Any]]:
    """Return what a call refers to: lists of layer, number of its call, number of the result, and arguments."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list):
            if len(part) in (3, 4) and isinstance(part[0], str):
                if part[0] != _CONSTANT:
                    yield part[0], part[1]
                waiting += part[3:]
            else:
                waiting += part

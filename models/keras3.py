"""Models that Keras 3 saved with qkeras-v3, read as models of Keras 2 and QKeras.

Both write the same classes with the same arguments, in another notation. The configuration is translated and then
checked like any other; the weights are read from the archive and given to the layers.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from trigcnn.common.foreign import cut
from trigcnn.models.damage import DAMAGED
from trigcnn.models.errors import ModelError
from trigcnn.models.saved_file import WEIGHTS, read_weights

_SAVE_AGAIN = "save it with tf_keras (TF_USE_LEGACY_KERAS=1), or build it with file.py:function"
# Operators on two tensors that have a layer.
_OPERATIONS = frozenset("Add Subtract Multiply Maximum Minimum".split())
_MODELS = {"Functional": "keras.src.engine.functional", "Model": "keras", "Sequential": "keras"}
_RENAMED = {("LeakyReLU", "negative_slope"): "alpha", ("InputLayer", "batch_shape"): "batch_input_shape"}
# Options of every layer in Keras 2.
_GENERAL = frozenset({"name", "trainable", "dtype", "batch_input_shape"})


def translated(config: Any, classes: dict[str, type], path: Path) -> Any:
    """Return the configuration of a model in the notation of Keras 2.

    Args:
        config: The JSON of a `.keras` file of Keras 3.
        classes: The classes of Keras 2 and QKeras by name.
        path: The file, for messages.

    Raises:
        ModelError: A layer has an option that Keras 2 and QKeras do not know.
    """
    try:
        return _Translation(classes, path).object(config)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: its configuration is not one that Keras 3 writes ({type(error).__name__}: {cut(error)}); "
            f"{_SAVE_AGAIN}"
        ) from error


class _Translation:
    def __init__(self, classes: dict[str, type], path: Path) -> None:
        self._classes, self._path = classes, path

    def object(self, node: dict[str, Any]) -> dict[str, Any]:
        """Translate a serialized layer, model or quantizer."""
        kind, module = node["class_name"], node.get("module")
        if kind == "function":
            # The name of an activation.
            return node["config"]  # type: ignore[no-any-return]
        config = dict(node["config"])
        if kind in _MODELS:
            config = self._model(config)
            module = _MODELS[kind]
        else:
            config = dict(self._options(kind, config))
        if str(module).startswith("keras.src.ops"):
            # An operator; a class that has no layer is refused by its module.
            module = "keras.layers" if kind in _OPERATIONS else module
        # Keras 2 looks up classes by this name first.
        registered = kind if str(module).startswith("qkeras") else None
        made = {"module": module, "class_name": kind, "config": config, "registered_name": registered}
        if "inbound_nodes" in node:
            made |= {"name": node["name"], "inbound_nodes": node["inbound_nodes"]}
        return made

    def _model(self, config: dict[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {key: config[key] for key in ("name", "trainable", "build_input_shape") if key in config}
        layers = kept["layers"] = [self.object(layer) for layer in config["layers"]]
        # Keras 2 counts how a model with inputs was made as its first call.
        inner = {layer["config"]["name"] for layer in layers if layer["class_name"] in _MODELS and _has_input(layer)}
        for layer in layers:
            if "inbound_nodes" in layer:
                layer["inbound_nodes"] = [_calls(call, inner) for call in layer["inbound_nodes"]]
        for ends in ("input_layers", "output_layers"):
            if ends in config:
                given = config[ends]
                ends_of = [given] if isinstance(given, list) and isinstance(given[0], str) else given
                kept[ends] = _shifted(ends_of, inner)
        return kept

    def _options(self, kind: str, config: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        known = _arguments(self._classes.get(kind))
        for key, value in config.items():
            name = _RENAMED.get((kind, key), key)
            if name.endswith("_initializer"):
                # The weights follow.
                continue
            if name == "dtype" and isinstance(value, dict):
                yield name, value["config"]["name"]
            elif isinstance(value, dict) and "class_name" in value:
                yield name, self.object(value)
            elif known is None or name in known or name in _GENERAL:
                yield name, value
            elif value not in (None, False, {}, []):
                raise ModelError(
                    f"{self._path}, layer {config.get('name', kind)!r}: {name}={value!r} of the {kind} is not known to "
                    f"QKeras and Keras 2; leave it at its default, or {_SAVE_AGAIN}"
                )


def _arguments(found: type | None) -> frozenset[str] | None:
    """Return the arguments of a class, those of its bases included; None for an unknown class."""
    if found is None:
        return None
    makers = [vars(base)["__init__"] for base in found.__mro__ if "__init__" in vars(base)]
    return frozenset(name for maker in makers for name in inspect.signature(maker).parameters)


def _shifted(ends: Any, inner: set[str]) -> Any:
    if isinstance(ends, dict):
        return {key: _shifted([end], inner)[0] for key, end in ends.items()}
    return [[name, number + int(name in inner), result] for name, number, result in ends]


def _has_input(model: dict[str, Any]) -> bool:
    layers = model["config"]["layers"]
    return bool(layers) and layers[0]["class_name"] == "InputLayer"


def _calls(call: dict[str, Any], inner: set[str]) -> list[Any]:
    """Return how a layer is called: name, number of the call, number of the result and options of each input."""
    (given,) = call["args"] if len(call["args"]) == 1 else [call["args"]]
    tensors = given if isinstance(given, list) else [given]
    options = {key: value for key, value in call["kwargs"].items() if value is not None}
    sources = [tensor["config"]["keras_history"] for tensor in tensors]
    return [[name, number + int(name in inner), result, options] for name, number, result in sources]


def set_weights(model: Any, path: Path) -> None:
    """Give a model the weights of a `.keras` file of Keras 3.

    Args:
        model: The model of the translated configuration.
        path: The file.

    Raises:
        ModelError: The weights are missing, or not those of the model.
    """
    try:
        with h5py.File(read_weights(path), "r") as file:
            _fill(model, file, path)
    except (*DAMAGED, AttributeError) as error:
        raise ModelError(f"{path}: its {WEIGHTS} cannot be read ({cut(error)}); save the model again") from error


def _fill(model: Any, group: Any, path: Path) -> None:
    groups = {part["vars"].attrs.get("name", name): part for name, part in group["layers"].items() if "vars" in part}
    for layer in model.layers:
        if hasattr(layer, "layers"):
            _fill(layer, groups[layer.name], path)
            continue
        if not layer.weights:
            continue
        found = [_array(each) for _, each in sorted(groups[layer.name]["vars"].items(), key=lambda item: int(item[0]))]
        wanted = [tuple(weight.shape) for weight in layer.weights]
        if [part.shape for part in found] != wanted:
            raise ModelError(
                f"{path}, layer {layer.name!r}: Keras 3 keeps the weights of a {type(layer).__name__} in another way "
                f"({[part.shape for part in found]}, not {wanted}); {_SAVE_AGAIN}"
            )
        layer.set_weights(found)


def _array(dataset: Any) -> npt.NDArray[np.float32]:
    return np.asarray(dataset[()], np.float32)

"""Checks of a saved model's configuration, before Keras reads it.

Keras imports the modules and calls the classes that a file names. Its `safe_mode` covers only `.keras` files, and
there only pickled functions. So a configuration may name only the classes that a trained network is made of.

QKeras evaluates text such as "quantized_bits(6,0)". Read in qkeras 0.9.0, `safe_eval.py`: without Python's
`eval`, but it calls whatever `qkeras.quantizers` has of that name in its globals, `set_internal_sigmoid` and
`deserialize_keras_object` too. So such text must name a quantizer and have plain arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trigcnn.common.foreign import cut
from trigcnn.models.errors import ModelError

_OWN_CODE = "use file.py:function for own Python code"
# Plain values that Keras marks with a class name; no code is called for them but their own constructor.
_VALUES = frozenset({"__tuple__", "__ellipsis__", "__numpy__", "__tensor__", "__bytes__", "TensorShape"})
# What Keras makes of `x + y` and `x[:, 1:]`.
_OPERATOR_LAYERS = ("TFOpLambda", "SlicingOpLambda")
# Layers that run functions or graphs of the file, or read other files that it names.
_REFUSED = frozenset({"Lambda", "TFSMLayer", "StringLookup", "IntegerLookup", "TextVectorization"})
_NO_FUNCTION = frozenset({"get", "serialize", "deserialize"})

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_VALUE = rf"(?:{_NUMBER}|True|False|'\w*'|\"\w*\")"
_ARGUMENT = rf"\s*(?:[A-Za-z]\w*\s*=\s*)?{_VALUE}\s*"
_CALL = re.compile(rf"(?P<name>[A-Za-z]\w*)(?:\((?:{_ARGUMENT}(?:,{_ARGUMENT})*)?\))?")
_EVALUATED_KEY = re.compile(r"quantizer|activation$|_(?:initializer|regularizer|constraint)$|^initializer$")


@dataclass(frozen=True)
class _Names:
    """What a configuration may name.

    Attributes:
        classes: For each class name the modules that it may be said to be from.
        functions: What may be named as text: activations, quantizers, initializers and the like.
        quantizers: Those that may be called in text, as "quantized_bits(6,0)".
        operators: Functions of TensorFlow that Keras' layers for operators may call.
    """

    classes: dict[str, frozenset[str]]
    functions: frozenset[str]
    quantizers: frozenset[str]
    operators: frozenset[str]


@dataclass(frozen=True)
class _Place:
    """Where in a configuration something is, for messages."""

    path: Path
    layer: str

    def __str__(self) -> str:
        return f"{self.path}, {self.layer}"


def check_config(config: Any, path: Path, names: _Names) -> None:
    """Check that a configuration names only classes and functions of tf_keras and QKeras.

    Args:
        config: The JSON of the model.
        path: The model's file, for messages.
        names: What it may name.

    Raises:
        ModelError: Names the layer, the class and the fix.
    """
    if not isinstance(config, dict) or "class_name" not in config:
        raise ModelError(f"{path}: its configuration is not a Keras model; save it with model.save")
    # Keras is told not to compile, and drops this part of the outermost model unread.
    rest = {key: value for key, value in config.items() if key != "compile_config"}
    try:
        _walk(rest, "", _Place(path, "the model"), names)
    except RecursionError as error:
        raise ModelError(f"{path}: its configuration is nested too deeply; save the model again") from error


def _walk(node: Any, key: str, where: _Place, names: _Names) -> None:
    """Check a part of the configuration, found under `key` in the layer that `where` names."""
    if isinstance(node, str):
        _check_text(node, key, where, names)
    elif isinstance(node, list):
        for item in node:
            _walk(item, key, where, names)
    elif isinstance(node, dict):
        if "class_name" in node:
            where = _check_object(node, where, names)
        for inner, value in node.items():
            if not (inner == "name" and isinstance(value, str)):
                _walk(value, inner, where, names)


def _check_object(node: dict[str, Any], where: _Place, names: _Names) -> _Place:
    """Check one serialized object, and name its layer for what is found inside."""
    class_name, module = node["class_name"], node.get("module")
    config = node.get("config")
    if isinstance(config, dict) and isinstance(config.get("name"), str):
        where = _Place(where.path, f"layer {cut(config['name'])!r}")
    if isinstance(class_name, str) and class_name in _VALUES:
        return where
    if isinstance(class_name, str) and class_name in _OPERATOR_LAYERS:
        _check_operator(config, class_name, where, names)
        return where
    if not isinstance(class_name, str) or class_name not in names.classes:
        raise ModelError(f"{where}: its class {cut(repr(class_name))} {_why_refused(class_name)}; {_OWN_CODE}")
    if node.get("registered_name") not in (None, class_name):
        raise ModelError(
            f"{where}: its class {class_name!r} is registered as {cut(repr(node['registered_name']))}, which is not "
            f"part of tf_keras or QKeras; {_OWN_CODE}"
        )
    if module is not None and _modern(module) not in names.classes[class_name]:
        raise ModelError(
            f"{where}: its class {class_name!r} is said to be from the module {cut(repr(module))}, where tf_keras and "
            f"QKeras have no such class; {_OWN_CODE}"
        )
    return where


def _check_operator(config: Any, class_name: str, where: _Place, names: _Names) -> None:
    """Check which function of TensorFlow a layer for operators calls: Keras looks up any name."""
    function = config.get("function") if isinstance(config, dict) else None
    if not isinstance(function, str) or function not in names.operators:
        raise ModelError(
            f"{where}: its class {class_name!r} calls tf.{str(function)[:80]}, in whose place there is no layer; use a "
            "layer of docs/admission.md, and give the new model the weights of this one with set_weights"
        )


def _why_refused(class_name: Any) -> str:
    if class_name in ("Lambda", "function", "__lambda__"):
        return "is or calls a function, which a saved model cannot bring along safely"
    if class_name == "PruneLowMagnitude":
        return "is a wrapper for pruning: save the model after strip_pruning"
    if isinstance(class_name, str) and class_name in _REFUSED:
        return "runs code or reads files that the model's file names"
    return "is not one of tf_keras or QKeras"


def _check_text(text: str, key: str, where: _Place, names: _Names) -> None:
    """Check text that Keras or QKeras may use as the name of a function or as a call."""
    if "(" not in text and not _EVALUATED_KEY.search(key):
        return
    match = _CALL.fullmatch(text)
    allowed = names.quantizers if "(" in text else names.functions
    if match is None or match["name"] not in allowed:
        raise ModelError(
            f"{where}: {cut(key)} {cut(text)!r} is no quantizer, activation or the like of tf_keras or QKeras; "
            f"write it as for example quantized_bits(6,0,alpha=1), or {_OWN_CODE}"
        )


def _modern(module: Any) -> str:
    """The module's name as this version of Keras has it: `keras` inside files is `tf_keras` here."""
    text = str(module)
    return f"tf_{text}" if text == "keras" or text.startswith("keras.") else text


def allowed(keras: Any, qkeras: Any, custom_objects: dict[str, Any], operators: Iterable[str]) -> _Names:
    """Collect the classes that a trained network is made of, and the functions that it names as text.

    Args:
        keras: The module `tf_keras`.
        qkeras: The module `qkeras`.
        custom_objects: Further classes by name.
        operators: Functions of TensorFlow, by its names of them, that layers for operators may call.
    """
    classes: dict[str, set[str]] = {}
    bases = (
        keras.layers.Layer,
        keras.initializers.Initializer,
        keras.regularizers.Regularizer,
        keras.constraints.Constraint,
        keras.losses.Loss,
        keras.metrics.Metric,
        keras.optimizers.Optimizer,
        keras.optimizers.schedules.LearningRateSchedule,
    )
    places = [keras, keras.layers, keras.initializers, keras.regularizers, keras.constraints, keras.losses]
    places += [keras.metrics, keras.optimizers, keras.optimizers.schedules]
    for place in places:
        for name, found in _classes_in(vars(place), bases):
            classes.setdefault(name, set()).update({_modern(place.__name__), found.__module__})
    # What model.save calls a model of the functional API; it has no public name.
    functional = keras.Sequential.__mro__[1]
    classes.setdefault(functional.__name__, set()).add(functional.__module__)
    quantizers = {name for name, _ in _classes_in(vars(qkeras.quantizers), (qkeras.quantizers.BaseQuantizer,))}
    own = vars(qkeras) | custom_objects
    for name, found in _classes_in(own, (*bases, qkeras.quantizers.BaseQuantizer)):
        classes.setdefault(name, set()).update({"qkeras", found.__module__})
    functions = {
        name
        for place in (keras.activations, keras.initializers, keras.regularizers, keras.constraints)
        for name, found in vars(place).items()
        if callable(found) and name not in _NO_FUNCTION and not name.startswith("_")
    }
    # QKeras' activations that are functions are named like this one.
    functions |= {name for name in vars(qkeras.quantizers) if name.endswith(("_sigmoid", "_tanh"))}
    functions -= {"set_internal_sigmoid"}
    return _Names(
        {name: frozenset(modules) for name, modules in classes.items() if name not in _REFUSED},
        frozenset(functions | quantizers),
        frozenset(quantizers),
        frozenset(operators),
    )


def _classes_in(objects: dict[str, Any], bases: tuple[type, ...]) -> Iterator[tuple[str, type]]:
    for name, found in objects.items():
        if isinstance(found, type) and issubclass(found, bases) and not name.startswith("_"):
            yield name, found

"""The one place that brings up TensorFlow with Keras 2 and QKeras."""

from __future__ import annotations

import functools
import math
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trigcnn.common.errors import KerasError

_BATCH = 256
# Without a graph, a batch takes a tenth of the time that tracing takes.
_FEW_BATCHES = 8


class Keras2(NamedTuple):
    """The modules that belong together."""

    tf: Any
    keras: Any
    qkeras: Any


@functools.cache
def bring_up() -> Keras2:
    """Import TensorFlow, Keras 2 (`tf_keras`) and QKeras; takes some seconds the first time.

    Raises:
        KerasError: TensorFlow was imported before, with Keras 3.
    """
    if "tensorflow" in sys.modules and os.environ.get("TF_USE_LEGACY_KERAS") != "1":
        raise KerasError(
            "TensorFlow was imported with Keras 3 before trigcnn, but QKeras needs Keras 2; "
            "set the environment variable TF_USE_LEGACY_KERAS=1 before TensorFlow is imported"
        )
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if not hasattr(np, "product"):
        # QKeras 0.9.0 calls np.product, which NumPy 2 no longer has.
        np.product = np.prod  # type: ignore[attr-defined]
    with warnings.catch_warnings(), _quiet_standard_error(), _without_keras_3():
        warnings.simplefilter("ignore")
        import qkeras
        import tensorflow as tf
        import tf_keras as keras
    _let_hswish_be_loaded(qkeras.quantizers.quantized_hswish)
    _let_qactivation_be_loaded(qkeras)
    _let_autograph_pass_qkeras()
    tf.get_logger().setLevel("ERROR")
    # TensorFlow fuses convolutions with what follows, also grouped ones, which its fused kernel for CPUs without
    # AVX-512 VNNI refuses ("Fused conv implementation does not support grouped convolutions").
    tf.config.optimizer.set_experimental_options({"remapping": False})
    for gpu in tf.config.list_physical_devices("GPU"):
        # Others may want some of its memory too.
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    return Keras2(tf, keras, qkeras)


def _let_hswish_be_loaded(quantizer: Any) -> None:
    """Let `quantized_hswish` be made from its own configuration, and be printed.

    In QKeras 0.9.0, the configuration has an argument more than the constructor, and `__str__` fails an assertion.
    """

    def from_config(own: Any, config: dict[str, Any]) -> Any:
        return own(**{name: value for name, value in config.items() if name != "keep_negative"})

    def text(own: Any) -> str:
        return f"quantized_hswish({', '.join(f'{name}={value}' for name, value in own.get_config().items())})"

    quantizer.from_config = classmethod(from_config)
    quantizer.__str__ = text


def _let_qactivation_be_loaded(qkeras: Any) -> None:
    """Let `QActivation(quantized_bits(...))` be loaded from a `.keras` file.

    QKeras 0.9.0 takes the configuration of a quantizer for the quantizer itself; from `.h5` files Keras has already
    made the object.
    """

    def from_config(own: Any, config: dict[str, Any]) -> Any:
        activation = config["activation"]
        if isinstance(activation, dict):
            activation = qkeras.get_quantizer(activation)
        return own(**(config | {"activation": activation}))

    qkeras.QActivation.from_config = classmethod(from_config)


def _let_autograph_pass_qkeras() -> None:
    """Let TensorFlow trace QKeras' code as it is, as it does with the code of Keras.

    AutoGraph rewrites the source of what TensorFlow does not know, so that `if` and `for` may depend on tensors. In
    QKeras they depend on options alone (TensorFlow would raise otherwise), and the rewriting takes four times as long
    as all else that loading a model needs.
    """
    from tensorflow.python.autograph.core import config

    config.CONVERSION_RULES = (config.DoNotConvert("qkeras"), *config.CONVERSION_RULES)


@contextmanager
def _without_keras_3() -> Iterator[None]:
    """Let nothing import Keras 3, which brings scikit-learn, SciPy's statistics and Matplotlib along.

    TensorFlow's toolkit for pruning, which QKeras imports, looks for a module of Keras 2.12 in it and does without:
    a third of the time that all imports take.
    """
    missing = "keras" not in sys.modules
    if missing:
        sys.modules["keras"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if missing:
            del sys.modules["keras"]


def device() -> str:
    """Name what TensorFlow computes on: the GPUs that it sees, or else the CPU."""
    tf = bring_up().tf
    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
    return ", ".join(names) or "CPU"


@contextmanager
def _quiet_standard_error() -> Iterator[None]:
    """Drop what TensorFlow's C++ prints while it is loaded, before it reads its own log level.

    An import that fails raises, and so is not lost.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def custom_objects() -> dict[str, Any]:
    """Return QKeras' layers and quantizers by name, for Keras' functions that load models."""
    qkeras = bring_up().qkeras
    return {name: value for name, value in vars(qkeras).items() if isinstance(value, type)}


def made_again(layer: Any, **changed: Any) -> Any:
    """Return a new layer with the configuration of another one, in which Keras may find QKeras' quantizers.

    Args:
        layer: The layer.
        changed: Fields of the configuration that are others.
    """
    with bring_up().keras.utils.custom_object_scope(custom_objects()):
        return type(layer).from_config({**layer.get_config(), **changed})


def inputs_of(model: Any, events: npt.NDArray[Any]) -> Any:
    """Split events for a model of several inputs, whose parts lie one after the other in an event."""
    shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    if len(shapes) == 1:
        return events
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    parts: list[npt.NDArray[Any]] = np.split(events, ends[:-1], axis=1)
    return [part.reshape(len(events), *shape) for part, shape in zip(parts, shapes, strict=True)]


def predict(model: Any, events: npt.NDArray[Any], batch_size: int = 256) -> npt.NDArray[np.float32]:
    """Evaluate a model on events, without a word on the terminal.

    Returns:
        [events, ...]; of a model with several outputs one row per event, the outputs one after the other.
    """
    outputs = model.predict(inputs_of(model, events), batch_size=batch_size, verbose=0)
    if not isinstance(outputs, list):
        return np.asarray(outputs)
    return np.concatenate([part.reshape(len(events), -1) for part in outputs], axis=1)


def evaluate(model: Any, inputs: list[npt.NDArray[Any]]) -> Any:
    """Return what `model.predict` returns, sooner where there are few events.

    `predict` first traces the model into a graph, which takes longer than some batches do without one.

    Args:
        model: Functional or Sequential model.
        inputs: One array [events, ...] for each input of the model.
    """
    events = len(inputs[0])
    given = inputs if len(inputs) > 1 else inputs[0]
    if not 0 < events <= _FEW_BATCHES * _BATCH:
        return model.predict(given, batch_size=_BATCH, verbose=0)
    nest = bring_up().tf.nest
    parts = []
    for start in range(0, events, _BATCH):
        some = [part[start : start + _BATCH] for part in inputs]
        parts.append(model(some if len(some) > 1 else some[0], training=False))
    return nest.map_structure(lambda *values: np.concatenate([np.asarray(value) for value in values]), *parts)

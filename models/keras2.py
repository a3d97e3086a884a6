"""The one place that brings up TensorFlow with Keras 2 and QKeras."""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from models.errors import ModelError


class Keras2(NamedTuple):
    """The modules that belong together."""

    tf: Any
    keras: Any
    qkeras: Any


@functools.cache
def bring_up() -> Keras2:
    """Import TensorFlow, Keras 2 (`tf_keras`) and QKeras; takes some seconds the first time.

    Raises:
        ModelError: TensorFlow was imported before, with Keras 3.
    """
    if "tensorflow" in sys.modules and os.environ.get("TF_USE_LEGACY_KERAS") != "1":
        raise ModelError(
            "TensorFlow was imported with Keras 3 before trigcnn, but QKeras needs Keras 2; "
            "set the environment variable TF_USE_LEGACY_KERAS=1 before TensorFlow is imported"
        )
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if not hasattr(np, "product"):
        # QKeras 0.9.0 calls np.product, which NumPy 2 no longer has.
        np.product = np.prod  # type: ignore[attr-defined]
    with warnings.catch_warnings(), _quiet_standard_error():
        warnings.simplefilter("ignore")
        import qkeras
        import tensorflow as tf
        import tf_keras as keras
    tf.get_logger().setLevel("ERROR")
    return Keras2(tf, keras, qkeras)


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
    """Give QKeras' layers and quantizers by name, for Keras' functions that load models."""
    qkeras = bring_up().qkeras
    return {name: value for name, value in vars(qkeras).items() if isinstance(value, type)}


def predict(model: Any, events: np.ndarray[Any, np.dtype[Any]], batch_size: int = 256) -> Any:
    """Evaluate a model on events, without a word on the terminal.

    Returns:
        float32 array [events, ...], or a list of them for a model with several outputs.
    """
    return model.predict(events, batch_size=batch_size, verbose=0)

"""Teachers: float networks that are too large for hardware, whose output a small network learns."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from trigcnn.common.keras2 import bring_up
from trigcnn.models import zoo
from trigcnn.models.datasets import Dataset
from trigcnn.models.errors import ModelError
from trigcnn.models.float_twin import float_twin
from trigcnn.models.source import call_builder


def calorimeter_autoencoder(
    input_shape: tuple[int, ...], *, filters: tuple[int, int] = (20, 30), latent_units: int = 80
) -> Any:
    """Build a convolutional auto-encoder of images, after the teacher of CMS' CICADA trigger.

    Args:
        input_shape: (height, width, channels), the first two even.
        filters: Filters of the outer and the inner 3x3 convolutions.
        latent_units: Units of the narrow layer in the middle.

    Raises:
        ModelError: The events have another shape.
    """
    keras = bring_up().keras
    layers = keras.layers
    if len(input_shape) != 3 or input_shape[0] % 2 or input_shape[1] % 2:
        raise ModelError(
            f"training.distillation.teacher calorimeter_autoencoder takes images (height, width, channels) of even "
            f"height and width, not {input_shape}; choose another teacher"
        )
    outer, inner = filters
    half = (input_shape[0] // 2, input_shape[1] // 2, inner)
    options = {"padding": "same", "activation": "relu"}
    x = inputs = keras.Input(input_shape, name="events")
    x = layers.Conv2D(outer, 3, **options)(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2D(inner, 3, **options)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(latent_units, activation="relu", name="latent")(x)
    x = layers.Dense(math.prod(half), activation="relu")(x)
    x = layers.Reshape(half)(x)
    x = layers.Conv2D(inner, 3, **options)(x)
    x = layers.UpSampling2D(2)(x)
    x = layers.Conv2D(outer, 3, **options)(x)
    return keras.Model(inputs, layers.Conv2D(input_shape[-1], 3, padding="same")(x), name="calorimeter_autoencoder")


_TEACHERS: dict[str, Callable[..., Any]] = {"calorimeter_autoencoder": calorimeter_autoencoder}


def build(name: str, dataset: Dataset, options: dict[str, Any]) -> Any:
    """Build a teacher for a data set: one of this module, or the float twin of a network of the zoo.

    Args:
        name: Its name.
        dataset: The data set whose events it is to reconstruct.
        options: Of the builder.

    Raises:
        ModelError: There is none of this name, or the builder cannot use the options or the events.
    """
    offered = {
        **({"input_shapes": dataset.parts} if dataset.parts else {"input_shape": dataset.input_shape}),
        "classes": dataset.input_shape[-1],
        "input_format": dataset.input_format,
    }
    if name in _TEACHERS:
        return call_builder(_TEACHERS[name], offered=offered, options=options)
    if name not in zoo.available():
        known = ", ".join([*_TEACHERS, *zoo.available()])
        raise ModelError(f"training.distillation.teacher {name!r} is not known; choose one of {known}")
    return float_twin(call_builder(zoo.builder(name), offered=offered, options=options), with_weights=False)

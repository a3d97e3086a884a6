"""Write the models of this folder, with Keras 3 and qkeras-v3, and what they compute.

Run it in an environment of its own, since QKeras for Keras 2 has the same import name:

    python -m venv keras3 && keras3/bin/pip install qkeras-v3==1.2.1 tensorflow
    keras3/bin/python tests/data/keras3/write.py
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from qkeras import (
    QActivation,
    QConv1D,
    QConv2D,
    QDense,
    QDepthwiseConv2D,
    binary,
    quantized_bits,
    quantized_po2,
    quantized_relu,
    ternary,
)


def bits(width: int = 6, integer: int = 0, **options: Any) -> Any:
    return quantized_bits(width, integer, **{"alpha": 1, **options})


def both(quantizer: Any = None) -> dict[str, Any]:
    return {"kernel_quantizer": quantizer or bits(), "bias_quantizer": bits(8, 2)}


def images() -> Any:
    """Convolutions, normalization, pooling and a residual sum."""
    x = given = keras.Input((6, 6, 2), name="events")
    x = QActivation(bits(), name="first")(x)
    x = y = QConv2D(3, 3, padding="same", name="conv", **both())(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = QActivation(quantized_relu(6, 2), name="relu")(x)
    x = QDepthwiseConv2D(3, padding="same", depthwise_quantizer=bits(4), bias_quantizer=bits(8, 2), name="depthwise")(x)
    x = layers.Dropout(0.2, name="drop")(layers.MaxPooling2D(2, name="pool")(layers.Add(name="sum")([x, y])))
    x = layers.LeakyReLU(negative_slope=0.25, name="leaky")(QActivation(bits(8, 3), name="middle")(x))
    return keras.Model(given, QDense(3, name="out", **both())(layers.Flatten(name="flat")(x)), name="images")


def branches() -> Any:
    """Two inputs through one inner model, operators, text for quantizers, and two outputs."""
    inner = keras.Sequential(
        [
            keras.Input((10, 2)),
            QActivation("quantized_bits(6,0,alpha=1)", name="first"),
            QConv1D(4, 3, strides=2, name="conv", **both(ternary(alpha=1))),
            QActivation("quantized_tanh(6)", name="tanh"),
            layers.Flatten(name="flat"),
        ],
        name="inner",
    )
    a, b = keras.Input((10, 2), name="a"), keras.Input((10, 2), name="b")
    x = inner(a) + inner(b)
    x = QActivation(quantized_bits(6, 1, alpha=1), name="middle")(x)
    outputs = [
        QDense(3, name="logits", **both(binary(alpha=1)))(x),
        QDense(1, name="energy", use_bias=False, kernel_quantizer=quantized_po2(4))(x),
    ]
    return keras.Model([a, b], outputs, name="branches")


def seeded(model: Any) -> Any:
    """Set weights that do not depend on how Keras draws them; variances and factors are positive."""
    rng = np.random.default_rng(5)
    for weight in model.weights:
        if "seed" not in weight.path:
            positive = "variance" in weight.path or "gamma" in weight.path
            weight.assign(rng.uniform(0.5, 1.5, weight.shape) if positive else rng.normal(0, 0.5, weight.shape))
    return model


def events(model: Any) -> Iterator[Any]:
    rng = np.random.default_rng(6)
    for tensor in model.inputs:
        yield rng.integers(-32, 32, (32, *tensor.shape[1:])).astype(np.float32) / 32


def compress(path: Path) -> None:
    """Pack an archive again: Keras does not compress it."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


if __name__ == "__main__":
    here = Path(__file__).parent
    for build in (images, branches):
        model = seeded(build())
        given = list(events(model))
        results = model.predict(given if len(given) > 1 else given[0], verbose=0)
        results = results if isinstance(results, list) else [results]
        arrays = {f"events_{number}": part for number, part in enumerate(given)}
        np.savez_compressed(
            here / f"{model.name}.npz", **arrays, **{f"outputs_{number}": part for number, part in enumerate(results)}
        )
        model.save(here / f"{model.name}.keras")
        compress(here / f"{model.name}.keras")

"""The zoo: QKeras networks by name.

Each entry is a function that returns a Keras model whose outputs are logits. The run gives the first three arguments;
the others are options of the configuration. A function describes under "Options" what only this network has, or what
differs; the rest is the same for all networks:

- `input_shape`: shape of an event, (height, width, channels).
- `classes`: number of outputs (logits).
- `input_format`: number format of the events.
- `weight_bits`: bits of the weights, sign included.
- `bias_bits`: bits of the biases, once batch normalization is folded; 0 for no batch normalization.
- `activation_bits`: bits of the activations.
- `activation_integer_bits`: bits of the activations left of the binary point.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.errors import ModelError
from trigcnn.models.zoo import (
    alexnet,
    autoencoder,
    cherenkov,
    cicada,
    densenet,
    edges,
    inception,
    jet_tagger,
    jets,
    lenet,
    mobilenet,
    resnet,
    svhn,
    vgg,
    waveform,
)

_BUILDERS: dict[str, Callable[..., Any]] = {
    "edges": edges.edges,
    "edges_learned": edges.edges_learned,
    "lenet": lenet.lenet,
    "alexnet": alexnet.alexnet,
    "vgg": vgg.vgg,
    "inception": inception.inception,
    "resnet": resnet.resnet,
    "densenet": densenet.densenet,
    "mobilenet": mobilenet.mobilenet,
    "autoencoder": autoencoder.autoencoder,
    "svhn": svhn.svhn,
    "jets": jets.jets,
    "jet_tagger": jet_tagger.jet_tagger,
    "cicada": cicada.cicada,
    "cherenkov": cherenkov.cherenkov,
    "waveform": waveform.waveform,
}
_OFFERED = ("input_shape", "classes", "input_format")


def available() -> dict[str, Callable[..., Any]]:
    """Return the builders by name.

    >>> len(available()), "cherenkov" in available()
    (16, True)
    """
    return dict(_BUILDERS)


def describe(name: str) -> tuple[str, dict[str, Any]]:
    """Return the first line of an entry's description, and its options with their defaults."""
    builder = _BUILDERS[name]
    options = {
        key: parameter.default
        for key, parameter in inspect.signature(builder).parameters.items()
        if key not in _OFFERED
    }
    return (inspect.getdoc(builder) or "").splitlines()[0], options


def builder(name: str) -> Callable[..., Any]:
    """Find an entry of the zoo.

    Raises:
        ModelError: There is none of this name.
    """
    if name not in _BUILDERS:
        raise ModelError(
            f"model.source {name!r} is not a network of the zoo ({did_you_mean(name, _BUILDERS)}), nor a .keras or .h5 "
            "file, nor a FILE.py:FUNCTION"
        )
    return _BUILDERS[name]

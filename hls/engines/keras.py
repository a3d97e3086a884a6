"""The trained model itself, evaluated by Keras: the reference of all other engines."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.keras2 import evaluate
from trigcnn.hls.engines import Events, Outputs
from trigcnn.hls.graph.graph import pack


@dataclass(frozen=True)
class KerasEngine:
    """A Keras model as an engine.

    Attributes:
        model: Keras 2 model: the normal form of a model (`hls.rewriting`), which computes in float64 and so is exact,
            or a QKeras model, which rounds where sums need more than the 24 bits of float32.
        names: The user's names of layers, by the model's names, where these are others.
    """

    model: Any
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name that comparisons and reports show."""
        return "QKeras"

    def predict(self, events: Events) -> Outputs:
        """Evaluate the model."""
        outputs = evaluate(self.model, self.inputs_of(events))
        return pack([np.asarray(part, np.float64) for part in (outputs if isinstance(outputs, list) else [outputs])])

    def trace(self, events: Events) -> dict[str, Outputs]:
        """Evaluate the model and return every layer's output.

        hls4ml casts at the input what the first quantizer rounds in the model, so the input layer's name
        stands for that quantizer's output.
        """
        keras = sys.modules["tf_keras"]
        layers = {layer.name: layer.output for layer in self.model.layers}
        for tensor in self.model.inputs:
            source = tensor.node.layer
            layers[source.name] = source.outbound_nodes[0].outbound_layer.output
        values = evaluate(keras.Model(self.model.inputs, layers), self.inputs_of(events))
        return {self.names.get(name, name): np.asarray(value, np.float64) for name, value in values.items()}

    def inputs_of(self, events: Events) -> list[npt.NDArray[Any]]:
        """Split events: one array [events, ...] per input of the model."""
        shapes = [tuple(tensor.shape[1:]) for tensor in self.model.inputs]
        if len(shapes) == 1:
            return [events]
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        parts: list[npt.NDArray[Any]] = np.split(events.reshape(len(events), -1), ends[:-1], axis=1)
        return [part.reshape(len(events), *shape) for part, shape in zip(parts, shapes, strict=True)]

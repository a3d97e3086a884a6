"""The trained model itself, evaluated by Keras: the reference of all other engines."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from hls.engines import Events, Outputs


@dataclass(frozen=True)
class KerasEngine:
    """A QKeras model as an engine.

    Attributes:
        model: Keras 2 model.
    """

    model: Any

    @property
    def name(self) -> str:
        """Name that comparisons and reports show."""
        return "QKeras"

    def predict(self, events: Events) -> Outputs:
        """Evaluate the model."""
        return np.asarray(self.model.predict(events, batch_size=256, verbose=0), np.float64)

    def trace(self, events: Events) -> dict[str, Outputs]:
        """Evaluate the model and give every layer's output.

        hls4ml casts at the input what the first quantizer rounds in the model, so the input layer's name
        stands for that quantizer's output.
        """
        keras = sys.modules["tf_keras"]
        layers = {layer.name: layer.output for layer in self.model.layers}
        for tensor in self.model.inputs:
            source = tensor.node.layer
            layers[source.name] = source.outbound_nodes[0].outbound_layer.output
        values = keras.Model(self.model.inputs, layers).predict(events, batch_size=256, verbose=0)
        return {name: np.asarray(value, np.float64) for name, value in values.items()}

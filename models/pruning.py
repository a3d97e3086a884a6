"""Magnitude pruning: the smallest weights become zero while the network is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.keras2 import bring_up
from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.errors import ModelError

# Kernels by the layer's attribute.
_KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")
_NO_ZERO = ("binary", "stochastic_binary")


@dataclass(frozen=True)
class Pruning:
    """How many weights become zero, and when.

    Sparsity grows as `sparsity * (1 - (1 - t)**3)` (Zhu and Gupta, arXiv:1710.01878), where t goes from 0 to 1
    between the two steps: many small weights at first, the last ones slowly. This is PolynomialDecay of
    tensorflow-model-optimization, but that weights are always chosen at the last step too: there, a last step that is
    no turn of `frequency` leaves the final sparsity out.

    Attributes:
        sparsity: Share of the weights of each kernel that are zero at the end; 0 for no pruning.
        begin_step: Step before which pruning begins, from 0.
        end_step: Step before which the final sparsity is reached; from there on the same weights stay zero.
        frequency: Steps from one choice of weights to the next.
        layers: Other sparsities at the end, by layer name.
    """

    sparsity: float
    begin_step: int
    end_step: int
    frequency: int = 1
    layers: Mapping[str, float] = field(default_factory=dict)

    def at(self, step: int, layer: str | None = None) -> float:
        """Sparsity of a layer, or of all that are not named, before a step.

        >>> [Pruning(0.5, 0, 4).at(step) for step in (0, 2, 4, 9)]
        [0.0, 0.4375, 0.5, 0.5]
        """
        sparsity = self.sparsity if layer is None else self.layers.get(layer, self.sparsity)
        if step >= self.end_step:
            return sparsity
        passed = max(step - self.begin_step, 0) / (self.end_step - self.begin_step)
        return sparsity * (1.0 - (1.0 - passed) ** 3)

    def is_turn(self, step: int) -> bool:
        """Return whether weights are chosen before a step.

        >>> [step for step in range(20) if Pruning(0.5, 4, 11, frequency=3).is_turn(step)]
        [4, 7, 10, 11]
        """
        inside = self.begin_step <= step <= self.end_step
        return inside and ((step - self.begin_step) % self.frequency == 0 or step == self.end_step)


def smallest(values: npt.NDArray[np.floating[Any]], sparsity: float) -> npt.NDArray[np.bool_]:
    """Mark the weights of smallest magnitude, the first of equals: round(sparsity * size) of them.

    >>> smallest(np.array([0.5, -0.1, 0.3, 0.1]), 0.5)
    array([False,  True, False,  True])
    """
    marked = np.zeros(values.size, np.bool_)
    marked[np.argsort(np.abs(values).ravel(), kind="stable")[: round(sparsity * values.size)]] = True
    return marked.reshape(values.shape)


def pruning_callback(model: Any, pruning: Pruning) -> Any:
    """Return Keras' callback that prunes a model during training; `kept` is the mask of each kernel.

    Raises:
        ModelError: The quantizer of a kernel to be pruned has no zero, or a layer that is named has no kernel.
    """
    keras = bring_up().keras
    kernels = _kernels(model, pruning)

    class Prune(keras.callbacks.Callback):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.kept: list[Any] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.first_step = epoch * self.params["steps"]

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            step = self.first_step + batch
            if pruning.is_turn(step):
                # Zero weights are the smallest, and so stay zero.
                self.kept = [
                    (~smallest(kernel.numpy(), pruning.at(step, layer))).astype(np.float32) for layer, kernel in kernels
                ]
                self.on_train_batch_end(batch)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if self.kept:
                for (_, kernel), kept in zip(kernels, self.kept, strict=True):
                    kernel.assign(kernel * kept)

    return Prune()


def _kernels(model: Any, pruning: Pruning) -> list[tuple[str, Any]]:
    """Return the kernels that are pruned, each with its layer's name."""
    kernels, names = [], []
    for layer in model.layers:
        for attribute in _KERNELS:
            if not hasattr(layer, attribute):
                continue
            names.append(layer.name)
            if not pruning.at(pruning.end_step, layer.name):
                continue
            role = attribute.removesuffix("_kernel")
            quantizer = getattr(layer, f"{role}_quantizer_internal", None)
            if type(quantizer).__name__ in _NO_ZERO:
                raise ModelError(
                    f"layer {layer.name}: its {role}_quantizer {type(quantizer).__name__} has no zero, so it cannot be "
                    "pruned; use ternary or quantized_bits, set training.pruning_sparsity: 0, or name the layer in "
                    "training.pruning_layers with 0"
                )
            kernels.append((layer.name, getattr(layer, attribute)))
    for name in pruning.layers:
        if name not in names:
            mend = did_you_mean(name, names)
            raise ModelError(f"training.pruning_layers.{name}: no layer with a kernel has this name; {mend}")
    return kernels

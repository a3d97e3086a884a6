"""Magnitude pruning: the smallest weights become zero while the network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import ModelError
from models.keras2 import bring_up

# Kernels by the layer's attribute.
_KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")
_NO_ZERO = ("binary", "stochastic_binary")


@dataclass(frozen=True)
class Pruning:
    """How many weights become zero, and when.

    Sparsity grows as `sparsity * (1 - (1 - t)**3)` (Zhu and Gupta, arXiv:1710.01878), where t goes from 0 to 1
    between the two epochs: many small weights at first, the last ones slowly.

    Attributes:
        sparsity: Share of the weights of each kernel that are zero at the end; 0 for no pruning.
        first_epoch: Epoch with which pruning begins, from 0.
        last_epoch: Epoch with which the final sparsity is reached; from there on the same weights stay zero.
    """

    sparsity: float
    first_epoch: int
    last_epoch: int

    def at(self, epoch: float) -> float:
        """Sparsity after a number of epochs.

        >>> [Pruning(0.5, 0, 4).at(epoch) for epoch in (0, 2, 4, 9)]
        [0.0, 0.4375, 0.5, 0.5]
        """
        if epoch >= self.last_epoch:
            return self.sparsity
        passed = max(epoch - self.first_epoch, 0.0) / (self.last_epoch - self.first_epoch)
        return self.sparsity * (1.0 - (1.0 - passed) ** 3)


def prunable(model: Any) -> list[Any]:
    """Give the kernels of convolutions and dense layers, as Keras' variables.

    Raises:
        ModelError: The quantizer of one makes something else of a zero.
    """
    kernels = []
    for layer in model.layers:
        for attribute in _KERNELS:
            if not hasattr(layer, attribute):
                continue
            role = attribute.removesuffix("_kernel")
            quantizer = getattr(layer, f"{role}_quantizer_internal", None)
            if type(quantizer).__name__ in _NO_ZERO:
                raise ModelError(
                    f"layer {layer.name}: its {role}_quantizer {type(quantizer).__name__} has no zero, so it cannot be "
                    "pruned; use ternary or quantized_bits, or set training.pruning_sparsity: 0"
                )
            kernels.append(getattr(layer, attribute))
    return kernels


def smallest(values: npt.NDArray[np.floating[Any]], sparsity: float) -> npt.NDArray[np.bool_]:
    """Mark the weights of smallest magnitude, the first of equals: round(sparsity * size) of them.

    >>> smallest(np.array([0.5, -0.1, 0.3, 0.1]), 0.5)
    array([False,  True, False,  True])
    """
    marked = np.zeros(values.size, np.bool_)
    marked[np.argsort(np.abs(values).ravel(), kind="stable")[: round(sparsity * values.size)]] = True
    return marked.reshape(values.shape)


def pruning_callback(pruning: Pruning) -> Any:
    """Make Keras' callback that prunes a model while it is fitted."""
    keras = bring_up().keras

    class Prune(keras.callbacks.Callback):  # type: ignore[misc,name-defined]
        def on_train_begin(self, logs: Any = None) -> None:
            self.kernels = prunable(self.model)
            self.kept: list[Any] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            sparsity = pruning.at(epoch)
            # What is zero by now is smallest, and stays zero.
            self.kept = [(~smallest(kernel.numpy(), sparsity)).astype(np.float32) for kernel in self.kernels]
            self.on_train_batch_end(0)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            for kernel, kept in zip(self.kernels, self.kept, strict=True):
                kernel.assign(kernel * kept)

    return Prune()

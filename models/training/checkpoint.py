"""An interrupted training resumes at its checkpoint, and ends with the same bits.

A checkpoint holds everything with a state: weights, the optimizer's moments, masks of pruning, the best epoch
so far, and the states of the generators of random numbers (for the order of events and augmentation, for the order of
batches, those of Dropout layers). TensorFlow does not expose the state of QKeras' stochastic
quantizers; a training with them has a checkpoint only at its end, and begins again otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.files import new_file
from trigcnn.common.keras2 import bring_up
from trigcnn.models.damage import DAMAGED
from trigcnn.models.history import History
from trigcnn.models.training.callbacks import Best

Arrays = Sequence[npt.NDArray[Any]]


class Checkpoint:
    """The file of one network's training.

    Attributes:
        path: The file.
    """

    def __init__(
        self, path: Path, model: Any, history: History, best: Best, rng: np.random.Generator, order: Random
    ) -> None:
        self.path = path
        self._model, self._history, self._best, self._rng, self._order = model, history, best, rng, order
        self._generators = [
            generator.state
            for layer in model.submodules
            if (generator := getattr(getattr(layer, "_random_generator", None), "_generator", None)) is not None
        ]

    def restore(self, pruning: Any | None) -> int:
        """Load the file, if there is one; a damaged file is left out, and the training starts from its beginning.

        Args:
            pruning: The callback that prunes, for its masks.

        Returns:
            Number of epochs that are done.
        """
        if not self.path.is_file():
            return 0
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                content = json.loads(str(arrays["state"]))
                found = {
                    kind: [arrays[f"{kind}{n}"] for n in range(number)] for kind, number in content["numbers"].items()
                }
        except DAMAGED:
            return 0
        self._model.set_weights(found["weights"])
        for variable, value in zip(self._optimizer(), found["optimizer"], strict=True):
            variable.assign(value)
        for variable, value in zip(self._generators, found["generator"], strict=True):
            variable.assign(value)
        self._best.weights = found["best"]
        if pruning is not None:
            pruning.kept = found["mask"]
        for name, value in content["history"].items():
            if isinstance(value, list):
                getattr(self._history, name)[:] = value
        best = content["best"]
        self._best.epoch, self._best.wait, self._best.stopped = best["epoch"], best["wait"], best["stopped"]
        self._best.value = (best["value"][0], best["value"][1])
        self._rng.bit_generator.state = content["numpy"]
        version, internal, following = content["order"]
        self._order.setstate((version, tuple(internal), following))
        done: int = content["done"]
        return done

    def callback(self, every: int, epochs: int, pruning: Any | None) -> Any:
        """Return Keras' callback that writes the file after some epochs, and after the last."""
        keras = bring_up().keras
        resumes = not _is_stochastic(self._model)

        class Save(keras.callbacks.Callback):  # type: ignore[misc,name-defined]
            def on_epoch_end(callback, epoch: int, logs: Any = None) -> None:  # noqa: N805
                ended = epoch + 1 == epochs or self._best.stopped
                if ended or (resumes and (epoch + 1) % every == 0):
                    self.write(epoch + 1, pruning)

        return Save()

    def write(self, done: int, pruning: Any | None) -> None:
        """Replace the file.

        Args:
            done: Number of epochs that are done.
            pruning: The callback that prunes, for its masks.
        """
        groups: dict[str, Arrays] = {
            "weights": self._model.get_weights(),
            "optimizer": [variable.numpy() for variable in self._optimizer()],
            "generator": [variable.numpy() for variable in self._generators],
            "best": self._best.weights,
            "mask": [] if pruning is None else pruning.kept,
        }
        best = {name: getattr(self._best, name) for name in ("epoch", "value", "wait", "stopped")}
        content = {
            "done": done,
            "numbers": {kind: len(values) for kind, values in groups.items()},
            "history": asdict(self._history),
            "best": best,
            "numpy": self._rng.bit_generator.state,
            "order": self._order.getstate(),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {
            f"{kind}{n}": value for kind, group in groups.items() for n, value in enumerate(group)
        }
        with new_file(self.path) as unfinished:
            np.savez(unfinished, state=np.array(json.dumps(content)), **arrays)

    def _optimizer(self) -> list[Any]:
        optimizer = self._model.optimizer
        optimizer.build(self._model.trainable_variables)
        return list(optimizer.variables)


def _is_stochastic(model: Any) -> bool:
    """Return whether a quantizer draws random numbers while it is trained."""
    text = model.to_json()
    return '"use_stochastic_rounding": true' in text or '"stochastic_' in text

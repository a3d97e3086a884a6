"""Keras' callbacks of a training; defined late, since their base class comes with TensorFlow."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.keras2 import bring_up, predict
from trigcnn.models.datasets import Dataset
from trigcnn.models.errors import ModelError
from trigcnn.models.history import History
from trigcnn.models.training.options import Monitor
from trigcnn.models.training.recipe import Hooks, Progress

_SHOWN = {"loss": "loss", "accuracy": "accuracy", "signal_efficiency": "signal efficiency"}


@dataclass
class Best:
    """The best epoch so far, and whether it is time to stop.

    Attributes:
        monitor: Figure by which epochs are compared.
        patience: Epochs without a better one after which training stops.
        first_epoch: Epoch, from 0, before which none counts.
        weights: Of the best epoch; empty before there is one.
        epoch: Its number, from 0.
        value: Its figure, the larger the better; of equals the one with the lower validation loss.
        wait: Epochs since.
        stopped: Whether training is over.
    """

    monitor: Monitor
    patience: int
    first_epoch: int
    weights: list[npt.NDArray[Any]] = field(default_factory=list)
    epoch: int = 0
    value: tuple[float, float] = (-math.inf, -math.inf)
    wait: int = 0
    stopped: bool = False

    def take(self, model: Any, epoch: int, value: float, loss: float) -> None:
        """Consider the weights of an epoch."""
        if epoch < self.first_epoch:
            return
        found = (value, -loss)
        if found > self.value or not self.weights:
            self.value, self.epoch, self.wait = found, epoch, 0
            self.weights = model.get_weights()
            return
        self.wait += 1
        self.stopped = self.wait >= self.patience


def record(history: History, best: Best, dataset: Dataset, hooks: Hooks, epochs: int, progress: Progress) -> Any:
    """Fill a history, keep the best weights, and stop when they no longer change.

    Raises:
        ModelError: The loss is not finite.
    """
    keras = bring_up().keras

    class Record(keras.callbacks.Callback):  # type: ignore[misc,name-defined]
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            if not np.isfinite([logs["loss"], logs["val_loss"]]).all():
                raise ModelError(f"the loss is not finite after epoch {epoch + 1}; lower training.learning_rate")
            loss = float(logs["val_loss"])
            history.loss.append(float(logs["loss"]))
            history.validation_loss.append(loss)
            shown, value = "loss", loss
            if "accuracy" in logs:
                history.accuracy.append(float(logs["accuracy"]))
                history.validation_accuracy.append(float(logs["val_accuracy"]))
                shown, value = "accuracy", history.validation_accuracy[-1]
            if best.monitor == "signal_efficiency":
                assert hooks.measure is not None  # noqa: S101 - `train` has seen to it
                outputs = predict(self.model, dataset.validation.events)
                known = dataset.validation
                history.signal_efficiency.append(hooks.measure(outputs, known.labels, known.weights))
                shown, value = "signal_efficiency", history.signal_efficiency[-1]
            figure = -loss if best.monitor == "loss" else value
            best.take(self.model, epoch, figure, loss)
            self.model.stop_training = best.stopped
            progress(epoch + 1, epochs, f"validation {_SHOWN[shown]} {value:.4f}")
            if hooks.each_epoch is not None:
                hooks.each_epoch(epoch + 1, figure)

    return Record()


def each_step(hooks: Hooks) -> Any:
    """Call the hook of each step."""
    keras = bring_up().keras
    return keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: hooks.each_step and hooks.each_step())


def tensorboard(folder: Path, history: History) -> Any:
    """Write a history to TensorBoard's files, epoch by epoch, and from the beginning if a training is resumed."""
    k = bring_up()
    # `tf.summary.scalar` would need TensorBoard itself to be installed; this is the record that it writes.
    scalar = k.tf.compat.v1.SummaryMetadata()
    scalar.plugin_data.plugin_name = "scalars"

    class Write(k.keras.callbacks.Callback):  # type: ignore[misc,name-defined]
        def on_train_begin(self, logs: Any = None) -> None:
            for old in folder.glob("events.out.tfevents.*"):
                old.unlink()
            self.writer = k.tf.summary.create_file_writer(str(folder))
            self.written = 0

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            curves = {
                "loss/training": history.loss,
                "loss/validation": history.validation_loss,
                "accuracy/training": history.accuracy,
                "accuracy/validation": history.validation_accuracy,
                "signal_efficiency/validation": history.signal_efficiency,
            }
            with self.writer.as_default():
                for step in range(self.written, len(history.loss)):
                    for name, values in curves.items():
                        if values:
                            k.tf.summary.write(name, np.float32(values[step]), step=step + 1, metadata=scalar)
            self.written = len(history.loss)
            self.writer.flush()

        def on_train_end(self, logs: Any = None) -> None:
            self.writer.close()

    return Write()

"""How to train, what is told of it, and what remains of it as figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from trigcnn.models.datasets import Symmetry
from trigcnn.models.pruning import Pruning

Progress = Callable[[int, int, str], None]
Measure = Callable[[npt.NDArray[Any], npt.NDArray[np.int64]], float]
"""A figure of merit, the larger the better, of outputs [events, ...] and labels [events]."""

Objective = Literal["classification", "reconstruction", "regression", "distillation"]
Schedule = Literal["cosine", "constant", "exponential", "step"]
Monitor = Literal["loss", "accuracy", "signal_efficiency"]


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        epochs: Largest number of passes over the training events.
        batch_size: Events per step.
        learning_rate: Of Adam after the warm-up; `schedule` says what becomes of it.
        patience: Epochs without a better value of `monitor` after which training stops.
        shift_pixels: Augmentation: largest shift, in pixels.
        rotation_deg: Augmentation: largest rotation, in degrees.
        seed: Of initial weights, shuffling and augmentation.
        objective: What is learned: the labels, the event itself, or the data set's targets.
        schedule: Course of the learning rate over all epochs.
        warmup_epochs: Epochs, at the beginning, over which the learning rate rises from zero in a line.
        final_learning_rate: Share of the learning rate that `exponential` ends with.
        step_epochs: Epochs after each of which `step` makes the learning rate smaller.
        step_factor: By which factor.
        monitor: Figure on the validation events by which the best weights are chosen and training stops early.
        class_weights: Factor of the loss of each class's events; empty for none.
        symmetries: Augmentation: changes drawn again for each event and epoch, beside shift and rotation.
        pruning_sparsity: Share of the weights of each kernel that become zero; 0 for none.
        pruning_layers: Other shares, by layer name.
        pruning_first_epoch: Epoch with which pruning begins, from 0.
        pruning_last_epoch: Epoch from which on all of them are zero; None for the middle of training.
        pruning_frequency: Steps from one choice of weights to the next; None for an epoch.
        folded_epochs: Epochs after batch normalization was folded; 0 leaves it as it is.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    shift_pixels: float
    rotation_deg: float
    seed: int
    objective: Objective = "classification"
    schedule: Schedule = "cosine"
    warmup_epochs: float = 0.0
    final_learning_rate: float = 0.01
    step_epochs: int = 10
    step_factor: float = 0.5
    monitor: Monitor = "loss"
    class_weights: tuple[float, ...] = ()
    symmetries: tuple[Symmetry, ...] = ()
    pruning_sparsity: float = 0.0
    pruning_layers: Mapping[str, float] = field(default_factory=dict)
    pruning_first_epoch: int = 0
    pruning_last_epoch: int | None = None
    pruning_frequency: int | None = None
    folded_epochs: int = 0

    @property
    def prunes(self) -> bool:
        """Whether any weight becomes zero."""
        return self.pruning_sparsity > 0 or any(self.pruning_layers.values())

    @property
    def pruned_from_epoch(self) -> int:
        """Epoch from which on the sparsity is the final one."""
        return self.epochs // 2 if self.pruning_last_epoch is None else self.pruning_last_epoch

    def pruning(self, steps_per_epoch: int) -> Pruning:
        """When how many weights become zero."""
        return Pruning(
            sparsity=self.pruning_sparsity,
            begin_step=self.pruning_first_epoch * steps_per_epoch,
            end_step=self.pruned_from_epoch * steps_per_epoch,
            frequency=self.pruning_frequency or steps_per_epoch,
            layers=self.pruning_layers,
        )


@dataclass(frozen=True)
class History:
    """One value per epoch; epochs with batch normalization folded follow the others.

    Attributes:
        loss: On the training events, as the optimizer saw it.
        validation_loss: On the validation events.
        accuracy: On the training events; empty where the network does not classify.
        validation_accuracy: On the validation events; empty where the network does not classify.
        signal_efficiency: On the validation events; empty where it is not what is monitored.
        kept: Numbers of the epochs whose weights were kept, from 1: one, or two with folding.
        folded_after: Number of epochs before batch normalization was folded; None without.
        pruned_after: Number of epochs after which all weights to be pruned are zero; None without pruning.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    signal_efficiency: list[float] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    folded_after: int | None = None
    pruned_after: int | None = None

    def followed_by(self, other: History) -> History:
        """Join the history of the same network with batch normalization folded."""
        first = len(self.loss)
        curves = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(History)
            if each.name not in ("kept", "folded_after", "pruned_after")
        }
        kept = self.kept + [first + epoch for epoch in other.kept]
        return History(**curves, kept=kept, folded_after=first, pruned_after=self.pruned_after)


@dataclass(frozen=True)
class Hooks:
    """What else is done while a network is trained.

    Attributes:
        checkpoint: File from which a training that was killed goes on; None for none.
        checkpoint_epochs: Epochs after each of which it is written.
        logs: Folder for TensorBoard; None for none.
        each_step: Called after each step; may raise what ends the training.
        each_epoch: Called after each epoch of the network for hardware with its number, from 1, and what is
            monitored, the larger the better; may raise what ends the training.
        measure: Signal efficiency, where that is what is monitored.
    """

    checkpoint: Path | None = None
    checkpoint_epochs: int = 1
    logs: Path | None = None
    each_step: Callable[[], None] | None = None
    each_epoch: Callable[[int, float], None] | None = None
    measure: Measure | None = None

    def of(self, phase: str) -> Hooks:
        """Return the hooks of one network, with files of its own."""
        return Hooks(
            checkpoint=None if self.checkpoint is None else self.checkpoint / f"{phase}.npz",
            checkpoint_epochs=self.checkpoint_epochs,
            logs=None if self.logs is None else self.logs / phase,
            each_step=self.each_step,
            each_epoch=self.each_epoch if phase == "quantized" else None,
            measure=self.measure,
        )

"""What is told of a training, and what remains of it as figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Progress = Callable[[int, int, str], None]
Measure = Callable[[npt.NDArray[Any], npt.NDArray[np.int64]], float]
"""A figure of merit, the larger the better, of outputs [events, ...] and labels [events]."""


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
        logs: Folder for TensorBoard; None for none.
        each_step: Called after each step; may raise what ends the training.
        each_epoch: Called after each epoch of the network for hardware with its number, from 1, and what is
            monitored, the larger the better; may raise what ends the training.
        measure: Signal efficiency, where that is what is monitored.
    """

    checkpoint: Path | None = None
    logs: Path | None = None
    each_step: Callable[[], None] | None = None
    each_epoch: Callable[[int, float], None] | None = None
    measure: Measure | None = None

    def of(self, phase: str) -> Hooks:
        """Return the hooks of one network, with files of its own."""
        return Hooks(
            checkpoint=None if self.checkpoint is None else self.checkpoint / f"{phase}.npz",
            logs=None if self.logs is None else self.logs / phase,
            each_step=self.each_step,
            each_epoch=self.each_epoch if phase == "quantized" else None,
            measure=self.measure,
        )

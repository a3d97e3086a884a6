"""What is told of a training, and what remains of it as figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Progress = Callable[[int, int, str], None]
Measure = Callable[[npt.NDArray[Any], npt.NDArray[np.int64], npt.NDArray[np.float32] | None], float]
"""A figure of merit, the larger the better, of outputs [events, ...], labels [events] and weights [events] if any."""


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

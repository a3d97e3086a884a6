"""What a training recorded, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field, fields


@dataclass(frozen=True)
class History:
    """One value per epoch; epochs with batch normalization folded follow the others."""

    loss: list[float] = field(default_factory=list)
    """On the training events, as the optimizer saw it."""
    validation_loss: list[float] = field(default_factory=list)
    """On the validation events."""
    accuracy: list[float] = field(default_factory=list)
    """On the training events; empty where the network does not classify."""
    validation_accuracy: list[float] = field(default_factory=list)
    """On the validation events; empty where the network does not classify."""
    signal_efficiency: list[float] = field(default_factory=list)
    """On the validation events; empty where it is not what is monitored."""
    kept: list[int] = field(default_factory=list)
    """Numbers of the epochs whose weights were kept, from 1: one, or two with folding."""
    folded_after: int | None = None
    """Number of epochs before batch normalization was folded; None without."""
    pruned_after: int | None = None
    """Number of epochs after which all weights to be pruned are zero; None without pruning."""

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

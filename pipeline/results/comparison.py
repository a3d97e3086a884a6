"""Two engines on the same events."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """Two engines on the same events."""

    reference: str
    """Name of the engine that is held to be right."""
    engine: str
    """Name of the other."""
    events: int
    """Number of events."""
    outputs: int
    """Number of outputs compared, over all events."""
    differing_outputs: int
    """How many of them differ."""
    differing_events: int
    """How many events have an output that differs."""
    max_difference_lsb: float
    """Largest difference, in units of the output format's last bit."""
    first_layer: str | None = None
    """First layer whose results differ; None if none does or it was not looked for."""

    @property
    def equal(self) -> bool:
        """Whether every output of every event is equal."""
        return self.differing_outputs == 0

    def __str__(self) -> str:
        if self.equal:
            return f"{self.engine} = {self.reference} on {self.events} events, {self.outputs} outputs"
        where = f", first in layer {self.first_layer}" if self.first_layer else ""
        return (
            f"{self.engine} differs from {self.reference} in {self.differing_outputs} of {self.outputs} outputs of "
            f"{self.differing_events} of {self.events} events, by up to {self.max_difference_lsb:g} LSB{where}"
        )

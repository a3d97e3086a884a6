"""Engines: each maps a batch of events to outputs, and can return every layer's result."""

from __future__ import annotations

from typing import Protocol

from trigcnn.hls.graph.graph import Events, Outputs

__all__ = ["Engine", "Events", "Outputs"]


class Engine(Protocol):
    """Anything that runs the network on a batch of events."""

    @property
    def name(self) -> str:
        """Return the name for comparisons and reports."""
        ...

    def predict(self, events: Events) -> Outputs:
        """Return the outputs [events, ...] for events [events, ...]."""
        ...

    def trace(self, events: Events) -> dict[str, Outputs]:
        """Return the result of every layer that the engine can show, by layer name, in the graph's order."""
        ...

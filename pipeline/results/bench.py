"""A test bench of the RTL, and what it said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bench:
    """A project with its test bench."""

    language: str
    """Verilog or VHDL."""
    project: str
    """Its folder, relative to the run's folder."""
    events: int
    """Number of events in the test bench."""
    simulator: str | None
    """What ran it; None if nothing did."""
    passed: bool | None
    """Whether all outputs were as expected; None if it was not run."""
    verdict: str
    """What the test bench said, or why it was not run."""

    def __str__(self) -> str:
        by = "not run" if self.simulator is None else self.simulator
        return f"{self.language} test bench with {self.events} events in {self.project}; {by}: {self.verdict}"

"""What a diagnosis says: layers, causes and the changes that fix them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Cause = Literal[
    "overflow by wrap",
    "saturation",
    "rounding mode",
    "lost fraction bits",
    "weights rounded",
    "table approximation",
    "dropped layer",
    "number format left at its default",
    "unknown",
]


@dataclass(frozen=True)
class Fix:
    """A change to the configuration that removes a difference."""

    option: str
    """Path of the option, such as `hls.layers.conv.precision`."""
    value: str | None
    """Its new value; None removes the option."""

    def __str__(self) -> str:
        return f"remove {self.option}" if self.value is None else f"{self.option}: {self.value}"


@dataclass(frozen=True)
class Example:
    """One number that differs."""

    event: int
    """Number of the event among those compared."""
    position: tuple[int, ...]
    """Indices of the number in the layer's result."""
    exact: float | None
    """What the layer must give before its cast."""
    expected: float
    """What the reference has."""
    found: float
    """What the other engine has."""


@dataclass(frozen=True)
class Finding:
    """One cause at one layer."""

    layer: str
    """Name of the layer."""
    kind: str
    """What it computes."""
    cause: Cause
    """Why it differs."""
    where: str
    """Which number format is to blame: `result`, `accum`, `weight`, `bias`, or what else."""
    detail: str
    """The cause in words, with the number formats."""
    number_format: str | None
    """The number format that is to blame; None where it is none."""
    needed: str | None
    """The number format that loses nothing; None where it is not known."""
    seen: tuple[float, float] | None
    """Smallest and largest exact value among the events; None where it is not known."""
    allowed: tuple[float, float] | None
    """Smallest and largest value by interval analysis; None where it is not known."""
    events: int
    """Events that have a number that differs in this layer."""
    values: int
    """Numbers that differ."""
    max_difference_lsb: float
    """Largest difference, in units of the result's last bit."""
    fix: Fix
    """What removes the difference."""
    examples: tuple[Example, ...] = ()
    """The first few of them."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found."""

    reference: str
    """Name of the engine that is held to be right."""
    engine: str
    """Name of the other."""
    events: int
    """Events looked at."""
    differing_events: int
    """Events with an output that differs."""
    findings: tuple[Finding, ...]
    """The first layer that differs, then those behind it that would differ by themselves, with the other engine's
    inputs taken for right."""

    @property
    def first(self) -> Finding | None:
        """The first layer that differs; None if no layer that both show does."""
        return self.findings[0] if self.findings else None

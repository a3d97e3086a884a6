"""The content of a diagnosis: layers, causes and the changes that fix them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from trigcnn.common.fixed_point import FixedPoint

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
class Change:
    """A change to the configuration.

    Attributes:
        key: Path of the option, such as `hls.layers.conv.precision`.
        value: Its new value; None removes the key.
    """

    key: str
    value: Any

    def __str__(self) -> str:
        return f"remove {self.key}" if self.value is None else f"{self.key}: {self.value}"


@dataclass(frozen=True)
class Example:
    """One number that differs.

    Attributes:
        event: Number of the event among those compared.
        position: Indices of the number in the layer's result.
        exact: What the layer must give before its cast.
        expected: What the reference has.
        found: What the other engine has.
    """

    event: int
    position: tuple[int, ...]
    exact: float | None
    expected: float
    found: float


@dataclass(frozen=True)
class Finding:
    """One cause at one layer.

    Attributes:
        layer: Name of the layer.
        kind: What it computes.
        cause: Why it differs.
        where: Which number format is to blame: `result`, `accum`, `weight`, `bias`, or what else.
        detail: The cause in words, with the number formats.
        number_format: The number format that is to blame; None where it is none.
        needed: The number format that loses nothing; None where it is not known.
        seen: Smallest and largest exact value among the events; None where it is not known.
        allowed: Smallest and largest value by interval analysis; None where it is not known.
        events: Events that have a number that differs in this layer.
        values: Numbers that differ.
        max_difference_lsb: Largest difference, in units of the result's last bit.
        examples: The first few.
        change: The fix.
    """

    layer: str
    kind: str
    cause: Cause
    where: str
    detail: str
    number_format: str | None
    needed: str | None
    seen: tuple[float, float] | None
    allowed: tuple[float, float] | None
    events: int
    values: int
    max_difference_lsb: float
    examples: tuple[Example, ...]
    change: Change


@dataclass(frozen=True)
class Diagnosis:
    """The result of a diagnosis.

    Attributes:
        reference: Name of the reference engine.
        engine: Name of the other.
        events: Events looked at.
        differing_events: Events with an output that differs.
        findings: The first layer that differs, then those behind it that would differ by themselves, with the other
            engine's inputs taken for right.
    """

    reference: str
    engine: str
    events: int
    differing_events: int
    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding | None:
        """The first layer that differs; None if no layer that both show does."""
        return self.findings[0] if self.findings else None


@dataclass(frozen=True)
class Setup:
    """The parts of a configuration that concern number formats.

    Attributes:
        overrides: Number formats that the user set, by layer and role.
        inferred: Whether hls4ml chose the others by itself.
        declared: Number formats that the model's quantizers say, by layer.
    """

    overrides: dict[str, dict[str, str]]
    inferred: bool
    declared: dict[str, FixedPoint]

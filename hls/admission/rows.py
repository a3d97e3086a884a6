"""A row of the table: some values of one field, and whether they convert exactly."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

Verdict = Literal["exact", "rewritten", "refused"]

Alone = Literal["other numbers", "error", "does not compile", "abort", "exact", "Keras fails"]
"""What hls4ml alone makes of a refused value; see `trigcnn.hls.admission.document`."""


@dataclass(frozen=True)
class Place:
    """Where a field's value occurs.

    Attributes:
        layer: Layer that has the field, itself or in a quantizer; None for the options of the project.
        quantizer: Quantizer that has the field; None for a field of the layer.
        last: Whether the layer's result leaves the model and nothing in it reads that result.
        io_type: hls4ml's.
        strategy: The layer's strategy.
        backend: hls4ml's.
    """

    layer: Any
    quantizer: Any = None
    last: bool = False
    io_type: str = "io_parallel"
    strategy: str = "Latency"
    backend: str = "Vitis"


Check = Callable[[Any, Place], bool]


@dataclass(frozen=True)
class Row:
    """Some values of one field.

    Attributes:
        field: Name in the configuration of the layer or quantizer.
        values: The values, in words.
        verdict: `exact`: converted as it is; `rewritten`: into something that is exact; `refused`: an error.
        effect: What it is rewritten into, or what would go wrong.
        mend: What the user can do; for refused rows.
        alone: What hls4ml alone makes of it; for refused rows.
        io_type: The only io_type to which it applies; None for both.
        strategy: The only strategy to which it applies; None for both.
        late: Whether it can only be checked while the model is rewritten.
        matches: Returns whether the row applies to a value at a place.
    """

    field: str
    values: str
    verdict: Verdict
    effect: str = ""
    mend: str = ""
    alone: Alone | None = None
    io_type: str | None = None
    strategy: str | None = None
    late: bool = False
    matches: Check = dataclasses.field(default=lambda _value, _place: True, compare=False, repr=False)

    def applies(self, value: Any, place: Place) -> bool:
        """Return whether this row applies to a value."""
        where = self.io_type in (None, place.io_type) and self.strategy in (None, place.strategy)
        return where and not self.late and self.matches(value, place)

    @property
    def condition(self) -> str:
        """Return where it applies, in words."""
        return ", ".join(word for word in (self.io_type, self.strategy) if word)

    @property
    def key(self) -> str:
        """Return the name of the row among those of its layer or quantizer."""
        return f"{self.field}={self.values}" + (f" ({self.condition})" if self.condition else "")


Rows = tuple[Row, ...]


def exact(fields: str, values: str = "any", matches: Check | None = None, **where: str) -> Rows:
    """Return rows of values that are converted unchanged."""
    return tuple(_checked(Row(name, values, "exact", **where), matches) for name in fields.split())  # type: ignore[arg-type]


def rewritten(fields: str, values: str, effect: str, matches: Check | None = None, **where: str) -> Rows:
    """Return rows of values that are rewritten exactly."""
    return tuple(_checked(Row(name, values, "rewritten", effect, **where), matches) for name in fields.split())  # type: ignore[arg-type]


def refused(
    fields: str,
    values: str,
    alone: Alone,
    effect: str,
    mend: str,
    matches: Check | None = None,
    *,
    late: bool = False,
    **where: str,
) -> Rows:
    """Return rows of values that are refused."""
    rows = (Row(name, values, "refused", effect, mend, alone, late=late, **where) for name in fields.split())  # type: ignore[arg-type]
    return tuple(_checked(row, matches) for row in rows)


def _checked(row: Row, matches: Check | None) -> Row:
    return row if matches is None else replace(row, matches=matches)


def one_of(*values: Any) -> Check:
    """Return a match for any of the values; True does not match 1, and an array matches none."""
    return lambda given, _place: (
        not hasattr(given, "shape")
        and any(isinstance(given, bool) == isinstance(value, bool) and given == value for value in values)
    )


def number(value: Any) -> bool:
    """Return whether a value is a number, by type."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def power_of_two(value: float) -> bool:
    """Return whether a number is 1, 2, 4 ... or 1/2, 1/4 ...

    >>> [power_of_two(value) for value in (0.25, 8, 3, 0, -1)]
    [True, True, False, False, False]
    """
    return value > 0 and float(value).hex().split("p")[0] == "0x1.0000000000000"

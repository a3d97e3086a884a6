"""The budget of a design in a configuration."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trigcnn.pipeline.config.section import Section

# A count, or a share of what the part has.
_Count = Annotated[int, Field(ge=0, strict=True)]
_ShareOfPart = Annotated[str, Field(pattern=r"^\d+(\.\d+)?%$")]
Amount = _Count | _ShareOfPart


def as_share(amount: Amount) -> float | None:
    """Return the share that an amount names, 0 to 1; None for a count.

    >>> as_share("2.5%"), as_share(1200)
    (0.025, None)
    """
    return float(amount[:-1]) / 100 if isinstance(amount, str) else None


class BudgetConfig(Section):
    """Upper limits of the design; counts are whole numbers, or shares of the part, such as 5%.

    Each figure is judged with the strongest evidence of the run. A figure that nothing measured misses its budget.
    """

    design: Literal["rtl", "hls"] | None = None
    """Design that is judged: the generated Verilog, or the HLS project; default: rtl if there is RTL."""
    lut: Amount | None = None
    """Look-up tables: a whole number, or a share of the part, such as 5%."""
    ff: Amount | None = None
    """Flip-flops: a whole number, or a share of the part, such as 5%."""
    dsp: Amount | None = None
    """Multiplier blocks: a whole number, or a share of the part, such as 5%."""
    bram: Amount | None = None
    """Block memory in halves of 18 Kbit: a whole number, or a share of the part, such as 5%."""
    latency_cycles: int | None = Field(default=None, ge=0)
    """Worst latency, in clock cycles from an event's first word to its last result."""
    latency_ns: float | None = Field(default=None, ge=0)
    """The same in ns, at hls.clock_period_ns."""
    initiation_interval: int | None = Field(default=None, ge=1)
    """Worst initiation interval, in clock cycles from one event to the next."""
    initiation_interval_ns: float | None = Field(default=None, ge=0)
    """The same in ns, at hls.clock_period_ns."""
    clock_period_ns: float | None = Field(default=None, gt=0)
    """Clock period that the design meets, in ns."""

    def amounts(self) -> dict[str, Amount | float]:
        """Return what is set, by name."""
        found = {name: getattr(self, name) for name in type(self).model_fields if name != "design"}
        return {name: amount for name, amount in found.items() if amount is not None}

    def shares(self) -> dict[str, float]:
        """Return what is set as a share of the part, by name."""
        found = {name: as_share(amount) for name, amount in self.amounts().items() if isinstance(amount, str)}
        return {name: share for name, share in found.items() if share is not None}

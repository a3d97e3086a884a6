"""What comes of an attempt to prove a design."""

from __future__ import annotations

from dataclasses import dataclass, field

from trigcnn.hls.proof.checker.certificate import Status
from trigcnn.hls.proof.checker.equivalence import Claim, Obligation
from trigcnn.hls.proof.checker.units import Task
from trigcnn.hls.proof.counterexample import Counterexample


@dataclass
class Attempt:
    """What came of an attempt to prove a design.

    Attributes:
        shown: What was shown, in the order of the layers.
        claims: Bits of the netlist that hold elements, by layer and number of the element; of a streaming design, by
            place instead of layer.
        units: Of a streaming design: what each unit computes.
        reason: What could not be shown, and why; empty if all was.
        refuted: Whether the netlist was shown to differ from the graph, or from what the design says of its clocks.
        event: An event on which they differ; None if none was found.
    """

    shown: list[Obligation] = field(default_factory=list)
    claims: dict[str, dict[int, Claim]] = field(default_factory=dict)
    units: dict[str, Task] = field(default_factory=dict)
    reason: str = ""
    refuted: bool = False
    event: Counterexample | None = None

    @property
    def status(self) -> Status:
        """What it came to."""
        return "refuted" if self.refuted else "open" if self.reason else "proved"

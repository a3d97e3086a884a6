"""What synthesis, place and route and the vendor's tools did, and what the stage leaves."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trigcnn.hls import parts
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.hls.synthesis.vendors.run import StepResult
from trigcnn.pipeline.results.section import Section, StageFile

VendorStatus = Literal["built", "collected", "tool-not-found", "not-asked"]


class PartTotals(Section):
    """What a device has."""

    part: str
    lut: int
    ff: int
    dsp: int
    bram: int
    """block memory in halves of 18 Kbit"""

    @classmethod
    def of(cls, part: str) -> PartTotals | None:
        """Return what a device has; None if it is not in the table."""
        found = parts.totals(part)
        if found is None:
            return None
        return cls(part=part, lut=found.lut, ff=found.ff, dsp=found.dsp, bram=found.bram)


class PlaceAndRoute(Section):
    """Place and route of the RTL with an open tool."""

    part: str
    status: Literal["placed", "does-not-fit"]
    message: str
    """the clock that is reached, or by how much the design is too large"""
    met: bool
    """whether the clock period is met"""
    board: str | None
    """the board that a bitstream was asked for"""
    bitstream: str | None
    """file of the bitstream, relative to the run folder"""
    totals: PartTotals | None


class VendorFlow(Section):
    """The project for the vendor's tools, and what they did."""

    backend: str
    project: str
    """folder of the HLS project, relative to the run folder"""
    command: str
    """the command that builds it, run in that folder"""
    status: VendorStatus
    message: str
    steps: list[StepResult] = Field(default_factory=list)
    """the tools in their order"""


class Synthesized(StageFile):
    """What synthesis found."""

    synthesis: list[SynthesisReport]
    """Resources and timing, one entry per tool and design."""
    place_and_route: PlaceAndRoute | None
    """None if nothing was to be placed."""
    vendor: VendorFlow

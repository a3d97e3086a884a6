"""What the check leaves."""

from __future__ import annotations

from pydantic import Field

from trigcnn.pipeline.results.bench import Bench
from trigcnn.pipeline.results.comparison import Comparison
from trigcnn.pipeline.results.decision import DecisionEntry
from trigcnn.pipeline.results.diagnosis import Diagnosis
from trigcnn.pipeline.results.magnitudes import Range
from trigcnn.pipeline.results.quality import Quality
from trigcnn.pipeline.results.section import StageFile


class Checked(StageFile):
    """What the check found."""

    comparisons: list[Comparison]
    """Engines compared on all test events."""
    diagnosis: Diagnosis | None = None
    """Why the C simulation differs from the model; None if it does not."""
    quality: Quality
    decisions: list[DecisionEntry] = Field(default=[])
    """Outputs that are computed behind the network."""
    test_benches: list[Bench] = Field(default=[])
    ranges: list[Range] = Field(default=[])
    """Values seen, against the ranges of their number formats."""

"""What the conversion leaves besides projects and graph."""

from __future__ import annotations

from trigcnn.hls.estimates.project import HlsEstimate, ProjectLayer
from trigcnn.hls.rewriting.check import Rewriting
from trigcnn.hls.synthesis.timing_closure import TimingClosure
from trigcnn.pipeline.results.section import StageFile


class Converted(StageFile):
    """What the conversion did."""

    rewriting: Rewriting
    hls_layers: tuple[ProjectLayer, ...]
    """Layers of the HLS project, as hls4ml made it."""
    hls_estimate: HlsEstimate | None
    """None where there is no formula."""
    timing_closure: TimingClosure | None
    """None if the stage delay was given."""

"""How large values are, as a report shows it."""

from __future__ import annotations

from typing import Literal

from trigcnn.pipeline.results.section import Section


class Magnitudes(Section):
    """Magnitudes of the values of a tensor that are not zero."""

    least: float
    lower_quartile: float
    median: float
    upper_quartile: float
    greatest: float


class Range(Section):
    """Values that were seen, against the range of their number format."""

    layer: str
    tensor: Literal["weight", "bias", "result"]
    format: str
    minimum: float
    maximum: float
    format_minimum: float
    format_maximum: float
    lsb: float
    """weight of the format's last bit"""
    values: int
    """number of values seen"""
    zeros: int
    """how many of them are zero"""
    magnitudes: Magnitudes | None
    """null where all values are zero"""

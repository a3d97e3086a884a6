"""The HLS project as hls4ml made it, with estimates before any vendor's tool has run."""

from __future__ import annotations

from trigcnn.pipeline.results.section import Section


class HlsLayerEntry(Section):
    """A layer of the HLS project; what only layers with weights have is null for others."""

    name: str
    index: int
    """place in hls4ml's graph, which is in the name of its module"""
    strategy_asked: str | None
    strategy: str | None
    """what hls4ml chose"""
    reuse_factor_asked: int | None
    reuse_factor: int | None
    """what hls4ml chose"""
    reuse_factors: list[int] | None
    """those that are possible; null too where any whole number is"""
    multipliers: int | None
    """products in a clock cycle; zero weights count where they cost one"""
    latency_cycles: int | None
    """evidence: estimate; null where there is no formula"""
    initiation_interval: int | None
    """evidence: estimate"""
    findings: list[str]
    """what the tool may not manage, and what fixes it"""


class HlsEstimate(Section):
    """What the whole HLS project will take; evidence: estimate."""

    latency_cycles: int
    initiation_interval: int

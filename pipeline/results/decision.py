"""Outputs that are computed behind the network."""

from __future__ import annotations

from trigcnn.hls.decisions import DecisionKind
from trigcnn.pipeline.results.section import Section


class DecisionEntry(Section):
    """An output that is computed behind the network; its values are those of the C simulation."""

    name: str
    """name of the output and, in the RTL, of its port"""
    kind: DecisionKind
    definition: str
    """its formula"""
    format: str
    """its number format"""
    events: int
    """test events"""
    differing_events: int
    """events in which it is not what its definition gives in NumPy, for the same outputs of the network"""
    accepted: int | None
    """test events that a threshold accepts; null for other kinds"""
    low: float
    """smallest value"""
    high: float
    """largest value"""

"""A tool's figures by layer: under the layers' names, and in the order of the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from trigcnn.hls.synthesis.reports.modules import layer_name

if TYPE_CHECKING:
    from trigcnn.hls.synthesis.report import LayerResources, LayerTiming, SynthesisReport


def arrange(
    entry: SynthesisReport, order: Sequence[str], names: Mapping[int, str], identifiers: Mapping[str, str]
) -> SynthesisReport:
    """Return a tool's report with its layers named and in the graph's order; other instances come last.

    Args:
        entry: A tool's report.
        order: Names of the layers, in the order of the graph.
        names: Names of the layers by hls4ml's index, by which a tool names the instances of an HLS project.
        identifiers: Names of the layers by their names in the RTL.
    """
    places = {name: n for n, name in enumerate(order)}

    def named(instance: str) -> str:
        return layer_name(instance, names) if entry.design == "hls" else identifiers.get(instance, instance)

    def placed(row: LayerResources | LayerTiming) -> int:
        return places.get(row.name, len(places))

    layers = [replace(layer, name=named(layer.name)) for layer in entry.layers or ()]
    timings = [replace(timing, name=named(timing.name)) for timing in entry.timings or ()]
    path = [replace(step, layer=step.layer and named(step.layer)) for step in entry.critical_path or ()]
    return replace(
        entry,
        layers=tuple(sorted(layers, key=placed)) or None,
        timings=tuple(sorted(timings, key=placed)) or None,
        critical_path=tuple(path) or None,
    )

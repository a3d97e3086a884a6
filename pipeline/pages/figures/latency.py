"""Latency and initiation interval of each layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trigcnn.hls.estimates.project import ProjectLayer
from trigcnn.hls.synthesis.report import LayerTiming
from trigcnn.pipeline.pages.charts import Column, Figure, Panel, Table, Value, bars, coloured
from trigcnn.pipeline.results.report import Report

# In the order in which they are drawn: the field, its title, and what the axis counts.
_DRAWN = {"latency": "latency, cycles", "interval": "initiation interval, cycles"}


class _Entry(NamedTuple):
    """What one tool says of one layer; None where it does not know."""

    tool: str
    evidence: str
    timing: LayerTiming

    @property
    def series(self) -> str:
        return f"{self.tool}, {self.evidence}"

    def most(self, quantity: str) -> int | None:
        """Return the worst that is known."""
        said = (
            (self.timing.latency_cycles_worst, self.timing.latency_cycles_best)
            if quantity == "latency"
            else (self.timing.initiation_interval_max, self.timing.initiation_interval_min)
        )
        return next((value for value in said if value is not None), None)


def figure(report: Report) -> Figure | None:
    """Draw the worst latency and the largest initiation interval of each layer, for all tools that report them.

    Returns:
        None if nothing reports them by layer.
    """
    entries = list(_entries(report))
    colours = coloured(each.series for each in entries)
    panels = [panel for quantity in _DRAWN for panel in _panel(entries, quantity, colours)]
    if not panels:
        return None
    return Figure(
        name="latency-by-layer",
        title="Latency by layer",
        caption=(
            "Worst latency and largest interval of each layer of the HLS project, in clock cycles. Layers run at the "
            "same time: their latencies do not add up to the design's, and the largest interval is the design's."
        ),
        panels=tuple(panels),
        table=Table(
            caption="Latency and interval of each layer, in clock cycles.",
            columns=(
                Column("Layer"),
                Column("Evidence", "evidence"),
                Column("By"),
                *(
                    Column(title, "number")
                    for title in ("Latency, least", "Latency, most", "Interval, least", "Interval, most")
                ),
            ),
            rows=tuple(
                (
                    each.timing.name,
                    each.evidence,
                    each.tool,
                    each.timing.latency_cycles_best,
                    each.timing.latency_cycles_worst,
                    each.timing.initiation_interval_min,
                    each.timing.initiation_interval_max,
                )
                for each in entries
            ),
        ),
        evidence=tuple(dict.fromkeys(each.evidence for each in entries)),
    )


def _entries(report: Report) -> Iterator[_Entry]:
    """Return the entries in the order of the layers, and of tools within a layer."""
    order = {layer.name: n for n, layer in enumerate(report.layers)}
    found = [
        _Entry("loops of the HLS project", "estimate", _estimated(layer))
        for layer in report.hls_layers
        if layer.latency_cycles is not None or layer.initiation_interval is not None
    ]
    found += [
        _Entry(entry.tool, entry.evidence, timing) for entry in report.synthesis for timing in entry.timings or []
    ]
    yield from sorted(found, key=lambda each: order.get(each.timing.name, len(order)))


def _estimated(layer: ProjectLayer) -> LayerTiming:
    latency, interval = layer.latency_cycles, layer.initiation_interval
    return LayerTiming(
        name=layer.name,
        latency_cycles_best=latency,
        latency_cycles_worst=latency,
        initiation_interval_min=interval,
        initiation_interval_max=interval,
    )


def _panel(entries: list[_Entry], quantity: str, colours: dict[str, str]) -> Iterator[Panel]:
    known = [(each, cycles) for each in entries if (cycles := each.most(quantity)) is not None]
    if not any(cycles for _, cycles in known):
        return
    rows: list[dict[str, Value]] = [
        {"name": each.timing.name, "series": each.series, "value": cycles, "shown": f"{cycles:,}"}
        for each, cycles in known
    ]
    longest, cycles = max(known, key=lambda each: each[1])
    title = _DRAWN[quantity]
    label = f"{title.capitalize()} of layers; most in {longest.timing.name}, {cycles:,} by {longest.series}."
    series = {name: colour for name, colour in colours.items() if any(each.series == name for each, _ in known)}
    yield bars(rows, label, series=series, title=title)

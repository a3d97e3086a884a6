"""Resources: by layer, and as a share of the part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.pipeline.pages.charts import Column, Figure, Panel, Table, Value, bars, coloured
from trigcnn.pipeline.pages.rendering import percent
from trigcnn.pipeline.results.evidence import share, totals_of
from trigcnn.pipeline.results.merit import RESOURCES
from trigcnn.pipeline.results.report import Report

# In the order in which they are shown, with their names.
_COUNTED = {**RESOURCES, "uram": "URAM", "m20k": "M20K", "mlab": "MLAB"}


class _Count(NamedTuple):
    """What one layer takes of one resource, by one tool."""

    series: str
    evidence: str
    layer: str
    resource: str
    amount: float


def by_layer(report: Report) -> Figure | None:
    """Draw the resources of each layer, a chart for each resource, side by side for all tools.

    Returns:
        None if nothing counts by layer.
    """
    counts = list(_counts(report))
    if not counts:
        return None
    layers = list(dict.fromkeys(each.layer for each in counts))
    order = [layer.name for layer in report.layers]
    layers.sort(key=lambda name: order.index(name) if name in order else len(order))
    counted = [name for name in _COUNTED if any(each.resource == name for each in counts)]
    colours = coloured(each.series for each in counts)
    panels = [panel for resource in counted for panel in _panel(counts, resource, layers, colours)]
    if not panels:
        return None
    return Figure(
        name="resources-by-layer",
        title="Resources by layer",
        caption=(
            "Each layer by itself; layers that take nothing of a resource are left out, and so is what lies between "
            "layers. Counts of different evidence do not compare: an estimate counts adders, a tool counts cells."
        ),
        panels=tuple(panels),
        table=Table(
            caption="Resources of each layer, from every tool that counts by layer.",
            columns=(
                Column("Layer"),
                Column("Evidence", "evidence"),
                Column("By"),
                *(Column(_COUNTED[resource], "number") for resource in counted),
            ),
            rows=_layer_rows(counts, layers, counted),
        ),
        evidence=tuple(dict.fromkeys(each.evidence for each in counts)),
    )


def _panel(counts: list[_Count], resource: str, layers: list[str], colours: dict[str, str]) -> Iterator[Panel]:
    of_resource = [each for each in counts if each.resource == resource]
    found = {(each.layer, each.series): each.amount for each in of_resource}
    used = [layer for layer in layers if any(found.get((layer, series)) for series in colours)]
    if not used:
        return
    rows: list[dict[str, Value]] = [
        {"name": layer, "series": series, "value": count, "shown": f"{count:,.0f}"}
        for layer in used
        for series in colours
        if (count := found.get((layer, series))) is not None
    ]
    largest = max(of_resource, key=lambda each: each.amount)
    name = _COUNTED[resource]
    label = f"{name} of {len(used)} layers; most in {largest.layer}, {largest.amount:,.0f} by {largest.series}."
    series = {name: colour for name, colour in colours.items() if any(row["series"] == name for row in rows)}
    yield bars(rows, label, series=series, title=name)


def _counts(report: Report) -> Iterator[_Count]:
    for layer in report.layers:
        if layer.estimated_lut:
            yield _Count("alkaid, estimate", "estimate", layer.name, "lut", round(layer.estimated_lut))
    for entry in report.synthesis:
        for part in entry.layers or []:
            for resource in _COUNTED:
                amount: int | None = getattr(part, resource)
                if amount is not None:
                    yield _Count(_series(entry), entry.evidence, part.name, resource, amount)


def _series(entry: SynthesisReport) -> str:
    return f"{entry.tool}, {entry.evidence}" + ("" if entry.design == "rtl" else f", {entry.design}")


def _layer_rows(counts: list[_Count], layers: list[str], counted: list[str]) -> tuple[tuple[Value, ...], ...]:
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for each in counts:
        found.setdefault((each.layer, each.evidence, each.series), {})[each.resource] = each.amount
    places = {layer: n for n, layer in enumerate(layers)}
    return tuple(
        (layer, evidence, series.partition(",")[0], *(of.get(resource) for resource in counted))
        for (layer, evidence, series), of in sorted(found.items(), key=lambda item: places[item[0][0]])
    )


def occupancy(report: Report) -> Figure | None:
    """Draw the share of the part that the design uses, by tool.

    Returns:
        None where no tool counts, or the part's totals are not known.
    """
    found: list[tuple[SynthesisReport, str, int, float]] = [
        (entry, resource, count, part)
        for resource in RESOURCES
        for entry in report.synthesis
        if (count := getattr(entry, resource)) is not None and (part := share(count, entry, resource)) is not None
    ]
    if not found:
        return None
    rows: list[dict[str, Value]] = [
        {
            "name": RESOURCES[resource],
            "series": f"{_series(entry)}, {entry.part}",
            "value": part,
            "shown": f"{count:,} · {percent(part)}",
        }
        for entry, resource, count, part in found
    ]
    series = coloured(str(row["series"]) for row in rows)
    fullest = max(found, key=lambda each: each[3])
    label = (
        f"Share of the part that the design uses; most of {RESOURCES[fullest[1]]}, {percent(fullest[3])} by "
        f"{fullest[0].tool} on {fullest[0].part}."
    )
    parts = list(dict.fromkeys(entry.part for entry, *_ in found))
    return Figure(
        name="occupancy",
        title="Occupancy of the part",
        caption=(
            f"Share of {' and of '.join(parts)} that the design takes, and the count. The axis ends with the "
            "longest bar, not with the whole part."
        ),
        panels=(bars(rows, label, series=series, number_format=".2~%"),),
        table=Table(
            caption="Resources that the design uses, and those of the part.",
            columns=(
                Column("Resource"),
                Column("By"),
                Column("Evidence", "evidence"),
                Column("Part"),
                Column("Count", "number"),
                Column("Of", "number"),
                Column("Share", "percent"),
            ),
            rows=tuple(
                (RESOURCES[resource], entry.tool, entry.evidence, entry.part, count, _total(entry, resource), part)
                for entry, resource, count, part in found
            ),
        ),
        evidence=tuple(dict.fromkeys(entry.evidence for entry, *_ in found)),
    )


def _total(entry: SynthesisReport, resource: str) -> int | None:
    totals = totals_of(entry)
    total: int | None = None if totals is None else getattr(totals, resource)
    return total

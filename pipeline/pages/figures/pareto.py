"""Charts of a comparison: the quality of runs against their costs."""

from __future__ import annotations

from trigcnn.pipeline.pages.charts import BAD, INK, QUIET, SERIES, Column, Figure, Panel, Table, data, panel
from trigcnn.pipeline.results.compared import Compared, Front
from trigcnn.pipeline.results.merit import shown

# Of more runs, names would lie over each other; the tooltip and the table name all.
_MOST_NAMES = 16


def figures(compared: Compared) -> list[Figure]:
    """Draw, for each figure of quality, the runs against every cost in which they differ."""
    found = []
    for number, quality in enumerate(dict.fromkeys(front.quality for front in compared.fronts)):
        fronts = [front for front in compared.fronts if front.quality == quality and _differ(compared, front)]
        if fronts:
            label = compared.label(quality)
            found.append(
                Figure(
                    name=f"pareto-{number}",
                    title=f"{label} against resources and latency",
                    caption=(
                        "Each point is a run. Runs on the line are the Pareto front: no other run is better in one "
                        "and as good in the other."
                    ),
                    panels=tuple(_panel(compared, front) for front in fronts),
                    table=_table(compared, quality, fronts),
                    evidence=tuple(dict.fromkeys(kind for front in fronts for kind in front.evidence)),
                )
            )
    return found


def _differ(compared: Compared, front: Front) -> bool:
    costs = {merit.value for run in compared.runs if (merit := run.merit(front.cost)) is not None}
    return len(costs) > 1


def _panel(compared: Compared, front: Front) -> Panel:
    import altair as alt

    quality, cost = compared.label(front.quality), compared.label(front.cost)
    rows = [
        {
            "run": run.label,
            "quality": good.value,
            "cost": price.value,
            "place": "Pareto front" if run.label in front.runs else "beaten",
            "exact": "bit-exact" if run.differing_outputs == 0 else f"{run.differing_outputs} outputs differ",
            "shown": shown(price),
            "evidence": f"{price.evidence}: {price.source}",
        }
        for run in compared.runs
        if (good := run.merit(front.quality)) is not None and (price := run.merit(front.cost)) is not None
    ]
    base = alt.Chart(data(rows)).encode(
        x=alt.X("cost:Q", title=cost, scale=alt.Scale(zero=False, nice=True, padding=24), axis=alt.Axis(tickCount=4)),
        y=alt.Y(
            "quality:Q",
            title=quality,
            scale=alt.Scale(zero=False, padding=18),
            axis=alt.Axis(format=".2~%", tickCount=5),
        ),
    )
    line = (
        base.transform_filter("datum.place == 'Pareto front'")
        .mark_line(interpolate="step-after", color=SERIES[0], strokeWidth=1.4, aria=False)
        .encode(order="cost:Q")
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        color=alt.Color(
            "place:N", scale=alt.Scale(domain=["Pareto front", "beaten"], range=[SERIES[0], QUIET]), legend=None
        ),
        stroke=alt.condition("datum.exact == 'bit-exact'", alt.value(None), alt.value(BAD)),
        tooltip=[
            alt.Tooltip("run:N"),
            alt.Tooltip("quality:Q", title=quality, format=".2%"),
            alt.Tooltip("shown:N", title=cost),
            alt.Tooltip("evidence:N"),
            alt.Tooltip("exact:N", title="outputs"),
        ],
    )
    layers = [line, points]
    if len(rows) <= _MOST_NAMES:
        layers.append(
            base.mark_text(align="left", dx=7, dy=-7, color=INK, fontSize=11, aria=False, limit=140).encode(
                text="run:N"
            )
        )
    best = ", ".join(front.runs)
    return panel(
        alt.layer(*layers), f"{quality} of {len(rows)} runs against {cost}. On the Pareto front: {best}.", height=260
    )


def _table(compared: Compared, quality: str, fronts: list[Front]) -> Table:
    columns = [Column("Run"), Column(compared.label(quality), "percent")]
    for front in fronts:
        columns += [
            Column(compared.label(front.cost), "number"),
            Column("Evidence", "evidence"),
            Column("On the front"),
        ]
    rows = []
    for run in compared.runs:
        good = run.merit(quality)
        row: list[str | float | None] = [run.label, None if good is None else good.value]
        for front in fronts:
            price = run.merit(front.cost)
            row += [
                None if price is None else price.value,
                None if price is None else price.evidence,
                "yes" if run.label in front.runs else "no",
            ]
        rows.append(tuple(row))
    return Table(f"{compared.label(quality)} and costs of each run", tuple(columns), tuple(rows))

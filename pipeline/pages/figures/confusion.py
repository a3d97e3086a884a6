"""The confusion matrix."""

from __future__ import annotations

from trigcnn.pipeline.pages.charts import (
    BAD,
    RULE,
    SERIES,
    Column,
    Figure,
    Panel,
    Table,
    Value,
    data,
    without_schema,
)
from trigcnn.pipeline.results.report import Report

# Wide enough for a count of four digits.
_CELL = 42


def figure(report: Report) -> Figure | None:
    """Draw test events by true class (row) and class given by the C simulation (column).

    A cell is the darker the larger its share of the row.

    Returns:
        None for a network that does not classify.
    """
    if report.confusion is None:
        return None
    classes, counts = report.confusion.classes, report.confusion.counts
    events = sum(map(sum, counts))
    right = sum(counts[n][n] for n in range(len(classes)))
    label = f"Confusion matrix of {len(classes)} classes: {right:,} of {events:,} test events get their class."
    return Figure(
        name="confusion-matrix",
        title="Confusion matrix",
        caption=(
            f"{events:,} test events by true class (row) and class given by the C simulation (column); {right:,} get "
            "their class. The darker a cell, the larger its share of the row."
        ),
        panels=(_panel(classes, counts, label),),
        table=Table(
            caption="Test events by true class (row) and class given by the C simulation (column).",
            columns=(Column("True class"), *(Column(name, "number") for name in classes)),
            rows=tuple((name, *of_class) for name, of_class in zip(classes, counts, strict=True)),
        ),
        evidence=("simulation",),
    )


def _panel(classes: list[str], counts: list[list[int]], label: str) -> Panel:
    import altair as alt

    cells: list[dict[str, Value]] = [
        {
            "true": true,
            "given": given,
            "events": count,
            "share": count / max(1, sum(of_class)),
            "right": true == given,
        }
        for true, of_class in zip(classes, counts, strict=True)
        for given, count in zip(classes, of_class, strict=True)
    ]
    names = list(dict.fromkeys(classes))
    base = alt.Chart(data(cells)).encode(
        x=alt.X(
            "given:N",
            sort=names,
            title="class given by the C simulation",
            axis=alt.Axis(orient="top", labelAngle=0 if max(map(len, classes)) < 6 else -45, domain=False),
        ),
        y=alt.Y("true:N", sort=names, title="true class"),
    )
    frame = base.mark_rect(fillOpacity=0, stroke=RULE, strokeWidth=0.6, aria=False)
    filled = (
        base.transform_filter("datum.events > 0")
        .mark_rect()
        .encode(
            color=alt.Color("right:N", scale=alt.Scale(domain=[True, False], range=[SERIES[0], BAD])),
            opacity=alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0.12, 0.6])),
            tooltip=["true:N", "given:N", alt.Tooltip("events:Q", format=","), alt.Tooltip("share:Q", format=".1%")],
        )
    )
    text = (
        base.transform_filter("datum.events > 0")
        .mark_text(fontSize=11, aria=False)
        .encode(text=alt.Text("events:Q", format=","))
    )
    step = alt.Step(_CELL)
    chart = (frame + filled + text).properties(description=label, width=step, height=step)
    return Panel(without_schema(chart))

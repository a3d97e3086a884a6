"""Charts as Vega-Lite specifications, each with a table of the same content.

A page draws them itself, in its own colours: a chart names the page's colours, which differ in dark mode and on paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import altair as alt

Value = str | float | int | bool | None
Rows = Sequence[Mapping[str, Value]]

INK, QUIET, RULE, BAD = (f"var(--{name})" for name in ("ink", "quiet", "rule", "bad"))
SERIES = tuple(f"var(--series-{n})" for n in range(1, 6))
# Pixels from one row of bars to the next, and of a bar in a key.
ROW, BLOCK = 22, 10

_AXIS = {
    "domainColor": RULE,
    "gridColor": RULE,
    "labelColor": QUIET,
    "labelFontSize": 12,
    "labelLimit": 150,
    "labelPadding": 6,
    "ticks": False,
    "titleColor": QUIET,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "titlePadding": 10,
}
STYLE: dict[str, Any] = {
    "background": "transparent",
    "font": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
    "view": {"stroke": None},
    "axis": _AXIS,
    "axisY": {"domain": False},
    "axisBand": {"grid": False, "labelColor": INK},
    "legend": {"disable": True},
    "text": {"color": INK, "fontSize": 12},
    "rule": {"color": QUIET},
    "range": {"category": list(SERIES)},
}
"""The style of all charts of a page, in the form of Vega-Lite's `config`."""


class Column(NamedTuple):
    """A column of a table, with the kind of its values."""

    title: str
    kind: Literal["text", "code", "number", "percent", "evidence"] = "text"

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.kind in ("number", "percent")


@dataclass(frozen=True)
class Table:
    """A sortable table; None is an unknown value."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]


class Line(NamedTuple):
    """How a series is drawn, in the chart and in its key."""

    name: str
    colour: str
    dash: tuple[int, ...] = ()
    width: float = 1.8


@dataclass(frozen=True)
class Panel:
    """One chart.

    Attributes:
        spec: Its Vega-Lite specification, with the data and a description for those who do not see it.
        title: Title, if a figure has several charts.
        key: What its colours and dashes mean. It is part of the page, where it can wrap and be read.
    """

    spec: dict[str, Any]
    title: str = ""
    key: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Figure:
    """Charts that belong together, with heading, caption and table.

    Attributes:
        name: Id of its element, its own on the page.
        title: Heading.
        caption: What is drawn, in a sentence or two.
        panels: The charts.
        table: What they show, in numbers.
        evidence: Evidence labels of the figures.
    """

    name: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
    table: Table
    evidence: tuple[str, ...] = ()


def panel(
    chart: alt.TopLevelMixin,
    label: str,
    *,
    height: float,
    title: str = "",
    key: Sequence[Line] = (),
) -> Panel:
    """Finish a chart: as wide as its place on the page, with a description that assistive technology reads.

    Args:
        chart: The chart, with its data.
        label: What it shows, with the leading figures.
        height: In pixels.
        title: Title, if a figure has several charts.
        key: What its colours and dashes mean.
    """
    import altair as alt

    padding = {"left": 5, "top": 5, "right": 12, "bottom": 5}
    autosize = alt.AutoSizeParams(type="fit-x", contains="padding")
    chart = chart.properties(description=label, width="container", height=height, padding=padding, autosize=autosize)
    return Panel(without_schema(chart), title, tuple(key))


def without_schema(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """Return a chart's specification as plain data; the style is the page's, and no address of a schema stays in it."""
    spec: dict[str, Any] = chart.to_dict()
    return {key: value for key, value in spec.items() if key not in ("$schema", "config")}


def data(rows: Rows) -> alt.Data:
    """Put rows into a chart."""
    import altair as alt

    return alt.Data(values=[dict(row) for row in rows])  # type: ignore[no-untyped-call]


def coloured(names: Iterable[str]) -> dict[str, str]:
    """Return each name a colour, the same in all charts of a figure.

    >>> list(coloured(["yosys", "vitis", "yosys"]))
    ['yosys', 'vitis']
    """
    return {name: SERIES[n % len(SERIES)] for n, name in enumerate(dict.fromkeys(names))}


def bars(
    rows: Rows,
    label: str,
    *,
    series: Mapping[str, str],
    unit: str = "",
    number_format: str = ",.4~r",
    title: str = "",
) -> Panel:
    """Draw horizontal bars, a row for each name and in it a bar for each series, with the value at its end.

    Args:
        rows: With `name`, `series`, `value` and `shown`, the value as text; in the order in which they stand.
        label: What the chart shows, with the leading figures.
        series: All series in their order, each with its colour.
        unit: Title of the axis.
        number_format: How the axis writes numbers, as d3 names it.
        title: Stands above it.
    """
    import altair as alt

    names = list(dict.fromkeys(str(row["name"]) for row in rows))
    largest = max((float(row["value"] or 0) for row in rows), default=0.0)
    # The axis ends with the longest bar: Vega then knows how much room the value at its end takes at any width.
    scale = alt.Scale(domain=[0, largest or 1.0], nice=False)
    # Cells and cycles are whole numbers.
    whole = all(float(row["value"] or 0).is_integer() for row in rows)
    ticks = max(1, min(4, int(largest))) if whole else 4
    axis = alt.Axis(title=unit or None, format=number_format, tickCount=ticks)
    several = len(series) > 1
    key = [Line(name, colour, width=BLOCK) for name, colour in series.items()] if several else []
    colour = alt.Color("series:N", sort=list(series), scale=alt.Scale(domain=list(series), range=list(series.values())))
    base = alt.Chart(data(rows)).encode(
        y=alt.Y("name:N", sort=names, title=None),
        x=alt.X("value:Q", scale=scale, axis=axis),
    )
    if several:
        base = base.encode(yOffset=alt.YOffset("series:N", sort=list(series)))
    tip = [alt.Tooltip("name:N", title="name"), alt.Tooltip("series:N"), alt.Tooltip("shown:N", title="value")]
    drawn = base.mark_bar(height={"band": 0.8}).encode(color=colour, tooltip=tip)
    text = base.mark_text(align="left", dx=5, color=QUIET, fontSize=11, aria=False).encode(text="shown:N")
    step = ROW if not several else max(ROW, 15 * len(series) + 8)
    return panel(drawn + text, label, height=step * len(names), title=title, key=key)


def lines(
    rows: Rows,
    label: str,
    *,
    drawn: Sequence[Line],
    x: alt.X,
    y: alt.Y,
    height: int = 240,
    interpolate: Literal["linear", "step-after"] = "linear",
    more: Sequence[alt.Chart] = (),
    title: str = "",
) -> Panel:
    """Draw curves.

    Args:
        rows: With `series` and the fields of the axes.
        label: What the chart shows, with the leading figures.
        drawn: All series in their order, the first at the back.
        x: The axis across.
        y: The axis up.
        height: In pixels.
        interpolate: How points are joined.
        more: Charts before the curves.
        title: Stands above it.
    """
    import altair as alt

    names = [line.name for line in drawn]

    def scale(values: Sequence[Any]) -> alt.Scale:
        return alt.Scale(domain=names, range=list(values))

    curves = (
        alt.Chart(data(rows))
        .mark_line(interpolate=interpolate, clip=True)
        .encode(
            x=x,
            y=y,
            color=alt.Color("series:N", sort=names, scale=scale([line.colour for line in drawn])),
            strokeDash=alt.StrokeDash("series:N", sort=names, scale=scale([list(line.dash) for line in drawn])),
            strokeWidth=alt.StrokeWidth("series:N", sort=names, scale=scale([line.width for line in drawn])),
        )
    )
    return panel(alt.layer(curves, *more), label, height=height, title=title, key=drawn)

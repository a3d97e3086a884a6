"""The critical path, from register to register."""

from __future__ import annotations

from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.pipeline.pages import timing
from trigcnn.pipeline.pages.charts import (
    BAD,
    BLOCK,
    QUIET,
    SERIES,
    Column,
    Figure,
    Line,
    Panel,
    Table,
    Value,
    data,
    panel,
)
from trigcnn.pipeline.results.report import Report


def figures(report: Report) -> list[Figure]:
    """Draw each critical path that a tool names, layer by layer along the time in ns."""
    return [_figure(entry, n) for n, entry in enumerate(timing.placed(report))]


def _figure(entry: SynthesisReport, n: int) -> Figure:
    stretches = timing.stretches(entry.critical_path or [])
    wrapper = ", in the test wrapper" if entry.design == "board" else ""
    mhz = timing.frequency_mhz(entry)
    reached = (
        "" if mhz is None else f": {mhz:.5g} MHz, clock period of {entry.clock_period_ns:g} ns {timing.slack(entry)}"
    )
    return Figure(
        name=f"critical-path-{n + 1}",
        title=f"Critical path on {entry.part}{wrapper}",
        caption=(
            f"By {entry.tool}{reached} (dashed). The path runs from left to right through cells (logic) and wires "
            "(routing); a wire belongs to the layer that it comes from."
        ),
        panels=(_panel(entry, stretches),),
        table=Table(
            caption="The path by layer, in the order in which it runs.",
            columns=(
                Column("Layer"),
                Column("From", "code"),
                Column("To", "code"),
                Column("Logic in ns", "number"),
                Column("Routing in ns", "number"),
            ),
            rows=tuple(
                (part.layer or "between layers", part.start, part.end, part.logic_ns, part.routing_ns)
                for part in stretches
            ),
        ),
        evidence=(entry.evidence,),
    )


def _panel(entry: SynthesisReport, stretches: list[timing.Stretch]) -> Panel:
    import altair as alt

    rows: list[dict[str, Value]] = []
    at = 0.0
    for n, part in enumerate(stretches, 1):
        name = f"{n} · {part.layer or 'between layers'}"
        for kind, delay in (("logic", part.logic_ns), ("routing", part.routing_ns)):
            if delay:
                rows.append({"name": name, "series": kind, "from": at, "to": at + delay, "delay": delay})
                at += delay
    names = list(dict.fromkeys(str(row["name"]) for row in rows))
    key = [Line("logic", SERIES[0], width=BLOCK), Line("routing", SERIES[1], width=BLOCK)]
    end = 1.05 * max(at, entry.clock_period_ns)
    drawn = (
        alt.Chart(data(rows))
        .mark_bar(height={"band": 0.6})
        .encode(
            x=alt.X("from:Q", title="ns", scale=alt.Scale(domain=[0, end], nice=False)),
            x2="to:Q",
            y=alt.Y("name:N", sort=names, title=None),
            color=alt.Color(
                "series:N", scale=alt.Scale(domain=[line.name for line in key], range=[line.colour for line in key])
            ),
            tooltip=["name:N", "series:N", alt.Tooltip("delay:Q", title="ns", format=".2f")],
        )
    )
    limit = alt.Chart(data([{"at": entry.clock_period_ns}])).encode(x="at:Q")
    missed = at > entry.clock_period_ns
    rule = limit.mark_rule(color=BAD if missed else QUIET, strokeDash=[4, 3])
    period = f"{entry.clock_period_ns:g} ns"
    label = f"Critical path of {at:.2f} ns in {len(stretches)} stretches; the clock period is {period}."
    return panel(drawn + rule, label, height=24 * len(names), key=key)

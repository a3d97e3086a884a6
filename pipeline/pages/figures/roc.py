"""ROC and efficiency against rate of a trigger: float twin, quantized model and hardware."""

from __future__ import annotations

from bisect import bisect_right

from trigcnn.pipeline.pages.charts import RULE, SERIES, Column, Figure, Line, Panel, Table, Value, data, lines
from trigcnn.pipeline.results.quality import Roc, RocCurve
from trigcnn.pipeline.results.report import Report
from trigcnn.pipeline.trigger.binomial import wilson
from trigcnn.pipeline.trigger.run_curves import working_points
from trigcnn.pipeline.trigger.working_points import hertz

# Wide at the back, narrow before it, so that equal curves are all visible.
_DRAWN = {
    "float": Line("float twin", SERIES[1], (5, 3), 1.6),
    "quantized": Line("quantized", SERIES[0], (), 4.5),
    "csim": Line("C simulation", SERIES[2], (), 2.2),
    "rtl": Line("RTL", "var(--ink)", (2, 3), 1.4),
}


def figure(report: Report) -> Figure | None:
    """Draw signal efficiency against background efficiency, and against the rate.

    Returns:
        None for a network that is no trigger.
    """
    roc = report.roc
    if roc is None:
        return None
    areas = ", ".join(f"{_DRAWN[curve.model].name} {_area(curve)}" for curve in roc.curves)
    weighted = "" if roc.effective_signal_events is None else "; events count by their weights"
    return Figure(
        name="roc",
        title="Signal against background",
        caption=(
            f"Accepted if {roc.score} is at least a threshold. Signal: {', '.join(roc.signal)} "
            f"({roc.signal_events:,} events); background: {', '.join(roc.background)} ({roc.background_events:,} "
            f"events), of which {hertz(roc.event_rate_hz)} come{weighted}. Area under the curve: {areas}. Below the "
            f"rate of a few of these events ({hertz(roc.event_rate_hz / roc.background_events)} each) the curves are "
            "uncertain."
        ),
        panels=(_against_rate(roc), _against_background(roc, areas)),
        table=table(roc),
        evidence=("evaluation", "simulation"),
    )


def at(curve: RocCurve, events: int) -> tuple[float, float]:
    """Return accepted background and signal events where at most so many of the background are."""
    n = max(bisect_right(curve.background, events) - 1, 0)
    return curve.background[n], curve.signal[n]


def _area(curve: RocCurve) -> str:
    return f"{curve.auc:.4f}" + ("" if curve.auc_error is None else f" ± {curve.auc_error:.4f}")


def _rows(roc: Roc) -> list[dict[str, Value]]:
    return [
        {
            "series": _DRAWN[curve.model].name,
            "background": background / roc.background_events,
            "rate": background / roc.background_events * roc.event_rate_hz,
            "signal": signal / roc.signal_events,
        }
        for curve in _in_order(roc)
        for background, signal in zip(curve.background, curve.signal, strict=True)
    ]


def _in_order(roc: Roc) -> list[RocCurve]:
    found = {curve.model: curve for curve in roc.curves}
    return [found[model] for model in ("quantized", "float", "csim", "rtl") if model in found]


def _lines(roc: Roc) -> list[Line]:
    return [_DRAWN[curve.model] for curve in _in_order(roc)]


def _against_rate(roc: Roc) -> Panel:
    import altair as alt

    rows = [row for row in _rows(roc) if row["rate"]]
    least = roc.event_rate_hz / roc.background_events
    x = alt.X(
        "rate:Q",
        title="background rate in Hz",
        scale=alt.Scale(type="log", domain=[least, roc.event_rate_hz], nice=False),
        axis=alt.Axis(format="~s", values=[10.0**n for n in range(-3, 13)]),
    )
    y = alt.Y(
        "signal:Q", title="signal efficiency", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=5)
    )
    points = ", ".join(
        f"{signal / roc.signal_events:.1%} at {hertz(roc.event_rate_hz * share)}"
        for share in (0.001, 0.01, 0.1)
        if (count := int(share * roc.background_events)) >= 1
        for _, signal in [at(_in_order(roc)[-1], count)]
    )
    label = f"Signal efficiency against background rate of {len(roc.curves)} models"
    label += f"; hardware: {points}." if points else "."
    return lines(rows, label, drawn=_lines(roc), x=x, y=y, interpolate="step-after", title="efficiency against rate")


def _against_background(roc: Roc, areas: str) -> Panel:
    import altair as alt

    x = alt.X(
        "background:Q",
        title="background efficiency",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%", tickCount=5),
    )
    y = alt.Y(
        "signal:Q", title="signal efficiency", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", tickCount=5)
    )
    chance = (
        alt.Chart(data([{"background": 0, "signal": 0}, {"background": 1, "signal": 1}]))
        .mark_line(color=RULE, strokeDash=[3, 3], strokeWidth=1, aria=False)
        .encode(x=x, y=y)
    )
    label = f"ROC curves of {len(roc.curves)} models, area under the curve: {areas}. The dashed diagonal is chance."
    return lines(
        _rows(roc), label, drawn=_lines(roc), x=x, y=y, more=[chance], interpolate="step-after", title="ROC curve"
    )


def table(roc: Roc) -> Table:
    """Return the signal that each model accepts at rates of 1, 2, 5, 10, 20 ... background events."""
    curves = sorted(roc.curves, key=lambda curve: list(_DRAWN).index(curve.model))
    last = curves[-1]
    rows: list[tuple[Value, ...]] = []
    for events in working_points(roc.background_events).tolist():
        accepted, signal = at(last, events)
        effective = roc.effective_signal_events or roc.signal_events
        low, high = wilson(signal * effective / roc.signal_events, effective)
        rows.append(
            (
                events / roc.background_events * roc.event_rate_hz,
                events / roc.background_events,
                accepted,
                *(at(curve, events)[1] / roc.signal_events for curve in curves),
                low,
                high,
            )
        )
    name = _DRAWN[last.model].name
    return Table(
        caption=(
            "Share of the signal that the loosest threshold accepts whose rate stays within the target; each model "
            f"has a threshold of its own. Low and high: Wilson score interval at 68.27 % of the {name}'s."
        ),
        columns=(
            Column("Target rate in Hz", "number"),
            Column("Background efficiency", "percent"),
            Column(f"Background events, {name}", "number"),
            *(Column(f"Signal, {_DRAWN[curve.model].name}", "percent") for curve in curves),
            Column("Low", "percent"),
            Column("High", "percent"),
        ),
        rows=tuple(rows),
    )

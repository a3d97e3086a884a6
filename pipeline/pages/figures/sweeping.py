"""Charts of a sweep: the front, all trials in parallel coordinates, importances, and progress."""

from __future__ import annotations

import json
from collections.abc import Sequence

from trigcnn.pipeline.pages.charts import (
    INK,
    QUIET,
    RULE,
    SERIES,
    Column,
    Figure,
    Line,
    Table,
    Value,
    bars,
    data,
    lines,
    panel,
)  # fmt: skip
from trigcnn.pipeline.pages.rendering import number, percent
from trigcnn.pipeline.results.sweep import Sweep, SweepTrial


def parallel_coordinates(sweep: Sweep) -> Figure | None:
    """Draw each trial as a line through its options and results.

    Returns:
        None where fewer than two trials have all objectives.
    """
    import altair as alt

    trials = [trial for trial in sweep.trials if all(trial.merit(goal.name) for goal in sweep.objectives)]
    if len(trials) < 2:
        return None
    axes = [
        *((path, path.rpartition(".")[2]) for path in sweep.options),
        *((g.name, g.label) for g in sweep.objectives),
    ]
    # Two options may end with the same word.
    ends = [end for _, end in axes]
    titles = {name: name if ends.count(end) > 1 else end for name, end in axes}
    columns = {name: _column(trials, name) for name in titles}
    rows: list[dict[str, Value]] = [
        {
            "trial": f"trial {trial.number}",
            "axis": titles[name],
            "place": places[index],
            "value": texts[index],
            "front": "on the front" if trial.on_front else "beaten or over the budget",
        }
        for name, (places, texts) in columns.items()
        for index, trial in enumerate(trials)
    ]
    ends_shown: list[dict[str, Value]] = [
        {"axis": titles[name], "place": place, "text": text}
        for name, (places, texts) in columns.items()
        for place, text in _ticks(places, texts)
    ]
    hover = alt.selection_point(name="hover", fields=["trial"], on="pointerover", empty=False)
    order = list(titles.values())
    x = alt.X(
        "axis:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelAngle=0, labelPadding=12, domain=False, grid=True, gridColor=RULE),
    )
    y = alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[-0.04, 1.04]))
    colour = alt.Color(
        "front:N",
        sort=["on the front", "beaten or over the budget"],
        scale=alt.Scale(domain=["on the front", "beaten or over the budget"], range=[SERIES[0], QUIET]),
        legend=alt.Legend(symbolType="stroke"),
    )
    drawn = (
        alt.Chart(data(rows))
        .mark_line(interpolate="linear")
        .encode(
            x=x,
            y=y,
            detail="trial:N",
            color=colour,
            opacity=alt.condition(hover, alt.value(1.0), alt.value(0.55)),
            size=alt.condition(hover, alt.value(3.5), alt.value(1.2)),
            tooltip=["trial:N", "axis:N", "value:N", "front:N"],
        )
        .add_params(hover)
    )
    points = (
        alt.Chart(data(rows))
        .mark_point(filled=True, size=26, opacity=1, aria=False)
        .encode(x=x, y=y, color=colour, tooltip=["trial:N", "axis:N", "value:N", "front:N"])
    )
    names = (
        alt.Chart(data(ends_shown))
        .mark_text(align="left", dx=6, fontSize=10, color=INK, aria=False)
        .encode(x=x, y=y, text="text:N")
    )
    label = f"{len(trials)} trials through {len(sweep.options)} options and {len(sweep.objectives)} objectives."
    return Figure(
        name="parallel",
        title="All trials, option by option",
        caption="Each line is a trial; point at one to follow it. Axes go from the smallest to the largest value.",
        panels=(panel(alt.layer(drawn, points, names), label, height=340),),
        table=_trials_table(sweep, trials, titles),
    )


def _column(trials: Sequence[SweepTrial], name: str) -> tuple[list[float], list[str]]:
    """Return the place of each trial on an axis, 0 to 1, and the value in words."""
    merits = [trial.merit(name) for trial in trials]
    if all(merit is not None for merit in merits):
        values: list[float] = [merit.value for merit in merits if merit is not None]
        texts = [
            percent(merit.value) if merit.better == "more" else number(float(f"{merit.value:.5g}"))
            for merit in merits
            if merit is not None
        ]
        return _scaled(values), [str(text) for text in texts]
    written = [trial.values.get(name, "") for trial in trials]
    try:
        numbers = [float(text) for text in written]
        return _scaled(numbers), [str(number(float(f"{value:.4g}"))) for value in numbers]
    except ValueError:
        choices = sorted(set(written), key=_order)
        places = [float(choices.index(text)) for text in written]
        return _scaled(places), written


def _order(text: str) -> tuple[int, str]:
    try:
        return (len(str(json.loads(text))), text)
    except ValueError:
        return (0, text)


def _scaled(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    return [0.5 if high == low else (value - low) / (high - low) for value in values]


def _ticks(places: Sequence[float], texts: Sequence[str]) -> list[tuple[float, str]]:
    """Name the values of an axis with few of them, else its ends."""
    known = sorted(dict(zip(places, texts, strict=True)).items())
    return known if len(known) <= 6 else [known[0], known[-1]]


def _trials_table(sweep: Sweep, trials: Sequence[SweepTrial], titles: dict[str, str]) -> Table:
    columns = [Column("Trial", "number"), Column("On the front")]
    columns += [Column(titles[path], "code") for path in sweep.options]
    kinds = {}
    for goal in sweep.objectives:
        share = any(merit.better == "more" for trial in trials if (merit := trial.merit(goal.name)) is not None)
        kinds[goal.name] = "percent" if share else "number"
        columns += [Column(goal.label, "percent" if share else "number"), Column("Evidence", "evidence")]
    rows: list[tuple[Value, ...]] = []
    for trial in trials:
        cells: list[Value] = [trial.number, "yes" if trial.on_front else "no"]
        cells += [trial.values.get(path) for path in sweep.options]
        for goal in sweep.objectives:
            merit = trial.merit(goal.name)
            cells += [None, None] if merit is None else [merit.value, merit.evidence]
        rows.append(tuple(cells))
    return Table("Options and objectives of each trial", tuple(columns), tuple(rows))


def importance(sweep: Sweep) -> Figure | None:
    """Draw the importance of each option for each objective; None if it is not known."""
    if not sweep.importances:
        return None
    labels = {goal.name: goal.label for goal in sweep.objectives}
    rows: list[dict[str, Value]] = [
        {"name": each.option, "series": labels[each.objective], "value": each.share, "shown": percent(each.share, 0)}
        for each in sweep.importances
    ]
    first = max(sweep.importances, key=lambda each: each.share)
    label = f"Importance of {len(sweep.options)} options; most: {first.option} for {labels[first.objective]}."
    return Figure(
        name="importance",
        title="What decides",
        caption="Share of an objective's variance that an option explains (fANOVA), over the synthesized trials.",
        panels=(
            bars(
                rows,
                label,
                series=dict(zip(dict.fromkeys(str(row["series"]) for row in rows), SERIES, strict=False)),
                number_format=".0%",
            ),
        ),
        table=Table(
            "Importance of each option",
            (Column("Option", "code"), Column("Objective"), Column("Share", "percent")),
            tuple((each.option, labels[each.objective], each.share) for each in sweep.importances),
        ),
    )


def hypervolume(sweep: Sweep) -> Figure | None:
    """Draw the dominated hypervolume against time; None for fewer than two trials."""
    import altair as alt

    if len(sweep.volumes) < 2:
        return None
    rows: list[dict[str, Value]] = [
        {"series": "hypervolume", "time": each.seconds / 60, "value": each.hypervolume, "trial": f"trial {each.trial}"}
        for each in sweep.volumes
    ]
    last = sweep.volumes[-1]
    return Figure(
        name="hypervolume",
        title="How fast it was found",
        caption=(
            "Share of the box between the best and the worst value of each objective (widened by a tenth) that the "
            "front dominates, against the time since the sweep began."
        ),
        panels=(
            lines(
                rows,
                f"Hypervolume against time: {last.hypervolume:.3f} after {last.seconds / 60:.1f} minutes.",
                drawn=[Line("hypervolume", SERIES[0])],
                x=alt.X("time:Q", title="minutes"),
                y=alt.Y("value:Q", title="hypervolume", scale=alt.Scale(zero=False)),
                interpolate="step-after",
            ),
        ),
        table=Table(
            "Hypervolume after each trial",
            (Column("Trial", "number"), Column("Time in s", "number"), Column("Hypervolume", "number")),
            tuple((each.trial, round(each.seconds, 1), round(each.hypervolume, 5)) for each in sweep.volumes),
        ),
    )

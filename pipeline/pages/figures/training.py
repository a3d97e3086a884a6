"""Learning curves, and their table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from trigcnn.models.history import History
from trigcnn.pipeline.pages.charts import (
    QUIET,
    RULE,
    SERIES,
    Column,
    Figure,
    Line,
    Panel,
    Table,
    Value,
    data,
    lines,
)
from trigcnn.pipeline.results.report import Report

if TYPE_CHECKING:
    import altair as alt

_ACCURACY, _EFFICIENCY, _LOSS, _TEACHER = "accuracy", "signal efficiency", "loss", "loss of the teacher"
_VALIDATION, _TRAINING = "validation", "training"


class Row(NamedTuple):
    """A model's line in the table of training, at the epoch whose weights were kept last."""

    model: str
    epochs: int
    kept: int
    loss: float
    validation_loss: float
    figure: str
    value: float | None


class _Series(NamedTuple):
    """One curve."""

    model: str
    events: str
    values: Sequence[float]
    kept: Sequence[int]

    @property
    def name(self) -> str:
        return f"{self.model}, {self.events}"


def models(report: Report) -> list[tuple[str, History]]:
    """Return the names and the curves of the models that were trained here."""
    training = report.training
    named = (("quantized", training.quantized), ("float twin", training.float_twin), ("teacher", training.teacher))
    return [(name, curves) for name, curves in named if curves is not None and curves.loss]


def rows(report: Report) -> list[Row]:
    """Return the lines of the table."""
    found = []
    for name, curves in models(report):
        kept = curves.kept[-1] if curves.kept else len(curves.loss)
        figure, values = next(
            (
                (figure, values)
                for figure in (_EFFICIENCY, _ACCURACY)
                if (values := _curve(curves, figure, _VALIDATION))
            ),
            ("", []),
        )
        value = values[kept - 1] if values else None
        loss, validation_loss = curves.loss[kept - 1], curves.validation_loss[kept - 1]
        found.append(Row(name.capitalize(), len(curves.loss), kept, loss, validation_loss, figure, value))
    return found


def figure(report: Report) -> Figure | None:
    """Draw the figures of training against the epoch, for the quantized model, the float twin and the teacher.

    A dot is an epoch whose weights were kept; dashed rules are where pruning and folding were done.

    Returns:
        None where nothing was trained.
    """
    trained = models(report)
    if not trained:
        return None
    followed = {name: list(_series(trained, name)) for name in (_ACCURACY, _EFFICIENCY, _LOSS, _TEACHER)}
    panels = [_panel(quantity, series, trained) for quantity, series in followed.items() if series]
    training = report.training
    return Figure(
        name="training-curves",
        title="Training curves",
        caption=(
            f"{training.train_events:,} training, {training.validation_events:,} validation and "
            f"{training.test_events:,} test events; seed {training.seed}. Objective: {training.objective}; trained on "
            f"{training.device}. A dot is an epoch whose weights were kept."
        ),
        panels=tuple(panels),
        table=_table(followed),
        evidence=("evaluation",),
    )


def _series(trained: Sequence[tuple[str, History]], quantity: str) -> Iterator[_Series]:
    for name, curves in trained:
        if (name == "teacher") == (quantity == _TEACHER):
            for events in (_VALIDATION, _TRAINING):
                values = _curve(curves, quantity, events)
                if values and _curve(curves, quantity, _VALIDATION):
                    yield _Series(name, events, values, curves.kept if events == _VALIDATION else ())


def _curve(curves: History, quantity: str, events: str) -> Sequence[float]:
    validation = events == _VALIDATION
    if quantity == _ACCURACY:
        return curves.validation_accuracy if validation else curves.accuracy
    if quantity == _EFFICIENCY:
        return curves.signal_efficiency if validation else []
    return curves.validation_loss if validation else curves.loss


def _panel(quantity: str, series: Sequence[_Series], trained: Sequence[tuple[str, History]]) -> Panel:
    import altair as alt

    colours = dict(zip([name for name, _ in trained], SERIES, strict=False))
    points: list[dict[str, Value]] = [
        {"series": each.name, "epoch": epoch, "value": value, "kept": epoch in each.kept or len(each.values) == 1}
        for each in series
        for epoch, value in enumerate(each.values, 1)
    ]
    drawn = [
        Line(
            each.name,
            colours[each.model],
            () if each.events == _VALIDATION else (2, 3),
            1.8 if each.events == _VALIDATION else 1.3,
        )
        for each in series
    ]
    epochs = max(len(each.values) for each in series)
    x = alt.X(
        "epoch:Q",
        title="epoch",
        scale=alt.Scale(domain=[1, max(2, epochs)], nice=False),
        axis=alt.Axis(grid=False, tickMinStep=1, format="d"),
    )
    form = ".3~g" if quantity in (_LOSS, _TEACHER) else ".0%"
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(format=form, tickCount=5))
    kept: list[dict[str, Value]] = [point for point in points if point["kept"]]
    more = [] if quantity == _TEACHER else _marks(trained[0][1])
    if kept:
        dots = alt.Chart(data(kept)).mark_circle(size=45, opacity=1)
        more.append(dots.encode(x=x, y=y, color="series:N", tooltip=["series:N", "epoch:Q", "value:Q"]))
    last = ", ".join(f"{each.name} {each.values[-1]:.4g}" for each in series)
    label = f"{quantity.capitalize()} over {epochs} epochs of training; at the end: {last}."
    return lines(points, label, drawn=drawn, x=x, y=y, more=more, title=quantity)


def _marks(curves: History) -> list[alt.Chart]:
    """Return marks where the quantized model was changed."""
    import altair as alt

    found: list[dict[str, Value]] = [
        {"what": what, "at": epoch + 0.5}
        for what, epoch in (("pruned", curves.pruned_after), ("folded", curves.folded_after))
        if epoch is not None
    ]
    if not found:
        return []
    base = alt.Chart(data(found)).encode(x=alt.X("at:Q"))
    return [
        base.mark_rule(color=RULE, strokeDash=[4, 3]),
        base.mark_text(align="left", baseline="top", dx=4, color=QUIET, fontSize=11).encode(
            text="what:N", y=alt.value(0)
        ),
    ]


def _table(followed: dict[str, list[_Series]]) -> Table:
    columns = [(quantity, each) for quantity, series in followed.items() for each in series]
    epochs = max(len(each.values) for _, each in columns)
    return Table(
        caption="Every epoch, from 1.",
        columns=(
            Column("Epoch", "number"),
            *(
                Column(f"{quantity}, {each.name}", "percent" if quantity in (_ACCURACY, _EFFICIENCY) else "number")
                for quantity, each in columns
            ),
        ),
        rows=tuple(
            (n + 1, *(each.values[n] if n < len(each.values) else None for _, each in columns)) for n in range(epochs)
        ),
    )

"""Learning curves of a report as a figure, and what a table says of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from pipeline.reporting.figures import QUIET, RULE, SERIES, as_svg, new_figure, styled
from pipeline.reporting.report import Curves, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ACCURACY, _EFFICIENCY, _LOSS, _TEACHER = "accuracy", "signal efficiency", "loss", "loss of the teacher"


class Row(NamedTuple):
    """A model's line in the table of training, at the epoch whose weights were kept last."""

    model: str
    epochs: int
    kept: int
    loss: float
    validation_loss: float
    figure: str
    value: float | None


def models(report: Report) -> list[tuple[str, Curves]]:
    """Give the names and the curves of the models that were trained here."""
    training = report.training
    named = (("quantized", training.quantized), ("float twin", training.float_twin), ("teacher", training.teacher))
    return [(name, curves) for name, curves in named if curves is not None and curves.loss]


def rows(report: Report) -> list[Row]:
    """Give the lines of the table."""
    found = []
    for name, curves in models(report):
        kept = curves.kept[-1] if curves.kept else len(curves.loss)
        figure, values = next(
            ((figure, values) for figure in (_EFFICIENCY, _ACCURACY) if (values := _curve(curves, figure, True))),
            ("", []),
        )
        value = values[kept - 1] if values else None
        loss, validation_loss = curves.loss[kept - 1], curves.validation_loss[kept - 1]
        found.append(Row(name.capitalize(), len(curves.loss), kept, loss, validation_loss, figure, value))
    return found


@styled
def training_curves(report: Report) -> str | None:
    """Draw what was followed in training against the epoch, for the quantized model, the float twin and the teacher.

    A dot is an epoch whose weights were kept; dotted lines are where pruning and folding were done.

    Returns:
        An SVG element whose ids start with `training-`; None where nothing was trained.
    """
    trained = models(report)
    if not trained:
        return None
    panels = [name for name in (_ACCURACY, _EFFICIENCY, _LOSS, _TEACHER) if _followed(trained, name)]
    figure = new_figure(max(760, 280 * len(panels)), 280)
    for axes, quantity in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for colour, (name, curves) in zip(SERIES, trained, strict=False):
            if (name == "teacher") == (quantity == _TEACHER):
                _draw(axes, colour, name, curves, quantity)
        if quantity != _TEACHER:
            _mark(axes, trained[0][1])
        _decorate(axes, quantity)
    found = dict(pair[::-1] for axes in figure.axes for pair in zip(*axes.get_legend_handles_labels(), strict=True))
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=4, frameon=False, fontsize=11)
    names = " and the ".join(name for name, _ in trained)
    epochs = max(len(curves.loss) for _, curves in trained)
    followed = " and ".join(panels).capitalize()
    return as_svg(figure, "training", f"{followed} of the {names} model over {epochs} epochs of training.")


def _draw(axes: Axes, colour: str, name: str, curves: Curves, quantity: str) -> None:
    for style, validation in (("-", True), (":", False)):
        values = _curve(curves, quantity, validation)
        if not values:
            continue
        axes.plot(
            range(1, len(values) + 1),
            values,
            style,
            color=colour,
            linewidth=1.6 if validation else 1.3,
            label=f"{name}, {'validation' if validation else 'training'}",
            marker="o" if len(values) == 1 else "",
            markersize=4,
        )
        if validation:
            kept = [epoch for epoch in curves.kept if epoch <= len(values)]
            axes.plot(kept, [values[epoch - 1] for epoch in kept], "o", color=colour, markersize=5)


def _mark(axes: Axes, curves: Curves) -> None:
    """Show where the quantized model was changed."""
    for what, epoch in (("pruned", curves.pruned_after), ("folded", curves.folded_after)):
        if epoch is not None:
            axes.axvline(epoch + 0.5, color=RULE, linewidth=1.0, linestyle=":")
            axes.annotate(
                what, (epoch + 0.5, 1.0), xycoords=("data", "axes fraction"), xytext=(3, -9),
                textcoords="offset points", fontsize=9, color=QUIET,
            )  # fmt: skip


def _decorate(axes: Axes, quantity: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_title(quantity, fontsize=12, loc="left")
    axes.set_xlabel("epoch", color=QUIET)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _followed(trained: Sequence[tuple[str, Curves]], quantity: str) -> bool:
    return any(
        (name == "teacher") == (quantity == _TEACHER) and _curve(curves, quantity, True) for name, curves in trained
    )


def _curve(curves: Curves, quantity: str, validation: bool) -> Sequence[float]:
    if quantity == _ACCURACY:
        return curves.validation_accuracy if validation else curves.accuracy
    if quantity == _EFFICIENCY:
        return curves.signal_efficiency if validation else []
    return curves.validation_loss if validation else curves.loss

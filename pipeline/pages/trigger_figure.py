"""The figure of an evaluation: the ROC curve, and signal efficiency against trigger rate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trigcnn.pipeline.trigger.content import EngineResult, Evaluation
from trigcnn.pipeline.trigger.roc import Curve
from trigcnn.pipeline.trigger.working_points import hertz

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.typing import RcKeyType

_INK, _QUIET, _RULE = "#1d2126", "#6a727c", "#c3c9d0"
_SERIES = ("#3f82c8", "#c07a28", "#2f9684")
_STYLE: dict[RcKeyType, Any] = {
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _QUIET,
    "axes.labelsize": 11,
    "axes.linewidth": 0.6,
    "font.family": ["sans-serif"],
    "svg.fonttype": "none",
    "svg.hashsalt": "trigcnn",
    "text.color": _INK,
    "text.parse_math": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
}
# More points are not distinguishable.
_POINTS = 4000


def write(answer: Evaluation, curves: dict[str, Curve], folder: Path) -> None:
    """Write `evaluation.svg` and `evaluation.png` into a folder.

    Args:
        answer: Targets, working points and names.
        curves: Accepted events against the threshold, by engine.
        folder: An existing folder.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        labelled = answer.results[0].area is not None
        figure = Figure(figsize=(10.5 if labelled else 6.5, 4.2), layout="constrained")
        if labelled:
            left, right = figure.subplots(1, 2)
            _roc(left, answer, curves)
            _efficiency(right, answer, curves)
        else:
            _rate(figure.subplots(), answer, curves)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(folder / "evaluation.svg", metadata=nothing)
        figure.savefig(folder / "evaluation.png", dpi=150, metadata={"Software": None})


def _series(answer: Evaluation, curves: dict[str, Curve]) -> list[tuple[EngineResult, Curve, dict[str, Any]]]:
    """Engines with their curves and styles; a second one is dashed, so that equal curves both show."""
    return [
        (result, curves[result.engine], {"color": colour, "linestyle": line, "linewidth": 1.6})
        for result, colour, line in zip(answer.results, _SERIES, ("-", (0, (4, 3))), strict=False)
    ]


def _roc(axes: Axes, answer: Evaluation, curves: dict[str, Curve]) -> None:
    for result, curve, style in _series(answer, curves):
        signal, background = (
            _thinned(accepted / events)
            for accepted, events in ((curve.signal, curve.signal_events), (curve.background, curve.background_events))
        )
        assert result.area is not None  # noqa: S101 - there are labels
        error = "" if result.area.error is None else f" ± {result.area.error:.1g}"
        axes.plot(background, signal, label=f"{result.engine}: AUC {result.area.auc:.5f}{error}", **style)
    axes.plot([0, 1], [0, 1], color=_RULE, linewidth=0.8, zorder=0)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="background efficiency", ylabel="signal efficiency")
    axes.legend(loc="lower right", frameon=False)
    _quiet(axes)


def _efficiency(axes: Axes, answer: Evaluation, curves: dict[str, Curve]) -> None:
    for result, curve, style in _series(answer, curves):
        rate = curve.background / curve.background_events * answer.event_rate_hz
        shown = rate > 0
        axes.plot(_thinned(rate[shown]), _thinned(curve.signal[shown] / curve.signal_events), **style)
        for point in result.working_points:
            if point.rate_hz and point.signal and point.rate_low_hz is not None and point.rate_high_hz is not None:
                axes.errorbar(
                    point.rate_hz,
                    point.signal.efficiency,
                    xerr=_ends(point.rate_hz, point.rate_low_hz, point.rate_high_hz),
                    yerr=_ends(point.signal.efficiency, point.signal.low, point.signal.high),
                    fmt="o",
                    markersize=4,
                    capsize=2,
                    color=style["color"],
                )
    _rate_axis(axes, "x", answer)
    axes.set(ylim=(-0.01, 1.01), ylabel="signal efficiency")
    axes.set_xlabel(f"trigger rate, of {hertz(answer.event_rate_hz)}")


def _rate(axes: Axes, answer: Evaluation, curves: dict[str, Curve]) -> None:
    for result, curve, style in _series(answer, curves):
        rate = curve.background / curve.background_events * answer.event_rate_hz
        shown = rate > 0
        axes.step(_thinned(curve.thresholds[shown]), _thinned(rate[shown]), where="pre", label=result.engine, **style)
    _rate_axis(axes, "y", answer)
    axes.set_xlabel(f"threshold in LSB of the score ({answer.score.lsb:g})")
    axes.set_ylabel(f"trigger rate, of {hertz(answer.event_rate_hz)}")
    axes.legend(loc="lower left", frameon=False)


def _rate_axis(axes: Axes, which: str, answer: Evaluation) -> None:
    """A logarithmic axis of rates, with a line at each target."""
    axis: Axis = axes.xaxis if which == "x" else axes.yaxis
    axes.set(**{f"{which}scale": "log"})
    axis.set_major_formatter(lambda rate, _: hertz(rate))
    axis.set_minor_formatter(lambda rate, _: "")
    line: Callable[..., object] = axes.axvline if which == "x" else axes.axhline
    for point in answer.results[0].working_points:
        line(point.target_rate_hz, color=_RULE, linewidth=0.8, linestyle=":", zorder=0)
    _quiet(axes)


def _quiet(axes: Axes) -> None:
    axes.grid(color=_RULE, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0)
    axes.spines[["top", "right"]].set_visible(False)


def _ends(value: float, low: float, high: float) -> list[list[float]]:
    return [[max(0.0, value - low)], [max(0.0, high - value)]]


def _thinned(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Remove points that would not be visible: evenly by index, dense at the end of high thresholds."""
    if len(values) <= _POINTS:
        return values
    even = np.linspace(0, len(values) - 1, _POINTS // 2)
    dense = len(values) - np.geomspace(1, len(values), _POINTS // 2)
    kept: npt.NDArray[Any] = values[np.unique(np.concatenate([even, dense]).astype(np.int64))]
    return kept

"""The figure of a data set: events of each class, and the control distributions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.files import new_file
from trigcnn.models.datasets.controls import Control

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure
    from matplotlib.typing import RcKeyType

_INK, _QUIET, _RULE = "#1d2126", "#6a727c", "#c3c9d0"
# Distinguishable with colour blindness: Okabe and Ito's, and four more for ten classes.
_SERIES = "#0072b2 #d55e00 #009e73 #cc79a7 #e69f00 #56b4e9 #7f7f7f #8c564b #9467bd #bcbd22".split()
_STYLE: dict[RcKeyType, Any] = {
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _QUIET,
    "axes.labelsize": 9,
    "axes.linewidth": 0.6,
    "axes.titlesize": 9.5,
    "font.size": 9,
    "text.color": _INK,
    "text.parse_math": False,
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
}
# Bins; fewer where many classes share a plot.
_BINS, _FEW_BINS = 40, 20
# Values beyond these quantiles are not drawn: a few would squeeze all others together.
_SHOWN = 0.005, 0.995
# Where the tail of positive values is so much larger than their median, the axis is logarithmic.
_TAIL = 10.0
# A grid of more values than this counts as continuous.
_GRID = 400
# How far values may lie off it, as a share of its step: standardised ones were rounded.
_OFF_GRID = 0.05
# More classes than these make a page narrow and high.
_FEW_CLASSES = 5
# Colours go with the square root where the largest value of an event is so many times its mean.
_PEAKED = 8.0
# In inches: the height of an event, a plot, what the title takes. Between events, as a share of their height.
_CELL, _PLOT, _MARGIN = 1.2, (2.7, 2.1), 0.4
_GAP = 0.08


@dataclass(frozen=True)
class Shown:
    """The content of the figure.

    Attributes:
        title: A line above all.
        classes: Names of the classes.
        events: [events, ...].
        labels: [events], indices into `classes`.
        largest: The largest value that an event's number format holds.
        controls: Quantities of these events.
    """

    title: str
    classes: tuple[str, ...]
    events: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    largest: float
    controls: tuple[Control, ...]


def write(shown: Shown, path: Path) -> None:
    """Draw a data set into a file; the format is that of the name's suffix.

    Raises:
        OSError: The file cannot be written.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        few = len(shown.classes) <= _FEW_CLASSES
        examples = 6 if few else 4
        columns = (3 if len(shown.controls) > 4 else 2) if few else 1
        lines = -(-len(shown.controls) // columns)
        wide = shown.events.shape[2] / shown.events.shape[1] if shown.events.ndim == 4 else 1.2
        left, right = (examples + 1) * _CELL * (wide + _GAP) + 0.4, columns * _PLOT[0]
        height = max(len(shown.classes) * _CELL * (1 + _GAP) + 0.4, lines * _PLOT[1]) + _MARGIN
        figure = Figure(figsize=(left + right, height), dpi=130, layout="constrained")
        figure.suptitle(shown.title, fontsize=11, x=0.01, ha="left")
        images, plots = figure.subfigures(1, 2, width_ratios=(left, right), squeeze=False)[0]
        _examples(images, shown, examples, wide)
        _controls(plots, shown, lines, columns)
        with new_file(path) as partial:
            figure.savefig(partial)


def _examples(figure: SubFigure, shown: Shown, examples: int, wide: float) -> None:
    """Draw a row per class: its first events, and the mean of all; a cell is `wide` by 1, in one plot for all."""
    axis = figure.add_subplot()
    roots = _peaked(shown.events)
    for label, name in enumerate(shown.classes):
        events = shown.events[shown.labels == label]
        top = label * (1 + _GAP)
        axis.text(-0.1, top + 0.5, name.replace("_", " "), color=_colour(label), rotation=90, ha="right", va="center")
        cells = [*events[:examples], events.mean(axis=0)] if len(events) else []
        for column, event in enumerate(cells):
            left = (column if column < len(cells) - 1 else examples) * (wide + _GAP)
            _event(axis, event, shown, (left, top, wide), _colour(label), roots=roots)
    right, bottom = (examples + 1) * (wide + _GAP), len(shown.classes) * (1 + _GAP)
    axis.text(right - _GAP - wide / 2, -_GAP, "mean", ha="center", va="bottom", fontsize=9.5)
    if not _coloured(shown):
        scale = ", colours go with the square root" if roots and shown.events.ndim == 4 else ""
        note = f"each in its own scale{scale}; the number is the largest value"
        axis.text(0, bottom, note, va="top", fontsize=8, color=_QUIET)
    axis.set(xlim=(-0.35, right), ylim=(bottom + 0.2, -0.3), aspect="equal")
    axis.axis("off")


def _colour(label: int) -> str:
    return _SERIES[label % len(_SERIES)]


def _coloured(shown: Shown) -> bool:
    return shown.events.ndim == 4 and shown.events.shape[3] == 3


def _peaked(events: npt.NDArray[np.float32]) -> bool:
    flat = events.reshape(len(events), -1)
    return bool(np.median(flat.max(axis=1) / np.maximum(flat.mean(axis=1), 1e-9)) > _PEAKED)


def _event(
    axis: Axes,
    event: npt.NDArray[np.float32],
    shown: Shown,
    place: tuple[float, float, float],
    colour: str,
    *,
    roots: bool,
) -> None:
    """Draw an event into a cell whose left, top and width are given: an image, a line or bars."""
    left, top, wide = place
    frame: Any = (left, left + wide, top + 1, top)
    if event.ndim == 3:
        axis.imshow(_brightness(event, shown, roots=roots), extent=frame, interpolation="nearest", vmin=0, vmax=1)
    else:
        values = event.ravel()
        low, high = min(0.0, float(values.min())) if event.ndim == 1 else float(values.min()), float(values.max())
        # Room above for the number.
        scale = 0.75 / max(high - low, 1e-9)
        heights = top + 0.95 - scale * (values - low)
        steps = left + wide * (np.arange(values.size) + 0.5) / values.size
        if event.ndim == 2:
            axis.plot(steps, heights, color=colour, linewidth=0.9)
        else:
            zero = top + 0.95 + scale * low
            axis.bar(steps, heights - zero, 0.9 * wide / values.size, zero, color=colour)
        axis.plot([left, left + wide, left + wide, left, left], [top, top, top + 1, top + 1, top], color=_RULE, lw=0.6)
    if _coloured(shown):
        return
    note: dict[str, Any] = {"color": _QUIET}
    if event.ndim == 3:
        note = {"color": "white", "bbox": {"facecolor": "#00000080", "edgecolor": "none", "pad": 1.5}}
    largest = f"{event.max():.0f}" if event.max() >= 1000 else f"{event.max():.3g}"
    axis.text(left + wide - 0.04, top + 0.04, largest, ha="right", va="top", fontsize=7, **note)


def _brightness(event: npt.NDArray[np.float32], shown: Shown, *, roots: bool) -> npt.NDArray[np.float64]:
    """Make numbers between 0 and 1 of an event [rows, columns, channels]; three channels are colours."""
    values: npt.NDArray[np.float64] = event.astype(np.float64)
    if not _coloured(shown):
        values = values.sum(axis=2)
        values -= min(0.0, float(values.min()))
        values /= max(float(values.max()), 1e-9)
        return np.sqrt(values, out=values) if roots else values
    return np.clip(values / shown.largest, 0, 1, out=values)


def _controls(figure: SubFigure, shown: Shown, lines: int, columns: int) -> None:
    """Draw the distribution of each quantity in each class, as a share of the class' events per bin."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    bins = _BINS if len(shown.classes) <= _FEW_CLASSES else _FEW_BINS
    for axis, control in zip(axes, shown.controls, strict=False):
        edges, logarithmic = _edges(control.values, bins)
        for label, name in enumerate(shown.classes):
            values = control.values[shown.labels == label]
            share = np.histogram(values[np.isfinite(values)], edges)[0] / max(values.size, 1)
            axis.stairs(share, edges, color=_colour(label), label=name.replace("_", " "))
        axis.set(title=control.name, xlabel=control.unit, xlim=(edges[0], edges[-1]), ylim=(0, None))
        if logarithmic:
            axis.set_xscale("log")
            axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
            axis.xaxis.set_minor_formatter(NullFormatter())
        axis.spines[["top", "right"]].set_visible(False)
        axis.yaxis.set_major_locator(MaxNLocator(4))
    for axis in axes[len(shown.controls) :]:
        axis.set_visible(False)
    handles, names = axes[0].get_legend_handles_labels()
    if len(names) > 1:
        figure.legend(handles, names, frameon=False, fontsize=8.5, ncols=5, handlelength=1, loc="outside upper center")
    figure.supylabel("share of events per bin", fontsize=9, color=_QUIET)


def _edges(values: npt.NDArray[np.float64], bins: int) -> tuple[npt.NDArray[np.float64], bool]:
    """Choose bins for all classes, and whether their axis is logarithmic; then what is not positive is not shown."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.array([0.0, 1.0]), False
    low, high = (float(value) for value in np.quantile(finite, _SHOWN))
    positive = finite[finite > 0]
    if low >= 0 and positive.size > finite.size / 2 and high > _TAIL * np.median(positive):
        return np.geomspace(np.quantile(positive, _SHOWN[0]), high, bins + 1), True
    step = _step(finite)
    if step:
        # As many of the values in each bin: others would stand out for no reason.
        wide = step * max(1, round((high - low) / step / bins))
        return np.arange(low - step / 2, high + wide, wide), False
    return np.linspace(low, max(high, low + 1e-9), bins + 1), False


def _step(values: npt.NDArray[np.float64]) -> float:
    """Find the distance of values that lie on a grid; 0 where there is none to be seen."""
    apart = np.diff(np.unique(values))
    if not apart.size:
        return 1.0
    times = apart / apart.min()
    whole = np.rint(times)
    if apart.size >= _GRID or bool((np.abs(times - whole) > _OFF_GRID).any()):
        return 0.0
    return float(apart.sum() / whole.sum())

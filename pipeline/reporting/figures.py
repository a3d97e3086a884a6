"""Figures of a report as SVG, to stand inside the HTML page."""

from __future__ import annotations

import io
import re
from functools import wraps
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.reporting.report import Range, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

_Drawn = TypeVar("_Drawn")

# Drawn in these colours, which nothing else uses; the page's own, light or dark, take their place.
INK, QUIET, RULE, BAD = "#010101", "#020202", "#030303", "#040404"
SERIES = ("#050505", "#060606", "#070707")
_PAGE_COLOURS = {
    INK: "currentColor",
    QUIET: "var(--quiet, #7a828c)",
    RULE: "var(--rule, #a9b0b8)",
    BAD: "var(--bad, #d0453b)",
    SERIES[0]: "var(--series-1, #3f82c8)",
    SERIES[1]: "var(--series-2, #c07a28)",
    SERIES[2]: "var(--series-3, #2f9684)",
}
_TENSORS = dict(zip(("weight", "bias", "result"), SERIES, strict=True))
_STYLE: dict[RcKeyType, Any] = {
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.linewidth": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "trigcnn",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "xtick.labelsize": 11,
    "ytick.color": INK,
    "ytick.labelsize": 11,
}
# Values this small against the end of their format's range are drawn on a linear axis.
_LINEAR_BELOW = 2.0**-8
# A range that is left is drawn up to here.
_FARTHEST = 1.6


def styled(draw: Callable[[Report], _Drawn]) -> Callable[[Report], _Drawn]:
    """Draw in the style of the page, whatever the user's own settings of matplotlib are."""

    @wraps(draw)
    def with_style(report: Report) -> _Drawn:
        import matplotlib

        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_STYLE)
            return draw(report)

    return with_style


@styled
def confusion_matrix(report: Report) -> str | None:
    """Draw test events by true class (row) and class given by the C simulation (column).

    A cell is the darker the larger its share of the row.

    Returns:
        An SVG element whose ids start with `confusion-`; None for a network of several outputs.
    """
    from matplotlib.patches import Rectangle

    if report.confusion is None:
        return None
    classes, counts = report.confusion.classes, report.confusion.counts
    n = len(classes)
    cell = max(26, min(64, 420 // n))
    longest = max(len(name) for name in classes)
    tilt = 45 if longest * 7 > cell else 0
    margin = 46 + 6.5 * longest
    figure = new_figure(margin + n * cell, n * cell + (46 + 5 * longest if tilt else 52))
    axes = figure.add_subplot()
    for row, of_class in enumerate(counts):
        total = max(1, sum(of_class))
        for column, count in enumerate(of_class):
            if count == 0:
                continue
            colour = SERIES[0] if row == column else BAD
            alpha = 0.10 + 0.45 * count / total
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=colour, alpha=alpha, linewidth=0))
            axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=11 if n <= 12 else 9.5)
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
    axes.set_xticks(range(n), classes, rotation=tilt, ha="left" if tilt else "center")
    axes.set_yticks(range(n), classes)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks([i + 0.5 for i in range(n - 1)], minor=True)
    axes.set_yticks([i + 0.5 for i in range(n - 1)], minor=True)
    axes.grid(which="minor", color=RULE, linewidth=0.6)
    axes.tick_params(which="both", length=0)
    axes.set_xlabel("class given by the C simulation", color=QUIET, labelpad=8)
    axes.set_ylabel("true class", color=QUIET, labelpad=8)
    axes.spines[:].set_visible(True)
    right = sum(counts[i][i] for i in range(n))
    events = sum(map(sum, counts))
    label = f"Confusion matrix of {n} classes: {right:,} of {events:,} test events get their class."
    return as_svg(figure, "confusion", label)


@styled
def value_ranges(report: Report) -> str:
    """Draw, for each tensor, the range of values seen inside the range of its number format.

    Values are in units of the format's end of larger magnitude, on a logarithmic axis to both sides of
    zero; what leaves the format's range is drawn in the colour of failure.

    Returns:
        An SVG element whose ids start with `ranges-`.
    """
    rows = report.ranges
    figure = new_figure(760, 62 + 22 * len(rows))
    axes = figure.add_subplot()
    # Before the bars: a change of scale resets the ticks.
    axes.set_xscale("symlog", base=2, linthresh=_LINEAR_BELOW, linscale=0.5)
    for y, entry in enumerate(rows):
        _draw_range(axes, y, entry)
    outside = sum(entry.minimum < entry.format_minimum or entry.maximum > entry.format_maximum for entry in rows)
    limit = _FARTHEST if outside else 1.02
    axes.set(xlim=(-limit, limit), ylim=(len(rows) - 0.4, -0.6))
    powers = (0, 2, 4, 6)
    ticks = [-(2.0**-p) for p in powers] + [0.0] + [2.0**-p for p in reversed(powers)]
    names = [f"1/{2**p}" if p else "1" for p in powers]
    axes.set_xticks(ticks, [f"−{name}" for name in names] + ["0", *reversed(names)], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_yticks(range(len(rows)), [f"{entry.layer} · {entry.tensor}" for entry in rows])
    axes.tick_params(length=0)
    axes.grid(axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("share of the format's range; each factor of two is one bit", color=QUIET, labelpad=8)
    formats = axes.secondary_yaxis("right")
    formats.set_yticks(range(len(rows)), [entry.format for entry in rows])
    formats.tick_params(length=0, labelcolor=QUIET)
    formats.spines[:].set_visible(False)
    label = f"Ranges of the values of {len(rows)} tensors inside those of their formats; {outside} leave theirs."
    return as_svg(figure, "ranges", label)


def _draw_range(axes: Axes, y: int, entry: Range) -> None:
    """Draw one row: the format's range as a frame, the values seen as a bar within."""
    end = max(abs(entry.format_minimum), abs(entry.format_maximum)) or 1.0
    low, high, seen_low, seen_high = (
        value / end for value in (entry.format_minimum, entry.format_maximum, entry.minimum, entry.maximum)
    )
    axes.barh(y, high - low, left=low, height=0.64, color=RULE, alpha=0.45, linewidth=0)
    inside_low, inside_high = max(seen_low, low), min(seen_high, high)
    colour = _TENSORS[entry.tensor]
    if inside_high > inside_low:
        axes.barh(y, inside_high - inside_low, left=inside_low, height=0.34, color=colour, linewidth=0)
    else:
        axes.plot([inside_low], [y], marker="|", markersize=8, markeredgewidth=2, color=colour)
    for start, stop in ((max(seen_low, -_FARTHEST), low), (high, min(seen_high, _FARTHEST))):
        if stop > start:
            axes.barh(y, stop - start, left=start, height=0.34, color=BAD, linewidth=0)


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure of a size in CSS pixels, apart from pyplot and its windows."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 72, height / 72), layout="constrained")


def as_svg(figure: Figure, name: str, label: str) -> str:
    """Write a figure as an SVG element that fits the page: its colours, its fonts, ids of its own."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    _, _, width, height = re.findall(r'viewBox="(\S+) (\S+) (\S+) (\S+)"', text)[0]
    body = text[text.index("<defs>") : text.rindex("</svg>")]
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'((?:xlink:)?href="|url\()#', rf"\1#{name}-", body)
    body = body.replace("xlink:href", "href")
    body = re.sub(r"font-family: [^;\"]*; ?", "", body)
    for drawn, shown in _PAGE_COLOURS.items():
        body = body.replace(drawn, shown)
    return (
        f'<svg class="{name}" role="img" aria-label="{escape(label)}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" xmlns="http://www.w3.org/2000/svg" font-family="inherit" '
        f'stroke-linejoin="round">\n{body}</svg>'
    )

"""The numerical profile: magnitudes of values, compared with the range of their number formats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trigcnn.pipeline.pages.charts import (
    BAD,
    BLOCK,
    QUIET,
    ROW,
    RULE,
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
from trigcnn.pipeline.results.magnitudes import Range
from trigcnn.pipeline.results.report import Report

if TYPE_CHECKING:
    import altair as alt

_TENSORS = ("weight", "bias", "result")
_TOLD = ("least", "median", "greatest")


def figure(report: Report) -> Figure | None:
    """Draw, for each tensor, the magnitudes of its values on the bits of its number format.

    Returns:
        None if no values were recorded.
    """
    ranges = report.ranges
    if not ranges:
        return None
    outside = sum(leaves(entry) for entry in ranges)
    return Figure(
        name="numerical-profile",
        title="Numerical profile",
        caption=(
            "Magnitudes of the values that are not zero, on the bits of their format (grey, from its last bit to its "
            "largest value): a line from the least to the greatest, a box over the middle half, a stroke at the "
            "median. Grey to the right of a line is bits that no value uses; to the left, bits finer than any value. "
            + (f"{outside} of {len(ranges)} tensors leave their format." if outside else "No value leaves its format.")
        ),
        panels=(_panel(ranges, outside),),
        table=_table(ranges),
        evidence=("simulation",),
    )


def leaves(entry: Range) -> bool:
    """Whether a value is beyond what the format holds."""
    return entry.minimum < entry.format_minimum or entry.maximum > entry.format_maximum


def spare_bits(entry: Range) -> float | None:
    """Bits at the top of the format that no value uses; less than 0 where values are beyond it."""
    greatest, end = max(abs(entry.minimum), abs(entry.maximum)), _end(entry)
    return math.log2(end / greatest) if greatest and end else None


def _end(entry: Range) -> float:
    return max(abs(entry.format_minimum), abs(entry.format_maximum))


def _row(entry: Range) -> dict[str, Value]:
    row: dict[str, Value] = {
        "name": f"{entry.layer} · {entry.tensor}",
        "tensor": entry.tensor,
        "format": entry.format,
        "from": math.log2(entry.lsb),
        "to": math.log2(_end(entry) or entry.lsb),
        "outside": leaves(entry),
        "zeros": entry.zeros / entry.values if entry.values else 0.0,
    }
    if entry.magnitudes is not None:
        row |= {name: math.log2(value) for name, value in entry.magnitudes.model_dump().items()}
    return row


def _panel(ranges: list[Range], outside: int) -> Panel:
    rows = [_row(entry) for entry in ranges]
    tensors = {entry.tensor for entry in ranges}
    key = [Line(name, SERIES[n], width=BLOCK) for n, name in enumerate(_TENSORS) if name in tensors]
    label = f"Magnitudes of the values of {len(rows)} tensors on the bits of their formats; {outside} leave theirs."
    return panel(_chart(rows), label, height=ROW * len(rows), key=key)


def _chart(rows: list[dict[str, Value]]) -> alt.TopLevelMixin:
    import altair as alt

    low = min(float(row["from"] or 0) for row in rows)
    high = max(float(row["to"] or 0) for row in rows)
    x = alt.Scale(domain=[math.floor(low) - 0.5, math.ceil(high) + 0.5], nice=False)
    axis = alt.Axis(title="bit: log₂ of the magnitude", tickMinStep=1, format="d", gridOpacity=0.6)
    base = alt.Chart(data(rows)).encode(y=alt.Y("name:N", sort=[str(row["name"]) for row in rows], title=None))
    colour = alt.Color("tensor:N", sort=list(_TENSORS), scale=alt.Scale(domain=list(_TENSORS), range=list(SERIES[:3])))
    held = base.mark_bar(color=RULE, opacity=0.7, height={"band": 0.8}).encode(
        x=alt.X("from:Q", scale=x, axis=axis), x2="to:Q", tooltip=_tips()
    )
    seen = base.transform_filter("isValid(datum.median)")
    line = seen.mark_rule(strokeWidth=1.6, aria=False).encode(
        x="least:Q", x2="greatest:Q", color=alt.condition("datum.outside", alt.value(BAD), colour)
    )
    box = seen.mark_bar(height={"band": 0.4}, minBandSize=2).encode(
        x="lower_quartile:Q", x2="upper_quartile:Q", color=colour, tooltip=_tips()
    )
    median = seen.mark_tick(color="var(--paper)", thickness=2, size=0.4 * ROW, aria=False).encode(x="median:Q")
    # A box of no width: most values have one magnitude.
    dot = (
        seen.transform_filter("datum.upper_quartile - datum.lower_quartile < 0.02")
        .mark_tick(thickness=3, size=0.45 * ROW, aria=False)
        .encode(x="median:Q", color=colour)
    )
    empty = base.transform_filter("!isValid(datum.median)").mark_text(align="left", dx=4, color=QUIET, fontSize=11)
    return alt.layer(held, line, box, median, dot, empty.encode(x="from:Q", text=alt.value("all zero")))


def _tips() -> list[alt.Tooltip]:
    import altair as alt

    logarithms = [alt.Tooltip(f"{name}:Q", title=f"{name}, log₂", format=".3~g") for name in _TOLD]
    return [alt.Tooltip("name:N"), alt.Tooltip("format:N"), *logarithms, alt.Tooltip("zeros:Q", format=".1%")]


def _table(ranges: list[Range]) -> Table:
    return Table(
        caption=(
            "Values seen, quartiles of the magnitudes of those that are not zero, and what the format holds. Spare "
            "bits: at the top of the format, used by no value."
        ),
        columns=(
            Column("Layer"),
            Column("Tensor"),
            Column("Format", "code"),
            *(
                Column(title, "number")
                for title in ("Minimum", "Maximum", "Format minimum", "Format maximum", "Last bit", "Least magnitude",
                              "Lower quartile", "Median", "Upper quartile")
            ),
            Column("Zeros", "percent"),
            Column("Spare bits", "number"),
        ),
        rows=tuple(_cells(entry) for entry in ranges),
    )  # fmt: skip


def _cells(entry: Range) -> tuple[Value, ...]:
    seen = entry.magnitudes
    spare = spare_bits(entry)
    quartiles: tuple[Value, ...] = (
        (None,) * 4 if seen is None else (seen.least, seen.lower_quartile, seen.median, seen.upper_quartile)
    )
    return (
        entry.layer,
        entry.tensor,
        entry.format,
        entry.minimum,
        entry.maximum,
        entry.format_minimum,
        entry.format_maximum,
        entry.lsb,
        *quartiles,
        entry.zeros / entry.values if entry.values else None,
        None if spare is None else round(spare, 2),
    )

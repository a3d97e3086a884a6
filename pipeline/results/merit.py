"""A figure of a run, and how two values of it compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from trigcnn.pipeline.results.section import Section

if TYPE_CHECKING:
    pass

# In the order in which they are shown, with their names in tables.
RESOURCES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram": "BRAM (18 Kbit)"}


class Merit(Section):
    """A figure of a run, with its evidence."""

    name: str
    """such as accuracy, efficiency for CLASS at SHARE, latency_ns, lut"""
    label: str
    """the same in words"""
    value: float
    unit: str
    """ns, cycles; empty for shares and counts"""
    better: Literal["more", "less"]
    evidence: str
    source: str
    """what measured it, on which design and part"""
    design: str = ""
    """rtl or hls, where a tool measured it"""
    part: str = ""
    """the device that a tool measured it for"""
    share: float | None = None
    """share of what the part has, 0 to 1; null where not known"""


def shown(merit: Merit) -> str:
    """Write a figure with its unit.

    >>> shown(Merit(name="lut", label="LUT", value=5371, unit="", better="less", evidence="", source="", share=0.0031))
    '5,371 (0.31%)'
    >>> shown(Merit(name="accuracy", label="Accuracy", value=0.98, unit="", better="more", evidence="", source=""))
    '98.00%'
    """
    if merit.better == "more":
        return f"{merit.value:.2%}"
    part = "" if merit.share is None else f" ({merit.share:.2%})"
    return f"{merit.value:,.10g}{f' {merit.unit}' if merit.unit else ''}{part}"


def difference_in_kind(before: Merit, after: Merit) -> str | None:
    """Return why two values of a figure do not compare; None if they do.

    >>> figure = Merit(name="lut", label="LUT", value=5000, unit="", better="less", evidence="estimate", source="")
    >>> difference_in_kind(figure, figure.model_copy(update={"evidence": "open-synthesis"}))
    'of other evidence before: estimate'
    """
    for what, old, new in (
        ("evidence", before.evidence, after.evidence),
        ("design", before.design, after.design),
        ("part", before.part, after.part),
    ):
        if old != new:
            return f"of {'another' if what != 'evidence' else 'other'} {what} before: {old or 'none'}"
    return None


def change(before: Merit, after: Merit) -> str:
    """Return by how much a figure changed: shares in percentage points, others absolutely and in percent.

    >>> figure = Merit(name="lut", label="LUT", value=5000, unit="", better="less", evidence="", source="")
    >>> change(figure, figure.model_copy(update={"value": 5371})), change(figure, figure)
    ('+371 (+7.4%)', 'none')
    """
    other = difference_in_kind(before, after)
    if other is not None:
        return other
    difference = after.value - before.value
    if difference == 0:
        return "none"
    if after.better == "more":
        return f"{100 * difference:+.2f} points"
    relative = f" ({difference / before.value:+.1%})" if before.value else ""
    return f"{difference:+,.10g}{f' {after.unit}' if after.unit else ''}{relative}"

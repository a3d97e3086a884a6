"""The templates of all pages, and their filters for numbers, names and formats."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from trigcnn.hls.backends import EXPERIMENTAL, FACTS

if TYPE_CHECKING:
    from jinja2 import Environment

_NOT_SAID = Markup('<span class="none" title="the tool does not report it">–</span>')


class Markdown(str):
    """Text that is Markdown already; any other text is escaped when a template shows it."""

    __slots__ = ()


def _in_html(value: object) -> object:
    return _NOT_SAID if value is None else value


def _in_markdown(value: object) -> object:
    """Return what a Markdown template shows, so that no text of a run is taken for Markdown or HTML."""
    if value is None:
        return "–"
    return _md(value) if isinstance(value, str) and not isinstance(value, Markdown) else value


@cache
def environment(*, for_html: bool) -> Environment:
    """Return the templates, with the filters that they share."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    templates = Environment(
        loader=PackageLoader("trigcnn.pipeline.pages"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default_for_string=for_html, default=False),
        undefined=StrictUndefined,
        finalize=_in_html if for_html else _in_markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    templates.filters.update(
        number=number,
        percent=percent,
        span=_span,
        shape=shape,
        breakable=_breakable,
        md=_md,
        markdown=Markdown,
        code=_code,
        fenced=_fenced,
        flow_state=flow_state,
    )
    return templates


def flow_state(backend: str) -> str:
    """Return how well the vendor's flow of a back end was tried.

    >>> flow_state("Vitis")
    'experimental: never run with the real tool'
    """
    facts = FACTS[backend]
    return EXPERIMENTAL if facts.experimental else f"run with {', '.join(facts.run_with)}"


def number(value: float | str | None, digits: int = 5) -> str | None:
    """Write a number with thousands separators and a true minus sign; None and text stay as they are.

    >>> number(1728000), number(-0.28), number(5629.0)
    ('1,728,000', '−0.28', '5,629')
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) or value.is_integer():
        text = f"{value:,.0f}"
    else:
        text = f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:,.{digits}g}"
    return text.replace("-", "−")


def percent(value: float | None, decimals: int = 2) -> str | None:
    """Write a share as a percentage.

    >>> percent(0.00310822), percent(0.00001, 1), percent(0, 1)
    ('0.31%', '<0.1%', '0.0%')
    """
    if value is None:
        return None
    least = 10.0**-decimals
    return f"<{least:.{decimals}f}%" if 0 < 100 * value < least / 2 else f"{value:.{decimals}%}"


def _span(low: int | None, high: int | None) -> str | None:
    """Write a smallest and a largest value.

    >>> _span(11, 11), _span(1, 14), _span(12, None)
    ('11', '1 to 14', '12 to ?')
    """
    if low is None and high is None:
        return None
    ends = ("?" if value is None else f"{value:,}" for value in (low, high))
    return " to ".join(dict.fromkeys(ends))


def shape(value: list[int] | None) -> str | None:
    """Write a shape.

    >>> shape([8, 8, 1])
    '8×8×1'
    """
    return None if value is None else "×".join(str(size) for size in value)


def _breakable(text: str | None) -> Markup | None:
    """Allow line breaks in a long format, name or path between its parts, but not within a number.

    >>> _breakable("fixed<16,6,TRN>")
    Markup('fixed&lt;16,6,<wbr>TRN&gt;')
    """
    if text is None:
        return None
    return Markup(re.sub(r",(?=[A-Z])|[/_]|\.(?=[a-z])", r"\g<0><wbr>", str(escape(text))))  # noqa: S704 - escaped here


def _md(text: str) -> Markdown:
    r"""Escape text for Markdown, tables included.

    >>> _md("a|b <i> *")
    'a\\|b &lt;i&gt; \\*'
    """
    escaped = re.sub(r"([\\`*_\[\]|#~])", r"\\\1", re.sub(r"\s+", " ", str(text)))
    return Markdown(escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _code(text: str | None) -> Markdown | None:
    """Write text as code in Markdown, tables included.

    >>> _code("fixed<4,1>"), _code("a``b")
    ('`fixed<4,1>`', '``` a``b ```')
    """
    if text is None:
        return None
    text = " ".join(text.split()).replace("|", "\\|")
    if "`" not in text:
        return Markdown(f"`{text}`")
    fence = "`" * _longer_than_any(text, 2)
    return Markdown(f"{fence} {text} {fence}")


def _fenced(text: str, language: str) -> Markdown:
    """Write a block of code in Markdown, with a fence longer than any in it."""
    fence = "`" * _longer_than_any(text, 3)
    return Markdown(f"{fence}{language}\n{text.rstrip()}\n{fence}")


def _longer_than_any(text: str, least: int) -> int:
    """Return a number of backticks that occurs nowhere in a text."""
    return max(least, *(len(run) + 1 for run in re.findall(r"`+", text)), least)

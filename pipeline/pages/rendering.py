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


@cache
def environment(*, for_html: bool) -> Environment:
    """Return the templates, with the filters that they share."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    dash = _NOT_SAID if for_html else "–"

    def shown(value: object) -> object:
        return dash if value is None else value

    templates = Environment(
        loader=PackageLoader("trigcnn.pipeline.pages"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        finalize=shown,
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


def _md(text: str) -> str:
    r"""Escape text for Markdown, tables included.

    >>> _md("a|b <i> *")
    'a\\|b &lt;i&gt; \\*'
    """
    text = " ".join(str(text).split())
    text = re.sub(r"([\\`*_\[\]|#~])", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str | None) -> str | None:
    """Write text as code in Markdown, tables included.

    >>> _code("fixed<4,1>")
    '`fixed<4,1>`'
    """
    if text is None:
        return None
    text = " ".join(text.split()).replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _fenced(text: str, language: str) -> str:
    """Write a block of code in Markdown, with a fence longer than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"

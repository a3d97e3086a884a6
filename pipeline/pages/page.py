"""The frame of all HTML pages: one file with style, scripts and data, which needs no network."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from markupsafe import Markup

from trigcnn.pipeline.pages import charts
from trigcnn.pipeline.pages.rendering import environment


class Assets(NamedTuple):
    """Style, scripts and policy of a page, each unchanged in its own element."""

    style: Markup
    charting: Markup
    sorting: Markup
    script: Markup
    policy: str


def render(template: str, **content: Any) -> str:
    """Fill in a template that extends `frame.html.j2`.

    Args:
        template: Its name.
        content: What it shows; all text is escaped.
    """
    return (
        environment(for_html=True).get_template(template).render(assets=assets(), chart_style=charts.STYLE, **content)
    )


@cache
def assets() -> Assets:
    """Return the style and the scripts, with the policy that lets a browser run these and nothing else.

    Vega evaluates its expressions with an interpreter, so that the policy allows no `eval`.
    """
    style = _read("page.css")
    charting = _charting_library()
    sorting = _read("vendor/sortable.js")
    script = _read("vendor/enhanceSortableAccessibility.js") + _read("page.js")
    allowed = " ".join(_hash(text) for text in (charting, sorting, script))
    policy = f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    # Files of this program and a library, without text of a run.
    return Assets(*map(Markup, (style, charting, sorting, script)), policy=policy)  # type: ignore[misc]


def _charting_library() -> str:
    """Return Vega, Vega-Lite and vega-embed in one script, of the version that Altair writes for."""
    import altair
    import vl_convert

    version = altair.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0]
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _read(name: str) -> str:
    return (files("trigcnn.pipeline.pages") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"

"""Templates of the files of exports, a folder for each form."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def fill(form: str, template: str, path: Path, values: dict[str, Any]) -> None:
    """Write a file from a template.

    Args:
        form: Folder of the template.
        template: Its name.
        path: The file; its folder is made where it is missing.
        values: What the template needs.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_environment(form).get_template(template).render(values), encoding="utf-8")


@cache
def _environment(form: str) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("trigcnn.hls.export", f"templates/{form}"),
        autoescape=False,  # noqa: S701 - no page for a browser
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["hex"] = lambda value: float(value).hex()
    return environment

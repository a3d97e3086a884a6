"""Templates of the files of exports, a folder for each form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trigcnn.hls.templating import environment


def fill(form: str, template: str, path: Path, values: dict[str, Any]) -> None:
    """Write a file from a template.

    Args:
        form: Folder of the template.
        template: Its name.
        path: The file; its folder is made where it is missing.
        values: What the template needs.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    templates = environment("trigcnn.hls.export", f"templates/{form}")
    templates.filters["hex"] = lambda value: float(value).hex()
    path.write_text(templates.get_template(template).render(values), encoding="utf-8")

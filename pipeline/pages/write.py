"""Writing of a report's files, and the JSON schema of `report.json`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from trigcnn.pipeline.pages import pages, tables
from trigcnn.pipeline.results.compared import Compared
from trigcnn.pipeline.results.report import Report
from trigcnn.pipeline.results.sweep import Sweep


class _AsWritten(GenerateJsonSchema):
    """Describes a report as it is written: fields with a default are always present."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        return True


def write(report: Report, folder: Path) -> None:
    """Write the report in all its forms into a folder, which is created if needed.

    `report.json` is the whole, `report.html` and `report.md` the pages of it, `summary.md` a few lines for a merge
    request, `figures.csv` and `layers.csv` tables.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.json": report.model_dump_json(indent=2) + "\n",
        "report.md": pages.markdown(report),
        "report.html": pages.html(report),
        "summary.md": pages.summary(report),
        "figures.csv": tables.figures(report),
        "layers.csv": tables.layers(report),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")


# Types of the JSON files, by name.
_CONTENTS: dict[str, type[BaseModel]] = {"report": Report, "compare": Compared, "sweep": Sweep}


def schema(name: str = "report") -> dict[str, Any]:
    """Return the JSON schema of a file: of `report.json`, `compare.json` or `sweep.json`; `docs/` holds them."""
    body = _CONTENTS[name].model_json_schema(schema_generator=_AsWritten, mode="serialization")
    # The descriptions are the docstrings of Python's types.
    body = json.loads(re.sub(r"\bNone\b", "null", json.dumps(body)))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **body, "title": f"{name}.json of trigcnn"}

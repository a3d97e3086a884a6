"""Writing of a report's files, and the JSON schema of `report.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from pipeline.reporting import pages
from pipeline.reporting.report import Report


class _AsWritten(GenerateJsonSchema):
    """Describes a report as it is written: what has a default stands there all the same."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        return True


def write(report: Report, folder: Path) -> None:
    """Write `report.json`, `report.md` and `report.html` into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.json": report.model_dump_json(indent=2) + "\n",
        "report.md": pages.markdown(report),
        "report.html": pages.html(report),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def schema() -> dict[str, Any]:
    """JSON schema of `report.json`, as `docs/report.schema.json` holds it."""
    body = Report.model_json_schema(schema_generator=_AsWritten, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **body,
        "title": "report.json of trigcnn",
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")

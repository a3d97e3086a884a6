"""The files of a report and the schema of `report.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from trigcnn.pipeline.pages.write import schema, write
from trigcnn.pipeline.results.report import Report


@pytest.fixture
def written(sample_report: Report, tmp_path: Path) -> dict[str, Any]:
    write(sample_report, tmp_path / "report")
    content: dict[str, Any] = json.loads((tmp_path / "report" / "report.json").read_text())
    return content


def test_a_written_report_meets_the_schema(written: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(written, schema())


@pytest.mark.parametrize("key", ["schema_version", "verdict", "accuracy", "part", "versions"])
def test_a_missing_key_does_not(written: dict[str, Any], key: str) -> None:
    del written[key]
    with pytest.raises(jsonschema.ValidationError, match=f"'{key}' is a required property"):
        jsonschema.validate(written, schema())


def test_a_figure_without_its_evidence_does_not(written: dict[str, Any]) -> None:
    del written["synthesis"][0]["evidence"]
    with pytest.raises(jsonschema.ValidationError, match="'evidence' is a required property"):
        jsonschema.validate(written, schema())


def test_a_report_reads_back_as_it_was(sample_report: Report, tmp_path: Path) -> None:
    write(sample_report, tmp_path)
    text = (tmp_path / "report.json").read_text()
    assert text.endswith("}\n")
    assert Report.model_validate_json(text) == sample_report
    assert (tmp_path / "report.md").read_text().startswith("# digits: pass\n")
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>\n")


def test_the_same_report_gives_the_same_files(sample_report: Report, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        write(sample_report, tmp_path / folder)
    for name in ("report.json", "report.md", "report.html"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


@pytest.mark.parametrize("section", ["synthesis", "geometry", "comparisons"])
def test_an_unknown_key_is_refused_in_what_other_packages_computed_too(written: dict[str, Any], section: str) -> None:
    written[section][0]["unheard_of"] = 1
    with pytest.raises(jsonschema.ValidationError, match="unheard_of"):
        jsonschema.validate(written, schema())
    with pytest.raises(ValidationError, match=rf"{section}\.0\.unheard_of"):
        Report.model_validate(written)


def test_every_field_of_what_other_packages_computed_has_a_description() -> None:
    types = schema()["$defs"]
    for name in (
        "SynthesisReport",
        "LayerResources",
        "LayerGeometry",
        "Comparison",
        "History",
        "Finding",
        "StepResult",
    ):
        assert all("description" in field for field in types[name]["properties"].values()), name

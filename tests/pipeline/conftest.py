"""Fixtures of the tests of the pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.reporting.report import Report

SAMPLE_REPORT = Path(__file__).parent.parent / "data" / "sample_report.json"


@pytest.fixture
def sample_report() -> Report:
    """A passing run on the 8x8 digits."""
    return Report.model_validate_json(SAMPLE_REPORT.read_text())

"""The generated page of the configuration."""

from __future__ import annotations

from pathlib import Path

from trigcnn.pipeline.config.reference import page


def test_the_page_in_docs_is_that_of_the_present_configuration() -> None:
    # Refresh with: python -m trigcnn.pipeline.config.reference > docs/configuration.md
    path = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert path.read_text() == page()


def test_the_page_gives_unit_range_and_default_of_an_option() -> None:
    assert "| `hls.clock_period_ns` | number ≥ 0.1 | `5.0` | Clock period in ns. |" in page()

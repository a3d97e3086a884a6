"""The generated page of the configuration."""

from __future__ import annotations

from trigcnn.pipeline.config.reference import page


def test_the_page_gives_unit_range_and_default_of_an_option() -> None:
    assert "| `hls.clock_period_ns` | number ≥ 0.1 | `5.0` | Clock period in ns. |" in page()

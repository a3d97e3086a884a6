"""Where the tests find reports: small ones of their own, and real ones that may be beside the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

REPORTS = Path(__file__).parents[1] / "data" / "reports"
_VENDOR_REPORTS = Path(__file__).parents[3] / "shared" / "vendor_reports"
CSYNTH = "myproject_prj/solution1/syn/report/myproject_csynth.rpt"


def real(name: str) -> Path:
    """Give a real report, or skip the test."""
    path = _VENDOR_REPORTS / name
    if not path.exists():
        pytest.skip(f"{_VENDOR_REPORTS} is not here")
    return path


def changed(name: str, old: str, new: str, folder: Path) -> Path:
    """Write a report with a piece of text replaced."""
    text = (REPORTS / name).read_text()
    assert old in text
    path = folder / Path(name).name
    path.write_text(text.replace(old, new))
    return path


def cut(name: str, behind: str, folder: Path) -> Path:
    """Write a report that ends behind a piece of text."""
    text = (REPORTS / name).read_text()
    assert behind in text
    path = folder / Path(name).name
    path.write_text(text[: text.index(behind) + len(behind)])
    return path

"""Work shows that it lasts, on a terminal or not."""

from __future__ import annotations

import io
import re
import time

import pytest

from trigcnn.pipeline import console
from trigcnn.pipeline.console import Console


def test_work_without_steps_says_how_long_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_PLAIN_QUIET_S", 0.05)
    stream = io.StringIO()
    with Console(stream).task("converting"):
        end = time.monotonic() + 5
        while stream.getvalue().count("\n") < 2 and time.monotonic() < end:
            time.sleep(0.01)
    said = stream.getvalue()
    assert re.fullmatch(r"(  converting: 0 s so far\n){2,}", said)
    time.sleep(0.15)
    assert stream.getvalue() == said


def test_short_work_says_nothing() -> None:
    stream = io.StringIO()
    with Console(stream).task("converting") as task:
        task.update(1, 2)
    assert stream.getvalue() == ""

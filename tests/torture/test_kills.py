"""Killed commands lose no finished stage, and succeed when they are started again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture.counts import Counts
from tests.torture.kills import kills
from tests.torture.writers import WRITERS, lost

ROOT = Path(__file__).parents[2]
_KILLS = 36


def test_each_writer_of_files_may_be_killed_at_any_change() -> None:
    # In a process without TensorFlow, which can be copied for each kill.
    words = [sys.executable, "-m", "tests.torture.writers", str(_KILLS), "1"]
    answer = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    assert answer.stderr == ""
    assert Counts(**json.loads(answer.stdout)) == Counts(tried=_KILLS, clean=_KILLS)
    assert len(WRITERS) * 6 == _KILLS


def test_a_file_that_is_half_written_is_noticed() -> None:
    old, new = {"run/page.md": b"old"}, {"run/page.md": b"new", "run/other.md": b"new"}
    assert lost(old, old, new) == lost(old, new, new) == []
    assert lost(old, {"run/page.md": b"n"}, new) == ["run/page.md"]
    assert lost(old, {"run/other.md": b""}, new) == ["run/other.md"]
    assert lost(old, {"run/.page.partial.md": b"n"}, new) == []


@pytest.mark.slow
def test_a_run_that_is_killed_while_it_trains_loses_nothing() -> None:
    """Without RTL; `make torture KILLS=17` kills every command, and runs with RTL."""
    assert kills(1, 3, names=("train",), options=()) == Counts(tried=1, clean=1)

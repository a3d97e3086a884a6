"""Damaged files of each kind are read, or refused in one error, within limits of time and memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.torture import files
from tests.torture.counts import Counts
from tests.torture.files import each_file, outcome_of
from tests.torture.subjects import KINDS, SECRET, Kind
from trigcnn.common.errors import TrigcnnError

_FILES = {"configuration": 200, "data": 400, "model": 200, "state": 300}


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_end_in_one_error(kind: Kind) -> None:
    counts, found = Counts(), []

    def use(name: str, outcome: files.Outcome) -> None:
        nonlocal counts
        counts += outcome.counts
        if outcome.told:
            found.append((name, outcome.told))

    each_file(kind, _FILES[kind], use)
    assert found == []
    assert counts.bad == 0
    assert counts.tried > _FILES[kind] / 2


def _raises(error: Exception) -> Callable[[], Any]:
    def read() -> Any:
        raise error

    return read


def test_what_must_not_happen_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_LIMIT_S", 0.1)
    bad = {
        "tracebacks": _raises(KeyError("a")),
        "hangs": lambda: time.sleep(5),
        "too_much_memory": lambda: np.ones(1 << 32),
        "foreign_bytes_read": lambda: [np.full(3, SECRET)],
    }
    for name, read in bad.items():
        outcome = outcome_of(read)
        assert outcome.counts == Counts(tried=1, **{name: 1})
        assert outcome.told
    for fine in (_raises(TrigcnnError("a")), lambda: np.arange(3)):
        assert outcome_of(fine) == files.Outcome(Counts(tried=1, clean=1))
    assert str(Counts(tried=2, clean=1) + Counts(hangs=1)) == (
        "2 tried, 1 clean, 0 tracebacks, 1 hangs, 0 lost stages, 0 foreign bytes read, 0 too much memory"
    )

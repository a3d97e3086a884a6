"""A journal that was cut off or damaged: the study continues, or one line says what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pipeline.played_sweeps import Client, config, plays
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.sweep import study, worker
from trigcnn.pipeline.sweep.search import Search


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(worker, "stop", lambda client, marker, number: None)
    client: Any = Client(plays)
    (tmp_path / "whole").mkdir()
    Search(config(), tmp_path / "whole", Console()).run(client, 2)
    return (tmp_path / "whole" / "study.journal").read_bytes()


def records(content: bytes, folder: Path, said: list[str]) -> list[study.TrialRecord]:
    (folder / "study.journal").write_bytes(content)
    return study.records(study.open_study(config(), study.open_storage(config(), folder, said.append)))


def test_a_journal_that_was_cut_off_continues(journal: bytes, tmp_path: Path) -> None:
    whole = records(journal, tmp_path, [])
    assert len(whole) == 5
    ends = [number + 1 for number, byte in enumerate(journal) if byte == ord("\n")]
    # Behind the entry that creates the study.
    for cut in np.linspace(ends[0], len(journal), 40, dtype=int):
        said: list[str] = []
        found = records(journal[:cut], tmp_path, said)
        last = journal[:cut].rpartition(b"\n")[2]
        whole_line = not last or cut + 1 in ends
        number = journal[:cut].count(b"\n") + 1
        path = tmp_path / "study.journal"
        assert said == (
            [] if whole_line else [f"{path}: line {number} was cut off ({len(last)} bytes) and is left out"]
        )
        kept = cut + 1 if last and whole_line else cut if whole_line else cut - len(last)
        assert path.read_bytes().startswith(journal[:kept])
        # The second opening finds nothing to do.
        assert records(path.read_bytes(), tmp_path, said) == found


def test_a_line_that_optuna_did_not_write_is_named(journal: bytes, tmp_path: Path) -> None:
    lines = journal.splitlines(keepends=True)
    for damaged in (b"{}\n", b"[1]\n", b"\x00\xff\n", b"{'op_code': 1}\n", b"[" * 100_000 + b"\n"):
        with pytest.raises(ConfigError) as caught:
            records(b"".join([*lines[:2], damaged, *lines[3:]]), tmp_path, [])
        assert str(caught.value) == (
            f"{tmp_path / 'study.journal'}: line 3 was not written by Optuna; restore the journal from a copy, or "
            "start another study with another name or --out"
        )


def test_damaged_bytes_give_one_line_or_a_study(journal: bytes, tmp_path: Path) -> None:
    generator, refused = np.random.default_rng(1), []
    for _ in range(120):
        content = bytearray(journal)
        for place in generator.integers(len(content), size=3):
            content[place] = generator.integers(32, 127)
        try:
            records(bytes(content), tmp_path, [])
        except ConfigError as error:
            refused.append(str(error))
    assert len(refused) > 40
    assert all(len(message) < 600 and "\n" not in message for message in refused)

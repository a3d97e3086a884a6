"""Stages that runs share."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from trigcnn.pipeline.cache.folder import RunFolder, Stage
from trigcnn.pipeline.cache.store import StageStore
from trigcnn.pipeline.errors import RunFolderError


def counted(calls: list[str], *, option: int = 1) -> Stage:
    """A stage that writes two files, and notes that it ran."""

    def work(folder: Path) -> None:
        calls.append(folder.name)
        (folder / "deep").mkdir()
        (folder / "deep" / "a.txt").write_text("a" * 1000)
        (folder / "b.txt").write_text(str(option))

    return Stage("train", (), None, {"option": option}, (), {}, work)


@pytest.fixture(params=["folder", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "store")
    fsspec.filesystem("memory").store.clear()
    return "memory://store"


def test_a_stage_that_one_run_finished_is_put_into_another(place: str, tmp_path: Path) -> None:
    calls: list[str] = []
    stage, store = counted(calls), StageStore(place)
    first, second = RunFolder(tmp_path / "1"), RunFolder(tmp_path / "2")
    for folder in (first, second):
        folder.path.mkdir()
    assert not store.fetch(first, stage)
    first.execute(stage)
    store.keep(first, stage)
    assert store.fetch(second, stage)
    assert second.is_current(stage)
    assert (second.path / "train" / "deep" / "a.txt").read_text() == "a" * 1000
    assert second.manifest("train") == first.manifest("train")
    assert len(calls) == 1


def test_other_options_are_another_stage(place: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    store, stage = StageStore(place), counted([])
    folder.execute(stage)
    store.keep(folder, stage)
    assert not store.fetch(RunFolder(tmp_path), counted([], option=2))


def test_what_was_kept_and_then_changed_is_not_taken(tmp_path: Path) -> None:
    folder, stage = RunFolder(tmp_path / "run"), counted([])
    folder.path.mkdir()
    folder.execute(stage)
    store = StageStore(str(tmp_path / "store"))
    store.keep(folder, stage)
    (kept,) = (tmp_path / "store").rglob("b.txt")
    kept.write_text("changed")
    other = RunFolder(tmp_path / "other")
    other.path.mkdir()
    assert not store.fetch(other, stage)


def test_half_a_stage_is_none(tmp_path: Path) -> None:
    folder, stage = RunFolder(tmp_path / "run"), counted([])
    folder.path.mkdir()
    folder.execute(stage)
    store = StageStore(str(tmp_path / "store"))
    store.keep(folder, stage)
    (manifest,) = (tmp_path / "store").rglob("manifest.json")
    manifest.unlink()
    other = RunFolder(tmp_path / "other")
    other.path.mkdir()
    assert not store.fetch(other, stage)


def test_a_place_that_no_file_system_knows_is_refused() -> None:
    with pytest.raises(RunFolderError, match=r"sweep\.store nowhere://a: cannot be used"):
        StageStore("nowhere://a")

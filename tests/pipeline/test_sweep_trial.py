"""A trial's pieces, on a worker that does not see the sweep's folder."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from trigcnn.pipeline.cache.folder import RunFolder
from trigcnn.pipeline.config.file import load
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.context import Context
from trigcnn.pipeline.errors import RunFolderError
from trigcnn.pipeline.run import STAGES
from trigcnn.pipeline.sweep.trial import MARKER, Found, Job, bring, perform


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a worker keeps what it does, if it does not see the sweep's folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


def job(config: Path, tmp_path: Path, *, marker: str) -> Job:
    (tmp_path / "sweep").mkdir(exist_ok=True)
    (tmp_path / "sweep" / MARKER).write_text("this one")
    store = str(tmp_path / "store")
    return Job(3, "report", load(config).to_yaml(), str(tmp_path / "sweep"), marker, store)


def test_a_worker_elsewhere_leaves_its_stages_in_the_store(quick_config: Path, tmp_path: Path, elsewhere: Path) -> None:
    given = job(quick_config, tmp_path, marker="another one")
    found = perform(given)
    assert (found.state, found.shared, found.verdict) == ("done", False, "pass"), found.message
    assert [merit.name for merit in found.figures] == ["accuracy"]
    assert (elsewhere / "trigcnn-sweep-another one" / "trials" / "0003" / "report").is_dir()
    assert not (tmp_path / "sweep" / "trials").exists()
    folder = tmp_path / "sweep" / "trials" / "0003"
    bring(given, folder)
    context = Context(load(folder / "trial.yaml"), RunFolder(folder), Console(), "")
    for stage in STAGES.values():
        assert RunFolder(folder).is_current(stage(context))
    with pytest.raises(RunFolderError, match="lacks the stage train of trial 3, which a worker finished"):
        bring(Job(**{**vars(given), "store": str(tmp_path / "empty")}), tmp_path / "nothing")


def test_a_network_that_is_not_possible_fails_alone(quick_config: Path, tmp_path: Path, elsewhere: Path) -> None:
    given = job(quick_config, tmp_path, marker="this one")
    text = given.configuration.replace("options: {}\n  dropped", "options: {units: 0}\n  dropped")
    assert text != given.configuration
    found = perform(Job(**{**vars(given), "configuration": text}))
    assert isinstance(found, Found)
    assert (found.state, found.shared) == ("failed", True)
    assert "net.py" in found.message
    assert list(elsewhere.iterdir()) == []

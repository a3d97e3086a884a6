"""Training on a published data set: its files belong to what the stage was made from."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.models.published_files import write_jets
from tests.pipeline.conftest import NET, Outcome

CONFIG = """\
name: jets
data: {source: lhc_jet_features, options: {folder: files}, validation_fraction: 0.2}
model: {source: "net.py:build"}
training: {epochs: 1}
"""


@pytest.mark.slow
def test_a_changed_file_trains_again(tmp_path: Path, trigcnn: Callable[..., Outcome]) -> None:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "jets.yaml").write_text(CONFIG)
    file = tmp_path / "files" / "jetImage_7_100p_0_40.h5"
    write_jets(file, 1)

    def train() -> str:
        outcome = trigcnn("train", tmp_path / "jets.yaml", "--out", tmp_path / "out")
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout

    first = train()
    (note,) = json.loads((tmp_path / "out" / "train" / "info.json").read_text())["dataset_notes"]
    assert f"lhc_jet_features: {note}\n" in first
    assert note.startswith("standardised; name, mean and deviation of each feature: zlogz ")
    assert train() == "train: unchanged\n"
    write_jets(file, 2)
    assert "train: done in" in train()


def test_a_missing_file_is_named(tmp_path: Path, trigcnn: Callable[..., Outcome]) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "jets.yaml").write_text(CONFIG)
    outcome = trigcnn("train", tmp_path / "jets.yaml", "--out", tmp_path / "out")
    assert outcome.returncode == 2
    assert f"{tmp_path}/files: no such files; lhc_jet_features needs train/jetImage_*.h5 and val/" in outcome.stderr

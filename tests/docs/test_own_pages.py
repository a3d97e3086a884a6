"""The examples of the pages on readers' own models and data work as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import blocks
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models import datasets
from trigcnn.pipeline.config.file import load
from trigcnn.pipeline.config.run import RunConfig


def example(page: str, language: str, of: str) -> str:
    (found,) = [block.text for block in blocks(language) if page in block.where and of in block.text]
    return found


def configuration(page: str, of: str, folder: Path) -> RunConfig:
    (folder / "example.yaml").write_text("name: example\n" + example(page, "yaml", of))
    return load(folder / "example.yaml")


def test_the_example_of_own_data_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(example("own_data", "python", "np.savez"), {})
    data = configuration("own_data", "source: events.npz", tmp_path).data
    loaded = datasets.load(**data.model_dump(), seed=1)
    assert loaded.test.events.shape == (250, 18, 14, 1)
    assert loaded.classes == ("background", "signal")


def test_the_example_of_an_own_model_is_admitted(tmp_path: Path) -> None:
    from trigcnn.hls.admission import admit
    from trigcnn.models.source import call_builder, load_builder

    (tmp_path / "my_model.py").write_text(example("own_model", "python", "def build"))
    model = configuration("own_model", "my_model.py:build", tmp_path).model
    offered = {"input_shape": (8, 8, 1), "classes": 10, "input_format": FixedPoint.parse("ufixed<4,0>")}
    built = call_builder(load_builder(model.source), offered=offered, options=model.options)
    admit(built)
    assert built.get_layer("conv").filters == 8


@pytest.mark.slow
def test_the_example_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(example("README", "python", "trigcnn.convert"), {})
    # Weights are random, so format and latency differ from time to time.
    assert re.fullmatch(r"fixed<\d+,\d+> \d+ cycles\n", capsys.readouterr().out)

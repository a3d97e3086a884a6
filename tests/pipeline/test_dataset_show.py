"""Figures of data sets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trigcnn.models import datasets
from trigcnn.models.errors import DataError
from trigcnn.pipeline.commands import datasets as dataset_show
from trigcnn.pipeline.config.file import named_values
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.pages import dataset_figure
from trigcnn.pipeline.pages.dataset_figure import Shown, _edges

# Those that need no file.
DRAWN = [info.name for info in datasets.available() if "folder" not in datasets.describe(info.name)]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Shown]:
    """What would be drawn."""
    drawn: list[Shown] = []
    monkeypatch.setattr(dataset_figure, "write", lambda shown, path: drawn.append(shown))
    return drawn


@pytest.mark.parametrize("name", DRAWN)
def test_every_data_set_that_needs_no_file_can_be_shown(name: str, shown: list[Shown]) -> None:
    dataset_show.show(name, None, events=200, options={})
    (drawn,) = shown
    assert len(drawn.events) == len(drawn.labels) == 200
    assert set(drawn.labels) == set(range(len(drawn.classes)))
    assert all(control.values.shape == (200,) and control.unit for control in drawn.controls)
    assert drawn.title.startswith(f"{name}: 200 events of shape ")


def test_options_reach_the_data_set_and_its_controls(shown: list[Shown]) -> None:
    dataset_show.show("cherenkov", None, events=100, options={"pixels": 12, "night_sky": 0.0})
    assert shown[0].title == "cherenkov: 100 events of shape 12x12x1, ufixed<8,8>"
    assert shown[0].controls[1].unit == "two neighbours above 0.0 pe"


@pytest.mark.parametrize("name", ["calorimeter", "waveforms", "jet_features"])
def test_the_figure_is_written_and_drawn_in_full(name: str, tmp_path: Path) -> None:
    from matplotlib.image import imread

    path = dataset_show.show(name, tmp_path / "figure.png", events=300, options={})
    assert path == tmp_path / "figure.png"
    pixels = imread(path)
    assert min(pixels.shape[:2]) > 500
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 100


def test_colours_are_shown_as_they_are(tmp_path: Path) -> None:
    events = np.zeros((6, 8, 8, 3), np.float32)
    # The first class is pure red.
    events[:3, ..., 0] = 0.5
    control = datasets.Control("one", "unit", np.ones(6))
    labels = np.repeat(np.arange(2), 3)
    figure = Shown("two colours", ("red", "black"), events, labels, 0.5, (control,))
    dataset_figure.write(figure, tmp_path / "figure.png")
    from matplotlib.image import imread

    pixels = imread(tmp_path / "figure.png")[..., :3]
    assert (np.abs(pixels - [1, 0, 0]) < 0.01).all(axis=2).mean() > 0.02


def test_a_data_set_that_is_read_from_files_is_shown_once_it_has_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file train-"):
        dataset_show.show("mnist", None, events=None, options={"folder": str(tmp_path)})


@pytest.mark.parametrize(
    ("name", "out", "message"),
    [
        ("cherenkof", None, "cherenkof: is no registered data set; did you mean cherenkov?"),
        ("digits", "figure.txt", r"--out figure.txt: must end in .png, .svg, .pdf"),
        ("digits", "no/such/folder/figure.png", "--out no/such/folder/figure.png: cannot be written: .*another file"),
    ],
)
def test_what_cannot_be_shown_is_said(name: str, out: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dataset_show.show(name, None if out is None else Path(out), events=100, options={})


@pytest.mark.parametrize(
    ("values", "edges", "logarithmic"),
    [
        ([2.0] * 5, [1.5, 2.5], False),
        ([0.0, 1, 2, 3], [-0.5, 0.5, 1.5, 2.5, 3.5], False),
        ([np.nan, 4.0, 8.0], [2, 6, 10], False),
        ([np.nan], [0, 1], False),
    ],
)
def test_values_on_a_grid_have_a_bin_each(values: list[float], edges: list[float], logarithmic: bool) -> None:
    found = _edges(np.array(values), 40)
    np.testing.assert_allclose(found[0], edges, atol=0.02)
    assert found[1] == logarithmic


def test_a_long_tail_has_a_logarithmic_axis() -> None:
    edges, logarithmic = _edges(np.geomspace(1, 1e5, 1000), 40)
    assert logarithmic
    np.testing.assert_allclose(np.diff(np.log(edges)), np.log(edges[-1] / edges[0]) / 40)


def test_a_tail_among_values_below_zero_has_not() -> None:
    assert not _edges(np.concatenate([np.geomspace(1, 1e5, 1000), -np.ones(100)]), 40)[1]


def test_options_are_read_as_yaml() -> None:
    assert named_values(["events=100", "pt_gev=[300, 500]", "signal=soft"], "--option") == {
        "events": 100,
        "pt_gev": [300, 500],
        "signal": "soft",
    }
    with pytest.raises(ConfigError, match="--option events: write name=value, for example events=1000"):
        named_values(["events"], "--option")


def test_the_command_prints_the_name_of_its_file(tmp_path: Path) -> None:
    command: list[Any] = [sys.executable, "-m", "trigcnn", "datasets", "show", "jet_images", "--events", "120"]
    done = subprocess.run(
        [*command, "--option", "pixels=8"],
        cwd=tmp_path,
        env={"MPLCONFIGDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "jet_images.png\n"
    assert (tmp_path / "jet_images.png").stat().st_size > 10_000

"""`trigcnn evaluate --apply`: a threshold for a rate, written into the configuration."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.pipeline.conftest import Outcome, StandIn
from tests.pipeline.test_evaluate import LSB, Sums, file, read, refused
from trigcnn.hls.engines.registry import ENGINES
from trigcnn.pipeline.config.edit import edited

__all__ = ["file"]

Trigcnn = Callable[..., Outcome]
RATE = ("--rates", "1e6", "--event-rate-hz", "3e7")
ADDED = """
# The trigger of the second run.
postprocessing:
  - kind: argmax  # for the monitor
  - {kind: threshold, name: high, signal: [1], background: [0], threshold: 99.0}
"""


@pytest.fixture
def own(quick_run: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: StandIn) -> Path:
    """A configuration whose run is in the default folder, and an engine that needs no compiler."""
    source, out = quick_run
    text = source.read_text()
    for name in ("events.npz", "net.py"):
        text = text.replace(name, str(source.parent / name))
    (tmp_path / "quick.yaml").write_text(text)
    (tmp_path / "vivado_projects").mkdir()
    shutil.move(out, tmp_path / "vivado_projects" / "quick")
    monkeypatch.chdir(tmp_path)
    for name in ENGINES:
        stand_in(name, lambda _network, _place: Sums())
    return tmp_path / "quick.yaml"


def test_a_threshold_is_added_and_the_rest_of_the_file_stays(own: Path, file: Path, trigcnn: Trigcnn) -> None:
    before = own.read_text()
    options = ("--signal", "1", "--background", "0", *RATE, "--apply")
    outcome = trigcnn("evaluate", own, "--events", file, *options)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    point = read(Path("vivado_projects/quick/evaluate/jets")).results[0].working_points[0]
    assert point.threshold is not None
    assert yaml.safe_load(own.read_text())["postprocessing"] == [
        {
            "kind": "threshold", "name": "trigger", "signal": [1], "background": [0],
            "threshold": point.threshold * LSB,
        }
    ]  # fmt: skip
    assert own.read_text().startswith(before)
    assert f"postprocessing: threshold {point.threshold * LSB!r} of trigger, which accepts " in outcome.stdout


def test_lines_and_comments_stay_where_a_list_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("name: own\n" + ADDED)
    with edited(path) as content:
        content["postprocessing"][1]["threshold"] = 0.5
    assert path.read_text() == "name: own\n" + ADDED.replace("99.0", "0.5")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--rates", "1e6,1e5"), "--apply: there are several rates (100 kHz, 1 MHz); give one, as in --rates 1e4"),
        (("--engine", "qkeras", *RATE), "--apply: qkeras does not compute as the hardware does; use --engine emulator"),
        (("--rates", "1"), "--apply: there is no threshold for 1 Hz: not resolved: one of "),
    ],
)
def test_what_cannot_be_applied(
    own: Path, file: Path, trigcnn: Trigcnn, options: tuple[str, ...], message: str
) -> None:
    before = own.read_text()
    outcome = trigcnn("evaluate", own, "--events", file, "--signal", "1", *options, "--apply")
    assert refused(outcome).startswith(message)
    assert own.read_text() == before


def test_a_folder_has_no_configuration_to_change(own: Path, file: Path, trigcnn: Trigcnn) -> None:
    folder = own.parent / "vivado_projects" / "quick"
    outcome = trigcnn("evaluate", folder, "--events", file, "--signal", "1", *RATE, "--apply")
    assert refused(outcome) == f"--apply: changes a configuration, and {folder} is a folder; give the YAML file"

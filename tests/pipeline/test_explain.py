"""`trigcnn explain`: the cause of a difference, and the change that fixes it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from trigcnn.pipeline.commands import explain
from trigcnn.pipeline.errors import ExitStatus
from trigcnn.pipeline.results.diagnosis import Fix

Trigcnn = Callable[..., Any]

SPOILED = """
# Narrower, to save adders.
hls:
  layers:
    dense1: {precision: {accum: "fixed<8,1>"}}
"""


@pytest.mark.slow
def test_the_cause_is_named_and_mended(quick_run: tuple[Path, Path], tmp_path: Path, trigcnn: Trigcnn) -> None:
    source, out = quick_run
    folder = tmp_path / "own"
    folder.mkdir()
    for name in ("events.npz", "net.py"):
        shutil.copy(source.parent / name, folder)
    config = folder / "quick.yaml"
    config.write_text(source.read_text() + SPOILED)

    told = trigcnn("explain", config, "--out", out)
    assert told.returncode == ExitStatus.GATE_MISSED
    assert "first in layer dense1 (Dense): " in told.stdout
    assert "the accumulator fixed<8,1>" in told.stdout
    assert "values possible by interval analysis: " in told.stdout
    assert "to fix it: remove hls.layers.dense1.precision.accum" in told.stdout
    assert config.read_text().endswith(SPOILED)

    mended = trigcnn("explain", config, "--out", out, "--apply")
    assert mended.returncode == ExitStatus.DONE, mended.stdout
    assert "checked again: the C simulation equals the model on every test event" in mended.stdout
    assert "hls" not in yaml.safe_load(config.read_text())
    assert sorted(path.name for path in folder.iterdir()) == ["events.npz", "net.py", "quick.yaml"]


def test_a_run_that_is_exact_needs_no_explanation(quick_run: tuple[Path, Path], trigcnn: Trigcnn) -> None:
    config, out = quick_run
    told = trigcnn("explain", config, "--out", out)
    assert told.returncode == 0, told.stderr
    assert told.stdout.endswith("nothing to explain: the C simulation equals the model on every test event\n")


def test_apply_writes_the_file_and_so_takes_no_other_changes(quick_config: Path, trigcnn: Trigcnn) -> None:
    told = trigcnn("explain", quick_config, "--apply", "--set", "hls.reuse_factor=2")
    assert told.returncode == ExitStatus.BAD_INPUT
    assert "--apply changes the configuration file, which does not contain --set" in told.stderr


BEFORE = """\
name: own  # mine
hls:
  # chosen by hand
  io_type: io_stream
  layers:
    conv1:
      precision:
        accum: fixed<8,4>   # too small?
    conv2: {reuse_factor: 2}
"""


def test_a_key_is_removed_with_what_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(BEFORE)
    explain._write(path, Fix("hls.layers.conv1.precision.accum", None))
    text = path.read_text()
    assert yaml.safe_load(text) == {
        "name": "own",
        "hls": {"io_type": "io_stream", "layers": {"conv2": {"reuse_factor": 2}}},
    }
    assert "# mine" in text
    assert "# chosen by hand" in text


def test_a_key_is_set_where_its_section_is_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("name: own  # mine\n")
    explain._write(path, Fix("hls.number_formats", "exact"))
    assert path.read_text() == "name: own  # mine\nhls:\n  number_formats: exact\n"


def test_a_key_that_is_not_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(BEFORE)
    explain._write(path, Fix("rtl.precision.accum", None))
    assert yaml.safe_load(path.read_text()) == yaml.safe_load(BEFORE)

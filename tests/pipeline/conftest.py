"""Fixtures of the tests of the pipeline."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from tests.pipeline import sample_reports
from tests.shared import made_once
from trigcnn.hls.engines import Engine
from trigcnn.hls.engines.registry import ENGINES, Network, Workplace
from trigcnn.pipeline.results.report import Report

ROOT = Path(__file__).parents[2]
SAMPLE_REPORT = Path(__file__).parent.parent / "data" / "sample_report.json"

Outcome = subprocess.CompletedProcess[str]
Build = Callable[[Network, Workplace], Engine]
StandIn = Callable[[str, Build], None]

TINY = """\
name: tiny
model:
  options: {filters: [2, 3]}
training: {epochs: 2, batch_size: 256}
synthesis: {vendor: never}
gates: {max_accuracy_drop: null}
"""

# Two layers and no RTL: seconds instead of a minute.
QUICK = """\
name: quick
data: {source: events.npz, input_format: "ufixed<4,0>"}
model: {source: "net.py:build"}
training: {epochs: 5, batch_size: 16, learning_rate: 0.02}
rtl: {architecture: none}
synthesis: {yosys: false, vendor: never}
gates: {max_accuracy_drop: null}
"""
NET = """\
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks


def build(input_shape, classes, input_format, units=4):
    keras = bring_up().keras
    x = inputs = keras.Input(input_shape, name="events")
    x = blocks.input_quantizer(x, input_format)
    x = blocks.dense(x, units, bits=4, name="dense1")
    x = blocks.relu(x, bits=4, integer=2, name="relu1")
    return keras.Model(inputs, blocks.dense(x, classes, bits=4, name="logits"))
"""


@pytest.fixture
def sample_report() -> Report:
    """A passing run on the 8x8 digits."""
    return Report.model_validate_json(SAMPLE_REPORT.read_text())


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Replaces an engine of the registry by what a function of network and workplace returns."""

    def replace(name: str, build: Build) -> None:
        monkeypatch.setitem(ENGINES, name, dataclasses.replace(ENGINES[name], build=build))

    return replace


@pytest.fixture
def placed(sample_report: Report) -> Report:
    """A run whose RTL was placed and routed on an ECP5, after a search for its pipeline depth."""
    return sample_reports.placed(sample_report)


@pytest.fixture
def trigger_report(sample_report: Report) -> Report:
    """A run of a trigger, with curves of signal against background."""
    return sample_reports.trigger(sample_report)


def call(*arguments: str | Path) -> Outcome:
    """Run the command line in this process: TensorFlow is imported once for all tests."""
    from trigcnn.pipeline.cli import main

    words = [str(argument) for argument in arguments]
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["trigcnn", *words]),
        # This process does not end.
        mock.patch("trigcnn.pipeline.interrupts.leave"),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as caught,
    ):
        main()
    status = 0 if caught.value.code is None else caught.value.code
    assert isinstance(status, int)
    return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())


def write_quick(folder: Path) -> Path:
    """Write a configuration, a model and events that make the shortest run; give the configuration's path."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    events = np.clip(rng.random((300, 5)) * 0.3 + 0.25 * labels[:, np.newaxis], 0, 15 / 16)
    np.savez(folder / "events.npz", events=events, labels=labels)
    (folder / "net.py").write_text(NET)
    (folder / "quick.yaml").write_text(QUICK)
    return folder / "quick.yaml"


@pytest.fixture
def trigcnn() -> Callable[..., Outcome]:
    """The command line, in this process."""
    return call


@pytest.fixture
def trigcnn_process() -> Callable[..., subprocess.Popen[str]]:
    """The command line in a process group of its own."""

    def start(*arguments: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "trigcnn", *map(str, arguments)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A shell that runs the tests in the background lets all their processes ignore SIGINT.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return start


@pytest.fixture
def quick_config(tmp_path: Path) -> Path:
    """The configuration of the shortest run, beside its model and its events."""
    return write_quick(tmp_path / "quick")


@pytest.fixture(scope="session")
def _quick_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        outcome = call("run", write_quick(folder), "--out", folder / "out")
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr

    return made_once(tmp_path_factory, "quick", make)


@pytest.fixture
def quick_run(_quick_session: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Configuration and folder of the shortest run, finished; the folder is this test's own."""
    shutil.copytree(_quick_session / "out", tmp_path / "out")
    return _quick_session / "quick.yaml", tmp_path / "out"


@pytest.fixture(scope="session")
def tiny_process(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A whole run of a small LeNet, RTL and synthesis too, in a process of its own."""

    def make(folder: Path) -> None:
        (folder / "tiny.yaml").write_text(TINY)
        words = [sys.executable, "-m", "trigcnn", "run", str(folder / "tiny.yaml"), "--out", str(folder / "out")]
        outcome = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        (folder / "outcome.json").write_text(json.dumps(vars(outcome)))

    folder = made_once(tmp_path_factory, "tiny", make)
    return subprocess.CompletedProcess(**json.loads((folder / "outcome.json").read_text()))


@pytest.fixture(scope="session")
def tiny_run(tiny_process: Outcome) -> tuple[Path, Path]:
    """Configuration and folder of that run; not to be changed."""
    config, out = Path(tiny_process.args[4]), Path(tiny_process.args[6])
    assert tiny_process.returncode == 0, tiny_process.stdout + tiny_process.stderr
    return config, out


@pytest.fixture
def tiny_copy(tiny_run: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """Configuration and folder of that run; the folder is this test's own."""
    shutil.copytree(tiny_run[1], tmp_path / "out")
    return tiny_run[0], tmp_path / "out"

"""A sweep with real workers, one of which is killed."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml

from tests.pipeline.conftest import QUICK, write_quick
from trigcnn.models.source import load_saved
from trigcnn.pipeline.config.file import load

Trigcnn = Callable[..., subprocess.CompletedProcess[str]]

SWEEP = """\
rtl: {architecture: parallel}
synthesis: {vendor: never}
test_bench: {events: 0}
budget: {lut: 100000}
sweep:
  trials: 3
  objectives: {accuracy: maximize, lut: minimize}
  promising: all
  sampler: random
  space:
    model.options.units: {low: 2, high: 4}
    training.learning_rate: {low: 0.01, high: 0.04, log: true}
  cluster: {workers: 2, memory_gb: 4}
"""
TIME_LIMIT_S = 600.0


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of three trials, of which one worker was killed while it worked."""
    folder = tmp_path_factory.mktemp("sweep")
    write_quick(folder)
    head = "\n".join(line for line in QUICK.splitlines() if not line.startswith(("rtl:", "synthesis:")))
    (folder / "sweep.yaml").write_text(f"{head}\n{SWEEP}")
    words = [sys.executable, "-m", "trigcnn", "sweep", "sweep.yaml", "--out", "out"]
    with (folder / "sweep.log").open("w") as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log)
        try:
            _kill_a_worker(psutil.Process(process.pid), folder / "out" / "trials" / "0000")
            assert process.wait(TIME_LIMIT_S) == 0, (folder / "sweep.log").read_text()
        finally:
            process.kill()
            process.wait()
    return folder


def _kill_a_worker(sweep: psutil.Process, trial: Path) -> None:
    end = time.monotonic() + TIME_LIMIT_S
    while time.monotonic() < end:
        if (trial / "train.unfinished").exists() or (trial / "convert.unfinished").exists():
            workers = [child for child in sweep.children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]
            holding = [child for child in workers if any(str(trial) in file.path for file in child.open_files())]
            if holding:
                holding[0].kill()
                return
        assert sweep.is_running()
        time.sleep(0.02)
    pytest.fail("no worker was seen at work")


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_no_trial(swept: Path) -> None:
    assert "Restarting worker" in (swept / "sweep.log").read_text()
    # The stage that the worker was in was begun twice.
    log = (swept / "out" / "trials" / "0000" / "trial.log").read_text()
    assert log.count("train: …") + log.count("convert: …") == 3
    content = json.loads((swept / "out" / "sweep.json").read_text())
    assert [trial["outcome"] for trial in content["trials"]] == ["reported"] * 3, (swept / "sweep.log").read_text()
    assert any(trial["on_front"] for trial in content["trials"])
    rows = list(csv.DictReader((swept / "out" / "sweep.csv").read_text().splitlines()))
    assert [row["evidence of lut"] for row in rows] == ["open-synthesis"] * 3
    assert {row["model.options.units"] for row in rows} <= {"2", "3", "4"}
    assert "<title>Sweep quick</title>" in (swept / "out" / "sweep.html").read_text()


@pytest.mark.slow
def test_each_trial_is_an_ordinary_run(swept: Path, trigcnn: Trigcnn) -> None:
    trial = swept / "out" / "trials" / "0001"
    done = trigcnn("run", trial / "trial.yaml", "--out", trial)
    assert done.returncode == 0, done.stderr
    for stage in ("train", "convert", "check", "synthesize", "report"):
        assert f"{stage}: unchanged" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_a_trial_has_the_weights_of_a_plain_training(swept: Path, trigcnn: Trigcnn, number: int) -> None:
    # The worker of trial 0 was killed, so its training was resumed.
    trial, plain = swept / "out" / "trials" / f"{number:04d}", swept / f"plain{number}"
    done = trigcnn("train", trial / "trial.yaml", "--out", plain)
    assert done.returncode == 0, done.stderr
    manifests = [json.loads((folder / "train" / "manifest.json").read_text()) for folder in (trial, plain)]
    assert manifests[0]["key"] == manifests[1]["key"]
    for name in ("quantized.keras", "float.keras"):
        ours, theirs = (load_saved(folder / "train" / name).get_weights() for folder in (trial, plain))
        assert ours
        for found, expected in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_a_finished_sweep_does_nothing_again(swept: Path) -> None:
    before = (swept / "out" / "study.journal").read_text().count("\n")
    words = [sys.executable, "-m", "trigcnn", "sweep", "run", "sweep.yaml", "--out", "out", "--trials", "3"]
    done = subprocess.run(words, cwd=swept, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=True)
    assert "trial 3" not in done.stdout
    # What the study is for is written down again, no trial.
    assert (swept / "out" / "study.journal").read_text().count("\n") <= before + 4


@pytest.mark.slow
def test_the_best_trial_within_limits_is_written_ready_to_run(swept: Path, trigcnn: Trigcnn) -> None:
    content = json.loads((swept / "out" / "sweep.json").read_text())
    figures = {
        trial["number"]: {merit["name"]: merit["value"] for merit in trial["merits"]} for trial in content["trials"]
    }
    limit = sorted(each["lut"] for each in figures.values())[1]
    found = trigcnn("sweep", "best", swept / "out", "--within", f"lut={limit}", "--out", swept / "winner.yaml")
    assert found.returncode == 0, found.stderr
    within = {number: each for number, each in figures.items() if each["lut"] <= limit}
    best = max(within, key=lambda number: (within[number]["accuracy"], -number))
    assert f"trial {best} of the sweep quick" in found.stdout
    winner, trial = load(swept / "winner.yaml"), load(swept / "out" / "trials" / f"{best:04d}" / "trial.yaml")
    given, copied = trial.training.initial_weights, winner.training.initial_weights
    if given is not None:
        # Taken along, so that the winner can be run elsewhere.
        assert copied == str(swept / "winner_initial_weights.keras")
        assert Path(copied).read_bytes() == Path(given).read_bytes()
    with_given = replace(winner.training, initial_weights=given)
    assert winner.model_copy(update={"training": with_given}) == trial
    assert "sweep" not in yaml.safe_load((swept / "winner.yaml").read_text())


@pytest.mark.slow
def test_limits_that_no_trial_keeps_name_the_nearest(swept: Path, trigcnn: Trigcnn) -> None:
    found = trigcnn("sweep", "best", swept / "out", "--within", "lut=0")
    assert found.returncode == 2
    assert "no trial is within lut=0; the least are lut" in found.stderr
    assert trigcnn("sweep", "best", swept / "out", "--within", "luts=1").returncode == 2
    assert "is not a sweep" in trigcnn("sweep", "best", swept / "nothing").stderr

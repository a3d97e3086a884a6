"""A sweep against a grid of as many trials, and two workers against one, on the digits.

Usage: python benchmarks/sweep.py [FOLDER]

Two studies of 30 trials with the same seed: the search of `trigcnn sweep` (TPE, learning curves, warm start), and the
grid that one would lay by hand over the same options. Both are trained for the same number of epochs, checked bit by
bit and synthesized by Yosys. Printed is the hypervolume (accuracy and LUT) of each front, in the frame of both studies.
Then four trials of a random search by one worker and by two. FOLDER is kept, and goes on where it was; default: a
temporary one.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.results.sweep import OUTCOMES
from trigcnn.pipeline.sweep import results, study
from trigcnn.pipeline.sweep.command import search
from trigcnn.pipeline.sweep.study import Objective, TrialRecord

TRIALS = 30
FILTERS = [[2, 4], [2, 8], [4, 8], [4, 16], [6, 24]]
BASE: dict[str, Any] = {
    "data": {"source": "digits", "input_format": "ufixed<4,0>"},
    "model": {"source": "lenet", "options": {"filters": [4, 8], "weight_bits": 4, "activation_bits": 4}},
    "training": {"epochs": 20, "learning_rate": 0.01},
    "rtl": {"architecture": "streaming"},
    "gates": {"max_accuracy_drop": None},
}
OBJECTIVES = {"accuracy": "maximize", "lut": "minimize"}
SEARCH: dict[str, Any] = {
    "space": {
        "model.options.weight_bits": {"low": 2, "high": 6},
        "model.options.activation_bits": {"low": 2, "high": 5},
        "model.options.filters": {"choices": FILTERS},
        "training.pruning_sparsity": {"low": 0.0, "high": 0.8},
    },
    "sampler": "tpe",
}
GRID: dict[str, Any] = {
    "space": {
        "model.options.weight_bits": {"choices": [2, 4, 6]},
        "model.options.activation_bits": {"choices": [2, 4]},
        "model.options.filters": {"choices": FILTERS},
    },
    "sampler": "grid",
    "pruner": "none",
    "warm_start": False,
    "promising": "all",
}
RANDOM: dict[str, Any] = {**SEARCH, "sampler": "random", "pruner": "none", "warm_start": False, "promising": "all"}


def configuration(name: str, sweep: dict[str, Any], *, trials: int, workers: int) -> RunConfig:
    """Give the configuration of a study."""
    cluster = {"workers": workers, "memory_gb": 5}
    asked = {**sweep, "objectives": OBJECTIVES, "trials": trials, "cluster": cluster}
    return RunConfig.model_validate({"name": name, **BASE, "sweep": asked})


def measured(config: RunConfig, folder: Path) -> tuple[list[TrialRecord], list[Objective]]:
    """Give the trials of a study."""
    found = study.open_study(config, study.open_storage(config, folder))
    return study.records(found), study.objectives(config)


def against_a_grid(root: Path, console: Console) -> None:
    """Print the hypervolume of the search's front, and of the grid's."""
    points: dict[str, list[tuple[float, ...]]] = {}
    for name, sweep in (("search", SEARCH), ("grid", GRID)):
        config = configuration(name, sweep, trials=TRIALS, workers=2)
        start = time.monotonic()
        search(config, root / name, console)
        records, goals = measured(config, root / name)
        points[name] = [
            costs
            for record in records
            if record.outcome == "reported" and (costs := results.costs_of(record, goals)) is not None
        ]
        outcomes = {each: sum(record.outcome == each for record in records) for each in OUTCOMES}
        console.line(f"{name}: {len(records)} trials, {outcomes}, {time.monotonic() - start:.0f} s in this run")
    frame = [*points["search"], *points["grid"]]
    volume = {name: results.volumes(found, frame)[-1] for name, found in points.items()}
    console.line(f"hypervolume: search {volume['search']:.4f}, grid {volume['grid']:.4f}")
    console.line(f"ratio search to grid: {volume['search'] / volume['grid']:.3f}")


def two_workers_against_one(root: Path, console: Console) -> None:
    """Print how much faster two workers are."""
    seconds = {}
    for workers in (1, 2):
        folder = Path(tempfile.mkdtemp(prefix=f"workers{workers}_", dir=root))
        config = configuration("random", RANDOM, trials=4, workers=workers)
        start = time.monotonic()
        search(config, folder, console)
        seconds[workers] = time.monotonic() - start
        console.line(f"{workers} worker(s): 4 trials in {seconds[workers]:.0f} s")
    console.line(f"speed-up of two workers: {seconds[1] / seconds[2]:.2f} on {os.cpu_count()} cores ({_processor()})")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"


def main() -> None:
    """Run both comparisons."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(sys.argv[1] if len(sys.argv) > 1 else scratch)
        root.mkdir(parents=True, exist_ok=True)
        console = Console()
        against_a_grid(root, console)
        two_workers_against_one(root, console)


if __name__ == "__main__":
    main()

"""Runs, their data and golden cases, for Python programs."""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.golden.result import CheckResult
from trigcnn.pipeline.run import RunResult
from trigcnn.pipeline.run import run as run_stages

if TYPE_CHECKING:
    from trigcnn.models.datasets import Dataset


def load_config(path: str | os.PathLike[str], changes: Mapping[str, Any] | None = None) -> RunConfig:
    """Load the configuration of a run.

    Args:
        path: YAML file. Paths in it are relative to the file's folder.
        changes: Options to change, by path, such as `{"training.epochs": 10}`.

    Returns:
        The configuration, frozen, with all defaults filled in.

    Raises:
        TrigcnnError: The file or a value cannot be used; the message names the key.
    """
    from trigcnn.pipeline.config.file import load

    return load(Path(path), changes=changes)


def load_data(config: RunConfig | str | os.PathLike[str]) -> Dataset:
    """Load the data set of a run: its events on the digitiser's grid, split as the run splits them.

    Args:
        config: A configuration, or the path of one.

    Returns:
        The data set; its splits `train`, `validation` and `test` have `events` [events, ...] and `labels` [events],
        which are 0 where `classes` is empty.

    Raises:
        TrigcnnError: The data set cannot be loaded.
    """
    from trigcnn.pipeline.stages.building import load_data as load

    return load(_loaded(config))


def run(
    config: RunConfig | str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    until: str = "report",
    from_stage: str | None = None,
    force: bool = False,
    quiet: bool = False,
) -> RunResult:
    """Do every stage of a run whose result is missing or out of date, as `trigcnn run` does.

    Args:
        config: A configuration, or the path of one.
        out: Folder of the run; default: `vivado_projects/<name>`.
        until: Last stage: `train`, `convert`, `check`, `synthesize` or `report`.
        from_stage: Do this stage and all later ones again.
        force: Do every stage again.
        quiet: Whether to print no progress.

    Returns:
        Status, gates and report. A missed gate is not an error: see `status` and `gates`.

    Raises:
        TrigcnnError: The configuration, the data or the model cannot be used, or an outside program is missing or
            failed.
    """
    config = _loaded(config)
    folder = Path("vivado_projects") / config.name if out is None else Path(out)
    words = ["trigcnn", "run", str(folder / "resolved.yaml"), "--out", str(folder)]
    return run_stages(
        config,
        folder,
        until=until,
        from_stage=from_stage,
        force=force,
        command=shlex.join(words),
        console=Console(io.StringIO()) if quiet else None,
    )


def check_golden(path: str | os.PathLike[str], engines: str | Sequence[str] = ("csim",)) -> CheckResult:
    """Check a golden case: convert its model again, run engines on its events, and compare the integers.

    Args:
        path: The case, `NAME.golden.yaml`.
        engines: `csim`, `emulator`, `rtl`, `qkeras`, several of them, or `all`.

    Returns:
        What changed; `status` is 0 if nothing did. An engine that cannot run has an `error` in `engines`.

    Raises:
        TrigcnnError: The case cannot be read, or its model does not convert.
    """
    from trigcnn.pipeline.golden.check import check_case

    return check_case(Path(path), [engines] if isinstance(engines, str) else engines)


def _loaded(config: RunConfig | str | os.PathLike[str]) -> RunConfig:
    return config if isinstance(config, RunConfig) else load_config(config)

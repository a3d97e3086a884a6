"""`trigcnn sweep`: the search, its results, and the best trial."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import yaml
from pydantic import ValidationError

from trigcnn.common.files import NO_ROOM, write_bytes, write_text
from trigcnn.common.foreign import cut
from trigcnn.pipeline.cache.lock import locked
from trigcnn.pipeline.config import plain_yaml
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ConfigError, RunFolderError
from trigcnn.pipeline.pages import sweep_pages
from trigcnn.pipeline.results.merit import shown
from trigcnn.pipeline.results.sweep import Sweep, SweepTrial
from trigcnn.pipeline.sweep import results, space, workers
from trigcnn.pipeline.sweep.search import Search


def search(config: RunConfig, folder: Path, console: Console) -> Sweep:
    """Run or resume a sweep, and write its results.

    Args:
        config: The configuration.
        folder: The sweep's folder; a stopped sweep in it resumes.
        console: Where progress is shown.

    Raises:
        ConfigError: The search space or the study's storage cannot be used.
        RunFolderError: Another sweep works in the folder, or it cannot be written.
        ToolMissingError: There is no such batch system.
    """
    space.check(config)
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder / ".lock", "sweep"))
        except OSError as error:
            raise RunFolderError(
                f"{folder}: cannot write there ({error.strerror}); choose another with --out"
            ) from error
        write_text(folder / "sweep.yaml", config.to_yaml())
        work = Search(
            config, folder, console, lambda: sweep_pages.write(results.collect(config, work.study), folder, pages=False)
        )
        try:
            with workers.connected(config.sweep.cluster, folder) as client:
                work.run(client, workers.here(config.sweep.cluster))
        except OSError as error:
            if error.filename is None and error.errno in NO_ROOM:
                # Optuna's journal and Dask name no file.
                error.filename = str(folder)
            raise
        finally:
            # For a stopped sweep too.
            found = results.collect(config, work.study)
            sweep_pages.write(found, folder)
        _show(found, console)
        console.line(f"sweep: {folder / 'sweep.html'}")
        return found


def choose(folder: Path, within: dict[str, float], out: Path | None, console: Console) -> SweepTrial:
    """Print the best trial within limits, and write its configuration.

    Args:
        folder: The sweep's folder.
        within: Limits by figure.
        out: File of the configuration; default: `best.yaml` in the sweep's folder.
        console: Where it is printed.

    Raises:
        ConfigError: There is no sweep, or no trial is within the limits.
    """
    sweep = _read(folder)
    trial = results.best(sweep, within)
    run_folder = folder / trial.folder
    try:
        config = RunConfig.model_validate(plain_yaml.read(run_folder / "trial.yaml"))
    except (OSError, plain_yaml.NotPlainError, ValidationError) as error:
        raise ConfigError(f"{run_folder}: its configuration trial.yaml cannot be read: {cut(error)}") from error
    lines = [f"trial {trial.number} of the sweep {sweep.name}"]
    lines += [f"{merit.label}: {shown(merit)} ({merit.evidence}: {merit.source})" for merit in trial.merits]
    for line in lines:
        console.line(line)
    target = out or folder / "best.yaml"
    begin = config.training.initial_weights
    if begin is not None and Path(begin).is_file():
        # Beside it, so that it can be moved.
        beside = target.with_name(f"{target.stem}_initial_weights.keras")
        write_bytes(beside, Path(begin).read_bytes())
        config = config.model_copy(update={"training": replace(config.training, initial_weights=beside.name)})
    options = yaml.safe_dump(config.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
    write_text(target, "".join(f"# {line}\n" for line in lines) + options)
    console.line(f"run folder: {run_folder}")
    console.line(f"configuration: {target}")
    return trial


def latest(root: Path = Path("vivado_projects")) -> Path:
    """Return the folder of the latest sweep.

    Raises:
        ConfigError: There is none.
    """
    found = sorted(root.glob("*/sweep.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise ConfigError(f"{root}: has no sweep; name the folder of one, or start one with `trigcnn sweep CONFIG`")
    return found[-1].parent


def _read(folder: Path) -> Sweep:
    path = folder / "sweep.json"
    try:
        return Sweep.load(path)
    except OSError as error:
        raise ConfigError(f"{folder}: is not a sweep: {path.name} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ConfigError(
            f"{path}: is not a sweep of this version of trigcnn; run `trigcnn sweep` again there"
        ) from error


def _show(sweep: Sweep, console: Console) -> None:
    if not sweep.front:
        console.line("no trial has a report within the budget")
        return
    columns = ("trial", *(goal.label for goal in sweep.objectives), *sweep.options)
    rows = []
    for trial in sweep.front:
        figures = [trial.merit(goal.name) for goal in sweep.objectives]
        rows.append(
            (
                str(trial.number),
                *("–" if figure is None else shown(figure) for figure in figures),
                *(trial.values[path] for path in sweep.options),
            )
        )
    console.table(columns, rows)

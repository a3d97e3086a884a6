"""One trial of a sweep: an ordinary run, done in pieces by workers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from trigcnn.common.files import write_text
from trigcnn.hls.rtl.options import RtlOptions
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.results.merit import Merit

# Ratio of alkaid's estimate to Yosys' count: `python benchmarks/estimate.py`, 0.68 to 0.75.
_LUT_OF_ESTIMATE = 1 / 0.72

# In the sweep's folder.
MARKER, TRIALS, FINAL = ".sweep", "trials", "final"

_PATIENCE_S = 900.0

Piece = Literal["estimate", "check", "report", "final"]
UNTIL: dict[str, str] = {"estimate": "convert", "check": "check", "report": "report", "final": "report"}
# Called after each epoch; returns whether the training ends.
Curve = Callable[[int, float], bool]


class TrainingEnded(Exception):  # noqa: N818 - nothing is wrong
    """The learning curve is hopeless."""


@dataclass(frozen=True)
class Job:
    """A piece of a trial.

    Attributes:
        number: Number of the trial.
        piece: How far to go: before any training, to the end of the check, or to the report.
        configuration: The trial's configuration, as YAML.
        sweep: The sweep's folder, if workers see it.
        marker: Content of a file in it, by which a worker recognizes the folder.
        store: Where stages are shared.
        parents: Saved models with which training may start, the best first.
    """

    number: int
    piece: Piece
    configuration: str
    sweep: str
    marker: str
    store: str
    parents: tuple[str, ...] = ()

    @property
    def shared(self) -> bool:
        """Whether this process sees the sweep's folder."""
        try:
            return (Path(self.sweep) / MARKER).read_text(errors="replace") == self.marker
        except OSError:
            return False

    @property
    def folder(self) -> Path:
        """Run folder of the trial, for this process."""
        root = Path(self.sweep) if self.shared else Path(tempfile.gettempdir()) / f"trigcnn-sweep-{self.marker}"
        folder = root / TRIALS / f"{self.number:04d}"
        # A separate run: if it fails, the trial's run stays unchanged.
        return folder / FINAL if self.piece == "final" else folder


@dataclass(frozen=True)
class Found:
    """The result of a piece.

    Attributes:
        number: Number of the trial.
        piece: The piece.
        state: `ended` if a learning curve was hopeless, `failed` if the network or an option is not possible.
        figures: Figures by name, with their evidence.
        message: Why it ended or failed.
        configuration: The configuration that was run, as YAML; with the weights that training began with.
        verdict: Of the report.
        shared: Whether the run is in the sweep's folder; if not, its stages are in the store.
    """

    number: int
    piece: Piece
    state: Literal["done", "ended", "failed"]
    figures: list[Merit] = field(default_factory=list)
    message: str = ""
    configuration: str = ""
    verdict: str = ""
    shared: bool = True


def perform(job: Job, curve: Curve | None = None) -> Found:
    """Do a piece of a trial; finished stages, here or of another trial, are not done again.

    Args:
        job: What to do.
        curve: Called after each epoch.

    """
    from trigcnn.common.errors import TrigcnnError

    config = RunConfig.model_validate(yaml.safe_load(job.configuration))
    do = {"estimate": _estimate, "check": _check, "report": _report, "final": _report}[job.piece]
    try:
        return replace(do(job, config, curve), shared=job.shared)
    except TrainingEnded as ended:
        return Found(job.number, job.piece, "ended", message=str(ended), configuration=job.configuration)
    except TrigcnnError as error:
        return Found(job.number, job.piece, "failed", message=str(error), configuration=job.configuration)


def _estimate(job: Job, config: RunConfig, _: Curve | None) -> Found:
    """Convert the untrained network, and estimate its resources."""
    from trigcnn.pipeline.config.file import with_values

    changes: dict[str, Any] = {"training.enabled": False, "training.initial_weights": None}
    if config.rtl.stage_delay == "auto":
        # Place and route would otherwise search for it.
        changes["rtl.stage_delay"] = RtlOptions().stage_delay
    untrained = with_values(config, changes, "the estimate")
    folder = job.folder / "estimate"
    if config.rtl.architecture == "none":
        # The shapes of its weights, for a warm start.
        _run(untrained, folder, job, until="train")
        return Found(job.number, job.piece, "done", configuration=job.configuration)
    _run(untrained, folder, job, until=UNTIL[job.piece])
    figures = estimates(untrained, folder, kept=1 - config.training.pruning_sparsity)
    return Found(job.number, job.piece, "done", figures, configuration=job.configuration)


def estimates(config: RunConfig, folder: Path, *, kept: float = 1.0) -> list[Merit]:
    """Return estimates of the RTL of a run before synthesis.

    Args:
        config: The run's configuration.
        folder: Its folder, with the stage convert done.
        kept: Share of the weights that pruning will leave.
    """
    from trigcnn.hls.rtl.design import RtlDesign
    from trigcnn.pipeline.results.merits import of_cycles

    design = RtlDesign.load(folder / "convert")
    period = config.hls.clock_period_ns
    lut = round(design.estimated_lut * kept * _LUT_OF_ESTIMATE)
    source = f"alkaid's cost model over 0.72, {design.architecture} RTL"
    return [
        Merit(name="lut", label="LUT", value=lut, unit="", better="less", evidence="estimate", source=source),
        *of_cycles("latency", "Latency", design.latency_cycles, period, "estimate", source),
        *of_cycles(
            "initiation_interval", "Initiation interval", design.initiation_interval, period, "estimate", source
        ),
    ]


def _check(job: Job, config: RunConfig, curve: Curve | None) -> Found:
    from trigcnn.pipeline.cache.folder import RunFolder
    from trigcnn.pipeline.config.file import with_values
    from trigcnn.pipeline.results.merits import of_quality
    from trigcnn.pipeline.stages import check

    parent = _parent(job)
    if parent is not None:
        config = with_values(config, {"training.initial_weights": parent}, "the warm start")

    def watch(epoch: int, figure: float) -> None:
        if curve is not None and curve(epoch, figure):
            raise TrainingEnded(f"ended after epoch {epoch}, where it had come to {figure:.4f}")

    folder = job.folder
    _run(config, folder, job, until=UNTIL[job.piece], watch=watch)
    quality = check.read(RunFolder(folder)).quality
    figures = list(of_quality(quality))
    if config.rtl.architecture != "none":
        figures += estimates(config, folder)
    return Found(job.number, job.piece, "done", figures, configuration=config.to_yaml())


def _report(job: Job, config: RunConfig, _: Curve | None) -> Found:
    from trigcnn.pipeline.results.merits import merits
    from trigcnn.pipeline.results.report import Report

    folder = job.folder
    _run(config, folder, job, until=UNTIL[job.piece])
    report = Report.load(folder / "report" / "report.json")
    figures = merits(report)
    return Found(job.number, job.piece, "done", figures, configuration=job.configuration, verdict=report.verdict)


def _run(config: RunConfig, folder: Path, job: Job, *, until: str, watch: Any = None) -> None:
    from trigcnn.pipeline.cache.store import StageStore
    from trigcnn.pipeline.console import Console
    from trigcnn.pipeline.errors import RunFolderTakenError
    from trigcnn.pipeline.run import run

    folder.mkdir(parents=True, exist_ok=True)
    # So that it can be run and opened alone.
    write_text(folder / "trial.yaml", config.to_yaml())
    end = time.monotonic() + _PATIENCE_S
    with (folder / "trial.log").open("a", encoding="utf-8") as stream:
        while True:
            try:
                run(
                    config,
                    folder,
                    until=until,
                    command=_command(folder),
                    store=StageStore(job.store),
                    watch=watch,
                    console=Console(stream),
                )
            except RunFolderTakenError:
                # A worker that was told to end may still finish its epoch.
                if time.monotonic() > end:
                    raise
                time.sleep(1.0)
            else:
                return


def bring(job: Job, folder: Path) -> None:
    """Copy the stages that a remote worker left in the store into a run folder here.

    Raises:
        RunFolderError: One is not in the store.
    """
    from trigcnn.pipeline.cache.folder import RunFolder
    from trigcnn.pipeline.cache.store import StageStore
    from trigcnn.pipeline.console import Console
    from trigcnn.pipeline.context import ORDER, Context
    from trigcnn.pipeline.errors import RunFolderError
    from trigcnn.pipeline.run import STAGES

    config = RunConfig.model_validate(yaml.safe_load(job.configuration))
    run_folder, store = RunFolder(folder), StageStore(job.store)
    with run_folder.lock():
        run_folder.write("trial.yaml", config.to_yaml())
        context = Context(config, run_folder, Console(), _command(folder))
        for name in ORDER[: ORDER.index(UNTIL[job.piece]) + 1]:
            stage = STAGES[name](context)
            if not run_folder.is_current(stage) and not store.fetch(run_folder, stage):
                raise RunFolderError(
                    f"{job.store}: lacks the stage {name} of trial {job.number}, which a worker finished elsewhere; "
                    "set sweep.store to a place that all workers see, and let them have this version of trigcnn and "
                    "of its dependencies"
                )


def _command(folder: Path) -> str:
    return f"trigcnn run {folder / 'trial.yaml'} --out {folder}"


def _parent(job: Job) -> str | None:
    """Choose the first parent all of whose layers fit, else that of which most do."""
    from trigcnn.models.source import load_saved

    own = job.folder / "estimate" / "train" / "quantized.keras"
    if not job.parents or not own.is_file():
        return None
    shapes = _shapes(load_saved(own))
    best, most = None, 0
    for parent in job.parents:
        if not Path(parent).is_file():
            continue
        theirs = _shapes(load_saved(Path(parent)))
        fitting = sum(theirs.get(name) == shape for name, shape in shapes.items())
        if fitting == len(shapes):
            return parent
        if fitting > most:
            best, most = parent, fitting
    return best


def _shapes(model: Any) -> Mapping[str, Any]:
    """Return the shapes of the weights of the layers that have some."""
    found = {layer.name: [weight.shape for weight in layer.get_weights()] for layer in model.layers}
    return {name: shapes for name, shapes in found.items() if shapes}

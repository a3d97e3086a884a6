"""The command `evaluate`: all events of a file through a finished run's network, and what a trigger makes of them."""

from __future__ import annotations

import datetime
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from hls.engines import Engine, Outputs
from hls.errors import ConversionError, SimulationError
from hls.graph import Graph, Layer
from models.datasets import InputFormat
from models.datasets.files import checked_labels
from models.errors import DataError
from pipeline import evaluation as content
from pipeline.cache import RunFolder, file_digest, installed_version
from pipeline.config import RunConfig, load
from pipeline.console import Console
from pipeline.errors import ConfigError, RunFolderError
from pipeline.evaluation import Curve, Integers, Score, Spectrum, SpectrumBuilder, hertz
from pipeline.event_files import EventFile, open_events
from pipeline.stages import convert, train

DEFAULT_ENGINE, FALLBACK_ENGINE = "emulator", "csim"
# Input values of a chunk: 32 MiB as float64.
_CHUNK_VALUES = 1 << 22
_CHUNK_EVENTS = 1 << 18
_FIRST_DIFFERENCES = 100
_UNLABELLED = "all events"
_DISTRIBUTIONS = ("trigcnn", "hls4ml", "numpy", "qkeras", "tensorflow", "tf-keras")


@dataclass(frozen=True)
class Request:
    """What is asked for; None leaves a choice to the configuration or to the file.

    Attributes:
        run: YAML configuration of a run that is in its default folder, or the run's folder.
        events: File of events.
        events_array: Name of the array of events in it; None: `data.events` of the run.
        labels: Name of the array of labels, or a `.npy` file of them; None: `data.labels` of the run, if it is there.
        unlabelled: Take no labels, even if there are any.
        signal: Names of the signal classes.
        background: Names of the background classes.
        event_rate_hz: Rate of background events before the trigger, in Hz.
        rates_hz: Target rates in Hz.
        score: `margin`, `signal` or `output`.
        engine: `emulator`, `csim` or `qkeras`; None: the emulator or, where it refuses the graph, csim.
        against: A second engine, to compare with.
        output: Name of the output layer, where there are several.
        out: Folder for the results; None: `evaluate/<name of the file>` in the run's folder.
        command: Command line, for the record.
        chunk_events: Events that are in memory at a time; None: as many as 32 MiB of values.
    """

    run: Path
    events: Path
    events_array: str | None = None
    labels: str | None = None
    unlabelled: bool = False
    signal: Sequence[str] | None = None
    background: Sequence[str] | None = None
    event_rate_hz: float | None = None
    rates_hz: Sequence[float] | None = None
    score: str | None = None
    engine: str | None = None
    against: str | None = None
    output: str | None = None
    out: Path | None = None
    command: str = "trigcnn evaluate"
    chunk_events: int | None = None


def evaluate(request: Request, console: Console) -> content.Evaluation:
    """Run all events, write `evaluation.json`, `curves.npz` and the figure, and print the figures.

    Raises:
        ConfigError: An option cannot be used.
        RunFolderError: The run is not finished, was changed, or the results' folder cannot be written.
        DataError: The events or labels cannot be used.
        HlsError: An engine refuses the graph or fails.
    """
    run = _Run.open(request.run)
    engines = _chosen_engines(request)
    trigger = run.config.trigger
    rate_hz = trigger.event_rate_hz if request.event_rate_hz is None else request.event_rate_hz
    rates_hz = sorted(set(trigger.rates_hz if request.rates_hz is None else request.rates_hz))
    content.check_rates(rates_hz, rate_hz)
    layer = _output_layer(run.graph, request.output)
    score = content.make_score(
        run.classes,
        layer.size,
        signal=trigger.signal if request.signal is None else request.signal,
        background=trigger.background if request.background is None else request.background,
        kind=request.score,
    )
    out = (request.out or run.folder.path / "evaluate" / request.events.stem).resolve()
    _check_free(out)
    with _open(request, run) as file, tempfile.TemporaryDirectory(prefix="trigcnn-evaluate-") as scratch:
        shape = _event_shape(file, run.graph)
        notes: list[str] = []
        labels_named = request.labels is not None
        if file.labels_where is None and not request.unlabelled and not labels_named:
            notes.append(f"{file.path} holds no array {run.data['labels']!r}: without labels, only rates are given")
        lanes: list[_Lane] = []
        for name in engines:
            if lanes and lanes[0].name == name:
                raise ConfigError(f"--against {name}: is the engine itself; name another one")
            lanes.append(_lane(name, run, Path(scratch), console, notes, chosen=request.engine))
        run.see_that_it_is_the_same()
        for note in notes:
            console.line(f"note: {note}")
        loop = _Loop(file, shape, run, layer, score, lanes)
        with console.task(f"running {' and '.join(lane.name for lane in lanes)}") as task:
            loop.run(request.chunk_events, task.update)
    labelled = file.labels_where is not None
    _check_classes(loop, score, run.classes, labelled)
    curves: dict[str, Curve] = {}
    results = [_result(lane, score, run.classes, rates_hz, rate_hz, layer, curves) for lane in lanes]
    answer = content.Evaluation(
        name=run.config.name,
        events=_events_entry(request, run, file, loop),
        score=content.ScoreEntry(
            kind=score.kind,
            definition=score.definition(run.classes),
            output=layer.name,
            format=str(layer.result),
            lsb=layer.result.lsb,
            signal=[run.classes[i] for i in score.signal],
            background=[run.classes[i] for i in score.background],
        ),
        event_rate_hz=rate_hz,
        results=results,
        difference=loop.difference(),
        notes=notes,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        command=request.command,
        digests=run.digests(),
        versions={name: installed_version(name) for name in _DISTRIBUTIONS},
    )
    _write(answer, curves, out)
    _show(answer, console)
    console.line(f"written: {out / 'evaluation.json'}")
    return answer


@dataclass(frozen=True)
class _Run:
    """A finished conversion.

    Attributes:
        folder: The run's folder.
        config: Its configuration, for `trigger` and `time_limits`; all else is taken from what the stages left.
        graph: The fixed-point graph.
        classes: Names of the classes.
        input_format: What the digitiser delivers.
        data: The options `data` that the run was trained with.
    """

    folder: RunFolder
    config: RunConfig
    graph: Graph
    classes: list[str]
    input_format: InputFormat
    data: dict[str, Any]
    key: str

    @classmethod
    def open(cls, path: Path) -> _Run:
        """Read a finished conversion, and see that it is whole and of one piece."""
        if path.is_dir():
            resolved = path / "resolved.yaml"
            if not resolved.is_file():
                raise RunFolderError(
                    f"{path}: is not the folder of a run (no resolved.yaml in it); give a YAML configuration or the "
                    "folder that `trigcnn run --out` wrote"
                )
            folder, config, given = RunFolder(path), load(resolved), False
        else:
            config, given = load(path), True
            folder = RunFolder(Path("vivado_projects") / config.name)
            if not folder.path.is_dir():
                raise RunFolderError(
                    f"{folder.path}: there is no run of {path}; do `trigcnn convert {path}` first, or give the run's "
                    "folder instead of the configuration"
                )
        trained, converted = folder.stage("train"), folder.stage("convert")
        first, second = folder.manifest("train"), folder.manifest("convert")
        if first is None or second is None:
            raise RunFolderError(f"{folder.path}: a manifest cannot be read; do `trigcnn convert --force` again")
        if second.inputs.get("train") != first.digest:
            raise RunFolderError(f"{folder.path}: was trained again since it was converted; do `trigcnn convert` first")
        if given:
            _check_options(path, config, {"train": first.options, "convert": second.options})
        for stage, found in ((trained, first), (converted, second)):
            for name, digest in found.outputs.items():
                if file_digest(stage / name) != digest:
                    raise RunFolderError(
                        f"{stage / name}: was changed or removed since the stage was done; do `trigcnn convert` again"
                    )
        info = json.loads((trained / "info.json").read_text())
        return cls(
            folder,
            config,
            Graph.load(converted),
            info["classes"],
            InputFormat.parse(info["input_format"]),
            first.options["data"],
            second.key,
        )

    def see_that_it_is_the_same(self) -> None:
        """See that no other process has done the stages again while they were read."""
        found = self.folder.manifest("convert")
        if found is None or found.key != self.key:
            raise RunFolderError(f"{self.folder.path}: was converted again by another process; evaluate it again")

    def digests(self) -> dict[str, str]:
        """What the figures were computed from, by name."""
        found = self.folder.manifest("convert")
        outputs = {} if found is None else found.outputs
        return {name: outputs[name] for name in ("graph.json", "graph.npz") if name in outputs} | (
            {} if found is None else {"outputs of convert": found.digest, "outputs of train": found.inputs["train"]}
        )


def _check_options(path: Path, config: RunConfig, made_with: dict[str, dict[str, Any]]) -> None:
    wanted = config.model_dump(mode="json")
    for stage, options in made_with.items():
        for section, value in options.items():
            if wanted.get(section) != value:
                raise RunFolderError(
                    f"{path}: its options `{section}` are not those that the stage {stage} was done with; do "
                    f"`trigcnn convert {path}` first, or give the run's folder to evaluate it as it is"
                )


def _output_layer(graph: Graph, name: str | None) -> Layer:
    if name is None:
        if len(graph.outputs) > 1:
            raise ConfigError(f"the network has several outputs ({', '.join(graph.outputs)}); choose one with --output")
        return graph.output
    if name not in graph.outputs:
        raise ConfigError(f"--output {name}: no such output; there are {', '.join(graph.outputs)}")
    return graph[name]


def _open(request: Request, run: _Run) -> Any:
    if request.unlabelled and request.labels is not None:
        raise ConfigError("--labels and --no-labels: give only one of them")
    return open_events(
        request.events,
        events=run.data["events"] if request.events_array is None else request.events_array,
        labels=None if request.unlabelled else run.data["labels"] if request.labels is None else request.labels,
        labels_needed=request.labels is not None,
    )


def _event_shape(file: EventFile, graph: Graph) -> tuple[int, ...]:
    """Give the shape of an event in the network; images may come without their channel axis."""
    wanted = graph.input_shape
    if file.shape == wanted or (len(wanted) == 3 and (*file.shape, 1) == wanted):
        return wanted
    raise DataError(
        f"{file.where}: events of shape {file.shape}, but the network takes {wanted}; save an array of shape "
        f"[events, {', '.join(map(str, wanted))}]"
    )


# Engines.


def _emulator(run: _Run, folder: Path) -> Engine:
    from hls.engines import emulator

    return emulator.build(run.graph, folder, timeout_s=run.config.time_limits.compile_s)


def _csim(run: _Run, folder: Path) -> Engine:
    from hls.engines import csim

    project = run.folder.stage("convert") / "hls"
    return csim.build(run.graph, project, folder, timeout_s=run.config.time_limits.compile_s)


def _qkeras(run: _Run, folder: Path) -> Engine:
    from hls.engines.keras import KerasEngine

    return KerasEngine(convert.rewritten(run.config.hls, train.read(run.folder)).model)


ENGINES: dict[str, Callable[[_Run, Path], Engine]] = {"emulator": _emulator, "csim": _csim, "qkeras": _qkeras}


def _chosen_engines(request: Request) -> list[str]:
    for option, name in (("--engine", request.engine), ("--against", request.against)):
        if name is not None and name not in ENGINES:
            raise ConfigError(f"{option} {name}: no such engine; there are {', '.join(ENGINES)}")
    return [request.engine or DEFAULT_ENGINE, *([] if request.against is None else [request.against])]


@dataclass
class _Lane:
    """One engine and what it gave so far."""

    name: str
    engine: Engine
    spectra: list[SpectrumBuilder] = field(default_factory=list)
    off_grid: int = 0
    events: int = 0
    seconds: float = 0.0

    @property
    def evidence(self) -> Literal["simulation", "evaluation"]:
        return "evaluation" if self.name == "qkeras" else "simulation"


def _lane(name: str, run: _Run, scratch: Path, console: Console, notes: list[str], *, chosen: str | None) -> _Lane:
    with console.task(f"building {name}"):
        try:
            return _Lane(name, _built(name, run, scratch))
        except ConversionError as error:
            if name != DEFAULT_ENGINE or chosen is not None:
                raise
            notes.append(f"the emulator refuses this network, so {FALLBACK_ENGINE} runs it: {error}")
    with console.task(f"building {FALLBACK_ENGINE}"):
        return _Lane(FALLBACK_ENGINE, _built(FALLBACK_ENGINE, run, scratch))


def _built(name: str, run: _Run, scratch: Path) -> Engine:
    folder = scratch / f"engine_{name}"
    folder.mkdir()
    return ENGINES[name](run, folder)


class _Loop:
    """The events, chunk by chunk."""

    def __init__(
        self, file: EventFile, shape: tuple[int, ...], run: _Run, layer: Layer, score: Score, lanes: list[_Lane]
    ) -> None:
        self._file, self._shape, self._run, self._layer, self._score = file, shape, run, layer, score
        self._lanes = lanes
        self._at = run.graph.outputs.index(layer.name)
        groups = 1 if file.labels_where is None else len(run.classes)
        for lane in lanes:
            lane.spectra = [SpectrumBuilder() for _ in range(groups)]
        self.counts = np.zeros(groups, np.int64)
        self.rounded = 0
        self._differing_outputs = self._differing_events = 0
        self._max_difference = 0.0
        self._first: list[int] = []

    def run(self, size: int | None, progress: Callable[[int, int], None]) -> None:
        if size is None:
            size = max(1, min(_CHUNK_EVENTS, _CHUNK_VALUES // int(np.prod(self._shape))))
        for start, raw, truth in self._file.chunks(size):
            self._chunk(start, raw, truth)
            progress(start + len(raw), self._file.events)

    def _chunk(self, start: int, raw: npt.NDArray[Any], truth: npt.NDArray[Any] | None) -> None:
        since = f" (from event {start} on)" if start else ""
        raw = raw.reshape(len(raw), *self._shape)
        saturate = bool(self._run.data["saturate"])
        events = self._run.input_format.put_on_grid(raw, saturate=saturate, where=f"{self._file.where}{since}")
        self.rounded += int(np.count_nonzero(events != raw))
        labels = None
        if truth is not None:
            labels, _ = checked_labels(truth, self._run.classes, f"{self._file.labels_where}{since}")
        members = [np.ones(len(raw), bool)] if labels is None else [labels == i for i in range(len(self._run.classes))]
        self.counts += [np.count_nonzero(member) for member in members]
        taken = []
        for lane in self._lanes:
            began = time.perf_counter()
            outputs = lane.engine.predict(events)
            lane.seconds += time.perf_counter() - began
            lane.events += len(events)
            part = self._run.graph.split_outputs(outputs)[self._at].reshape(len(events), -1)
            scores = self._score.of(self._integers(lane, part))
            for spectrum, member in zip(lane.spectra, members, strict=True):
                spectrum.add(scores[member])
            taken.append(part)
        if len(taken) == 2:
            self._compare(start, *taken)

    def _integers(self, lane: _Lane, outputs: Outputs) -> Integers:
        steps = outputs / self._layer.result.lsb
        if not np.isfinite(steps).all():
            raise SimulationError(f"{lane.name}: gave outputs that are NaN or infinite")
        rounded = np.rint(steps)
        off = int(np.count_nonzero(rounded != steps))
        if off and lane.evidence == "simulation":
            raise SimulationError(f"{lane.name}: gave {off} outputs that are not in the format {self._layer.result}")
        lane.off_grid += off
        return rounded.astype(np.int64)

    def _compare(self, start: int, first: Outputs, second: Outputs) -> None:
        differing = first != second
        by_event = np.flatnonzero(differing.any(axis=1))
        self._differing_outputs += int(differing.sum())
        self._differing_events += by_event.size
        if by_event.size:
            difference = float(np.abs(first - second).max()) / self._layer.result.lsb
            self._max_difference = max(self._max_difference, difference)
            room = _FIRST_DIFFERENCES - len(self._first)
            self._first += [int(i) + start for i in by_event[:room]]

    def difference(self) -> content.Difference | None:
        """What the two engines differ in; None for one engine."""
        if len(self._lanes) != 2:
            return None
        return content.Difference(
            reference=self._lanes[1].name,
            engine=self._lanes[0].name,
            events=self._file.events,
            outputs=self._file.events * self._layer.size,
            differing_outputs=self._differing_outputs,
            differing_events=self._differing_events,
            max_difference_lsb=self._max_difference,
            first_events=self._first,
        )


def _check_classes(loop: _Loop, score: Score, classes: list[str], labelled: bool) -> None:
    if not labelled:
        return
    for kind, indices in (("signal", score.signal), ("background", score.background)):
        if not loop.counts[list(indices)].sum():
            there = ", ".join(f"{n:,} {name}" for name, n in zip(classes, loop.counts, strict=True) if n)
            raise DataError(
                f"no {kind} event ({', '.join(classes[i] for i in indices)}) in the file, which holds {there}; add "
                "some, choose other classes with --signal and --background, or use --no-labels for rates alone"
            )


# Results.


def _result(
    lane: _Lane,
    score: Score,
    classes: list[str],
    rates_hz: Sequence[float],
    event_rate_hz: float,
    layer: Layer,
    curves: dict[str, Curve],
) -> content.EngineResult:
    spectra = [builder.build() for builder in lane.spectra]
    labelled = len(spectra) > 1
    by_class = dict(zip(classes if labelled else [_UNLABELLED], spectra, strict=True))
    area, points, curves[lane.name] = content.summarize(
        by_class,
        [classes[i] for i in score.signal] if labelled else None,
        [classes[i] for i in score.background] if labelled else [_UNLABELLED],
        rates_hz=rates_hz,
        event_rate_hz=event_rate_hz,
        lsb=layer.result.lsb,
    )
    every = Spectrum.merged(spectra).values
    return content.EngineResult(
        engine=lane.name,
        evidence=lane.evidence,
        distinct_scores=every.size,
        lowest_score=int(every[0]),
        highest_score=int(every[-1]),
        off_grid_outputs=lane.off_grid,
        events_per_s=lane.events / max(lane.seconds, 1e-9),
        area=area,
        working_points=points,
    )


def _events_entry(request: Request, run: _Run, file: EventFile, loop: _Loop) -> content.EventsEntry:
    labels = None if file.labels_where is None else request.labels or run.data["labels"]
    own_file = labels is not None and labels.lower().endswith(".npy")
    return content.EventsEntry(
        file=str(file.path.resolve()),
        sha256=file_digest(file.path),
        array=request.events_array or run.data["events"],
        labels=labels,
        labels_sha256=file_digest(Path(labels)) if labels is not None and own_file else None,
        events=file.events,
        classes=None if labels is None else {n: int(c) for n, c in zip(run.classes, loop.counts, strict=True)},
        input_format=str(run.input_format),
        rounded_values=loop.rounded,
        saturated=bool(run.data["saturate"]),
    )


def _check_free(out: Path) -> None:
    """See that nothing but an earlier evaluation would be replaced."""
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"{out}: is not a folder; choose another with --out")
    if out.is_dir() and any(out.iterdir()) and not (out / "evaluation.json").is_file():
        raise RunFolderError(f"{out}: is not an earlier evaluation, and would be replaced; choose another with --out")


def _write(answer: content.Evaluation, curves: dict[str, Curve], out: Path) -> None:
    """Write all files into a new folder, and put it in place when it is whole."""
    from pipeline.reporting import trigger_figure

    with _in_place(out) as folder:
        (folder / "evaluation.json").write_text(answer.model_dump_json(indent=2) + "\n", encoding="utf-8")
        arrays: dict[str, npt.NDArray[Any]] = {}
        for engine, curve in curves.items():
            arrays[f"{engine}/threshold"] = curve.thresholds
            arrays[f"{engine}/background_accepted"] = curve.background
            if curve.signal_events:
                arrays[f"{engine}/signal_accepted"] = curve.signal
        np.savez_compressed(folder / "curves.npz", **cast(Any, arrays))
        trigger_figure.write(answer, curves, folder)


@contextmanager
def _in_place(out: Path) -> Iterator[Path]:
    unfinished = out.with_name(f"{out.name}.unfinished")
    old = out.with_name(f"{out.name}.old.unfinished")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for leftover in (unfinished, old):
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished.mkdir()
        yield unfinished
        if out.exists():
            # A folder cannot be renamed onto another that is not empty.
            out.rename(old)
        unfinished.rename(out)
    except OSError as error:
        raise RunFolderError(
            f"{error.filename or out}: cannot be written ({error.strerror or error}); choose another folder with --out"
        ) from error
    finally:
        for leftover in (unfinished, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _show(answer: content.Evaluation, console: Console) -> None:
    events, score = answer.events, answer.score
    counts = "no labels"
    if events.classes is not None:
        counts = ", ".join(f"{name} {count:,}" for name, count in events.classes.items())
    console.line(f"events: {events.events:,} of {events.file} ({counts})")
    if events.rounded_values:
        console.line(f"note: {events.rounded_values:,} values were rounded to the grid of {events.input_format}")
    console.line(f"score: {score.definition}, in LSB of {score.format} ({score.lsb:g}); accepted from the threshold on")
    kind = "events" if events.classes is None else "background events"
    console.line(f"rates: of {hertz(answer.event_rate_hz)} {kind}; intervals: Wilson, 68.27 %")
    for result in answer.results:
        _show_result(result, console)
    if answer.difference is not None:
        _show_difference(answer.difference, console)


def _show_result(result: content.EngineResult, console: Console) -> None:
    console.line("")
    text = f"{result.engine} ({result.evidence}): "
    if result.area is not None:
        error = "" if result.area.error is None else f" ± {result.area.error:.2g} (DeLong)"
        text += f"AUC {result.area.auc:.6f}{error}, "
    text += f"{result.distinct_scores:,} distinct scores from {result.lowest_score} to {result.highest_score}, "
    console.line(f"{text}{result.events_per_s:,.3g} events/s")
    labelled = result.area is not None
    columns = ["target", "threshold", "rate", "68 % interval"]
    columns += ["signal efficiency", "68 % interval"] if labelled else []
    console.table(columns, [_row(point, len(columns)) for point in result.working_points])
    for point in result.working_points:
        if point.note is not None:
            console.line(f"  {hertz(point.target_rate_hz)}: {point.note}")
    if result.off_grid_outputs:
        console.line(f"  {result.off_grid_outputs:,} outputs were not on the output's grid and were rounded to it")


def _row(point: content.WorkingPoint, columns: int) -> list[str]:
    if point.background is None or point.rate_low_hz is None or point.rate_high_hz is None or point.rate_hz is None:
        return [hertz(point.target_rate_hz), "not resolved", *[""] * (columns - 2)]
    cells = [
        hertz(point.target_rate_hz),
        str(point.threshold),
        hertz(point.rate_hz),
        f"{hertz(point.rate_low_hz)} to {hertz(point.rate_high_hz)}",
    ]
    signal = point.signal
    if signal is not None:
        cells += [f"{signal.efficiency:.3%}", f"{signal.low:.3%} to {signal.high:.3%}"]
    return cells


def _show_difference(found: content.Difference, console: Console) -> None:
    console.line("")
    if not found.differing_outputs:
        console.line(f"{found.engine} = {found.reference} on {found.events:,} events, {found.outputs:,} outputs")
        return
    first = ", ".join(map(str, found.first_events[:10]))
    console.line(
        f"{found.engine} differs from {found.reference} in {found.differing_outputs:,} of {found.outputs:,} outputs of "
        f"{found.differing_events:,} of {found.events:,} events, by up to {found.max_difference_lsb:g} LSB; events "
        f"{first}{', …' if found.differing_events > 10 else ''}"
    )


def names(text: str | None) -> list[str] | None:
    """Read names that commas separate.

    >>> names("electron, photon")
    ['electron', 'photon']
    """
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def numbers(text: str | None, option: str) -> list[float] | None:
    """Read numbers that commas separate.

    Raises:
        ConfigError: One is no number.
    """
    found = names(text)
    if found is None:
        return None
    try:
        return [float(number) for number in found]
    except ValueError as error:
        raise ConfigError(f"{option} {text}: must be numbers with commas between them, such as 1e3,1e4") from error

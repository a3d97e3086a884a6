"""The command `evaluate`: all events of a file through a finished run's network, and rates and efficiencies."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trigcnn.common.files import scratch
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.models.errors import DataError
from trigcnn.pipeline.cache.folder import file_digest, installed_version
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.evaluate import apply
from trigcnn.pipeline.evaluate.event_files import EventFile, open_events
from trigcnn.pipeline.evaluate.finished_run import FinishedRun
from trigcnn.pipeline.evaluate.lanes import Lane, chosen_engines, lane_of
from trigcnn.pipeline.evaluate.loop import Loop
from trigcnn.pipeline.evaluate.request import Request
from trigcnn.pipeline.evaluate.results import check_free, write
from trigcnn.pipeline.evaluate.show import show
from trigcnn.pipeline.trigger import content
from trigcnn.pipeline.trigger.roc import Curve
from trigcnn.pipeline.trigger.scores import Score, make_score
from trigcnn.pipeline.trigger.spectrum import Spectrum
from trigcnn.pipeline.trigger.working_points import check_rates, summarize

_UNLABELLED = "all events"
_DISTRIBUTIONS = ("trigcnn", "hls4ml", "numpy", "qkeras", "tensorflow", "tf-keras")


def evaluate(request: Request, console: Console) -> content.Evaluation:
    """Run all events, write `evaluation.json`, `curves.npz` and the figure, and print the figures.

    Raises:
        ConfigError: An option cannot be used.
        RunFolderError: The run is not finished, was changed, or the results' folder cannot be written.
        DataError: The events or labels cannot be used.
        HlsError: An engine refuses the graph or fails.
    """
    run = FinishedRun.open(request.run)
    engines = chosen_engines(request)
    trigger = run.config.trigger
    rate_hz = trigger.event_rate_hz if request.event_rate_hz is None else request.event_rate_hz
    rates_hz = sorted(set(trigger.rates_hz if request.rates_hz is None else request.rates_hz))
    check_rates(rates_hz, rate_hz)
    if request.apply:
        apply.check(request, rates_hz)
    layer = run.output_layer(request.output)
    classes, labels = run.labels_of(layer)
    score = make_score(
        classes,
        layer.size,
        signal=trigger.signal if request.signal is None else request.signal,
        background=trigger.background if request.background is None else request.background,
        kind=request.score,
    )
    out = (request.out or run.folder.path / "evaluate" / request.events.stem).resolve()
    check_free(out)
    with (
        _open(request, run, labels if classes else None) as file,
        scratch() as place,
    ):
        shape = _event_shape(file, run.graph)
        notes: list[str] = []
        labels_named = request.labels is not None
        if file.labels_where is None and not request.unlabelled and not labels_named:
            missing = f"{file.path} holds no array {labels!r}" if classes and labels else "no labels are known"
            notes.append(f"{missing}: without labels, only rates are reported")
        lanes: list[Lane] = []
        for name in engines:
            if lanes and lanes[0].name == name:
                raise ConfigError(f"--against {name}: is the engine itself; name another one")
            lanes.append(lane_of(name, run, place, console, notes, chosen=request.engine))
        run.see_that_it_is_the_same()
        for note in notes:
            console.line(f"note: {note}")
        loop = Loop(file, shape, run, layer, classes, score, lanes)
        with console.task(f"running {' and '.join(lane.name for lane in lanes)}") as task:
            loop.run(request.chunk_events, task.update)
    labelled = file.labels_where is not None
    _check_classes(loop, score, classes, labelled)
    curves: dict[str, Curve] = {}
    results = [_result(lane, score, classes, rates_hz, rate_hz, layer, curves) for lane in lanes]
    answer = content.Evaluation(
        name=run.config.name,
        events=_events_entry(request, run, file, loop, classes, labels),
        score=content.ScoreEntry(
            kind=score.kind,
            definition=score.definition(classes),
            output=layer.name,
            format=str(layer.result),
            lsb=layer.result.lsb,
            signal=[classes[i] for i in score.signal],
            background=[classes[i] for i in score.background],
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
    write(answer, curves, out)
    show(answer, console)
    console.line(f"written: {out / 'evaluation.json'}")
    if request.apply:
        written = apply.apply(request, run, layer, score, lanes[0], results[0].working_points[0])
        console.line(f"written to {request.run}: {written}; convert the network again to have it in the hardware")
    return answer


def _open(request: Request, run: FinishedRun, labels: str | None) -> Any:
    if request.unlabelled and request.labels is not None:
        raise ConfigError("--labels and --no-labels: give only one of them")
    if request.labels is not None and labels is None:
        raise ConfigError("--labels: the run knows no classes for this output; remove the option")
    return open_events(
        request.events,
        events=_arrays(request, run),
        labels=None if request.unlabelled else labels if request.labels is None else request.labels,
        labels_needed=request.labels is not None,
    )


def _arrays(request: Request, run: FinishedRun) -> Sequence[str]:
    """Names of the arrays of events: one, or one per input of the network."""
    if request.events_arrays is not None:
        return request.events_arrays
    given: str | list[str] = run.data["events"]
    return [given] if isinstance(given, str) else given


def _event_shape(file: EventFile, graph: Graph) -> tuple[int, ...]:
    """Return the shape of an event in the network; images may come without their channel axis."""
    wanted = graph.input_shape
    if file.shape == wanted or (len(wanted) == 3 and (*file.shape, 1) == wanted):
        return wanted
    raise DataError(
        f"{file.where}: events of shape {file.shape}, but the network takes {wanted}; save an array of shape "
        f"[events, {', '.join(map(str, wanted))}]"
    )


def _check_classes(loop: Loop, score: Score, classes: list[str], labelled: bool) -> None:
    if not labelled:
        return
    for kind, indices in (("signal", score.signal), ("background", score.background)):
        if not loop.counts[list(indices)].sum():
            there = ", ".join(f"{n:,} {name}" for name, n in zip(classes, loop.counts, strict=True) if n)
            raise DataError(
                f"no {kind} event ({', '.join(classes[i] for i in indices)}) in the file, which holds {there}; add "
                "some, choose other classes with --signal and --background, or use --no-labels for rates alone"
            )


def _result(
    lane: Lane,
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
    area, points, curves[lane.name] = summarize(
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


def _events_entry(
    request: Request, run: FinishedRun, file: EventFile, loop: Loop, classes: list[str], by_default: str | None
) -> content.EventsEntry:
    labels = None if file.labels_where is None else request.labels or by_default
    own_file = labels is not None and labels.lower().endswith(".npy")
    return content.EventsEntry(
        file=str(file.path.resolve()),
        sha256=file_digest(file.path),
        array=", ".join(_arrays(request, run)),
        labels=labels,
        labels_sha256=file_digest(Path(labels)) if labels is not None and own_file else None,
        events=file.events,
        classes=None if labels is None else {n: int(c) for n, c in zip(classes, loop.counts, strict=True)},
        input_format=str(run.input_format),
        rounded_values=loop.rounded,
        saturated=bool(run.data["saturate"]),
    )

"""The threshold of a working point, written into the configuration's postprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count

from trigcnn.hls.decisions import Decision
from trigcnn.hls.graph.graph import Layer
from trigcnn.models.errors import DataError
from trigcnn.pipeline.config.edit import edited
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.evaluate.finished_run import FinishedRun
from trigcnn.pipeline.evaluate.lanes import Lane
from trigcnn.pipeline.evaluate.request import Request
from trigcnn.pipeline.trigger.content import WorkingPoint
from trigcnn.pipeline.trigger.scores import Score
from trigcnn.pipeline.trigger.working_points import hertz


def check(request: Request, rates_hz: Sequence[float]) -> None:
    """Check that there is one threshold to write, and a file for it, before events are run.

    Raises:
        ConfigError: There is none, or there are several.
    """
    if request.run.is_dir():
        raise ConfigError(f"--apply: changes a configuration, and {request.run} is a folder; give the YAML file")
    if len(rates_hz) != 1:
        shown = ", ".join(hertz(rate) for rate in rates_hz)
        raise ConfigError(f"--apply: there are several rates ({shown}); give one, as in --rates 1e4 --apply")


def apply(request: Request, run: FinishedRun, layer: Layer, score: Score, lane: Lane, point: WorkingPoint) -> str:
    """Write the threshold into the entry of kind threshold that has this score, or add one.

    Args:
        request: The command's options; `run` is the configuration file.
        run: The run.
        layer: The output that the score is computed of.
        score: The score.
        lane: The engine.
        point: The working point.

    Returns:
        What was written, in words.

    Raises:
        ConfigError: The engine does not compute as the hardware does, or several entries have this score.
        DataError: There are too few events for a threshold.
    """
    if lane.evidence != "simulation":
        raise ConfigError(f"--apply: {lane.name} does not compute as the hardware does; use --engine emulator or csim")
    if point.threshold_value is None:
        raise DataError(f"--apply: there is no threshold for {hertz(point.target_rate_hz)}: {point.note}")
    wanted = _decision(run, layer, score, point.threshold_value)
    entries = run.config.postprocessing
    aim = _score_of(wanted, run, layer)
    same = [number for number, entry in enumerate(entries) if _score_of(entry, run, layer) == aim]
    if len(same) > 1:
        names = ", ".join(entries[number].name for number in same)
        raise ConfigError(f"--apply: several entries of postprocessing have this score: {names}; keep one of them")
    name = entries[same[0]].name if same else _free_name({entry.name for entry in entries})
    with edited(request.run) as content:
        if same:
            content["postprocessing"][same[0]]["threshold"] = point.threshold_value
        else:
            content.setdefault("postprocessing", []).append(_entry(wanted, name))
    rate = "" if point.rate_hz is None else f", which accepts {hertz(point.rate_hz)} of these events"
    return f"postprocessing: threshold {point.threshold_value!r} of {name}{rate}"


def _decision(run: FinishedRun, layer: Layer, score: Score, threshold: float) -> Decision:
    signal, background = score.signal, () if score.kind == "signal" else score.background
    if score.kind == "output":
        signal, background = (), (0,) if score.negative else ()
    alone = len(run.heads) == 1 and run.source_name(layer) == run.heads[0].name
    output = None if alone else run.source_name(layer)
    return Decision("threshold", output=output, threshold=threshold, signal=signal, background=background)


def _score_of(decision: Decision, run: FinishedRun, layer: Layer) -> object:
    """Return what is the same for all thresholds of one score; the decision itself if it is of another kind."""
    if decision.kind != "threshold":
        return decision
    only = run.heads[0].name if len(run.heads) == 1 else None
    return decision.output or only, *(frozenset(group) for group in decision.scored(layer.size))


def _free_name(taken: set[str]) -> str:
    usual = Decision("threshold", threshold=0.0).name
    return next(name for name in chain([usual], (f"{usual}{number}" for number in count(2))) if name not in taken)


def _entry(decision: Decision, name: str) -> dict[str, object]:
    entry: dict[str, object] = {"kind": decision.kind, "name": name}
    if decision.output is not None:
        entry["output"] = decision.output
    entry |= {role: list(places) for role in ("signal", "background") if (places := getattr(decision, role))}
    return {**entry, "threshold": decision.threshold}

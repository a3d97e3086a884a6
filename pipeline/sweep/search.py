"""The search: ask the study for trials, let workers do their pieces, and tell the study the results."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
import yaml
from optuna.trial import TrialState

from trigcnn.common.files import write_text
from trigcnn.pipeline.config.file import with_values
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import PipelineError, SweepError
from trigcnn.pipeline.results.merit import Merit, shown
from trigcnn.pipeline.results.pareto import dominates
from trigcnn.pipeline.results.sweep import Outcome
from trigcnn.pipeline.sweep import curves, results, space, study, worker
from trigcnn.pipeline.sweep.trial import FINAL, MARKER, TRIALS, Found, Job, Piece, bring

if TYPE_CHECKING:
    from distributed import Client

_PARENTS = 8
_PARENTS_OF = "parents"
# Interval at which the loop checks the workers while nothing happens.
_LOOK_S = 10.0


@dataclass
class _Running:
    """A trial in work."""

    trial: optuna.Trial
    configuration: str
    future: Any = None
    estimates: list[Merit] = field(default_factory=list)
    checked: list[Merit] = field(default_factory=list)
    curve: dict[int, float] = field(default_factory=dict)
    comparable: list[curves.Curve] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Number of the trial."""
        return self.trial.number


class Search:
    """A study in work."""

    def __init__(
        self, config: RunConfig, folder: Path, console: Console, after_each: Callable[[], None] | None = None
    ) -> None:
        """Open the study.

        Args:
            config: The configuration.
            folder: The sweep's folder.
            console: Where progress is shown.
            after_each: Called when a trial has ended.

        Raises:
            ConfigError: The study cannot be opened, or belongs to another sweep.
        """
        self._config, self._folder, self._console = config, folder, console
        self._after_each = after_each
        storage = study.open_storage(config, folder, console.line)
        self.study = study.open_study(config, storage)
        self._pruner = curves.pruner(config.sweep)
        self._objectives = study.objectives(config)
        self._store = config.sweep.store or str(folder.resolve() / "store")
        self._marker = _marked(folder)
        study.claim(self.study, config, folder, self._marker)
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._running: dict[int, _Running] = {}
        self._began = time.monotonic() - self._time_before()

    def run(self, client: Client, workers: int) -> None:
        """Work until the study has its trials or the time is over; trials of an interrupted sweep resume first.

        Args:
            client: Of the workers.
            workers: Trials at the same time.

        Raises:
            SweepError: The scheduler of the workers is gone; running trials resume when the sweep is started again.
        """
        self._client = client
        dask: Any = client
        curves_here = worker.topic(self._marker)
        dask.subscribe_topic(curves_here, lambda event: self._events.put(event[1]))
        try:
            left = [trial.number for trial in self.study.get_trials(states=(TrialState.RUNNING,))]
            self._enqueue_first()
            wanted = min(self._config.sweep.trials, self._config.sweep.most_trials())
            deadline = time.monotonic() + (self._config.sweep.wall_time_s or float("inf"))
            while True:
                while len(self._running) < workers and time.monotonic() < deadline:
                    if left:
                        self._begin(left.pop(0))
                    elif self._begun() < wanted:
                        self._begin(None)
                    else:
                        break
                if not self._running:
                    break
                self._take(self._next_event())
            if time.monotonic() < deadline:
                self._measure_front()
        finally:
            if self._is_connected():
                self._let_go()
                dask.unsubscribe_topic(curves_here)

    def _next_event(self) -> Any:
        while True:
            try:
                return self._events.get(timeout=_LOOK_S)
            except queue.Empty:
                self._check_connection()

    def _is_connected(self) -> bool:
        return getattr(self._client, "status", "running") == "running"

    def _check_connection(self) -> None:
        if not self._is_connected():
            raise SweepError(
                "the scheduler of the workers is gone; start the sweep again: finished trials are kept, and running "
                "ones resume"
            )

    def _let_go(self) -> None:
        """Wait until running trials end."""
        for running in self._running.values():
            if running.future is not None:
                running.future.cancel()
                worker.stop(self._client, self._marker, running.number)

    def _measure_front(self) -> None:
        """Measure the trials of the front with the requested evidence, where this is not yet done."""
        kind = self._config.sweep.final_evidence
        if kind == "none":
            return
        option: dict[str, Any] = (
            {"place_and_route.enabled": True} if kind == "place_and_route" else {"synthesis.vendor": "always"}
        )
        done = study.finals(self.study)
        jobs = {}
        for trial in results.collect(self._config, self.study).front:
            if trial.number in done:
                continue
            configuration = study.records(self.study)[trial.number].configuration
            stronger = with_values(RunConfig.model_validate(yaml.safe_load(configuration)), option, kind)
            job = Job(trial.number, "final", stronger.to_yaml(), str(self._folder.resolve()), self._marker, self._store)
            self._console.line(f"trial {trial.number}: {kind.replace('_', ' ')}")
            jobs[self._client.submit(worker.perform, job, pure=False)] = job
        for future, job in jobs.items():
            self._console.line(f"trial {job.number}: {self._final(future, job)}")
            if self._after_each is not None:
                self._after_each()

    def _final(self, future: Any, job: Job) -> str:
        """Record the strongest evidence of a trial; a failed trial stays unchanged."""
        try:
            found: Found = future.result()
            if found.state == "done" and not found.shared:
                bring(job, self.folder_of(job.number) / FINAL)
        except Exception as error:
            self._check_connection()
            return f"failed: {type(error).__name__}: {error}"
        if found.state != "done":
            return f"failed: {found.message}"
        study.set_final(self.study, job.number, found.figures)
        return "measured"

    def _begun(self) -> int:
        return sum(trial.state != TrialState.WAITING for trial in self.study.get_trials(deepcopy=False))

    def _time_before(self) -> float:
        return max((record.seconds or 0.0 for record in study.records(self.study)), default=0.0)

    def _enqueue_first(self) -> None:
        """Queue the configuration itself first; for a grid, every point."""
        sweep, base = self._config.sweep, study.base_values(self._config)
        if sweep.sampler == "grid":
            known = [trial.params or trial.system_attrs.get("fixed_params") for trial in self.study.trials]
            for point in space.grid(sweep.space, self._config.seed):
                # A sweep may have been killed in between.
                if point not in known:
                    self.study.enqueue_trial(point)
        elif base is not None and not self.study.trials:
            self.study.enqueue_trial(base)

    def _begin(self, number: int | None) -> None:
        """Start a new trial, or one that was started before."""
        domains = self._config.sweep.space
        left = None if number is None else self.study.trials[number]._trial_id
        trial = self.study.ask() if left is None else optuna.Trial(self.study, left)
        number, values = trial.number, space.chosen(domains, space.suggest(trial, domains))
        self._console.line(f"trial {number}: {study.dumps(values)}")
        running = _Running(trial, "")
        self._running[number] = running
        try:
            config = space.configuration(self._config, values, f"trial {number}")
        except PipelineError as error:
            self._end(running, "failed", message=str(error))
            return
        running.configuration = config.to_yaml()
        self._submit(running, "estimate")

    def folder_of(self, number: int) -> Path:
        """Return the run folder of a trial."""
        return self._folder / TRIALS / f"{number:04d}"

    def _submit(self, running: _Running, piece: Piece) -> None:
        job = self._job(running, piece)
        if piece == "check":
            running.comparable = curves.comparable(running.estimates, study.records(self.study), self._objectives)
        future: Any = self._client.submit(
            worker.perform, job, pure=False, key=f"{piece}-{running.number}-{time.time_ns()}"
        )
        running.future = future
        future.add_done_callback(self._events.put)

    def _job(self, running: _Running, piece: Piece) -> Job:
        parents: tuple[str, ...] = ()
        if piece == "check" and self._config.sweep.warm_start:
            # The same after a kill: other initial weights would be another training.
            kept = running.trial.user_attrs.get(_PARENTS_OF)
            parents = self._parents() if kept is None else tuple(kept)
            if kept is None:
                running.trial.set_user_attr(_PARENTS_OF, list(parents))
        sweep = str(self._folder.resolve())
        return Job(running.number, piece, running.configuration, sweep, self._marker, self._store, parents)

    def _parents(self) -> tuple[str, ...]:
        """Return the models of earlier trials, the best first."""
        goal = self._objectives[0]
        known = [
            (goal.cost(found.value), self.folder_of(record.number) / "train" / "quantized.keras")
            for record in study.records(self.study)
            if record.outcome in ("reported", "dominated") and (found := record.figure(goal.name)) is not None
        ]
        return tuple(str(path.resolve()) for _, path in sorted(known) if path.is_file())[:_PARENTS]

    def _take(self, event: Any) -> None:
        """Process a message of a worker."""
        if isinstance(event, dict):
            self._judge_curve(worker.Point(**event["point"]))
            return
        running = next((each for each in self._running.values() if each.future is event), None)
        if running is None:
            return
        try:
            found: Found = event.result()
        except (Exception, CancelledError) as error:
            self._check_connection()
            # Several workers died on it.
            self._end(running, "failed", message=f"{type(error).__name__}: {error}")
            return
        if found.state != "done":
            self._end(running, "ended" if found.state == "ended" else "failed", message=found.message)
            return
        running.configuration = found.configuration or running.configuration
        if not found.shared and found.piece != "estimate":
            try:
                bring(self._job(running, found.piece), self.folder_of(running.number))
            except PipelineError as error:
                self._end(running, "failed", message=str(error))
                return
        {"estimate": self._estimated, "check": self._checked, "report": self._reported}[found.piece](running, found)

    def _judge_curve(self, point: worker.Point) -> None:
        """Show a point of a learning curve to Optuna's pruner, and end the training if it decides so."""
        running = self._running.get(point.number)
        if running is None:
            return
        running.curve[point.epoch] = point.figure
        if curves.hopeless(running.curve, running.comparable, self._pruner):
            worker.stop(self._client, self._marker, point.number)

    def _estimated(self, running: _Running, found: Found) -> None:
        running.estimates = found.figures
        over = study.violations(self._config, found.figures, only_known=True)
        worst = max(over.values(), default=0.0)
        if worst > self._config.sweep.hopeless - 1:
            message = f"estimated at {1 + worst:.1f} times the budget; not trained"
            self._end(running, "hopeless", figures=found.figures, message=message)
        else:
            self._submit(running, "check")

    def _checked(self, running: _Running, found: Found) -> None:
        running.checked = found.figures
        costs = self._costs(found.figures)
        if self._config.sweep.promising == "front" and costs is not None and self._is_dominated(costs):
            self._end(running, "dominated", figures=found.figures)
        else:
            self._submit(running, "report")

    def _is_dominated(self, costs: tuple[float, ...]) -> bool:
        # A trial that is not an answer does not stop others.
        known = (self._costs(record.checked) for record in study.records(self.study) if record.eligible)
        return any(other is not None and dominates(other, costs) for other in known)

    def _reported(self, running: _Running, found: Found) -> None:
        message = "" if found.verdict == "pass" else "missed a gate or the budget; see its report"
        self._end(running, "reported", figures=found.figures, message=message, verdict=found.verdict)

    def _costs(self, figures: list[Merit]) -> tuple[float, ...] | None:
        """Return the objectives so that less is better; None where one is not known."""
        known = {merit.name: merit.value for merit in figures}
        if any(each.name not in known for each in self._objectives):
            return None
        return tuple(each.cost(known[each.name]) for each in self._objectives)

    def _end(
        self,
        running: _Running,
        outcome: Outcome,
        *,
        figures: list[Merit] | None = None,
        message: str = "",
        verdict: str = "",
    ) -> None:
        """Record the outcome of a trial, and tell Optuna."""
        figures = figures or []
        costs = self._costs(figures)
        if outcome in ("reported", "dominated") and costs is None:
            missing = [each.name for each in self._objectives if each.name not in {merit.name for merit in figures}]
            outcome, message = "failed", f"nothing measured {', '.join(missing)}"
        # A missing figure exceeds a budget only in a report.
        over = study.violations(self._config, figures, only_known=outcome != "reported")
        study.set_outcome(
            running.trial,
            outcome,
            figures=figures,
            checked=running.checked,
            estimates=running.estimates,
            curve=running.curve,
            message=message,
            configuration=running.configuration,
            violations=over,
            verdict=verdict,
            seconds=time.monotonic() - self._began,
        )
        if outcome in ("reported", "dominated"):
            known = {merit.name: merit.value for merit in figures}
            self.study.tell(running.trial, [known[each.name] for each in self._objectives])
        else:
            state = TrialState.FAIL if outcome == "failed" else TrialState.PRUNED
            self.study.tell(running.trial, state=state)
        del self._running[running.number]
        self._console.line(self._line(running.number, outcome, figures, message))
        if self._after_each is not None:
            self._after_each()

    def _line(self, number: int, outcome: str, figures: list[Merit], message: str) -> str:
        found = {merit.name: merit for merit in figures}
        values = [f"{each.name} {shown(found[each.name])}" for each in self._objectives if each.name in found]
        return f"trial {number}: {outcome}: {', '.join([*values, *([message] if message else [])])}"


def _marked(folder: Path) -> str:
    """Write a marker into the sweep's folder, by which workers see that it is this folder and not one of its name."""
    path = folder / MARKER
    if not path.is_file():
        write_text(path, uuid.uuid4().hex)
    return path.read_text(errors="replace")

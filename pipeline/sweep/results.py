"""Results of a sweep so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from trigcnn.common.suggestions import did_you_mean
from trigcnn.pipeline.config.differences import shown as option_shown
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.results.pareto import front
from trigcnn.pipeline.results.sweep import Importance, Sweep, SweepObjective, SweepTrial, Volume
from trigcnn.pipeline.sweep import space, study
from trigcnn.pipeline.sweep.study import Objective, TrialRecord
from trigcnn.pipeline.sweep.trial import TRIALS

if TYPE_CHECKING:
    from optuna import Study

_MEASURED = ("reported", "dominated")
# Fewer trials tell nothing about an option.
_LEAST_TRIALS = 8
# The reference point lies this far behind the worst value, so that extreme trials count too.
_BEHIND = 0.1


def collect(config: RunConfig, found: Study) -> Sweep:
    """Return the results of a study.

    Args:
        config: The sweep's configuration.
        found: Its study.
    """
    goals = study.objectives(config)
    records = study.records(found)
    costs = {record.number: each for record in records if (each := costs_of(record, goals)) is not None}
    # The front has one kind of evidence; the strongest evidence is shown beside it, and must keep the budget too.
    eligible = [
        record.number for record in records if record.number in costs and record.eligible and _kept(config, record)
    ]
    best = {eligible[index] for index in front([costs[number] for number in eligible])}
    return Sweep(
        name=config.name,
        objectives=[
            SweepObjective(
                name=goal.name, label=_label(records, goal), direction="maximize" if goal.maximize else "minimize"
            )
            for goal in goals
        ],
        options=list(config.sweep.space),
        budget={name: str(amount) for name, amount in config.budget.amounts().items()},
        sampler=config.sweep.sampler,
        pruner=config.sweep.pruner,
        seed=config.seed,
        trials=[_trial(config, record, on_front=record.number in best) for record in records],
        importances=_importances(records, found, goals),
        volumes=_volumes([record for record in records if record.number in eligible], costs),
    )


def costs_of(record: TrialRecord, goals: Sequence[Objective]) -> tuple[float, ...] | None:
    """Return a finished trial's objectives so that less is better; None if one is missing."""
    if record.outcome not in _MEASURED:
        return None
    values = [record.figure(goal.name) for goal in goals]
    if any(value is None for value in values):
        return None
    return tuple(goal.cost(value.value) for goal, value in zip(goals, values, strict=True) if value is not None)


def _label(records: Sequence[TrialRecord], goal: Objective) -> str:
    found = (figure for record in records if (figure := record.figure(goal.name)) is not None)
    figure = next(found, None)
    return goal.name if figure is None else figure.label


def _kept(config: RunConfig, record: TrialRecord) -> bool:
    over = study.violations(config, record.final, only_known=True)
    return all(value <= 0 for value in over.values())


def _trial(config: RunConfig, record: TrialRecord, *, on_front: bool) -> SweepTrial:
    values = space.chosen(config.sweep.space, record.parameters) if record.parameters else {}
    return SweepTrial(
        number=record.number,
        outcome=record.outcome,
        values={path: option_shown(value) for path, value in values.items()},
        merits=record.figures,
        final=record.final,
        verdict=record.verdict,
        feasible=record.feasible and _kept(config, record),
        on_front=on_front,
        message=record.message,
        seconds=record.seconds,
        folder=f"{TRIALS}/{record.number:04d}",
    )


def _importances(records: Sequence[TrialRecord], found: Study, goals: Sequence[Objective]) -> list[Importance]:
    """Return the importances among synthesized trials: estimates are not counts."""
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    numbers = [record.number for record in records if record.outcome == "reported"]
    complete = [trial for trial in found.get_trials(deepcopy=False) if trial.number in numbers]
    result: list[Importance] = []
    for place, goal in enumerate(goals):
        values = {trial.values[place] for trial in complete}
        if len(complete) < _LEAST_TRIALS or len(values) < 2:
            continue
        alone = optuna.create_study(direction="maximize" if goal.maximize else "minimize")
        alone.add_trials(
            [
                optuna.trial.create_trial(
                    params=trial.params, distributions=trial.distributions, value=trial.values[place]
                )
                for trial in complete
            ]
        )
        shares = get_param_importances(alone, evaluator=FanovaImportanceEvaluator(seed=0))
        result += [Importance(objective=goal.name, option=option, share=share) for option, share in shares.items()]
    return result


def _volumes(records: Sequence[TrialRecord], costs: Mapping[int, tuple[float, ...]]) -> list[Volume]:
    done = sorted((record for record in records if record.seconds is not None), key=lambda record: record.seconds or 0)
    points = [costs[record.number] for record in done]
    return [
        Volume(trial=record.number, seconds=record.seconds or 0.0, hypervolume=value)
        for record, value in zip(done, volumes(points, points), strict=True)
    ]


def volumes(points: Sequence[tuple[float, ...]], frame: Sequence[tuple[float, ...]]) -> list[float]:
    """Return the hypervolume that the first points dominate, for each number of them.

    Costs are scaled so that the best value of each in the frame is 0 and the worst 1; the reference point is 1.1,
    and the volume is a share of the box up to there.

    Args:
        points: Costs, in their order.
        frame: Points that set the scale; to compare two searches, those of both.
    """
    import moocore
    import numpy as np

    if not points:
        return []
    low, high = np.min(frame, axis=0), np.max(frame, axis=0)
    width = np.where(high > low, high - low, 1.0)
    scaled = (np.asarray(points, float) - low) / width
    reference = np.full(scaled.shape[1], 1.0 + _BEHIND)
    box = float(np.prod(reference))
    return [float(moocore.hypervolume(scaled[: count + 1], ref=reference)) / box for count in range(len(points))]


def best(sweep: Sweep, within: Mapping[str, float]) -> SweepTrial:
    """Return the trial with the best first objective that keeps limits, the budget and all gates.

    Args:
        sweep: The results.
        within: Largest value by figure; of figures that should be large, the smallest.

    Raises:
        ConfigError: A figure is not known, or no trial is within the limits.
    """
    goal = sweep.objectives[0]
    reported = [
        trial
        for trial in sweep.trials
        if trial.outcome == "reported" and trial.verdict == "pass" and trial.feasible and trial.merit(goal.name)
    ]
    if not reported:
        raise ConfigError(
            f"the sweep {sweep.name} has no trial yet that came to a report, met its gates and keeps the budget; let "
            "it run on, or allow more"
        )
    known = {merit.name for trial in reported for merit in trial.merits}
    for name in within:
        if name not in known:
            raise ConfigError(f"--within {name}: no trial has this figure; {did_you_mean(name, sorted(known))}")
    kept = [trial for trial in reported if all(_keeps(trial, name, limit) for name, limit in within.items())]
    if not kept:
        raise ConfigError(f"no trial is within {_limits(within)}; {_nearest(reported, within)}")

    def quality(trial: SweepTrial) -> float:
        merit = trial.merit(goal.name)
        assert merit is not None  # noqa: S101 - chosen above
        return merit.value if goal.direction == "maximize" else -merit.value

    return max(kept, key=lambda trial: (quality(trial), -trial.number))


def _keeps(trial: SweepTrial, name: str, limit: float) -> bool:
    merit = trial.merit(name)
    if merit is None:
        return False
    return merit.value >= limit if merit.better == "more" else merit.value <= limit


def _limits(within: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={limit:g}" for name, limit in within.items())


def _nearest(trials: Sequence[SweepTrial], within: Mapping[str, float]) -> str:
    """Return for each limit the nearest trial."""
    lines = []
    for name in within:
        found = [(merit, trial) for trial in trials if (merit := trial.merit(name)) is not None]
        if found:
            merit, trial = min(found, key=lambda each: -each[0].value if each[0].better == "more" else each[0].value)
            lines.append(f"{name} {merit.value:,.6g} in trial {trial.number}")
    return f"the least are {', '.join(lines)}"


def parse_limits(text: str) -> dict[str, float]:
    """Read limits from the command line.

    Raises:
        ConfigError: They do not have the form `lut=20000,latency_ns=100`.

    >>> parse_limits("lut=20000,latency_ns=100")
    {'lut': 20000.0, 'latency_ns': 100.0}
    """
    found = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            raise ConfigError(f"--within {part}: write figure=limit, for example lut=20000,latency_ns=100")
    return found

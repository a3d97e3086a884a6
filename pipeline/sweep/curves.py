"""Learning curves, and the trainings that they end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trigcnn.pipeline.config.sweep import SweepConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.results.merit import Merit
from trigcnn.pipeline.sweep.study import Objective, TrialRecord

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

# Figure by epoch, the larger the better.
Curve = Mapping[int, float]


def pruner(sweep: SweepConfig) -> BasePruner:
    """Return Optuna's pruner.

    Raises:
        ConfigError: It does not have these options.
    """
    from optuna import pruners

    kinds: dict[str, Any] = {
        "median": pruners.MedianPruner,
        "percentile": pruners.PercentilePruner,
        "hyperband": pruners.HyperbandPruner,
        "successive_halving": pruners.SuccessiveHalvingPruner,
        "none": pruners.NopPruner,
    }
    defaults: dict[str, Any] = {"percentile": {"percentile": 50.0}}
    options = {**defaults.get(sweep.pruner, {}), **sweep.pruner_options}
    try:
        chosen: BasePruner = kinds[sweep.pruner](**options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"sweep.pruner_options: {error}") from error
    return chosen


def hopeless(curve: Curve, others: Sequence[Curve], judge: BasePruner) -> bool:
    """Return whether a pruner ends a training.

    Args:
        curve: Of the training, so far.
        others: Curves of finished trainings to compare with.
        judge: The pruner.
    """
    import optuna

    study = optuna.create_study(direction="maximize", pruner=judge, sampler=optuna.samplers.RandomSampler(0))
    study.add_trials(
        [
            optuna.trial.create_trial(value=other[max(other)], intermediate_values=dict(other))
            for other in others
            if other
        ]
    )
    trial = study.ask()
    for epoch, figure in sorted(curve.items()):
        trial.report(figure, epoch)
    return trial.should_prune()


def comparable(
    estimates: Sequence[Merit], records: Sequence[TrialRecord], objectives: Sequence[Objective]
) -> list[Curve]:
    """Return the curves of finished trials that cost no more, by the estimates before training.

    A small network that learns less than large ones may still be on the front; one that learns less than most networks
    of its size is not.

    Args:
        estimates: Of the trial that is judged.
        records: All trials.
        objectives: What is searched for.
    """
    costs = {merit.name: merit.value for merit in estimates}
    names = [goal.name for goal in objectives if not goal.maximize and goal.name in costs]

    def costs_no_more(record: TrialRecord) -> bool:
        theirs = {merit.name: merit.value for merit in record.estimates}
        return all(name in theirs and theirs[name] <= costs[name] for name in names)

    return [record.curve for record in records if record.curve and record.outcome != "ended" and costs_no_more(record)]

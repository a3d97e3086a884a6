"""The study of a sweep: Optuna's, with the outcome of each trial."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from trigcnn.hls import parts
from trigcnn.pipeline.config.budget import as_share
from trigcnn.pipeline.config.differences import differing
from trigcnn.pipeline.config.differences import shown as option_shown
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.config.sweep import SweepConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.extras import require
from trigcnn.pipeline.results.merit import Merit
from trigcnn.pipeline.results.sweep import Outcome
from trigcnn.pipeline.sweep import journal
from trigcnn.pipeline.sweep.space import as_stored, distributions

if TYPE_CHECKING:
    from optuna import Study
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

# Followed by the number of a trial.
_FINAL = "final "
_VIOLATIONS, _FIGURES, _CHECKED, _ESTIMATES, _CURVE, _VERDICT, _OUTCOME, _MESSAGE, _CONFIGURATION, _SECONDS = (
    "violations",
    "figures",
    "checked",
    "estimates",
    "curve",
    "verdict",
    "outcome",
    "message",
    "configuration",
    "seconds",
)


@dataclass(frozen=True)
class Objective:
    """A figure that is optimized."""

    name: str
    maximize: bool

    def cost(self, value: float) -> float:
        """Return the value so that less is better."""
        return -value if self.maximize else value


@dataclass(frozen=True)
class TrialRecord:
    """A trial as the study holds it.

    Attributes:
        number: Its number.
        outcome: Its outcome. `dominated`: trained and checked, but not synthesized.
        parameters: Values of the varied options, as Optuna keeps them.
        figures: Figures with their evidence; only estimates for untrained trials.
        message: Why it ended or failed.
        configuration: Its configuration, as YAML.
        verdict: Of its report; empty without one.
        checked: Figures of the check, resources by estimate.
        final: Figures with the strongest evidence, where it was measured with that in the end.
        estimates: Figures before any training.
        curve: What was monitored, by epoch, the larger the better; empty where nothing was trained.
        violations: Of each budget, by how much it is exceeded, as a share of it; up to 0 where it is kept.
        seconds: Time since the study began, at its end; None while it runs.
    """

    number: int
    outcome: Outcome
    parameters: dict[str, Any]
    figures: list[Merit]
    message: str
    configuration: str
    verdict: str
    checked: list[Merit]
    final: list[Merit]
    estimates: list[Merit]
    curve: dict[int, float]
    violations: dict[str, float]
    seconds: float | None

    def figure(self, name: str) -> Merit | None:
        """Return a figure by name."""
        return next((merit for merit in self.figures if merit.name == name), None)

    @property
    def feasible(self) -> bool:
        """Return whether it keeps the budget, as far as it was measured."""
        return all(value <= 0 for value in self.violations.values())

    @property
    def eligible(self) -> bool:
        """Return whether it is an answer: synthesized, within the budget, all gates met, exactness included."""
        return self.outcome == "reported" and self.verdict == "pass" and self.feasible


def objectives(config: RunConfig) -> list[Objective]:
    """Return the objectives, chosen by the task where the configuration names none."""
    named = config.sweep.objectives
    if named:
        return [Objective(name, direction == "maximize") for name, direction in named.items()]
    quality = _quality(config)
    if config.trigger.background_efficiencies and config.trigger.signal:
        quality = f"efficiency for {config.trigger.signal[0]} at {config.trigger.background_efficiencies[0]:g}"
    return [
        Objective(quality, maximize=True),
        Objective("lut", maximize=False),
        Objective("latency_ns", maximize=False),
    ]


def _quality(config: RunConfig) -> str:
    """Return the figure by which a network is judged: of several outputs that of the first with a truth."""
    labels, targets = config.data.labels, config.data.targets
    if config.training.objective != "classification" or isinstance(targets, str):
        return "explained_variance"
    if isinstance(labels, dict) and labels:
        return f"accuracy of {next(iter(labels))}"
    return f"explained_variance of {next(iter(targets))}" if targets else "accuracy"


def open_study(config: RunConfig, storage: BaseStorage) -> Study:
    """Open the study of this name in a storage, or create it.

    Raises:
        ConfigError: The study there is damaged, or of other objectives.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    wanted = objectives(config)
    directions: list[Literal["maximize", "minimize"]] = ["maximize" if each.maximize else "minimize" for each in wanted]
    place = config.sweep.storage or "study.journal"
    try:
        study = optuna.create_study(
            storage=storage,
            study_name=config.name,
            directions=directions,
            load_if_exists=True,
        )
        # Continues with other numbers than those that it started with.
        study.sampler = _sampler(config.sweep, config.seed + len(study.trials))
    except Exception as error:
        # What Optuna raises depends on the storage, and on what of the entries is damaged.
        raise journal.unreadable(place, error) from error
    _check_trials(study, place)
    names = [each.name for each in wanted]
    found = study.user_attrs.get("objectives")
    if found is not None and found != names:
        raise ConfigError(
            f"sweep.objectives: the study {config.name} was started for {', '.join(found)}, not for {', '.join(names)}"
            "; choose another folder with --out, or use these again"
        )
    study.set_user_attr("objectives", names)
    return study


def _check_trials(study: Study, place: str) -> None:
    """Check that what was recorded with the trials can be read."""
    try:
        records(study)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise journal.unreadable(place, error) from error


def claim(study: Study, config: RunConfig, folder: Path, marker: str) -> None:
    """Check that a study belongs to this sweep and has its options.

    Raises:
        ConfigError: It belongs to another folder, or was started with other options.
    """
    options = config.model_dump(mode="json")
    options["sweep"] = {"space": options["sweep"]["space"]}
    found = study.user_attrs.get("options")
    owner = study.user_attrs.get("owner")
    if owner is not None and owner["marker"] != marker:
        raise ConfigError(
            f"sweep.storage: the study {config.name} belongs to {owner['folder']}; choose another name, or go on "
            "in that folder with --out"
        )
    if found is not None:
        changed = [
            f"{option}: {option_shown(before)} then, {option_shown(now)} now"
            for option, (before, now) in differing([found, options]).items()
        ]
        if changed:
            raise ConfigError(
                f"the study {config.name} was started with other options ({'; '.join(changed)}); choose another folder "
                "with --out, or use these again"
            )
    study.set_user_attr("options", options)
    study.set_user_attr("owner", {"marker": marker, "folder": str(folder.resolve())})


def open_storage(config: RunConfig, folder: Path, say: Callable[[str], None] = print) -> BaseStorage:
    """Open the storage of the study.

    Args:
        config: The configuration.
        folder: The sweep's folder.
        say: Called with a line for the user, if a journal was cut off.

    Raises:
        ConfigError: It cannot be opened.
        MissingExtraError: It is a PostgreSQL database, and its driver is not installed.
    """
    if (config.sweep.storage or "").startswith("postgresql"):
        require("postgresql")
    import optuna

    place = config.sweep.storage
    try:
        if place is not None and "://" in place:
            return optuna.storages.RDBStorage(place)
        path = folder / "study.journal" if place is None else Path(place)
        return journal.storage(path, say)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"sweep.storage {place}: cannot be opened: {error}") from error


def _sampler(sweep: SweepConfig, seed: int) -> BaseSampler:
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        # Of NSGA-III and quasi Monte Carlo: that their options may change.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return _chosen_sampler(sweep, seed)


def _chosen_sampler(sweep: SweepConfig, seed: int) -> BaseSampler:
    from optuna import samplers

    # A grid's points are put into the queue when the study begins: Optuna's own sampler of grids ends a study from
    # within, which is not for trials that are asked for and told.
    if sweep.sampler in ("random", "grid"):
        return samplers.RandomSampler(seed=seed)
    if sweep.sampler == "qmc":
        return samplers.QMCSampler(seed=seed)
    if sweep.sampler == "nsga2":
        return samplers.NSGAIISampler(seed=seed, population_size=_population(sweep))
    if sweep.sampler == "nsga3":
        return samplers.NSGAIIISampler(seed=seed, population_size=_population(sweep))
    startup = min(10, max(1, sweep.trials // 3))
    return samplers.TPESampler(
        seed=seed, multivariate=True, n_startup_trials=startup,

    )  # fmt: skip


def _population(sweep: SweepConfig) -> int:
    return max(4, min(50, sweep.trials // 4))


def violations(config: RunConfig, figures: Sequence[Merit], *, only_known: bool = False) -> dict[str, float]:
    """Return by how much figures exceed each budget, as a share of it (below 0 within it).

    A figure that is missing exceeds its budget once.

    Args:
        config: The configuration with the budget.
        figures: What was found.
        only_known: Skip missing figures.
    """
    known = {merit.name: merit.value for merit in figures}
    device = parts.totals(config.judged_part)
    found = {}
    for name, amount in config.budget.amounts().items():
        if only_known and name not in known:
            continue
        share = as_share(amount) if isinstance(amount, str) else None
        limit = float(amount) if share is None else share * getattr(device, name)
        value = known.get(name)
        found[name] = 1.0 if value is None else (value - limit) / limit if limit else value
    return found


def set_outcome(
    trial: Trial,
    outcome: Outcome,
    *,
    figures: Sequence[Merit] = (),
    checked: Sequence[Merit] = (),
    estimates: Sequence[Merit] = (),
    curve: Mapping[int, float] = MappingProxyType({}),
    message: str = "",
    configuration: str = "",
    violations: Mapping[str, float],
    verdict: str = "",
    seconds: float | None = None,
) -> None:
    """Record the outcome of a trial before Optuna is told: a kill in between loses nothing."""
    for name, value in violations.items():
        trial.set_constraint(name, value)
    attributes: dict[str, Any] = {
        _FIGURES: [merit.model_dump(mode="json") for merit in figures],
        _CHECKED: [merit.model_dump(mode="json") for merit in checked],
        _ESTIMATES: [merit.model_dump(mode="json") for merit in estimates],
        _CURVE: {str(epoch): figure for epoch, figure in curve.items()},
        _MESSAGE: message,
        _CONFIGURATION: configuration,
        _VIOLATIONS: dict(violations),
        _VERDICT: verdict,
        _SECONDS: seconds,
        _OUTCOME: outcome,
    }
    for name, attribute in attributes.items():
        trial.set_user_attr(name, attribute)


def set_final(study: Study, number: int, figures: Sequence[Merit]) -> None:
    """Record the strongest evidence of a trial of the front, in the study: a finished trial is immutable."""
    study.set_user_attr(f"{_FINAL}{number}", [merit.model_dump(mode="json") for merit in figures])


def finals(study: Study) -> dict[int, list[Merit]]:
    """Return the figures with the strongest evidence, by trial."""
    return {
        int(name.removeprefix(_FINAL)): [Merit.model_validate(entry) for entry in entries]
        for name, entries in study.user_attrs.items()
        if name.startswith(_FINAL)
    }


def records(study: Study) -> list[TrialRecord]:
    """Return all started trials, by number."""
    from optuna.trial import TrialState

    final = finals(study)
    return [
        TrialRecord(
            number=trial.number,
            outcome=trial.user_attrs.get(_OUTCOME, "running" if trial.state == TrialState.RUNNING else "failed"),
            parameters=dict(trial.params),
            figures=_merits(trial, _FIGURES),
            verdict=trial.user_attrs.get(_VERDICT, ""),
            checked=_merits(trial, _CHECKED),
            final=final.get(trial.number, []),
            message=trial.user_attrs.get(_MESSAGE, ""),
            configuration=trial.user_attrs.get(_CONFIGURATION, ""),
            estimates=_merits(trial, _ESTIMATES),
            curve={int(epoch): figure for epoch, figure in trial.user_attrs.get(_CURVE, {}).items()},
            violations=dict(trial.user_attrs.get(_VIOLATIONS, {})),
            seconds=trial.user_attrs.get(_SECONDS),
        )
        for trial in study.trials
        if trial.state != TrialState.WAITING
    ]


def _merits(trial: FrozenTrial, attribute: str) -> list[Merit]:
    return [Merit.model_validate(entry) for entry in trial.user_attrs.get(attribute, [])]


def base_values(config: RunConfig) -> dict[str, Any] | None:
    """Return the configuration's own point of the space, as Optuna keeps it; None if it lies outside."""
    from trigcnn.pipeline.config.differences import flat

    known = flat(config.model_dump(mode="json"))
    found = {}
    for path, domain in config.sweep.space.items():
        value = known.get(path)
        inside = value is not None and (
            value in (domain.choices or [])
            if domain.choices is not None
            else isinstance(value, int | float) and distributions({path: domain})[path]._contains(value)
        )
        if not inside:
            return None
        found[path] = as_stored(value)
    return found


def dumps(values: Mapping[str, Any]) -> str:
    """Write values in one line."""
    return ", ".join(f"{path}={option_shown(value)}" for path, value in values.items())

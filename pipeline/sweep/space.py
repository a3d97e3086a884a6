"""The search space of a sweep, as Optuna's distributions and as options of a run."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from trigcnn.common.suggestions import did_you_mean
from trigcnn.pipeline.config.budget import BudgetConfig
from trigcnn.pipeline.config.file import with_values
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.config.sweep import Domain
from trigcnn.pipeline.errors import ConfigError

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import BaseDistribution

_DIGITS = 4


def distributions(space: Mapping[str, Domain]) -> dict[str, BaseDistribution]:
    """Return Optuna's distribution of each option.

    Lists are choices by their JSON text, since Optuna keeps plain values only.
    """
    return {path: _distribution(domain) for path, domain in space.items()}


def _distribution(domain: Domain) -> BaseDistribution:
    if domain.choices is not None:
        return CategoricalDistribution([as_stored(value) for value in domain.choices])
    assert domain.low is not None  # noqa: S101 - the configuration is validated
    assert domain.high is not None  # noqa: S101
    if domain.whole:
        return IntDistribution(int(domain.low), int(domain.high), log=domain.log, step=int(domain.step or 1))
    return FloatDistribution(float(domain.low), float(domain.high), log=domain.log, step=domain.step)


def suggest(trial: Trial, space: Mapping[str, Domain]) -> dict[str, Any]:
    """Return the parameters of a trial; existing ones stay."""
    found: dict[str, Any] = {}
    for path, distribution in distributions(space).items():
        match distribution:
            case CategoricalDistribution():
                found[path] = trial.suggest_categorical(path, distribution.choices)
            case IntDistribution():
                low, high = distribution.low, distribution.high
                found[path] = trial.suggest_int(path, low, high, step=distribution.step, log=distribution.log)
            case FloatDistribution():
                ends = (distribution.low, distribution.high)
                found[path] = trial.suggest_float(path, *ends, step=distribution.step, log=distribution.log)
    return found


def as_stored(value: Any) -> Any:
    """Return a value as Optuna keeps it.

    >>> as_stored([6, 24]), as_stored(4)
    ('[6, 24]', 4)
    """
    return json.dumps(value) if isinstance(value, list | dict) else value


def grid(space: Mapping[str, Domain], seed: int) -> list[dict[str, Any]]:
    """Return all points of a finite space as Optuna keeps them, in an order at random.

    >>> grid({"a.b": Domain(low=1, high=2), "a.c": Domain(choices=["x"])}, seed=1)
    [{'a.b': 2, 'a.c': 'x'}, {'a.b': 1, 'a.c': 'x'}]
    """
    values = [[as_stored(value) for value in domain.values()] for domain in space.values()]
    points = [dict(zip(space, point, strict=True)) for point in itertools.product(*values)]
    random.Random(seed).shuffle(points)  # noqa: S311 - no secret
    return points


def chosen(space: Mapping[str, Domain], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the options for parameters that Optuna chose."""
    values = {}
    for path, domain in space.items():
        if path not in parameters:
            # Of a trial that was killed while it was created.
            continue
        value = parameters[path]
        if domain.choices is not None:
            value = next(each for each in domain.choices if as_stored(each) == value)
        elif isinstance(value, float):
            # More digits are irrelevant and hard to read.
            value = float(f"{value:.{_DIGITS}g}")
        values[path] = value
    return values


def configuration(config: RunConfig, values: Mapping[str, Any], where: str) -> RunConfig:
    """Return the configuration of a trial.

    It does not contain the search, so that it can be run alone.

    Raises:
        ConfigError: The values do not fit together.
    """
    plain = RunConfig.model_validate({**config.model_dump(mode="json"), "sweep": {}})
    return with_values(plain, values, where)


def check(config: RunConfig) -> None:
    """Check that something is varied, and that every corner of the space is a valid configuration.

    Raises:
        ConfigError: Nothing is varied, or an option or its value is not possible.
    """
    space = config.sweep.space
    if not space:
        raise ConfigError(
            "sweep.space: nothing is varied; name options, such as model.options.weight_bits: {low: 3, high: 6}"
        )
    for name in config.sweep.objectives:
        if name not in _figures(config):
            mend = did_you_mean(name, sorted(_figures(config)))
            raise ConfigError(f"sweep.objectives.{name}: is not a figure of a run; {mend}")
    for path, domain in space.items():
        if path.split(".")[0] in ("name", "sweep", "gates", "budget"):
            raise ConfigError(
                f"sweep.space.{path}: does not influence the network; vary data, model, training, hls or rtl"
            )
        for value in domain.choices or (domain.low, domain.high):
            configuration(config, {path: value}, f"sweep.space.{path}")


def _figures(config: RunConfig) -> set[str]:
    """Names of the figures that a run of this task can have."""
    trigger = config.trigger
    efficiencies = {
        f"efficiency for {name} at {share:g}"
        for name in trigger.signal or []
        for share in trigger.background_efficiencies
    }
    quality = {"accuracy"} if config.training.objective == "classification" else {"explained_variance"}
    return {*efficiencies, *quality, *(name for name in BudgetConfig.model_fields if name != "design")}

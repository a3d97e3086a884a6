"""What a sweep varies, and how Optuna sees it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from pydantic import ValidationError

from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.config.sweep import Domain, SweepConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.sweep import space, study


def config(**sweep: Any) -> RunConfig:
    return RunConfig.model_validate(
        {"name": "a", "model": {"options": {"weight_bits": 4, "filters": [6, 24]}}, "sweep": sweep}
    )


def test_each_domain_is_a_distribution() -> None:
    found = space.distributions(
        {
            "a.b": Domain(low=2, high=6, step=2),
            "a.c": Domain(low=1e-4, high=1e-2, log=True),
            "a.d": Domain(choices=[[6, 24], "auto", 3]),
        }
    )
    assert found == {
        "a.b": IntDistribution(2, 6, step=2),
        "a.c": FloatDistribution(1e-4, 1e-2, log=True),
        "a.d": CategoricalDistribution(["[6, 24]", "auto", 3]),
    }


def test_chosen_values_are_lists_again_and_floats_of_few_digits() -> None:
    domains = {"a.b": Domain(choices=[[6, 24], [4, 8]]), "a.c": Domain(low=0.0, high=1.0)}
    assert space.chosen(domains, {"a.b": "[4, 8]", "a.c": 0.123456789}) == {"a.b": [4, 8], "a.c": 0.1235}


def test_a_trial_is_an_ordinary_configuration_without_the_search() -> None:
    given = config(space={"model.bits.conv1": {"low": 2, "high": 4}})
    found = space.configuration(given, {"model.bits.conv1": 3}, "trial 1")
    assert found.model.bits == {"conv1": 3}
    assert found.sweep == SweepConfig()
    assert found.model.options == given.model.options


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ({}, "give choices, or low and high"),
        ({"choices": [1], "low": 1, "high": 2}, "give choices, or low and high"),
        ({"low": 1}, "a range needs low and high"),
        ({"low": 3, "high": 2}, "low 3 is above high 2"),
        ({"choices": [1, 2], "step": 1}, "step and log are for ranges"),
        ({"low": 0, "high": 2, "log": True}, "log needs low above 0"),
    ],
)
def test_a_domain_that_has_no_meaning_is_refused(domain: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Domain(**domain)


def test_a_grid_needs_steps() -> None:
    with pytest.raises(ValidationError, match=r"sampler: grid: a\.b is continuous; give it a step, or choices"):
        SweepConfig(space={"a.b": Domain(low=0.0, high=1.0)}, sampler="grid")
    grid = SweepConfig(
        space={"a.b": Domain(low=0.0, high=1.0, step=0.25), "a.c": Domain(choices=[1, 2])}, sampler="grid"
    )
    assert grid.most_trials() == len(space.grid(grid.space, 1)) == 10
    assert SweepConfig().most_trials() == math.inf


def test_an_objective_that_no_run_has_is_refused_at_once() -> None:
    domains = {"model.options.weight_bits": {"low": 2, "high": 6}}
    with pytest.raises(
        ConfigError, match=r"sweep\.objectives\.acuracy: is not a figure of a run; did you mean accuracy\?"
    ):
        space.check(config(space=domains, objectives={"acuracy": "maximize"}))


@pytest.mark.parametrize(
    ("domains", "message"),
    [
        ({}, "nothing is varied"),
        ({"budget.lut": {"choices": [1]}}, "does not influence the network"),
        ({"training.epocs": {"choices": [1]}}, r"sweep\.space\.training\.epocs.*did you mean training\.epochs"),
        ({"training.pruning_sparsity": {"low": 0.0, "high": 1.5}}, "pruning_sparsity.*less than 1"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused_before_anything_begins(
    domains: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        space.check(config(space=domains))


def test_the_configuration_itself_is_a_point_where_it_lies_in_the_space() -> None:
    domains = {
        "model.options.weight_bits": {"low": 2, "high": 6},
        "model.options.filters": {"choices": [[6, 24], [4, 8]]},
    }
    assert study.base_values(config(space=domains)) == {
        "model.options.weight_bits": 4,
        "model.options.filters": "[6, 24]",
    }
    domains["model.options.weight_bits"] = {"low": 5, "high": 6}
    assert study.base_values(config(space=domains)) is None


def test_objectives_follow_the_task() -> None:
    assert [(goal.name, goal.maximize) for goal in study.objectives(config())] == [
        ("accuracy", True),
        ("lut", False),
        ("latency_ns", False),
    ]
    trigger = {"signal": ["gamma"], "background": ["hadron"], "background_efficiencies": [0.01]}
    found = study.objectives(RunConfig.model_validate({"name": "a", "trigger": trigger}))
    assert found[0].name == "efficiency for gamma at 0.01"
    data = {"labels": {"logits": "particle"}, "targets": {"energy": "truth"}}
    outputs = RunConfig.model_validate({"name": "a", "data": data})
    assert study.objectives(outputs)[0].name == "accuracy of logits"
    named = config(objectives={"dsp": "minimize"})
    assert [(goal.name, goal.maximize) for goal in study.objectives(named)] == [("dsp", False)]

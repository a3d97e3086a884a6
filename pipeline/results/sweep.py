"""The content of a sweep's results, written as `sweep.json`."""

from __future__ import annotations

from typing import Literal

from trigcnn.pipeline.results.merit import Merit
from trigcnn.pipeline.results.section import Section

Outcome = Literal["reported", "dominated", "hopeless", "ended", "failed", "running"]

OUTCOMES = {
    "reported": "trained, checked bit by bit, synthesized and reported",
    "dominated": "trained and checked; not synthesized, since another trial is better in every estimate",
    "hopeless": "not trained: its estimates are far over the budget",
    "ended": "its training was ended by its learning curve",
    "failed": "the options do not fit together, or a tool failed",
    "running": "not finished",
}


class SweepObjective(Section):
    """A figure that is optimized."""

    name: str
    label: str
    direction: Literal["maximize", "minimize"]


class SweepTrial(Section):
    """A trial."""

    number: int
    outcome: Outcome
    values: dict[str, str]
    """of the varied options, by path, as JSON; text without quotes"""
    merits: list[Merit]
    """of trials that were not synthesized, estimates among them"""
    final: list[Merit]
    """the same with the strongest evidence, where it was measured with that"""
    verdict: str
    """of its report, pass or fail; empty without one"""
    feasible: bool
    """whether it keeps to the budget, as far as that was measured"""
    on_front: bool
    message: str
    seconds: float | None
    """time since the sweep began at which it was finished"""
    folder: str
    """its run folder, relative to the sweep's"""

    def merit(self, name: str) -> Merit | None:
        """Return a figure by name."""
        return next((merit for merit in self.merits if merit.name == name), None)


class Importance(Section):
    """How much an option decides of an objective."""

    objective: str
    option: str
    share: float
    """of the variance over the synthesized trials, 0 to 1, by fANOVA"""


class Volume(Section):
    """The hypervolume that the front dominates after a trial."""

    trial: int
    seconds: float
    hypervolume: float
    """share, 0 to 1, of the box between best and worst value of each objective, widened by a tenth"""


class Sweep(Section):
    """A sweep and its results."""

    schema_version: Literal[1] = 1
    name: str
    objectives: list[SweepObjective]
    options: list[str]
    """paths of the varied options"""
    budget: dict[str, str]
    sampler: str
    pruner: str
    seed: int
    trials: list[SweepTrial]
    importances: list[Importance]
    """empty where there are too few trials to tell"""
    volumes: list[Volume]

    @property
    def front(self) -> list[SweepTrial]:
        """Trials that no other beats, from the best of the first objective."""
        first = self.objectives[0]
        found = [trial for trial in self.trials if trial.on_front]
        sign = -1.0 if first.direction == "maximize" else 1.0

        def place(trial: SweepTrial) -> float:
            merit = trial.merit(first.name)
            return 0.0 if merit is None else sign * merit.value

        return sorted(found, key=place)

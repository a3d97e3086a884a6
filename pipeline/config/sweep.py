"""The search over the options of a run in a configuration."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from trigcnn.pipeline.config.section import Section

_MOST_POINTS = 1_000_000
_OPTION = r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+$"
OptionPath = Annotated[str, Field(pattern=_OPTION)]


class Domain(Section):
    """The values of an option: a list, or a range."""

    choices: Annotated[list[Any], Field(min_length=1)] | None = None
    """Values, lists and text too."""
    low: int | float | None = None
    """Smallest value; whole numbers if low, high and step are whole."""
    high: int | float | None = None
    """Largest value."""
    step: Annotated[int | float, Field(gt=0)] | None = None
    """Distance of values; default: 1 for whole numbers, none for others."""
    log: bool = False
    """Sample the logarithm uniformly."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.choices is None) == (self.low is None and self.high is None):
            raise ValueError("give choices, or low and high")
        if self.choices is not None:
            if self.step is not None or self.log:
                raise ValueError("step and log are for ranges")
            return self
        if self.low is None or self.high is None:
            raise ValueError("a range needs low and high")
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        if self.log and (self.low <= 0 or self.step not in (None, 1)):
            raise ValueError("log needs low above 0, and no step")
        return self

    @property
    def whole(self) -> bool:
        """Whether a range is one of whole numbers."""
        return all(value is None or isinstance(value, int) for value in (self.low, self.high, self.step))

    @property
    def count(self) -> float:
        """Number of values; infinity where they are a continuum.

        >>> Domain(low=2, high=6, step=2).count, Domain(low=0.0, high=1.0).count
        (3, inf)
        """
        if self.choices is not None:
            return len(self.choices)
        assert self.low is not None  # noqa: S101 - validated above
        assert self.high is not None  # noqa: S101
        if self.whole:
            return int((self.high - self.low) // (self.step or 1)) + 1
        steps = (self.high - self.low) / self.step if self.step else math.inf
        return int(steps + 1e-9) + 1 if math.isfinite(steps) else math.inf

    def values(self) -> list[Any]:
        """Return all values of a finite domain in their order.

        >>> Domain(low=2, high=6, step=2).values()
        [2, 4, 6]
        """
        if self.choices is not None:
            return list(self.choices)
        step = self.step or 1
        return [(self.low or 0) + number * step for number in range(int(self.count))]


class ClusterConfig(Section):
    """Where trials run: processes of this machine, batch jobs, or an existing scheduler."""

    kind: Literal["local", "htcondor", "slurm", "scheduler"] = "local"
    """local: processes; htcondor, slurm: jobs of dask-jobqueue; scheduler: the one at cluster.address."""
    address: str | None = None
    """Address of a Dask scheduler, such as tcp://host:8786."""
    workers: int | None = Field(default=None, ge=1)
    """Trials at the same time; default: as many as cores and memory allow, 4 on a batch system."""
    threads: int = Field(default=1, ge=1)
    """Threads of TensorFlow, of linear algebra and of compilers in each."""
    memory_gb: float = Field(default=6.0, gt=0)
    """Memory of each, in GB."""
    wall_time: str = Field(default="12:00:00", pattern=r"^\d+:[0-5]\d:[0-5]\d$")
    """Time limit of a batch job."""
    queue: str | None = None
    """Queue or partition of the batch system."""
    disk_gb: float = Field(default=20.0, gt=0)
    """Disk of each job, in GB (HTCondor)."""
    directives: list[str] = Field(default_factory=list)
    """Further lines for the batch system (job_extra_directives of dask-jobqueue)."""
    credentials: str | None = None
    """Folder that the jobs see, for the key with which they connect; default: the sweep's folder."""
    prologue: list[str] = Field(default_factory=list)
    """Shell lines before each worker, such as the activation of an environment."""

    @model_validator(mode="after")
    def _address_is_for_schedulers(self) -> Self:
        if (self.kind == "scheduler") != (self.address is not None):
            raise ValueError("cluster.kind: scheduler and cluster.address go together")
        return self


class SweepConfig(Section):
    """A search for the best options of a run: `trigcnn sweep`."""

    space: dict[OptionPath, Domain] = Field(default_factory=dict)
    """Search space: paths of options, such as training.pruning_sparsity or model.bits.conv1, each with its values."""
    objectives: dict[str, Literal["maximize", "minimize"]] = Field(default_factory=dict)
    """Figures of the report to optimize; default: the first of accuracy, efficiency and explained variance, against
    lut and latency_ns."""
    sampler: Literal["tpe", "nsga2", "nsga3", "qmc", "random", "grid"] = "tpe"
    """Optuna's sampler."""
    pruner: Literal["median", "percentile", "hyperband", "successive_halving", "none"] = "median"
    """Optuna's pruner, which ends trainings by their learning curves; none ends no training."""
    pruner_options: dict[str, Any] = Field(default_factory=dict)
    """Options of the pruner, such as n_startup_trials."""
    trials: int = Field(default=30, ge=1)
    """Number of trials of the study in total."""
    wall_time_s: float | None = Field(default=None, gt=0)
    """Time after which no new trial starts, in s."""
    warm_start: bool = True
    """Start each training with the weights of the best earlier trial, in all layers of equal shapes."""
    hopeless: float = Field(default=1.5, ge=1)
    """A trial is not trained if its estimate before training exceeds the budget by more than this factor."""
    promising: Literal["front", "all"] = "front"
    """Trials to synthesize: those that no finished trial dominates by estimates, or all."""
    final_evidence: Literal["none", "place_and_route", "vendor"] = "none"
    """Evidence with which the trials of the final front are measured at the end."""
    storage: str | None = None
    """Storage of the study: URL of a database (postgresql://…), or a journal file; default: study.journal."""
    store: str | None = None
    """Folder or fsspec URL in which workers share results of stages; default: in the sweep's folder."""
    cluster: ClusterConfig = Field(default_factory=ClusterConfig)

    @model_validator(mode="after")
    def _grid_is_finite(self) -> Self:
        if self.sampler != "grid":
            return self
        endless = [name for name, domain in self.space.items() if domain.count == math.inf]
        if endless:
            raise ValueError(f"sampler: grid: {endless[0]} is continuous; give it a step, or choices")
        points = self.most_trials()
        if points > _MOST_POINTS:
            raise ValueError(
                f"sampler: grid: the grid has {points:,} points, and at most {_MOST_POINTS:,} can be listed; give "
                "larger steps or fewer choices, or choose another sampler"
            )
        return self

    def most_trials(self) -> float:
        """Return the largest useful number of trials: the points of a grid, else infinity."""
        if self.sampler != "grid":
            return math.inf
        return math.prod(domain.count for domain in self.space.values())

"""Conditions that decide the verdict of a run."""

from __future__ import annotations

from pydantic import Field

from trigcnn.pipeline.config.section import Section


class HeadGates(Section):
    """Conditions for the quality of one output, instead of those for all outputs."""

    max_accuracy_drop: float | None = Field(default=None, ge=0, le=1)
    """Largest loss of accuracy from the float twin to the C simulation."""
    min_accuracy: float | None = Field(default=None, ge=0, le=1)
    """Smallest accuracy of the C simulation, of events or of a mask's pixels."""
    max_intersection_over_union_drop: float | None = Field(default=None, ge=0, le=1)
    """Largest loss of a mask's mean intersection over union from the float twin to the C simulation."""
    min_intersection_over_union: float | None = Field(default=None, ge=0, le=1)
    """Smallest mean intersection over union of a mask's classes."""
    max_explained_variance_drop: float | None = Field(default=None, ge=0)
    """Largest loss of explained variance from the float twin to the C simulation."""
    min_explained_variance: float | None = Field(default=None, le=1)
    """Smallest share of the targets' variance that the C simulation explains."""
    max_mean_squared_error: float | None = Field(default=None, ge=0)
    """Largest mean squared error of the C simulation, in the square of the target's units."""
    max_mean_absolute_error: float | None = Field(default=None, ge=0)
    """Largest mean absolute error of the C simulation, in the target's units."""
    max_resolution: float | None = Field(default=None, ge=0)
    """Largest half width of the central 68.27 % of the C simulation's residuals, in the target's units."""


class GatesConfig(HeadGates):
    """Conditions for the verdict `pass`; a run that misses one ends with exit status 1.

    Those on quality hold for each output that has the figure. Without one, the gate is an error before training.
    """

    max_accuracy_drop: float | None = Field(default=0.01, ge=0, le=1)
    """Largest loss of test accuracy from the float twin to the C simulation, for classifiers; null for no gate."""
    max_explained_variance_drop: float | None = Field(default=0.01, ge=0)
    """Largest loss of explained variance from the float twin to the C simulation, for networks that are compared with
    targets; null for no gate."""
    exact: bool = True
    """The C simulation equals the QKeras model, and the simulated RTL the C simulation, on every test event."""
    min_signal_efficiency: float | None = Field(default=None, ge=0, le=1)
    """Smallest efficiency of the C simulation for each signal class, at each of trigger.background_efficiencies."""
    max_efficiency_drop: float | None = Field(default=0.01, ge=0, le=1)
    """Largest loss of any of these efficiencies from the float twin to the C simulation; null for no gate."""
    heads: dict[str, HeadGates] = Field(default_factory=dict)
    """Gates of single outputs by their layer's name; null there means the gate for all outputs."""
    fits: bool = True
    """The synthesized design, and the placed and routed one, fit the part."""
    clock: bool = False
    """The RTL is placed and routed, and meets hls.clock_period_ns."""

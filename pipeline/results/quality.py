"""Quality of a network, as in a report."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trigcnn.models.heads import Head
from trigcnn.pipeline.results.section import Section

# A name of its own: in Accuracy, `float` is a field.
Share = float


class Accuracy(Section):
    """Share of test events classified correctly, between 0 and 1."""

    float: Share
    """the float twin, evaluated by Keras"""
    quantized: Share
    """the quantized model, evaluated by QKeras"""
    csim: Share
    """the C simulation of the hls4ml project"""
    events: int
    """number of test events"""


class SignalEfficiency(Section):
    """Share of a class's events that a trigger accepts, at a share of the background that it accepts."""

    name: str
    """the class"""
    signal: bool
    """false: neither signal nor background by trigger.signal and trigger.background"""
    score: str
    """formula; an event is accepted if it is at least the threshold"""
    background: list[str]
    """background classes"""
    background_efficiency: Share
    """largest share of background events that is accepted"""
    background_events: int
    background_accepted: int
    """background events that the C simulation accepts"""
    events: int
    """test events of the class"""
    float: Share
    """accepted share, by the float twin at its own threshold"""
    quantized: Share
    """accepted share, by the quantized model"""
    csim: Share
    """accepted share, by the C simulation"""


class RocCurve(Section):
    """What one model's scores accept, at thresholds from the tightest to the loosest: some of all that there are."""

    model: Literal["float", "quantized", "csim", "rtl"]
    auc: Share
    """chance that a signal event scores above a background event, ties counted half"""
    auc_error: Share | None
    """standard error (DeLong 1988); null where the events do not give one, and with weights"""
    background: list[int] | list[Share]
    """accepted background events, rising; with weights, their sum in units of the mean weight of background events"""
    signal: list[int] | list[Share]
    """accepted signal events at the same thresholds; with weights as those of the background"""


class Roc(Section):
    """Signal against background of a trigger, at every threshold on its score."""

    score: str
    """formula; an event is accepted if it is at least the threshold"""
    signal: list[str]
    """signal classes, pooled"""
    background: list[str]
    """background classes, pooled"""
    signal_events: int
    background_events: int
    effective_signal_events: Share | None = None
    """(sum of weights)^2 / sum of squared weights, for intervals of efficiencies; null without weights"""
    event_rate_hz: Share
    """rate of background events before the trigger, in Hz"""
    curves: list[RocCurve]


class TargetFit(Section):
    """How well outputs meet their targets: 1 - sum of squared errors / sum of squares around the targets' means."""

    float: Share
    """explained variance of the float twin; 1 is perfect, 0 no better than the means"""
    quantized: Share
    """explained variance of the quantized model"""
    csim: Share
    """explained variance of the C simulation"""
    rms: dict[str, Share]
    """root mean square error of each, in the output's units"""
    events: int
    """number of test events"""


class ConfusionMatrix(Section):
    """Test events by true class (row) and class given by the C simulation (column)."""

    classes: list[str]
    counts: list[list[int]]


class ByModel(Section):
    """One figure of each model, on the same test events."""

    float: Share
    """of the float twin, or of a saved model without its quantizers; by Keras"""
    quantized: Share
    """of the quantized model, by QKeras"""
    csim: Share
    """of the C simulation of the hls4ml project"""


class Residuals(Section):
    """Quantiles of output - target, in the output's units."""

    value: int | None
    """number of the value in the output; null for all values of an image together"""
    shares: list[Share]
    """shares of the events, by weight, whose residuals are at most the quantile"""
    quantiles: dict[str, list[Share]]
    """by model: float, quantized and csim"""
    resolution: ByModel
    """half the width of the central 68.27 %: the standard deviation, if the residuals are normally distributed"""


class Overlap(Section):
    """Intersection over union of a class: pixels with this class in truth and output, of those with it in either."""

    name: str
    """the class"""
    found: ByModel | None
    """null where no pixel of the test events has the class"""


class HeadQuality(Section):
    """Quality of one output on the test events; null where its truth does not define the figure."""

    head: Head
    events: int
    """number of test events"""
    weighted: bool
    """whether the events' weights count"""
    accuracy: ByModel | None = None
    """share of the events, or of a mask's pixels, that get their class"""
    intersection_over_union: ByModel | None = None
    """mean over the classes that occur"""
    overlaps: list[Overlap] = Field(default=[])
    """of each class of a mask"""
    explained_variance: ByModel | None = None
    """1 - sum of squared errors / sum of squares around the targets' means"""
    mean_squared_error: ByModel | None = None
    """in the square of the output's units"""
    mean_absolute_error: ByModel | None = None
    """in the output's units"""
    resolution: ByModel | None = None
    """half the width of the central 68.27 % of the residuals, in the output's units"""
    residuals: list[Residuals] = Field(default=[])
    """of each value of a vector of at most 16, or of all together"""


class Quality(Section):
    """How well a network does its task on the test events."""

    accuracy: Accuracy | None
    """of the only output; null where it does not classify, or where there are several"""
    confusion: ConfusionMatrix | None
    """null where the network does not classify"""
    target_fit: TargetFit | None
    """null where the network did not learn from targets"""
    signal_efficiencies: list[SignalEfficiency]
    """by background efficiency and class"""
    roc: Roc | None = None
    """null where signal and background are not told apart by a score"""
    heads: list[HeadQuality] = Field(default=[])
    """each output of the network, in their order"""

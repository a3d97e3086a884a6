"""The content of an evaluation, written as `evaluation.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from trigcnn.pipeline.results.section import Section
from trigcnn.pipeline.trigger.binomial import CONFIDENCE
from trigcnn.pipeline.trigger.scores import ScoreKind


class _Section(Section):
    model_config = ConfigDict(allow_inf_nan=False)


class Proportion(_Section):
    """Accepted events of all, as an efficiency with its interval."""

    accepted: int
    """number of events with a score of at least the threshold"""
    events: int
    """number of events in all"""
    efficiency: float
    """accepted / events"""
    low: float
    """lower end of the Wilson score interval at 68.27 %"""
    high: float
    """upper end of the Wilson score interval at 68.27 %"""


class WorkingPoint(_Section):
    """The trigger at the loosest threshold whose rate stays within a target."""

    target_rate_hz: float
    """largest rate that is wanted, in Hz"""
    resolved: bool
    """false: one background event alone is more than the target; all else is null"""
    threshold: int | None
    """accept a score of at least this, in LSB: the constant for the firmware"""
    threshold_value: float | None
    """the same as a real value: threshold times LSB"""
    rate_hz: float | None
    """background efficiency times event rate, in Hz"""
    rate_low_hz: float | None
    """lower end of its Wilson score interval at 68.27 %, in Hz"""
    rate_high_hz: float | None
    """upper end of its Wilson score interval at 68.27 %, in Hz"""
    background: Proportion | None
    """background events, or all events where there are no labels"""
    signal: Proportion | None
    """signal events; null without labels"""
    accepted_by_class: dict[str, int] | None
    """accepted events of every class in the file"""
    note: str | None
    """what to know of this line"""


class Area(_Section):
    """Area under the ROC curve."""

    auc: float
    """chance that a signal event scores above a background event, ties counted half"""
    error: float | None
    """standard error (DeLong 1988); null where it is not defined: one event of a class, or no overlap at all"""


class EngineResult(_Section):
    """Figures from one engine's scores."""

    engine: str
    evidence: Literal["simulation", "evaluation"]
    """simulation: computed as the firmware does, bit by bit; evaluation: by Keras in floating point"""
    distinct_scores: int
    lowest_score: int
    """in LSB"""
    highest_score: int
    """in LSB"""
    off_grid_outputs: int
    """outputs rounded to the output's format; 0 unless Keras itself rounds"""
    events_per_s: float
    """events per second of this engine here, reading not counted"""
    area: Area | None
    """null without labels"""
    working_points: list[WorkingPoint]


class Difference(_Section):
    """Two engines on the same events, as integers."""

    reference: str
    engine: str
    events: int
    outputs: int
    """number of outputs compared: events times outputs per event"""
    differing_outputs: int
    differing_events: int
    max_difference_lsb: float
    """largest difference in units of the output's last bit"""
    first_events: list[int]
    """indices in the file of the first events that differ, at most 100"""


class EventsEntry(_Section):
    """The events that were run."""

    file: str
    sha256: str
    """SHA-256 of the file"""
    array: str
    """name of the array of events in it"""
    labels: str | None
    """where the labels are; null without labels"""
    labels_sha256: str | None
    """SHA-256 of the labels' own file; null if they are in the same file"""
    events: int
    classes: dict[str, int] | None
    """number of events of each class; null without labels"""
    input_format: str
    """number format of the digitiser"""
    rounded_values: int
    """values that were not on the digitiser's grid and were rounded to it"""
    saturated: bool
    """whether values beyond the format stopped at its ends (data.saturate)"""


class ScoreEntry(_Section):
    """The score that is compared with the threshold."""

    kind: ScoreKind
    definition: str
    """formula; an event is accepted if it is at least the threshold"""
    output: str
    """layer whose result it is made of"""
    format: str
    """number format of that result"""
    lsb: float
    """weight of the last bit of that result and of the score"""
    signal: list[str]
    """signal classes"""
    background: list[str]
    """background classes; their events are pooled as they are in the file, without weights"""


class Evaluation(_Section):
    """`evaluation.json`: rates and efficiencies of a converted network."""

    schema_version: Literal[1] = 1
    name: str
    """name of the run"""
    events: EventsEntry
    score: ScoreEntry
    event_rate_hz: float
    """rate of background events before the trigger, in Hz"""
    confidence: float = CONFIDENCE
    """of all intervals (Wilson score)"""
    results: list[EngineResult]
    """the engine's, then that of --against"""
    difference: Difference | None
    """null without --against"""
    notes: list[str]
    date: str
    """ISO 8601, UTC"""
    command: str
    digests: dict[str, str]
    """SHA-256 by name of the graph and of the run's stages"""
    versions: dict[str, str]

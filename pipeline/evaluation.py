"""Trigger rates and efficiencies from integer scores: pure computation, exact in the scores.

A score is a whole number, in units of the last bit (LSB) of the network's output. The trigger accepts an event whose
score is at least a threshold, a whole number too. So nothing is lost by keeping, per class, how many events have each
score (`Spectrum`): efficiencies, the ROC curve and the area under it are exact counts, however many events there are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import ConfigError

Integers = npt.NDArray[np.int64]
ScoreKind = Literal["margin", "signal", "output"]

# One standard deviation of the normal distribution, to both sides.
_Z = 1.0
CONFIDENCE = math.erf(_Z / math.sqrt(2))
# np.bincount is faster than sorting while its table stays small.
_TABLE = 1 << 22
# Scores that wait to be merged: at least so many, so that short chunks do not sort the whole again each time.
_PENDING = 1 << 20


@dataclass(frozen=True)
class Score:
    """How an event's score is made of the network's outputs.

    Attributes:
        kind: `margin`: the largest logit of a signal class minus the largest of a background class; with one
            class of each, the difference of their logits. `signal`: the largest logit of a signal class alone.
            `output`: the only output, which is large for signal.
        signal: Indices of the signal classes.
        background: Indices of the background classes.
        negative: Whether the only output is large for background; the score is then minus the output.
    """

    kind: ScoreKind
    signal: tuple[int, ...]
    background: tuple[int, ...]
    negative: bool = False

    def of(self, integers: Integers) -> Integers:
        """Give the scores [events] of outputs [events, outputs], both in units of the output's last bit."""
        if self.kind == "output":
            only = integers[:, 0]
            return -only if self.negative else only
        signal: Integers = integers[:, list(self.signal)].max(axis=1)
        if self.kind == "signal":
            return signal
        background: Integers = integers[:, list(self.background)].max(axis=1)
        return signal - background

    def definition(self, classes: Sequence[str]) -> str:
        """Say in a formula what the score is."""
        if self.kind == "output":
            return f"{'-' if self.negative else ''}output"
        signal, background = (_largest([classes[i] for i in group]) for group in (self.signal, self.background))
        return signal if self.kind == "signal" else f"{signal} - {background}"


def _largest(names: Sequence[str]) -> str:
    logits = ", ".join(f"logit[{name}]" for name in names)
    return logits if len(names) == 1 else f"max({logits})"


def make_score(
    classes: Sequence[str],
    outputs: int,
    *,
    signal: Sequence[str] | None,
    background: Sequence[str] | None,
    kind: str | None,
) -> Score:
    """Choose a score and check the classes' names.

    Args:
        classes: Names of all classes, by index.
        outputs: Number of outputs: one per class, or one alone for two classes.
        signal: Names of the signal classes; None: of two classes the second.
        background: Names of the background classes; None: all others.
        kind: `margin`, `signal` or `output`; None: `output` for one output, else `margin`.

    Raises:
        ConfigError: A name is unknown or on both sides, or the outputs do not give that score.
    """
    if outputs != len(classes) and not (outputs == 1 and len(classes) == 2):
        raise ConfigError(
            f"the output has {outputs} values and the run has {len(classes)} classes ({', '.join(classes)}); a score "
            "needs one logit per class, or one output for two classes; choose another one with --output"
        )
    if signal is None:
        if len(classes) != 2:
            raise ConfigError(
                f"there are {len(classes)} classes ({', '.join(classes)}); say which are signal with --signal or "
                "trigger.signal"
            )
        signal = [name for name in classes if background is None or name not in background][-1:]
        if not signal:
            raise ConfigError(f"--background: every class ({', '.join(classes)}) is background; leave one as signal")
    chosen = _indices(signal, classes, "--signal")
    others = (
        tuple(i for i in range(len(classes)) if i not in chosen)
        if background is None
        else _indices(background, classes, "--background")
    )
    both = [classes[i] for i in chosen if i in others]
    if both:
        raise ConfigError(f"class {both[0]} is signal and background; name it in --signal or in --background")
    if not others:
        raise ConfigError(f"every class ({', '.join(classes)}) is signal; leave one or more as background")
    single = outputs == 1
    taken = kind if kind is not None else "output" if single else "margin"
    if taken == "output" and single:
        return Score("output", chosen, others, negative=chosen == (0,))
    if taken == "margin" and not single:
        return Score("margin", chosen, others)
    if taken == "signal" and not single:
        return Score("signal", chosen, others)
    if taken not in ("margin", "signal", "output"):
        raise ConfigError(f"--score {taken}: must be margin, signal or output")
    known = "output" if single else "margin or signal"
    raise ConfigError(f"--score {taken}: with {outputs} output{'' if single else 's'} it must be {known}")


def _indices(names: Sequence[str], classes: Sequence[str], option: str) -> tuple[int, ...]:
    if not names:
        raise ConfigError(f"{option}: names no class; there are {', '.join(classes)}")
    for name in names:
        if name not in classes:
            raise ConfigError(f"{option} {name}: no such class; there are {', '.join(classes)}")
        if list(names).count(name) > 1:
            raise ConfigError(f"{option}: names the class {name} twice")
    return tuple(classes.index(name) for name in names)


@dataclass(frozen=True)
class Spectrum:
    """How many events have each score.

    Attributes:
        values: The scores that occur, rising, in LSB.
        counts: Number of events at each.
    """

    values: Integers
    counts: Integers

    @classmethod
    def of(cls, scores: npt.NDArray[np.integer]) -> Spectrum:
        """Count scores [events]."""
        scores = np.asarray(scores, np.int64)
        if scores.size:
            low, span = int(scores.min()), int(scores.max()) - int(scores.min())
            if span < min(_TABLE, 8 * scores.size):
                table = np.bincount(scores - low, minlength=span + 1)
                at = np.flatnonzero(table)
                return cls(at + low, table[at].astype(np.int64))
        values, counts = np.unique(scores, return_counts=True)
        return cls(values, counts.astype(np.int64))

    @classmethod
    def merged(cls, parts: Sequence[Spectrum]) -> Spectrum:
        """Add spectra up."""
        values = np.concatenate([np.empty(0, np.int64), *(part.values for part in parts)])
        if not values.size:
            return cls(values, values.copy())
        counts = np.concatenate([part.counts for part in parts])
        order = np.argsort(values, kind="stable")
        values, counts = values[order], counts[order]
        first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
        return cls(values[first], np.add.reduceat(counts, first))

    @property
    def events(self) -> int:
        """Number of events."""
        return int(self.counts.sum())

    def accepted(self, thresholds: npt.ArrayLike) -> Integers:
        """Number of events whose score is at least each threshold."""
        tail = np.concatenate([np.cumsum(self.counts[::-1])[::-1], np.zeros(1, np.int64)])
        found: Integers = tail[np.searchsorted(self.values, np.asarray(thresholds, np.int64), side="left")]
        return found


class SpectrumBuilder:
    """Collects a spectrum chunk by chunk; needs memory for the distinct scores, not for the events."""

    def __init__(self) -> None:
        self._parts: list[Spectrum] = []
        self._pending = 0

    def add(self, scores: npt.NDArray[np.integer]) -> None:
        """Count the scores of a chunk."""
        part = Spectrum.of(scores)
        self._parts.append(part)
        self._pending += part.values.size
        # As much new as there is old: every score is then sorted a few times only.
        if self._pending > max(_PENDING, self._parts[0].values.size):
            self.build()

    def build(self) -> Spectrum:
        """Give what was counted so far."""
        self._parts = [Spectrum.merged(self._parts)]
        self._pending = 0
        return self._parts[0]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Proportion(_Section):
    """Accepted events of all, as an efficiency with its interval."""

    accepted: int = Field(description="number of events with a score of at least the threshold")
    events: int = Field(description="number of events in all")
    efficiency: float = Field(description="accepted / events")
    low: float = Field(description="lower end of the Wilson score interval at 68.27 %")
    high: float = Field(description="upper end of the Wilson score interval at 68.27 %")


class WorkingPoint(_Section):
    """What the trigger does at the loosest threshold whose rate stays within a target."""

    target_rate_hz: float = Field(description="largest rate that is wanted, in Hz")
    resolved: bool = Field(description="false: one background event alone is more than the target; all else is null")
    threshold: int | None = Field(description="accept a score of at least this, in LSB: the constant for the firmware")
    threshold_value: float | None = Field(description="the same as a real value: threshold times LSB")
    rate_hz: float | None = Field(description="background efficiency times event rate, in Hz")
    rate_low_hz: float | None = Field(description="lower end of its Wilson score interval at 68.27 %, in Hz")
    rate_high_hz: float | None = Field(description="upper end of its Wilson score interval at 68.27 %, in Hz")
    background: Proportion | None = Field(description="background events, or all events where there are no labels")
    signal: Proportion | None = Field(description="signal events; null without labels")
    accepted_by_class: dict[str, int] | None = Field(description="accepted events of every class in the file")
    note: str | None = Field(description="what to know of this line")


class Area(_Section):
    """Area under the ROC curve."""

    auc: float = Field(description="chance that a signal event scores above a background event, ties counted half")
    error: float | None = Field(
        description="standard error (DeLong 1988); null where the events do not give one: one event of a class, or "
        "no overlap at all"
    )


@dataclass(frozen=True)
class Curve:
    """Accepted events at every threshold that makes a difference.

    Attributes:
        thresholds: Every distinct score, rising, and last one more than the highest, in LSB.
        signal: Accepted signal events at each; empty without labels.
        background: Accepted background events at each; all events without labels.
        signal_events: Number of signal events.
        background_events: Number of background events.
    """

    thresholds: Integers
    signal: Integers
    background: Integers
    signal_events: int
    background_events: int


def wilson(accepted: int, events: int, z: float = _Z) -> tuple[float, float]:
    """Give the Wilson score interval of a binomial efficiency.

    It holds the true efficiency about as often as it says for few events too, and at 0 and at all accepted its length
    is not zero: its ends are then 0 and z²/(n + z²), or n/(n + z²) and 1.

    Args:
        accepted: Accepted events.
        events: All events, at least 1.
        z: Standard deviations to both sides; 1 is 68.27 %.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209; recommended for small numbers by L. D. Brown, T. T. Cai,
    A. DasGupta, Stat. Sci. 16 (2001) 101.

    >>> wilson(0, 3)
    (0.0, 0.25)
    """
    share = accepted / events
    scale = 1 + z * z / events
    centre = (share + z * z / (2 * events)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / events + z * z / (4 * events * events))
    low = 0.0 if accepted == 0 else max(0.0, centre - half)
    high = 1.0 if accepted == events else min(1.0, centre + half)
    return low, high


def proportion(accepted: int, events: int) -> Proportion:
    """Give an efficiency with its interval."""
    low, high = wilson(accepted, events)
    return Proportion(accepted=accepted, events=events, efficiency=accepted / events, low=low, high=high)


def curve(signal: Spectrum | None, background: Spectrum) -> Curve:
    """Count accepted events at every distinct score: the exact ROC curve.

    Args:
        signal: Signal events; None where there are no labels.
        background: Background events, at least one, or all events.
    """
    parts = [background] if signal is None else [signal, background]
    scores = Spectrum.merged(parts).values
    thresholds = np.append(scores, scores[-1] + 1)
    return Curve(
        thresholds,
        np.empty(0, np.int64) if signal is None else signal.accepted(thresholds),
        background.accepted(thresholds),
        0 if signal is None else signal.events,
        background.events,
    )


def area(signal: Spectrum, background: Spectrum) -> Area:
    """Give the area under the ROC curve and its standard error.

    The area is the Mann-Whitney statistic. Its variance is that of DeLong, which assumes no shape of the
    distributions; on counts of integer scores it is exact and takes no pairs of events.

    Args:
        signal: Signal events, at least one.
        background: Background events, at least one.

    Source: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Biometrics 44 (1988) 837.
    """
    n_signal, n_background = signal.events, background.events
    # Twice the background events below each signal score, ties counted once; and the other way round.
    below = (n_background - background.accepted(signal.values)) + (
        n_background - background.accepted(signal.values + 1)
    )
    above = signal.accepted(background.values) + signal.accepted(background.values + 1)
    wins = sum(int(part) for part in _products(below, signal.counts))
    value = wins / (2 * n_signal * n_background)
    error = None
    if min(n_signal, n_background) > 1:
        spread_signal = float(np.dot(signal.counts, (below / (2 * n_background) - value) ** 2)) / (n_signal - 1)
        spread_background = float(np.dot(background.counts, (above / (2 * n_signal) - value) ** 2)) / (n_background - 1)
        variance = spread_signal / n_signal + spread_background / n_background
        # Where the classes do not overlap, it is zero, which says nothing.
        error = math.sqrt(variance) if wins not in (0, 2 * n_signal * n_background) else None
    return Area(auc=value, error=error)


def _products(first: Integers, second: Integers) -> list[int]:
    """Sums of products in parts that fit 64 bits: up to 2**31 events of each class."""
    step = 1 << 16
    return [int(np.dot(first[i : i + step], second[i : i + step])) for i in range(0, len(first), step)]


def working_point(
    target_rate_hz: float,
    *,
    event_rate_hz: float,
    lsb: float,
    signal: Spectrum | None,
    background: Spectrum,
    by_class: Mapping[str, Spectrum],
) -> WorkingPoint:
    """Find the smallest threshold whose rate does not exceed a target, and what the trigger does there.

    With ties the rate falls in steps, so that it may stay well below the target. The threshold was chosen on the
    events that the rate is then counted on; with few accepted background events, choose it on one half of the events
    and see what it gives on the other.

    Args:
        target_rate_hz: Largest rate that is wanted, in Hz; above 0 and at most `event_rate_hz`.
        event_rate_hz: Rate of background events before the trigger, in Hz.
        lsb: Weight of the score's last bit.
        signal: Signal events, at least one; None where there are no labels.
        background: Background events, at least one; all events where there are no labels.
        by_class: The events of every class.
    """
    n_background = background.events
    # In fractions: 1e3 Hz of 40e6 Hz is exactly 1/40000, and a rate that equals the target is not lost to rounding.
    allowed = math.floor(Fraction(target_rate_hz) * n_background / Fraction(event_rate_hz))
    too_many = background.values[background.accepted(background.values) > allowed]
    scores = [background, *([] if signal is None else [signal]), *by_class.values()]
    lowest = min(int(part.values[0]) for part in scores if part.values.size)
    threshold = int(too_many[-1]) + 1 if too_many.size else lowest
    if allowed < 1:
        least = math.ceil(Fraction(event_rate_hz) / Fraction(target_rate_hz))
        limit = wilson(0, n_background)[1] * event_rate_hz
        return WorkingPoint(
            target_rate_hz=target_rate_hz,
            resolved=False,
            threshold=None,
            threshold_value=None,
            rate_hz=None,
            rate_low_hz=None,
            rate_high_hz=None,
            background=None,
            signal=None,
            accepted_by_class=None,
            note=f"not resolved: one of {n_background:,} events is already {hertz(event_rate_hz / n_background)}; "
            f"needs {least:,} events or more; above all of these (threshold {threshold}) the rate is 0 to "
            f"{hertz(limit)}",
        )
    accepted = proportion(int(background.accepted(threshold)), n_background)
    kept = None if signal is None else proportion(int(signal.accepted(threshold)), signal.events)
    note = None
    if not accepted.accepted:
        note = f"none of the {n_background:,} events of the rate is accepted: too many share the highest score"
    return WorkingPoint(
        target_rate_hz=target_rate_hz,
        resolved=True,
        threshold=threshold,
        threshold_value=threshold * lsb,
        rate_hz=accepted.efficiency * event_rate_hz,
        rate_low_hz=accepted.low * event_rate_hz,
        rate_high_hz=accepted.high * event_rate_hz,
        background=accepted,
        signal=kept,
        accepted_by_class={name: int(part.accepted(threshold)) for name, part in by_class.items()},
        note=note,
    )


def hertz(rate: float) -> str:
    """Write a rate with its unit.

    >>> hertz(12500.0)
    '12.5 kHz'
    """
    for scale, unit in ((1e9, "GHz"), (1e6, "MHz"), (1e3, "kHz")):
        if rate >= scale:
            return f"{rate / scale:.4g} {unit}"
    return f"{rate:.4g} Hz"


def check_rates(rates_hz: Sequence[float], event_rate_hz: float) -> None:
    """See that rates can be targets.

    Raises:
        ConfigError: One is not above zero, is above the event rate, or there is none.
    """
    if not (math.isfinite(event_rate_hz) and event_rate_hz > 0):
        raise ConfigError(f"--event-rate-hz {event_rate_hz:g}: must be above 0, in Hz")
    if not rates_hz:
        raise ConfigError("--rates: names no rate; give for example --rates 1e3,1e4,1e5, in Hz")
    for rate in rates_hz:
        if not (math.isfinite(rate) and rate > 0):
            raise ConfigError(f"--rates {rate:g}: must be above 0, in Hz")
        if rate > event_rate_hz:
            raise ConfigError(
                f"--rates {rate:g}: is above the event rate of {event_rate_hz:g} Hz; a trigger cannot accept more "
                "events than there are: lower it, or set --event-rate-hz"
            )


class EngineResult(_Section):
    """What one engine's scores give."""

    engine: str
    evidence: Literal["simulation", "evaluation"] = Field(
        description="simulation: computed as the firmware does, bit by bit; evaluation: by Keras in floating point"
    )
    distinct_scores: int
    lowest_score: int = Field(description="in LSB")
    highest_score: int = Field(description="in LSB")
    off_grid_outputs: int = Field(description="outputs rounded to the output's format; 0 unless Keras itself rounds")
    events_per_s: float = Field(description="events per second of this engine here, reading not counted")
    area: Area | None = Field(description="null without labels")
    working_points: list[WorkingPoint]


def summarize(
    by_class: Mapping[str, Spectrum],
    signal: Sequence[str] | None,
    background: Sequence[str],
    *,
    rates_hz: Sequence[float],
    event_rate_hz: float,
    lsb: float,
) -> tuple[Area | None, list[WorkingPoint], Curve]:
    """Give all figures of one engine's spectra.

    Args:
        by_class: Spectrum of every class; without labels one, of all events.
        signal: Names of the signal classes; None without labels.
        background: Names of the background classes; without labels the one name.
        rates_hz: Target rates in Hz.
        event_rate_hz: Rate of background events before the trigger, in Hz.
        lsb: Weight of the score's last bit.
    """
    spectrum_background = Spectrum.merged([by_class[name] for name in background])
    spectrum_signal = None if signal is None else Spectrum.merged([by_class[name] for name in signal])
    points = [
        working_point(
            rate,
            event_rate_hz=event_rate_hz,
            lsb=lsb,
            signal=spectrum_signal,
            background=spectrum_background,
            by_class=by_class,
        )
        for rate in rates_hz
    ]
    return (
        None if spectrum_signal is None else area(spectrum_signal, spectrum_background),
        points,
        curve(spectrum_signal, spectrum_background),
    )


class Difference(_Section):
    """Two engines on the same events, as integers."""

    reference: str
    engine: str
    events: int
    outputs: int = Field(description="number of outputs compared: events times outputs per event")
    differing_outputs: int
    differing_events: int
    max_difference_lsb: float = Field(description="largest difference in units of the output's last bit")
    first_events: list[int] = Field(description="indices in the file of the first events that differ, at most 100")


class EventsEntry(_Section):
    """The events that were run."""

    file: str
    sha256: str = Field(description="SHA-256 of the file")
    array: str = Field(description="name of the array of events in it")
    labels: str | None = Field(description="where the labels are; null without labels")
    labels_sha256: str | None = Field(description="SHA-256 of the labels' own file; null if they are in the same file")
    events: int
    classes: dict[str, int] | None = Field(description="number of events of each class; null without labels")
    input_format: str = Field(description="number format of the digitiser")
    rounded_values: int = Field(description="values that were not on the digitiser's grid and were rounded to it")
    saturated: bool = Field(description="whether values beyond the format stopped at its ends (data.saturate)")


class ScoreEntry(_Section):
    """What is held against the threshold."""

    kind: ScoreKind
    definition: str = Field(description="formula; an event is accepted if it is at least the threshold")
    output: str = Field(description="layer whose result it is made of")
    format: str = Field(description="number format of that result")
    lsb: float = Field(description="weight of the last bit of that result and of the score")
    signal: list[str] = Field(description="signal classes")
    background: list[str] = Field(
        description="background classes; their events are pooled as they are in the file, without weights"
    )


class Evaluation(_Section):
    """`evaluation.json`: rates and efficiencies of a converted network."""

    schema_version: Literal[1] = 1
    name: str = Field(description="name of the run")
    events: EventsEntry
    score: ScoreEntry
    event_rate_hz: float = Field(description="rate of background events before the trigger, in Hz")
    confidence: float = Field(default=CONFIDENCE, description="of all intervals (Wilson score)")
    results: list[EngineResult] = Field(description="the engine's, then that of --against")
    difference: Difference | None = Field(description="null without --against")
    notes: list[str]
    date: str = Field(description="ISO 8601, UTC")
    command: str
    digests: dict[str, str] = Field(description="SHA-256 by name of the graph and of the run's stages")
    versions: dict[str, str]

"""Thresholds for target rates, and the trigger's figures at each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.trigger.binomial import wilson
from trigcnn.pipeline.trigger.content import Area, Proportion, WorkingPoint
from trigcnn.pipeline.trigger.roc import Curve, area, curve
from trigcnn.pipeline.trigger.spectrum import Spectrum


def check_rates(rates_hz: Sequence[float], event_rate_hz: float) -> None:
    """Check that rates can be targets.

    Raises:
        ConfigError: One is not above zero, is above the event rate, or there is none.
    """
    if not (math.isfinite(event_rate_hz) and event_rate_hz > 0):
        raise ConfigError(f"--event-rate-hz {event_rate_hz:g}: must be above 0, in Hz")
    if not rates_hz:
        raise ConfigError("--rates: no rate given; write for example --rates 1e3,1e4,1e5, in Hz")
    for rate in rates_hz:
        if not (math.isfinite(rate) and rate > 0):
            raise ConfigError(f"--rates {rate:g}: must be above 0, in Hz")
        if rate > event_rate_hz:
            raise ConfigError(
                f"--rates {rate:g}: is above the event rate of {event_rate_hz:g} Hz; a trigger cannot accept more "
                "events than there are: lower it, or set --event-rate-hz"
            )


def summarize(
    by_class: Mapping[str, Spectrum],
    signal: Sequence[str] | None,
    background: Sequence[str],
    *,
    rates_hz: Sequence[float],
    event_rate_hz: float,
    lsb: float,
) -> tuple[Area | None, list[WorkingPoint], Curve]:
    """Return all figures of one engine's spectra.

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


def working_point(
    target_rate_hz: float,
    *,
    event_rate_hz: float,
    lsb: float,
    signal: Spectrum | None,
    background: Spectrum,
    by_class: Mapping[str, Spectrum],
) -> WorkingPoint:
    """Return the smallest threshold whose rate does not exceed a target, and the trigger's figures there.

    With ties the rate falls in steps, so that it may stay well below the target. The threshold was chosen on the
    events that the rate is then counted on; with few accepted background events, choose it on one half of the events
    and measure it on the other.

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


def proportion(accepted: int, events: int) -> Proportion:
    """Return an efficiency with its interval."""
    low, high = wilson(accepted, events)
    return Proportion(accepted=accepted, events=events, efficiency=accepted / events, low=low, high=high)


def hertz(rate: float) -> str:
    """Write a rate with its unit.

    >>> hertz(12500.0)
    '12.5 kHz'
    """
    for scale, unit in ((1e9, "GHz"), (1e6, "MHz"), (1e3, "kHz")):
        if rate >= scale:
            return f"{rate / scale:.4g} {unit}"
    return f"{rate:.4g} Hz"

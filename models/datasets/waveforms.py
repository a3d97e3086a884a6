"""Digitised pulse shapes of a scintillation detector: noise, one pulse, or two that pile up.

A pulse rises and falls exponentially, as the charge of a scintillator behind a photomultiplier and a preamplifier.
Values are counts of an analogue-to-digital converter, the baseline left in. Values without a source are
our choice, of the usual size for LYSO and similar crystals (decay in some 40 ns; Particle Data Group,
Review of Particle Physics 2024, table of inorganic scintillators) read at 250 megasamples per second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets import drawn
from trigcnn.models.datasets.base import Dataset, DatasetInfo, Events
from trigcnn.models.datasets.controls import Control
from trigcnn.models.datasets.drawn import CHUNK, Range, between

INFO = DatasetInfo(
    name="waveforms",
    description="digitised pulse shapes; noise, pulse and double_pulse",
    events="20000 (option)",
    shape="64x1",
    input_format="ufixed<12,12>",
)

CLASSES = ("noise", "pulse", "double_pulse")

Floats = npt.NDArray[np.float64]

# Baseline in counts: its mean, and its rms from event to event (drift).
_BASELINE, _BASELINE_DRIFT = 200.0, 5.0
# Height of a pulse: a power law between multiples of the noise's rms and 3000 counts, as a falling energy spectrum.
_SMALLEST_TO_NOISE, _LARGEST, _HEIGHT_INDEX = 5.0, 3000.0, 1.5
# Where in the record, as shares of it, a (first) pulse begins; a trigger puts it there.
_BEGIN: Range = (0.1, 0.3)
# The second pulse's height as a share of the first one's.
_SECOND_SHARE: Range = (0.3, 1.0)


def load(
    *,
    input_format: FixedPoint | None,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    events: int = 20_000,
    samples: int = 64,
    sampling_mhz: float = 250.0,
    rise_ns: Range = (4.0, 8.0),
    fall_ns: Range = (30.0, 50.0),
    second_after_ns: Range = (20.0, 120.0),
    noise_counts: float = 8.0,
) -> Dataset:
    """Draw waveforms, one third of each class, and split them.

    Args:
        input_format: Unsigned whole numbers; None for ufixed<12,12>. Higher pulses saturate.
        validation_fraction: Share of all events to validate on.
        test_fraction: Share of all events to test on.
        seed: Seed of the waveforms and of the split.
        events: Number of waveforms.
        samples: Samples of a waveform.
        sampling_mhz: Samples per microsecond.
        rise_ns: Shortest and longest time constant of the rise, in ns.
        fall_ns: Shortest and longest time constant of the fall, in ns; above that of the rise.
        second_after_ns: Shortest and longest time from the first pulse to the second, in ns.
        noise_counts: Standard deviation of the noise of a sample, in counts.

    Raises:
        DataError: The format does not fit, an option is out of range, or the fractions leave a part empty.
    """
    chosen = drawn.counting_format(INFO, input_format)
    drawn.check_events(events, samples)
    drawn.check_option("samples", samples, 8, 4096)
    drawn.check_option("sampling_mhz", sampling_mhz, 1, 100_000, "MHz")
    drawn.check_range("rise_ns", rise_ns, 0.01, 1e6, "ns")
    drawn.check_range("fall_ns", fall_ns, rise_ns[1] * 1.01, 1e7, "ns")
    record_ns = samples * 1000 / sampling_mhz
    drawn.check_range("second_after_ns", second_after_ns, 0, record_ns * (1 - _BEGIN[1]), "ns")
    drawn.check_option("noise_counts", noise_counts, 0.01, _LARGEST / _SMALLEST_TO_NOISE / 2, "counts")
    rng = np.random.default_rng(seed)
    labels = drawn.shuffled_labels(rng, events, [1 / len(CLASSES)] * len(CLASSES))
    time_ns = np.arange(samples) * 1000 / sampling_mhz
    counts = np.empty((events, samples, 1), np.float32)
    for start in range(0, events, CHUNK):
        part = labels[start : start + CHUNK]
        n = len(part)
        wave = noise_counts * rng.standard_normal((n, samples))
        wave += (_BASELINE + _BASELINE_DRIFT * rng.standard_normal(n))[:, None]
        height = drawn.power_law(rng, _SMALLEST_TO_NOISE * noise_counts, _HEIGHT_INDEX, n, _LARGEST)
        # Both pulses are of the same crystal.
        rise, fall = between(rng, rise_ns, n), between(rng, fall_ns, n)
        begin = record_ns * between(rng, _BEGIN, n)
        second = between(rng, second_after_ns, n), between(rng, _SECOND_SHARE, n)
        wave += np.where(part > 0, height, 0)[:, None] * _pulse(time_ns, begin, rise, fall)
        two = part == 2
        wave[two] += (height * second[1])[two, None] * _pulse(time_ns, (begin + second[0])[two], rise[two], fall[two])
        counts[start : start + CHUNK, :, 0] = np.floor(np.maximum(wave, 0))
    return drawn.dataset(
        INFO,
        chosen,
        CLASSES,
        counts,
        labels,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )


def controls(events: Events, options: Mapping[str, Any]) -> tuple[Control, ...]:
    """Measure each waveform above its baseline, the mean of the samples before any pulse.

    Args:
        events: [events, samples, 1].
        options: Those of `load`.
    """
    step_ns = 1000 / options["sampling_mhz"]
    before = max(1, int(_BEGIN[0] * events.shape[1]))
    counts = events[..., 0].astype(np.float64)
    counts -= counts[:, :before].mean(axis=1, keepdims=True)
    height = counts.max(axis=1)
    over = np.count_nonzero(counts > height[:, None] / 2, axis=1)
    return (
        Control("height", "counts", height),
        Control("charge / height", "ns", counts.sum(axis=1) / np.maximum(height, 1) * step_ns),
        Control("time of the largest sample", "ns", counts.argmax(axis=1) * step_ns),
        Control("time above half the height", "ns", over * step_ns),
    )


def _pulse(time_ns: Floats, begin: Floats, rise: Floats, fall: Floats) -> Floats:
    """Return pulses of height 1 that begin, rise and fall as told, in ns: [pulses, samples]."""
    since = np.maximum(time_ns - begin[:, None], 0)
    shape = np.exp(-since / fall[:, None]) - np.exp(-since / rise[:, None])
    top = rise * fall / (fall - rise) * np.log(fall / rise)
    pulses: Floats = shape / (np.exp(-top / fall) - np.exp(-top / rise))[:, None]
    return pulses

"""Transverse energies of a calorimeter's 18x14 regions, as a Level-1 trigger sees them: pile-up, jets and signals.

A toy of the input of CMS' CICADA trigger: rows are regions in azimuth, which close to a
ring, columns are regions in pseudorapidity from -3 to 3, values are counts of a 10-bit scale.

Values without a source are our choice: they make signals that a trigger can tell from background, not those of any
model of new physics.
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
from trigcnn.models.datasets.drawn import CHUNK

INFO = DatasetInfo(
    name="calorimeter",
    description="transverse energies of 18 (azimuth) x 14 (pseudorapidity) calorimeter regions; background, signals",
    events="20000 (option)",
    shape="18x14x1",
    input_format="ufixed<10,10>",
)

PHI_REGIONS, ETA_REGIONS = 18, 14
"""The regions of CMS' calorimeter trigger within |eta| < 3 (CICADA's firmware, cms-hls4ml/CICADA)."""

GEV_PER_COUNT = 0.5
"""Transverse energy of one count, as in the CMS calorimeter trigger (JINST 15 (2020) P10017, arXiv:2006.10165)."""

SIGNALS = ("multijet", "soft", "displaced")

Energies = npt.NDArray[np.float64]

# Pile-up. Deposits per interaction and region in the middle of the detector; their mean in GeV, with an exponential
# distribution; and how much more there are at the edges, as a share. They give 2 GeV per region and crossing in the
# middle at 60 interactions, some of what soft interactions really give: towers below threshold are not counted.
_DEPOSITS_PER_INTERACTION = 0.033
_DEPOSIT_GEV = 1.0
_EDGE_EXCESS = 1.5
# Jets fall as the fifth power of their transverse momentum: partons scatter as its inverse fourth, and the densities of
# partons fall too. Their width in regions is the rms of the energy around the axis (a region is 0.35 rad wide).
_JET_POWER = 5
_JET_WIDTH_REGIONS = 0.5
# Numbers: the mean of a Poisson distribution for background, smallest and largest for signals; in GeV, where the
# spectrum of each begins, or the mean of an exponential distribution for `soft`.
_BACKGROUND_JETS, _BACKGROUND_JET_GEV = 0.5, 15.0
_SIGNAL_JETS, _SIGNAL_JET_GEV = (4, 8), 25.0
_SOFT_DEPOSITS, _SOFT_GEV = (25, 60), 5.0
_DISPLACED_DEPOSITS, _DISPLACED_GEV = (1, 3), 30.0


def load(
    *,
    input_format: FixedPoint | None,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    events: int = 20_000,
    pileup: float = 60.0,
    signal: str = "all",
    signal_fraction: float = 0.5,
    hot_regions: float = 0.002,
) -> Dataset:
    """Draw events of background and of signals, each a class, and split them.

    Args:
        input_format: Unsigned whole numbers; None for ufixed<10,10>. Larger energies saturate.
        validation_fraction: Share of all events to validate on.
        test_fraction: Share of all events to test on.
        seed: Seed of the events and of the split.
        events: Number of events.
        pileup: Mean number of interactions per crossing.
        signal: `multijet` (4 to 8 jets), `soft` (25 to 60 deposits of some GeV), `displaced` (1 to 3 large deposits
            in one region each), or `all` of them in equal shares.
        signal_fraction: Share of the events with a signal, of all kinds together.
        hot_regions: Probability of a faulty region at full scale, in any class.

    Raises:
        DataError: The format does not fit, an option is out of range, or the fractions leave a part empty.
    """
    chosen = drawn.counting_format(INFO, input_format)
    drawn.check_events(events, PHI_REGIONS * ETA_REGIONS)
    drawn.check_choice("signal", signal, ("all", *SIGNALS))
    drawn.check_option("pileup", pileup, 0, 1000, "interactions")
    drawn.check_option("signal_fraction", signal_fraction, 0.01, 0.99)
    drawn.check_option("hot_regions", hot_regions, 0, 1)
    kinds = SIGNALS if signal == "all" else (signal,)
    rng = np.random.default_rng(seed)
    labels = drawn.shuffled_labels(rng, events, [1 - signal_fraction] + [signal_fraction / len(kinds)] * len(kinds))
    counts = np.empty((events, PHI_REGIONS, ETA_REGIONS, 1), np.float32)
    for start in range(0, events, CHUNK):
        part = labels[start : start + CHUNK]
        gev = _pileup(rng, len(part), pileup)
        _add_deposits(rng, gev, rng.poisson(_BACKGROUND_JETS, len(part)), _BACKGROUND_JET_GEV, _JET_WIDTH_REGIONS)
        for label, kind in enumerate(kinds, start=1):
            _add_signal(rng, gev, kind, part == label)
        gev /= GEV_PER_COUNT
        np.floor(gev, out=gev)
        hot = np.flatnonzero(rng.random(len(part)) < hot_regions)
        gev[hot, rng.integers(PHI_REGIONS, size=hot.size), rng.integers(ETA_REGIONS, size=hot.size)] = chosen.max
        counts[start : start + CHUNK, ..., 0] = gev
    return drawn.dataset(
        INFO,
        chosen,
        ("background", *kinds),
        counts,
        labels,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
        # Azimuth closes to a ring, and both sides and directions are equivalent.
        symmetries=("roll_rows", "flip_rows", "flip_columns"),
    )


def controls(events: Events, options: Mapping[str, Any]) -> tuple[Control, ...]:
    """Measure each event: sums and numbers of regions.

    Args:
        events: [events, 18, 14, 1].
        options: Those of `load`.
    """
    gev = events[..., 0].astype(np.float64) * GEV_PER_COUNT
    counted = [np.count_nonzero(gev > least, axis=(1, 2)).astype(float) for least in (5, 20)]
    return (
        Control("sum of transverse energies", "GeV", gev.sum(axis=(1, 2))),
        Control("largest region", "GeV", gev.max(axis=(1, 2))),
        Control("regions", "above 5 GeV", counted[0]),
        Control("regions", "above 20 GeV", counted[1]),
    )


def _pileup(rng: np.random.Generator, events: int, pileup: float) -> Energies:
    """A Poisson number of interactions, each with a Poisson number of exponential deposits; in GeV."""
    edges = np.linspace(-1, 1, ETA_REGIONS + 1)
    profile = 1 + _EDGE_EXCESS * ((edges[1:] + edges[:-1]) / 2) ** 2
    interactions = rng.poisson(pileup, (events, 1, 1))
    deposits = rng.poisson(interactions * _DEPOSITS_PER_INTERACTION * profile, (events, PHI_REGIONS, ETA_REGIONS))
    # The sum of n exponential values.
    energies: Energies = rng.standard_gamma(deposits) * _DEPOSIT_GEV
    return energies


def _add_signal(rng: np.random.Generator, gev: Energies, kind: str, chosen: npt.NDArray[np.bool_]) -> None:
    least, most = {"multijet": _SIGNAL_JETS, "soft": _SOFT_DEPOSITS, "displaced": _DISPLACED_DEPOSITS}[kind]
    numbers = np.where(chosen, rng.integers(least, most, size=len(gev), endpoint=True), 0)
    if kind == "soft":
        where, place = _places(rng, numbers)
        np.add.at(gev, (where, *_region(place)), rng.exponential(_SOFT_GEV, len(where)))
    else:
        smallest, width = (_SIGNAL_JET_GEV, _JET_WIDTH_REGIONS) if kind == "multijet" else (_DISPLACED_GEV, 0.0)
        _add_deposits(rng, gev, numbers, smallest, width)


def _add_deposits(
    rng: np.random.Generator, gev: Energies, numbers: npt.NDArray[np.int64], smallest_gev: float, width: float
) -> None:
    """Add clusters with a steeply falling spectrum, each over up to 3x3 regions.

    Args:
        rng: Source of randomness.
        gev: Energies [events, 18, 14]; changed in place.
        numbers: Clusters per event.
        smallest_gev: Where the spectrum begins.
        width: Standard deviation of a cluster, in regions; 0 for one region alone.
    """
    event, place = _places(rng, numbers)
    energy = smallest_gev * rng.random(len(event)) ** (-1 / (_JET_POWER - 1))
    phi, eta = _region(place)
    if width == 0:
        np.add.at(gev, (event, phi, eta), energy)
        return
    near = np.arange(-1, 2)
    # Distance of each neighbour's middle from the axis of the jet.
    distance = near + 0.5 - (place - np.floor(place))[..., None]
    falls = np.exp(-0.5 * (distance / width) ** 2)
    share = falls[0][:, :, None] * falls[1][:, None, :]
    share *= (energy / share.sum(axis=(1, 2)))[:, None, None]
    rows = (phi[:, None, None] + near[:, None]) % PHI_REGIONS
    columns = eta[:, None, None] + near
    # Energy beyond the last region in pseudorapidity is lost.
    inside = np.broadcast_to((columns >= 0) & (columns < ETA_REGIONS), share.shape)
    rows, columns, events = (np.broadcast_to(x, share.shape)[inside] for x in (rows, columns, event[:, None, None]))
    np.add.at(gev, (events, rows, columns), share[inside])


def _places(rng: np.random.Generator, numbers: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Energies]:
    """Return each deposit its event and a place (azimuth, pseudorapidity) in regions, within |eta| < 2."""
    event = np.repeat(np.arange(len(numbers)), numbers)
    phi = rng.uniform(0, PHI_REGIONS, len(event))
    eta = rng.uniform(ETA_REGIONS / 6, ETA_REGIONS * 5 / 6, len(event))
    return event, np.stack([phi, eta])


def _region(place: Energies) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    phi, eta = np.floor(place).astype(np.int64)
    return phi, eta

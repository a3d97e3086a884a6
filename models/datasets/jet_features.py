"""Sixteen numbers per jet, as for the jet tagger of hls4ml: gluon, quark, W, Z, top.

The features are of the kind that the published set has (OpenML 42468; JINST 13 (2018) P07027, arXiv:1804.06913):
mass, multiplicity and ratios of energy correlations. All are computed, none is drawn from a distribution of its own;
but the jets are the toys of `jets.py`, so accuracies cannot be compared with published ones. Mass and correlations are
of the sixteen hardest constituents, in place of soft-drop grooming.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets import drawn, jets
from trigcnn.models.datasets.base import Dataset, DatasetInfo, Events, Labels
from trigcnn.models.datasets.controls import Control
from trigcnn.models.datasets.drawn import CHUNK, Range, Rng
from trigcnn.models.datasets.input_format import parse_input_format
from trigcnn.models.datasets.jets import Constituents, Floats
from trigcnn.models.errors import DataError

INFO = DatasetInfo(
    name="jet_features",
    description="mass, multiplicity and substructure of jets; g, q, w, z and t",
    events="20000 (option)",
    shape="16",
    input_format="fixed<16,6>",
)

FEATURES = (
    "zlogz",
    "c1_b0",
    "c1_b1",
    "c1_b2",
    "c2_b1",
    "c2_b2",
    "d2_b1",
    "d2_b2",
    "d2_a1_b1",
    "d2_a1_b2",
    "m2_b1",
    "m2_b2",
    "n2_b1",
    "n2_b2",
    "mass",
    "multiplicity",
)
"""Names in the order of the published set; b is the exponent of angles (beta), a that of the numerator's (alpha)."""

_HARDEST = 16
# Jets that mean and standard deviation of the features are taken of: drawn apart, so that what is learnt from knows
# nothing of the events that it is tested on.
_STANDARD_JETS = 4000
# Added where a correlation of less than three particles would divide by nothing.
_TINY = 1e-12


def load(
    *,
    input_format: FixedPoint | None,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    events: int = 20_000,
    pt_gev: Range = (500.0, 1000.0),
) -> Dataset:
    """Draw jets, one fifth of each class, compute their features and split them.

    Each feature has mean 0 and standard deviation 1 over a sample of all classes that is the same for all seeds.

    Args:
        input_format: With a sign and 4 integer bits at least; None for fixed<16,6>. What lies beyond saturates.
        validation_fraction: Share of all events to validate on.
        test_fraction: Share of all events to test on.
        seed: Seed of the jets and of the split.
        events: Number of jets.
        pt_gev: Smallest and largest transverse momentum, in GeV; within, it falls as the fifth power.

    Raises:
        DataError: The format does not fit, an option is out of range, or the fractions leave a part empty.
    """
    chosen = input_format or parse_input_format(INFO.input_format)
    if not chosen.signed or chosen.integer < 4:
        raise DataError(
            f"data.input_format {chosen} does not fit the data set {INFO.name}, whose features are standardised and "
            f"reach from about -8 to 8; use {INFO.input_format}, or another with a sign and 4 integer bits at least"
        )
    drawn.check_events(events, len(FEATURES))
    jets.check_pt(pt_gev)
    rng = np.random.default_rng(seed)
    labels = drawn.shuffled_labels(rng, events, [1 / len(jets.KINDS)] * len(jets.KINDS))
    mean, deviation = _standard(tuple(pt_gev))
    return drawn.dataset(
        INFO,
        chosen,
        jets.KINDS,
        (_drawn(rng, labels, pt_gev) - mean) / deviation,
        labels,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )


def controls(events: Events, options: Mapping[str, Any]) -> tuple[Control, ...]:
    """Pick the features that differ most between the classes.

    Args:
        events: [events, 16].
        options: Those of `load`.
    """
    names = ("mass", "multiplicity", "zlogz", "c1_b1", "m2_b2", "n2_b1")
    return tuple(
        Control(name, "standard deviations", events[:, FEATURES.index(name)].astype(np.float64)) for name in names
    )


@functools.cache
def _standard(pt_gev: Range) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each feature over jets of all classes."""
    rng = np.random.default_rng(0)
    features = _drawn(rng, np.arange(_STANDARD_JETS) % len(jets.KINDS), pt_gev)
    return features.mean(axis=0), features.std(axis=0)


def _drawn(rng: Rng, labels: Labels, pt_gev: Range) -> Floats:
    """Draw jets of these kinds; give their features, [jets, 16]."""
    features = np.empty((len(labels), len(FEATURES)))
    for start in range(0, len(labels), CHUNK):
        part = labels[start : start + CHUNK]
        features[start : start + CHUNK] = compute(jets.draw(rng, part, pt_gev), len(part))
    return features


def compute(given: Constituents, count: int) -> Floats:
    """Compute the features of jets.

    Energy correlations: e2 sums z_i z_j angle^beta over pairs; e3 sums z_i z_j z_k times the product of the
    three angles^beta over triplets, 1e3 and 2e3 times only the one or two smallest. Then C1 = e2, C2 = e3 / e2^2
    (Larkoski et al., arXiv:1305.0007), D2 = e3 / e2^3 and with alpha e3(alpha) / e2(beta)^(3 alpha / beta)
    (arXiv:1409.6298; with both 1 it is D2 again), M2 = 1e3 / e2 and N2 = 2e3 / e2^2 (Moult et al., arXiv:1609.07483).

    Args:
        given: Constituents of all jets.
        count: Number of jets.

    Returns:
        [jets, 16], in the order of `FEATURES`, the mass in GeV; jets without constituents have zeros.
    """
    share = given.pt / given.sums(given.pt, count)[given.jet]
    zlogz = given.sums(share * np.log(share), count)
    pt, eta, phi = _hardest(given, count)
    total = pt.sum(axis=0)
    z = pt / np.maximum(total, _TINY)
    pairs = list(combinations(range(_HARDEST), 2))
    first, second = np.array(pairs).T
    angle = np.hypot(eta[first] - eta[second], phi[first] - phi[second])
    weight = z[first] * z[second]
    e2 = {beta: (weight * angle**beta).sum(axis=0) + _TINY for beta in (1, 2)}

    i, j, k = np.array(list(combinations(range(_HARDEST), 3))).T
    number = {pair: row for row, pair in enumerate(pairs)}
    sides = np.array([[number[pair] for pair in zip(a, b, strict=True)] for a, b in ((i, j), (i, k), (j, k))])
    weight3 = z[i] * z[j] * z[k]
    one, two, three = angle[sides[0]], angle[sides[1]], angle[sides[2]]
    smallest = np.minimum(np.minimum(one, two), three)
    product = one * two * three
    # The product of the two smallest is that of all by the largest.
    two_smallest = product / np.maximum(np.maximum(np.maximum(one, two), three), _TINY)
    e3, e3_one, e3_two = (
        {1: (weight3 * angles).sum(axis=0), 2: (weight3 * angles * angles).sum(axis=0)}
        for angles in (product, smallest, two_smallest)
    )
    return np.stack(
        [
            zlogz,
            weight.sum(axis=0),
            e2[1],
            e2[2],
            e3[1] / e2[1] ** 2,
            e3[2] / e2[2] ** 2,
            e3[1] / e2[1] ** 3,
            e3[2] / e2[2] ** 3,
            e3[1] / e2[1] ** 3,
            e3[1] / e2[2] ** 1.5,
            e3_one[1] / e2[1],
            e3_one[2] / e2[2],
            e3_two[1] / e2[1] ** 2,
            e3_two[2] / e2[2] ** 2,
            total * np.sqrt(e2[2]),
            np.bincount(given.jet, minlength=count),
        ],
        axis=1,
    )


def _hardest(given: Constituents, count: int) -> tuple[Floats, Floats, Floats]:
    """Transverse momentum, pseudorapidity and azimuth of the hardest constituents, [16, jets]; zeros fill up."""
    order = np.lexsort((-given.pt, given.jet))
    jet = given.jet[order]
    begin = np.searchsorted(jet, np.arange(count))
    rank = np.arange(len(jet)) - begin[jet]
    kept = rank < _HARDEST
    tables = np.zeros((3, _HARDEST, count))
    for table, values in zip(tables, (given.pt, given.eta, given.phi), strict=True):
        table[rank[kept], jet[kept]] = values[order][kept]
    return tables[0], tables[1], tables[2]

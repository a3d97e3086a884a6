"""Toy jets as tables of constituents, for jet images and jet features.

A boosted particle decays, its decay products (prongs) turn into constituents, the calorimeter blurs them. Angles are
small: a prong with a share z of the transverse momentum pT, and k_T across the jet's axis, lies k_T / (z pT) from it.
An isotropic decay of a mass m then opens by at least 2 m / pT, as it should.

Values without a source are our choice, of the usual size for jets of 0.5 to 1 TeV.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from trigcnn.models.datasets import drawn
from trigcnn.models.datasets.drawn import Range, Rng

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

KINDS = ("g", "q", "w", "z", "t")
"""Gluons, light quarks, W and Z bosons and top quarks, the latter three in their decay to quarks."""

RADIUS = 0.8
"""Distance in pseudorapidity and azimuth up to which constituents belong to a jet; CMS' for boosted particles."""

PT_INDEX = 5.0
"""Power of the falling spectrum of transverse momentum."""

# Masses in GeV (Particle Data Group, Review of Particle Physics 2024).
_W_GEV, _Z_GEV, _TOP_GEV = 80.4, 91.2, 172.6
# Gluons and quarks radiate a second, harder prong: with this probability for a quark, and more for a gluon by the
# ratio of their colour factors, C_A / C_F = 9/4; shares and angles have the logarithmic spectra of QCD.
_SPLITTING = 0.25
_COLOUR_RATIO = 9 / 4
_SPLITTING_SHARE: Range = (0.05, 0.5)
_SPLITTING_ANGLE: Range = (0.1, 0.8)
# Mean number of constituents of a quark's prong of 100 GeV, and more per factor e in momentum; a gluon's has more by a
# factor between 1 and the 9/4 that holds in the limit of large momentum.
_CONSTITUENTS, _CONSTITUENTS_PER_E = 9.0, 6.0
_GLUON_CONSTITUENTS = 1.6
# Shares of a prong's momentum: a Dirichlet distribution with this parameter, where below 1 a few have most of it.
_EVENNESS = 0.35
# Angles to the prong's axis: a spectrum a little steeper than the collinear d(angle)/angle, between these limits.
_ANGLE_INDEX, _ANGLES = 1.6, (0.01, 0.4)
# Particles of pile-up within the jet, their mean number and mean transverse momentum in GeV.
_PILEUP, _PILEUP_GEV = 8.0, 1.0
# The calorimeter: relative rms of a constituent's energy, rms of its place.
_ENERGY_BLUR, _PLACE_BLUR = 0.10, 0.01


class Constituents(NamedTuple):
    """Constituents, one row each, sorted by jet.

    Attributes:
        jet: Number of the jet.
        pt: Transverse momentum in GeV.
        eta: Pseudorapidity from the axis of the particle that the jet began as.
        phi: Azimuth from it, in radians.
    """

    jet: Ints
    pt: Floats
    eta: Floats
    phi: Floats

    def sums(self, values: Floats, jets: int) -> Floats:
        """Add up a value over each jet's constituents; [jets]."""
        return np.bincount(self.jet, values, minlength=jets).astype(np.float64, copy=False)


class _Prongs(NamedTuple):
    """Prongs, one row each: jet, transverse momentum, place, and whether it is a gluon's."""

    jet: Ints
    pt: Floats
    eta: Floats
    phi: Floats
    gluon: npt.NDArray[np.bool_]


_Table = TypeVar("_Table", Constituents, _Prongs)


def check_pt(pt_gev: Range) -> None:
    """Check that the option `pt_gev` is a range in which the model of a boosted jet holds.

    Raises:
        DataError: It is not.
    """
    drawn.check_range("pt_gev", pt_gev, 200, 5000, "GeV")


def draw(rng: Rng, kinds: Ints, pt_gev: Range) -> Constituents:
    """Draw jets.

    Args:
        rng: Source of randomness.
        kinds: For each jet an index into `KINDS`.
        pt_gev: Smallest and largest transverse momentum.
    """
    pt = drawn.power_law(rng, pt_gev[0], PT_INDEX, len(kinds), pt_gev[1])
    prongs = _joined(
        _radiated(rng, np.flatnonzero(kinds <= 1), pt, kinds == 0),
        _boson(rng, np.flatnonzero(kinds == 2), pt, _W_GEV),
        _boson(rng, np.flatnonzero(kinds == 3), pt, _Z_GEV),
        _top(rng, np.flatnonzero(kinds == 4), pt),
    )
    return _measured(rng, _joined(_fragments(rng, prongs), _pileup(rng, len(kinds))))


def _radiated(rng: Rng, jet: Ints, pt: Floats, gluon: npt.NDArray[np.bool_]) -> _Prongs:
    """Return a quark or gluon, and the gluon that it may have radiated."""
    n = len(jet)
    splits = rng.random(n) < _SPLITTING * np.where(gluon[jet], _COLOUR_RATIO, 1.0)
    share = np.where(splits, _log_uniform(rng, _SPLITTING_SHARE, n), 0.0)
    angle, around = _log_uniform(rng, _SPLITTING_ANGLE, n), rng.uniform(0, 2 * np.pi, n)
    first = _Prongs(jet, (1 - share) * pt[jet], *_polar(-share * angle, around), gluon[jet])
    second = _Prongs(jet, share * pt[jet], *_polar((1 - share) * angle, around), np.ones(n, np.bool_))
    return _joined(first, _Prongs._make(column[splits] for column in second))


def _boson(rng: Rng, jet: Ints, pt: Floats, mass: float) -> _Prongs:
    return _joined(*_decay(rng, _alone(jet, pt), mass, 0.0))


def _top(rng: Rng, jet: Ints, pt: Floats) -> _Prongs:
    """Decay a top quark to a bottom quark and a W boson, and that to two quarks."""
    boson, bottom = _decay(rng, _alone(jet, pt), _TOP_GEV, _W_GEV)
    return _joined(*_decay(rng, boson, _W_GEV, 0.0), bottom)


def _decay(rng: Rng, parent: _Prongs, mass: float, first_mass: float) -> tuple[_Prongs, _Prongs]:
    """Decay particles isotropically to two others, the second without mass, seen from a frame of large momentum."""
    n = len(parent.jet)
    momentum = (mass**2 - first_mass**2) / (2 * mass)
    cosine, around = rng.uniform(-1, 1, n), rng.uniform(0, 2 * np.pi, n)
    across = momentum * np.sqrt(1 - cosine**2)
    second_share = momentum * (1 - cosine) / mass
    products = []
    for share, sign in ((1 - second_share, 1), (second_share, -1)):
        pt = share * parent.pt
        eta, phi = _polar(sign * across / np.maximum(pt, 1e-6), around)
        products.append(_Prongs(parent.jet, pt, parent.eta + eta, parent.phi + phi, parent.gluon))
    return products[0], products[1]


def _fragments(rng: Rng, prongs: _Prongs) -> Constituents:
    """Turn prongs into constituents; each has one at least."""
    growth = _CONSTITUENTS_PER_E * np.log(np.maximum(prongs.pt / 100, 0.3))
    mean = (_CONSTITUENTS + growth) * np.where(prongs.gluon, _GLUON_CONSTITUENTS, 1.0)
    number = 1 + rng.poisson(np.maximum(mean - 1, 0.5))
    row = np.repeat(np.arange(len(number)), number)
    share = rng.standard_gamma(_EVENNESS, len(row)) + 1e-9
    share *= (prongs.pt / np.bincount(row, share))[row]
    away = drawn.power_law(rng, _ANGLES[0], _ANGLE_INDEX, len(row), _ANGLES[1])
    eta, phi = _polar(away, rng.uniform(0, 2 * np.pi, len(row)))
    return Constituents(prongs.jet[row], share, prongs.eta[row] + eta, prongs.phi[row] + phi)


def _pileup(rng: Rng, jets: int) -> Constituents:
    jet = np.repeat(np.arange(jets), rng.poisson(_PILEUP, jets))
    away = RADIUS * np.sqrt(rng.random(len(jet)))
    eta, phi = _polar(away, rng.uniform(0, 2 * np.pi, len(jet)))
    return Constituents(jet, rng.exponential(_PILEUP_GEV, len(jet)), eta, phi)


def _measured(rng: Rng, given: Constituents) -> Constituents:
    """Blur as the calorimeter does, remove constituents beyond the jet, and sort by jet."""
    pt = given.pt * np.maximum(1 + _ENERGY_BLUR * rng.standard_normal(len(given.pt)), 0.1)
    eta, phi = (x + _PLACE_BLUR * rng.standard_normal(len(x)) for x in (given.eta, given.phi))
    within = np.flatnonzero(np.hypot(eta, phi) < RADIUS)
    order = within[np.argsort(given.jet[within], kind="stable")]
    return Constituents(given.jet[order], pt[order], eta[order], phi[order])


def _alone(jet: Ints, pt: Floats) -> _Prongs:
    """Particles on the axes of their jets."""
    nothing = np.zeros(len(jet))
    return _Prongs(jet, pt[jet], nothing, nothing, nothing.astype(np.bool_))


def _joined(*tables: _Table) -> _Table:
    """Concatenate the rows of tables."""
    return type(tables[0])._make(np.concatenate(columns) for columns in zip(*tables, strict=True))


def _polar(away: Floats, around: Floats) -> tuple[Floats, Floats]:
    return away * np.cos(around), away * np.sin(around)


def _log_uniform(rng: Rng, limits: Range, size: int) -> Floats:
    low, high = limits
    values: Floats = low * (high / low) ** rng.random(size)
    return values

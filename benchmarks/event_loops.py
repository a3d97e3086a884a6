"""Three of the drawn data sets as plain loops over events, as one would first write them.

They are what `benchmarks/datasets.py` compares with, draw from the same distributions, and take their constants from
the data sets' modules. A loop goes over events and over what is in them; where NumPy has a call for all of an event's
pixels, it is taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from trigcnn.models.datasets import calorimeter as cal
from trigcnn.models.datasets import cherenkov as che
from trigcnn.models.datasets import jets

Rng = np.random.Generator
Image = npt.NDArray[np.float64]


def cherenkov(rng: Rng, label: int) -> Image:
    """One camera image: a shower's ellipses as the skewed Gaussian's draws, a ring, and the night sky."""
    camera = che.Camera.of(24, 4.0, 1.0)
    image = rng.poisson(camera.sky_pe, (camera.pixels, camera.pixels)).astype(float)
    end = (che._LARGEST_PE / 100.0) ** -1.7
    size = 100.0 * (end + (1 - end) * rng.random()) ** (-1 / 1.7)
    if label == 0:
        distance, around = rng.uniform(*che._GAMMA_DISTANCE_DEG), rng.uniform(0, 2 * math.pi)
        psi = around + math.radians(che._GAMMA_POINTING_DEG) * rng.standard_normal()
        place = distance * math.cos(around), distance * math.sin(around)
        shape = rng.uniform(*che._GAMMA_LENGTH_DEG), rng.uniform(*che._GAMMA_WIDTH_DEG)
        _ellipse(rng, image, camera, size, place, psi, shape)
    elif label == 1:
        distance, around = che._HADRON_DISTANCE_DEG * math.sqrt(rng.random()), rng.uniform(0, 2 * math.pi)
        psi, number = rng.uniform(0, 2 * math.pi), int(rng.integers(*che._SUB_SHOWERS, endpoint=True))
        spread = che._SUB_SHOWER_SPREAD_DEG if number > 1 else 0.0
        for share in rng.dirichlet([che._SUB_SHOWER_EVENNESS] * number):
            place = (
                distance * math.cos(around) + spread * rng.standard_normal(),
                distance * math.sin(around) + spread * rng.standard_normal(),
            )
            turned = psi + math.radians(che._SUB_SHOWER_POINTING_DEG) * rng.standard_normal()
            shape = rng.uniform(*che._HADRON_LENGTH_DEG), rng.uniform(*che._HADRON_WIDTH_DEG)
            _ellipse(rng, image, camera, size * share, place, turned, shape)
        if rng.random() < 0.15:
            distance, around = che._HADRON_DISTANCE_DEG * math.sqrt(rng.random()), rng.uniform(0, 2 * math.pi)
            radius, width = rng.uniform(*che._RING_RADIUS_DEG), rng.uniform(*che._RING_WIDTH_DEG)
            for _ in range(rng.poisson(rng.uniform(*che._RING_PE))):
                angle, away = rng.uniform(0, 2 * math.pi), radius + width * rng.standard_normal()
                x, y = distance * math.cos(around), distance * math.sin(around)
                _hit(image, camera, x + away * math.cos(angle), y + away * math.sin(angle))
    return image


def _ellipse(
    rng: Rng,
    image: Image,
    camera: che.Camera,
    size: float,
    place: tuple[float, float],
    psi: float,
    shape: tuple[float, float],
) -> None:
    skewness = rng.uniform(*che._SKEWNESS)
    third = (2 * skewness / (4 - math.pi)) ** (2 / 3)
    delta = math.sqrt(math.pi / 2 * third / (1 + third))
    mean = delta * math.sqrt(2 / math.pi)
    scale = shape[0] / math.sqrt(1 - mean**2)
    for _ in range(rng.poisson(size)):
        normal = delta * abs(rng.standard_normal()) + math.sqrt(1 - delta**2) * rng.standard_normal()
        along, across = scale * (normal - mean), shape[1] * rng.standard_normal()
        x = place[0] + math.cos(psi) * along - math.sin(psi) * across
        y = place[1] + math.sin(psi) * along + math.cos(psi) * across
        _hit(image, camera, x, y)


def _hit(image: Image, camera: che.Camera, x: float, y: float) -> None:
    row, column = (math.floor(value / camera.pixel_deg + camera.pixels / 2) for value in (y, x))
    if 0 <= row < camera.pixels and 0 <= column < camera.pixels:
        image[row, column] += 1


def calorimeter(rng: Rng, label: int) -> Image:
    """One event of regions: pile-up region by region, jets, and a signal's deposits."""
    gev = np.zeros((cal.PHI_REGIONS, cal.ETA_REGIONS))
    interactions = rng.poisson(60.0)
    for column in range(cal.ETA_REGIONS):
        profile = 1 + cal._EDGE_EXCESS * ((column + 0.5) / cal.ETA_REGIONS * 2 - 1) ** 2
        for row in range(cal.PHI_REGIONS):
            deposits = rng.poisson(interactions * cal._DEPOSITS_PER_INTERACTION * profile)
            gev[row, column] = rng.exponential(cal._DEPOSIT_GEV, deposits).sum()
    for _ in range(rng.poisson(cal._BACKGROUND_JETS)):
        _cluster(rng, gev, cal._BACKGROUND_JET_GEV, cal._JET_WIDTH_REGIONS)
    if label == 1:
        for _ in range(rng.integers(*cal._SIGNAL_JETS, endpoint=True)):
            _cluster(rng, gev, cal._SIGNAL_JET_GEV, cal._JET_WIDTH_REGIONS)
    elif label == 2:
        for _ in range(rng.integers(*cal._SOFT_DEPOSITS, endpoint=True)):
            phi, eta = _place(rng)
            gev[int(phi), int(eta)] += rng.exponential(cal._SOFT_GEV)
    elif label == 3:
        for _ in range(rng.integers(*cal._DISPLACED_DEPOSITS, endpoint=True)):
            _cluster(rng, gev, cal._DISPLACED_GEV, 0.0)
    counts: Image = np.floor(gev / cal.GEV_PER_COUNT)
    if rng.random() < 0.002:
        counts[rng.integers(cal.PHI_REGIONS), rng.integers(cal.ETA_REGIONS)] = 1023
    return counts


def _place(rng: Rng) -> tuple[float, float]:
    return rng.uniform(0, cal.PHI_REGIONS), rng.uniform(cal.ETA_REGIONS / 6, cal.ETA_REGIONS * 5 / 6)


def _cluster(rng: Rng, gev: Image, smallest_gev: float, width: float) -> None:
    phi, eta = _place(rng)
    energy = smallest_gev * rng.random() ** (-1 / (cal._JET_POWER - 1))
    if width == 0:
        gev[int(phi), int(eta)] += energy
        return
    shares = {}
    for down in (-1, 0, 1):
        for along in (-1, 0, 1):
            away = (down + 0.5 - phi % 1) ** 2 + (along + 0.5 - eta % 1) ** 2
            shares[int(phi) + down, int(eta) + along] = math.exp(-0.5 * away / width**2)
    total = sum(shares.values())
    for (row, column), share in shares.items():
        if 0 <= column < cal.ETA_REGIONS:
            gev[row % cal.PHI_REGIONS, column] += energy * share / total


Prong = tuple[float, float, float, bool]


def jet_images(rng: Rng, label: int) -> Image:
    """One jet: prongs, their constituents, what the calorimeter measures, and the image in standard position."""
    end = 2.0 ** (1 - jets.PT_INDEX)
    pt = 500.0 * (end + (1 - end) * rng.random()) ** (1 / (1 - jets.PT_INDEX))
    axis: Prong = (pt, 0.0, 0.0, False)
    if label == 0:
        prongs = _radiate(rng, pt, gluon=bool(rng.random() < 0.5))
    elif label == 1:
        prongs = list(_decay(rng, axis, jets._W_GEV, 0.0))
    else:
        boson, bottom = _decay(rng, axis, jets._TOP_GEV, jets._W_GEV)
        prongs = [*_decay(rng, boson, jets._W_GEV, 0.0), bottom]
    constituents = [
        (rng.exponential(jets._PILEUP_GEV), *_polar(jets.RADIUS * math.sqrt(rng.random()), rng.uniform(0, 2 * math.pi)))
        for _ in range(rng.poisson(jets._PILEUP))
    ]
    for prong in prongs:
        constituents += _fragment(rng, prong)
    return _image([kept for one in constituents if math.hypot(*(kept := _blur(rng, *one))[1:]) < jets.RADIUS])


def _polar(away: float, around: float) -> tuple[float, float]:
    return away * math.cos(around), away * math.sin(around)


def _radiate(rng: Rng, pt: float, *, gluon: bool) -> list[Prong]:
    if rng.random() >= jets._SPLITTING * (jets._COLOUR_RATIO if gluon else 1):
        return [(pt, 0.0, 0.0, gluon)]
    low, high = jets._SPLITTING_SHARE
    share = low * (high / low) ** rng.random()
    low, high = jets._SPLITTING_ANGLE
    angle, around = low * (high / low) ** rng.random(), rng.uniform(0, 2 * math.pi)
    return [
        ((1 - share) * pt, *_polar(-share * angle, around), gluon),
        (share * pt, *_polar((1 - share) * angle, around), True),
    ]


def _decay(rng: Rng, parent: Prong, mass: float, first_mass: float) -> tuple[Prong, Prong]:
    momentum = (mass**2 - first_mass**2) / (2 * mass)
    cosine, around = rng.uniform(-1, 1), rng.uniform(0, 2 * math.pi)
    across = momentum * math.sqrt(1 - cosine**2)
    share = momentum * (1 - cosine) / mass
    products = []
    for part, sign in ((1 - share, 1), (share, -1)):
        eta, phi = _polar(sign * across / (part * parent[0]), around)
        products.append((part * parent[0], parent[1] + eta, parent[2] + phi, False))
    return products[0], products[1]


def _fragment(rng: Rng, prong: Prong) -> list[tuple[float, float, float]]:
    pt, eta, phi, gluon = prong
    mean = jets._CONSTITUENTS + jets._CONSTITUENTS_PER_E * math.log(max(pt / 100, 0.3))
    mean *= jets._GLUON_CONSTITUENTS if gluon else 1.0
    low, high = jets._ANGLES
    power = 1 - jets._ANGLE_INDEX
    end = (high / low) ** power
    found = []
    for share in rng.dirichlet([jets._EVENNESS] * (1 + rng.poisson(max(mean - 1, 0.5)))):
        away = low * (end + (1 - end) * rng.random()) ** (1 / power)
        x, y = _polar(away, rng.uniform(0, 2 * math.pi))
        found.append((pt * share, eta + x, phi + y))
    return found


def _blur(rng: Rng, pt: float, eta: float, phi: float) -> tuple[float, float, float]:
    factor = max(1 + jets._ENERGY_BLUR * rng.standard_normal(), 0.1)
    return (
        pt * factor,
        eta + jets._PLACE_BLUR * rng.standard_normal(),
        phi + jets._PLACE_BLUR * rng.standard_normal(),
    )


def _image(constituents: list[tuple[float, float, float]]) -> Image:
    pt, eta, phi = np.array(constituents).T
    share = pt / pt.sum()
    eta, phi = eta - (share * eta).sum(), phi - (share * phi).sum()
    xx, yy, xy = ((share * product).sum() for product in (eta * eta, phi * phi, eta * phi))
    angle = math.atan2(2 * xy, xx - yy) / 2
    along = math.cos(angle) * eta + math.sin(angle) * phi
    across = math.cos(angle) * phi - math.sin(angle) * eta
    along, across = (-x if (share * x**3).sum() < 0 else x for x in (along, across))
    edges = np.linspace(-jets.RADIUS, jets.RADIUS, 17)
    return np.histogram2d(along, across, bins=[edges, edges], weights=share)[0]


LOOPS: dict[str, Callable[[Rng, int], Image]] = {
    "cherenkov": cherenkov,
    "calorimeter": calorimeter,
    "jet_images": jet_images,
}
"""The loops' bodies by data set: an event of a class."""

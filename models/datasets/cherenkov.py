"""Images of an imaging air Cherenkov telescope's camera: gamma rays, hadrons, and the night sky alone.

A toy of what a camera trigger sees, on a square grid of pixels. The light of a shower is one or several ellipses, as
Hillas parametrised them (ICRC 1985, OG 9.5-3): centre of gravity, length, width, and orientation, with a skewed
profile along the major axis as in the toy model of ctapipe (`ctapipe.image.toymodel`). Every photoelectron is drawn
separately: each pixel gets a Poisson number whose mean is the profile's integral over it, and the sky's share.
Values are photoelectrons per pixel with the sky's mean left in, as a digitiser with an unsigned scale delivers.

Values without a source are our choice, of the usual size for telescopes of 12 m.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets import drawn
from trigcnn.models.datasets.base import Dataset, DatasetInfo, Events
from trigcnn.models.datasets.controls import Control, ellipses
from trigcnn.models.datasets.drawn import CHUNK, Range, Rng, between

INFO = DatasetInfo(
    name="cherenkov",
    description="images of an air Cherenkov telescope's camera; gamma, hadron and night sky",
    events="20000 (option)",
    shape="24x24x1",
    input_format="ufixed<8,8>",
)

CLASSES = ("gamma", "hadron", "night_sky")

# Photons of a dark night sky per square metre, second and steradian, 300 to 650 nm: the middle of what was measured
# at La Palma and in Namibia (Preuss et al., Nucl. Instrum. Meth. A 481 (2002) 229, arXiv:astro-ph/0107120).
_SKY_PHOTONS = 2.4e12
# Mirror in square metres (a dish of 12 m, shadowed in part); share of photons that become photoelectrons (reflection,
# light guides, detection); time over which a pixel's charge is summed, in seconds. With pixels of a sixth of a degree,
# the night sky gives 0.3 photoelectrons per pixel and ns.
_MIRROR_M2 = 100.0
_PHOTON_EFFICIENCY = 0.15
_WINDOW_S = 10e-9

# The largest image, in photoelectrons: the spectrum ends there, so that no single event takes all the time.
_LARGEST_PE = 20_000.0

# Gamma rays, in degrees (the usual sizes of images at TeV energies): rms along and across, distance of the
# centre of gravity from the source, which stands in the camera's centre; and how far off the axis points, its rms.
_GAMMA_LENGTH_DEG: Range = (0.16, 0.30)
_GAMMA_WIDTH_DEG: Range = (0.07, 0.15)
_GAMMA_DISTANCE_DEG: Range = (0.5, 1.1)
_GAMMA_POINTING_DEG = 4.0
# Third standardised moment along the major axis: a steep head towards the source, a long tail away from it.
# A skewed Gaussian reaches 0.995 at most.
_SKEWNESS: Range = (0.3, 0.8)

# Hadrons, in degrees: wider, with one to four sub-showers around the centre of gravity, which lies anywhere in a
# circle; the directions of sub-showers scatter around that of the shower, which is isotropic.
_HADRON_LENGTH_DEG: Range = (0.18, 0.42)
_HADRON_WIDTH_DEG: Range = (0.10, 0.25)
_HADRON_DISTANCE_DEG = 1.3
_SUB_SHOWERS = (1, 4)
_SUB_SHOWER_SPREAD_DEG = 0.30
_SUB_SHOWER_POINTING_DEG = 25.0
# Shares of the light among sub-showers: a Dirichlet distribution with all parameters this, where 1 favours none.
_SUB_SHOWER_EVENNESS = 1.0

# Rings of local muons: the Cherenkov angle in air, from threshold's end to its largest value near the ground, 1.2
# degrees (Vacanti et al., Astropart. Phys. 2 (1994) 1); rms of the ring's thickness; light in photoelectrons.
_RING_RADIUS_DEG: Range = (0.7, 1.2)
_RING_WIDTH_DEG: Range = (0.04, 0.09)
_RING_PE: Range = (80.0, 250.0)

# When an image is measured, a pixel belongs to it where it and one of its four neighbours lie above the sky's mean by
# so many of its standard deviations.
_CLEANING = 3.0


class Camera(NamedTuple):
    """A square grid of square pixels.

    Attributes:
        pixels: Pixels along each side.
        pixel_deg: Side of a pixel in the sky, in degrees.
        sky_pe: Mean number of the night sky's photoelectrons per pixel.
    """

    pixels: int
    pixel_deg: float
    sky_pe: float

    @classmethod
    def of(cls, pixels: int, field_of_view_deg: float, night_sky: float) -> Camera:
        """Return each pixel its share of the field of view, and the sky's photoelectrons that fall into it."""
        pixel_deg = field_of_view_deg / pixels
        photons = _SKY_PHOTONS * np.deg2rad(pixel_deg) ** 2 * _MIRROR_M2 * _WINDOW_S
        return cls(pixels, pixel_deg, float(night_sky * photons * _PHOTON_EFFICIENCY))


def load(
    *,
    input_format: FixedPoint | None,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    events: int = 20_000,
    pixels: int = 24,
    field_of_view_deg: float = 4.0,
    threshold_pe: float = 100.0,
    spectral_index: float = 2.7,
    night_sky: float = 1.0,
    muon_rings: float = 0.15,
) -> Dataset:
    """Draw images, one third of each class, and split them.

    Args:
        input_format: Unsigned whole numbers; None for ufixed<8,8>. More photoelectrons than that saturate.
        validation_fraction: Share of all events to validate on.
        test_fraction: Share of all events to test on.
        seed: Seed of the images and of the split.
        events: Number of images.
        pixels: Pixels along each side of the camera.
        field_of_view_deg: Side of the camera in the sky, in degrees.
        threshold_pe: Smallest light of a shower, in photoelectrons.
        spectral_index: The light of showers falls with this power; cosmic rays have 2.7 in energy (Particle Data Group,
            Review of Particle Physics 2024, cosmic rays), to which the light is about proportional.
        night_sky: Brightness of the night sky, in units of a dark one; some 5 in moonlight.
        muon_rings: Probability of a muon's ring in a hadron's image.

    Raises:
        DataError: The format does not fit, an option is out of range, or the fractions leave a part empty.
    """
    chosen = drawn.counting_format(INFO, input_format)
    drawn.check_events(events, pixels**2)
    drawn.check_option("pixels", pixels, 4, 256)
    drawn.check_option("field_of_view_deg", field_of_view_deg, 1, 20, "degrees")
    drawn.check_option("threshold_pe", threshold_pe, 1, _LARGEST_PE / 2, "photoelectrons")
    drawn.check_option("spectral_index", spectral_index, 1.1, 10)
    drawn.check_option("night_sky", night_sky, 0, 100)
    drawn.check_option("muon_rings", muon_rings, 0, 1)
    rng = np.random.default_rng(seed)
    labels = drawn.shuffled_labels(rng, events, [1 / len(CLASSES)] * len(CLASSES))
    camera = Camera.of(pixels, field_of_view_deg, night_sky)
    images = np.empty((events, pixels, pixels, 1), np.float32)
    for start in range(0, events, CHUNK):
        part = labels[start : start + CHUNK]
        size = drawn.power_law(rng, threshold_pe, spectral_index, len(part), _LARGEST_PE)
        light = [
            _ellipses(rng, _gammas(rng, np.flatnonzero(part == 0), size)),
            _ellipses(rng, _hadrons(rng, np.flatnonzero(part == 1), size)),
            _rings(rng, np.flatnonzero((part == 1) & (rng.random(len(part)) < muon_rings))),
        ]
        images[start : start + CHUNK, ..., 0] = _counts(rng, camera, len(part), light)
    return drawn.dataset(
        INFO,
        chosen,
        CLASSES,
        images,
        labels,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
        # The source is in the middle: images may be turned and mirrored, but not shifted.
        symmetries=("flip_rows", "flip_columns", "quarter_turns", "rotation"),
    )


def controls(events: Events, options: Mapping[str, Any]) -> tuple[Control, ...]:
    """Measure each image as Hillas did, without the pixels that the night sky alone may have lit.

    Args:
        events: [events, pixels, pixels, 1].
        options: Those of `load`.
    """
    camera = Camera.of(options["pixels"], options["field_of_view_deg"], options["night_sky"])
    least = camera.sky_pe + _CLEANING * np.sqrt(camera.sky_pe)
    above = np.pad(events[..., 0] > least, ((0, 0), (1, 1), (1, 1)))
    beside = above[:, :-2, 1:-1] | above[:, 2:, 1:-1] | above[:, 1:-1, :-2] | above[:, 1:-1, 2:]
    lit = above[:, 1:-1, 1:-1] & beside
    signal = np.where(lit, events[..., 0].astype(np.float64) - camera.sky_pe, 0)
    shape = ellipses(signal)
    return (
        Control("charge of lit pixels", "photoelectrons", signal.sum(axis=(1, 2))),
        Control("lit pixels", f"two neighbours above {least:.1f} pe", np.count_nonzero(lit, axis=(1, 2)).astype(float)),
        Control("length", "degrees", shape.length * camera.pixel_deg),
        Control("width", "degrees", shape.width * camera.pixel_deg),
        Control("distance from the centre", "degrees", shape.distance * camera.pixel_deg),
        Control("alpha: axis to the centre", "degrees", np.rad2deg(shape.alpha)),
    )


class _Light(NamedTuple):
    """Photoelectrons: the event that each belongs to, and where it falls, in degrees from the camera's centre."""

    event: npt.NDArray[np.int64]
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]


class _Ellipses(NamedTuple):
    """Ellipses of light, one row each: event, mean photoelectrons, centre, angle of the major axis, rms, skewness."""

    event: npt.NDArray[np.int64]
    size_pe: npt.NDArray[np.float64]
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    psi: npt.NDArray[np.float64]
    length: npt.NDArray[np.float64]
    width: npt.NDArray[np.float64]
    skewness: npt.NDArray[np.float64]


def _gammas(rng: Rng, event: npt.NDArray[np.int64], size: npt.NDArray[np.float64]) -> _Ellipses:
    """One narrow ellipse each, whose axis points at the camera's centre and whose tail points away from it."""
    n = len(event)
    distance, around = between(rng, _GAMMA_DISTANCE_DEG, n), rng.uniform(0, 2 * np.pi, n)
    return _Ellipses(
        event,
        size[event],
        distance * np.cos(around),
        distance * np.sin(around),
        around + np.deg2rad(_GAMMA_POINTING_DEG) * rng.standard_normal(n),
        between(rng, _GAMMA_LENGTH_DEG, n),
        between(rng, _GAMMA_WIDTH_DEG, n),
        between(rng, _SKEWNESS, n),
    )


def _hadrons(rng: Rng, shower: npt.NDArray[np.int64], size: npt.NDArray[np.float64]) -> _Ellipses:
    """One to four wide ellipses each, in any direction."""
    distance = _HADRON_DISTANCE_DEG * np.sqrt(rng.random(len(shower)))
    around, psi = rng.uniform(0, 2 * np.pi, (2, len(shower)))
    number = rng.integers(*_SUB_SHOWERS, size=len(shower), endpoint=True)
    row = np.repeat(np.arange(len(shower)), number)
    n = len(row)
    # Gamma variates, divided by their sum, are a Dirichlet distribution.
    share = rng.standard_gamma(_SUB_SHOWER_EVENNESS, n)
    share /= np.bincount(row, share, minlength=len(shower))[row]
    # An image of one ellipse keeps its place.
    spread = np.where(number[row] > 1, _SUB_SHOWER_SPREAD_DEG, 0.0)
    return _Ellipses(
        shower[row],
        size[shower[row]] * share,
        (distance * np.cos(around))[row] + spread * rng.standard_normal(n),
        (distance * np.sin(around))[row] + spread * rng.standard_normal(n),
        psi[row] + np.deg2rad(_SUB_SHOWER_POINTING_DEG) * rng.standard_normal(n),
        between(rng, _HADRON_LENGTH_DEG, n),
        between(rng, _HADRON_WIDTH_DEG, n),
        between(rng, _SKEWNESS, n),
    )


def _ellipses(rng: Rng, table: _Ellipses) -> _Light:
    """Draw the photoelectrons of ellipses: a skewed Gaussian along the major axis, a Gaussian across it."""
    number = rng.poisson(table.size_pe)
    # A skew-normal variate is delta |u| + sqrt(1 - delta^2) v of two normal ones; delta follows from the skewness, and
    # shift and scale make mean 0 and variance 1 of it (Azzalini, Scand. J. Statist. 12 (1985) 171).
    third = (2 * table.skewness / (4 - np.pi)) ** (2 / 3)
    delta = np.sqrt(np.pi / 2 * third / (1 + third))
    mean = delta * np.sqrt(2 / np.pi)
    scale = table.length / np.sqrt(1 - mean**2)
    cosine, sine = np.cos(table.psi), np.sin(table.psi)
    row = np.repeat(np.arange(len(number)), number)
    u, v, w = rng.standard_normal((3, len(row)))
    along = (scale * delta)[row] * np.abs(u) + (scale * np.sqrt(1 - delta**2))[row] * v - (scale * mean)[row]
    across = table.width[row] * w
    cosine, sine = cosine[row], sine[row]
    return _Light(
        table.event[row],
        table.x[row] + cosine * along - sine * across,
        table.y[row] + sine * along + cosine * across,
    )


def _rings(rng: Rng, event: npt.NDArray[np.int64]) -> _Light:
    """Draw the photoelectrons of muons' rings, with a Gaussian profile across, anywhere where hadrons are."""
    n = len(event)
    distance, place = _HADRON_DISTANCE_DEG * np.sqrt(rng.random(n)), rng.uniform(0, 2 * np.pi, n)
    radius, width = between(rng, _RING_RADIUS_DEG, n), between(rng, _RING_WIDTH_DEG, n)
    row = np.repeat(np.arange(n), rng.poisson(between(rng, _RING_PE, n)))
    around = rng.uniform(0, 2 * np.pi, len(row))
    away = radius[row] + width[row] * rng.standard_normal(len(row))
    return _Light(
        event[row],
        (distance * np.cos(place))[row] + away * np.cos(around),
        (distance * np.sin(place))[row] + away * np.sin(around),
    )


def _counts(rng: Rng, camera: Camera, events: int, light: list[_Light]) -> npt.NDArray[np.int64]:
    """Count the photoelectrons of showers and of the night sky in each pixel, [events, pixels, pixels]."""
    size = camera.pixels**2
    # A Poisson number of photoelectrons over the camera, each in any pixel, is one of its own in every pixel.
    sky = np.repeat(np.arange(events), rng.poisson(camera.sky_pe * size, events))
    hit = [sky * size + rng.integers(size, size=len(sky), dtype=np.int32)]
    for event, x, y in light:
        column = np.floor(x / camera.pixel_deg + camera.pixels / 2).astype(np.int64)
        row = np.floor(y / camera.pixel_deg + camera.pixels / 2).astype(np.int64)
        seen = (np.minimum(row, column) >= 0) & (np.maximum(row, column) < camera.pixels)
        hit.append((event * size + row * camera.pixels + column)[seen])
    counts = np.bincount(np.concatenate(hit), minlength=events * size)
    return counts.reshape(events, camera.pixels, camera.pixels)

"""Images of jets in pseudorapidity and azimuth: quarks and gluons, W bosons, top quarks.

The jets are those of `jets.py`. Each is moved, turned and mirrored to a standard position (Cogan et al., JHEP 02 (2015)
118, arXiv:1407.5675), and divided by its transverse momentum: a pixel is the share of it that falls there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets import drawn, jets
from trigcnn.models.datasets.base import Dataset, DatasetInfo, Events
from trigcnn.models.datasets.controls import Control, ellipses
from trigcnn.models.datasets.drawn import CHUNK, Range
from trigcnn.models.datasets.input_format import parse_input_format
from trigcnn.models.datasets.jets import RADIUS, Constituents, Floats
from trigcnn.models.errors import DataError

INFO = DatasetInfo(
    name="jet_images",
    description="images of jets in pseudorapidity and azimuth; qcd, w and top",
    events="20000 (option)",
    shape="16x16x1",
    input_format="ufixed<8,0>",
)

CLASSES = ("qcd", "w", "top")


def load(
    *,
    input_format: FixedPoint | None,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    events: int = 20_000,
    pixels: int = 16,
    pt_gev: Range = (500.0, 1000.0),
    gluons: float = 0.5,
) -> Dataset:
    """Draw images, one third of each class, and split them.

    Args:
        input_format: Unsigned with no bit left of the binary point; None for ufixed<8,0>.
        validation_fraction: Share of all events to validate on.
        test_fraction: Share of all events to test on.
        seed: Seed of the jets and of the split.
        events: Number of jets.
        pixels: Pixels along each side, which spans -0.8 to 0.8 in both directions.
        pt_gev: Smallest and largest transverse momentum, in GeV; within, it falls as the fifth power.
        gluons: Share of gluons in the class qcd; the others are light quarks.

    Raises:
        DataError: The format does not fit, an option is out of range, or the fractions leave a part empty.
    """
    chosen = input_format or parse_input_format(INFO.input_format)
    if chosen.signed or chosen.integer != 0:
        raise DataError(
            f"data.input_format {chosen} does not fit the data set {INFO.name}, whose pixels are shares from 0 to 1; "
            f"use {INFO.input_format}, or ufixed<W,0> with another number of bits"
        )
    drawn.check_events(events, pixels**2)
    drawn.check_option("pixels", pixels, 4, 256)
    jets.check_pt(pt_gev)
    drawn.check_option("gluons", gluons, 0, 1)
    rng = np.random.default_rng(seed)
    labels = drawn.shuffled_labels(rng, events, [1 / len(CLASSES)] * len(CLASSES))
    images = np.empty((events, pixels, pixels, 1), np.float32)
    for start in range(0, events, CHUNK):
        part = labels[start : start + CHUNK]
        quark = (rng.random(len(part)) >= gluons).astype(np.int64)
        kinds = np.select([part == 0, part == 1], [quark, jets.KINDS.index("w")], jets.KINDS.index("t"))
        images[start : start + CHUNK, ..., 0] = _image(jets.draw(rng, kinds, pt_gev), len(part), pixels)
    return drawn.dataset(
        INFO,
        chosen,
        CLASSES,
        images,
        labels,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )


def controls(events: Events, options: Mapping[str, Any]) -> tuple[Control, ...]:
    """Measure each jet by its pixels.

    Args:
        events: [events, pixels, pixels, 1].
        options: Those of `load`.
    """
    share = events[..., 0].astype(np.float64)
    pixel = 2 * RADIUS / options["pixels"]
    shape = ellipses(share)
    return (
        # The mass of massless particles at small angles is that of the spread of their momentum.
        Control("mass / transverse momentum", "ratio", np.hypot(shape.length, shape.width) * pixel),
        Control("length (rms)", "pseudorapidity", shape.length * pixel),
        Control("width (rms)", "pseudorapidity", shape.width * pixel),
        Control("largest pixel", "share of the momentum", share.max(axis=(1, 2))),
        Control("pixels", "above 1 % of the momentum", np.count_nonzero(share > 0.01, axis=(1, 2)).astype(float)),
    )


def _image(given: Constituents, count: int, pixels: int) -> Floats:
    """Sum up shares of the transverse momentum in pixels, [jets, pixels, pixels]; rows are the major axis."""
    share, along, across = _standard_position(given, count)
    row, column = (np.floor((x / RADIUS + 1) / 2 * pixels).astype(np.int64) for x in (along, across))
    # A constituent far off the centre of a wide jet may lie outside.
    seen = (np.minimum(row, column) >= 0) & (np.maximum(row, column) < pixels)
    at = (given.jet * pixels + row) * pixels + column
    image = np.bincount(at[seen], share[seen], minlength=count * pixels**2)
    return image.reshape(count, pixels, pixels).astype(np.float64, copy=False)


def _standard_position(given: Constituents, count: int) -> tuple[Floats, Floats, Floats]:
    """Centre, turn, mirror and normalise jets.

    Returns:
        Share of the jet's transverse momentum, and place along and across the major axis of its distribution, of each
        constituent. The centre of gravity is at 0; the larger third moments are on the positive sides.
    """

    def mean(values: Floats) -> Floats:
        return given.sums(share * values, count)[given.jet]

    share = given.pt / given.sums(given.pt, count)[given.jet]
    eta, phi = given.eta - mean(given.eta), given.phi - mean(given.phi)
    angle = np.arctan2(2 * mean(eta * phi), mean(eta * eta) - mean(phi * phi)) / 2
    cosine, sine = np.cos(angle), np.sin(angle)
    along, across = cosine * eta + sine * phi, cosine * phi - sine * eta
    along, across = (np.where(mean(x**3) < 0, -x, x) for x in (along, across))
    return share, along, across

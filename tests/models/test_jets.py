"""Toy jets, and the images and features that are made of them."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets import Dataset, jet_features, jet_images, jets
from trigcnn.models.datasets.jets import KINDS, Constituents
from trigcnn.models.errors import DataError

PT: tuple[float, float] = (500.0, 1000.0)
PARTS = {"validation_fraction": 0.1, "test_fraction": 0.1}


def images(**options: Any) -> Dataset:
    fixed: dict[str, Any] = {"input_format": None, "seed": 5, "events": 1500}
    return jet_images.load(**(PARTS | fixed | options))


def features(**options: Any) -> Dataset:
    fixed: dict[str, Any] = {"input_format": None, "seed": 5, "events": 1500}
    return jet_features.load(**(PARTS | fixed | options))


def pair_mass(pt: Any, eta: Any, phi: Any) -> Any:
    """Mass of two massless particles at a small angle."""
    return np.sqrt(pt[0] * pt[1] * ((eta[0] - eta[1]) ** 2 + (phi[0] - phi[1]) ** 2))


def test_the_products_of_a_decay_have_the_mass_of_what_decayed_and_open_by_twice_the_mass_by_momentum() -> None:
    rng = np.random.default_rng(1)
    pt = np.full(5000, 800.0)
    prongs = jets._boson(rng, np.arange(5000), pt, 80.4)
    momentum, eta, phi = (column.reshape(2, -1) for column in (prongs.pt, prongs.eta, prongs.phi))
    np.testing.assert_allclose(momentum.sum(axis=0), 800)
    np.testing.assert_allclose(pair_mass(momentum, eta, phi), 80.4)
    angle = np.hypot(eta[0] - eta[1], phi[0] - phi[1])
    assert angle.min() == pytest.approx(2 * 80.4 / 800, rel=1e-3)
    # An isotropic decay shares the momentum evenly.
    np.testing.assert_allclose(np.quantile(momentum[0], [0.25, 0.5, 0.75]), [200, 400, 600], rtol=0.06)


def test_a_top_quark_has_three_prongs_two_of_which_have_the_mass_of_a_w() -> None:
    prongs = jets._top(np.random.default_rng(1), np.arange(3000), np.full(3000, 800.0))
    pt, eta, phi = (column.reshape(3, -1) for column in (prongs.pt, prongs.eta, prongs.phi))
    np.testing.assert_allclose(pair_mass(pt[:2], eta[:2], phi[:2]), 80.4)
    pairs = [pair_mass(pt[[i, j]], eta[[i, j]], phi[[i, j]]) ** 2 for i, j in combinations(range(3), 2)]
    np.testing.assert_allclose(np.sqrt(sum(pairs)), 172.6)


def test_the_spectrum_of_jets_falls_as_the_fifth_power_within_its_limits() -> None:
    kinds = np.zeros(6000, np.int64)
    given = jets.draw(np.random.default_rng(1), kinds, (500.0, 2000.0))
    pt = given.sums(given.pt, kinds.size)
    # The blur of single constituents is small in their sum.
    expected = ((500 / 600) ** 4 - (500 / 1000) ** 4) / (1 - (500 / 2000) ** 4)
    assert ((pt > 600) & (pt < 1000)).mean() == pytest.approx(expected, rel=0.08)


def test_constituents_lie_within_the_jet_in_the_order_of_jets_and_gluons_have_more() -> None:
    kinds = np.arange(3000) % len(KINDS)
    given = jets.draw(np.random.default_rng(1), kinds, PT)
    assert (np.diff(given.jet) >= 0).all()
    assert np.hypot(given.eta, given.phi).max() < 0.8
    number = np.bincount(given.jet, minlength=3000)
    assert number.min() > 0
    mean = [number[kinds == kind].mean() for kind in range(5)]
    assert mean[0] > 1.4 * mean[1]


def test_images_are_shares_of_the_momentum_in_three_equal_classes() -> None:
    dataset = images(input_format=FixedPoint.parse("ufixed<16,0>"))
    assert [part.events.shape[0] for part in (dataset.train, dataset.validation, dataset.test)] == [1200, 150, 150]
    assert dataset.input_shape == (16, 16, 1)
    assert dataset.classes == ("qcd", "w", "top")
    assert dataset.symmetries == ()
    assert np.bincount(dataset.train.labels).tolist() == [400] * 3
    total = dataset.train.events.sum(axis=(1, 2, 3))
    assert total.max() <= 1 + 256 * 2.0**-17
    assert np.median(total) == pytest.approx(1, abs=0.002)


def test_images_are_centred_turned_and_mirrored() -> None:
    dataset = images(input_format=FixedPoint.parse("ufixed<16,0>"), pixels=32)
    shown = dataset.train.events[..., 0].astype(float)
    middle = np.arange(32) - 15.5
    rows, columns = shown.sum(axis=2), shown.sum(axis=1)
    along, across = rows @ middle, columns @ middle
    # Half a pixel: constituents were moved, not pixels.
    assert max(np.quantile(np.abs(along), 0.9), np.quantile(np.abs(across), 0.9)) < 0.5
    assert (rows @ middle**2 >= columns @ middle**2 - 2).mean() > 0.95
    assert (rows @ middle**3).mean() > 0
    assert (columns @ middle**3).mean() > 0
    covariance = np.einsum("nrc,r,c->n", shown, middle, middle)
    assert np.abs(covariance).mean() < 0.1 * (rows @ middle**2).mean()


def test_a_jet_of_three_constituents_is_put_where_it_belongs() -> None:
    # Along the azimuth, the hard one below: turned by a right angle, and mirrored so that the far one is up.
    given = Constituents(
        np.zeros(3, np.int64), np.array([60.0, 20, 20]), np.array([0.1, 0.1, 0.1]), np.array([0, 0.2, 0.5])
    )
    share, along, across = jet_images._standard_position(given, 1)
    np.testing.assert_allclose(share, [0.6, 0.2, 0.2])
    np.testing.assert_allclose(along, [-0.14, 0.06, 0.36], atol=1e-12)
    np.testing.assert_allclose(across, 0, atol=1e-12)


def test_features_are_what_their_definitions_give() -> None:
    rng = np.random.default_rng(3)
    pt, eta, phi = rng.exponential(10, 5), rng.normal(0, 0.2, 5), rng.normal(0, 0.2, 5)
    given = Constituents(np.array([0, 0, 0, 0, 0]), pt, eta, phi)
    z = pt / pt.sum()
    angle = np.hypot(eta[:, None] - eta, phi[:, None] - phi)
    pairs, triplets = list(combinations(range(5), 2)), list(combinations(range(5), 3))

    def e2(beta: float) -> float:
        return float(sum(z[i] * z[j] * angle[i, j] ** beta for i, j in pairs))

    def e3(beta: float, sides: int = 3) -> float:
        return float(
            sum(
                z[i] * z[j] * z[k] * np.prod(sorted([angle[i, j], angle[i, k], angle[j, k]])[:sides]) ** beta
                for i, j, k in triplets
            )
        )

    expected = {
        "zlogz": (z * np.log(z)).sum(),
        "c1_b0": e2(0),
        "c1_b1": e2(1),
        "c1_b2": e2(2),
        "c2_b1": e3(1) / e2(1) ** 2,
        "c2_b2": e3(2) / e2(2) ** 2,
        "d2_b1": e3(1) / e2(1) ** 3,
        "d2_b2": e3(2) / e2(2) ** 3,
        "d2_a1_b1": e3(1) / e2(1) ** 3,
        "d2_a1_b2": e3(1) / e2(2) ** 1.5,
        "m2_b1": e3(1, 1) / e2(1),
        "m2_b2": e3(2, 1) / e2(2),
        "n2_b1": e3(1, 2) / e2(1) ** 2,
        "n2_b2": e3(2, 2) / e2(2) ** 2,
        "mass": np.sqrt(sum(pt[i] * pt[j] * angle[i, j] ** 2 for i, j in pairs)),
        "multiplicity": 5,
    }
    assert tuple(expected) == jet_features.FEATURES
    np.testing.assert_allclose(jet_features.compute(given, 1)[0], list(expected.values()), rtol=1e-6)


def test_features_are_standardised_by_jets_that_are_not_among_the_events() -> None:
    dataset = features(events=5000)
    assert dataset.input_shape == (16,)
    assert dataset.classes == KINDS
    assert (str(dataset.input_format), dataset.symmetries) == ("fixed<16,6>", ())
    np.testing.assert_allclose(dataset.train.events.mean(axis=0), 0, atol=0.1)
    np.testing.assert_allclose(dataset.train.events.std(axis=0), 1, atol=0.25)


def test_heavier_particles_have_more_mass() -> None:
    dataset = features()
    mass = dataset.train.events[:, jet_features.FEATURES.index("mass")]
    g, q, w, z, t = (float(np.median(mass[dataset.train.labels == label])) for label in range(5))
    assert max(g, q) < w < z < t


@pytest.mark.parametrize("draw", [images, features])
def test_the_seed_alone_decides(draw: Any) -> None:
    first, again, other = draw(events=600), draw(events=600), draw(events=600, seed=6)
    np.testing.assert_array_equal(first.train.events, again.train.events)
    assert not np.array_equal(first.train.events, other.train.events)


@pytest.mark.parametrize(
    ("draw", "options", "message"),
    [
        (images, {"input_format": FixedPoint.parse("fixed<8,1>")}, "fixed<8,1> does not fit the data set jet_images"),
        (images, {"events": 3}, "data.options.events: 3 must be at least 100"),
        (images, {"pixels": 2}, "data.options.pixels: 2 must be between 4 and 256"),
        (images, {"gluons": 1.5}, "data.options.gluons: 1.5 must be between 0 and 1"),
        (images, {"pt_gev": (900.0, 400.0)}, r"data.options.pt_gev: \[900.0, 400.0\] must be a smallest and a largest"),
        (features, {"input_format": FixedPoint.parse("ufixed<8,8>")}, "does not fit the data set jet_features"),
        (features, {"pt_gev": (10.0, 400.0)}, "a largest value between 200 and 5000 GeV"),
    ],
)
def test_options_that_cannot_be_are_refused(draw: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        draw(**options)

"""Control distributions of data sets, on events whose values are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trigcnn.models import datasets
from trigcnn.models.datasets import Control
from trigcnn.models.datasets.controls import ellipses, of_any


def measured(name: str, events: Any, **options: Any) -> dict[str, float]:
    """The controls of one event by name and unit."""
    found = datasets.controls(name, np.asarray(events, np.float32), options)
    return {f"{control.name}, {control.unit}": float(control.values[0]) for control in found}


def test_moments_are_those_of_the_light() -> None:
    image = np.zeros((2, 9, 11))
    # Three pixels on the diagonal, off the centre: turned by 45 degrees.
    image[0, [5, 6, 7], [6, 7, 8]] = [1, 2, 1]
    found = ellipses(image)
    assert found.length[0] == pytest.approx(1.0)
    assert found.width[0] == pytest.approx(0, abs=1e-7)
    assert found.distance[0] == pytest.approx(np.hypot(2, 2))
    assert found.alpha[0] == pytest.approx(0, abs=1e-9)
    assert all(np.isnan(values[1]) for values in found)


def test_an_image_that_lies_across_the_line_to_the_centre_has_a_right_angle() -> None:
    image = np.zeros((1, 9, 9))
    image[0, 2:7, 7] = 1
    assert np.rad2deg(ellipses(image).alpha[0]) == pytest.approx(90)
    assert ellipses(image).length[0] == pytest.approx(np.sqrt(2))


def test_any_image_and_any_vector_has_controls() -> None:
    image = np.zeros((1, 4, 4, 3), np.float32)
    image[0, 1, 1] = [1, 2, 4]
    assert [float(control.values[0]) for control in of_any(image)] == [7, 1, 0, 0]
    vector = of_any(np.array([[1, 2, 3]], np.float32))
    assert [(control.name, float(control.values[0])) for control in vector] == [
        ("mean", 2.0),
        ("standard deviation", pytest.approx(np.sqrt(2 / 3))),
        ("smallest value", 1.0),
        ("largest value", 3.0),
    ]


def test_a_camera_counts_pixels_that_have_a_lit_neighbour() -> None:
    image = np.zeros((1, 24, 24, 1))
    image[0, 12, [16, 17, 18], 0] = 20
    # Alone, it is the sky's.
    image[0, 3, 3, 0] = 30
    found = measured("cherenkov", image)
    sky = 3.04617
    assert found["lit pixels, two neighbours above 8.3 pe"] == 3
    assert found["charge of lit pixels, photoelectrons"] == pytest.approx(3 * (20 - sky), abs=1e-3)
    assert found["length, degrees"] == pytest.approx(np.sqrt(2 / 3) * 4 / 24)
    assert found["width, degrees"] == pytest.approx(0, abs=1e-6)
    assert found["distance from the centre, degrees"] == pytest.approx(np.hypot(5.5, 0.5) * 4 / 24)
    assert found["alpha: axis to the centre, degrees"] == pytest.approx(np.rad2deg(np.arctan(0.5 / 5.5)), abs=1e-4)
    # Options count: twice the field of view, and a sky as bright in each pixel.
    wide = measured("cherenkov", image, field_of_view_deg=8.0, night_sky=0.25)
    assert wide["length, degrees"] == pytest.approx(2 * found["length, degrees"])


def test_a_calorimeter_adds_up_in_gev() -> None:
    regions = np.zeros((1, 18, 14, 1))
    regions[0, 3, [2, 5, 7], 0] = [12, 42, 10]
    assert measured("calorimeter", regions) == {
        "sum of transverse energies, GeV": 32,
        "largest region, GeV": 21,
        "regions, above 5 GeV": 2,
        "regions, above 20 GeV": 1,
    }


def test_the_mass_of_two_prongs_is_that_of_their_angle() -> None:
    image = np.zeros((1, 16, 16, 1))
    image[0, [5, 9], 7, 0] = 0.5
    found = measured("jet_images", image)
    # m^2 = pT1 pT2 angle^2, four pixels of 0.1 apart.
    assert found["mass / transverse momentum, ratio"] == pytest.approx(0.5 * 0.4)
    assert found["largest pixel, share of the momentum"] == 0.5
    assert found["pixels, above 1 % of the momentum"] == 2


def test_a_waveform_is_measured_above_its_baseline() -> None:
    wave = np.full((1, 64, 1), 200.0)
    wave[0, 20:23, 0] = [250, 300, 260]
    assert measured("waveforms", wave) == {
        "height, counts": 100,
        "charge / height, ns": pytest.approx(2.1 * 4),
        "time of the largest sample, ns": 84,
        "time above half the height, ns": 8,
    }


def test_features_are_picked_by_name() -> None:
    found = datasets.controls("jet_features", np.arange(16, dtype=np.float32)[None], {})
    assert [(control.name, float(control.values[0])) for control in found][:2] == [("mass", 14), ("multiplicity", 15)]


def test_a_data_set_without_controls_of_its_own_has_those_of_any() -> None:
    events = np.ones((2, 8, 8, 1), np.float32)
    found, expected = datasets.controls("digits", events, {}), of_any(events)
    assert [control[:2] for control in found] == [control[:2] for control in expected]
    assert isinstance(found[0], Control)

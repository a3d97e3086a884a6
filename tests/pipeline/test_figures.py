"""The figures of a report."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import matplotlib as mpl
import pytest

from pipeline.reporting import curves, figures
from pipeline.reporting.report import Report

DRAW = [figures.confusion_matrix, figures.value_ranges, curves.training_curves]


def texts(svg: str) -> list[str]:
    """All text of a figure; it must be well-formed."""
    return [node.text or "" for node in ET.fromstring(svg).iter() if node.tag.endswith("}text")]


def confusion_matrix(report: Report) -> str:
    svg = figures.confusion_matrix(report)
    assert svg is not None
    return svg


def with_classes(report: Report, classes: list[str]) -> Report:
    n = len(classes)
    counts = [[100 if i == j else (i + j) % 3 for j in range(n)] for i in range(n)]
    confusion = {"classes": classes, "counts": counts}
    return Report.model_validate(report.model_dump() | {"confusion": confusion})


@pytest.mark.parametrize("draw", DRAW)
def test_a_figure_is_the_same_each_time(sample_report: Report, draw: object) -> None:
    assert callable(draw)
    assert draw(sample_report) == draw(sample_report)


@pytest.mark.parametrize("draw", DRAW)
def test_a_figure_takes_its_colours_and_fonts_from_the_page(sample_report: Report, draw: object) -> None:
    assert callable(draw)
    svg = draw(sample_report)
    assert "currentColor" in svg
    assert "font-family:" not in svg
    assert "<style" not in svg
    assert "<metadata" not in svg
    left = set(re.findall(r"(?<!, )(?<!#)#[0-9a-f]{6}\b", svg)) - {"#ffffff"}
    assert left == set()


def test_drawing_leaves_the_settings_of_matplotlib_alone(sample_report: Report) -> None:
    before = dict(mpl.rcParams)
    curves.training_curves(sample_report)
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("n", [2, 3, 10, 20])
def test_a_confusion_matrix_shows_all_classes_and_counts(sample_report: Report, n: int) -> None:
    classes = [f"class {i}" for i in range(n)]
    report = with_classes(sample_report, classes)
    assert report.confusion is not None
    found = texts(confusion_matrix(report))
    for name in classes:
        assert found.count(name) == 2
    assert found.count("100") == n
    events = sum(map(sum, report.confusion.counts))
    assert f"{100 * n:,} of {events:,} test events" in confusion_matrix(report)


def test_names_are_text_not_markup_or_mathematics(sample_report: Report) -> None:
    names = ["<script>", "$\\frac$", "a & b"]
    found = texts(confusion_matrix(with_classes(sample_report, names)))
    assert set(names) <= set(found)


def test_ranges_show_each_tensor_and_its_format(sample_report: Report) -> None:
    found = texts(figures.value_ranges(sample_report))
    for entry in sample_report.ranges:
        assert f"{entry.layer} · {entry.tensor}" in found
        assert entry.format in found


def test_values_that_leave_their_format_stand_out(sample_report: Report) -> None:
    inside = figures.value_ranges(sample_report)
    ranges = [entry.model_dump() for entry in sample_report.ranges]
    ranges[3] |= {"minimum": -80.0, "maximum": 300.0}
    outside = figures.value_ranges(Report.model_validate(sample_report.model_dump() | {"ranges": ranges}))
    assert "--bad" not in inside
    assert "; 0 leave theirs" in inside
    assert outside.count("--bad") == 2
    assert "; 1 leave theirs" in outside


def test_constant_and_zero_values_can_be_drawn(sample_report: Report) -> None:
    ranges = [entry.model_dump() for entry in sample_report.ranges[:2]]
    ranges[0] |= {"minimum": 0.0, "maximum": 0.0}
    ranges[1] |= {"minimum": 0.5, "maximum": 0.5}
    svg = figures.value_ranges(Report.model_validate(sample_report.model_dump() | {"ranges": ranges}))
    assert "conv1 · weight" in texts(svg)


def test_curves_are_drawn_for_the_models_that_were_trained(sample_report: Report) -> None:
    both = curves.training_curves(sample_report)
    assert both is not None
    assert {"quantized, validation", "float twin, training"} <= set(texts(both))
    training = sample_report.training.model_dump() | {"float_twin": None}
    one = curves.training_curves(Report.model_validate(sample_report.model_dump() | {"training": training}))
    assert one is not None
    assert "float twin" not in one


def test_nothing_trained_gives_no_curves(sample_report: Report) -> None:
    training = sample_report.training.model_dump() | {"trained": False, "quantized": None, "float_twin": None}
    report = Report.model_validate(sample_report.model_dump() | {"training": training})
    assert curves.training_curves(report) is None


def test_curves_show_what_was_followed_what_was_kept_and_where_the_network_was_changed(sample_report: Report) -> None:
    quantized = {
        "loss": [3.0, 2.0, 1.0],
        "validation_loss": [3.0, 2.5, 2.0],
        "accuracy": [],
        "validation_accuracy": [],
        "signal_efficiency": [0.1, 0.3, 0.25],
        "kept": [2, 3],
        "folded_after": 2,
        "pruned_after": 1,
    }
    teacher = {"loss": [9.0], "validation_loss": [8.0], "accuracy": [], "validation_accuracy": []}
    training = sample_report.training.model_dump() | {"quantized": quantized, "float_twin": None, "teacher": teacher}
    report = Report.model_validate(sample_report.model_dump() | {"training": training})
    svg = curves.training_curves(report)
    assert svg is not None
    found = texts(svg)
    titles = [text for text in found if text in ("accuracy", "signal efficiency", "loss", "loss of the teacher")]
    assert titles == ["signal efficiency", "loss", "loss of the teacher"]
    assert found.count("pruned") == found.count("folded") == 2
    assert {"quantized, validation", "quantized, training", "teacher, validation"} <= set(found)
    assert curves.rows(report) == [
        ("Quantized", 3, 3, 1.0, 2.0, "signal efficiency", 0.25),
        ("Teacher", 1, 1, 9.0, 8.0, "", None),
    ]

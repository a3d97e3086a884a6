"""The picture of a network."""

from __future__ import annotations

import itertools
import re

import pytest

from trigcnn.pipeline.pages.figures.network import Picture, picture
from trigcnn.pipeline.results.report import Report


def picture_of(report: Report, inputs: dict[str, list[str]]) -> Picture:
    """The picture of layers with these names and inputs, all else as in the sample."""
    like = report.layers[1].model_dump()
    layers = [like | {"name": name, "inputs": fed_by} for name, fed_by in inputs.items()]
    drawn = picture(Report.model_validate(report.model_dump() | {"layers": layers}))
    assert drawn is not None
    return drawn


def ends(drawn: Picture) -> set[tuple[str, str]]:
    """Which boxes the edges join, found by where they begin and end."""
    lower = {(box.x, box.y + drawn.box_height + drawn.stem): box.name for box in drawn.boxes}
    upper = {(box.x, box.y): box.name for box in drawn.boxes}
    found = set()
    for path in drawn.paths:
        x, y = (float(n) for n in re.findall(r"[-\d.]+", path)[:2])
        start = lower[x, y]
        for command, numbers in re.findall(r"([CV])([-\d. ]+)", path):
            values = [float(n) for n in numbers.split()]
            x, y = (x, values[0]) if command == "V" else (values[4], values[5])
        found.add((start, upper[x, y]))
    return found


RESIDUAL = {"in": [], "conv1": ["in"], "relu1": ["conv1"], "conv2": ["relu1"], "add": ["conv2", "in"], "out": ["add"]}
INCEPTION = {
    "in": [], "a": ["in"], "b": ["in"], "c": ["in"], "b2": ["b"], "c2": ["c"], "join": ["a", "b2"],
    "join2": ["join", "c2"], "out": ["join2"],
}  # fmt: skip
DENSE = {"in": [], "a": ["in"], "ca": ["in", "a"], "b": ["ca"], "cb": ["ca", "b"], "c": ["cb"], "cc": ["cb", "c"]}
TWO = {"left": [], "right": [], "a": ["left"], "b": ["right"], "alone": []}


@pytest.mark.parametrize("inputs", [RESIDUAL, INCEPTION, DENSE, TWO], ids=["residual", "inception", "dense", "two"])
def test_edges_join_the_layers_that_feed_each_other(sample_report: Report, inputs: dict[str, list[str]]) -> None:
    drawn = picture_of(sample_report, inputs)
    assert [box.name for box in drawn.boxes] == list(inputs)
    assert ends(drawn) == {(name, layer) for layer, fed_by in inputs.items() for name in fed_by}


@pytest.mark.parametrize("inputs", [RESIDUAL, INCEPTION, DENSE, TWO], ids=["residual", "inception", "dense", "two"])
def test_data_runs_down_and_boxes_lie_apart_inside_the_picture(
    sample_report: Report, inputs: dict[str, list[str]]
) -> None:
    drawn = picture_of(sample_report, inputs)
    place = {box.name: (box.x, box.y) for box in drawn.boxes}
    assert all(place[name][1] < place[layer][1] for layer, fed_by in inputs.items() for name in fed_by)
    boxes = sorted(place.values(), key=lambda at: (at[1], at[0]))
    for (x, y), (next_x, next_y) in itertools.pairwise(boxes):
        assert next_y > y + drawn.box_height or next_x >= x + drawn.box_width
    for x, y in boxes:
        assert drawn.box_width / 2 <= x <= drawn.width - drawn.box_width / 2
        assert 0 <= y <= drawn.height - drawn.box_height


def test_a_skip_connection_passes_beside_the_boxes(sample_report: Report) -> None:
    drawn = picture_of(sample_report, RESIDUAL)
    (skip,) = [path for path in drawn.paths if path.count("C") > 1]
    bends = {float(x) for x in re.findall(r" ([-\d.]+) [-\d.]+(?=V)", skip)}
    between = [box for box in drawn.boxes if box.name in ("conv1", "relu1", "conv2")]
    assert bends
    assert all(abs(x - box.x) >= drawn.box_width / 2 for x in bends for box in between)


def test_formats_stand_below_their_layers_and_long_names_are_cut(sample_report: Report) -> None:
    name = "a_layer_with_a_name_that_is_far_too_long"
    drawn = picture_of(sample_report, {name: []})
    assert drawn.boxes[0].name == "a_layer_with_a_name_that…"
    assert drawn.boxes[0].title.startswith(f"{name}: Conv2D 3×3, result 6×6×8 in fixed<13,7")
    assert drawn.stems[0].text == "fixed<13,7>"
    assert drawn.paths == ()
    assert drawn.label.startswith("The network: 1 layers")
    whole = picture(sample_report)
    assert whole is not None
    assert [stem.title for stem in whole.stems] == [layer.result_format for layer in sample_report.layers]
    assert [box.has_weights for box in whole.boxes] == [layer.parameters > 0 for layer in sample_report.layers]


def test_the_same_network_gives_the_same_picture(sample_report: Report) -> None:
    assert picture_of(sample_report, INCEPTION) == picture_of(sample_report, INCEPTION)

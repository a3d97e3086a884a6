"""The figures of a report: what their charts hold, and that their tables say the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from tests.pipeline import sample_reports
from trigcnn.pipeline.pages.charts import Figure, Panel
from trigcnn.pipeline.pages.figures import confusion, latency, path, profile, resources, roc, training
from trigcnn.pipeline.results.report import Report

DRAW: list[Callable[[Report], Figure | None]] = [
    confusion.figure,
    profile.figure,
    resources.by_layer,
    resources.occupancy,
    training.figure,
]


def change(report: Report, **fields: object) -> Report:
    """A report with other content, validated anew."""
    return Report.model_validate(report.model_dump() | fields)


def drawn(figure: Figure | None) -> Figure:
    assert figure is not None
    return figure


def values(panel: Panel) -> list[dict[str, Any]]:
    """All rows of a chart's data."""
    specs = [panel.spec, *panel.spec.get("layer", [])]
    return [row for spec in specs if "data" in spec for row in spec["data"]["values"]]


def column(figure: Figure, title: str) -> list[object]:
    """A column of a figure's table."""
    at = [column.title for column in figure.table.columns].index(title)
    return [row[at] for row in figure.table.rows]


@pytest.mark.parametrize("draw", DRAW)
def test_a_figure_is_the_same_each_time(sample_report: Report, draw: Callable[[Report], Figure | None]) -> None:
    assert drawn(draw(sample_report)) == drawn(draw(sample_report))


@pytest.mark.parametrize("draw", DRAW)
def test_a_figure_takes_its_colours_from_the_page_and_nothing_from_the_network(
    sample_report: Report, draw: Callable[[Report], Figure | None]
) -> None:
    for panel in drawn(draw(sample_report)).panels:
        text = repr(panel.spec)
        assert "var(--" in text
        assert "'#" not in text
        assert "http" not in text
        assert len(panel.spec["description"]) > 20


@pytest.mark.parametrize("n", [2, 3, 10, 20])
def test_a_confusion_matrix_shows_all_classes_and_counts(sample_report: Report, n: int) -> None:
    classes = [f"class {i}" for i in range(n)]
    counts = [[100 if i == j else (i + j) % 3 for j in range(n)] for i in range(n)]
    figure = drawn(confusion.figure(change(sample_report, confusion={"classes": classes, "counts": counts})))
    cells = values(figure.panels[0])
    assert [(cell["true"], cell["given"], cell["events"]) for cell in cells] == [
        (classes[i], classes[j], counts[i][j]) for i in range(n) for j in range(n)
    ]
    assert [row[1:] for row in figure.table.rows] == [tuple(of_class) for of_class in counts]
    assert f"{100 * n:,} of {sum(map(sum, counts)):,} test events" in figure.panels[0].spec["description"]


def test_the_profile_places_values_on_the_bits_of_their_format(sample_report: Report) -> None:
    ranges = [entry.model_dump() for entry in sample_report.ranges]
    ranges[1] |= {"format": "fixed<4,1>", "lsb": 0.125, "format_minimum": -1.0, "format_maximum": 0.875}
    ranges[1] |= {"minimum": -0.25, "maximum": 0.5, "values": 8, "zeros": 2}
    quartiles = {"lower_quartile": 0.125, "median": 0.25, "upper_quartile": 0.5}
    ranges[1]["magnitudes"] = {"least": 0.125, "greatest": 0.5, **quartiles}
    figure = drawn(profile.figure(change(sample_report, ranges=ranges)))
    row = values(figure.panels[0])[1]
    assert {name: row[name] for name in ("from", "to", "least", "median", "greatest", "zeros", "outside")} == {
        "from": -3.0, "to": 0.0, "least": -3.0, "median": -2.0, "greatest": -1.0, "zeros": 0.25, "outside": False,
    }  # fmt: skip
    assert column(figure, "Spare bits")[1] == 1.0
    assert column(figure, "Format")[1] == "fixed<4,1>"
    assert "No value leaves its format." in figure.caption


def test_values_that_leave_their_format_stand_out(sample_report: Report) -> None:
    ranges = [entry.model_dump() for entry in sample_report.ranges]
    ranges[3] |= {"minimum": -80.0, "maximum": 300.0}
    figure = drawn(profile.figure(change(sample_report, ranges=ranges)))
    assert [row["outside"] for row in values(figure.panels[0])].count(True) == 1
    assert "1 of 13 tensors leave their format." in figure.caption


def test_tensors_of_zeros_have_no_magnitudes(sample_report: Report) -> None:
    ranges = [sample_report.ranges[0].model_dump() | {"minimum": 0.0, "maximum": 0.0, "magnitudes": None}]
    figure = drawn(profile.figure(change(sample_report, ranges=ranges)))
    assert "median" not in values(figure.panels[0])[0]
    assert column(figure, "Median") == column(figure, "Spare bits") == [None]


def test_resources_by_layer_are_told_apart_by_what_counted_them(sample_report: Report) -> None:
    synthesis = [asdict(entry) for entry in sample_report.synthesis]
    counts = {"ff": 77, "dsp": 0, "bram": 1, "srl": 5, "carry": 9}
    synthesis[0]["layers"] = [{"name": "logits", "lut": 987, **counts}, {"name": "conv1", "lut": 4321, **counts}]
    figure = drawn(resources.by_layer(change(sample_report, synthesis=synthesis)))
    assert [panel.title for panel in figure.panels] == ["LUT", "FF", "BRAM (18 Kbit)"]
    lut = {(row["name"], row["series"]): row["value"] for row in values(figure.panels[0])}
    assert lut["conv1", "yosys, open-synthesis"] == 4321
    assert lut["conv1", "alkaid, estimate"] == 1873
    assert [row["name"] for row in values(figure.panels[1])] == ["conv1", "logits"]
    assert figure.evidence == ("estimate", "open-synthesis")
    assert ("conv1", "open-synthesis", "yosys", 4321, 77, 0, 1) in figure.table.rows


def test_colours_stay_with_what_counted_from_chart_to_chart(sample_report: Report) -> None:
    figure = drawn(resources.by_layer(sample_reports.placed(sample_report)))
    scales = [panel.spec["layer"][0]["encoding"]["color"]["scale"] for panel in figure.panels]
    lut, ff = (dict(zip(scale["domain"], scale["range"], strict=True)) for scale in scales[:2])
    assert set(lut) == {"alkaid, estimate", "yosys, open-synthesis"}
    assert ff == {"yosys, open-synthesis": lut["yosys, open-synthesis"]}


def test_latency_by_layer_is_the_worst_that_is_known_of_each_tool(sample_report: Report) -> None:
    names = (
        "name",
        "latency_cycles_best",
        "latency_cycles_worst",
        "initiation_interval_min",
        "initiation_interval_max",
    )
    rows = [("logits", 7, None, None, None), ("conv1", 1027, 1030, 1024, 1027)]
    synthesis = [asdict(entry) for entry in sample_report.synthesis]
    synthesis[-1]["timings"] = [dict(zip(names, row, strict=True)) for row in rows]
    figure = drawn(latency.figure(change(sample_report, synthesis=synthesis, hls_layers=[])))
    cycles, interval = ([(row["name"], row["value"]) for row in values(panel)] for panel in figure.panels)
    assert cycles == [("conv1", 1030), ("logits", 7)]
    assert interval == [("conv1", 1027)]
    assert figure.table.rows[1] == ("logits", "vendor-csynth", "vitis", 7, None, None, None)
    assert figure.evidence == ("vendor-csynth",)
    # Beside it what the loops of the project tell.
    both = drawn(latency.figure(change(sample_report, synthesis=synthesis)))
    assert [line.name for line in both.panels[0].key] == ["loops of the HLS project, estimate", "vitis, vendor-csynth"]
    assert [row["value"] for row in values(both.panels[0]) if row["name"] == "conv1"] == [38, 1030]
    assert latency.figure(change(sample_report, hls_layers=[])) is None


def test_nothing_counted_by_layer_gives_no_figure(sample_report: Report) -> None:
    layers = [layer.model_dump() | {"estimated_lut": None} for layer in sample_report.layers]
    assert resources.by_layer(change(sample_report, layers=layers)) is None


def test_occupancy_is_a_share_of_the_part_with_its_evidence(sample_report: Report) -> None:
    figure = drawn(resources.occupancy(sample_report))
    assert (
        "LUT",
        "yosys",
        "open-synthesis",
        "xcvu13p-flga2577-2-e",
        5371,
        1728000,
        5371 / 1728000,
    ) in figure.table.rows
    assert {row["shown"] for row in values(figure.panels[0])} >= {"5,371 · 0.31%", "14,802 · 0.86%"}
    # Each of its own part, also of another maker's.
    assert ("nextpnr-ecp5", "LFE5UM5G-85F") in set(zip(column(figure, "By"), column(figure, "Part"), strict=True))
    unknown = [{**asdict(entry), "part": "xcvu999p"} for entry in sample_report.synthesis]
    assert resources.occupancy(change(sample_report, synthesis=unknown)) is None


def test_curves_are_drawn_for_the_models_that_were_trained(sample_report: Report) -> None:
    figure = drawn(training.figure(sample_report))
    assert [panel.title for panel in figure.panels] == ["accuracy", "loss"]
    assert {row["series"] for row in values(figure.panels[1])} == {
        f"{model}, {events}" for model in ("quantized", "float twin") for events in ("validation", "training")
    }
    one = sample_report.training.model_dump() | {"float_twin": None}
    assert "float twin" not in repr(training.figure(change(sample_report, training=one)))
    none = one | {"trained": False, "quantized": None}
    assert training.figure(change(sample_report, training=none)) is None


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
    told = sample_report.training.model_dump() | {"quantized": quantized, "float_twin": None, "teacher": teacher}
    report = change(sample_report, training=told)
    figure = drawn(training.figure(report))
    assert [panel.title for panel in figure.panels] == ["signal efficiency", "loss", "loss of the teacher"]
    marks = {row["what"]: row["at"] for row in values(figure.panels[0]) if "what" in row}
    assert marks == {"pruned": 1.5, "folded": 2.5}
    efficiency = [(row["epoch"], row["value"], row["kept"]) for row in values(figure.panels[0]) if "kept" in row]
    assert {(1, 0.1, False), (2, 0.3, True), (3, 0.25, True)} == set(efficiency)
    assert column(figure, "signal efficiency, quantized, validation") == [0.1, 0.3, 0.25]
    assert column(figure, "loss of the teacher, teacher, training") == [9.0, None, None]
    assert training.rows(report) == [
        ("Quantized", 3, 3, 1.0, 2.0, "signal efficiency", 0.25),
        ("Teacher", 1, 1, 9.0, 8.0, "", None),
    ]


def test_a_critical_path_runs_from_layer_to_layer_against_the_clock_period(sample_report: Report) -> None:
    synthesis = [asdict(entry) for entry in sample_report.synthesis]
    steps = [("conv1", "clk-to-q", 0.5), ("conv1", "routing", 2.25), ("dense", "logic", 5.0), ("dense", "setup", 0.38)]
    synthesis[1]["critical_path"] = [
        {"start": f"{layer}.a{n}", "end": f"{layer}.b{n}", "kind": kind, "delay_ns": delay, "layer": layer}
        for n, (layer, kind, delay) in enumerate(steps)
    ]
    (figure,) = path.figures(change(sample_report, synthesis=synthesis))
    pieces = [(row["name"], row["series"], row["from"], row["to"]) for row in values(figure.panels[0]) if "to" in row]
    assert pieces == [
        ("1 · conv1", "logic", 0.0, 0.5),
        ("1 · conv1", "routing", 0.5, 2.75),
        ("2 · dense", "logic", 2.75, pytest.approx(8.13)),
    ]
    assert figure.table.rows[0] == ("conv1", "conv1.a0", "conv1.b1", 0.5, 2.25)
    assert "missed by 3.13 ns" in figure.caption
    assert figure.evidence == ("open-place-and-route",)


def test_a_trigger_has_curves_and_a_table_of_rates(trigger_report: Report) -> None:
    figure = drawn(roc.figure(trigger_report))
    rate, curve = figure.panels
    assert values(rate)[0]["series"] == "quantized"
    # A background efficiency of 0 has no place on a logarithmic axis.
    assert all(row["rate"] > 0 for row in values(rate))
    assert {"background": 0.0, "rate": 0.0, "series": "C simulation", "signal": 0.25} in values(curve)
    assert [column.title for column in figure.table.columns] == [
        "Target rate in Hz", "Background efficiency", "Background events, C simulation", "Signal, float twin",
        "Signal, quantized", "Signal, C simulation", "Low", "High",
    ]  # fmt: skip
    # At most 2 of 4 background events: the C simulation accepts 1 and 3 at neighbouring thresholds.
    assert figure.table.rows[1][:6] == (20e6, 0.5, 1, 0.75, 0.5, 0.5)
    assert "float twin 0.9000 ± 0.0500" in figure.caption
    assert roc.figure(change(trigger_report, roc=None)) is None

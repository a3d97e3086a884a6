"""`trigcnn layers`, and the refusal of dropped pixels before a run trains."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models import zoo
from trigcnn.models.geometry import Axis, LayerGeometry, ReceptiveField, geometry
from trigcnn.pipeline.pages import sizes
from trigcnn.pipeline.results.report import Report

LAYERS = TypeAdapter(tuple[LayerGeometry, ...])
Trigcnn = Callable[..., subprocess.CompletedProcess[str]]
DROPPED = "pool1 (MaxPooling2D): windows of 2, stride 2, never see the last 1 of 7 pixels, along height and width"
REFUSED = (
    "error: model.dropped_pixels: refuse: strides that do not divide drop pixels:\n"
    "  - layer pool1 (MaxPooling2D): the last 1 of 7 of the height (6 or 8 divide) and the last 1 of 7 of the width (6 "
    "or 8 divide); change the size of its input, or put a ZeroPadding2D(((0, 1), (0, 1))) before it\n"
)


@pytest.fixture
def lenet(tmp_path: Path) -> Path:
    """The digits' network with a kernel that leaves an odd number of pixels to the pooling layer."""
    path = tmp_path / "lenet.yaml"
    path.write_text("name: lenet\nmodel: {source: lenet, options: {kernel_sizes: [2, 2]}}\n")
    return path


def test_the_sizes_of_a_configuration_s_network_are_printed(trigcnn: Trigcnn, lenet: Path) -> None:
    outcome = trigcnn("layers", lenet)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    *table, note = outcome.stdout.splitlines()
    rows = {words[0]: words[1:] for line in table if (words := line.split())}
    # 6 filters of 2x2 on 8x8 pixels: 30 parameters, 7*7 windows of 24 products; 64 inputs and 294 outputs if dense.
    formula = "(8 - 2 + 2*0)/1 + 1 = 7".split()
    assert rows["conv1"] == ["QConv2D", "7×7×6", *formula, "2×2", "1", "30", "1,176", "19,110", "637", "times"]
    formula = "floor((7 - 2 + 2*0)/2) + 1 = 3".split()
    assert rows["pool1"][:-1] == ["MaxPooling2D", "3×3×6", *formula, "3×3", "2", "0", "0"]
    assert rows["flatten"] == ["Flatten", "64", "5×5", "0", "0"]
    assert rows["in"] == ["all", "1,080", "3,352"]
    assert note == DROPPED


def test_json_is_what_a_report_holds(trigcnn: Trigcnn, lenet: Path) -> None:
    outcome = trigcnn("layers", lenet, "--json", "--set", "model.options.kernel_sizes=[3, 2]")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    pool = next(entry for entry in LAYERS.validate_json(outcome.stdout) if entry.name == "pool1")
    assert (pool.shape, pool.fields[0].pixels, pool.unseen) == ((3, 3, 6), (4, 4), ())


def test_what_is_written_as_json_reads_back() -> None:
    layers = geometry(zoo.builder("svhn")((32, 32, 3), 10, FixedPoint.parse("ufixed<8,0>")))
    assert LAYERS.validate_json(LAYERS.dump_json(layers)) == layers


def test_a_saved_model_needs_no_configuration(trigcnn: Trigcnn, tmp_path: Path) -> None:
    path = tmp_path / "network.keras"
    zoo.builder("lenet")((8, 8, 1), 10, FixedPoint.parse("ufixed<4,0>"), kernel_sizes=(2, 2)).save(path)
    outcome = trigcnn("layers", path)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout.splitlines()[-1] == DROPPED
    outcome = trigcnn("layers", path, "--set", "seed=2")
    assert outcome.returncode == 2
    assert outcome.stderr == f"error: --set changes a configuration, but {path} is a saved model; remove it\n"
    (tmp_path / "own.yaml").write_text("name: own\nmodel: {source: network.keras, dropped_pixels: refuse}\n")
    outcome = trigcnn("layers", tmp_path / "own.yaml")
    assert (outcome.returncode, outcome.stderr) == (2, REFUSED)


def test_the_possible_reuse_factors_are_listed_where_there_is_a_choice(trigcnn: Trigcnn, lenet: Path) -> None:
    said = "layer logits: possible reuse factors are "
    assert said not in trigcnn("layers", lenet).stdout
    outcome = trigcnn("layers", lenet, "--set", "hls.layers.logits.strategy=Resource")
    (line,) = [line for line in outcome.stdout.splitlines() if line.startswith("layer ")]
    assert line.startswith(f"{said}1, 2, ")


def test_a_missing_file_is_bad_input(trigcnn: Trigcnn, tmp_path: Path) -> None:
    for name in ("none.yaml", "none.keras"):
        outcome = trigcnn("layers", tmp_path / name)
        assert outcome.returncode == 2
        assert outcome.stderr.startswith(f"error: {tmp_path / name}: ")


@pytest.mark.parametrize("command", ["layers", "train"])
def test_dropped_pixels_are_refused_before_training(trigcnn: Trigcnn, lenet: Path, command: str) -> None:
    out = ("--out", lenet.parent / "out") if command == "train" else ()
    outcome = trigcnn(command, lenet, *out, "--set", "model.dropped_pixels=refuse")
    assert (outcome.returncode, outcome.stderr) == (2, REFUSED)
    # The table is shown all the same; a run has trained nothing.
    assert (DROPPED in outcome.stdout) == (command == "layers")
    assert "training" not in outcome.stdout


def test_a_run_reports_the_sizes_of_the_network_that_it_trained(quick_run: tuple[Path, Path]) -> None:
    report = Report.model_validate_json((quick_run[1] / "report" / "report.json").read_text())
    assert [(entry.name, entry.parameters, entry.multiplications) for entry in report.geometry] == [
        ("events", 0, 0), ("input_quantizer", 0, 0), ("dense1", 24, 20), ("relu1", 0, 0), ("logits", 15, 12),
    ]  # fmt: skip
    for counted in ("parameters", "multiplications"):
        graph = {layer.name: getattr(layer, counted) for layer in report.layers}
        assert all(graph[entry.name] == getattr(entry, counted) for entry in report.geometry if entry.dense)
    assert report.geometry[-1].fields[0].pixels == (5,)


def test_fields_of_several_inputs_are_named() -> None:
    fields = [ReceptiveField("image", (3, 5), (1.0, 0.5)), ReceptiveField("summary", (4,), (1.0,))]
    assert sizes.formulas([Axis.of("height", 8, window=3)]) == ["(8 - 3 + 2*0)/1 + 1 = 6"]
    assert sizes.receptive_field(fields) == "image 3×5, summary 4"
    assert sizes.jump(fields) == "image 1×0.5, summary 1"

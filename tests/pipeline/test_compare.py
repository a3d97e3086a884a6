"""Several runs side by side."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from trigcnn.pipeline.cli import app
from trigcnn.pipeline.commands.compare import compare_runs
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.pages import compare_pages, tables
from trigcnn.pipeline.results.compared import compare
from trigcnn.pipeline.results.report import Report

SCHEMA = Path(__file__).parents[2] / "docs" / "compare.schema.json"
VERSION_1 = Path(__file__).parents[1] / "data" / "report_version_1.json"


def variant(report: Report, *, name: str = "digits", lut: int, accuracy: float, seed: int = 1) -> Report:
    """The sample with other figures."""
    data: dict[str, Any] = report.model_dump()
    data["name"] = name
    data["synthesis"][0]["lut"] = lut
    data["accuracy"]["csim"] = accuracy
    data["provenance"]["configuration"] = f"name: {name}\nseed: {seed}\nhls:\n  part: xcvu13p\n"
    return Report.model_validate(data)


@pytest.fixture
def three(sample_report: Report) -> list[tuple[str, str, Report]]:
    """A small, a good and a bad network."""
    return [
        ("small", "a/report.json", variant(sample_report, lut=1000, accuracy=0.90)),
        ("good", "b/report.json", variant(sample_report, lut=3000, accuracy=0.97, seed=2)),
        ("bad", "c/report.json", variant(sample_report, lut=4000, accuracy=0.95, seed=3)),
    ]


def test_the_front_leaves_out_what_another_run_beats(three: list[tuple[str, str, Report]]) -> None:
    fronts = {(front.quality, front.cost): front for front in compare(three).fronts}
    assert fronts["accuracy", "lut"].runs == ["small", "good"]
    assert fronts["accuracy", "lut"].evidence == ["open-synthesis"]
    # All three take as long: the best accuracy alone is left.
    assert fronts["accuracy", "latency_ns"].runs == ["good"]


def test_options_in_which_runs_differ_are_listed_and_names_are_not(three: list[tuple[str, str, Report]]) -> None:
    renamed = ("other", "d/report.json", variant(three[0][2], name="other", lut=1, accuracy=0.5))
    found = compare([three[0], three[1], renamed])
    assert [(row.option, row.values) for row in found.options] == [("seed", ["1", "2", "1"])]


def test_figures_that_a_run_lacks_are_dashes_and_no_front(three: list[tuple[str, str, Report]]) -> None:
    bare = Report.model_validate(three[1][2].model_dump() | {"synthesis": [], "rtl": None})
    found = compare([three[0], ("bare", "b", bare)])
    assert found.runs[1].merit("lut") is None
    assert found.fronts == []
    assert "| bare | pass | 0 | 97.00% | – | – |" in compare_pages.markdown(found)


def test_csv_has_a_row_per_run_and_figure(three: list[tuple[str, str, Report]]) -> None:
    rows = list(csv.DictReader(io.StringIO(compare_pages.csv(compare(three)))))
    luts = {row["run"]: (row["value"], row["evidence"]) for row in rows if row["figure"] == "lut"}
    assert luts == {
        name: (str(lut), "open-synthesis") for name, lut in (("small", 1000), ("good", 3000), ("bad", 4000))
    }


def test_tables_of_a_report_have_a_row_per_figure_and_per_layer(sample_report: Report) -> None:
    figures = {row["name"]: row for row in csv.DictReader(io.StringIO(tables.figures(sample_report)))}
    assert (figures["lut"]["value"], figures["lut"]["evidence"]) == ("5371", "open-synthesis")
    assert (figures["latency_ns"]["value"], figures["latency_ns"]["unit"]) == ("65", "ns")
    layers = list(csv.DictReader(io.StringIO(tables.layers(sample_report))))
    assert [row["name"] for row in layers] == [layer.name for layer in sample_report.layers]
    assert layers[1]["weight_format"] == "fixed<4,1>"


@pytest.fixture
def folders(tmp_path: Path, three: list[tuple[str, str, Report]]) -> list[Path]:
    """Run folders of the three."""
    found = []
    for label, _, report in three:
        stage = tmp_path / label / "report"
        stage.mkdir(parents=True)
        (stage / "report.json").write_text(report.model_dump_json())
        found.append(tmp_path / label)
    return found


def test_the_command_writes_all_forms_and_prints_the_table(folders: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["compare", *map(str, folders), "--out", str(out)])
    assert result.exit_code == 0
    assert "3,000 (0.17%)" in result.output
    found = json.loads((out / "compare.json").read_text())
    assert [run["label"] for run in found["runs"]] == ["small", "good", "bad"]
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(found, schema)
    assert {path.name for path in out.iterdir()} == {"compare.json", "compare.md", "compare.csv", "compare.html"}


def test_a_report_of_the_first_format_version_is_compared_too(folders: list[Path], tmp_path: Path) -> None:
    found = compare_runs([folders[0], VERSION_1], tmp_path / "out", Console())
    old, reference = found.runs[1], found.runs[0]
    assert (old.name, old.date, len(old.merits)) == ("digits", reference.date, len(reference.merits))
    report = Report.load(VERSION_1)
    assert [str(finding.fix) for finding in report.diagnosis] == [
        "remove hls.layers.conv1.precision.accum",
        "hls.number_formats: exact",
    ]
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_runs_of_the_same_folder_name_are_told_apart_by_their_path(
    tmp_path: Path, three: list[tuple[str, str, Report]]
) -> None:
    for place in ("one", "two"):
        stage = tmp_path / place / "digits" / "report"
        stage.mkdir(parents=True)
        (stage / "report.json").write_text(three[0][2].model_dump_json())
    found = compare_runs([tmp_path / "one/digits", tmp_path / "two/digits"], tmp_path / "out", Console())
    assert [run.label for run in found.runs] == ["one/digits", "two/digits"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("one", "a comparison needs two runs or more, and 1 was given"),
        ("twice", "was given twice; name each run once"),
        ("empty", "has no report; finish the run with `trigcnn run`"),
        ("bytes", r"report\.json: cannot be read: 'utf-8' codec"),
        ("yaml", r"report\.json: is not a report of this version .* \(provenance.configuration: "),
        ("damaged", r"report\.json: is not a report of this version of trigcnn .*write it again with `trigcnn report`"),
    ],
)
def test_bad_input_says_what_mends_it_and_writes_nothing(
    folders: list[Path], tmp_path: Path, change: str, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    report = folders[1] / "report" / "report.json"
    if change == "damaged":
        report.write_text("{}")
    elif change == "bytes":
        report.write_bytes(b"\xff\xfe{")
    elif change == "yaml":
        content = json.loads(report.read_text())
        content["provenance"]["configuration"] = "a: [b"
        report.write_text(json.dumps(content))
    runs = {"one": folders[:1], "twice": [folders[0]] * 2, "empty": [folders[0], tmp_path / "empty"]}
    with pytest.raises(ConfigError, match=message):
        compare_runs(runs.get(change, folders), tmp_path / "out", Console())
    assert not (tmp_path / "out").exists()

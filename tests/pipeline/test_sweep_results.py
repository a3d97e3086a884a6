"""What a sweep has found."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.pipeline.played_sweeps import Client, bits, config, merit, plays
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.pages import sweep_pages
from trigcnn.pipeline.results.sweep import Sweep, SweepTrial
from trigcnn.pipeline.sweep import results
from trigcnn.pipeline.sweep.command import choose
from trigcnn.pipeline.sweep.search import Search
from trigcnn.pipeline.sweep.trial import Found, Job


@pytest.fixture
def given() -> RunConfig:
    return config(
        sweep={
            "space": {
                "model.options.weight_bits": {"low": 2, "high": 6},
                "model.options.filters": {"choices": [[2, 4], [4, 8]]},
                "training.learning_rate": {"low": 0.001, "high": 0.1, "log": True},
            },
            "trials": 12,
            "promising": "all",
        },
        budget={"lut": 5000},
    )


@pytest.fixture
def sweep(given: RunConfig, tmp_path: Path) -> Sweep:
    """Twelve trials: more bits are better and larger; one fails, one is over the budget where it has six bits."""

    def play(job: Job) -> Found:
        if job.number == 3:
            return Found(job.number, job.piece, "failed", message="a <b> that fails\nsecond line")
        return plays(job)

    work = Search(given, tmp_path, Console())
    work.run(Client(play), 1)  # type: ignore[arg-type]
    return results.collect(given, work.study)


def test_the_front_keeps_to_the_budget_and_is_beaten_by_none(sweep: Sweep) -> None:
    found = [trial for trial in sweep.trials if trial.outcome == "reported"]
    luts = {trial.number: value(trial, "lut") for trial in found}
    assert all(trial.feasible == (luts[trial.number] <= 5000) for trial in found)
    # All of as many bits are as good: each is on the front.
    assert {trial.number for trial in sweep.front} == {number for number, lut in luts.items() if lut <= 5000}
    values = [value(trial, "accuracy") for trial in sweep.front]
    assert values == sorted(values, reverse=True)


def value(trial: SweepTrial, name: str) -> float:
    found = trial.merit(name)
    assert found is not None
    return found.value


def test_the_best_within_limits_is_the_best_that_keeps_them(sweep: Sweep) -> None:
    largest = max(value(trial, "lut") for trial in sweep.trials if trial.outcome == "reported" and trial.feasible)
    assert largest == 5000
    assert value(results.best(sweep, {}), "lut") == largest
    assert value(results.best(sweep, {"lut": 3999}), "lut") <= 3000
    assert value(results.best(sweep, {"accuracy": 0.8}), "accuracy") >= 0.8
    with pytest.raises(ConfigError, match="no trial is within lut=1; the least are lut 2,000 in trial"):
        results.best(sweep, {"lut": 1})
    with pytest.raises(ConfigError, match=r"--within luts: no trial has this figure; did you mean lut\?"):
        results.best(sweep, {"luts": 1})


@pytest.mark.parametrize("text", ["lut", "lut=a", "=3"])
def test_limits_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="write figure=limit, for example lut=20000,latency_ns=100"):
        results.parse_limits(text)


def test_hypervolumes_are_shares_of_the_box() -> None:
    points = [(0.0, 1.0), (1.0, 0.0), (0.5, 0.5), (1.0, 1.0)]
    # Reference (1.1, 1.1): 1.1 * 0.1 = 0.11; with the second 0.21; the third adds a square of 0.5 * 0.5.
    expected = [0.11 / 1.21, 0.21 / 1.21, 0.46 / 1.21, 0.46 / 1.21]
    assert results.volumes(points, points) == pytest.approx(expected)
    assert results.volumes([(3.0, 3.0)], [(1.0, 1.0), (3.0, 3.0)]) == pytest.approx([0.01 / 1.21])
    assert results.volumes([], []) == []


def test_what_decides_is_the_option_that_decides(sweep: Sweep) -> None:
    shares = {each.option: each.share for each in sweep.importances if each.objective == "lut"}
    assert max(shares, key=lambda option: shares[option]) == "model.options.weight_bits"
    assert sum(shares.values()) == pytest.approx(1)


def test_csv_has_a_row_per_trial_with_evidence(sweep: Sweep) -> None:
    rows = list(csv.DictReader(io.StringIO(sweep_pages.csv(sweep))))
    assert [int(row["trial"]) for row in rows] == list(range(12))
    assert rows[3]["outcome"] == "failed"
    assert rows[3]["lut"] == ""
    done = [row for row in rows if row["outcome"] == "reported"]
    assert {row["evidence of lut"] for row in done} == {"open-synthesis"}
    assert all(float(row["lut"]) == 1000 * float(row["model.options.weight_bits"]) for row in done)


def test_what_is_written_keeps_to_the_published_schema(sweep: Sweep, tmp_path: Path) -> None:
    sweep_pages.write(sweep, tmp_path)
    schema = json.loads((Path(__file__).parents[2] / "docs" / "sweep.schema.json").read_text())
    jsonschema.validate(json.loads((tmp_path / "sweep.json").read_text()), schema)
    written = {path.name for path in tmp_path.iterdir() if path.name.startswith("sweep.")}
    assert written == {"sweep.json", "sweep.csv", "sweep.md", "sweep.html"}


def test_the_page_names_the_front_and_what_became_of_each(sweep: Sweep) -> None:
    page = sweep_pages.html(sweep)
    for trial in sweep.front:
        assert f'href="{trial.folder}/report/report.html"' in page
    assert "a &lt;b&gt; that fails" in page
    assert "second line" not in page
    for name in ("pareto-0", "parallel", "importance", "hypervolume"):
        assert f'id="{name}"' in page
    text = sweep_pages.markdown(sweep)
    assert all(f"| {trial.number} |" in text for trial in sweep.front)


def test_a_sweep_without_a_finished_trial_has_a_page_all_the_same(given: RunConfig, tmp_path: Path) -> None:
    empty = results.collect(given, Search(given, tmp_path, Console()).study)
    assert "No trial came to a report within the budget." in sweep_pages.html(empty)
    with pytest.raises(ConfigError, match="has no trial yet that came to a report"):
        results.best(empty, {})


def test_figures_of_few_bits_come_from_the_played_trials() -> None:
    """What the tests above rest on."""
    job: Any = type("Played", (), {"configuration": "model: {options: {weight_bits: 3}}"})
    assert bits(job) == 3
    assert merit("lut", 1).better == "less"


@pytest.mark.parametrize("content", [b"\xff\xfe{", b"{}", b"[" * 10_000, b""])
def test_a_damaged_file_of_results_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sweep.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"sweep\.json: is not a sweep of this version of trigcnn"):
        choose(tmp_path, {}, None, Console())

"""Runs that a folder has seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trigcnn.pipeline.cache.folder import RunFolder
from trigcnn.pipeline.config.differences import differing
from trigcnn.pipeline.errors import RunFolderError
from trigcnn.pipeline.results.report import Report
from trigcnn.pipeline.stages import history


def finished(folder: Path, report: Report, *, date: str, seed: int, lut: int) -> RunFolder:
    """A run's folder with this report."""
    data = report.model_dump()
    data["provenance"] |= {"date": date, "configuration": f"name: digits\nseed: {seed}\nhls:\n  part: xcvu13p\n"}
    data["synthesis"][0]["lut"] = lut
    stage = folder / "report"
    stage.mkdir(parents=True, exist_ok=True)
    (stage / "report.json").write_text(Report.model_validate(data).model_dump_json())
    (stage / "manifest.json").write_text("{}")
    return RunFolder(folder)


def test_earlier_runs_come_back_latest_first_with_what_was_changed_since(tmp_path: Path, sample_report: Report) -> None:
    for seed, lut in ((1, 5000), (2, 4000)):
        folder = finished(tmp_path, sample_report, date=f"2026-11-0{seed}T00:00:00+00:00", seed=seed, lut=lut)
        history.record(folder)
    present = {"name": "digits", "seed": 2, "hls": {"part": "xcvu9p"}}
    found = history.earlier(folder, present)
    assert [run.date[:10] for run in found] == ["2026-11-02", "2026-11-01"]
    assert [next(m.value for m in run.merits if m.name == "lut") for run in found] == [4000, 5000]
    assert [[str(c.option) for c in run.changes] for run in found] == [["hls.part"], ["seed", "hls.part"]]
    assert (found[1].changes[0].before, found[1].changes[0].after) == ("1", "2")


def test_a_report_is_recorded_once(tmp_path: Path, sample_report: Report) -> None:
    folder = finished(tmp_path, sample_report, date="2026-11-01T00:00:00+00:00", seed=1, lut=5000)
    history.record(folder)
    history.record(folder)
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == 1


def test_a_damaged_history_is_refused_with_its_line(tmp_path: Path, sample_report: Report) -> None:
    folder = finished(tmp_path, sample_report, date="2026-11-01T00:00:00+00:00", seed=1, lut=5000)
    history.record(folder)
    with (tmp_path / "history.jsonl").open("a") as stream:
        stream.write(json.dumps({"date": "2026"}) + "\n")
    with pytest.raises(RunFolderError, match=r"history\.jsonl: line 2 was not written by a run .*remove the line"):
        history.earlier(folder, {})


def test_a_first_run_has_no_history(tmp_path: Path) -> None:
    assert history.earlier(RunFolder(tmp_path), {}) == []


def test_options_that_one_configuration_lacks_differ_too() -> None:
    assert differing([{"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}]) == {"a.c": [None, 2]}
    assert differing([{"name": "one"}, {"name": "two"}]) == {}

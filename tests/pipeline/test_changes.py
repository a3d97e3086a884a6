"""What changed since the last run."""

from __future__ import annotations

from tests.pipeline import sample_reports
from trigcnn.pipeline.pages.changes import since_last
from trigcnn.pipeline.results.earlier import EarlierRun
from trigcnn.pipeline.results.merits import merits
from trigcnn.pipeline.results.report import Report


def test_the_first_run_has_nothing_before_it(sample_report: Report) -> None:
    assert since_last(sample_report) is None


def test_figures_are_held_against_the_last_run(sample_report: Report) -> None:
    report = sample_reports.repeated(sample_report)
    found = since_last(report)
    assert found is not None
    rows = {row[0]: row[1:] for row in found.table.rows}
    assert rows["LUT"] == ("open-synthesis", "5,372 (0.31%)", "5,371 (0.31%)", "-1 (-0.0%)", "better")
    assert rows["Latency, cycles"] == ("simulation", "14 cycles", "13 cycles", "-1 cycles (-7.1%)", "better")
    assert rows["Accuracy"] == ("simulation", "196.67%", "96.67%", "-100.00 points", "worse")
    assert [change.option for change in found.changes] == ["model.options.weight_bits"]
    assert found.values(report.history[0])[0] == 1 + found.merits[0].value


def test_figures_of_other_evidence_or_of_none_are_not_compared(sample_report: Report) -> None:
    report = sample_reports.repeated(sample_report)
    (run,) = report.history
    before = [merit.model_copy(update={"evidence": "estimate"}) for merit in run.merits if merit.name in ("lut", "ff")]
    found = since_last(report.model_copy(update={"history": [run.model_copy(update={"merits": before})]}))
    assert found is not None
    rows = {row[0]: row[1:] for row in found.table.rows}
    assert rows["LUT"][3:] == ("of other evidence before: estimate", None)
    assert rows["Accuracy"] == ("simulation", None, "96.67%", "not measured before", None)


def test_a_figure_of_another_design_is_not_compared_and_one_that_is_lost_is_named(sample_report: Report) -> None:
    now = merits(sample_report)
    lut = next(merit for merit in now if merit.name == "lut")
    of_hls = lut.model_copy(update={"design": "hls", "value": 9000.0})
    lost = lut.model_copy(update={"name": "uram", "label": "URAM"})
    earlier = EarlierRun(date="2026-11-01", command="", verdict="pass", merits=[of_hls, lost], changes=[])
    found = since_last(sample_report.model_copy(update={"history": [earlier]}))
    assert found is not None
    rows = {row[0]: row for row in found.table.rows}
    assert rows["LUT"][-2:] == ("of another design before: hls", None)
    assert rows["URAM"][-2:] == ("not measured now", None)

"""What changed since the last run in the same folder, for the pages."""

from __future__ import annotations

from dataclasses import dataclass

from trigcnn.pipeline.pages.charts import Column, Table, Value
from trigcnn.pipeline.results.earlier import Change, EarlierRun
from trigcnn.pipeline.results.merit import Merit, change, difference_in_kind, shown
from trigcnn.pipeline.results.merits import merits
from trigcnn.pipeline.results.report import Report


@dataclass(frozen=True)
class History:
    """The figures of this run beside those of the last one before it.

    Attributes:
        table: Each figure, before and now.
        changes: Options that were changed.
        merits: This run's figures.
    """

    table: Table
    changes: tuple[Change, ...]
    merits: tuple[Merit, ...]

    def values(self, run: EarlierRun) -> list[float | None]:
        """Return an earlier run's values of this run's figures; None where it did not measure one."""
        found = {merit.name: merit.value for merit in run.merits}
        return [found.get(merit.name) for merit in self.merits]


def since_last(report: Report) -> History | None:
    """Compare a run with the last one before it; None for the first run of a folder."""
    if not report.history:
        return None
    last = report.history[0]
    before = {merit.name: merit for merit in last.merits}
    now = merits(report)
    return History(
        table=Table(
            caption=f"Since the run of {last.date} in the same folder, which ended with {last.verdict}.",
            columns=(
                Column("Figure"),
                Column("Evidence", "evidence"),
                Column("Before"),
                Column("Now"),
                Column("Change"),
                Column("Which is"),
            ),
            rows=(
                *(_row(merit, before.get(merit.name)) for merit in now),
                *(_lost(merit) for merit in last.merits if merit.name not in {each.name for each in now}),
            ),
        ),
        changes=tuple(last.changes),
        merits=tuple(now),
    )


def _row(now: Merit, before: Merit | None) -> tuple[Value, ...]:
    if before is None:
        return now.label, now.evidence, None, shown(now), "not measured before", None
    difference = now.value - before.value
    judged = None
    if difference and difference_in_kind(before, now) is None:
        judged = "better" if (difference > 0) == (now.better == "more") else "worse"
    return now.label, now.evidence, shown(before), shown(now), change(before, now), judged


def _lost(before: Merit) -> tuple[Value, ...]:
    return before.label, before.evidence, shown(before), None, "not measured now", None

"""What changed since the last run in the same folder, for the pages."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.reporting.charts import Column, Table, Value
from pipeline.reporting.earlier import Change, EarlierRun
from pipeline.reporting.merits import Merit, merits
from pipeline.reporting.rendering import number, percent
from pipeline.reporting.report import Report


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
        """Give an earlier run's values of this run's figures; None where it did not measure one."""
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
                Column("Before", "number"),
                Column("Now", "number"),
                Column("Change", "number"),
                Column("In words"),
            ),
            rows=tuple(_row(merit, before.get(merit.name)) for merit in now),
        ),
        changes=tuple(last.changes),
        merits=tuple(now),
    )


def _row(now: Merit, before: Merit | None) -> tuple[Value, ...]:
    label = now.label
    if before is None:
        return label, now.evidence, None, now.value, None, "not measured before"
    if before.evidence != now.evidence:
        words = f"of other evidence before: {before.evidence}"
        return label, now.evidence, before.value, now.value, None, words
    return label, now.evidence, before.value, now.value, now.value - before.value, _words(now, before)


def _words(now: Merit, before: Merit) -> str:
    """Say how much a figure changed, and whether that is better."""
    difference = now.value - before.value
    if not difference:
        return "the same"
    judged = "better" if (difference > 0) == (now.better == "more") else "worse"
    if now.better == "more":
        # Shares: what counts is points, not a share of a share.
        return f"{number(round(100 * difference, 2))} points, {judged}"
    if not before.value:
        return judged
    return f"{'+' if difference > 0 else '−'}{percent(abs(difference) / before.value, 1)}, {judged}"

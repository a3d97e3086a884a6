"""The content of a comparison of runs, written as `compare.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from trigcnn.pipeline.config.differences import differing
from trigcnn.pipeline.config.differences import shown as option_shown
from trigcnn.pipeline.results.merit import Merit
from trigcnn.pipeline.results.merits import merits
from trigcnn.pipeline.results.pareto import front
from trigcnn.pipeline.results.report import Report, Verdict
from trigcnn.pipeline.results.section import Section

# Costs against which the quality of networks is compared.
_COSTS = ("lut", "ff", "dsp", "bram", "latency_ns", "initiation_interval_ns")


class ComparedRun(Section):
    """One of the runs."""

    label: str
    """name that no other run of the comparison has"""
    source: str
    """file of its report, as it was given"""
    name: str
    date: str
    """ISO 8601, UTC"""
    verdict: Verdict
    missed: list[str]
    """gates that it missed"""
    differing_outputs: int
    """over all comparisons of engines"""
    merits: list[Merit]

    def merit(self, name: str) -> Merit | None:
        """Return a figure by name."""
        return next((merit for merit in self.merits if merit.name == name), None)


class OptionRow(Section):
    """An option in which the runs differ."""

    option: str
    values: list[str]
    """value of each run as JSON, text without quotes; in the order of the runs"""


class Front(Section):
    """Runs of which no other has both a better quality and a lower cost."""

    quality: str
    """name of the figure that should be large"""
    cost: str
    """name of the figure that should be small"""
    runs: list[str]
    """labels of the runs on the front, from the lowest cost"""
    evidence: list[str]
    """kinds of evidence of the cost; of several, the costs do not compare well"""


class Compared(Section):
    """Several runs side by side."""

    schema_version: Literal[1] = 1
    runs: list[ComparedRun]
    figures: list[str]
    """names of all figures that any run has, in the order of tables"""
    options: list[OptionRow]
    fronts: list[Front]

    def label(self, figure: str) -> str:
        """Name of a figure in words."""
        found = (merit for run in self.runs for merit in run.merits if merit.name == figure)
        return next(found).label


def compare(reports: Sequence[tuple[str, str, Report]]) -> Compared:
    """Put runs side by side.

    Args:
        reports: Label, source and report of each; labels must differ.
    """
    runs = [_run(label, source, report) for label, source, report in reports]
    longest = max(runs, key=lambda run: len(run.merits))
    names = dict.fromkeys(merit.name for run in (longest, *runs) for merit in run.merits)
    configurations = [report.provenance.options() for _, _, report in reports]
    return Compared(
        runs=runs,
        figures=list(names),
        options=[
            OptionRow(option=option, values=[option_shown(value) for value in values])
            for option, values in differing(configurations).items()
        ],
        fronts=fronts(runs, list(names)),
    )


def _run(label: str, source: str, report: Report) -> ComparedRun:
    return ComparedRun(
        label=label,
        source=source,
        name=report.name,
        date=report.provenance.date,
        verdict=report.verdict,
        missed=[gate.name for gate in report.gates if not gate.met],
        differing_outputs=sum(entry.differing_outputs for entry in report.comparisons),
        merits=merits(report),
    )


def fronts(runs: list[ComparedRun], names: list[str]) -> list[Front]:
    """Find the Pareto front of each figure of quality against each cost.

    Args:
        runs: The runs.
        names: Figures that any of them has.
    """
    found = []
    qualities = {merit.name: None for run in runs for merit in run.merits if merit.better == "more"}
    for quality in qualities:
        for cost in (name for name in _COSTS if name in names):
            known = [
                (run.label, good, price)
                for run in runs
                if (good := run.merit(quality)) is not None and (price := run.merit(cost)) is not None
            ]
            if len(known) < 2:
                continue
            best = front([(price.value, -good.value) for _, good, price in known])
            found.append(
                Front(
                    quality=quality,
                    cost=cost,
                    runs=[known[index][0] for index in sorted(best, key=lambda index: known[index][2].value)],
                    evidence=list(dict.fromkeys(price.evidence for _, _, price in known)),
                )
            )
    return found

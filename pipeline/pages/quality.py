"""The quality of each output of a network, as rows of a table."""

from __future__ import annotations

from typing import NamedTuple

from trigcnn.pipeline.results.quality import ByModel, HeadQuality
from trigcnn.pipeline.results.report import Report

# Figures in their order, in words; those in percent are shares.
_SHARES = {
    "accuracy": "accuracy",
    "intersection_over_union": "intersection over union, mean",
    "explained_variance": "explained variance",
}
_AMOUNTS = {
    "mean_squared_error": "mean squared error",
    "mean_absolute_error": "mean absolute error",
    "resolution": "resolution",
}


class Row(NamedTuple):
    """One figure of one output, by model."""

    output: str
    figure: str
    percent: bool
    values: ByModel


def rows(report: Report) -> list[Row]:
    """Return the figures of all outputs; none for a classifier, whose accuracy is shown by itself."""
    heads = report.heads
    if len(heads) == 1 and heads[0].head.truth == "classes":
        return []
    return [row for entry in heads for row in _of(entry)]


def _of(entry: HeadQuality) -> list[Row]:
    name = entry.head.name
    found = [
        Row(name, words, figure in _SHARES, values)
        for figure, words in (_SHARES | _AMOUNTS).items()
        if (values := getattr(entry, figure)) is not None
    ]
    for overlap in entry.overlaps:
        if overlap.found is not None:
            found.append(Row(name, f"intersection over union, {overlap.name}", True, overlap.found))
    if len(entry.residuals) > 1:
        found += [Row(name, f"resolution of value {each.value}", False, each.resolution) for each in entry.residuals]
    return found


def title(report: Report) -> str:
    """Return the heading of the section on quality."""
    return "Accuracy" if report.accuracy is not None or not report.heads else "Quality"


def unknown(report: Report) -> list[str]:
    """Return a sentence for each output whose quality was not measured."""
    return [
        f"Nothing is known of the output {entry.head.name}, so its quality was not measured: {entry.head.reason}."
        for entry in report.heads
        if entry.head.truth == "none"
    ]

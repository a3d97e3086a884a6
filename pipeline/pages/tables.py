"""The figures of a report as CSV, for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from trigcnn.pipeline.results.merits import merits
from trigcnn.pipeline.results.report import Report

_FIGURES = ("name", "value", "unit", "share_of_part", "evidence", "source")
_LAYER = (
    "name", "kind", "shape", "weight_format", "bias_format", "accumulator_format", "result_format", "parameters",
    "nonzero_parameters", "weights", "zero_weights", "multiplications", "estimated_lut",
)  # fmt: skip
_COUNTS = ("lut", "ff", "dsp", "bram", "uram", "m20k", "mlab", "srl", "carry")


def figures(report: Report) -> str:
    """Return a row per figure of the run, with its unit and evidence."""
    rows = (
        (merit.name, f"{merit.value:.12g}", merit.unit, merit.share, merit.evidence, merit.source)
        for merit in merits(report)
    )
    return text(_FIGURES, rows)


def layers(report: Report) -> str:
    """Return a row per layer: formats, sizes, and what tools counted in it; a column per tool and count."""
    tools = [
        (
            f"{entry.tool} {entry.version} {entry.design} {entry.part} {entry.evidence}",
            {found.name: found for found in entry.layers},
        )
        for entry in report.synthesis
        if entry.layers
    ]
    columns = [*_LAYER, *(f"{count} ({tool})" for tool, _ in tools for count in _COUNTS)]
    rows = []
    for layer in report.layers:
        own = layer.model_dump(include=set(_LAYER)) | {"shape": "x".join(map(str, layer.shape))}
        counted = [
            getattr(found[layer.name], count) if layer.name in found else None
            for _, found in tools
            for count in _COUNTS
        ]
        rows.append([*(own[name] for name in _LAYER), *counted])
    return text(columns, rows)


def text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Write rows as CSV (RFC 4180); None is empty.

    >>> text(("a", "b"), [(1, None), ("x,y", 0.5)])
    'a,b\r\n1,\r\n"x,y",0.5\r\n'
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()

"""ARFF files, in which OpenML publishes tables: real columns and one column of classes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from trigcnn.models.damage import MOST_PUBLISHED_BYTES, check_size
from trigcnn.models.datasets.base import Labels
from trigcnn.models.datasets.published import damage_named, head_of, looks_like
from trigcnn.models.errors import DataError

_ATTRIBUTE = re.compile(r"""@attribute\s+(?P<name>'[^']*'|"[^"]*"|\S+)\s+(?P<kind>.*)""", re.IGNORECASE)
_REAL = ("real", "numeric", "integer")


@dataclass(frozen=True)
class Table:
    """The content of a file.

    Attributes:
        columns: Names of the real columns.
        values: Shape `[n, columns]`.
        classes: What the column of classes may hold.
        labels: Shape `[n]`, indices into `classes`.
    """

    columns: tuple[str, ...]
    values: npt.NDArray[np.float64]
    classes: tuple[str, ...]
    labels: Labels


def read(path: Path) -> Table:
    """Read a file.

    Raises:
        DataError: It is not such a file, damaged, or has columns of other types.
    """
    head = head_of(path)
    if looks_like(head) != "something else":
        raise DataError(f"{path}: not an ARFF file but {looks_like(head)}; download it again, as ARFF")
    check_size(str(path), path.stat().st_size, MOST_PUBLISHED_BYTES, "take the published file", DataError)
    with damage_named(path), path.open(encoding="utf-8") as stream:
        columns = _header(stream, path)
        nominal = [at for at, (_, kind) in enumerate(columns) if kind.startswith("{")]
        others = [name for name, kind in columns if not kind.startswith("{") and kind.lower() not in _REAL]
        if len(nominal) != 1 or others:
            raise DataError(
                f"{path}: {len(nominal)} columns of classes, and of other types: {', '.join(others) or 'none'}; there "
                "must be one column of classes, and all others real; take the published file"
            )
        classes = tuple(_bare(text) for text in columns[nominal[0]][1].strip("{}").split(","))

        def index(text: str) -> float:
            return classes.index(_bare(text))

        table = np.loadtxt(stream, delimiter=",", comments="%", converters={nominal[0]: index}, ndmin=2)
    if table.shape[1] != len(columns) or not table.size:
        raise DataError(
            f"{path}: {len(table)} rows of {table.shape[1]} values for {len(columns)} columns; copy it again"
        )
    return Table(
        tuple(name for at, (name, _) in enumerate(columns) if at != nominal[0]),
        np.delete(table, nominal[0], axis=1),
        classes,
        table[:, nominal[0]].astype(np.int64),
    )


def _header(stream: TextIO, path: Path) -> list[tuple[str, str]]:
    """Read names and types of the columns, up to the line before the first row."""
    columns: list[tuple[str, str]] = []
    for line in iter(stream.readline, ""):
        text = line.strip()
        if text.lower() == "@data":
            return columns
        if match := _ATTRIBUTE.fullmatch(text):
            columns.append((_bare(match["name"]), match["kind"].strip()))
    raise DataError(f"{path}: not an ARFF file, or a truncated one: there is no line @DATA; download it again")


def _bare(text: str) -> str:
    return text.strip().strip("'\"")

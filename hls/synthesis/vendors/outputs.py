"""Outputs of a vendor's simulations, compared with the model's: hls4ml's test benches exit with 0 whatever they are.

Both are text. A test bench prints an output with six significant digits, or exactly if its type does so itself; so
an output is equal if it lies within half a unit of the last printed digit. Up to 16 bits and a sign, this separates
every value from its neighbours; values of a wider type may look alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.vendors.plan import ToolStep

# Inputs and expected outputs of hls4ml's test benches, in the project of each back end.
EXPECTED = "tb_data/tb_output_predictions.dat"
# Significant digits that C++ prints, without zeros at the end; and those with which NumPy writes single precision.
_PRINTED, _WRITTEN = 6, 8


@dataclass(frozen=True)
class Comparison:
    """Numbers of equal and of all outputs.

    Attributes:
        equal: Number of equal outputs.
        total: Number of all outputs.
        difference: The first that differs, in words; empty if none does.
    """

    equal: int
    total: int
    difference: str

    def __str__(self) -> str:
        """Return how many are equal, in words."""
        return f"{self.equal:,} of {self.total:,} outputs equal"


def check(step: ToolStep, folder: Path, project: Path, *, exact: bool) -> str | None:
    """Compare the outputs that a step simulated with the model's.

    Args:
        step: The step.
        folder: Folder with its files.
        project: The project that it was given.
        exact: Whether a differing output is an error; if number formats lose bits, they are only counted.

    Returns:
        How many outputs were equal, in words; None if it leaves no simulated outputs.

    Raises:
        ToolFailedError: An output is missing, cannot be read, or differs.
    """
    found = []
    for path in (folder / each.path for each in step.leaves if each.reader == "outputs"):
        found.append(compare(path, project / EXPECTED))
        if exact and found[-1].difference:
            raise ToolFailedError(
                f"{path}: {found[-1].difference}; {found[-1]}: the simulated outputs are not the model's"
            )
    equal, total = sum(each.equal for each in found), sum(each.total for each in found)
    return str(Comparison(equal, total, "")) if found else None


def compare(found: Path, expected: Path) -> Comparison:
    """Compare two files with a line for each event, and its outputs in it.

    Raises:
        ToolFailedError: An output is missing or cannot be read.
    """
    wanted, rows = _rows(expected), _rows(found)
    total = sum(map(len, wanted))
    if not total:
        raise ToolFailedError(f"{expected} holds no outputs to compare with; convert again")
    if len(rows) != len(wanted):
        raise ToolFailedError(f"{found} holds {len(rows):,} events, but the test bench has {len(wanted):,}")
    first, equal = "", 0
    for event, (row, right) in enumerate(zip(rows, wanted, strict=True)):
        if len(row) != len(right):
            raise ToolFailedError(f"{found}: event {event} has {len(row):,} outputs instead of {len(right):,}")
        for output, (value, wish) in enumerate(zip(row, right, strict=True)):
            if abs(value - wish) <= _half(value, _PRINTED) + _half(wish, _WRITTEN):
                equal += 1
            elif not first:
                first = f"event {event}, output {output} is {value} but should be {wish}"
    return Comparison(equal, total, first)


def _rows(path: Path) -> list[list[Decimal]]:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ToolFailedError(f"{path}: the outputs cannot be read ({error})") from error
    return [[_number(path, event, word) for word in line.split()] for event, line in enumerate(lines)]


def _number(path: Path, event: int, word: str) -> Decimal:
    try:
        value = Decimal(word)
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite():
        raise ToolFailedError(f"{path}: event {event} has {word!r}, which is not a number")
    return value


def _half(value: Decimal, digits: int) -> Decimal:
    """Return half a unit of the last printed digit of a number; trailing zeros may be missing."""
    last = min(value.adjusted() - digits + 1, int(value.as_tuple().exponent))
    return Decimal(5).scaleb(last - 1) if value else Decimal(0)

"""Parts that the text reports of vendors' tools share: words for the unknown, numbers with units, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trigcnn.hls.errors import ToolFailedError

# Unknown: a loop's bounds may depend on the data, or a step was not run.
UNKNOWN = frozenset({"", "undef", "?", "-", "--", "na", "n/a", "tbd"})

_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9, "sec": 1e9, "ps": 1e-3}
_QUANTITY = re.compile(r"([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?) *([a-zA-Z]*)$")
_RULE = re.compile(r"^ *\+[-+ ]*\+ *$")


@dataclass(frozen=True)
class Text:
    """The text of a report; its errors name the file.

    Attributes:
        path: The file.
        content: Its text.
    """

    path: Path
    content: str

    @classmethod
    def read(cls, path: Path, kind: str) -> Text:
        """Read a file.

        Args:
            path: The file.
            kind: What it should be, for errors: `a synthesis report`.

        Raises:
            ToolFailedError: It is missing, or not text.
        """
        try:
            return cls(path, path.read_text(encoding="utf-8", errors="replace"))
        except OSError as error:
            raise ToolFailedError(f"{path} cannot be read as {kind}: {error}") from error

    def search(self, pattern: str, what: str) -> re.Match[str]:
        """Find a pattern; `^` and `$` are ends of lines.

        Raises:
            ToolFailedError: It is not there.
        """
        found = re.search(pattern, self.content, re.MULTILINE)
        if found is None:
            raise ToolFailedError(f"{self.path} lacks {what}; it is cut off or another kind of report")
        return found

    def after(self, pattern: str, what: str) -> Text:
        """Return the text after a pattern.

        Raises:
            ToolFailedError: The pattern is not there.
        """
        return Text(self.path, self.content[self.search(pattern, what).end() :])

    def table(self, pattern: str, what: str, *, gap: int = 1) -> list[list[str]]:
        """Return the cells of the first table after a pattern, header rows too, without the lines between rows.

        Args:
            pattern: The text before it; `^` and `$` are ends of lines.
            what: What it holds, for errors.
            gap: Lines allowed in between. A table further down is a different one, and the list is then empty.

        Raises:
            ToolFailedError: The pattern is not there, or the table has no end.
        """
        lines = self.after(pattern, what).content.splitlines()[1:]
        start = next((n for n, line in enumerate(lines[: gap + 1]) if _RULE.match(line)), None)
        if start is None:
            return []
        cells: list[list[str]] = []
        for line in lines[start:]:
            if line.strip().startswith("|"):
                cells.append([cell.strip() for cell in line.strip()[1:].removesuffix("|").split("|")])
            elif not _RULE.match(line):
                return cells
        raise ToolFailedError(f"{self.path} is cut off within {what}; run the tool again")

    def whole(self, text: str, what: str) -> int | None:
        """Read a whole number; None if the tool does not know it.

        Raises:
            ToolFailedError: It is something else.
        """
        text = text.strip()
        if text.lower() in UNKNOWN:
            return None
        if not re.fullmatch(r"\d+|\d{1,3}(,\d{3})+", text):
            raise ToolFailedError(f"{self.path}: {what} should be a whole number but is {text!r}")
        return int(text.replace(",", ""))

    def number(self, text: str, what: str) -> float | None:
        """Read a number; None if the tool does not know it.

        Raises:
            ToolFailedError: It is something else.
        """
        return self._quantity(text, what, {"": 1.0})

    def nanoseconds(self, text: str, what: str) -> float | None:
        """Read a time with its unit, in ns; one without a unit is in ns. None if the tool does not know it.

        >>> report = Text(Path("tiny.rpt"), "")
        >>> report.nanoseconds("5.220 us", "latency"), report.nanoseconds("0.62 ns", "clock")
        (5220.0, 0.62)
        >>> report.nanoseconds("undef", "latency") is None
        True

        Raises:
            ToolFailedError: It is something else.
        """
        return self._quantity(text, what, _NS | {"": 1.0})

    def _quantity(self, text: str, what: str, units: dict[str, float]) -> float | None:
        text = text.strip()
        if text.lower() in UNKNOWN:
            return None
        match = _QUANTITY.match(text)
        if match is None or match[2] not in units:
            kind = "a time" if len(units) > 1 else "a number"
            raise ToolFailedError(f"{self.path}: {what} should be {kind} but is {text!r}")
        # Decimal places of the text, so that 5.220 us are 5220 ns.
        return round(float(match[1]) * units[match[2]], 6)

    def span(self, text: str, what: str) -> tuple[int | None, int | None]:
        """Read a whole number, or the smallest and the largest separated by `~`.

        >>> report = Text(Path("tiny.rpt"), "")
        >>> report.span("64 ~ 72", "interval"), report.span("7", "interval"), report.span("3 ~ ?", "interval")
        ((64, 72), (7, 7), (3, None))

        Raises:
            ToolFailedError: It is something else.
        """
        low, tilde, high = text.partition("~")
        least = self.whole(low, what)
        return least, self.whole(high, what) if tilde else least


def records(cells: list[list[str]]) -> Iterator[dict[str, str]]:
    """Return the rows of a table by the names in its first row; rows of another width are left out."""
    if cells:
        names = cells[0]
        for row in cells[1:]:
            if len(row) == len(names):
                yield dict(zip(names, row, strict=True))

"""Our docstrings are plain text with `code` in single backquotes; this turns them into what Sphinx reads."""

import re
from collections import _tuplegetter  # type: ignore[attr-defined]
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx

# Characters that mean something in reStructuredText, and nothing in our docstrings.
_MARKUP = re.compile(r"[*|]|(?<=\w)_(?!\w)")


def restructured(lines: list[str]) -> Iterator[str]:
    r"""Give a docstring's lines in reStructuredText.

    >>> list(restructured(["Of `a`, *all*:", ">>> a * b"]))
    ['Of ``a``, \\*all\\*:', '>>> a * b']
    """
    table = False
    for line in lines:
        begins = line.lstrip().startswith("|")
        if begins and not table:
            yield from ("::", "")
        if table and not begins:
            yield ""
        table = begins
        if table or line.lstrip().startswith(">>>"):
            yield f"    {line}" if table else line
            continue
        pieces = re.split(r"(`[^`]*`)", line)
        yield "".join(
            f"`{piece}`" if number % 2 else _MARKUP.sub(r"\\\g<0>", piece) for number, piece in enumerate(pieces)
        )


def _process(_app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    lines[:] = restructured(lines)


def _skip(_app: Sphinx, _what: str, _name: str, member: Any, skip: bool, _options: Any) -> bool | None:
    """Leave out fields of named tuples: the class says what they are, Python only their numbers."""
    return True if isinstance(member, _tuplegetter) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what autodoc is told; before napoleon reads the sections."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True}

"""The blocks of code in the documentation and in the README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.docs.notebook import DOCS

ROOT = DOCS.parent
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "vivado_projects" / "README.md"])
# Above a block of YAML that is something else.
OTHER = re.compile(r"<!-- not a configuration -->\s*$")
_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A fenced block.

    Attributes:
        where: Page and line.
        language: First word behind the fence; empty for none.
        text: What is in it.
        before: The page up to it.
    """

    where: str
    language: str
    text: str
    before: str


def blocks(*languages: str) -> Iterator[Block]:
    """Give all blocks in these languages."""
    for page in PAGES:
        content = page.read_text(encoding="utf-8")
        for match in _FENCE.finditer(content):
            before = content[: match.start()]
            language = (match["info"].split() or [""])[0]
            if language in languages:
                where = f"{page.relative_to(ROOT)}:{before.count(chr(10)) + 1}"
                yield Block(where, language, match["text"], before)


def inline_code() -> Iterator[tuple[str, str]]:
    """Give what stands between single backquotes outside of blocks, with its page."""
    for page in PAGES:
        content = _FENCE.sub("", page.read_text(encoding="utf-8"))
        for match in re.finditer(r"(?<!`)`([^`]+)`(?!`)", content):
            yield str(page.relative_to(ROOT)), " ".join(match[1].split())


def links() -> Iterator[tuple[Path, str]]:
    """Give links to files, with the page that they are on."""
    for page in PAGES:
        content = _FENCE.sub("", page.read_text(encoding="utf-8"))
        for match in re.finditer(r"\]\(([^)\s]+)\)", content):
            if "://" not in match[1] and not match[1].startswith("#"):
                yield page, match[1].partition("#")[0]

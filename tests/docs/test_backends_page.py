"""The table of back ends in the documentation says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from trigcnn.hls.backends import EXPERIMENTAL, FACTS

PAGE = Path(__file__).parents[2] / "docs" / "backends.md"


def test_the_table_marks_experimental_flows_and_names_the_default_parts() -> None:
    rows = re.findall(r"^\| (\w+) \| [^|]+ \| ([^|]+) \| (\S+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: (state == "*experimental*", part) for name, state, part in rows} == {
        name: (facts.experimental, facts.part) for name, facts in FACTS.items()
    }


def test_the_page_explains_the_mark() -> None:
    word, _, meaning = EXPERIMENTAL.partition(": ")
    assert f"***{word.capitalize()}*** means that the flow was {meaning}" in " ".join(PAGE.read_text().split())

"""The page on Python runs from top to bottom, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.docs.notebook import DOCS
from tests.docs.pages import blocks

ROOT = DOCS.parent


@pytest.mark.slow
def test_the_page_on_python_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "configs" / "digits.yaml", tmp_path)
    for file in (ROOT / "tests" / "golden").glob("lenet8.golden.*"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    page = [block for block in blocks("python", "text") if block.where.startswith("docs/howto/python.md")]
    names: dict[str, Any] = {}
    assert [block.language for block in page] == ["python", "text"] * (len(page) // 2)
    for code, printed in zip(page[::2], page[1::2], strict=True):
        stream = io.StringIO()
        with contextlib.redirect_stdout(stream):
            exec(compile(code.text, code.where, "exec"), names)
        assert stream.getvalue() == printed.text, printed.where

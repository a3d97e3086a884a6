from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from tests.docs import notebook


@pytest.mark.slow
# What the Jupyter libraries say of themselves.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_block_of_the_tutorial_runs(tmp_path: Path) -> None:
    executed = notebook.read()
    notebook.execute(executed, tmp_path)
    printed = "".join(o.text for cell in executed.cells for o in cell.get("outputs", []) if o.output_type == "stream")
    assert printed.count("verdict: pass") == 2
    assert re.search(r"^Differing outputs +0 +0$", printed, re.MULTILINE)
    assert "WARNING" not in printed


def test_the_notebook_is_the_page_executed() -> None:
    page, executed = notebook.read(), nbformat.read(notebook.NOTEBOOK, as_version=4)
    assert [cell.source for cell in executed.cells] == [cell.source for cell in page.cells], (
        "docs/tutorial.md was changed; run `make notebook`"
    )
    cells = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells if "print(" in cell.source or cell.source.startswith("%%sh"))
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)

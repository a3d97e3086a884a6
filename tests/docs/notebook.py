"""The tutorial as a notebook: `python -m tests.docs.notebook` runs docs/tutorial.md and writes docs/tutorial.ipynb.

Where no more than the text was changed, `--text` writes the new text and keeps the outputs.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from myst_nb.core.read import read_myst_markdown_notebook
from nbclient import NotebookClient

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, NOTEBOOK = DOCS / "tutorial.md", DOCS / "tutorial.ipynb"
_TIMEOUT_S = 1800


def read(page: Path = PAGE) -> Any:
    """Read a page as a notebook without outputs; the same page gives the same notebook."""
    notebook = read_myst_markdown_notebook(page.read_text(encoding="utf-8"))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook


def execute(notebook: Any, folder: Path) -> None:
    """Run a notebook's cells in a folder, as a reader would, and put their outputs into it.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell failed.
    """
    bin_folder = Path(sys.prefix) / "bin"
    environment = {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "IPYTHONDIR": str(folder / ".ipython"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, timeout=_TIMEOUT_S, resources=resources, record_timing=False, coalesce_streams=True
    )
    client.execute(env=environment)


def code(notebook: Any) -> list[Any]:
    """Give the code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def keep_outputs(notebook: Any, executed: Any) -> None:
    """Take the outputs of an earlier execution of the same code.

    Raises:
        ValueError: The code is another.
    """
    for cell, old in zip(code(notebook), code(executed), strict=True):
        if cell.source != old.source:
            raise ValueError(f"the code was changed, so it must be run again: {cell.source}")
        cell.outputs, cell.execution_count = old.outputs, old.execution_count


def main(arguments: list[str]) -> None:
    """Write the executed notebook."""
    notebook = read()
    if arguments == ["--text"]:
        keep_outputs(notebook, nbformat.read(NOTEBOOK, as_version=4))
    else:
        with tempfile.TemporaryDirectory() as folder:
            execute(notebook, Path(folder))
    # Not the versions of the computer on which it ran.
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    main(sys.argv[1:])

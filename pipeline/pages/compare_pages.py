"""The files of a comparison: `compare.json`, and from it `compare.html`, `compare.md` and `compare.csv`."""

from __future__ import annotations

from pathlib import Path

from trigcnn.common.files import write_text
from trigcnn.pipeline.pages import page, tables
from trigcnn.pipeline.pages.figures import pareto
from trigcnn.pipeline.pages.rendering import environment
from trigcnn.pipeline.results.compared import Compared
from trigcnn.pipeline.results.merit import change, shown


def write(compared: Compared, folder: Path) -> None:
    """Write a comparison into a folder, which is created if needed.

    Raises:
        OSError: It cannot be written.
    """
    texts = {
        "compare.json": compared.model_dump_json(indent=2) + "\n",
        "compare.md": markdown(compared),
        "compare.csv": csv(compared),
        "compare.html": html(compared),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)


def markdown(compared: Compared) -> str:
    """Write a comparison as one Markdown page, without pictures."""
    return environment(for_html=False).get_template("compare.md.j2").render(compared=compared, shown=shown)


def html(compared: Compared) -> str:
    """Write a comparison as one self-contained HTML page."""
    return page.render("compare.html.j2", compared=compared, drawn=pareto.figures(compared), shown=shown, change=change)


def csv(compared: Compared) -> str:
    """Return a row per run and figure."""
    rows = (
        (run.label, merit.name, f"{merit.value:.12g}", merit.unit, merit.share, merit.evidence, merit.source)
        for run in compared.runs
        for merit in run.merits
    )
    return tables.text(("run", "figure", "value", "unit", "share_of_part", "evidence", "source"), rows)

"""Several runs side by side: `trigcnn compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from trigcnn.common.foreign import cut
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.pages import compare_pages
from trigcnn.pipeline.results.compared import Compared, compare
from trigcnn.pipeline.results.merit import Merit, shown
from trigcnn.pipeline.results.report import Report


def compare_runs(runs: Sequence[Path], out: Path, console: Console) -> Compared:
    """Read the reports of runs, write their common figures and differences, and print them.

    Args:
        runs: Folders of runs, or their report.json; the others are compared with the first.
        out: Folder of the pages; made if need be.
        console: Where the table is printed.

    Raises:
        ConfigError: There are fewer than two, one has no report, or the folder cannot be written.
    """
    if len(runs) < 2:
        raise ConfigError(f"a comparison needs two runs or more, and {len(runs)} was given; name their folders")
    files = [_file(run) for run in runs]
    labels = _labels(files)
    found = compare([(label, str(file), _read(file)) for label, file in zip(labels, files, strict=True)])
    try:
        compare_pages.write(found, out)
    except OSError as error:
        raise ConfigError(f"{out}: cannot write there ({error.strerror}); choose another folder with --out") from error
    _show(found, console)
    console.line(f"comparison: {out / 'compare.html'}")
    return found


def _file(run: Path) -> Path:
    for path in (run, run / "report.json", run / "report" / "report.json"):
        if path.is_file():
            return path
    raise ConfigError(f"{run}: has no report; finish the run with `trigcnn run`, or name its folder or report.json")


def _read(path: Path) -> Report:
    try:
        return Report.load(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = cut(".".join(map(str, first["loc"])) or "the file")
        raise ConfigError(
            f"{path}: is not a report of this version of trigcnn ({where}: {cut(first['msg'])}); write it again with "
            "`trigcnn report`"
        ) from error


def _labels(files: Sequence[Path]) -> list[str]:
    """Return names of runs: their folders, with as much of the path as makes them unique."""
    folders = [
        path.parent.parent if path.parent.name == "report" else path.parent
        for path in (file.resolve() for file in files)
    ]
    if len(set(files)) < len(files):
        twice = next(file for file in files if files.count(file) > 1)
        raise ConfigError(f"{twice}: was given twice; name each run once")
    for depth in range(1, max(len(folder.parts) for folder in folders) + 1):
        labels = ["/".join(folder.parts[-depth:]) for folder in folders]
        if len(set(labels)) == len(labels):
            return labels
    return [file.stem + f" {number}" for number, file in enumerate(files, 1)]


def _show(found: Compared, console: Console) -> None:
    columns = ("run", "verdict", "differing", *(found.label(name) for name in found.figures))
    console.table(
        columns,
        [
            (run.label, run.verdict, f"{run.differing_outputs:,}", *(_cell(run.merit(name)) for name in found.figures))
            for run in found.runs
        ],
    )


def _cell(merit: Merit | None) -> str:
    return "–" if merit is None else shown(merit)

"""The history of a run folder: figures of each run, and changed options.

`history.jsonl` in the run's folder has one line per run with a report.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from trigcnn.pipeline.cache.folder import RunFolder, file_digest
from trigcnn.pipeline.config.differences import differing
from trigcnn.pipeline.config.differences import shown as option_shown
from trigcnn.pipeline.errors import RunFolderError
from trigcnn.pipeline.results.earlier import Change, EarlierRun
from trigcnn.pipeline.results.merit import Merit
from trigcnn.pipeline.results.merits import merits
from trigcnn.pipeline.results.report import Report, Verdict
from trigcnn.pipeline.results.section import Section

_FILE = "history.jsonl"
# The report shows no more; the file keeps all.
_SHOWN = 12


class _Line(Section):
    date: str
    command: str
    verdict: Verdict
    digest: str
    merits: list[Merit]
    configuration: dict[str, Any]


def earlier(folder: RunFolder, configuration: dict[str, Any]) -> list[EarlierRun]:
    """Return the runs before this one, the latest first.

    Args:
        folder: The run's folder.
        configuration: Options of the present run, as in `RunConfig.model_dump(mode="json")`.

    Raises:
        RunFolderError: The file of the history is damaged.
    """
    return [
        EarlierRun(
            date=line.date,
            command=line.command,
            verdict=line.verdict,
            merits=line.merits,
            changes=[
                Change(option=option, before=option_shown(before), after=option_shown(after))
                for option, (before, after) in differing([line.configuration, configuration]).items()
            ],
        )
        for line in reversed(_read(folder)[-_SHOWN:])
    ]


def record(folder: RunFolder) -> None:
    """Add the folder's report to its history, unless it is already the last entry.

    Raises:
        RunFolderError: The file of the history is damaged, or cannot be written.
    """
    path = folder.stage("report") / "report.json"
    lines, digest = _read(folder), file_digest(path)
    if lines and lines[-1].digest == digest:
        return
    report = Report.load(path)
    line = _Line(
        date=report.provenance.date,
        command=report.provenance.command,
        verdict=report.verdict,
        digest=digest,
        merits=merits(report),
        configuration=report.provenance.options(),
    )
    folder.write(_FILE, "".join(f"{each.model_dump_json()}\n" for each in (*lines, line)))


def _read(folder: RunFolder) -> list[_Line]:
    path = folder.path / _FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise RunFolderError(f"{path} cannot be read: {error}; fix or remove it") from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            found.append(_Line.model_validate_json(line))
        except ValidationError as error:
            raise RunFolderError(
                f"{path}: line {number} was not written by a run ({error.errors()[0]['msg']}); remove the line"
            ) from error
    return found

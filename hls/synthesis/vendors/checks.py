"""Whether a tool run went well: what its log says, and what it left. The same here and for results from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.vendors.plan import Phase, ToolStep

_SHOWN = 10


def check_log(step: ToolStep, program: str, log: Path) -> tuple[str, ...]:
    """See that a tool printed no error.

    Tcl that catches an error, and tools started from Tcl, print one and still end with status 0.

    Returns:
        The critical warnings, each once.

    Raises:
        ToolFailedError: There is no log, or it has errors or fatal critical warnings.
    """
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError as error:
        raise ToolFailedError(f"{program} left no log: {log} cannot be read ({error.strerror})") from error
    if errors := _matching(step.messages.error, lines):
        raise ToolFailedError(f"{program} gave exit status 0 but printed errors; from its log {log}:{_shown(errors)}")
    if fatal := [line for pattern in step.messages.fatal for line in _matching(pattern, lines)]:
        raise ToolFailedError(
            f"{program} printed critical warnings with which its figures mean nothing; from its log {log}:"
            f"{_shown(fatal)}"
        )
    return tuple(dict.fromkeys(_matching(step.messages.critical, lines)))


def check_left(step: ToolStep, program: str, folder: Path, started_ns: int, log: Path) -> None:
    """See that all files are there that a step must leave, and that they are its own.

    Args:
        step: The step.
        program: The tool's name.
        folder: Folder in which it ran.
        started_ns: When it began, by the clock of the file system with the files, in ns.
        log: Its log.

    Raises:
        ToolFailedError: One is missing, or older than the run.
    """
    for expected in step.leaves:
        check_fresh(program, folder / expected.path, started_ns, log)


def check_fresh(program: str, path: Path, started_ns: int, log: Path) -> None:
    """See that a file is there, and not older than the tool's start; see `check_left`."""
    if not path.is_file():
        raise ToolFailedError(f"{program} succeeded without a report: {path} is missing; look into {log}")
    if path.stat().st_mtime_ns < started_ns:
        raise ToolFailedError(
            f"{program} succeeded without a new report: {path} is older than the run; look into {log}"
        )


class Follower:
    """Tells from a log's lines in which stage a tool is."""

    def __init__(self, phases: Iterable[Phase]) -> None:
        self._phases = [(re.compile(phase.pattern), phase.words) for phase in phases]
        self.stage = ""

    def __call__(self, line: str) -> str:
        """Return the stage after another line."""
        for pattern, words in self._phases:
            if match := pattern.search(line.rstrip()):
                self.stage = match.expand(words)
        return self.stage


def _matching(pattern: str, lines: Iterable[str]) -> list[str]:
    wanted = re.compile(pattern)
    return [line.rstrip() for line in lines if wanted.search(line)]


def _shown(lines: list[str]) -> str:
    return "".join(f"\n  | {line}" for line in lines[:_SHOWN])

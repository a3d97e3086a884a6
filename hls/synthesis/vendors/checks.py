"""Checks of a tool run: its log and its files. They are the same here and for results from another computer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.vendors.plan import Phase, ToolStep

_SHOWN = 10


def check_log(step: ToolStep, program: str, log: Path) -> tuple[str, ...]:
    """Check that a tool printed no error.

    Tcl scripts that catch an error, and tools started from Tcl, may print an error and still exit with status 0.

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
            f"{program} printed critical warnings that make its figures meaningless; from its log {log}:{_shown(fatal)}"
        )
    return tuple(dict.fromkeys(_matching(step.messages.critical, lines)))


def check_left(step: ToolStep, program: str, folder: Path, started_ns: int, log: Path) -> None:
    """Check that all files exist that a step must leave, and that they are from this run.

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
    """Check that a file exists and is not older than the tool's start; see `check_left`."""
    if not path.is_file():
        raise ToolFailedError(f"{program} succeeded without a report: {path} is missing; see {log}")
    if path.stat().st_mtime_ns < started_ns:
        raise ToolFailedError(f"{program} succeeded without a new report: {path} is older than the run; see {log}")


class Follower:
    """Follows a log's lines to tell in which stage a tool is."""

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

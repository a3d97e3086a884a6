"""Errors of a run, and the exit status of each kind."""

from __future__ import annotations

from enum import IntEnum

from trigcnn.common.errors import TrigcnnError
from trigcnn.common.files import NO_ROOM
from trigcnn.hls.errors import ToolError


class ExitStatus(IntEnum):
    """Exit status of the command."""

    DONE = 0
    GATE_MISSED = 1
    BAD_INPUT = 2
    TOOL = 3
    # EX_SOFTWARE of sysexits.h: differs from all of the above, so that a bug does not look like a missed gate.
    BUG = 70


class PipelineError(TrigcnnError):
    """Base of this package's own errors; the message says what is wrong, where, and what fixes it."""


class ConfigError(PipelineError):
    """The configuration, or an option of the command line, cannot be used."""


class RunFolderError(PipelineError):
    """The run's folder cannot be written, is used by another run, or lacks a file that a stage needs."""


class RunFolderTakenError(RunFolderError):
    """Another run works in the run's folder."""


class RunFolderWriteError(RunFolderError):
    """A stage's files cannot be written: no space is left, or the folder vanished."""


class SweepError(PipelineError):
    """A sweep cannot continue; its results so far are kept."""


class MissingExtraError(PipelineError):
    """Packages of an optional part of trigcnn are not installed."""


class GoldenError(PipelineError):
    """A golden case cannot be read, written or checked."""


def exit_status(error: TrigcnnError) -> ExitStatus:
    """Return the exit status for an error: that of the environment for a full disk, wherever it was noticed."""
    cause = error.__cause__
    full = isinstance(cause, OSError) and cause.errno in NO_ROOM
    kinds = ToolError | MissingExtraError | RunFolderWriteError
    return ExitStatus.TOOL if full or isinstance(error, kinds) else ExitStatus.BAD_INPUT

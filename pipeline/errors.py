"""What can go wrong in a run, and the exit status that each kind of error gives."""

from __future__ import annotations

from enum import IntEnum

from trigcnn.common.errors import TrigcnnError
from trigcnn.hls.errors import ToolError


class ExitStatus(IntEnum):
    """Exit status of the command."""

    DONE = 0
    GATE_MISSED = 1
    BAD_INPUT = 2
    TOOL = 3
    # sysexits.h, EX_SOFTWARE: none of the above, and not to be taken for a missed gate.
    BUG = 70


class PipelineError(TrigcnnError):
    """Base of this package's own errors; the message says what, where and what mends it."""


class ConfigError(PipelineError):
    """The configuration, or an option of the command line, cannot be used."""


class RunFolderError(PipelineError):
    """The run's folder cannot be written, is taken by another run, or lacks what a stage needs."""


class RunFolderTakenError(RunFolderError):
    """Another run works in the run's folder."""


class SweepError(PipelineError):
    """A sweep cannot go on; what it has found is kept."""


class GoldenError(PipelineError):
    """A golden case cannot be read, written or checked."""


def exit_status(error: TrigcnnError) -> ExitStatus:
    """Give the exit status for an error."""
    return ExitStatus.TOOL if isinstance(error, ToolError) else ExitStatus.BAD_INPUT

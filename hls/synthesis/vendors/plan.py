"""The plan of a vendor's flow, made before anything is run: tools in order, their inputs and expected files."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from trigcnn.hls.options import Backend

# The designs of a run, which are also their folders: hls4ml's project, and our RTL.
DesignName = Literal["hls", "rtl"]
# Name of a step that prepares a project for the others.
CONFIGURE = "configure"
# Readers of reports, see `figures.py`; and of outputs, see `outputs.py`.
Reader = Literal[
    "csynth", "cosim", "outputs", "utilization", "layers", "timing", "quartus", "quartus-cosim", "quartus-fit",
    "oneapi", "oneapi-fit", "catapult", "libero",
]  # fmt: skip


@dataclass(frozen=True)
class VersionQuery:
    """How to ask a tool for its version.

    Attributes:
        program: The tool.
        arguments: Arguments with which it prints its version and ends.
        pattern: Regular expression, which Python and bash read alike, whose first group is the version: numbers
            separated by points.
        minimum: Oldest version that works; None if any does.
        maximum: Newest version that works; 2020.1 includes 2020.1.1.
    """

    program: str
    arguments: tuple[str, ...]
    pattern: str
    minimum: str | None = None
    maximum: str | None = None


@dataclass(frozen=True)
class Command:
    """A command line.

    Attributes:
        program: File name of the program, looked for on PATH; `./name` is one that an earlier step has built.
        arguments: Its arguments; no shell reads them.
        version: How to ask its tool for its version; None if that is impossible.
    """

    program: str
    arguments: tuple[str, ...]
    version: VersionQuery | None = None

    @property
    def tool(self) -> str:
        """Name of the tool, which a program such as `make` only starts."""
        return self.program if self.version is None else self.version.program

    @property
    def line(self) -> str:
        """The command for a shell."""
        return shlex.join((self.program, *self.arguments))


@dataclass(frozen=True)
class ExpectedFile:
    """A file that a step leaves.

    Attributes:
        path: Its path, relative to the folder in which the tool runs.
        reader: Reads figures from it; None if it has none.
        bulky: Whether only a later step needs it; it is not returned from another computer.
    """

    path: str
    reader: Reader | None = None
    bulky: bool = False


@dataclass(frozen=True)
class Phase:
    r"""A stage of a tool's work, recognized in its log.

    Attributes:
        pattern: Regular expression that a line of the log matches somewhere when the stage begins.
        words: What it is called; `\1` is the pattern's first group.
    """

    pattern: str
    words: str


@dataclass(frozen=True)
class Messages:
    """How a tool marks lines of its log. Regular expressions that Python and `grep -E` read alike.

    Attributes:
        error: Lines of errors. Some tools print them and still end with status 0.
        critical: Lines of critical warnings, which are shown to the user.
        fatal: Critical warnings that are errors, since they make the figures meaningless.
    """

    error: str
    critical: str
    fatal: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToolStep:
    """One run of one tool. All paths are relative to the folder in which it runs.

    Attributes:
        name: What it does: `csim`, `csynth`, `cosim`, `export`, `logic-synthesis`, `implementation`; or a step before
            these, such as `CONFIGURE`.
        design: What it works on, and the folder in which it runs.
        commands: Equivalent command lines; the first one whose program exists in a supported version is used.
        mend: What to do if none is.
        log: File that receives what the tool prints.
        messages: How its log marks what is wrong.
        banner: Regular expression that finds the version in the log, first group, of a tool that has no query.
        needs: Further programs that it starts itself.
        files: Texts of the files to write first, by name.
        environment: Variables to set.
        clears: Files and folders to remove first, besides those that it must leave.
        leaves: Files that it must leave, newer than its start.
        phases: Stages of its work.
    """

    name: str
    design: DesignName
    commands: tuple[Command, ...]
    mend: str
    log: str
    messages: Messages
    banner: str = ""
    needs: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    clears: tuple[str, ...] = ()
    leaves: tuple[ExpectedFile, ...] = ()
    phases: tuple[Phase, ...] = ()

    @property
    def title(self) -> str:
        """Return its name, and whether it works on our RTL."""
        return self.name if self.design == "hls" else f"{self.name} of our RTL"


@dataclass(frozen=True)
class VendorPlan:
    """Steps of a vendor's tools in order.

    Attributes:
        backend: hls4ml's name of the tool that the HLS project is for.
        top: The project's name, and its top function.
        part: Device.
        clock_period_ns: Clock period asked for, in ns.
        steps: The tools, in their order.
    """

    backend: Backend
    top: str
    part: str
    clock_period_ns: float
    steps: tuple[ToolStep, ...]

    def only(self, wanted: Callable[[ToolStep], bool]) -> VendorPlan:
        """Return the plan with only some of its steps."""
        return replace(self, steps=tuple(filter(wanted, self.steps)))

    @property
    def designs(self) -> tuple[DesignName, ...]:
        """Return the designs that it works on."""
        return tuple(dict.fromkeys(step.design for step in self.steps))

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of folders for the steps, in their order."""
        return tuple(f"{number}_{step.design}_{step.name}" for number, step in enumerate(self.steps, 1))

    def written(self, design: DesignName) -> frozenset[str]:
        """Return the names of a design's files that steps write themselves."""
        return frozenset(name for step in self.steps if step.design == design for name in step.files)

    def as_json(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        content: dict[str, Any] = asdict(self)
        return content

"""The programs of a step that this computer has, and their versions."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from trigcnn.common.files import scratch
from trigcnn.hls import tool
from trigcnn.hls.errors import ToolFailedError, ToolMissingError
from trigcnn.hls.synthesis.vendors.plan import Command, ToolStep, VendorPlan, VersionQuery

UNKNOWN = "unknown"
_QUERY_S = 120.0


@dataclass(frozen=True)
class Found:
    """A program that was found.

    Attributes:
        command: The command that takes it.
        path: Where it is, or its name where an earlier step builds it.
        version: Version of its tool, or `unknown`.
    """

    command: Command
    path: str
    version: str


def missing(step: ToolStep) -> str | None:
    """Return a program that a step needs and that is not on PATH, without starting any; None if all exist."""
    names = [command.program for command in step.commands if not command.program.startswith("./")]
    if names and all(shutil.which(name) is None for name in names):
        return " or ".join(names)
    return next((name for name in step.needs if shutil.which(name) is None), None)


def used(plan: VendorPlan) -> dict[str, Path | None]:
    """Return all programs that a plan may start, by name, with their paths; None for missing ones."""
    names = [
        name
        for step in plan.steps
        for name in (*(command.program for command in step.commands), *step.needs)
        if not name.startswith("./")
    ]
    found = {name: shutil.which(name) for name in names}
    return {name: None if path is None else Path(path) for name, path in found.items()}


def find(plan: VendorPlan) -> tuple[Found, ...]:
    """Find the programs of all steps, in their order, before any of them is run.

    Raises:
        ToolMissingError: A program is missing, or its version is not supported.
    """
    asked: dict[VersionQuery, str] = {}
    return tuple(_find(step, asked) for step in plan.steps)


def _find(step: ToolStep, asked: dict[VersionQuery, str]) -> Found:
    for name in step.needs:
        tool.find(name, step.mend)
    refused = []
    for command in step.commands:
        path = command.program if command.program.startswith("./") else shutil.which(command.program)
        if path is None:
            continue
        if command.version is None:
            return Found(command, path, UNKNOWN)
        if command.version not in asked:
            asked[command.version] = query(command.version)
        version = asked[command.version]
        if (reason := unfit(command.version, version)) is None:
            return Found(command, path, version)
        refused.append(f"{shutil.which(command.version.program)} is {reason}")
    if refused:
        raise ToolMissingError(f"{', and '.join(refused)}; {step.mend}")
    raise ToolMissingError(f"{missing(step)} was not found on PATH; {step.mend}")


def query(version: VersionQuery) -> str:
    """Ask a tool for its version.

    Returns:
        The version; `unknown` if it prints none: the tool is used all the same.
    """
    program = shutil.which(version.program)
    if program is None:
        return UNKNOWN
    with scratch() as folder:
        log = folder / "version.log"
        try:
            tool.run([program, *version.arguments], cwd=folder, log=log, timeout_s=_QUERY_S)
        except ToolFailedError:
            return UNKNOWN
        return read(version.pattern, log.read_text(errors="replace"))


def read(pattern: str, text: str) -> str:
    """Find the version in what a tool printed: the first group of a regular expression, if there is one."""
    match = re.search(pattern, text) if pattern else None
    return UNKNOWN if match is None else match[1]


def unfit(query: VersionQuery, version: str) -> str | None:
    """Return in words why a version is not supported; None if it is, or is not known."""
    if version == UNKNOWN:
        return None
    numbers = _numbers(version.split("."))
    if query.minimum is not None and numbers < _numbers(query.minimum.split(".")):
        return f"version {version}, and {query.minimum} or newer is needed"
    if query.maximum is not None:
        newest = _numbers(query.maximum.split("."))
        if numbers[: len(newest)] > newest:
            return f"version {version}, and {query.maximum} or older is needed"
    return None


def _numbers(parts: Iterable[str]) -> tuple[int, ...]:
    return tuple(int(part) for part in parts)

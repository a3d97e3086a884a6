"""Arguments and options that several commands share, and how an interrupt ends a command."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from trigcnn.pipeline import interrupts

Config = Annotated[Path, typer.Argument(help="YAML configuration of the run.", metavar="CONFIG")]
Out = Annotated[Path | None, typer.Option(help="Folder of the run; default: vivado_projects/<name>.", metavar="DIR")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set an option: key.path=value. May be repeated.", metavar="KEY.PATH=VALUE"),
]
Force = Annotated[bool, typer.Option("--force", help="Run every stage again, even if it is unchanged.")]
From = Annotated[str | None, typer.Option("--from", help="Run this stage and all later ones again.", metavar="STAGE")]


def command_line() -> str:
    """Return the command as it was typed, for the report."""
    return shlex.join(["trigcnn", *sys.argv[1:]])


@contextmanager
def interruptible() -> Iterator[None]:
    """End an interrupted command with status 130, as shells do."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        raise typer.Exit(interrupts.INTERRUPTED) from None

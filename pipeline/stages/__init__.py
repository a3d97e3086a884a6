"""The stages of a run, each in a module: what it reads, and what it does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.cache import RunFolder
from pipeline.config import RunConfig
from pipeline.console import Console

ORDER = ("train", "convert", "check", "synthesize", "report")


@dataclass(frozen=True)
class Context:
    """What every stage is given.

    Attributes:
        config: The configuration.
        folder: The run's folder.
        console: Where progress is shown.
        command: The command line, for the report.
    """

    config: RunConfig
    folder: RunFolder
    console: Console
    command: str

    @cached_property
    def user_model(self) -> Path | None:
        """The user's own model file or builder file; None for a network of the zoo."""
        path, _, _ = self.config.model.source.partition(".py:")
        if path == self.config.model.source:
            return Path(path) if path.endswith((".keras", ".h5")) else None
        return Path(f"{path}.py")

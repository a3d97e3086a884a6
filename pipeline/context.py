"""The context of every stage of a run, and the order of stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from trigcnn.pipeline.cache.folder import RunFolder
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.console import Console

# Called with the number of an epoch, from 1, and what is monitored, the larger the better; may raise an exception that
# ends the run.
Watch = Callable[[int, float], None]


ORDER = ("train", "convert", "check", "synthesize", "report")


@dataclass(frozen=True)
class Context:
    """The context of a stage.

    Attributes:
        config: The configuration.
        folder: The run's folder.
        console: Where progress is shown.
        command: The command line, for the report.
        watch: Called after each epoch of the quantized model.
    """

    config: RunConfig
    folder: RunFolder
    console: Console
    command: str
    watch: Watch | None = None

    @cached_property
    def user_files(self) -> tuple[Path, ...]:
        """The user's own model file, or builder file with all that it imports; none for a network of the zoo."""
        path, _, _ = self.config.model.source.partition(".py:")
        if path == self.config.model.source:
            return (Path(path),) if path.endswith((".keras", ".h5")) else ()
        from trigcnn.models import user_code

        return user_code.files(Path(f"{path}.py"))

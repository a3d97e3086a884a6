"""The engines that can run the events."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from trigcnn.common.suggestions import did_you_mean
from trigcnn.hls.engines import Engine, registry
from trigcnn.hls.engines.registry import ENGINES, Workplace
from trigcnn.hls.errors import ConversionError
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.evaluate.finished_run import FinishedRun
from trigcnn.pipeline.evaluate.request import Request
from trigcnn.pipeline.trigger.spectrum import SpectrumBuilder

DEFAULT_ENGINE, FALLBACK_ENGINE = "emulator", "csim"
CHOICES = (DEFAULT_ENGINE, FALLBACK_ENGINE, "qkeras")


def chosen_engines(request: Request) -> list[str]:
    """Return the names of the requested engines, the one to compare with last.

    Raises:
        ConfigError: There is no such engine.
    """
    for option, name in (("--engine", request.engine), ("--against", request.against)):
        if name is not None and name not in CHOICES:
            raise ConfigError(f"{option} {name}: no such engine; {did_you_mean(name, CHOICES)}")
    return [request.engine or DEFAULT_ENGINE, *([] if request.against is None else [request.against])]


@dataclass
class Lane:
    """One engine and its results so far."""

    name: str
    engine: Engine
    spectra: list[SpectrumBuilder] = field(default_factory=list)
    off_grid: int = 0
    events: int = 0
    seconds: float = 0.0

    @property
    def evidence(self) -> Literal["simulation", "evaluation"]:
        """Return whether it computes as the firmware does, or as Keras."""
        return ENGINES[self.name].evidence


def lane_of(
    name: str, run: FinishedRun, scratch: Path, console: Console, notes: list[str], *, chosen: str | None
) -> Lane:
    """Build an engine; the fallback, with a note, if the emulator refuses the graph and was not requested.

    Args:
        name: Name of the engine.
        run: What it runs.
        scratch: Folder that may be written in.
        console: Shows what is being built.
        notes: Receives notes for the user.
        chosen: The engine that the command line names.
    """
    with console.task(f"building {name}"):
        try:
            return Lane(name, _built(name, run, scratch))
        except ConversionError as error:
            if name != DEFAULT_ENGINE or chosen is not None:
                raise
            notes.append(f"the emulator refuses this network; {FALLBACK_ENGINE} runs it instead: {error}")
    with console.task(f"building {FALLBACK_ENGINE}"):
        return Lane(FALLBACK_ENGINE, _built(FALLBACK_ENGINE, run, scratch))


def _built(name: str, run: FinishedRun, scratch: Path) -> Engine:
    folder = scratch / f"engine_{name}"
    folder.mkdir()
    return registry.build(name, run.network, Workplace(folder, run.config.time_limits.compile_s))

"""The request of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trigcnn.pipeline.errors import ConfigError


@dataclass(frozen=True)
class Request:
    """The options of the command; None leaves a choice to the configuration or to the file.

    Attributes:
        run: YAML configuration of a run that is in its default folder, or the run's folder.
        events: File of events.
        events_arrays: Names of the arrays of events, one per input of the network; None: `data.events` of the run.
        labels: Name of the array of labels, or a `.npy` file of them; None: `data.labels` of the run, if it is there.
        unlabelled: Ignore labels, even if there are any.
        signal: Names of the signal classes.
        background: Names of the background classes.
        event_rate_hz: Rate of background events before the trigger, in Hz.
        rates_hz: Target rates in Hz.
        score: `margin`, `signal` or `output`.
        engine: `emulator`, `csim` or `qkeras`; None: the emulator or, if it refuses the graph, csim.
        against: A second engine, to compare with.
        output: Name of the output layer, if there are several.
        out: Folder for the results; None: `evaluate/<name of the file>` in the run's folder.
        command: Command line, for the record.
        chunk_events: Events that are in memory at a time; None: as many as 32 MiB of values.
        apply: Write the threshold of the only rate into the configuration.
    """

    run: Path
    events: Path
    events_arrays: Sequence[str] | None = None
    labels: str | None = None
    unlabelled: bool = False
    signal: Sequence[str] | None = None
    background: Sequence[str] | None = None
    event_rate_hz: float | None = None
    rates_hz: Sequence[float] | None = None
    score: str | None = None
    engine: str | None = None
    against: str | None = None
    output: str | None = None
    out: Path | None = None
    command: str = "trigcnn evaluate"
    chunk_events: int | None = None
    apply: bool = False


def names(text: str | None) -> list[str] | None:
    """Read names that commas separate.

    >>> names("electron, photon")
    ['electron', 'photon']
    """
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def numbers(text: str | None, option: str) -> list[float] | None:
    """Read numbers that commas separate.

    Raises:
        ConfigError: One is not a number.
    """
    found = names(text)
    if found is None:
        return None
    try:
        return [float(number) for number in found]
    except ValueError as error:
        raise ConfigError(f"{option} {text}: must be numbers separated by commas, such as 1e3,1e4") from error

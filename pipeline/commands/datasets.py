"""Show a registered data set as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trigcnn.common.suggestions import did_you_mean
from trigcnn.models import datasets
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.pages import dataset_figure

SUFFIXES = (".png", ".svg", ".pdf")

EVENTS = 3000
"""Default number of events that are drawn."""

_SEED = 1
_FRACTION = 0.1


def show(name: str, out: Path | None, *, events: int | None, options: dict[str, Any]) -> Path:
    """Draw examples and control distributions of a data set.

    Args:
        name: A registered data set.
        out: The file, which ends in .png, .svg or .pdf; None for `name`.png in the working folder.
        events: How many events to draw; None for all of the data set, or 3000 where it draws its events.
        options: Of the data set.

    Returns:
        The file.

    Raises:
        ConfigError: There is no such data set, or the file cannot be written.
        DataError: An option cannot be used.
    """
    path = out or Path(f"{name}.png")
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--out {path}: must end in {', '.join(SUFFIXES)}, which chooses the kind of figure")
    known = [info.name for info in datasets.available()]
    if name not in known:
        raise ConfigError(f"{name}: is no registered data set; {did_you_mean(name, known)}")
    if "events" in datasets.describe(name):
        # The training events are shown.
        options = {"events": round((events or EVENTS) / (1 - 2 * _FRACTION)), **options}
    loaded = datasets.load(
        name,
        input_format=None,
        events="events",
        labels="labels",
        classes=None,
        saturate=True,
        validation_fraction=_FRACTION,
        test_fraction=_FRACTION,
        seed=_SEED,
        options=options,
    )
    taken = loaded.train.events[:events], loaded.train.labels[:events]
    shape = "x".join(str(size) for size in loaded.input_shape)
    shown = dataset_figure.Shown(
        title=f"{name}: {len(taken[0]):,} events of shape {shape}, {loaded.input_format}",
        classes=loaded.classes or tuple(str(label) for label in range(int(np.max(taken[1])) + 1)),
        events=taken[0],
        labels=taken[1],
        largest=loaded.input_format.max,
        controls=datasets.controls(name, taken[0], options),
    )
    try:
        dataset_figure.write(shown, path)
    except OSError as error:
        raise ConfigError(f"--out {path}: cannot be written: {error}; give another file") from error
    return path

"""Code on a worker of a sweep: a piece of a trial, whose learning curve is sent during training."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trigcnn.pipeline.sweep.trial import Found, Job
from trigcnn.pipeline.sweep.trial import perform as perform_here

if TYPE_CHECKING:
    from distributed import Client


def topic(marker: str) -> str:
    """Name of Dask's events that hold the learning curves of one sweep."""
    return f"trigcnn-curves-{marker}"


@dataclass(frozen=True)
class Point:
    """A point of a learning curve.

    Attributes:
        number: Number of the trial.
        epoch: From 1.
        figure: What is monitored, the larger the better.
    """

    number: int
    epoch: int
    figure: float


def perform(job: Job) -> Found:
    """Do a piece of a trial on a worker of Dask."""
    from distributed import Event, get_worker

    worker = get_worker()
    ended = Event(_stop(job.marker, job.number))  # type: ignore[no-untyped-call]

    # An earlier attempt's stop does not concern this one.
    ended.clear()  # type: ignore[no-untyped-call]

    def curve(epoch: int, figure: float) -> bool:
        worker.log_event(topic(job.marker), {"point": asdict(Point(job.number, epoch, figure))})
        return bool(ended.is_set())  # type: ignore[no-untyped-call]

    warnings.simplefilter("ignore")
    log = job.folder / "trial.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _output_to(log):
            return perform_here(job, curve)
    except Exception as error:
        # A bug ends this trial, not the sweep; its log has the lines.
        message = f"this is a bug of trigcnn: {type(error).__name__}: {error}\n{traceback.format_exc()}"
        return Found(job.number, job.piece, "failed", message=message, configuration=job.configuration)


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Redirect prints of libraries into a file, including prints of their C code."""
    kept = [os.dup(1), os.dup(2)]
    try:
        with log.open("ab") as stream:
            for number in (1, 2):
                os.dup2(stream.fileno(), number)
        yield
    finally:
        for number, old in zip((1, 2), kept, strict=True):
            os.dup2(old, number)
            os.close(old)


def stop(client: Client, marker: str, number: int) -> None:
    """Ask a training to end after its epoch."""
    from distributed import Event

    Event(_stop(marker, number), client=client).set()  # type: ignore[no-untyped-call]


def _stop(marker: str, number: int) -> str:
    return f"trigcnn-stop-{marker}-{number}"

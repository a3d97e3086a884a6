"""How many events per second the drawn data sets give on one core, beside plain loops over events.

Run as `python benchmarks/datasets.py [--events N] [--only NAME]`. The process keeps to one core and one thread; what is
timed is its processor time in `load`: drawing, rounding to the number format and splitting. The loops of
`benchmarks/event_loops.py` draw from the same distributions. That they do is shown by means over events, loop / data
set: of the sum of an event's values in LSB, and of the number of its values above 4 LSB.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

# Before NumPy starts its threads.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import numpy as np
from event_loops import LOOPS
from rich.console import Console
from rich.table import Table

from trigcnn.models import datasets
from trigcnn.models.datasets import Dataset

NAMES = ("cherenkov", "calorimeter", "jet_images", "jet_features", "waveforms", "street_digits")
TARGET_PER_S = 20_000
"""Events per second that the data sets with a loop beside them are to give."""

_REPEATS = 3
_LOOP_EVENTS = 600


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000, help="events of each measurement")
    parser.add_argument("--only", choices=NAMES, help="one data set alone")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    table = Table(title=f"{arguments.events} events, one core, best of {_REPEATS}")
    for column in (
        "data set",
        "events/s",
        f"of {TARGET_PER_S}",
        "loop, events/s",
        "faster by",
        "mean sum",
        "mean hits",
    ):
        table.add_column(column, justify="left" if column == "data set" else "right")
    for name in [arguments.only] if arguments.only else NAMES:
        table.add_row(*_row(name, arguments.events))
    Console(width=110).print(table)


def _row(name: str, events: int) -> list[str]:
    _load(name, events=1000)
    rates = []
    for _ in range(_REPEATS):
        # Time of this process alone: others may use the core too.
        began = time.process_time()
        dataset = _load(name, events=events)
        rates.append(events / (time.process_time() - began))
    row = [name, f"{max(rates):,.0f}"]
    if name not in LOOPS:
        return [*row, "", "", "", "", ""]
    rng = np.random.default_rng(1)
    labels = dataset.test.labels[:_LOOP_EVENTS]
    began = time.process_time()
    looped = np.stack([LOOPS[name](rng, int(label)) for label in labels])
    loop_rate = len(labels) / (time.process_time() - began)
    scale = dataset.input_format.lsb
    drawn = dataset.train.events[..., 0]
    looped = np.clip(looped, 0, dataset.input_format.max)
    sums, hits = ([f"{measure(values / scale).mean():.4g}" for values in (looped, drawn)] for measure in (_sum, _above))
    return [
        *row,
        f"{max(rates) / TARGET_PER_S:.1f}",
        f"{loop_rate:,.0f}",
        f"{max(rates) / loop_rate:.0f}",
        " / ".join(sums),
        " / ".join(hits),
    ]


def _load(name: str, **options: Any) -> Dataset:
    return datasets.load(
        name,
        input_format=None,
        events="",
        labels="",
        classes=None,
        saturate=True,
        validation_fraction=0.1,
        test_fraction=0.2,
        seed=1,
        options=options,
    )


def _sum(values: Any) -> Any:
    return values.sum(axis=(1, 2))


def _above(values: Any) -> Any:
    return (np.rint(values) > 4).sum(axis=(1, 2))


if __name__ == "__main__":
    main()

"""The admission table with every back end, interface and strategy that claims its rows.

`python -m tests.hls.walk [BACKEND ...]` converts and simulates every branch that the table admits, and prints those
that differ. It takes hours; the tests walk a share of the branches with each combination.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tests.hls.admission_branches import BRANCHES, WIDE, Branch, events_of, network
from trigcnn.hls.admission import look_up
from trigcnn.hls.backends import FACTS
from trigcnn.hls.conversion.convert import convert
from trigcnn.hls.engines import csim
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.errors import HlsError
from trigcnn.hls.graph.graph import pack
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rewriting.normal_form import normal_form

_TOGETHER = 40


def combinations() -> list[HlsOptions]:
    """Every back end with each interface and strategy that it has."""
    return [
        HlsOptions(backend, io_type=io_type, strategy=strategy)  # type: ignore[arg-type]
        for backend, facts in FACTS.items()
        for io_type in facts.io_types
        for strategy in facts.strategies
    ]


def admitted(options: HlsOptions, branches: Sequence[Branch]) -> Iterator[Branch]:
    """The branches that the table admits with these options."""
    where = {"io_type": options.io_type, "strategy": options.strategy, "backend": options.backend}
    for branch in branches:
        if not any(found.problem for found in look_up(network([branch], options).model, **where)):  # type: ignore[arg-type]
            yield branch


def differing(options: HlsOptions, branches: Sequence[Branch], folder: Path) -> list[str]:
    """Convert and simulate branches together; return those of which an output is not Keras' in float64."""
    made = network(list(branches), options)
    normal = normal_form(made.model, made.options)
    bench = (np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    graph = convert(
        normal, name="top", options=made.options, project=folder / "hls", log=folder / "log", test_bench=bench
    )
    simulation = csim.build(graph, folder / "hls", folder, timeout_s=1800, quick=True)
    events = pack(events_of(made.model))
    expected, found = KerasEngine(normal.model).predict(events), simulation.predict(events)
    pairs = zip(graph.split_outputs(expected), graph.split_outputs(found), strict=True)
    return [branch.layers for branch, (a, b) in zip(branches, pairs, strict=True) if (a != b).any()]


def groups(branches: Sequence[Branch], size: int = _TOGETHER) -> Iterator[Sequence[Branch]]:
    """Branches that are converted together: images, then others, in projects of a middling size."""
    for images in (True, False):
        alike = [branch for branch in branches if (len(branch.shape) == 3) == images]
        yield from (alike[n : n + size] for n in range(0, len(alike), size))


def _main(backends: Sequence[str]) -> int:
    wrong = 0
    for options in combinations():
        if backends and options.backend not in backends:
            continue
        for group in groups(list(admitted(options, [*BRANCHES, *WIDE]))):
            with tempfile.TemporaryDirectory() as place:
                try:
                    found = differing(options, group, Path(place))
                except HlsError as error:
                    found = [str(error)]
            wrong += len(found)
            text = "".join(f"\n  {line}" for line in found) or " equal"
            sys.stdout.write(f"{options.backend} {options.io_type} {options.strategy}, {len(group)} branches:{text}\n")
            sys.stdout.flush()
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))

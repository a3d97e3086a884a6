"""The fast bit-exact emulator as an engine: what hls4ml's C simulation computes, at the speed of vectors."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.engines import Events, Outputs
from trigcnn.hls.engines.emulator.fusion import fused
from trigcnn.hls.engines.emulator.layers import translate
from trigcnn.hls.engines.emulator.library import Library, compile_program
from trigcnn.hls.engines.emulator.plan import LEVELS, LevelName
from trigcnn.hls.errors import SimulationError
from trigcnn.hls.graph.graph import Graph

# Forces an instruction set, for comparisons.
LEVEL_VARIABLE = "TRIGCNN_EMULATOR_LEVEL"


@dataclass
class Emulator:
    """A compiled emulator.

    Attributes:
        graph: What it computes.
        library: Code without the intermediate results.
        folder: Folder in which the code for `trace` is compiled when it is first asked for.
        timeout_s: Time limit of the compiler in seconds.
        threads: Number of threads.
        level: Instruction set in use.
    """

    graph: Graph
    library: Library
    folder: Path
    timeout_s: float
    threads: int
    level: LevelName
    _tracing: Library | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Return the name for comparisons and reports."""
        return "emulator"

    def predict(self, events: Events) -> Outputs:
        """Run all events.

        Args:
            events: [events, ...]; float32 and float64 are taken as they are, other types as float64.

        Raises:
            ValueError: An event has another size than the graph's, or a number that is not finite.
        """
        return self._run(self.library, events).reshape(len(events), *self.graph.output_shape)

    def trace(self, events: Events) -> dict[str, Outputs]:
        """Run all events and return every layer's result.

        The first call compiles code that keeps the intermediate results.
        """
        if self._tracing is None:
            program = translate(self.graph, trace=True)
            self._tracing = compile_program(
                program, self.folder, name="emulator-trace", levels=[self.level], timeout_s=self.timeout_s
            )
        values = self._run(self._tracing, events)
        ends = np.cumsum([layer.size for layer in self.graph.layers])
        parts = np.split(values, ends[:-1], axis=1)
        return {
            layer.name: part.reshape(len(events), *layer.shape)
            for layer, part in zip(self.graph.layers, parts, strict=True)
        }

    def _run(self, library: Library, events: npt.NDArray[Any]) -> Outputs:
        """Run events, [events, output size]."""
        given = np.asarray(events)
        kind = given.dtype if given.dtype in (np.float32, np.float64) else np.dtype(np.float64)
        size = int(np.prod(self.graph.input_shape))
        if given.size != len(given) * size:
            raise ValueError(f"events of shape {given.shape[1:]} do not fit the input's {self.graph.input_shape}")
        rows = np.ascontiguousarray(given, dtype=kind).reshape(len(given), size)
        outputs = np.empty((len(rows), library.output_size))
        failure = library.run(rows, level=self.level, threads=self.threads, outputs=outputs) if len(rows) else -1
        if failure >= 0:
            bad = failure + int(np.argmin(np.isfinite(rows[failure:]).all(axis=1)))
            raise ValueError(f"event {bad} has a number that is not finite")
        return outputs


def build(
    graph: Graph, folder: Path, *, timeout_s: float, threads: int | None = None, level: LevelName | None = None
) -> Emulator:
    """Generate and compile the emulator of a graph.

    Args:
        graph: The graph.
        folder: Folder for the generated code and the library, which must stay; it must not have an emulator yet.
        timeout_s: Time limit of each call of the compiler in seconds.
        threads: Number of threads; all cores if None.
        level: Instruction set: `avx512`, `avx2` or `baseline`, the only one that is then compiled. By default all are,
            and the environment variable `TRIGCNN_EMULATOR_LEVEL` chooses, or else the best one that runs here does.

    Raises:
        ConversionError: A layer cannot be emulated exactly; the message names it.
        SimulationError: The instruction set is not known, or does not run here.
        ToolMissingError: There is no g++.
        ToolFailedError: It failed; the message holds the end of its log.
    """
    levels = (level,) if level in LEVELS else tuple(LEVELS)
    library = compile_program(fused(translate(graph)), folder, name="emulator", levels=levels, timeout_s=timeout_s)
    chosen = level or os.environ.get(LEVEL_VARIABLE) or library.levels[0]
    if chosen not in library.levels:
        raise SimulationError(f"the instruction set {chosen} does not run here; use one of {', '.join(library.levels)}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Emulator(graph, library, folder, timeout_s, threads or cores, chosen)

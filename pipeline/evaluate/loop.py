"""All events of a file through the engines, chunk by chunk."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.engines import Outputs
from trigcnn.hls.errors import SimulationError
from trigcnn.hls.graph.graph import Layer
from trigcnn.models.datasets.input_format import put_on_grid
from trigcnn.models.datasets.truths import checked_labels
from trigcnn.pipeline.evaluate.event_files import EventFile
from trigcnn.pipeline.evaluate.finished_run import FinishedRun
from trigcnn.pipeline.evaluate.lanes import Lane
from trigcnn.pipeline.trigger.content import Difference
from trigcnn.pipeline.trigger.scores import Score
from trigcnn.pipeline.trigger.spectrum import Integers, SpectrumBuilder

# Input values of a chunk: 32 MiB as float64.
_CHUNK_VALUES = 1 << 22
_CHUNK_EVENTS = 1 << 18
_FIRST_DIFFERENCES = 100


class Loop:
    """The events, chunk by chunk."""

    def __init__(
        self,
        file: EventFile,
        shape: tuple[int, ...],
        run: FinishedRun,
        layer: Layer,
        classes: list[str],
        score: Score,
        lanes: list[Lane],
    ) -> None:
        self._classes = classes
        self._file, self._shape, self._run, self._layer, self._score = file, shape, run, layer, score
        self._lanes = lanes
        self._at = run.graph.outputs.index(layer.name)
        groups = 1 if file.labels_where is None else len(classes)
        for lane in lanes:
            lane.spectra = [SpectrumBuilder() for _ in range(groups)]
        self.counts = np.zeros(groups, np.int64)
        self.rounded = 0
        self._differing_outputs = self._differing_events = 0
        self._max_difference = 0.0
        self._first: list[int] = []

    def run(self, size: int | None, progress: Callable[[int, int], None]) -> None:
        """Run all events.

        Args:
            size: Events that are in memory at a time; None: as many as 32 MiB of values.
            progress: Called with the events done and all events.
        """
        if size is None:
            size = max(1, min(_CHUNK_EVENTS, _CHUNK_VALUES // int(np.prod(self._shape))))
        for start, raw, truth in self._file.chunks(size):
            self._chunk(start, raw, truth)
            progress(start + len(raw), self._file.events)

    def _chunk(self, start: int, raw: npt.NDArray[Any], truth: npt.NDArray[Any] | None) -> None:
        since = f" (from event {start} on)" if start else ""
        raw = raw.reshape(len(raw), *self._shape)
        saturate = bool(self._run.data["saturate"])
        events = put_on_grid(self._run.input_format, raw, saturate=saturate, where=f"{self._file.where}{since}")
        self.rounded += int(np.count_nonzero(events != raw))
        labels = None
        if truth is not None:
            labels, _ = checked_labels(truth, self._classes, f"{self._file.labels_where}{since}")
        members = [np.ones(len(raw), bool)] if labels is None else [labels == i for i in range(len(self._classes))]
        self.counts += [np.count_nonzero(member) for member in members]
        taken = []
        for lane in self._lanes:
            began = time.perf_counter()
            outputs = lane.engine.predict(events)
            lane.seconds += time.perf_counter() - began
            lane.events += len(events)
            part = self._run.graph.split_outputs(outputs)[self._at].reshape(len(events), -1)
            scores = self._score.of(self._integers(lane, part))
            for spectrum, member in zip(lane.spectra, members, strict=True):
                spectrum.add(scores[member])
            taken.append(part)
        if len(taken) == 2:
            self._compare(start, *taken)

    def _integers(self, lane: Lane, outputs: Outputs) -> Integers:
        steps = outputs / self._layer.result.lsb
        if not np.isfinite(steps).all():
            raise SimulationError(f"{lane.name}: returned outputs that are NaN or infinite")
        rounded = np.rint(steps)
        off = int(np.count_nonzero(rounded != steps))
        if off and lane.evidence == "simulation":
            raise SimulationError(f"{lane.name}: gave {off} outputs that do not fit the format {self._layer.result}")
        lane.off_grid += off
        return rounded.astype(np.int64)

    def _compare(self, start: int, first: Outputs, second: Outputs) -> None:
        differing = first != second
        by_event = np.flatnonzero(differing.any(axis=1))
        self._differing_outputs += int(differing.sum())
        self._differing_events += by_event.size
        if by_event.size:
            difference = float(np.abs(first - second).max()) / self._layer.result.lsb
            self._max_difference = max(self._max_difference, difference)
            room = _FIRST_DIFFERENCES - len(self._first)
            self._first += [int(i) + start for i in by_event[:room]]

    def difference(self) -> Difference | None:
        """Return the difference of the two engines; None for one engine."""
        if len(self._lanes) != 2:
            return None
        return Difference(
            reference=self._lanes[1].name,
            engine=self._lanes[0].name,
            events=self._file.events,
            outputs=self._file.events * self._layer.size,
            differing_outputs=self._differing_outputs,
            differing_events=self._differing_events,
            max_difference_lsb=self._max_difference,
            first_events=self._first,
        )

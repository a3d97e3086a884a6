"""The engines of a conversion: they check their events, and keep the files that they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.files import copy_tree
from trigcnn.hls.engines import Engine, Events, Outputs
from trigcnn.hls.graph.graph import Graph, pack
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.pipeline.config.run import TimeLimits

if TYPE_CHECKING:
    from trigcnn.hls.synthesis.report import SynthesisReport


@dataclass(frozen=True, eq=False)
class ConvertedEngine:
    """An engine that runs a converted network.

    Attributes:
        name: Name of the engine: csim, emulator, rtl or QKeras.
        graph: The fixed-point graph.
    """

    name: str
    graph: Graph = field(repr=False)
    _engine: Engine = field(repr=False)
    # A temporary folder lasts as long as the conversion that it belongs to.
    _conversion: Any = field(repr=False)

    def predict(self, events: npt.ArrayLike | Sequence[npt.ArrayLike]) -> Outputs:
        """Run all events.

        Args:
            events: Events [events, ...] of real numbers, taken as float32; for a network of several inputs a list
                with one array per input.

        Returns:
            Outputs [events, ...] as real numbers, exact; several outputs one behind the other.

        Raises:
            ValueError: The events have another shape than the network's input, or a number that is not finite.
            TrigcnnError: The simulation failed.
        """
        return self._engine.predict(self._events(events))

    def trace(self, events: npt.ArrayLike | Sequence[npt.ArrayLike]) -> dict[str, Outputs]:
        """Run all events and return the result [events, ...] of every layer that the engine can show, by layer name.

        Args:
            events: As for `predict`.

        Raises:
            ValueError: See `predict`.
            TrigcnnError: The simulation failed.
        """
        return self._engine.trace(self._events(events))

    def _events(self, events: npt.ArrayLike | Sequence[npt.ArrayLike]) -> Events:
        several = len(self.graph.inputs) > 1
        given: Any = events
        if several and isinstance(given, (list, tuple)) and len(given) == len(self.graph.inputs):
            given = pack([np.asarray(part, np.float32) for part in given])
        array: Events = np.asarray(given, np.float32)
        if array.ndim == 0 or array.shape[1:] != self.graph.input_shape:
            wanted = ", ".join(["events", *map(str, self.graph.input_shape)])
            raise ValueError(f"the events have the shape {array.shape}, and the network takes [{wanted}]")
        if not np.isfinite(array).all():
            raise ValueError("the events hold a number that is not finite, or too large for a float32")
        return array


@dataclass(frozen=True, eq=False)
class RtlEngine(ConvertedEngine):
    """Generated RTL, simulated clock by clock.

    Attributes:
        design: Its ports, latency and initiation interval in clock cycles.
        folder: Folder with the Verilog in `src/`.
        part: AMD device for which `synthesize` counts, if no other is named.
        clock_period_ns: Clock period asked for, in ns.
    """

    design: RtlDesign
    folder: Path
    part: str
    clock_period_ns: float

    def synthesize(self, part: str | None = None, *, timeout_s: float | None = None) -> SynthesisReport:
        """Count look-up tables, flip-flops and DSP blocks with Yosys, before place and route.

        Args:
            part: AMD device; default: `part`.
            timeout_s: Time limit in seconds; default: that of runs.

        Returns:
            The counts, with the evidence `open-synthesis`.

        Raises:
            TrigcnnError: There is no such part, or Yosys failed.
        """
        from trigcnn.hls.synthesis import yosys

        place = fresh(self.folder.parent, "synthesis")
        copy_tree(self.folder / "src", place / "src")
        plan = yosys.plan(
            self.design.verilog,
            self.design.top,
            part=part or self.part,
            effort="fast",
            statistics=Path("yosys_stat.json"),
        )
        limit = TimeLimits().synthesis_s if timeout_s is None else timeout_s
        return yosys.run(plan, place, clock_period_ns=self.clock_period_ns, timeout_s=limit)


def fresh(folder: Path, name: str) -> Path:
    """Make a new folder: `name`, or where that exists, `name_2` and so on."""
    number = 1
    while True:
        place = folder / (name if number == 1 else f"{name}_{number}")
        try:
            place.mkdir()
        except FileExistsError:
            number += 1
        else:
            return place

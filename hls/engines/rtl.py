"""The generated Verilog, simulated clock by clock with Verilator, as an engine."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from trigcnn.common.files import copy_tree, scratch
from trigcnn.hls import tool
from trigcnn.hls.engines import Engine, Events, Outputs, shared_library, streaming
from trigcnn.hls.engines.words import words
from trigcnn.hls.errors import SimulationError, ToolFailedError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl import verilator
from trigcnn.hls.rtl.design import RtlDesign


@dataclass(frozen=True)
class RtlSimulation:
    """Compiled Verilog.

    Attributes:
        graph: What the Verilog was generated from.
        design: Its latency and ports.
        library: The shared library.
        scratch: Folder for files that go to the child process and back.
        timeout_s: Time limit of one call in seconds.
    """

    graph: Graph
    design: RtlDesign
    library: Path
    scratch: Path
    timeout_s: float

    @property
    def name(self) -> str:
        """Name that comparisons and reports show."""
        return "rtl"

    def predict(self, events: Events) -> Outputs:
        """Feed one event per clock, and read each output exactly `latency_cycles` clocks later.

        Events are cast to the input ports' formats first, as the digitiser does. If latency or
        initiation interval differed from the design's, outputs would belong to other events.

        Raises:
            SimulationError: The simulation crashed.
        """
        latency = self.design.latency_cycles
        arguments = {
            "cycles": len(events) + latency - 1,
            "inputs": [layer.size for layer in self.graph.input_layers],
            "outputs": [layer.size for layer in self.graph.output_layers],
        }
        try:
            answer = shared_library.call(
                "rtl",
                self.library,
                arguments,
                {"events": words(self.graph, events)},
                scratch=self.scratch,
                timeout_s=self.timeout_s,
            )
        except ToolFailedError as error:
            raise SimulationError(f"the RTL simulation ended without an answer: {error}") from error
        # Row n holds the ports after edge n + 1.
        return answer["outputs"][latency - 1 :].reshape(len(events), *self.graph.output_shape)

    def trace(self, events: Events) -> dict[str, Outputs]:
        """Return the results of the output layers: only these leave the chip."""
        parts = self.graph.split_outputs(self.predict(events))
        return dict(zip(self.graph.outputs, parts, strict=True))


def build(graph: Graph, design: RtlDesign, project: Path, folder: Path, *, timeout_s: float) -> Engine:
    """Compile generated Verilog of any architecture with Verilator, in a copy of its folder that is then removed.

    Args:
        graph: What the Verilog was generated from.
        design: Its latency and ports.
        project: Folder with `src/` and `sim/`.
        folder: Folder for the library and the log.
        timeout_s: Time limit of the compiler, and later of a call, in seconds.

    Raises:
        ToolMissingError: Verilator, make or g++ is missing.
        ToolFailedError: One of them failed; the message holds the end of the log.
    """
    if design.architecture == "streaming":
        return streaming.build(graph, design, project, folder, timeout_s=timeout_s)
    root = verilator.root()
    make = tool.find("make", tool.INSTALL["make"])
    tool.find("g++", tool.INSTALL["g++"])
    environment = {
        # Compiling without optimization takes two thirds of the time, and 15,000 events per second are enough for a
        # test set.
        **verilator.environment("OPT_GLOBAL=-O0 OPT_SLOW=-O0 OPT_FAST=-O0"),
        "VM_PREFIX": design.top,
        "TOP_MODULE": design.module,
        "SOURCE_TYPE": "verilog",
        "STAMP": "simulation",
        "N_JOBS": str(os.cpu_count() or 1),
        "EXTRA_CXXFLAGS": "",
        # -Wall makes all other warnings of Verilator errors.
        "VERILATOR_FLAGS": "-Wall -Wno-UNUSEDSIGNAL -Wno-ALWNEVER",
    }
    name = f"lib{design.top}_fsm_simulation.so"
    # make cannot work in a folder with a space in its path, and the run's folder may have one.
    with scratch() as place:
        copy = place / "rtl"
        copy_tree(project, copy)
        tool.run(
            [make, "-f", "build_fsm_binder.mk", f"VERILATOR_ROOT={root}", name],
            cwd=copy / "sim",
            log=folder / "rtl_build.log",
            timeout_s=timeout_s,
            environment=environment,
        )
        shutil.copy2(copy / "sim" / name, folder / name)
    return RtlSimulation(graph, design, folder / name, folder, timeout_s)

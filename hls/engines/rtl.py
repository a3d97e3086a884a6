"""The generated Verilog, simulated clock by clock with Verilator, as an engine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trigcnn.common.files import scratch
from trigcnn.hls import tool
from trigcnn.hls.engines import Events, Outputs
from trigcnn.hls.engines.words import pack_bits, unpack_bits, word_count
from trigcnn.hls.errors import SimulationError, ToolFailedError
from trigcnn.hls.graph.graph import Graph, pack
from trigcnn.hls.rtl import verilator
from trigcnn.hls.rtl.design import Port, RtlDesign

Integers = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint32]
# From this event on, the latency is that of an endless sequence.
_STEADY = 5
_HARNESS = Path(__file__).parent / "rtl_harness.h"
_OPTIONS = (
    *("--cc", "--exe", "--build", "-j", str(os.cpu_count() or 1), "-O3"),
    *("--prefix", "Vtop", "--Mdir", "obj", "-o", "simulation"),
    # Registers that were never reset are random.
    *("--x-assign", "unique", "--x-initial", "unique"),
    # -Wall makes all other warnings of Verilator errors.
    *("-Wall", "-Wno-UNUSEDSIGNAL", "-Wno-UNUSEDPARAM", "-Wno-ALWNEVER"),
)
# A parallel design is much code that runs once per event: compiling without optimization takes two thirds of the time.
_EFFORT = {"parallel": "-O0", "streaming": "-O1"}


class Received(NamedTuple):
    """The words that a port delivered.

    Attributes:
        cycles: Clock cycle of each word [words].
        integers: Its values in units of the port's last bit [words, values].
    """

    cycles: Integers
    integers: Integers


@dataclass(frozen=True)
class RtlSimulation:
    """Compiled Verilog.

    Attributes:
        graph: What the Verilog was generated from.
        design: Its latency, initiation interval and ports.
        program: The compiled simulation.
        scratch: Folder for files that go to it and back.
        timeout_s: Time limit of one call in seconds.
    """

    graph: Graph
    design: RtlDesign
    program: Path
    scratch: Path
    timeout_s: float

    @property
    def name(self) -> str:
        """Name that comparisons and reports show."""
        return "rtl"

    def predict(self, events: Events) -> Outputs:
        """Feed events without a gap, and check latency and initiation interval against the design.

        Events are cast to the input ports' formats first, as the digitiser does.

        Raises:
            SimulationError: The simulation crashed, words are missing, or the latency is not the declared one.
        """
        interval, words = self.design.initiation_interval, self.design.inputs[0].words
        starts = np.arange(len(events)) * interval
        cycles = len(events) * interval + self.design.latency_cycles + 1
        at = np.full(cycles, -1)
        at[(starts[:, None] + np.arange(words)).reshape(-1)] = np.arange(len(events) * words)
        received = self.clock(events, at)
        self._check_latency(received, starts)
        return self.outputs(received)

    def trace(self, events: Events) -> dict[str, Outputs]:
        """Return the results of the output layers: only these leave the chip."""
        parts = self.graph.split_outputs(self.predict(events))
        return dict(zip(self.graph.outputs, parts, strict=True))

    def clock(
        self, events: Events, at: npt.NDArray[np.int64], reset: npt.NDArray[np.bool_] | None = None
    ) -> list[Received]:
        """Clock the design with any pattern of gaps and resets.

        Args:
            events: Where the words come from [events, ...].
            at: Number of the word that is valid in each cycle, counted over all events; -1 for none [cycles].
            reset: Cycles with a reset [cycles]; before the first cycle there is always one.

        Returns:
            The words of each output port.

        Raises:
            SimulationError: The simulation crashed, or lost a word.
        """
        parts = zip(self.design.inputs, self.graph.input_layers, self.graph.split_inputs(events), strict=True)
        ports = [_packed(port, layer.result.cast(part)) for port, layer, part in parts]
        idle = at < 0
        rows = [np.where(idle[:, None], 0, words[np.maximum(at, 0)]).astype(np.uint32) for words in ports]
        flags = (~idle).astype(np.uint32) | (0 if reset is None else reset.astype(np.uint32) << 1)
        stimulus, answer = self.scratch / "stimulus.bin", self.scratch / "answer.bin"
        np.concatenate([flags[:, None], *rows], axis=1).astype("<u4").tofile(stimulus)
        try:
            tool.run(
                [self.program.resolve(), stimulus.resolve(), answer.resolve()],
                cwd=self.scratch,
                log=self.scratch / "rtl.log",
                timeout_s=self.timeout_s,
            )
        except ToolFailedError as error:
            raise SimulationError(f"the RTL simulation ended without an answer: {error}") from error
        table = np.fromfile(answer, "<u4").reshape(-1, _row_length(self.design))
        if not self.design.has_valid:
            # Every cycle has an output; those of events come this many cycles after them.
            latency = self.design.latency_cycles
            table = table[np.isin(table[:, 0], np.flatnonzero(~idle) + latency)]
        stimulus.unlink()
        answer.unlink()
        return [_received(table, self.design, number) for number in range(len(self.design.outputs))]

    def outputs(self, received: list[Received]) -> Outputs:
        """Return the outputs [events, ...] of received words.

        Raises:
            SimulationError: An event is incomplete.
        """
        arrays = []
        for port, layer, words in zip(self.design.outputs, self.graph.output_layers, received, strict=True):
            if len(words.cycles) % port.words:
                raise SimulationError(f"{port.name}: {len(words.cycles)} words came, and an event has {port.words}")
            arrays.append(port.number_format.to_real(words.integers).reshape(-1, *layer.shape))
        counts = {len(array) for array in arrays}
        if len(counts) > 1:
            raise SimulationError(f"the output ports gave different numbers of events: {sorted(counts)}")
        return pack(arrays)

    def _check_latency(self, received: list[Received], starts: Integers) -> None:
        lasts = []
        for port, words in zip(self.design.outputs, received, strict=True):
            if len(words.cycles) != len(starts) * port.words:
                raise SimulationError(
                    f"{port.name}: {len(words.cycles)} words came of {len(starts)} events of {port.words} words"
                )
            lasts.append(words.cycles[port.words - 1 :: port.words])
        if not len(starts):
            return
        latencies = np.max(lasts, axis=0) - starts
        latency = int(latencies.max())
        if self.design.architecture == "parallel" and (latencies != latency).any():
            raise SimulationError(f"events took from {latencies.min()} to {latency} cycles; all must take as many")
        # A few events may be faster than many, which wait for each other.
        few = len(starts) < _STEADY
        if latency > self.design.latency_cycles or (latency < self.design.latency_cycles and not few):
            raise SimulationError(
                f"the simulated latency is {latency} cycles, but the design declares {self.design.latency_cycles}"
            )


def _packed(port: Port, integers: Integers) -> Bits:
    return pack_bits(integers.reshape(-1, port.values), port.number_format.width)


def _row_length(design: RtlDesign) -> int:
    return 2 + _words(design.outputs)


def _words(ports: Sequence[Port]) -> int:
    return sum(word_count(port.width) for port in ports)


def _received(table: Bits, design: RtlDesign, number: int) -> Received:
    """Return a port's words from the table: the cycle, a bit per valid port, and each port's word."""
    port = design.outputs[number]
    start = 2 + _words(design.outputs[:number])
    valid = table[(table[:, 1] >> number) & 1 == 1]
    words = valid[:, start : start + word_count(port.width)]
    integers = unpack_bits(words, port.number_format.width, port.values, signed=port.number_format.signed)
    return Received(valid[:, 0].astype(np.int64), integers)


def build(graph: Graph, design: RtlDesign, project: Path, folder: Path, *, timeout_s: float) -> RtlSimulation:
    """Compile generated Verilog with Verilator.

    Args:
        graph: What the Verilog was generated from.
        design: Its latency and ports.
        project: Folder with `src/`.
        folder: Folder for the program and the log.
        timeout_s: Time limit of the compiler, and later of a call, in seconds.

    Raises:
        ToolMissingError: Verilator, make or g++ is missing.
        ToolFailedError: One of them failed; the message holds the end of the log.
    """
    root = verilator.root()
    tool.find("make", tool.INSTALL["make"])
    tool.find("g++", tool.INSTALL["g++"])
    program = folder / "rtl_simulation"
    effort = ("-CFLAGS", f"{_EFFORT[design.architecture]} -std=c++17")
    # make cannot work in a folder with a space in its path, and the run's folder may have one.
    with scratch() as place:
        sources = [Path(shutil.copy2(source, place)).name for source in sorted((project / "src").rglob("*.v"))]
        (place / "main.cpp").write_text(_harness(design))
        shutil.copy2(_HARNESS, place)
        tool.run(
            [root / "bin" / "verilator", *_OPTIONS, *effort, "--top-module", design.top, *sources, "main.cpp"],
            cwd=place,
            log=folder / "rtl_build.log",
            timeout_s=timeout_s,
            environment=verilator.environment(),
        )
        shutil.move(place / "obj" / "simulation", program)
    return RtlSimulation(graph, design, program, folder, timeout_s)


def _harness(design: RtlDesign) -> str:
    """Write the part of the harness that names the ports."""
    puts = "\n".join(f"  at = put(top.{port.name}, {port.width}, at);" for port in design.inputs)
    gets = "\n".join(f"  at = get(top.{port.name}, {port.width}, at);" for port in design.outputs)
    # Without valid bits, every clock has an output.
    valids = [f"uint32_t(top.{port.valid})" if port.valid else "1u" for port in design.outputs]
    bits = " | ".join(f"({valid} << {number})" for number, valid in enumerate(valids))
    set_valid = f"top.{design.inputs[0].valid} = valid;" if design.has_valid else ""
    set_reset = f"top.{design.reset} = reset;" if design.reset else ""
    return f"""#include "Vtop.h"
#include "{_HARNESS.name}"

constexpr size_t kInputWords = {_words(design.inputs)}, kOutputWords = {_words(design.outputs)};
void set_inputs(Vtop& top, const uint32_t* at) {{
{puts}
}}
void get_outputs(Vtop& top, uint32_t* at) {{
{gets}
}}
uint32_t valid_outputs(Vtop& top) {{ return {bits}; }}
void set_valid([[maybe_unused]] Vtop& top, [[maybe_unused]] bool valid) {{ {set_valid} }}
void set_reset([[maybe_unused]] Vtop& top, [[maybe_unused]] bool reset) {{ {set_reset} }}

int main(int argc, char** argv) {{ return simulate<kInputWords, kOutputWords>(argc, argv); }}
"""

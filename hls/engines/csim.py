"""hls4ml's C simulation as an engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trigcnn.common.files import copy_tree
from trigcnn.hls import tool
from trigcnn.hls.engines import Events, Outputs, headers, shared_library
from trigcnn.hls.errors import SimulationError, ToolFailedError, ToolTimeoutError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.graph.kinds import WIRES

# A simulation runs as fast with -O1 as with -O3 (within 15 %) and is compiled in four fifths of the time; of networks
# with more products per event, the events take longer than the compiler.
_SMALL_NETWORK = 100_000
_FOLDER_OF_SCRIPT = 'BASEDIR="$(cd "$(dirname "$0")" && pwd)"'


@dataclass(frozen=True)
class CSimulation:
    """The compiled C++ project.

    Attributes:
        graph: What the project was written from.
        library: The shared library.
        scratch: Folder for files that go to the child process and back.
        timeout_s: Time limit of one call in seconds.
    """

    graph: Graph
    library: Path
    scratch: Path
    timeout_s: float

    @property
    def name(self) -> str:
        """Return the name for comparisons and reports."""
        return "csim"

    def predict(self, events: Events) -> Outputs:
        """Run all events.

        Raises:
            SimulationError: The simulation crashed, for example in an `assert`.
        """
        return self._call(events, {})["outputs"].reshape(len(events), *self.graph.output_shape)

    def trace(self, events: Events) -> dict[str, Outputs]:
        """Run all events and return every layer's result; an input layer's is the cast that hls4ml makes."""
        layers = {layer.identifier: layer.size for layer in self.graph.layers}
        answer = self._call(events, layers)
        inputs = zip(self.graph.input_layers, self.graph.split_inputs(events), strict=True)
        results = {layer.name: layer.result.to_real(layer.result.cast(values)) for layer, values in inputs}
        for layer in self.graph.layers:
            if f"layer/{layer.identifier}" in answer and layer.kind not in WIRES:
                results[layer.name] = answer[f"layer/{layer.identifier}"].reshape(len(events), *layer.shape)
        return results

    def _call(self, events: Events, trace: dict[str, int]) -> shared_library.Arrays:
        arguments = {
            "top": self.graph.name,
            "inputs": [layer.size for layer in self.graph.input_layers],
            "outputs": [layer.size for layer in self.graph.output_layers],
            "trace": trace,
        }
        try:
            return shared_library.call(
                self.library,
                arguments,
                {"events": events},
                scratch=self.scratch,
                timeout_s=self.timeout_s,
            )
        except ToolFailedError as error:
            raise SimulationError(f"the C simulation ended without an answer: {error}") from error


def build(graph: Graph, project: Path, folder: Path, *, timeout_s: float, quick: bool = False) -> CSimulation:
    """Compile the C simulation with the script that hls4ml wrote, in a copy of the project.

    Args:
        graph: What the project was written from.
        project: hls4ml's project.
        folder: Folder for the copy, the log and the library; it must stay, since the library reads its weights.
        timeout_s: Time limit of the compiler, and later of a call, in seconds.
        quick: Whether to compile without optimization: in half the time, for a slower simulation.

    Raises:
        ToolMissingError: There is no g++.
        ToolFailedError: It failed; the message holds the end of its log.
    """
    tool.find("g++", tool.INSTALL["g++"])
    copy = folder / "csim"
    copy_tree(project, copy)
    script = copy / "build_lib.sh"
    # The path comes into a macro, which cannot hold every path. `shared_library.csim` works in this folder too. The
    # headers of AMD's types make pages of warnings.
    text = script.read_text(encoding="utf-8").replace(_FOLDER_OF_SCRIPT, "BASEDIR=.")
    level = "-O0" if quick else "-O1" if graph.multiplications <= _SMALL_NETWORK else "-O3"
    script.write_text(text.replace("-O3", f"{level} -w"), encoding="utf-8")
    log = folder / "csim_build.log"
    _compile(copy, script, log, timeout_s)
    libraries = list((copy / "firmware").glob("*.so"))
    if len(libraries) != 1:
        # Some of the scripts go on behind an error.
        raise ToolFailedError(f"hls4ml's build_lib.sh left {len(libraries)} libraries; {tool.cause(log)}")
    return CSimulation(graph, libraries[0], folder, timeout_s)


def _compile(project: Path, script: Path, log: Path, timeout_s: float) -> None:
    """Compile with precompiled headers; should they not work, without."""
    words = ["bash", script.name]
    with headers.precompiled(project, script, timeout_s=timeout_s) as there:
        try:
            tool.run(words, cwd=project, log=log, timeout_s=timeout_s)
        except ToolTimeoutError:
            raise
        except ToolFailedError:
            if not there:
                raise
            headers.forget(project)
        else:
            return
    tool.run(words, cwd=project, log=log, timeout_s=timeout_s)

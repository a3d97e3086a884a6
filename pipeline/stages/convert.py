"""Conversion: the HLS project, the fixed-point graph and the RTL."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.engines.registry import Network
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rtl import generation
from trigcnn.hls.rtl.design import Language, RtlDesign
from trigcnn.pipeline.cache import reach
from trigcnn.pipeline.cache.folder import RunFolder, Stage, installed_version
from trigcnn.pipeline.context import Context
from trigcnn.pipeline.stages import placing, train

if TYPE_CHECKING:
    from trigcnn.hls.rewriting.rewrite import NormalForm
    from trigcnn.hls.synthesis.timing_closure import Closure, Generate

_DISTRIBUTIONS = ("alkaid", "hls4ml", "numpy", "qkeras", "tensorflow", "tf-keras")
# The vendor's test bench reads text: enough events to see a difference, not hours of simulation.
TEST_BENCH_EVENTS = 1000
_LAYERS, _REFERENCE = "hls_layers.json", "reference.npy"


def stage(context: Context) -> Stage:
    """Describe the stage."""
    # Only then do place and route determine the RTL.
    searching, searched = context.config.rtl.stage_delay == "auto", ("synthesis", "place_and_route")
    included: dict[str, Any] = {"name": True, "hls": True, "rtl": True, "synthesis": {"yosys_part"}}
    if searching:
        included |= dict.fromkeys(searched, True)
    return Stage(
        name="convert",
        after=("train",),
        code=reach.code(_work, context.config),
        options={
            **context.config.model_dump(mode="json", include=included),
            "parts": [context.config.yosys_part, context.config.placed_part],
        },
        files=(),
        versions={
            **{name: installed_version(name) for name in _DISTRIBUTIONS},
            **(placing.versions() if searching else {}),
        },
        work=lambda folder: _work(context, folder),
    )


def rewritten(hls: HlsOptions, trained: train.TrainOutput) -> NormalForm:
    """Return the trained model in the form that is converted; it computes in float64 and is the reference."""
    from trigcnn.common.fixed_point import FixedPoint
    from trigcnn.hls.conversion.convert import normal_form
    from trigcnn.models.source import load_saved

    given = FixedPoint.parse(trained.info["input_format"])
    return normal_form(load_saved(trained.quantized), hls, input_format=given)


def network(folder: RunFolder, hls: HlsOptions) -> Network:
    """Return the converted network of a run, for the engines.

    Args:
        folder: Folder of the run.
        hls: Options of the HLS project.
    """
    converted = folder.stage("convert")
    return Network(
        Graph.load(converted),
        converted / "hls",
        model=lambda: rewritten(hls, train.read(folder)).model,
        rtl=lambda: (RtlDesign.load(converted), converted / "rtl"),
    )


def read_reference(folder: RunFolder) -> npt.NDArray[np.float64]:
    """Read the outputs of the rewritten model on the test events [events, ...]."""
    outputs: npt.NDArray[np.float64] = np.load(folder.stage("convert") / _REFERENCE, allow_pickle=False)
    return outputs


def read_rewriting(folder: RunFolder) -> dict[str, Any]:
    """Read what was rewritten, and how it was proved."""
    content: dict[str, Any] = json.loads((folder.stage("convert") / "rewriting.json").read_text())
    return content


def read_layers(folder: RunFolder) -> dict[str, Any]:
    """Read each layer of the HLS project, and the estimate of the whole."""
    content: dict[str, Any] = json.loads((folder.stage("convert") / _LAYERS).read_text())
    return content


def _work(context: Context, folder: Path) -> None:
    from trigcnn.hls.conversion.convert import convert
    from trigcnn.hls.engines.keras import KerasEngine
    from trigcnn.hls.rewriting.proof import prove

    config = context.config
    trained = train.read(context.folder)
    normal = rewritten(config.hls, trained)
    engine = KerasEngine(normal.model)
    with context.console.task("proving the rewritten model"):
        proof = prove(normal.source, normal, engine.inputs_of(trained.test_events))
    reference = engine.predict(trained.test_events)
    np.save(folder / _REFERENCE, reference)
    rewriting = {
        "changes": normal.changes,
        "outputs_changed": normal.outputs_changed,
        "wide": normal.wide,
        "proof": asdict(proof),
    }
    (folder / "rewriting.json").write_text(json.dumps(rewriting, indent=1) + "\n")
    part = slice(TEST_BENCH_EVENTS)
    with context.console.task("converting with hls4ml"):
        graph = convert(
            normal,
            name=config.name,
            options=config.hls,
            project=folder / "hls",
            log=folder / "hls4ml.log",
            test_bench=(trained.test_events[part], reference[part].astype(np.float32)),
        )
    graph.save(folder)
    _describe_project(context, graph, folder)
    if config.rtl.architecture == "none":
        return

    def generate(stage_delay: float, place: Path, language: Language = "verilog") -> RtlDesign:
        return generation.generate(
            graph,
            place,
            replace(config.rtl, stage_delay=stage_delay, language=language),
            part=config.yosys_part,
            clock_period_ns=config.hls.clock_period_ns,
            log=folder / "rtl.log",
            timeout_s=config.time_limits.rtl_s,
        )

    if config.rtl.stage_delay == "auto":
        stage_delay = _close(context, folder, generate).chosen.stage_delay
    else:
        stage_delay = config.rtl.stage_delay
    with context.console.task("generating RTL"):
        generate(stage_delay, folder / "rtl", config.rtl.language).save(folder)


def _describe_project(context: Context, graph: Graph, folder: Path) -> None:
    """Write what hls4ml made of each layer's options, and print what the vendor's tool may not manage."""
    from trigcnn.hls.conversion import choices
    from trigcnn.hls.estimates import project as project_layers

    content = project_layers.describe(graph, context.config.hls, choices.load(folder / "hls"))
    (folder / _LAYERS).write_text(json.dumps(content, indent=1) + "\n")
    for layer in content["layers"]:
        for finding in layer["findings"]:
            context.console.line(f"  layer {layer['name']}: {finding}")


def _close(context: Context, folder: Path, generate: Generate) -> Closure:
    """Search for the stage delay, and write the result into the folder."""
    from trigcnn.hls.synthesis.timing_closure import close

    options = placing.options(context.config)
    with context.console.task(f"searching the pipeline depth for {options.clock_period_ns:g} ns"):
        closure = close(generate, folder, options, note=lambda tried: context.console.line(f"  {placing.shown(tried)}"))
    placing.save(closure, folder)
    return closure

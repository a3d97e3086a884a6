"""One network through all engines: every output and every layer of each, bit for bit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import trigcnn
from tests.search.network import Network as RandomNetwork
from tests.search.scripts import Script
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.conversion import convert as conversion
from trigcnn.hls.engines import Engine, Events, Outputs, registry
from trigcnn.hls.engines.emulator.engine import Emulator
from trigcnn.hls.engines.emulator.fusion import fused
from trigcnn.hls.engines.emulator.layers import translate
from trigcnn.hls.engines.emulator.library import compile_program
from trigcnn.hls.engines.emulator.plan import LEVELS
from trigcnn.hls.engines.registry import Network, Workplace
from trigcnn.hls.errors import AdmissionError, ConversionError
from trigcnn.hls.graph.graph import Graph, pack
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rewriting.check import compare as compare_rewritten
from trigcnn.hls.rewriting.normal_form import normal_form
from trigcnn.hls.rewriting.rewrite import NormalForm
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.hls.rtl.streaming.generate import generate

TIMEOUT_S = 600
# Refusals that name no layer, cause and mend: hls4ml stopped, or our own check of its graph.
_UNCLEAR = re.compile("hls4ml could not convert|bits are lost|too small|other values for|please report")
# A clear refusal names the layer or the input, and says what fixes it.
_NAMED = re.compile(r"(?s)(layer|input|output) .*;")


@dataclass
class Count:
    """What of one engine was compared with Keras, or with the engine that shows it."""

    networks: int = 0
    events: int = 0
    outputs: int = 0
    layers: int = 0
    values: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(*(mine + its for mine, its in zip(vars(self).values(), vars(other).values(), strict=True)))


@dataclass
class Outcome:
    """What came of one network.

    Attributes:
        refused: Why it was not converted; None if it was.
        counts: What was compared, by engine.
        unsupported: Why an engine could not run it, by engine.
        problems: What is wrong, one line each.
    """

    refused: str | None = None
    counts: dict[str, Count] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def compare(network: RandomNetwork, folder: Path, *, with_csim: bool = True, with_rtl: bool = False) -> Outcome:
    """Run a network through Keras, the RTL's interpreter, the emulator, the C simulation and simulated streaming RTL.

    Args:
        network: The network.
        folder: An empty folder for what is generated.
        with_csim: Whether to compile the C simulation, too, which takes longest.
        with_rtl: Whether to simulate streaming RTL, too.
    """
    outcome = Outcome()
    model, options = network.build(), network.hls_options()
    try:
        given = None if network.input_format is None else FixedPoint.parse(network.input_format)
        normal = normal_form(model, options, input_format=given)
        graph = _convert(normal, options, folder)
    except (AdmissionError, ConversionError) as error:
        outcome.refused = str(error)
        if _UNCLEAR.search(outcome.refused):
            outcome.problems.append(f"refused without a clear reason: {outcome.refused}")
        return outcome
    events = events_for(graph, network.seed)
    _prove(model, normal, graph, events, outcome)
    converted = Network(
        graph, folder / "hls", lambda: normal.model, lambda: _streaming(graph, folder / "rtl", network.seed)
    )
    place = Workplace(folder, TIMEOUT_S, quick=True)
    engines = _engines(converted, place, network.seed, with_csim=with_csim, with_rtl=with_rtl)
    _against_keras(registry.build("qkeras", converted, place), graph, events, outcome, engines)
    return outcome


def compare_script(script: Script, folder: Path, *, with_csim: bool = True, with_emulator: bool = True) -> Outcome:
    """Convert a saved model as users do, and run it through Keras, the interpreter, the emulator and the C simulation.

    Args:
        script: The model's script.
        folder: An empty folder for what is generated.
        with_csim: Whether to compile the C simulation, too, which takes longest.
        with_emulator: Whether to compile the emulator, too.
    """
    outcome = Outcome()
    path = script.save(folder)
    try:
        converted = trigcnn.convert(
            path, options=script.hls_options(), input_format=script.input_format, folder=folder / "converted"
        )
    except trigcnn.TrigcnnError as error:
        outcome.refused = str(error)
        if _UNCLEAR.search(outcome.refused) or not _NAMED.search(outcome.refused):
            outcome.problems.append(f"refused without a clear reason: {outcome.refused}")
        elif isinstance(error, ConversionError):
            outcome.problems.append(f"refused after training only: {outcome.refused}")
        return outcome
    rewriting = converted.rewriting
    outcome.counts["QKeras"] = Count(1, rewriting.events, rewriting.outputs)
    graph = converted.graph
    events = events_for(graph, script.seed)
    network = Network(graph, converted.folder / "hls", lambda: None, _no_rtl)
    place = Workplace(folder, TIMEOUT_S, quick=True)
    engines = _engines(network, place, script.seed, with_csim=with_csim, with_rtl=False, with_emulator=with_emulator)
    _against_keras(converted.reference(), graph, events, outcome, engines)
    return outcome


def _no_rtl() -> tuple[RtlDesign, Path]:
    raise NotImplementedError


def _convert(normal: NormalForm, options: HlsOptions, folder: Path) -> Graph:
    bench = (np.zeros((1, sum(int(np.prod(x.shape[1:])) for x in normal.model.inputs))), np.zeros((1, 1)))
    return conversion.convert(
        normal, name="top", options=options, project=folder / "hls", log=folder / "log", test_bench=bench
    )


def events_for(graph: Graph, seed: int, count: int = 16) -> Events:
    """Events on the grid of the inputs, off it, half between, at the corners and far out of range, mixed and pure."""
    generator = np.random.default_rng(seed)
    return pack([_values(layer.result, layer.shape, count, generator) for layer in graph.input_layers])


def _values(
    number_format: FixedPoint, shape: tuple[int, ...], count: int, generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    low, high, lsb = number_format.min, number_format.max, number_format.lsb
    each = (count, *shape)
    whole = generator.integers(number_format.min_integer, number_format.max_integer, each, endpoint=True)
    on_grid = number_format.to_real(whole)
    corners = generator.choice([low, high, low - lsb, high + lsb, 0.0, lsb, -lsb], each)
    far = generator.uniform(-1, 1, each) * max(high, -low) * 2.0 ** generator.integers(1, 12, each)
    off_grid = generator.uniform(low, max(high, low + lsb), each)
    kinds = [on_grid, off_grid, on_grid + lsb / 2, corners, far]
    mixed = np.choose(generator.integers(0, len(kinds), each), kinds)
    constant = np.stack([np.full(shape, value) for value in (low, high, 0.0, 1e6 * high, -1e6 * high)])
    return np.concatenate([*kinds, mixed, constant]).astype(np.float32)


def _prove(model: Any, normal: NormalForm, graph: Graph, events: Events, outcome: Outcome) -> None:
    """Hold the rewriting to the model, layer by layer, up to what float32 rounds."""
    inputs = zip(graph.input_layers, graph.split_inputs(events), strict=True)
    parts = [_near(part, layer.result) for layer, part in inputs]
    try:
        proof = compare_rewritten(model, normal, parts, random_events=128)
    except AdmissionError as error:
        outcome.problems.append(f"rewriting: {error}")
    else:
        outcome.counts["QKeras"] = Count(1, proof.events, proof.outputs)


def _near(values: npt.NDArray[Any], number_format: FixedPoint) -> npt.NDArray[np.float32]:
    """Bring events to a fine grid and not too far out of range.

    QKeras computes `x + (quantized - x)` in float32, which is not the quantized number for every other `x`.
    """
    grid, far = number_format.lsb / 4, 8 * max(number_format.max, -number_format.min)
    near: npt.NDArray[np.float32] = (np.rint(np.clip(values, -far, far) / grid) * grid).astype(np.float32)
    return near


def _engines(
    network: Network, place: Workplace, seed: int, *, with_csim: bool, with_rtl: bool, with_emulator: bool = True
) -> Iterator[tuple[str, Callable[[], Engine]]]:
    wanted = {"interpreter": True, "emulator": with_emulator, "csim": with_csim, "rtl": with_rtl}
    for name in (name for name, chosen in wanted.items() if chosen):
        if name == "emulator":
            yield name, partial(_emulator, network.graph, place, seed)
        else:
            yield name, partial(registry.build, name, network, place)


def _emulator(graph: Graph, place: Workplace, seed: int) -> Engine:
    """One instruction set, to compile less, and another one for other networks."""
    level = tuple(LEVELS)[seed % len(LEVELS)]
    program = fused(translate(graph))
    library = compile_program(program, place.folder, name="emulator", levels=[level], timeout_s=place.timeout_s)
    if level not in library.levels:
        raise ConversionError(f"the instruction set {level} does not run here")
    return Emulator(graph, library, place.folder, place.timeout_s, 1, level)


def _streaming(graph: Graph, folder: Path, seed: int) -> tuple[RtlDesign, Path]:
    """Few or many registers, and dense layers in parallel or in series."""
    stage_delay = (2.0, 5.0, 20.0)[seed % 3]
    return generate(graph, folder, stage_delay=stage_delay, serial_dense=seed % 2 == 0), folder


def _against_keras(
    reference: Engine,
    graph: Graph,
    events: Events,
    outcome: Outcome,
    engines: Iterator[tuple[str, Callable[[], Engine]]],
) -> None:
    expected = reference.predict(events).reshape(len(events), *graph.output_shape)
    layers = _stored(reference.trace(events), graph)
    for name, build in engines:
        try:
            engine = build()
            trace = engine.trace(events)
            found = engine.predict(events)
        except ConversionError as error:
            outcome.unsupported[name] = str(error)
            continue
        except Exception as error:
            outcome.problems.append(f"{name}: {type(error).__name__}: {error}")
            continue
        count = Count(1, len(events), expected.size)
        wrong = int(np.count_nonzero(found != expected))
        for layer in graph.layers:
            if layer.name not in trace or layer.name not in layers:
                # What hls4ml adds is in the traces of engines only: the first engine speaks for it.
                layers.update({layer.name: trace[layer.name]} if layer.name in trace else {})
                continue
            count += Count(layers=1, values=trace[layer.name].size)
            differing = int(np.count_nonzero(trace[layer.name] != layers[layer.name]))
            if differing:
                outcome.problems.append(f"{name}: layer {layer.name} ({layer.kind}): {differing} values differ")
        if wrong:
            outcome.problems.append(f"{name}: {wrong} of {expected.size} outputs differ")
        outcome.counts[name] = count


def _stored(exact: dict[str, Outputs], graph: Graph) -> dict[str, Outputs]:
    """Keras' layers as the graph has them: a layer may do the cast of the layer behind it."""
    stored = {}
    for layer in graph.layers:
        if layer.name in exact:
            values = exact[layer.name].reshape(-1, *layer.shape)
            stored[layer.name] = layer.result.to_real(layer.result.cast(values))
    return stored

"""Freeze golden cases: run the C simulation on chosen events and write the files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from trigcnn.common.files import scratch
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.decisions import Decision
from trigcnn.hls.engines import registry
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rtl.options import RtlOptions
from trigcnn.pipeline.cache.folder import RunFolder, file_digest
from trigcnn.pipeline.errors import GoldenError
from trigcnn.pipeline.golden import case as golden_case
from trigcnn.pipeline.golden import check as golden
from trigcnn.pipeline.golden.case import EventGroup, GoldenCase, Integers, ModelFile, Port, ShownEvent, VectorFile
from trigcnn.pipeline.golden.events import Chosen, choose
from trigcnn.pipeline.stages import convert

if TYPE_CHECKING:
    from trigcnn.pipeline.stages.train import TrainOutput

_SHOWN_EVENTS = 4
_SHOWN_OUTPUTS = 32
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Largest sizes of the files that go into version control, in MB (10**6 bytes)."""

    vectors_mb: float = 1.0
    model_mb: float = 10.0


def freeze(
    run: Path, out: Path | None, *, events: int = 32, limits: Limits | None = None, replace: bool = False
) -> str:
    """Freeze a finished run.

    The run's model is converted again, so that the case holds what the tools that are installed now give.

    Args:
        run: Folder of a run with the stages train and convert.
        out: NAME.golden.yaml; default: named after the run, in the working folder.
        events: Number of test events; the corner events come on top.
        limits: Largest sizes.
        replace: Whether an existing case is replaced.

    Returns:
        A description of the written files.

    Raises:
        GoldenError: The run is not finished or was changed, or the case is too large.
        HlsError, ModelsError: See there.
    """
    from trigcnn.pipeline.stages import train

    folder = RunFolder(run)
    trained = train.read(folder)
    converted = folder.stage("convert")
    options = _options(folder)
    path = Path(f"{options['name']}{golden_case.SUFFIX}") if out is None else out
    golden_case.stem(path)
    if path.exists() and not replace:
        raise GoldenError(f"{path}: exists already; to freeze it again: trigcnn golden update {path} --run {run}")
    graph = Graph.load(converted)
    inputs, chosen = events_of(run, trained, graph, events)
    case = _Draft(
        path,
        trained.quantized,
        options["name"],
        TypeAdapter(HlsOptions).validate_python(options["hls"]),
        convert.settled(TypeAdapter(RtlOptions).validate_python(options["rtl"]), folder),
        inputs,
        chosen.inputs,
        chosen.test_events,
        chosen.groups,
        TypeAdapter(tuple[Decision, ...]).validate_python(options.get("postprocessing", ())),
    )
    return case.write(limits or Limits(), like=graph)


def events_of(run: Path, trained: TrainOutput, graph: Graph, count: int) -> tuple[tuple[Port, ...], Chosen]:
    """Choose events of a run: test events and corner events.

    Args:
        run: Its folder, for messages.
        trained: Its training.
        graph: Its network.
        count: Number of test events.

    Returns:
        The inputs with the digitiser's formats, and the events in units of their last bits.

    Raises:
        GoldenError: A test event is not on the digitiser's grid.
    """
    inputs = _ports(graph, trained.info.input_format)
    lsb = golden_case.lsb(inputs)
    test = trained.test_events.astype(np.float64) / lsb
    if not np.array_equal(test, np.rint(test)):
        raise GoldenError(
            f"{run}: the test events are not on the grid of {inputs[0].format}; run `trigcnn train` again"
        )
    formats = [FixedPoint.parse(port.format) for port in inputs]
    chosen = choose(
        test.astype(np.int64),
        trained.test_labels,
        count,
        _ends(inputs, [(entry.min_integer, entry.max_integer) for entry in formats]),
        _ends(
            inputs,
            [
                (int(np.floor(layer.result.min / entry.lsb)), int(np.floor(layer.result.max / entry.lsb)))
                for layer, entry in zip(graph.input_layers, formats, strict=True)
            ],
        ),
    )
    return inputs, chosen


def update(path: Path, *, run: Path | None = None, limits: Limits | None = None) -> str:
    """Freeze a case again, from its own present files or from a run.

    Args:
        path: NAME.golden.yaml.
        run: Folder of a run to take model, configuration and events from.
        limits: Largest sizes.

    Returns:
        What changed.

    Raises:
        GoldenError: The case or the run cannot be used.
        HlsError, ModelsError: See there.
    """
    old = golden_case.read(path)
    old_inputs, old_outputs = golden_case.read_vectors(path, old)
    if run is not None:
        text = freeze(run, path, events=max(1, len(old.test_events)), limits=limits, replace=True)
    else:
        model = path.parent.resolve() / old.model.file
        draft = _Draft(
            path,
            model,
            old.name,
            old.hls,
            old.rtl,
            old.inputs,
            old_inputs,
            old.test_events,
            old.events,
            old.postprocessing,
        )
        text = draft.write(limits or Limits(), like=None)
    new = golden_case.read(path)
    _, outputs = golden_case.read_vectors(path, new)
    return "\n".join([*describe(old, new, old_outputs, outputs), text])


def describe(old: GoldenCase, new: GoldenCase, old_outputs: Integers, outputs: Integers) -> list[str]:
    """Return how two states of a case differ, in words."""
    lines = []
    if old.model.sha256 != new.model.sha256:
        lines.append(f"model: {old.model.sha256[:12]}… -> {new.model.sha256[:12]}…")
    for section in ("name", "hls", "rtl", "postprocessing", "inputs", "outputs"):
        if getattr(old, section) != getattr(new, section):
            lines.append(f"{section}: {getattr(old, section)} -> {getattr(new, section)}")
    lines += [f"{change.kind}: {change.text}" for change in golden.graph_changes(old, new.layers)]
    lines += golden.version_notes(old.versions, new.versions)
    if old.vectors.inputs_sha256 != new.vectors.inputs_sha256:
        lines.append(f"events: {old.vectors.events} -> {new.vectors.events}, other values")
    elif outputs.shape == old_outputs.shape and (outputs != old_outputs).any():
        differing = outputs != old_outputs
        events = int(differing.reshape(len(outputs), -1).any(axis=1).sum())
        lines.append(f"bits: {int(differing.sum())} of {outputs.size} outputs of {events} of {len(outputs)} events")
    return lines or ["nothing changed"]


@dataclass(frozen=True)
class _Draft:
    """A case without the outputs of engines."""

    path: Path
    model: Path
    name: str
    hls: HlsOptions
    rtl: RtlOptions
    inputs: tuple[Port, ...]
    integers: Integers
    test_events: tuple[int, ...]
    groups: tuple[EventGroup, ...]
    decisions: tuple[Decision, ...]

    def write(self, limits: Limits, like: Graph | None) -> str:
        """Run the C simulation and write the three files.

        Args:
            limits: Largest sizes.
            like: The graph that the conversion must give; None if it may be another.
        """
        size = self.model.stat().st_size if self.model.is_file() else 0
        if size > limits.model_mb * _MEGABYTE:
            raise GoldenError(
                f"{self.model}: the model has {size / _MEGABYTE:.2f} MB, more than --max-model-mb {limits.model_mb:g}; "
                "save it without its optimizer, or raise the limit"
            )
        events = golden.real_events(self.integers, golden_case.lsb(self.inputs))
        with scratch() as place:
            model = golden.load_model(self.model)
            network = golden.prepare(
                model,
                self.name,
                self.hls,
                self.rtl,
                events,
                None,
                place,
                input_format=FixedPoint.parse(self.inputs[0].format),
                decisions=self.decisions,
            )
            _check_same_graph(network.graph, like)
            workplace = golden.workplace_in(place)
            csim = registry.build("csim", network, workplace)
            values = csim.predict(events)
            results = csim.trace(events)
            qkeras = registry.build("qkeras", network, workplace).predict(events)
        graph = network.graph
        outputs = np.rint(values / graph.output_lsb).astype(np.int64)
        self._check_size(outputs, limits)
        case = self._case(graph, outputs, results)
        folder = self.path.parent
        golden_case.write(
            {
                folder / case.model.file: self.model.read_bytes(),
                folder / case.vectors.file: golden_case.pack(self.integers, outputs),
                self.path: case.to_yaml().encode(),
            }
        )
        text = f"{self.path}: {len(outputs)} events, {len(self.test_events)} of them from the test set"
        differing = (qkeras.reshape(values.shape) != values).reshape(len(values), -1).any(axis=1)
        if differing.any():
            text += (
                f"\nnote: QKeras differs from the C simulation in {int(differing.sum())} of {len(values)} events, "
                f"first in {case.describe_event(int(differing.argmax()))}; the C simulation's outputs were frozen"
            )
        return text

    def _check_size(self, outputs: Integers, limits: Limits) -> None:
        allowed = limits.vectors_mb * _MEGABYTE
        packed = len(golden_case.pack(self.integers, outputs))
        if packed <= allowed:
            return
        tests = len(self.test_events)

        def size(count: int) -> int:
            kept = np.r_[0:count, tests : len(outputs)]
            return len(golden_case.pack(self.integers[kept], outputs[kept]))

        low, high = -1, tests
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if size(middle) <= allowed else (low, middle)
        mend = "raise --max-vectors-mb"
        if low < 0:
            fits = f"the {len(outputs) - tests} corner events alone take {size(0) / _MEGABYTE:.3g} MB; {mend}"
        else:
            fits = f"{low} test events fit; take --events {low}, or {mend}"
        raise GoldenError(
            f"{self.path}: the vectors of {tests} test events and {len(outputs) - tests} corner events have "
            f"{packed / _MEGABYTE:.3g} MB, more than --max-vectors-mb {limits.vectors_mb:g}; {fits}"
        )

    def _case(self, graph: Graph, outputs: Integers, results: dict[str, npt.NDArray[np.float64]]) -> GoldenCase:
        stem = golden_case.stem(self.path)
        ports = tuple(
            Port(layer=layer.name, shape=layer.shape, format=str(layer.result)) for layer in graph.output_layers
        )
        tests = len(self.test_events)
        shown = [*range(min(tests, _SHOWN_EVENTS)), *range(tests, min(len(outputs), tests + _SHOWN_EVENTS))]
        return GoldenCase(
            format_version=1,
            name=self.name,
            model=ModelFile(file=f"{stem}.golden{self.model.suffix}", sha256=file_digest(self.model)),
            vectors=VectorFile(
                file=f"{stem}.golden.npz",
                events=len(outputs),
                inputs_sha256=golden_case.digest(self.integers),
                outputs_sha256=golden_case.digest(outputs),
            ),
            hls=self.hls,
            rtl=self.rtl,
            postprocessing=self.decisions,
            versions=golden.tool_versions(),
            inputs=self.inputs,
            outputs=ports,
            test_events=self.test_events,
            events=self.groups,
            shown=tuple(
                ShownEvent(
                    event=golden_case.describe_event(self.groups, event),
                    outputs=tuple(outputs[event].ravel()[:_SHOWN_OUTPUTS].tolist()),
                )
                for event in shown
            ),
            layers=golden_case.layer_records(graph, results),
        )


def _options(folder: RunFolder) -> dict[str, Any]:
    """Check that the stages of a run belong together, and return the options of its conversion."""
    train, convert = folder.manifest("train"), folder.manifest("convert")
    model = folder.path / "train" / "quantized.keras"
    if (
        train is None
        or convert is None
        or convert.inputs.get("train") != train.digest
        or train.outputs.get("quantized.keras") != file_digest(model)
    ):
        raise GoldenError(f"{folder.path}: the converted model is not the trained one; run `trigcnn convert` again")
    return convert.options


def _ports(graph: Graph, digitiser: str | list[str]) -> tuple[Port, ...]:
    layers = graph.input_layers
    formats = digitiser if isinstance(digitiser, list) else [digitiser] * len(layers)
    return tuple(
        Port(layer=layer.name, shape=layer.shape, format=text) for layer, text in zip(layers, formats, strict=True)
    )


def _ends(ports: tuple[Port, ...], ends: list[tuple[int, int]]) -> tuple[Integers, Integers]:
    """Return the smallest and the largest value of each input, in the shape of an event."""
    both = []
    for side in (0, 1):
        parts = [np.full(port.shape, end[side], np.int64) for port, end in zip(ports, ends, strict=True)]
        both.append(parts[0] if len(parts) == 1 else np.concatenate([part.ravel() for part in parts]))
    return both[0], both[1]


def _check_same_graph(found: Graph, wanted: Graph | None) -> None:
    """The run may have been converted by other versions of the tools."""
    if wanted is None:
        return
    records = golden_case.layer_records(found, {})
    if records != golden_case.layer_records(wanted, {}):
        raise GoldenError("the installed tools convert the model differently from the run; run `trigcnn convert` again")

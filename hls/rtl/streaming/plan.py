"""Units of a graph: which layers are computed together, and which have no streaming form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

import numpy as np

from trigcnn.common.suggestions import did_you_mean
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.graph.kinds import EACH_VALUE
from trigcnn.hls.rtl.streaming.geometry import Geometry, geometry
from trigcnn.hls.rtl.streaming.streams import stream_shape

Front = Literal["input", "word", "window", "collect", "split", "scan", "serial", "global", "join"]

_MEND = "use rtl.architecture: parallel, or none"


@dataclass(frozen=True)
class Unit:
    """A module of the design: how it gathers words, and what it computes from them.

    Attributes:
        layer: The layer that it computes and is named after.
        front: How it gathers words: `input` a port; `word` nothing; `window` a line buffer; `collect` several
            words into one; `split` one word into several; `scan` an image into a larger one; `serial` products over
            several clocks; `global` a maximum or sum over all pixels; `join` two branches.
        sources: Names of the layers whose results it reads.
        then: Layers that work on each word by itself and are computed in the same kernel.
        geometry: Of a window, with earlier padding layers included and without rows and columns that see no pixel.
        count: Words that are joined, into which one is split, or from which a serial layer reads one by one.
    """

    layer: Layer
    front: Front
    sources: tuple[str, ...]
    then: tuple[Layer, ...] = ()
    geometry: Geometry | None = None
    count: int = 1

    @property
    def name(self) -> str:
        """Name of its layer."""
        return self.layer.name

    @property
    def identifier(self) -> str:
        """Name of its layer in the RTL."""
        return self.layer.identifier

    @property
    def result(self) -> str:
        """Return the name of the layer whose result it delivers."""
        return self.then[-1].name if self.then else self.layer.name


def plan(graph: Graph, reuse_factors: Mapping[str, int], *, serial: bool) -> tuple[Unit, ...]:
    """Divide a graph into units.

    Args:
        graph: What to build.
        reuse_factors: Clock cycles that the products of a dense layer take, by layer name.
        serial: Spread all other dense layers over the cycles between two events.

    Raises:
        ConversionError: A layer has no streaming form, or not with this reuse factor.
    """
    return _Planner(graph, reuse_factors, serial).units()


def initiation_interval(graph: Graph, units: tuple[Unit, ...]) -> int:
    """Clock cycles between events: as many as the busiest unit has words to give or take."""
    return max(_cycles(graph, unit) for unit in units)


def _cycles(graph: Graph, unit: Unit) -> int:
    height, width, _ = stream_shape(unit.layer.shape if unit.front == "scan" else _source_shape(graph, unit))
    return height * width * (unit.count if unit.front in ("split", "serial") else 1)


def _source_shape(graph: Graph, unit: Unit) -> tuple[int, ...]:
    return graph[unit.sources[0]].shape if unit.sources else unit.layer.shape


class _Planner:
    def __init__(self, graph: Graph, reuse_factors: Mapping[str, int], serial: bool) -> None:
        self.graph, self.reuse_factors, self.serial = graph, reuse_factors, serial
        self.readers = {
            layer.name: [other for other in graph.layers if layer.name in other.inputs] for layer in graph.layers
        }
        self.planned: dict[str, Unit] = {}
        # Layers that a later one absorbs: what that one reads instead.
        self.absorbed: dict[str, str] = {}
        self.input_words = {prod(stream_shape(layer.shape)[:2]) for layer in graph.input_layers}

    def units(self) -> tuple[Unit, ...]:
        for name in self.reuse_factors:
            if name not in self.readers or self.graph[name].kind != "Dense":
                known = [layer.name for layer in self.graph.layers if layer.kind == "Dense"]
                mend = did_you_mean(name, known)
                raise ConversionError(f"rtl.layers.{name}: there is no dense layer of this name; {mend}")
        if len(self.input_words) > 1:
            raise ConversionError(
                f"the inputs {', '.join(self.graph.inputs)} have different numbers of pixels, and streaming RTL takes "
                f"a pixel of each input at a clock; {_MEND}"
            )
        for layer in self.graph.layers:
            self._add(layer)
        return tuple(self.planned.values())

    def _add(self, layer: Layer) -> None:
        if layer.kind in EACH_VALUE:
            producer = next((unit for unit in self.planned.values() if unit.result == layer.inputs[0]), None)
            if producer is not None and self._only_reader(layer.inputs[0]):
                self.planned[producer.name] = replace(producer, then=(*producer.then, layer))
                return
        unit = self._unit(layer)
        if unit is not None:
            self.planned[layer.name] = unit

    def _only_reader(self, name: str) -> bool:
        return len(self.readers[name]) == 1 and name not in self.graph.outputs

    def _unit(self, layer: Layer) -> Unit | None:
        sources = tuple(self.absorbed.get(name, name) for name in layer.inputs)
        match layer.kind:
            case "Input":
                return Unit(layer, "input", ())
            case "Activation" | "UnaryLUT" | "BatchNormalization":
                return Unit(layer, "word", sources)
            case "Dense":
                return self._dense(layer, sources)
            case "Conv1D" | "Conv2D" | "DepthwiseConv1D" | "DepthwiseConv2D" | "Pooling1D" | "Pooling2D":
                padded = self.graph[layer.inputs[0]] if layer.inputs[0] in self.absorbed else None
                return Unit(layer, "window", sources, geometry=geometry(self.graph, layer, padded))
            case "GlobalPooling1D" | "GlobalPooling2D":
                return Unit(layer, "global", sources)
            case "Reshape":
                return self._reshape(layer, sources)
            case "ZeroPadding1D" | "ZeroPadding2D":
                return self._zero_padding(layer, sources)
            case "Resize":
                return Unit(layer, "scan", sources)
            case "Merge" | "Concatenate":
                return self._join(layer, sources)
            case "Transpose":
                return self._transpose(layer, sources)
        raise ConversionError(
            f"layer {layer.name}: there is no streaming RTL for a layer of the kind {layer.kind}; {_MEND}"
        )

    def _dense(self, layer: Layer, sources: tuple[str, ...]) -> Unit:
        height, width, channels = stream_shape(self.graph[sources[0]].shape)
        words = height * width
        flattened = layer.inputs[0] in self.absorbed
        per_word = _pieces(
            layer, words if flattened else 1, channels, self._reuse(layer, words if flattened else 1, channels)
        )
        if not flattened and per_word == 1:
            return Unit(layer, "word", sources)
        if not flattened and words > 1:
            raise ConversionError(
                f"layer {layer.name}: it computes a dense layer at each of {words} pixels, which has no serial form; "
                f"set rtl.layers.{layer.name}.reuse_factor: 1"
            )
        return Unit(layer, "serial", sources, count=per_word)

    def _reuse(self, layer: Layer, words: int, channels: int) -> int:
        """Return the cycles of all products of a dense layer: a multiple of its words, or 1."""
        if layer.name in self.reuse_factors:
            return self.reuse_factors[layer.name]
        if not self.serial or prod(layer.shape) != layer.shape[-1]:
            return 1
        return words * max(min(channels, max(self.input_words) // words), 1)

    def _reshape(self, layer: Layer, sources: tuple[str, ...]) -> Unit | None:
        (height, width, channels), (_, _, wanted) = (
            stream_shape(s) for s in (self.graph[sources[0]].shape, layer.shape)
        )
        words = height * width
        (reader,) = self.readers[layer.name] if self._only_reader(layer.name) else (None,)
        flat = wanted == words * channels
        feeds_dense = reader is not None and reader.kind == "Dense" and self._changes_nothing(layer, sources[0])
        if reader is not None and flat and words > 1 and feeds_dense and self._reuse(reader, words, channels) > 1:
            self.absorbed[layer.name] = sources[0]
            return None
        if wanted == channels:
            return Unit(layer, "word", sources)
        if wanted % channels == 0:
            return Unit(layer, "collect", sources, count=wanted // channels)
        if channels % wanted == 0:
            return Unit(layer, "split", sources, count=channels // wanted)
        raise ConversionError(
            f"layer {layer.name}: it puts words of {channels} channels into words of {wanted}, neither of which "
            f"divides the other; {_MEND}"
        )

    def _changes_nothing(self, layer: Layer, source: str) -> bool:
        """Return whether a layer's format holds all values of the other's."""
        before, after = self.graph[source].result, layer.result
        return after.min <= before.min and before.max <= after.max and after.lsb <= before.lsb

    def _zero_padding(self, layer: Layer, sources: tuple[str, ...]) -> Unit | None:
        (reader,) = self.readers[layer.name] if self._only_reader(layer.name) else (None,)
        is_padding = reader is not None and "Conv" in reader.kind and self._changes_nothing(layer, sources[0])
        if reader is not None and is_padding and geometry(self.graph, reader, layer).fits:
            self.absorbed[layer.name] = sources[0]
            return None
        return Unit(layer, "scan", sources)

    def _join(self, layer: Layer, sources: tuple[str, ...]) -> Unit:
        shapes = [stream_shape(self.graph[name].shape) for name in sources]
        joins_channels = layer.kind == "Merge" or layer.integer("axis") == len(layer.shape) - 1
        if shapes[0][:2] != shapes[1][:2] or not joins_channels:
            raise ConversionError(
                f"layer {layer.name}: it concatenates images of different sizes, or not along the "
                f"channels, and there is no streaming RTL for it; {_MEND}"
            )
        return Unit(layer, "join", sources)

    def _transpose(self, layer: Layer, sources: tuple[str, ...]) -> Unit:
        before, after = (stream_shape(shape) for shape in (self.graph[sources[0]].shape, layer.shape))
        order = np.arange(prod(before)).reshape(self.graph[sources[0]].shape).transpose(layer.attributes["perm"])  # type: ignore[arg-type]
        if before[2] != after[2] or (order.reshape(-1) != np.arange(prod(before))).any():
            raise ConversionError(
                f"layer {layer.name}: it permutes pixels, for which a whole image would have to wait; {_MEND}"
            )
        return Unit(layer, "word", sources)


def _pieces(layer: Layer, words: int, channels: int, reuse_factor: int) -> int:
    """Return into how many pieces each word is split."""
    possible = [1] if words == 1 else []
    possible += [words * pieces for pieces in range(1, channels + 1)]
    if reuse_factor == 1 or reuse_factor in possible:
        return max(reuse_factor // words, 1)
    nearest = min(possible, key=lambda each: abs(each - reuse_factor))
    raise ConversionError(
        f"rtl.layers.{layer.name}.reuse_factor: {reuse_factor} is not possible; it must be 1, or a multiple of the "
        f"{words} words that the layer takes, up to {words * channels}; the nearest is {nearest}"
    )

"""The walk over a Keras model that finds the sizes of each layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from trigcnn.models.errors import ModelError
from trigcnn.models.geometry import layers as of
from trigcnn.models.geometry import sight
from trigcnn.models.geometry.axis import Axis
from trigcnn.models.geometry.sight import Shape, Sight


@dataclass(frozen=True)
class ReceptiveField:
    """The receptive field of a layer's values in one input of the network."""

    input: str
    """Name of the input."""
    pixels: tuple[int, ...]
    """Most pixels that a value sees along each axis of the input; all channels of the value together."""
    jump: tuple[float | None, ...]
    """Pixels of the input between two values that are neighbours; None where values have no such order."""


@dataclass(frozen=True)
class Dense:
    """What a dense layer from the same input to the same result would need."""

    parameters: int
    """Weights and biases."""
    multiplications: int
    """Products per event."""


@dataclass(frozen=True)
class LayerGeometry:
    """The sizes of a layer."""

    name: str
    """The layer's name."""
    kind: str
    """The layer's class."""
    inputs: tuple[Shape, ...]
    """Shapes of what feeds it, without the batch."""
    shape: Shape
    """Shape of its result, without the batch."""
    axes: tuple[Axis, ...]
    """What it does along each axis but that of channels; empty for layers without a window."""
    fields: tuple[ReceptiveField, ...]
    """Receptive fields, one for each input of the network that it sees."""
    parameters: int
    """Weights, biases, and a factor and a summand per channel of a normalization."""
    multiplications: int
    """Products with weights per event, those with zeros too."""
    dense: Dense | None
    """What a dense layer in its place would need; None where each value has only one value of its own."""
    unseen: tuple[str, ...]
    """Which pixels no window sees, a line for each reason."""


@dataclass(frozen=True)
class _Tensor:
    """What is known of a tensor; `blank` counts the zeros of padding at the end of each axis."""

    shape: Shape
    sights: tuple[Sight, ...]
    blank: Shape


def geometry(model: Any) -> tuple[LayerGeometry, ...]:
    """Find the sizes of each layer of a model.

    Args:
        model: Keras 2 model, functional or Sequential with an input, of Keras' and QKeras' layers.

    Returns:
        The layers, each after those that feed it.

    Raises:
        ModelError: It has a layer of which nothing is known, or no input, or an axis of unknown size.
    """
    if not getattr(model, "inputs", None):
        raise ModelError("the model's layers are not known before it is called; build it with an Input")
    known: dict[int, _Tensor] = {}
    return tuple(_layer(node, known) for node in _ordered(model))


def refuse_dropped(layers: Sequence[LayerGeometry]) -> None:
    """Check that every stride divides, so that no pixels at an end are dropped.

    Raises:
        ModelError: A line per layer and axis: number of pixels, and the fix.
    """
    lines = [f"\n  - {line}" for layer in layers if (line := _refusal(layer))]
    if lines:
        raise ModelError(f"model.dropped_pixels: refuse: strides that do not divide drop pixels:{''.join(lines)}")


def _ordered(model: Any) -> Iterator[Any]:
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from model._nodes_by_depth[depth]


def _layer(node: Any, known: dict[int, _Tensor]) -> LayerGeometry:
    layer = node.layer
    shape = _shape(layer, node.outputs)
    if node.is_input:
        given: list[_Tensor] = []
        result = _Tensor(shape, sight.of_input(layer.name, shape), (0,) * len(shape))
        axes: tuple[Axis, ...] = ()
    else:
        tensors = node.input_tensors if isinstance(node.input_tensors, (list, tuple)) else [node.input_tensors]
        given = [known[id(tensor)] for tensor in tensors]
        axes = of.axes_of(layer, given[0].shape, given[0].blank)
        result = _Tensor(shape, _sights(layer, axes, given, shape), _blank(layer, given, shape))
    known[id(node.outputs)] = result
    combined = of.kind_of(layer) in {"Dense"} | of.CONVOLUTIONS | of.POOLING | of.GLOBAL_POOLING
    return LayerGeometry(
        name=layer.name,
        kind=type(layer).__name__,
        inputs=tuple(tensor.shape for tensor in given),
        shape=shape,
        axes=axes,
        fields=_fields(result.sights),
        parameters=of.parameters_of(layer, shape),
        multiplications=of.multiplications_of(layer, shape),
        dense=_dense(math.prod(given[0].shape), math.prod(shape)) if combined else None,
        unseen=tuple(_losses(axes)),
    )


def _dense(inputs: int, outputs: int) -> Dense:
    return Dense(inputs * outputs + outputs, inputs * outputs)


def _shape(layer: Any, tensor: Any) -> Shape:
    shape = tuple(tensor.shape[1:]) if hasattr(tensor, "shape") else (None,)
    if None in shape:
        raise ModelError(f"layer {layer.name}: its size {shape} is not known; give the Input a shape of whole numbers")
    return tuple(int(size) for size in shape)


def _sights(layer: Any, axes: Sequence[Axis], given: list[_Tensor], shape: Shape) -> tuple[Sight, ...]:
    kind, first = of.kind_of(layer), given[0]
    if kind in of.MERGES:
        return sight.merged([tensor.sights for tensor in given])
    if kind == "Concatenate":
        return sight.concatenated(
            [tensor.sights for tensor in given], [tensor.shape for tensor in given], _axis(layer, shape)
        )
    if kind in ("Flatten", "Reshape"):
        return sight.reshaped(first.sights, first.shape, shape)
    if kind == "Permute":
        return sight.permuted(first.sights, [axis - 1 for axis in layer.dims])
    sights = sight.through_windows(first.sights, axes) if axes else first.sights
    if of.mixes_channels(layer):
        sights = sight.through_channels(sights, len(first.shape) - 1)
    if kind in of.GLOBAL_POOLING:
        ones = (*(1 for _ in axes), first.shape[-1])
        sights = sight.reshaped(sights, ones, shape)
    return sights


def _blank(layer: Any, given: list[_Tensor], shape: Shape) -> Shape:
    """Follow the zeros of padding at the end of each axis, as far as no window mixes them with pixels."""
    kind, first = of.kind_of(layer), given[0]
    if kind in of.POINTWISE:
        return first.blank
    if kind in of.RESIZING and not kind.startswith("UpSampling"):
        axes = of.axes_of(layer, first.shape, first.blank)
        return (*(max(axis.blank + axis.after, 0) for axis in axes), 0)
    if kind in of.MERGES or (kind == "Concatenate" and _axis(layer, shape) == len(shape) - 1):
        # A tensor of fewer axes is repeated along the others.
        return tuple(map(min, *((*(len(shape) - len(tensor.blank)) * (0,), *tensor.blank) for tensor in given)))
    return (0,) * len(shape)


def _axis(layer: Any, shape: Shape) -> int:
    """The axis of a concatenation, without the batch and not negative."""
    return int(layer.axis) - 1 if layer.axis > 0 else int(layer.axis) + len(shape)


def _fields(sights: Sequence[Sight]) -> tuple[ReceptiveField, ...]:
    result = []
    for source in dict.fromkeys(s.source for s in sights):
        own = sorted((s for s in sights if s.source == source), key=lambda s: s.number)
        jumps = tuple(None if s.jump is None else float(s.jump) for s in own)
        result.append(ReceptiveField(source, tuple(s.pixels for s in own), jumps))
    return tuple(result)


def _losses(axes: Sequence[Axis]) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for axis in axes:
        windows = f"windows of {axis.window}, stride {axis.stride}, never see"
        if axis.dropped:
            found.setdefault(f"{windows} the last {axis.dropped} of {axis.size} pixels", []).append(axis.name)
        if axis.skipped:
            found.setdefault(f"{windows} {axis.skipped} of {axis.size} pixels, between them", []).append(axis.name)
    yield from (f"{text}, along {' and '.join(names)}" for text, names in found.items())


def _refusal(layer: LayerGeometry) -> str:
    """Return what a layer drops, and the fix."""
    found = []
    for axis in layer.axes:
        if axis.dropped:
            smaller, larger = axis.sizes_that_divide
            found.append(f"the last {axis.dropped} of {axis.size} of the {axis.name} ({smaller} or {larger} divide)")
    if not found:
        return ""
    pads = [(0, axis.missing if axis.dropped else 0) for axis in layer.axes]
    padding = str(tuple(pads) if len(pads) > 1 else pads[0])
    return (
        f"layer {layer.name} ({layer.kind}): {' and '.join(found)}; change the size of its input, or put a "
        f"ZeroPadding{len(pads)}D({padding}) before it"
    )

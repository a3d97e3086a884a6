"""What the fixed-point graph says of each element of each layer's result, in exact integers.

An element is a linear form of elements before it, or a function of such forms, followed by a cast. This module knows
the kinds of layers by their definition in `trigcnn.hls.graph.kinds`; it takes nothing from the generator of the RTL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph.forms import ZERO, Form, bounds
from trigcnn.hls.graph.graph import Graph, Layer

Integers = npt.NDArray[np.int64]
Ranges = dict[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of numbers, each of which is a linear form.

    Attributes:
        kind: What it computes, such as `cast` or `maximum`; a label.
        forms: The numbers: integer forms without a constant, not all coefficients even.
        compute: Gives integers in units of `2**-fraction` from arrays of these numbers.
        fraction: Fraction bits of the result.
        monotone: Whether it is known to rise with its only number, or to stay.
        parts: Of a maximum or minimum: the elements of which it is taken.
        after: What follows it: `after(maximum of the parts)` is this function.
    """

    kind: str
    forms: tuple[Form, ...]
    compute: Callable[..., Integers]
    fraction: int
    monotone: bool = False
    parts: tuple[Element, ...] = ()
    after: Callable[[Element], Element] = lambda x: x

    def joined(self, first: int, second: int, by: Element) -> Element:
        """Return the same function with two parts replaced by one that equals their maximum or minimum."""
        rest = [part for number, part in enumerate(self.parts) if number not in (first, second)]
        return self.after(by if not rest else self.together([*rest, by]))

    def together(self, parts: Sequence[Element]) -> Element:
        """Return the maximum or minimum of some parts, without what follows."""
        return combined(self.kind.partition(",")[0], parts)


Element = Form | Function
Elements = npt.NDArray[Any]
"""An array of elements, in a layer's shape."""


def results(layer: Layer, inputs: Sequence[Elements], graph: Graph, ranges: Ranges) -> Elements:
    """Return the elements of a layer's result.

    Args:
        layer: The layer; no input layer.
        inputs: The elements of the layers that feed it.
        graph: The graph that the layer is in.
        ranges: Interval of each atom.

    Returns:
        Elements in the layer's shape.

    Raises:
        ProofError: The kind of layer has no definition here, or a sum needs the value of a function.
    """
    if layer.kind == "UnaryLUT":
        given = graph[layer.inputs[0]].result
        table = layer.result.cast(layer.weights["table"].values)
        fraction = layer.result.fraction

        def look_up(x: Integers, unit: int) -> Integers:
            index: Integers = given.cast_integers(x, unit) & ((1 << given.width) - 1)
            found: Integers = table[index]
            return found

        return _each(lambda x: applied("table", look_up, fraction, x), inputs[0])
    return casted(before_cast(layer, inputs), layer, ranges)


def casted(elements: Elements, layer: Layer, ranges: Ranges) -> Elements:
    """Return elements of a layer after the cast to its number format."""
    return _each(lambda x: cast(x, layer.result, ranges), elements)


def before_cast(layer: Layer, inputs: Sequence[Elements]) -> Elements:
    """Return the elements of a layer before the cast to its number format; not of a table, which has none.

    Raises:
        ProofError: The kind of layer has no definition here, or a sum needs the value of a function.
    """
    if layer.kind not in _KINDS:
        raise ProofError(f"layer {layer.name}: the kind {layer.kind} has no definition in the proof")
    elements: Elements = _KINDS[layer.kind](layer, *inputs)
    return elements


def cast(x: Element, to: FixedPoint, ranges: Ranges) -> Element:
    """Return an element after a cast; itself if the cast changes none of its values."""
    if isinstance(x, Form) and holds(x, to, ranges):
        return x
    saturates = to.overflow in ("SAT", "SAT_SYM")
    return applied("cast", to.cast_integers, to.fraction, x, monotone=saturates)


def holds(x: Form, to: FixedPoint, ranges: Ranges) -> bool:
    """Return whether a number format has every value that a form can take."""
    form = x.reduced()
    if form.exponent < -to.fraction:
        return False
    low, high = bounds(*form.raised(-to.fraction), ranges)
    return to.min_integer <= low and high <= to.max_integer


def applied(
    kind: str, function: Callable[[Integers, int], Integers], fraction: int, x: Element, *, monotone: bool = False
) -> Element:
    """Return a function of an element: `function(integers, their fraction)`, with the fraction of the result."""
    inner = _function(x) if isinstance(x, Form) else x
    compute, given = inner.compute, inner.fraction
    if not inner.forms:
        return Form({}, int(function(compute(), given)[0]), -fraction)
    label = f"{inner.kind}, {kind}" if inner.kind else kind
    follow = inner.after
    return Function(
        label,
        inner.forms,
        lambda *values: function(compute(*values), given),
        fraction,
        inner.monotone and monotone,
        inner.parts,
        lambda part: applied(kind, function, fraction, follow(part), monotone=monotone),
    )


_OPERATIONS: Mapping[str, Callable[[Sequence[Integers]], Integers]] = {
    "maximum": np.maximum.reduce,
    "minimum": np.minimum.reduce,
    "product": lambda own: own[0] * own[1],
}


def combined(kind: str, xs: Sequence[Element]) -> Element:
    """Return the maximum, minimum or product of several elements."""
    function = _OPERATIONS[kind]
    functions = [_function(x) if isinstance(x, Form) else x for x in xs]
    fraction = max(f.fraction for f in functions)
    # Elements of one form have one number.
    places: dict[tuple[tuple[int, int], ...], int] = {}
    forms: list[Form] = []
    for form in (form for f in functions for form in f.forms):
        if places.setdefault(_key(form), len(forms)) == len(forms):
            forms.append(form)

    def compute(*values: Integers) -> Integers:
        own = [
            f.compute(*(values[places[_key(form)]] for form in f.forms)) << (fraction - f.fraction) for f in functions
        ]
        return function(np.broadcast_arrays(*own))

    scale = 2 if kind == "product" else 1
    if not forms:
        return Form({}, int(compute()[0]), -scale * fraction)
    return Function(kind, tuple(forms), compute, scale * fraction, parts=() if kind == "product" else tuple(xs))


def _key(form: Form) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(form.terms.items()))


def _function(x: Form) -> Function:
    """Return a form as a function of a number without constant and common factor of two."""
    together = 0
    for c in x.terms.values():
        together |= c
    zeros = (together & -together).bit_length() - 1 if together else 0
    constant = x.constant
    if not x.terms:
        return Function("", (), lambda: np.array([constant]), -x.exponent)
    number = Form({atom: c >> zeros for atom, c in x.terms.items()})
    return Function("", (number,), lambda values: (values << zeros) + constant, -x.exponent, monotone=True)


def _each(function: Callable[[Element], Element], elements: Elements) -> Elements:
    result = np.empty(elements.size, dtype=object)
    for index, element in enumerate(elements.reshape(-1)):
        result[index] = function(element)
    return result.reshape(elements.shape)


def linear(layer: Layer, terms: Sequence[tuple[int, Element]], shift: int, bias: int, unit: int) -> Form:
    """Return `bias * 2**unit + sum of integer * element * 2**shift`.

    Raises:
        ProofError: An element is a function, whose value no bits of the netlist hold.
    """
    total: dict[int, int] = {}
    exponent = min([unit, *(x.exponent + shift for c, x in terms if isinstance(x, Form) and c)])
    constant = bias << (unit - exponent)
    for c, x in terms:
        if not c:
            continue
        if isinstance(x, Function):
            raise ProofError(f"layer {layer.name}: it sums values that no bits of the netlist hold ({x.kind})")
        own, added = x.raised(exponent - shift)
        constant += c * added
        for atom, k in own.items():
            total[atom] = total.get(atom, 0) + c * k
    return Form({atom: k for atom, k in total.items() if k}, constant, exponent)


def _constants(layer: Layer, name: str) -> tuple[Integers, int]:
    """Return integers of a layer's constants, and the exponent of their unit."""
    weights = layer.weights[name]
    return weights.integers, -weights.format.fraction


def _dense(layer: Layer, x: Elements) -> Elements:
    (kernel, unit), (bias, bias_unit) = _constants(layer, "weight"), _constants(layer, "bias")
    rows = x.reshape(-1, kernel.shape[0])
    result = np.empty((len(rows), kernel.shape[1]), dtype=object)
    for row, column in np.ndindex(result.shape):
        terms = [(int(c), each) for c, each in zip(kernel[:, column], rows[row], strict=True)]
        result[row, column] = linear(layer, terms, unit, int(bias[column]), bias_unit)
    return result.reshape(layer.shape)


def _axes(layer: Layer) -> list[tuple[str, str, str]]:
    names = [("height", "pad_top"), ("width", "pad_left")]
    return [(name, before, f"stride_{name}") for name, before in names["2D" not in layer.kind :]]


def _windows(layer: Layer, x: Elements, sizes: Sequence[int]) -> Iterator[tuple[tuple[int, ...], list[Any]]]:
    """Give each output pixel with the pixels of its window: position in the window, and position in the image."""
    axes = _axes(layer)
    for pixel in np.ndindex(*layer.shape[:-1]):
        starts = [
            p * layer.integer(stride) - layer.integer(pad) for p, (_, pad, stride) in zip(pixel, axes, strict=True)
        ]
        taps = []
        for tap in np.ndindex(*sizes):
            place = tuple(start + t for start, t in zip(starts, tap, strict=True))
            if all(0 <= p < n for p, n in zip(place, x.shape, strict=False)):
                taps.append((tap, place))
        yield pixel, taps


def _convolution(layer: Layer, x: Elements) -> Elements:
    (kernel, unit), (bias, bias_unit) = _constants(layer, "weight"), _constants(layer, "bias")
    depthwise = "Depthwise" in layer.kind
    sizes, channels = kernel.shape[: x.ndim - 1], x.shape[-1]
    result = np.empty(layer.shape, dtype=object)
    for pixel, taps in _windows(layer, x, sizes):
        for out in range(layer.shape[-1]):
            used = [out] if depthwise else range(channels)
            terms = [
                (int(kernel[(*tap, c, 0 if depthwise else out)]), x[(*place, c)]) for tap, place in taps for c in used
            ]
            result[(*pixel, out)] = linear(layer, terms, unit, int(bias[out]), bias_unit)
    return result


def _pooled(layer: Layer, values: Sequence[Element]) -> Element:
    if layer.attributes["pool_op"] == "Max":
        return combined("maximum", values)
    count = len(values)
    if count & (count - 1):
        raise ProofError(f"layer {layer.name}: a mean over {count} pixels has no definition in the proof")
    return linear(layer, [(1, x) for x in values], 0, 0, 0).times(1, 1 - count.bit_length())


def _pooling(layer: Layer, x: Elements) -> Elements:
    sizes = [layer.integer(f"pool_{name}") for name, _, _ in _axes(layer)]
    result = np.empty(layer.shape, dtype=object)
    for pixel, taps in _windows(layer, x, sizes):
        for channel in range(layer.shape[-1]):
            result[(*pixel, channel)] = _pooled(layer, [x[(*place, channel)] for _, place in taps])
    return result


def _global_pooling(layer: Layer, x: Elements) -> Elements:
    channels = x.reshape(-1, x.shape[-1])
    result = np.empty(x.shape[-1], dtype=object)
    for channel in range(x.shape[-1]):
        result[channel] = _pooled(layer, list(channels[:, channel]))
    return result.reshape(layer.shape)


def _normalization(layer: Layer, x: Elements) -> Elements:
    (scale, unit), (bias, bias_unit) = _constants(layer, "scale"), _constants(layer, "bias")
    rows = zip(x.reshape(-1), *(np.broadcast_to(v, x.shape).reshape(-1) for v in (scale, bias)), strict=True)
    result = np.empty(x.size, dtype=object)
    for index, (element, c, added) in enumerate(rows):
        result[index] = linear(layer, [(int(c), element)], unit, int(added), bias_unit)
    return result.reshape(x.shape)


def _merge(layer: Layer, a: Elements, b: Elements) -> Elements:
    a, b = np.broadcast_arrays(a, b)
    result = np.empty(a.size, dtype=object)
    for index, (first, second) in enumerate(zip(a.reshape(-1), b.reshape(-1), strict=True)):
        match layer.attributes["op"]:
            case "add" | "subtract" as op:
                result[index] = linear(layer, [(1, first), (1 if op == "add" else -1, second)], 0, 0, 0)
            case "multiply" | "maximum" | "minimum" as op:
                result[index] = combined("product" if op == "multiply" else op, (first, second))
            case op:
                raise ProofError(f"layer {layer.name}: merging by {op} has no definition in the proof")
    return result.reshape(a.shape)


def _relu(values: Integers, _: int) -> Integers:
    return np.maximum(values, 0)


def _rectified(x: Element) -> Element:
    return applied("relu", _relu, -x.exponent if isinstance(x, Form) else x.fraction, x, monotone=True)


def _activation(layer: Layer, x: Elements) -> Elements:
    match layer.attributes["activation"]:
        case "linear":
            return x
        case "relu":
            return _each(
                lambda e: applied("relu", _relu, -e.exponent if isinstance(e, Form) else e.fraction, e, monotone=True),
                x,
            )
    raise ProofError(
        f"layer {layer.name}: the activation {layer.attributes['activation']} has no definition in the proof"
    )


def _resize(layer: Layer, x: Elements) -> Elements:
    names = ("height", "width") if x.ndim == 3 else ("width",)
    for axis, name in enumerate(names):
        x = np.repeat(x, layer.integer(f"factor_{name}"), axis=axis)
    return x


def _padding(layer: Layer, x: Elements) -> Elements:
    sides = [("pad_top", "pad_bottom"), ("pad_left", "pad_right")][0 if x.ndim == 3 else 1 :]
    before = [layer.integer(name) for name, _ in sides]
    result = np.full(layer.shape, ZERO, dtype=object)
    result[tuple(slice(start, start + size) for start, size in zip(before, x.shape, strict=False))] = x
    return result


_KINDS: dict[str, Callable[..., Elements]] = {
    "Activation": _activation,
    "BatchNormalization": _normalization,
    "Concatenate": lambda layer, a, b: np.concatenate([a, b], axis=layer.integer("axis")),
    "Conv1D": _convolution,
    "Conv2D": _convolution,
    "Dense": _dense,
    "DepthwiseConv1D": _convolution,
    "DepthwiseConv2D": _convolution,
    "GlobalPooling1D": _global_pooling,
    "GlobalPooling2D": _global_pooling,
    "Merge": _merge,
    "Pooling1D": _pooling,
    "Pooling2D": _pooling,
    "Reshape": lambda layer, x: x.reshape(layer.shape),
    "Resize": _resize,
    "Transpose": lambda layer, x: x.transpose(layer.attributes["perm"]),
    "ZeroPadding1D": _padding,
    "ZeroPadding2D": _padding,
}

"""The results of a graph in exact arithmetic: an oracle that shares no code with the engines."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph.graph import Graph, Layer, Weights

UNIT = 1 << 200
"""Numbers are Python integers in units of 2**-200: finer than any product here, so that all of them are exact."""

Exact = npt.NDArray[Any]
"""Numbers in units of `1 / UNIT`, as an array of objects."""


def expected(graph: Graph, events: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float64]]:
    """Return every layer's result, [events, ...], as real numbers."""
    found: dict[str, Exact] = {}
    parts = iter(graph.split_inputs(events))
    for layer in graph.layers:
        inputs = [found[name] for name in layer.inputs]
        if layer.kind == "Input":
            ratios = [float(value).as_integer_ratio() for value in next(parts).reshape(-1)]
            flat = _objects([_cast_one(n * UNIT, layer.result, d) for n, d in ratios])
            found[layer.name] = flat.reshape(len(events), *layer.shape)
            continue
        results = np.stack([_exact_result(layer, graph, [x[i] for x in inputs]) for i in range(len(events))])
        found[layer.name] = _cast(results.reshape(len(events), *layer.shape), layer.result)
    return {name: _reals(values) for name, values in found.items()}


def _lsb(of: FixedPoint) -> int:
    return UNIT >> of.fraction if of.fraction >= 0 else UNIT << -of.fraction


def _cast_one(value: int, to: FixedPoint, divisor: int = 1) -> int:
    """Cast `value / divisor`."""
    lsb = _lsb(to)
    floor, rest = divmod(value, lsb * divisor)
    above, tie = 2 * rest > lsb * divisor, 2 * rest == lsb * divisor
    up = {
        "TRN": False,
        "TRN_ZERO": value < 0 and rest > 0,
        "RND": above or tie,
        "RND_ZERO": above or (tie and value < 0),
        "RND_INF": above or (tie and value > 0),
        "RND_MIN_INF": above,
        "RND_CONV": above or (tie and floor % 2 == 1),
    }[to.rounding]
    whole = floor + up
    low, high = to.min_integer, to.max_integer
    if to.overflow == "WRAP":
        whole = (whole - low) % (1 << to.width) + low
    elif to.overflow == "SAT_ZERO":
        whole = whole if low <= whole <= high else 0
    else:
        symmetric = to.overflow == "SAT_SYM" and to.signed and to.width > 1
        whole = max(-high if symmetric else low, min(high, whole))
    return whole * lsb


def _objects(values: Sequence[Any]) -> Exact:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _cast(values: Exact, to: FixedPoint) -> Exact:
    return _objects([_cast_one(int(value), to) for value in values.reshape(-1)]).reshape(values.shape)


def _exact(weights: Weights) -> Exact:
    return np.asarray(weights.integers.astype(object) * _lsb(weights.format))


def _product(a: Exact, b: Exact) -> Exact:
    whole = a * b
    assert not np.any(whole % UNIT)
    return np.asarray(whole // UNIT)


def _reals(values: Exact) -> npt.NDArray[np.float64]:
    flat = np.array([float(Fraction(int(value), UNIT)) for value in values.reshape(-1)], np.float64)
    return flat.reshape(values.shape)


def _add_up(layer: Layer, products: Exact, bias: int) -> int:
    """Sum as hls4ml's accumulator does."""
    if layer.accumulator is None:
        return int(products.sum() + bias)
    total = _cast_one(bias, layer.accumulator)
    for value in products:
        total = _cast_one(total + _cast_one(value, layer.accumulator), layer.accumulator)
    return total


def _numbers(layer: Layer, *names: str) -> tuple[int, int]:
    """Two attributes, height first; a layer on sequences has no height."""
    height, width = (layer.integer(name) if name in layer.attributes else int("pad" not in name) for name in names)
    return height, width


def _windows(layer: Layer, x: Exact, size: tuple[int, int]) -> list[list[tuple[int, int, int, int]]]:
    """By output pixel: the pixels of its window that are in the image, and their places in the window."""
    stride, pads = (_numbers(layer, *names) for names in (("stride_height", "stride_width"), ("pad_top", "pad_left")))
    rows, columns = (1, layer.shape[0]) if layer.kind.endswith("1D") else layer.shape[:2]
    found = []
    for row, column in itertools.product(range(rows), range(columns)):
        corner = row * stride[0] - pads[0], column * stride[1] - pads[1]
        places = itertools.product(range(size[0]), range(size[1]))
        pixels = [(corner[0] + i, corner[1] + j, i, j) for i, j in places]
        found.append([p for p in pixels if 0 <= p[0] < x.shape[0] and 0 <= p[1] < x.shape[1]])
    return found


def _convolution(layer: Layer, x: Exact) -> list[int]:
    kernel, bias = _exact(layer.weights["weight"]), _exact(layer.weights["bias"])
    kernel = kernel.reshape(-1, *kernel.shape[-3:])
    size = kernel.shape[0], kernel.shape[1]
    results = []
    for pixels in _windows(layer, x, size):
        # In the order of rows, columns and channels.
        seen = np.array([x[row, column] for row, column, _, _ in pixels], object)
        taps = np.array([kernel[i, j] for _, _, i, j in pixels], object)
        for f in range(len(bias)):
            by_channel = layer.kind.startswith("Depthwise")
            terms = _product(seen[:, f], taps[:, f, 0]) if by_channel else _product(seen, taps[:, :, f])
            results.append(_add_up(layer, terms.reshape(-1), bias[f]))
    return results


def _mean(layer: Layer, values: list[int]) -> int:
    if layer.accumulator is None:
        return _cast_one(sum(values), layer.result, len(values))
    total = 0
    for value in values:
        total = _cast_one(total + value, layer.accumulator)
    # Divisions of ap_fixed drop what is below the last bit, towards zero.
    lsb = _lsb(layer.accumulator)
    return (abs(total) // (lsb * len(values))) * lsb * (1 if total > 0 else -1)


def _pooling(layer: Layer, x: Exact) -> list[int]:
    if layer.kind.startswith("Global"):
        groups = [[(r, c, 0, 0) for r, c in np.ndindex(x.shape[:2])]]
    else:
        groups = _windows(layer, x, _numbers(layer, "pool_height", "pool_width"))
    results = []
    for pixels in groups:
        for channel in range(x.shape[2]):
            values = [x[row, column, channel] for row, column, _, _ in pixels]
            results.append(max(values) if layer.attributes["pool_op"] == "Max" else _mean(layer, values))
    return results


def _exact_result(layer: Layer, graph: Graph, inputs: list[Exact]) -> Exact:
    """A layer's result before its cast, for one event."""
    x = inputs[0]
    image = x.reshape(1, -1, x.shape[-1]) if x.ndim < 3 else x
    attributes = layer.attributes
    match layer.kind:
        case "Activation":
            return np.maximum(x, 0) if attributes["activation"] == "relu" else x
        case "UnaryLUT":
            number_format = graph[layer.inputs[0]].result
            table, lsb = _exact(layer.weights["table"]), _lsb(number_format)
            bits = [value // lsb % (1 << number_format.width) for value in x.reshape(-1)]
            return np.asarray(table[bits])
        case "Dense":
            weight, bias = _exact(layer.weights["weight"]), _exact(layer.weights["bias"])
            x = x.reshape(-1)
            return _objects([_add_up(layer, _product(x, weight[:, f]), bias[f]) for f in range(len(bias))])
        case "Conv1D" | "Conv2D" | "DepthwiseConv1D" | "DepthwiseConv2D":
            return _objects(_convolution(layer, image))
        case "Pooling1D" | "Pooling2D" | "GlobalPooling1D" | "GlobalPooling2D":
            return _objects(_pooling(layer, image))
        case "BatchNormalization":
            return np.asarray(_product(x, _exact(layer.weights["scale"])) + _exact(layer.weights["bias"]))
        case "Merge":
            y = inputs[1]
            functions = {"add": x + y, "subtract": x - y, "multiply": _product(x, y)}
            return functions[op] if (op := str(attributes["op"])) in functions else getattr(np, op)(x, y)
        case "Concatenate":
            return np.concatenate(inputs, axis=layer.integer("axis"))
        case "ZeroPadding1D":
            return np.asarray(np.pad(x, [(layer.integer("pad_left"), layer.integer("pad_right")), (0, 0)]))
        case "ZeroPadding2D":
            rows = (layer.integer("pad_top"), layer.integer("pad_bottom"))
            return np.pad(x, [rows, (layer.integer("pad_left"), layer.integer("pad_right")), (0, 0)])
        case "Resize":
            factors = [attributes[name] for name in ("factor_height", "factor_width") if name in attributes]
            for axis, factor in enumerate(factors):
                x = np.repeat(x, factor, axis=axis)  # type: ignore[arg-type]
            return x
        case "Transpose":
            return x.transpose(attributes["perm"])  # type: ignore[arg-type]
        case "Reshape":
            return x
    raise AssertionError(layer.kind)

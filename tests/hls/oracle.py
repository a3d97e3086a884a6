"""What a graph computes, on exact fractions: an oracle that shares no code with the engines."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.graph.graph import Graph, Layer, Weights

Array = npt.NDArray[Any]


def rounded(scaled: Fraction, mode: str) -> int:
    floor = math.floor(scaled)
    rest = scaled - floor
    if mode == "TRN":
        return floor
    if mode == "TRN_ZERO":
        return math.trunc(scaled)
    if rest != Fraction(1, 2):
        return math.floor(scaled + Fraction(1, 2))
    up = {"RND": True, "RND_MIN_INF": False, "RND_ZERO": scaled < 0, "RND_INF": scaled > 0, "RND_CONV": floor % 2 == 1}
    return floor + up[mode]


def cast(value: Fraction, to: FixedPoint) -> Fraction:
    unit = Fraction(2) ** (to.integer - to.width)
    bits = rounded(value / unit, to.rounding)
    low, high = (-(2 ** (to.width - 1)), 2 ** (to.width - 1) - 1) if to.signed else (0, 2**to.width - 1)
    if not low <= bits <= high:
        match to.overflow:
            case "WRAP":
                bits = (bits - low) % 2**to.width + low
            case "SAT":
                bits = low if bits < low else high
            case "SAT_SYM":
                bits = high if bits > high else low
            case "SAT_ZERO":
                bits = 0
    if to.overflow == "SAT_SYM" and to.signed and to.width > 1:
        bits = max(bits, -high)
    return bits * unit


def exact(weights: Weights) -> Array:
    unit = Fraction(2) ** -weights.format.fraction
    return np.array([int(n) * unit for n in weights.integers.ravel()], dtype=object).reshape(weights.integers.shape)


def summed(subject: Layer, values: Array, weight: Array, bias: Fraction) -> Fraction:
    """One sum, product by product in the accumulator, as in hls4ml's C++."""
    to = subject.accumulator
    if to is None:
        return sum((v * w for v, w in zip(values, weight, strict=True)), bias)
    total = cast(bias, to)
    for value, factor in zip(values, weight, strict=True):
        total = cast(total + cast(value * factor, to), to)
    return total


def windows(subject: Layer, x: Array, size: tuple[int, ...]) -> list[tuple[tuple[int, ...], list[Any]]]:
    """Each position, with its pixels (channels) in row-major order; None for one that lies in the padding."""
    names = ("width",) if x.ndim == 2 else ("height", "width")
    before = {"width": "pad_left", "height": "pad_top"}
    found = []
    for position in np.ndindex(*subject.shape[:-1]):
        pixels = []
        for offset in np.ndindex(*size):
            at = tuple(
                p * subject.integer(f"stride_{name}") + o - subject.integer(before[name])
                for p, o, name in zip(position, offset, names, strict=True)
            )
            inside = all(0 <= a < n for a, n in zip(at, x.shape, strict=False))
            pixels.append(x[at] if inside else None)
        found.append((position, pixels))
    return found


def convolution(subject: Layer, x: Array) -> Array:
    weight, bias = exact(subject.weights["weight"]), exact(subject.weights["bias"])
    result = np.empty(subject.shape, dtype=object)
    zero = np.array([Fraction(0)] * x.shape[-1], dtype=object)
    for position, pixels in windows(subject, x, weight.shape[:-2]):
        rows = np.stack([zero if pixel is None else pixel for pixel in pixels])
        kernel = weight.reshape(len(rows), *weight.shape[-2:])
        for channel in range(subject.shape[-1]):
            if subject.kind.startswith("Depthwise"):
                terms = rows[:, channel], kernel[:, channel, 0]
            else:
                terms = rows.ravel(), kernel[:, :, channel].ravel()
            result[(*position, channel)] = summed(subject, *terms, bias[channel])
    return result


def pooling(subject: Layer, x: Array) -> Array:
    names = ("width",) if x.ndim == 2 else ("height", "width")
    size = tuple(subject.integer(f"pool_{name}") for name in names)
    result = np.empty(subject.shape, dtype=object)
    for position, pixels in windows(subject, x, size):
        result[position] = pooled(subject, np.stack([pixel for pixel in pixels if pixel is not None]))
    return result


def pooled(subject: Layer, pixels: Array) -> Array:
    if subject.attributes["pool_op"] == "Max":
        return np.array(pixels.max(axis=0))
    return np.array(pixels.sum(axis=0) / Fraction(len(pixels)))


def dense(subject: Layer, x: Array) -> Array:
    weight, bias = exact(subject.weights["weight"]), exact(subject.weights["bias"])
    return np.array([summed(subject, x, weight[:, n], bias[n]) for n in range(len(bias))], dtype=object)


def merged(subject: Layer, x: Array, y: Array) -> Array:
    functions: dict[str, Callable[[Array, Array], Array]] = {
        "add": np.add,
        "subtract": np.subtract,
        "multiply": np.multiply,
        "maximum": np.maximum,
        "minimum": np.minimum,
    }
    return functions[str(subject.attributes["op"])](x, y)


def look_up(subject: Layer, x: Array, number_format: FixedPoint) -> Array:
    table = exact(subject.weights["table"])
    bits = [int(value * Fraction(2) ** number_format.fraction) % 2**number_format.width for value in x.ravel()]
    return np.array([table[n] for n in bits], dtype=object).reshape(x.shape)


def oracle(subject: Graph, event: list[Array]) -> dict[str, Array]:
    """Every layer's result for one event."""
    results: dict[str, Array] = {}
    ports = dict(zip(subject.inputs, event, strict=True))
    for each in subject.layers:
        x = [results[name] for name in each.inputs]
        match each.kind:
            case "Input":
                value = np.array([Fraction(float(v)) for v in ports[each.name].ravel()], dtype=object)
            case "Activation":
                value = x[0] * (x[0] > 0) if each.attributes["activation"] == "relu" else x[0]
            case "UnaryLUT":
                value = look_up(each, x[0], subject[each.inputs[0]].result)
            case "Dense":
                value = dense(each, x[0])
            case "Conv1D" | "Conv2D" | "DepthwiseConv1D" | "DepthwiseConv2D":
                value = convolution(each, x[0])
            case "Pooling1D" | "Pooling2D":
                value = pooling(each, x[0])
            case "GlobalPooling1D" | "GlobalPooling2D":
                value = pooled(each, x[0].reshape(-1, x[0].shape[-1]))
            case "BatchNormalization":
                value = x[0] * exact(each.weights["scale"]) + exact(each.weights["bias"])
            case "Merge":
                value = merged(each, *x)
            case "Concatenate":
                value = np.concatenate(x, axis=each.integer("axis"))
            case "ZeroPadding1D":
                value = np.pad(x[0], [(each.integer("pad_left"), each.integer("pad_right")), (0, 0)])
            case "ZeroPadding2D":
                sides = [("pad_top", "pad_bottom"), ("pad_left", "pad_right")]
                value = np.pad(x[0], [*((each.integer(a), each.integer(b)) for a, b in sides), (0, 0)])
            case "Resize":
                value = x[0].repeat(each.integer("factor_width"), axis=-2)
                value = value.repeat(each.integer("factor_height"), axis=0) if value.ndim == 3 else value
            case "Transpose":
                perm: Any = each.attributes["perm"]
                value = x[0].transpose(perm)
            case "Reshape":
                value = x[0]
        result = value.reshape(each.shape)
        if each.kind != "Input":
            flat = [cast(Fraction(v), each.result) for v in result.ravel()]
            result = np.array(flat, dtype=object).reshape(each.shape)
        results[each.name] = result
    return results


def expected(subject: Graph, events: Array) -> dict[str, npt.NDArray[np.float64]]:
    parts = subject.split_inputs(events)
    found = [oracle(subject, [part[n] for part in parts]) for n in range(len(events))]
    return {each.name: np.array([one[each.name] for one in found]).astype(float) for each in subject.layers}

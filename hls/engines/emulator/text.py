"""Steps to C++: a `struct` whose function `apply` takes what a body gives to what is stored.

Each step is computed in the narrowest numbers that hold all of its values exactly: 32-bit integers, doubles (whose
53 bits are the fastest wide numbers of every instruction set), or 64-bit integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.engines.emulator.program import Accumulator
from trigcnn.hls.engines.emulator.steps import Affine, Cast, Lookup, Quotient, Rectify, Step
from trigcnn.hls.engines.emulator.tables import Tables
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.ranges import Integers, Range

Domain = Literal["i32", "f64", "i64"]
# The fastest first.
_DOMAINS: tuple[Domain, ...] = ("i32", "f64", "i64")
_INT32 = 1 << 31
_DOUBLE = 1 << 53
# Rounding to even by two additions needs two bits less than a double has.
_ROUNDED_DOUBLE = 1 << 50
_INT64 = 1 << 62
_MOST_DROPPED = 61


@dataclass(frozen=True)
class _Placed:
    """A step with the range before it and the type of numbers that it is computed in."""

    step: Step
    before: Range
    domain: Domain


def post_function(steps: Sequence[Step], start: Range, wide: bool, tables: Tables, channels: int) -> str:
    """Write the function `apply` of some steps.

    Args:
        steps: The steps.
        start: Range before them.
        wide: Whether the result has 64 bits.
        tables: Takes the constants.
        channels: Number of channels that constants are needed for; those beyond the layer's get zeros.

    Raises:
        ConversionError: A value needs more bits than there are.
    """
    placed = _placed(steps, start)
    lines: list[str] = []
    current = "v"
    index = 0
    while index < len(placed):
        last = index
        while (
            last < len(placed) and placed[last].domain == placed[index].domain and _joins(placed[last], placed[index])
        ):
            last += 1
        part = placed[index : max(last, index + 1)]
        following = f"v{len(lines)}"
        lines.append(f"    const auto {following} = {_segment(part, current, tables, channels)};")
        current, index = following, index + len(part)
    result = "I64" if wide else "I32"
    lines.append(f"    return to_{result.lower()}({current});")
    body = "\n".join(lines)
    return f"  template <class V> static INLINE {result} apply(V v, [[maybe_unused]] int c) {{\n{body}\n  }}\n"


def accumulator_functions(accumulator: Accumulator, *, wide: bool) -> str:
    """Write the casts of an accumulator: the functions `product` and `sum`, of 32 bits or `wide` of 64."""
    bits = 64 if wide else 32
    rounding = _rounded_integers(accumulator.dropped, accumulator.format.rounding, bits)
    limiting = _limited_integers(accumulator.format, bits) if accumulator.limits else []
    functions = [
        f"  template <class V> static INLINE V {function}(V y) {{\n"
        + "".join(f"    {line}\n" for line in lines)
        + "    return y;\n  }\n"
        for function, lines in (("product", [*rounding, *limiting]), ("sum", limiting))
    ]
    return "".join(functions)


def _placed(steps: Sequence[Step], start: Range) -> list[_Placed]:
    placed: list[_Placed] = []
    now = start
    for step in steps:
        after = step.after(now)
        fitting = [domain for domain in _DOMAINS if _fits(domain, step, now, after)]
        if not fitting:
            raise ConversionError(f"{_named(step)} needs numbers of more than 62 bits")
        # Staying with doubles is cheaper than changing to integers and back.
        stays = bool(placed) and placed[-1].domain == "f64" and "f64" in fitting
        placed.append(_Placed(step, now, "f64" if stays else fitting[0]))
        now = after
    return placed


def _named(step: Step) -> str:
    match step:
        case Cast():
            return f"the cast to {step.format}"
        case Affine():
            return "the scale and the bias"
    return f"the {type(step).__name__.lower()}"


def _joins(step: _Placed, first: _Placed) -> bool:
    return step is first or not (isinstance(step.step, Lookup) or isinstance(first.step, Lookup))


def _fits(domain: str, step: Step, before: Range, after: Range) -> bool:
    peak = max(step.peak(before), after.magnitude)
    match step:
        case Lookup():
            return domain == "i64" or (domain == "i32" and before.magnitude < _INT32)
        case Quotient() if _power_of_two(step) is None:
            trivial = step.rounding == "TRN_ZERO" and step.dropped(before) == 0
            return (domain == "f64" and trivial and peak < _ROUNDED_DOUBLE) or (domain == "i64" and peak < _INT64)
        case Cast() | Quotient():
            dropped = _dropped(step, before)
            width = step.format.width if isinstance(step, Cast) and step.overflows(before) else 0
            way = before.magnitude + (1 << (dropped - 1)) if dropped > 0 else before.magnitude << -dropped
            peak = max(way, after.magnitude)
            rounded = peak >> max(dropped, 0)
            return {
                "i32": peak < _INT32 and dropped <= 30 and width <= 31,
                "f64": before.magnitude < _ROUNDED_DOUBLE and rounded < _ROUNDED_DOUBLE and width <= 50,
                "i64": peak < _INT64 and dropped <= _MOST_DROPPED,
            }[domain]
    return peak < {"i32": _INT32, "f64": _DOUBLE, "i64": _INT64}[domain]


def _power_of_two(step: Quotient) -> int | None:
    return step.divisor.bit_length() - 1 if step.divisor & (step.divisor - 1) == 0 else None


def _segment(part: list[_Placed], current: str, tables: Tables, channels: int) -> str:
    """Write neighbouring steps that are computed in the same type of numbers."""
    first = part[0]
    if isinstance(first.step, Lookup):
        wide = first.step.after(first.before).magnitude >= _INT32
        kind = "int64_t" if wide else "int32_t"
        table = tables.add(kind, first.step.table)
        mask = (1 << first.step.width) - 1
        pointer = f"static_cast<{'I64' if wide else 'I32'}*>(nullptr)"
        return f"lookup(low_bits({current}), {table}, {mask}, {pointer})"
    lines = _double_lines(part, tables, channels) if first.domain == "f64" else _integer_lines(part, tables, channels)
    body = " ".join([*lines, "return y;"])
    if first.domain == "i32":
        return f"[&](I32 y) FORCED {{ {body} }}(to_i32({current}))"
    kind = "HalfF64" if first.domain == "f64" else "HalfI64"
    return f"by_halves<{kind}>({current}, [&]({kind} y) FORCED {{ {body} }})"


def _by_channel(values: Integers, kind: str, tables: Tables, channels: int, scale: float = 1) -> str:
    """A constant, or a table's entry of the channel."""
    numbers = [value * scale for value in values] if kind == "double" else list(values)
    if all(number == numbers[0] for number in numbers):
        return _literal(numbers[0], kind)
    padded = np.zeros(channels, object)
    padded[: len(numbers)] = numbers
    return f"{tables.add(kind, padded)}[c]"


def _literal(number: float, kind: str) -> str:
    if kind == "double":
        return float(number).hex()
    return f"int64_t({int(number)}ll)" if kind == "int64_t" else str(int(number))


def _double_lines(part: list[_Placed], tables: Tables, channels: int) -> list[str]:
    lines = []
    scaled = 0
    for position, placed in enumerate(part):
        match placed.step:
            case Affine() as step:
                # The scale also brings the next cast's last bit to 1, which costs nothing here.
                scaled = _next_dropped(part[position + 1 :])
                scale = _by_channel(step.scale, "double", tables, channels, 2.0**-scaled)
                bias = _by_channel(step.bias, "double", tables, channels, 2.0**-scaled)
                lines.append(f"y = y * {scale} + {bias};")
            case Rectify():
                lines.append("y = largest(y, HalfF64{});")
            case Quotient() as step if _power_of_two(step) is None:
                lines.append(f"y = rounded<TRN_ZERO>(y / {_literal(step.divisor, 'double')});")
            case Cast() | Quotient() as step:
                lines += _double_cast(step, placed.before, scaled)
                scaled = 0
    return lines


def _dropped(step: Cast | Quotient, before: Range) -> int:
    return step.dropped(before) + (0 if isinstance(step, Cast) else (_power_of_two(step) or 0))


def _next_dropped(following: list[_Placed]) -> int:
    for placed in following:
        if isinstance(placed.step, Cast):
            return max(_dropped(placed.step, placed.before), 0)
        if not isinstance(placed.step, Rectify):
            return 0
    return 0


def _double_cast(step: Cast | Quotient, before: Range, scaled: int) -> list[str]:
    dropped = _dropped(step, before)
    lines = [f"y = y * {(2.0**-dropped).hex()};"] if dropped not in (0, scaled) else []
    rounding = step.format.rounding if isinstance(step, Cast) else step.rounding
    if dropped > 0:
        lines.append("y = small_to_even(y);" if rounding == "RND_CONV" else f"y = rounded<{rounding}>(y);")
    if not isinstance(step, Cast) or not step.overflows(before):
        return lines
    low, high = (float(limit).hex() for limit in step.format.limits)
    match step.format.overflow:
        case "WRAP":
            span = float(1 << step.format.width)
            half = (span / 2 if step.format.signed else 0.0).hex()
            lines.append(f"y = y - floor_of((y + {half}) * {(1 / span).hex()}) * {span.hex()};")
        case "SAT_ZERO":
            lines.append(f"y = zero_outside(y, {low}, {high});")
        case _:
            lines.append(f"y = clamp(y, {low}, {high});")
    return lines


def _integer_lines(part: list[_Placed], tables: Tables, channels: int) -> list[str]:
    bits = 32 if part[0].domain == "i32" else 64
    kind = f"int{bits}_t"
    lines = []
    for placed in part:
        match placed.step:
            case Affine() as step:
                scale = _by_channel(step.scale, kind, tables, channels)
                bias = _by_channel(step.bias, kind, tables, channels)
                lines.append(f"y = y * {scale} + {bias};")
            case Rectify():
                lines.append("y = largest(y, decltype(y){});")
            case Quotient() as step if _power_of_two(step) is None:
                dropped = step.dropped(placed.before)
                divisor = step.divisor << max(dropped, 0)
                lines.append(f"y = quotient<{step.rounding}>(y << {max(-dropped, 0)}, {divisor}ll);")
            case Quotient() as step:
                lines += _rounded_integers(_dropped(step, placed.before), step.rounding, bits)
            case Cast() as step:
                lines += _rounded_integers(_dropped(step, placed.before), step.format.rounding, bits)
                lines += _limited_integers(step.format, bits) if step.overflows(placed.before) else []
    return lines


def _rounded_integers(dropped: int, rounding: str, bits: int) -> list[str]:
    """Drop bits, or add zeros if there are too few."""
    if dropped <= 0:
        return [f"y = y << {-dropped};"] if dropped else []
    suffix = "" if bits == 32 else "ll"
    half = 1 << (dropped - 1)
    sign = f"(y >> {bits - 1})"
    added = {
        "TRN": "",
        "TRN_ZERO": f" + ({sign} & {2 * half - 1}{suffix})",
        "RND": f" + {half}{suffix}",
        "RND_MIN_INF": f" + {half - 1}{suffix}",
        "RND_INF": f" + {half}{suffix} + {sign}",
        "RND_ZERO": f" + {half - 1}{suffix} - {sign}",
        "RND_CONV": f" + {half - 1}{suffix} + (y >> {dropped} & 1)",
    }[rounding]
    return [f"y = (y{added}) >> {dropped};"]


def _limited_integers(number_format: FixedPoint, bits: int) -> list[str]:
    kind = f"int{bits}_t"
    low, high = (_literal(limit, kind) for limit in number_format.limits)
    match number_format.overflow:
        case "WRAP" if number_format.signed:
            unused = bits - number_format.width
            return [f"y = y << {unused} >> {unused};"]
        case "WRAP":
            return [f"y = y & {high};"]
        case "SAT_ZERO":
            return [f"y = zero_outside(y, {low}, {high});"]
    return [f"y = clamp(y, {low}, {high});"]

"""The number formats of hls4ml's graph, chosen so that bits are lost only where the model rounds.

Each layer gets the smallest format that holds every value that interval analysis allows; a quantizer has the
format of the model. hls4ml runs this as a pass between its front end and its back end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.conversion import extraction
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Layer, Weights
from trigcnn.hls.graph.intervals import layer_range
from trigcnn.hls.graph.kinds import WEIGHTED
from trigcnn.hls.graph.ranges import Range
from trigcnn.hls.rewriting.quantizers import common_format

FLOW = "trigcnn_number_formats"
_PASS = "trigcnn_number_formats_pass"  # noqa: S105 - no password

MAX_TABLE_BITS = 14
_EXACT_BITS = 53
_EVALUATED_BITS = 22


@dataclass(frozen=True)
class Declared:
    """What the model declares about its layers.

    Attributes:
        formats: Number formats of quantizers, by layer name.
        functions: Elementwise functions of tables, by layer name: real values to real values.
        scales: Factor and summand of `ScaleShift` layers, by layer name.
        overrides: Number formats that the user wants instead, by layer name and by `result`, `accum`, `weight`, `bias`.
        names: The user's names of the model's layers, by hls4ml's.
        narrowest: Bits of the narrowest number type of the back end.
        casts: Result of the pass: number formats of the layers that may lose bits in their result, by name.
    """

    formats: Mapping[str, FixedPoint]
    functions: Mapping[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]]
    scales: Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]
    overrides: Mapping[str, Mapping[str, FixedPoint]]
    names: Mapping[str, str] = field(default_factory=dict)
    narrowest: int = 1
    casts: dict[str, FixedPoint] = field(default_factory=dict)


_DECLARED: list[Declared] = []


def register() -> None:
    """Register the pass and the flow with hls4ml; calling it again is harmless."""
    from hls4ml.model.flow.flow import flow_map, register_flow
    from hls4ml.model.optimizer import ModelOptimizerPass, register_pass

    if FLOW in flow_map:
        return

    class NumberFormats(ModelOptimizerPass):  # type: ignore[misc]
        def __init__(self) -> None:
            self.name = _PASS

        def transform(self, model: Any) -> bool:
            assign(model, _DECLARED[-1])
            return False

    register_pass(_PASS, NumberFormats)
    register_flow(FLOW, [_PASS], requires=["optimize"])


class declared:  # noqa: N801 - reads as a statement
    """Make hls4ml's graphs take their number formats from a declaration, while the context is open."""

    def __init__(self, content: Declared) -> None:
        self._content = content

    def __enter__(self) -> None:
        _DECLARED.append(self._content)

    def __exit__(self, *exception: object) -> None:
        _DECLARED.pop()


def assign(model: Any, content: Declared) -> None:
    """Set every number format of hls4ml's graph.

    Raises:
        ConversionError: A value needs more than 53 bits, or a table more than 2**14 entries.
    """
    ranges: dict[str, tuple[Range, tuple[int, ...]]] = {}
    for node in list(model.get_layers()):
        if node.name.endswith("_linear") and node.name not in content.names:
            # hls4ml adds one after each layer that has an argument `activation`.
            model.remove_node(node)
    for node in list(model.get_layers()):
        if node.name in content.scales:
            node.weights["scale"].data, node.weights["bias"].data = content.scales[node.name]
        inserted = _widen(model, node, content)
        if node.name in content.functions:
            inserted = _tabulate(model, node, content.functions[node.name])
        if inserted is not None:
            _assign_layer(model, inserted[0], content, ranges, cast=inserted[1])
        _assign_layer(model, node, content, ranges)
    _fuse_casts(model, content)


def _assign_layer(
    model: Any,
    node: Any,
    content: Declared,
    ranges: dict[str, tuple[Range, tuple[int, ...]]],
    cast: FixedPoint | None = None,
) -> None:
    produced_by = {output: other.name for other in model.get_layers() for output in other.outputs}
    layer = _exact_layer(model, node, produced_by, content)
    inputs = [ranges[name] for name in layer.inputs]
    own = content.overrides.get(node.name, {})
    try:
        found = layer_range(layer, inputs)
        wanted = own.get("result") or cast or content.formats.get(node.name)
        result = wanted or _lossless(node, layer, found.exact, content)
        accumulator = own.get("accum") or _whole(found.sums or found.exact, content)
        _set_result(node, result)
        _check_widths(node, [*own.values(), *([] if wanted is None else [wanted])], content)
        if wanted is not None:
            content.casts[node.name] = wanted
        if node.get_attr("accum_t") is not None:
            _set_type(node, "accum_t", accumulator)
    except ValueError as error:
        raise ConversionError(
            f"layer {node.name}: its values need more bits than can be computed exactly: {error}; use fewer bits in "
            "front of it"
        ) from error
    for key in node.weights:
        _set_weight(node, key, own.get(key) or layer.weights[key].format)
    final = replace(layer, result=result, accumulator=accumulator if found.sums is not None else None)
    ranges[node.name] = (layer_range(final, inputs).result, layer.shape)


def _check_widths(node: Any, given: list[FixedPoint], content: Declared) -> None:
    for wanted in given:
        if wanted.width < content.narrowest:
            raise ConversionError(
                f"layer {node.name}: its number format {wanted} has {wanted.width} bit, and the back end has no number "
                f"type below {content.narrowest}; use {content.narrowest} bits, or another hls.backend"
            )


def _lossless(node: Any, layer: Layer, exact: Range, content: Declared) -> FixedPoint:
    if layer.kind in ("Resize", "Reshape"):
        # hls4ml passes the values on in the type that they have.
        return extraction.number_format(node.get_input_variable().type.precision, node.name)
    return _whole(exact, content)


def _whole(exact: Range, content: Declared) -> FixedPoint:
    """Return the smallest format, widened so that no cast drops more bits than there are.

    Such a rounding cast ends the process in the header of `ap_fixed`.
    """
    found = exact.format()
    if found.width > _EXACT_BITS:
        raise ValueError(f"{found} has {found.width} of them, of which float64 holds {_EXACT_BITS}")
    coarsest = min((known.fraction for known in content.formats.values()), default=0)
    missing = max(1 + max(-coarsest, 0) - found.integer, content.narrowest - found.width, 0)
    return replace(found, width=found.width + missing, integer=found.integer + missing)


def _exact_layer(model: Any, node: Any, produced_by: dict[str, str], content: Declared) -> Layer:
    layer = extraction.layer(node, produced_by, constants=_constants)
    if layer.kind == "Input":
        # The cast after it is the port's.
        (follower,) = [other for other in model.get_layers() if node.outputs[0] in other.inputs]
        return replace(layer, result=content.formats[follower.name])
    return replace(layer, accumulator=None)


def _constants(node: Any, key: str, variable: Any) -> Weights:
    data = np.asarray(variable.data, np.float64)
    try:
        stored = common_format(data)
        return Weights(stored, stored.to_integers(data))
    except ValueError as error:
        raise ConversionError(f"layer {node.name}: {key}: {error}") from error


def _set_result(node: Any, result: FixedPoint) -> None:
    named = _named(f"{node.name}_t", result)
    for tensor in node.outputs:
        node.get_output_variable(tensor).type = named
    node.attributes["result_t"] = named


def _set_type(node: Any, name: str, number_format: FixedPoint) -> None:
    node.attributes[name] = _named(f"{node.name}_{name}", number_format)


def _set_weight(node: Any, key: str, number_format: FixedPoint) -> None:
    named = _named(f"{node.name}_{key}_t", number_format)
    variable = node.weights[key]
    variable.type = named
    variable.update_precision(named.precision)
    node.attributes[f"{key}_t"] = named


def _named(name: str, number_format: FixedPoint) -> Any:
    from hls4ml.model.types import FixedPrecisionType, NamedType

    precision = FixedPrecisionType(
        number_format.width,
        number_format.integer,
        number_format.signed,
        number_format.rounding,
        number_format.overflow,
    )
    return NamedType(name, precision)


# These compute in full width and cast once, so the cast after them can be theirs.
_FUSIBLE = {"Input", *WEIGHTED, "BatchNormalization"}


def _fuse_casts(model: Any, content: Declared) -> None:
    """Move a cast into the layer before it, if nothing else reads the layer's result; one cast only."""
    for node in list(model.get_layers()):
        if node.class_name != "Activation" or node.get_attr("activation") != "linear":
            continue
        before = node.get_input_node(node.inputs[0])
        readers = [other for other in model.get_layers() if before.outputs[0] in other.inputs]
        fusible = any(base.__name__ in _FUSIBLE for base in type(before).__mro__)
        wanted = extraction.number_format(node.get_output_variable().type.precision, node.name)
        if not fusible or before.name in content.casts or len(readers) > 1 or before.outputs[0] in model.outputs:
            continue
        if _integer_bits(before) < -wanted.fraction:
            # See `_whole`.
            continue
        content.casts[before.name] = content.casts.pop(node.name)
        _set_result(before, wanted)
        model.remove_node(node)


def _integer_bits(node: Any) -> int:
    """Return the least number of integer bits of the value that a layer casts to its result."""
    if node.class_name == "BatchNormalization":
        x, scale, shift = (
            extraction.number_format(variable.type.precision, node.name).integer
            for variable in (node.get_input_variable(), node.weights["scale"], node.weights["bias"])
        )
        return max(x + scale, shift)
    accumulator = node.get_attr("accum_t")
    # An input is a double.
    return sys.maxsize if accumulator is None else extraction.number_format(accumulator.precision, node.name).integer


def _widen(model: Any, node: Any, content: Declared) -> tuple[Any, FixedPoint] | None:
    """Widen the input of a cast to a much coarser format, so that it has bits to drop; see `_whole`.

    Returns:
        A new layer before it, and its number format; None if there are enough bits.
    """
    wanted = content.overrides.get(node.name, {}).get("result") or content.formats.get(node.name)
    if wanted is None or node.class_name != "Activation":
        return None
    given = extraction.number_format(node.get_input_variable().type.precision, node.name)
    missing = -wanted.fraction - given.integer
    if missing <= 0:
        return None
    return _insert(model, node), FixedPoint(given.signed, given.width + missing, given.integer + missing)


def _insert(model: Any, node: Any) -> Any:
    """Insert a layer that casts before another one."""
    attributes = {"activation": "linear", "n_in": int(np.prod(node.get_input_variable().shape)), "trace": True}
    layer = model.make_node("Activation", f"{node.name}_cut", attributes, node.inputs.copy())
    model.insert_node(layer, before=node)
    return layer


def _tabulate(model: Any, node: Any, function: Callable[[Any], Any]) -> tuple[Any, FixedPoint] | None:
    """Fill a table with the function's result for every possible value.

    Returns:
        A new layer before it that narrows the values where that changes no result, and its number format; None if
        nothing can be narrowed.
    """
    given = extraction.number_format(node.get_input_variable().type.precision, node.name)
    whole = FixedPoint(given.signed, given.width, given.integer)
    if whole.width > _EVALUATED_BITS:
        raise ConversionError(_too_wide(node, whole))
    cut = _cut(whole, function(whole.to_real(np.arange(whole.min_integer, whole.max_integer + 1))))
    if cut.width > MAX_TABLE_BITS:
        raise ConversionError(_too_wide(node, cut))
    # The index is the bit pattern, so negative values come last.
    values = function(cut.to_real(_by_pattern(cut)))
    node.set_attr("table_data", values)
    node.set_attr("table_size", len(values))
    node.add_weights_variable(name="table", data=values)
    if cut == whole:
        return None
    return _insert(model, node), cut


def _too_wide(node: Any, number_format: FixedPoint) -> str:
    return (
        f"layer {node.name}: hls4ml has no exact form of this activation but a table, and that would have "
        f"2**{number_format.width} entries for the values {number_format} that reach it (at most 2**{MAX_TABLE_BITS} "
        "are built); put a QActivation(quantized_bits(...)) of fewer bits before it"
    )


def _by_pattern(number_format: FixedPoint) -> npt.NDArray[np.int64]:
    patterns = np.arange(1 << number_format.width)
    negative = patterns > number_format.max_integer
    return patterns - (negative.astype(np.int64) << number_format.width)


def _cut(whole: FixedPoint, outputs: npt.NDArray[np.float64]) -> FixedPoint:
    """Return the smallest cast before the table that changes no result.

    Args:
        whole: Number format of the values.
        outputs: What the function gives for each of them, in ascending order.
    """
    first, width, fraction = whole.min_integer, whole.width, whole.fraction
    # Low bits that make no difference can be truncated, which rounds to minus infinity.
    while width > 2:
        pairs = outputs.reshape(-1, 2)
        if not np.array_equal(pairs[:, 0], pairs[:, 1]):
            break
        outputs, first, width, fraction = pairs[:, 0], first // 2, width - 1, fraction - 1
    # Beyond some value the result is constant: saturate there.
    while width > 2:
        half = 1 << (width - 1)
        low = half // 2 if first < 0 else 0
        kept = outputs[low : low + half]
        if not (np.all(outputs[:low] == kept[0]) and np.all(outputs[low + half :] == kept[-1])):
            break
        outputs, first, width = kept, first // 2, width - 1
    if (width, fraction) == (whole.width, whole.fraction):
        return whole
    return FixedPoint(whole.signed, width, width - fraction, "TRN", "SAT")

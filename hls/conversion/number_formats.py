"""The number formats of hls4ml's graph, chosen so that bits are lost only where the model rounds.

Each layer gets the smallest format that holds every value that interval analysis allows; a quantizer has the
format of the model. hls4ml runs this as a pass between its front end and its back end.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.conversion import extraction, streams
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Layer, Weights
from trigcnn.hls.graph.intervals import layer_range
from trigcnn.hls.graph.kinds import WEIGHTED
from trigcnn.hls.graph.ranges import Range
from trigcnn.hls.rewriting import tables
from trigcnn.hls.rewriting.quantizers import common_format

FLOW = "trigcnn_number_formats"
_PASS = "trigcnn_number_formats_pass"  # noqa: S105 - no password

_EXACT_BITS = 53
# Thresholds take more layers than a table: so many times fewer entries are worth that, unless the table is small.
_WORTHWHILE, _SMALL_TABLE = 4, 1 << 10


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
        adds: Whether the back end adds two tensors.
        casts: Result of the pass: number formats of the layers that may lose bits in their result, by name.
    """

    formats: Mapping[str, FixedPoint]
    functions: Mapping[str, tables.Function]
    scales: Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]
    overrides: Mapping[str, Mapping[str, FixedPoint]]
    names: Mapping[str, str] = field(default_factory=dict)
    narrowest: int = 1
    adds: bool = True
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
    streams.prepare(model)
    for node in list(model.get_layers()):
        if node.name in content.scales:
            node.weights["scale"].data, node.weights["bias"].data = content.scales[node.name]
        inserted = _tabulate(model, node, content) if node.name in content.functions else _widen(model, node, content)
        for layer, cast in inserted:
            _assign_layer(model, layer, content, ranges, cast=cast)
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
        # The cast after it is the port's; hls4ml has none where nothing reads the input.
        followers = [other.name for other in model.get_layers() if node.outputs[0] in other.inputs]
        (follower,) = followers or [node.name]
        return replace(layer, result=content.formats[follower])
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


_Inserted = tuple[Any, FixedPoint | None]
"""A new layer, and the number format that it casts to; None for the smallest one without loss."""


def _widen(model: Any, node: Any, content: Declared) -> list[_Inserted]:
    """Widen the input of a cast to a much coarser format, so that it has bits to drop; see `_whole`."""
    wanted = content.overrides.get(node.name, {}).get("result") or content.formats.get(node.name)
    if wanted is None or node.class_name != "Activation":
        return []
    given = extraction.number_format(node.get_input_variable().type.precision, node.name)
    missing = -wanted.fraction - given.integer
    if missing <= 0:
        return []
    return [(_insert(model, node), FixedPoint(given.signed, given.width + missing, given.integer + missing))]


def _insert(model: Any, node: Any) -> Any:
    """Insert a layer that casts before another one."""
    layer = _cast(model, node, "cut")
    model.insert_node(layer, before=node)
    return layer


def _cast(model: Any, node: Any, role: str) -> Any:
    attributes = {"activation": "linear", "n_in": int(np.prod(node.get_input_variable().shape)), "trace": True}
    return model.make_node("Activation", f"{node.name}_{role}", attributes, node.inputs.copy())


def _tabulate(model: Any, node: Any, content: Declared) -> list[_Inserted]:
    """Fill a table with the function's results, for each argument or between thresholds; see `rewriting.tables`.

    Returns:
        New layers before it.
    """
    given = extraction.number_format(node.get_input_variable().type.precision, node.name)
    whole = FixedPoint(given.signed, given.width, given.integer)
    found = tables.steps(content.functions[node.name], whole)
    if found is None:
        raise ConversionError(_too_wide(node, whole))
    small = tables.thresholds(found) if content.adds else None
    entries, fits = 1 << found.format.width, found.format.width <= tables.MAX_TABLE_BITS
    if small is None and not fits:
        raise ConversionError(_too_wide(node, found.format))
    inserted: list[_Inserted] = [] if found.format == whole else [(_insert(model, node), found.format)]
    if small is None or (fits and (entries <= _SMALL_TABLE or _WORTHWHILE * small.entries > entries)):
        _fill(node, found.table())
        return inserted
    _fill(node, small.values)
    return [*inserted, *_count_changes(model, node, small)]


def _count_changes(model: Any, node: Any, small: tables.Thresholds) -> list[_Inserted]:
    """Insert what counts the changes up to a value before the table of what comes behind each."""
    from hls4ml.model.types import FixedPrecisionType

    piece = _cast(model, node, "piece")
    added: list[_Inserted] = [(piece, small.piece)]
    x, offsets = node.inputs[0], small.narrow_offsets()
    for number, values in enumerate(offsets, 1):
        last = number == len(offsets)
        ending = "" if last else str(number)
        table = {
            "activation": "unary_lut",
            "table_data": values,
            "table_t": FixedPrecisionType(2, 1, True),
            "trace": True,
        }
        offset = model.make_node("UnaryLUT", f"{node.name}_offset{ending}", table, piece.outputs.copy())
        inputs = [x, offset.outputs[0]]
        change = model.make_node("Merge", f"{node.name}_change{ending}", {"op": "add", "trace": True}, inputs)
        added += [(offset, None), (change, small.change if last else None)]
        x = change.outputs[0]
    known = list(model.graph.items())
    place = [layer for _, layer in known].index(node)
    model.graph = OrderedDict([*known[:place], *((layer.name, layer) for layer, _ in added), *known[place:]])
    node.inputs[0] = x
    return added


def _fill(node: Any, values: npt.NDArray[np.float64]) -> None:
    node.set_attr("table_data", values)
    node.set_attr("table_size", len(values))
    node.add_weights_variable(name="table", data=values)


def _too_wide(node: Any, number_format: FixedPoint) -> str:
    return (
        f"layer {node.name}: hls4ml has no exact form of this activation but a table, and that would have "
        f"2**{number_format.width} entries for the values {number_format} that reach it (at most "
        f"2**{tables.MAX_TABLE_BITS} are built); put a QActivation(quantized_bits(...)) of fewer bits before it"
    )

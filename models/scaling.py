"""Scaling of a network's inputs by an offset and a shift, as layers in front of the network.

The hardware's inputs are the digitiser's numbers. The layers belong to the network that is trained, saved and
converted, so every engine sees these numbers, and so do the events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.common.options import OPTIONS, OptionsError
from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.errors import ModelError
from trigcnn.models.forms.walk import Form, Walk, nodes_of

MOST_BITS = 24
"""Bits of a number of float32, in which Keras computes."""

_Shift = Annotated[int, Ge(-MOST_BITS), Le(MOST_BITS)]
_ROUNDINGS = ("TRN", "RND", "RND_CONV")


@dataclass(frozen=True)
class InputScaling:
    """What the hardware does with an input before the network: `(value - offset) * 2**-shift`."""

    __pydantic_config__ = OPTIONS

    input: str | None = None
    """Name of the input layer; default: the only input."""
    offset: float | tuple[float, ...] = 0.0
    """Subtracted from each value, in units of data.input_format; one for all, or one per feature: per channel of an
    image."""
    shift: _Shift | tuple[_Shift, ...] = 0
    """Bits by which the difference is shifted to the right: it is divided by 2 to this power. Negative: to the left.
    One for all, or one per feature."""
    format: str | None = None
    """Number format of the result, with its rounding (TRN, RND or RND_CONV) and overflow (SAT or SAT_SYM), such as
    fixed<8,4,TRN,SAT>. Without rounding and overflow, as in fixed<8,4>, it must hold every result. Default: all bits
    stay."""

    def __post_init__(self) -> None:
        """Check what can be checked without the input.

        Raises:
            OptionsError: An option cannot be used.
        """
        offsets, shifts = (np.ravel(np.asarray(given, object)).tolist() for given in (self.offset, self.shift))
        if not offsets or not shifts:
            raise OptionsError("preprocessing: offset and shift are one number for all features, or one for each")
        for value in shifts:
            if not isinstance(value, int) or abs(value) > MOST_BITS:
                raise OptionsError(
                    f"preprocessing: shift: {value!r} is not a whole number from -{MOST_BITS} to {MOST_BITS}; to "
                    "divide by another number than a power of two, put a Rescaling layer into the model"
                )
        for value in offsets:
            if not isinstance(value, int | float) or not np.isfinite(value):
                raise OptionsError(f"preprocessing: offset: {value!r} is not a finite number")
        if self.format is not None:
            try:
                FixedPoint.parse(self.format)
            except ValueError as error:
                raise OptionsError(f"preprocessing: format: {error}") from error

    def formula(self, name: str) -> str:
        """Return its formula for an input of that name.

        >>> InputScaling(offset=(100, 90.5), shift=3, format="fixed<8,4,TRN,SAT>").formula("adc")
        '(adc - [100, 90.5]) * 2**-3, cast to fixed<8,4,TRN,SAT>'
        """

        def shown(values: Any) -> str:
            texts = ", ".join(f"{value:.10g}" for value in np.ravel(values))
            return texts if np.ndim(values) == 0 else f"[{texts}]"

        cast = "" if self.format is None else f", cast to {self.format}"
        return f"({name} - {shown(self.offset)}) * 2**{shown(-np.asarray(self.shift))}{cast}"


def scaled_format(scalings: Sequence[InputScaling], given: FixedPoint, inputs: int = 1) -> FixedPoint:
    """Return the smallest number format that holds every value that the network sees, on any input.

    Args:
        scalings: The scalings, of one input each.
        given: The digitiser's number format.
        inputs: Number of inputs of the network.

    Raises:
        ModelError: A scaling cannot be used with the digitiser's number format.
    """
    if not scalings:
        return given
    seen = [given] if inputs > len(scalings) else []
    for scaling in scalings:
        lanes = list(_lanes(scaling, given, None))
        seen += [_cast(scaling, lanes)] if scaling.format is not None else [lane.result for lane in lanes]
    return _union(seen)


def scaled(model: Any, scalings: Sequence[InputScaling], given: FixedPoint | None) -> Form:
    """Return a model with the scalings in front of it.

    Args:
        model: Plain Keras 2 model; see `models.forms.plain`.
        scalings: The scalings, of one input each.
        given: The digitiser's number format.

    Raises:
        ModelError: A scaling does not fit the model's inputs, or the digitiser's number format.
    """
    if not scalings:
        return Form(model)
    if given is None:
        raise ModelError("preprocessing: the digitiser's number format is not known; give input_format")
    keras = bring_up().keras
    chosen = _by_input(scalings, model)
    own = [node.layer for node in nodes_of(model)]
    walk = Walk({layer.name for layer in own}, {id(layer) for layer in own})
    inputs, values = [], []
    for tensor in model.inputs:
        name = tensor.node.layer.name
        x = keras.Input(tensor.shape[1:], name=name, dtype=tensor.dtype)
        inputs.append(x)
        values.append(_scale(walk, chosen[name], name, x, given) if name in chosen else x)
    outputs = walk.apply(model, values)
    whole = keras.Model(
        inputs if len(inputs) > 1 else inputs[0], outputs if len(outputs) > 1 else outputs[0], name=model.name
    )
    return Form(whole, tuple(walk.changes))


def formulas(scalings: Sequence[InputScaling], model: Any) -> dict[str, str]:
    """Return the formula of each scaled input of a model, by the input's name.

    Raises:
        ModelError: A scaling has no input, or an input has two.
    """
    return {name: scaling.formula(name) for name, scaling in _by_input(scalings, model).items()}


def _by_input(scalings: Sequence[InputScaling], model: Any) -> dict[str, InputScaling]:
    names = [tensor.node.layer.name for tensor in model.inputs]
    found: dict[str, InputScaling] = {}
    for scaling in scalings:
        if scaling.input is None and len(names) > 1:
            raise ModelError(f"preprocessing: the network has several inputs; say `input: {names[0]}` or another")
        name = names[0] if scaling.input is None else scaling.input
        if name not in names:
            raise ModelError(f"preprocessing: the network has no input {name}; {did_you_mean(name, names)}")
        if name in found:
            raise ModelError(f"preprocessing: the input {name} is scaled twice; keep one entry")
        found[name] = scaling
    return found


@dataclass(frozen=True)
class _Lane:
    """The scaling of one channel.

    Attributes:
        factor: A power of two.
        summand: Added to the product.
        result: Smallest number format that holds every result.
    """

    factor: float
    summand: float
    result: FixedPoint


def _scale(walk: Walk, scaling: InputScaling, name: str, x: Any, given: FixedPoint) -> Any:
    """Add the layers that scale an input."""
    lanes = list(_lanes(scaling, given, int(x.shape[-1]), name))
    cast = None if scaling.format is None else _cast(scaling, lanes)
    summands = [lane.summand + (0.0 if cast is None else _moved(cast, lane.result)) for lane in lanes]
    x = walk.add("Rescaling", f"{name}_scaling", x, scale=[lane.factor for lane in lanes], offset=summands)
    walk.changes.append(f"layer {x.node.layer.name}: added before the network: {scaling.formula(name)}")
    if cast is None:
        return x
    quantizer = f"quantized_relu({cast.width},{cast.integer})"
    if cast.signed:
        symmetric = int(cast.overflow == "SAT_SYM")
        quantizer = f"quantized_bits({cast.width},{cast.integer - 1},symmetric={symmetric},alpha=1)"
    return walk.add("QActivation", f"{name}_scaled", x, activation=quantizer)


def _moved(cast: FixedPoint, values: FixedPoint) -> float:
    """Return what is added before a cast of QKeras, which rounds halves to even, so that it rounds as it should.

    With half a last bit of the values, none of them lies in the middle between two results.
    """
    if values.fraction <= cast.fraction or cast.rounding == "RND_CONV":
        return 0.0
    return values.lsb / 2 - (cast.lsb / 2 if cast.rounding == "TRN" else 0.0)


def _lanes(scaling: InputScaling, given: FixedPoint, channels: int | None, name: str = "") -> Iterator[_Lane]:
    """Return the scaling of each channel; of each that differs, where the number of channels is not known."""
    offsets, shifts = np.ravel(scaling.offset), np.ravel(scaling.shift)
    for role, numbers in (("offset", offsets), ("shift", shifts)):
        known = channels if channels is not None else max(len(offsets), len(shifts))
        if len(numbers) not in (1, known):
            of = f"the input {name} has {known} features" if name else f"the other has {known}"
            raise ModelError(
                f"preprocessing: {role} has {len(numbers)} numbers, and {of}; give one for all, or one for each feature"
            )
    count = max(len(offsets), len(shifts)) if channels is None else channels
    # A cast may move values by half a bit; see `_moved`.
    most_bits = MOST_BITS - int(scaling.format is not None)
    for offset, shift in zip(np.broadcast_to(offsets, count), np.broadcast_to(shifts, count), strict=True):
        yield _lane(float(offset), int(shift), given, most_bits)


def _lane(offset: float, shift: int, given: FixedPoint, most_bits: int) -> _Lane:
    if not given.min <= offset <= given.max:
        raise ModelError(
            f"preprocessing: offset {offset:.10g} is not in the range of the input format {given}, {given.min:.10g} to "
            f"{given.max:.10g}; give it in units of the events"
        )
    # Python's whole numbers, since an offset can have a thousand bits.
    numerator, denominator = offset.as_integer_ratio()
    fraction = max(given.fraction, denominator.bit_length() - 1)
    below = numerator * 2**fraction // denominator
    least, most = (value * 2 ** (fraction - given.fraction) - below for value in (given.min_integer, given.max_integer))
    if max(most, -least) > 1 << most_bits:
        bits = max(most, -least).bit_length()
        raise ModelError(
            f"preprocessing: offset {offset:.10g}: the differences need {bits} bits, of which "
            f"Keras holds {most_bits}; give an offset of fewer digits, or an input format of fewer bits than {given}"
        )
    factor = 2.0**-shift
    return _Lane(factor, -offset * factor, FixedPoint.holding(least, most, fraction + shift))


def _cast(scaling: InputScaling, lanes: Sequence[_Lane]) -> FixedPoint:
    """Return the number format of the result.

    Raises:
        ModelError: QKeras has no such cast, or it loses bits without saying how.
    """
    cast, needed = FixedPoint.parse(str(scaling.format)), _union([lane.result for lane in lanes])
    begin, named = f"preprocessing: format {scaling.format}", replace(cast, rounding="RND_CONV", overflow="SAT")
    least, most = FixedPoint(True, 63, 63 - cast.fraction, cast.rounding).cast([needed.min, needed.max])
    rounds, stops = needed.fraction > cast.fraction, least < cast.limits[0] or most > cast.limits[1]
    if (rounds or stops) and (cast.rounding, cast.overflow) == ("TRN", "WRAP"):
        raise ModelError(
            f"{begin} does not hold every scaled value, which needs {needed}; use that, or say how to round and what "
            f"to do beyond the range, as in {named}"
        )
    if rounds and cast.rounding not in _ROUNDINGS:
        raise ModelError(f"{begin}: there is no rounding {cast.rounding} here; use {', '.join(_ROUNDINGS)}")
    if stops and cast.overflow not in ("SAT", "SAT_SYM"):
        raise ModelError(f"{begin}: there is no overflow {cast.overflow} here; use SAT, as in {named}")
    missing = max(int(cast.signed) - cast.integer, int(cast.signed) + 1 - cast.width, 0)
    if missing:
        wider = replace(named, width=cast.width + missing, integer=cast.integer + missing)
        raise ModelError(f"{begin}: QKeras has no format of so few integer bits; use {wider}")
    return cast


def _union(formats: Sequence[FixedPoint]) -> FixedPoint:
    """Return the smallest number format that holds all values of several."""
    fraction = max(each.fraction for each in formats)
    low, high = (
        [end * 2 ** (fraction - each.fraction) for each, end in zip(formats, ends, strict=True)]
        for ends in ([each.min_integer for each in formats], [each.max_integer for each in formats])
    )
    try:
        return FixedPoint.holding(min(low), max(high), fraction)
    except ValueError as error:
        raise ModelError(f"preprocessing: the shifts are too different: {error}") from error

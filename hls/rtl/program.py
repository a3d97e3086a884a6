"""A graph as one combinational program of alkaid: what the hardware computes, before it is cut into stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

import numpy as np

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.rtl import layers

# alkaid keeps ranges of values as float64, whose 53 bits do not include the sign.
_WIDEST = 53
_CONSTANT_BITS = 31


def program(graph: Graph, *, optimize: bool = True, on_layer: Callable[[Layer, list[Any]], None] | None = None) -> Any:
    """Return a graph as alkaid's `CombLogic`.

    Args:
        graph: What to compute. Inputs and outputs are flattened, one after the other, as in an event.
        optimize: Whether to merge common subexpressions and remove what reaches no output.
        on_layer: Called with each layer and its inputs, before it is computed.

    Raises:
        ConversionError: A layer has no hardware here, or alkaid could not compute it exactly.
    """
    with repaired():
        results = layers.evaluate(graph, on_layer=on_layer)
        ports = np.concatenate([results[name].reshape(-1) for name in graph.inputs])
        outputs = np.concatenate([results[name].reshape(-1) for name in graph.outputs])
        return exact_logic(ports, outputs, optimize=optimize)


def program_with_layers(graph: Graph, *, on_layer: Callable[[Layer, list[Any]], None] | None = None) -> tuple[Any, Any]:
    """Return a graph as alkaid's `CombLogic`, optimized, and another one that gives the results of all layers.

    The arguments and errors are those of `program`.
    """
    from alkaid.trace import trace

    with repaired():
        results = layers.evaluate(graph, on_layer=on_layer)
        ports = np.concatenate([results[name].reshape(-1) for name in graph.inputs])
        outputs = np.concatenate([results[name].reshape(-1) for name in graph.outputs])
        every = np.concatenate([results[layer.name].reshape(-1) for layer in graph.layers])
        return exact_logic(ports, outputs), trace(ports, every, optimize=False)


def exact_logic(ports: Any, outputs: Any, *, optimize: bool = True) -> Any:
    """Return symbolic numbers as alkaid's `CombLogic`; they were made while `repaired` was open.

    Args:
        ports: Symbolic inputs [n].
        outputs: What is computed of them [m].
        optimize: Whether to merge common subexpressions and remove what reaches no output.

    Raises:
        ConversionError: alkaid could not compute it exactly.
    """
    from alkaid.trace import trace
    from alkaid.trace.passes import optimize as optimized

    logic = trace(ports, outputs, optimize=False)
    _check_exact(logic)
    return optimized(logic) if optimize else logic


def mapped(logic: Any) -> Any:
    """Prepare logic for hardware, as alkaid's RTLModel does before it cuts logic into stages."""
    from alkaid.trace.passes import add_surrogate, dead_code_elimin, fuse_ternary_adders

    return add_surrogate(dead_code_elimin(fuse_ternary_adders(logic)), _skip_op8_cost=True)


@contextmanager
def repaired() -> Iterator[None]:
    """Fix four errors of alkaid (0.8.2) while the context is open, and search for the same adders only once.

    alkaid finds the last bit of a number in float32, so products of more than 24 bits lose bits; one step of its
    optimization forgets the shift of a value of which it takes one bit; and it joins two summands, such as a bias and
    the half bit that rounds, in one number of 32 bits, which may lose bits. It calls itself for each operation of a
    chain, which Python allows a thousand times: for some hundred layers. For a constant of 24 bits, it takes seconds to
    find the adders of its products, and a kernel needs the same adders at every pixel.
    """
    from alkaid.trace import affine_interval, fixed_variable, fixed_variable_array, tracer
    from alkaid.trace.passes import canon

    modules = (affine_interval, fixed_variable, fixed_variable_array, tracer, canon)
    mended = [
        *((module, "get_lsb_loc", _last_bit_of) for module in modules),
        (canon, "canonicalize_msb_wraps", lambda logic: logic),
        (tracer, "_recursive_gather", _gather),
        (fixed_variable, "scm_solve", cache(fixed_variable.scm_solve)),
        (fixed_variable_array, "cmvm_solve", _once_per_matrix(fixed_variable_array.cmvm_solve)),
        (fixed_variable.FVariable, "_const_add", _added(fixed_variable.FVariable)),
    ]
    kept = [(module, name, getattr(module, name)) for module, name, _ in mended]
    for module, name, value in mended:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in kept:
            setattr(module, name, value)


def _gather(last: Any, gathered: dict[Any, Any]) -> None:
    """Add a symbolic number behind all that it is made of."""
    begun = [last]
    while begun:
        value = begun[-1]
        missing = [] if value.id in gathered else [each for each in value._from if each.id not in gathered]
        if missing:
            begun.extend(reversed(missing))
        else:
            gathered.setdefault(begun.pop().id, value)


def _once_per_matrix(solve: Callable[..., Any]) -> Callable[..., Any]:
    """Cache what was found for a matrix and the ranges of its inputs."""
    found: dict[tuple[Any, ...], Any] = {}

    def solved(matrix: Any, **options: Any) -> Any:
        key = (matrix.shape, matrix.tobytes(), repr(options))
        if key not in found:
            found[key] = solve(matrix, **options)
        return found[key]

    return solved


def _added(variable: Any) -> Callable[[Any, float | None], Any]:
    """Return the sum of a symbolic number and a constant, in several additions if one constant would have many bits.

    Args:
        variable: alkaid's class of symbolic numbers.
    """
    joined = variable._const_add

    def added(self: Any, other: float | None) -> Any:
        if not other:
            return self
        if self.opr == "cadd":
            (parent,) = self._from
            scale = self._factor / parent._factor
            earlier = self.low - scale * (parent.low if scale > 0 else parent.high)
            if len(_pieces((earlier + other) / self._factor)) < 2:
                return joined(self, other)
        for piece in _pieces(other / self._factor):
            fraction = -_last_bit_of(piece)
            self = variable(
                _affine=self._affine + piece * self._factor,
                _from=(self,),
                _factor=self._factor,
                _data=fraction << 32 | (int(piece * 2.0**fraction) & 0xFFFFFFFF),
                opr="cadd",
                hwconf=self.hwconf,
            )
        return self

    return added


def _pieces(value: float) -> list[float]:
    """Return numbers of at most 31 bits that add up to a number.

    >>> _pieces(2.0**40 - 0.5)
    [1073741823.5, 1098437885952.0]
    """
    numerator, denominator = float(value).as_integer_ratio()
    rest, pieces = abs(numerator), []
    while rest:
        last = rest & -rest
        piece = rest & (last << _CONSTANT_BITS) - last
        rest -= piece
        pieces.append((piece if numerator > 0 else -piece) / denominator)
    return pieces


@lru_cache(maxsize=2**16)
def _last_bit_of(value: float) -> int:
    """Return the exponent of the last bit that is set; 127 for zero, as in alkaid."""
    if value == 0:
        return 127
    numerator, denominator = float(value).as_integer_ratio()
    return (numerator & -numerator).bit_length() - denominator.bit_length()


def _check_exact(logic: Any) -> None:
    for operation in logic.ops:
        low, high, step = operation.qint
        if max(-low, high) > 2.0**_WIDEST * step:
            raise ConversionError(
                f"the RTL would have numbers of {sum(operation.qint.kif)} bits, of which {_WIDEST} are computed "
                "exactly; use narrower number formats, or set rtl.architecture: none"
            )

"""Layers in the place of operators and of TensorFlow's functions: `x + y`, `2 * x`, `x[:, 1:]`, `tf.concat([x, y])`.

Keras makes a TFOpLambda or a SlicingOpLambda of each. A saved model may name no other functions than those here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from trigcnn.models.errors import ModelError
from trigcnn.models.forms.slices import taken


class Adder(Protocol):
    """What adds layers; see `Walk`."""

    changes: list[str]

    def add(self, kind: str, name: str, inputs: Any, *, weights: Any = None, **options: Any) -> Any:
        """Add a layer."""


class Call(NamedTuple):
    """A use of a function; see `replaced`."""

    walk: Adder
    name: str
    function: str
    args: list[Any]
    options: dict[str, Any]

    def option(self, name: str, place: int, default: Any = None) -> Any:
        """Return an argument that is given by name or by place."""
        return self.options.get(name, self.args[place] if len(self.args) > place else default)

    @property
    def x(self) -> Any:
        """The first argument."""
        return next(iter([*self.args, *self.options.values()]))

    def add(self, kind: str, inputs: Any, *, weights: Any = None, **options: Any) -> Any:
        """Add a layer in the function's place."""
        result = self.walk.add(kind, self.name, inputs, weights=weights, **options)
        self.walk.changes.append(f"layer {result.node.layer.name} ({kind}): it computes {self.function} of the model")
        return result

    def affine(self, x: Any, factor: float, summand: float) -> Any:
        """Add a layer that computes `x * factor + summand`."""
        channels = int(x.shape[-1])
        # Keras takes no smaller epsilon for images. Variance and epsilon are 1 together, which float32 holds.
        epsilon = 2.0**-10
        values = [np.full(channels, value, np.float32) for value in (factor, summand, 0.0, 1.0 - epsilon)]
        return self.add("BatchNormalization", x, weights=values, epsilon=epsilon)

    def refused(self, reason: str, fix: str) -> ModelError:
        """Return the error."""
        return ModelError(f"layer {self.name}: {self.function}: {reason}; {fix}")


def replaced(walk: Adder, layer: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Add the layers that compute what a TFOpLambda or SlicingOpLambda does.

    Args:
        walk: What adds layers.
        layer: The TFOpLambda or SlicingOpLambda.
        args: Its arguments by place, with new tensors.
        kwargs: Its arguments by name, with new tensors.

    Raises:
        ModelError: There is no such layer.
    """
    symbol = str(layer.symbol)
    short = symbol.removeprefix("compat.v1.").rpartition(".")[2]
    # Keras counts its own names through a whole session.
    call = Call(walk, {"getitem": "slice"}.get(short, short), f"tf.{short}", args, kwargs)
    if symbol not in OPERATORS:
        raise ModelError(
            f"layer {layer.name}: no layer does what the function tf.{symbol} does; use a layer of docs/admission.md "
            "in its place, and give the new model the weights of the saved one with set_weights"
        )
    return OPERATORS[symbol](call)


def _tensor(value: Any) -> bool:
    return hasattr(value, "node")


def _constant(call: Call, value: Any) -> float:
    given = np.asarray(value)
    if given.size != 1:
        raise call.refused(
            "only single numbers have a layer", "use a BatchNormalization with such factors and summands"
        )
    return float(given.ravel()[0])


def _sum_like(kind: str) -> Callable[[Call], Any]:
    """Add and subtract, two tensors or a tensor and a number."""
    sign = -1.0 if kind == "Subtract" else 1.0

    def rule(call: Call) -> Any:
        x, y = call.option("x", 0), call.option("y", 1)
        if _tensor(x) and _tensor(y):
            if x is y:
                return call.affine(x, 1.0 + sign, 0.0)
            return call.add(kind, [x, y])
        if _tensor(x):
            return call.affine(x, 1.0, sign * _constant(call, y))
        return call.affine(y, sign, _constant(call, x))

    return rule


def _product(call: Call) -> Any:
    x, y = call.option("x", 0), call.option("y", 1)
    if _tensor(x) and _tensor(y):
        return call.add("Multiply", [x, y])
    return call.affine(x, _constant(call, y), 0.0) if _tensor(x) else call.affine(y, _constant(call, x), 0.0)


def _quotient(call: Call) -> Any:
    x, y = call.option("x", 0), call.option("y", 1)
    if not _tensor(x) or _tensor(y):
        raise call.refused("hardware does not divide by a tensor", "multiply by a number")
    divisor = _constant(call, y)
    if divisor == 0 or math.frexp(divisor)[0] not in (0.5, -0.5):
        raise call.refused(f"float32 rounds the quotients by {divisor:g}", "multiply by a number of few bits")
    return call.affine(x, 1.0 / divisor, 0.0)


def _extreme(kind: str) -> Callable[[Call], Any]:
    def rule(call: Call) -> Any:
        x, y = call.option("x", 0), call.option("y", 1)
        if _tensor(x) and _tensor(y):
            return call.add(kind, [x, y])
        tensor, number = (x, y) if _tensor(x) else (y, x)
        if kind == "Maximum" and _constant(call, number) == 0:
            return call.add("ReLU", tensor)
        raise call.refused("no layer compares with a number other than the larger of 0", "use a ReLU(max_value=...)")

    return rule


def _clip(call: Call) -> Any:
    low, high = (_constant(call, call.option(f"clip_value_{end}", place)) for end, place in (("min", 1), ("max", 2)))
    if low != 0:
        raise call.refused(f"no layer clips at {low:g}", "use a QActivation(quantized_bits(...))")
    return call.add("ReLU", call.x, max_value=high)


def _concatenate(call: Call) -> Any:
    return call.add("Concatenate", list(call.option("values", 0)), axis=int(call.option("axis", 1, -1)))


def _reshape(call: Call) -> Any:
    first, *target = (int(size) for size in np.ravel(call.option("shape", 1)))
    values = math.prod(call.x.shape[1:])
    if first != -1 or (math.prod(target) != values and -1 not in target):
        raise call.refused(f"the shape {(first, *target)} mixes events", f"write tf.reshape(x, (-1, {values}))")
    return call.add("Reshape", call.x, target_shape=tuple(target))


def _other_axes(call: Call) -> Any:
    """Remove or add axes of size 1."""
    shape = list(call.x.shape)
    axis = call.option("axis", 1)
    if call.function == "tf.expand_dims":
        place = int(axis) if axis >= 0 else int(axis) + len(shape) + 1
        shape.insert(place, 1)
        moved = place == 0
    else:
        given = [number for number, size in enumerate(shape) if size == 1] if axis is None else np.ravel(axis).tolist()
        places = {int(number) % len(shape) for number in given}
        shape = [size for number, size in enumerate(shape) if number not in places]
        moved = 0 in places
    if moved:
        raise call.refused("it changes the axis of the events", "leave the first axis as it is")
    return call.add("Reshape", call.x, target_shape=tuple(shape[1:]))


def _transpose(call: Call) -> Any:
    axes = call.option("perm", 1)
    if axes is None or int(axes[0]) != 0:
        raise call.refused("it moves the axis of the events", "leave the first axis in its place")
    return call.add("Permute", call.x, dims=tuple(int(axis) for axis in axes[1:]))


def _over_pixels(kind: str) -> Callable[[Call], Any]:
    """A mean or maximum over all axes but those of events and channels."""

    def rule(call: Call) -> Any:
        axis, axes = call.option("axis", 1), len(call.x.shape)
        found = sorted(int(number) % axes for number in np.ravel(axis)) if axis is not None else []
        if found != list(range(1, axes - 1)) or axes not in (3, 4):
            raise call.refused(f"no layer does it over the axes {axis}", "use Global pooling, over all pixels")
        return call.add(f"Global{kind}Pooling{axes - 2}D", call.x, keepdims=bool(call.option("keepdims", 2, False)))

    return rule


def _pad(call: Call) -> Any:
    first, *pads, last = (tuple(int(size) for size in pair) for pair in np.asarray(call.option("paddings", 1)))
    constant = call.option("mode", 2, "CONSTANT") == "CONSTANT" and not call.option("constant_values", 4, 0)
    if any(first) or any(last) or not constant or len(pads) not in (1, 2):
        raise call.refused("only zeros around pixels have a layer", "use ZeroPadding1D or ZeroPadding2D")
    return call.add(f"ZeroPadding{len(pads)}D", call.x, padding=pads[0] if len(pads) == 1 else tuple(pads))


def _cast(call: Call) -> Any:
    wanted = call.option("dtype", 1)
    if getattr(wanted, "name", wanted) != "float32" or call.x.dtype != "float32":
        raise call.refused("hardware has no such number type", "leave the tensors in float32")
    return call.x


def _layer(kind: str, **options: Any) -> Callable[[Call], Any]:
    return lambda call: call.add(kind, call.x, **options)


def _slice(call: Call) -> Any:
    return taken(call, call.x, call.option("slice_spec", 1))


def _split(call: Call) -> Any:
    x, parts = call.x, call.option("num_or_size_splits", 1)
    axis = int(call.option("axis", 2, 0)) % len(x.shape)
    sizes = [int(x.shape[axis]) // int(parts)] * int(parts) if np.ndim(parts) == 0 else [int(size) for size in parts]
    results, begin = [], 0
    for size in sizes:
        spec: list[Any] = [slice(None)] * axis + [slice(begin, begin + size)]
        results.append(taken(call, x, spec))
        begin += size
    return results


OPERATORS: dict[str, Callable[[Call], Any]] = {
    **dict.fromkeys(("__operators__.add", "math.add"), _sum_like("Add")),
    "math.subtract": _sum_like("Subtract"),
    "math.multiply": _product,
    "math.truediv": _quotient,
    "math.divide": _quotient,
    "math.negative": lambda call: call.affine(call.x, -1.0, 0.0),
    "math.add_n": lambda call: call.add("Add", list(call.x)),
    "math.maximum": _extreme("Maximum"),
    "math.minimum": _extreme("Minimum"),
    "math.reduce_mean": _over_pixels("Average"),
    "math.reduce_max": _over_pixels("Max"),
    "math.sigmoid": _layer("Activation", activation="sigmoid"),
    "math.tanh": _layer("Activation", activation="tanh"),
    "nn.relu": _layer("ReLU"),
    "nn.relu6": _layer("ReLU", max_value=6.0),
    "nn.softmax": _layer("Softmax"),
    "clip_by_value": _clip,
    "concat": _concatenate,
    "reshape": _reshape,
    **dict.fromkeys(("expand_dims", "squeeze", "compat.v1.squeeze"), _other_axes),
    **dict.fromkeys(("transpose", "compat.v1.transpose"), _transpose),
    **dict.fromkeys(("pad", "compat.v1.pad"), _pad),
    "cast": _cast,
    "identity": lambda call: call.x,
    "__operators__.getitem": _slice,
    "split": _split,
}
"""What replaces each function, by TensorFlow's name of it."""

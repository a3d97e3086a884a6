"""The three Keras layers of the normal form that Keras itself does not have.

The normal form computes in float64, which is exact up to 53 bits.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.rewriting.constants import ScaleAndShift
from trigcnn.hls.rewriting.quotients import Quotient

FLOAT = "float64"


class NormalLayers(NamedTuple):
    """The classes; see `normal_layers`."""

    Quantize: Any
    ScaleShift: Any
    Divide: Any


@functools.cache
def normal_layers() -> NormalLayers:
    """Define the layers; they need Keras 2, which is brought up by then.

    `Quantize(role, number_format, function)` maps each value by itself:

    - `cast`: the cast to `number_format`;
    - `grid`: the same, to a grid that is finer than float32, which the model does not round to;
    - `relu`: `max(x, 0)`, and then the cast if there is a `number_format`;
    - `table`: `function`, which is called on float32 tensors.

    `detour` changes nothing: the sum of the magnitudes of what the model adds and subtracts again before it casts.

    `ScaleShift(constants)` computes `x * scale + shift` by channel.

    `Divide(divisor, quotient)` computes `x / divisor` and casts it to the quotient's number format.
    """
    keras = sys.modules["tf_keras"]

    class Quantize(keras.layers.Layer):  # type: ignore[name-defined,misc]
        def __init__(
            self,
            role: str,
            number_format: FixedPoint | None = None,
            function: Callable[[Any], Any] | None = None,
            *,
            detour: float = 0.0,
            **options: Any,
        ) -> None:
            super().__init__(dtype=FLOAT, **options)
            self.role, self.number_format, self.function = role, number_format, function
            self.detour = detour

        def call(self, x: Any) -> Any:
            if self.role == "table":
                return _through(self.function, x)
            tf = sys.modules["tensorflow"]
            if self.role == "relu":
                x = tf.nn.relu(x)
            return x if self.number_format is None else cast(x, self.number_format)

        def get_config(self) -> dict[str, Any]:
            config: dict[str, Any] = super().get_config()
            return {**config, "role": self.role, "number_format": str(self.number_format)}

    class ScaleShift(keras.layers.Layer):  # type: ignore[name-defined,misc]
        def __init__(self, constants: ScaleAndShift, **options: Any) -> None:
            super().__init__(dtype=FLOAT, **options)
            self.constants = constants
            self.scale, self.shift = constants.scale, constants.shift

        def call(self, x: Any) -> Any:
            return x * self.scale + self.shift

        def get_config(self) -> dict[str, Any]:
            config: dict[str, Any] = super().get_config()
            return {**config, "scale": self.scale.tolist(), "shift": self.shift.tolist()}

    class Divide(keras.layers.Layer):  # type: ignore[name-defined,misc]
        def __init__(self, divisor: int, quotient: Quotient, **options: Any) -> None:
            super().__init__(dtype=FLOAT, **options)
            self.divisor, self.quotient, self.number_format = divisor, quotient, quotient.result

        def call(self, x: Any) -> Any:
            # No quotient is out of range.
            return cast(x / self.divisor, replace(self.number_format, overflow="SAT"))

        def get_config(self) -> dict[str, Any]:
            config: dict[str, Any] = super().get_config()
            return {**config, "divisor": self.divisor, "number_format": str(self.number_format)}

    return NormalLayers(Quantize, ScaleShift, Divide)


def _through(function: Callable[[Any], Any] | None, x: Any) -> Any:
    tf = sys.modules["tensorflow"]
    if function is None:
        raise ValueError("a table needs a function")
    return tf.cast(function(tf.cast(x, tf.float32)), tf.float64)


def cast(x: Any, number_format: FixedPoint) -> Any:
    """Cast a float64 tensor to a number format, as real values.

    Raises:
        ValueError: The mode is not one of TRN, RND_CONV and SAT, SAT_SYM.
    """
    tf = sys.modules["tensorflow"]
    scaled = x / number_format.lsb
    # No `match`: TensorFlow's AutoGraph does not know it, and warns in every notebook.
    if number_format.rounding == "TRN":
        rounded = tf.floor(scaled)
    elif number_format.rounding == "RND_CONV":
        rounded = tf.round(scaled)
    else:
        raise ValueError(f"{number_format}: the normal form has no such rounding")
    if number_format.overflow not in ("SAT", "SAT_SYM"):
        raise ValueError(f"{number_format}: the normal form has no such overflow")
    low, high = number_format.limits
    return tf.clip_by_value(rounded, float(low), float(high)) * number_format.lsb

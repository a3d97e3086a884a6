"""How hls4ml reads the three layers of the normal form that Keras does not have."""

from __future__ import annotations

from typing import Any

import numpy as np


def register() -> None:
    """Register the layers with hls4ml's front end for Keras 2; calling it again is harmless."""
    from hls4ml.converters.keras_v2_to_hls import layer_handlers, register_keras_v2_layer_handler

    for name, handler in (("Quantize", _quantize), ("ScaleShift", _scale_shift), ("Divide", _scale_shift)):
        if name not in layer_handlers:
            register_keras_v2_layer_handler(name, handler)


def _quantize(layer: Any, input_names: Any, input_shapes: Any, reader: Any) -> tuple[dict[str, Any], list[Any]]:
    from hls4ml.converters.keras_v2_to_hls import parse_default_keras_layer
    from hls4ml.model.types import FixedPrecisionType

    parsed = parse_default_keras_layer(layer, input_names)
    role = layer["config"]["role"]
    if role == "table":
        # Filled when the number format of its input is known.
        parsed.update(
            class_name="UnaryLUT",
            activation="unary_lut",
            table_data=np.zeros(2),
            table_t=FixedPrecisionType(2, 1, True),
        )
    else:
        parsed.update(class_name="Activation", activation="relu" if role == "relu" else "linear")
    return parsed, list(input_shapes[0])


def _scale_shift(layer: Any, input_names: Any, input_shapes: Any, reader: Any) -> tuple[dict[str, Any], list[Any]]:
    from hls4ml.converters.keras_v2_to_hls import parse_default_keras_layer

    parsed = parse_default_keras_layer(layer, input_names)
    shape = input_shapes[0]
    size = int(np.prod(shape[1:]))
    channels = int(shape[-1])
    parsed.update(
        class_name="BatchNormalization",
        n_in=size,
        n_out=size,
        n_filt=-1 if len(shape) == 2 else channels,
        # Set together with the number formats; hls4ml would remove a factor of one before.
        scale_data=np.full(channels, 3.0),
        bias_data=np.full(channels, 1.0),
    )
    return parsed, list(shape)

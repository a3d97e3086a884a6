"""The float twin of a QKeras model: the same architecture without quantizers."""

from __future__ import annotations

from typing import Any

from models.errors import ModelError
from models.keras2 import bring_up

_LAYERS = {
    "QConv1D": "Conv1D",
    "QConv2D": "Conv2D",
    "QDense": "Dense",
    "QDepthwiseConv2D": "DepthwiseConv2D",
    "QSeparableConv2D": "SeparableConv2D",
}
_ACTIVATIONS = {
    "quantized_bits": "linear",
    "quantized_relu": "relu",
    "quantized_sigmoid": "sigmoid",
    "quantized_tanh": "tanh",
}
# What stays of a layer's configuration: geometry, not quantization, and no clipping to a quantizer's range.
_KEPT = (
    "name filters units kernel_size strides padding data_format dilation_rate groups use_bias depth_multiplier"
).split()


def float_twin(model: Any, *, with_weights: bool) -> Any:
    """Build the float twin of a QKeras model.

    Args:
        model: Keras model with QKeras layers.
        with_weights: Copy the model's (unquantized) weights; else they are initialised anew.

    Raises:
        ModelError: A layer has no float counterpart.
    """
    keras = bring_up().keras

    def replace(layer: Any) -> Any:
        kind = type(layer).__name__
        if kind in _LAYERS:
            config = {name: value for name, value in layer.get_config().items() if name in _KEPT}
            activation = layer.get_config().get("activation")
            if activation not in (None, "linear"):
                config["activation"] = _activation(layer, layer.activation)
            return getattr(keras.layers, _LAYERS[kind])(**config)
        if kind == "QActivation":
            return keras.layers.Activation(_activation(layer, layer.quantizer), name=layer.name)
        if kind.startswith("Q"):
            raise ModelError(
                f"layer {layer.name}: there is no float twin of a {kind}; use QActivation, QConv or QDense layers"
            )
        return layer.__class__.from_config(layer.get_config())

    twin = keras.models.clone_model(model, clone_function=replace)
    if with_weights:
        for layer in twin.layers:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return twin


def _activation(layer: Any, quantizer: Any) -> str:
    name = getattr(quantizer, "__name__", None) or type(quantizer).__name__
    if name not in _ACTIVATIONS:
        known = ", ".join(sorted(_ACTIVATIONS))
        raise ModelError(f"layer {layer.name}: there is no float twin of the activation {name}; known are {known}")
    return _ACTIVATIONS[name]

"""The float twin of a QKeras model: the same architecture without quantizers."""

from __future__ import annotations

from typing import Any

from trigcnn.common.keras2 import bring_up, made_again
from trigcnn.models.errors import ModelError

_LAYERS = {
    "QConv1D": "Conv1D",
    "QConv2D": "Conv2D",
    "QDense": "Dense",
    "QDepthwiseConv2D": "DepthwiseConv2D",
    "QSeparableConv1D": "SeparableConv1D",
    "QSeparableConv2D": "SeparableConv2D",
    "QBatchNormalization": "BatchNormalization",
    "QAveragePooling2D": "AveragePooling2D",
    "QGlobalAveragePooling2D": "GlobalAveragePooling2D",
}
# A convolution and the normalization behind it.
_FOLDED = {"QConv2DBatchnorm": "Conv2D", "QDepthwiseConv2DBatchnorm": "DepthwiseConv2D"}
_ACTIVATIONS = {
    "quantized_bits": "linear",
    "quantized_relu": "relu",
    "quantized_sigmoid": "sigmoid",
    "quantized_tanh": "tanh",
    "quantized_hswish": "swish",
    "quantized_po2": "linear",
    "quantized_relu_po2": "relu",
    "quantized_ulaw": "linear",
    **dict.fromkeys(("binary", "ternary", "stochastic_binary", "stochastic_ternary"), "tanh"),
    **dict.fromkeys(("binary_tanh", "hard_tanh", "smooth_tanh"), "tanh"),
    **dict.fromkeys(("binary_sigmoid", "hard_sigmoid", "smooth_sigmoid"), "sigmoid"),
    **{name: name for name in ("linear", "relu", "sigmoid", "softmax", "tanh")},
}
# Fields that stay in a layer's configuration: geometry, without quantization and clipping to a range.
_KEPT = (
    "name filters units kernel_size strides padding data_format dilation_rate groups use_bias depth_multiplier "
    "pool_size keepdims axis momentum epsilon center scale"
).split()
_NORMALIZED = ("axis", "momentum", "epsilon", "center", "scale")


def float_twin(model: Any, *, with_weights: bool) -> Any:
    """Build the float twin of a QKeras model.

    A softmax or sigmoid at the end is left out.

    Args:
        model: Keras model with QKeras layers.
        with_weights: Copy the model's (unquantized) weights; otherwise they are initialised again, but for layers that
            are not trainable.

    Raises:
        ModelError: A layer has no float counterpart.
    """
    keras = bring_up().keras
    last = {tensor.node.layer.name for tensor in model.outputs}

    def replace(layer: Any) -> Any:
        kind = type(layer).__name__
        config = {name: value for name, value in layer.get_config().items() if name in _KEPT}
        activation = getattr(layer, "activation", None)
        parts = []
        if kind in _LAYERS:
            parts.append(getattr(keras.layers, _LAYERS[kind])(**config))
        elif kind in _FOLDED:
            own = {name: value for name, value in config.items() if name not in _NORMALIZED}
            parts.append(getattr(keras.layers, _FOLDED[kind])(**own))
            parts.append(keras.layers.BatchNormalization(**{name: config[name] for name in _NORMALIZED}))
        if layer.name in last and getattr(activation, "__name__", kind) in ("softmax", "sigmoid", "Softmax"):
            # Outputs are logits, like those of the converted network.
            activation = None
            parts = parts or [keras.layers.Activation("linear", name=layer.name)]
        if parts and activation is not None and getattr(activation, "__name__", "") != "linear":
            if hasattr(parts[-1], "activation"):
                parts[-1].activation = keras.activations.get(_activation(layer, activation))
            else:
                parts.append(keras.layers.Activation(_activation(layer, activation)))
        if parts:
            return parts[0] if len(parts) == 1 else keras.Sequential(parts, name=layer.name)
        quantizer = _quantizer(layer)
        if quantizer is not None and _cuts_the_input(layer):
            return keras.layers.ReLU(max_value=float(quantizer.max()), name=layer.name)
        if quantizer is not None:
            return keras.layers.Activation(_activation(layer, quantizer), name=layer.name)
        if kind.startswith("Q"):
            raise ModelError(
                f"layer {layer.name}: there is no float twin of a {kind}; use QActivation, QConv or QDense layers"
            )
        return made_again(layer)

    twin = keras.models.clone_model(model, clone_function=replace)
    for layer in twin.layers:
        own = model.get_layer(layer.name)
        if with_weights or not own.trainable:
            layer.set_weights(_weights(own))
        layer.trainable = own.trainable
    return twin


def _cuts_the_input(layer: Any) -> bool:
    """Return whether a layer limits the events before any computation; the twin keeps such a layer."""
    if type(_quantizer(layer)).__name__ != "quantized_relu":
        return False
    while (layer := layer.inbound_nodes[0].inbound_layers) is not None:
        if isinstance(layer, list):
            return False
        if type(layer).__name__ == "InputLayer":
            return True
        if _quantizer(layer) is None:
            return False
    return False


def _quantizer(layer: Any) -> Any:
    """Return the quantizer that a layer is, as an activation; None for other layers."""
    kind = type(layer).__name__
    if kind == "QActivation":
        return layer.quantizer
    return layer.activation if kind == "Activation" and type(layer.activation).__name__ in _ACTIVATIONS else None


def _weights(layer: Any) -> list[Any]:
    """Weights of a layer, in the order of its twin's."""
    if type(layer).__name__ not in _FOLDED:
        values: list[Any] = layer.get_weights()
        return values
    kernel = [layer.depthwise_kernel if "Depthwise" in type(layer).__name__ else layer.kernel]
    trained = [*kernel, *([layer.bias] if layer.use_bias else []), *layer.batchnorm.weights]
    # A Sequential model lists trained weights first, and so do the layer and its normalization.
    return [weight.numpy() for weight in trained]


def _activation(layer: Any, quantizer: Any) -> Any:
    """Return what Keras takes for the activation: a name, or a layer such as `ReLU()`."""
    if isinstance(quantizer, bring_up().keras.layers.Layer):
        return type(quantizer).from_config(quantizer.get_config())
    name = getattr(quantizer, "__name__", None) or type(quantizer).__name__
    if name not in _ACTIVATIONS:
        known = ", ".join(sorted(_ACTIVATIONS))
        raise ModelError(f"layer {layer.name}: there is no float twin of the activation {name}; known are {known}")
    return _ACTIVATIONS[name]

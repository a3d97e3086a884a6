"""Batch normalization folded into the layer before it, so that hardware need not compute it.

A factor per channel, times a weight of few bits, is a number of many bits. So the folded kernel is rounded again, to
as many bits as before, and the network must be trained for some more epochs: see `training.folded_epochs`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.keras2 import bring_up, made_again
from trigcnn.models.errors import ModelError
from trigcnn.models.forms import single_use

_FOLDABLE = {"QConv1D": "kernel", "QConv2D": "kernel", "QDense": "kernel", "QDepthwiseConv2D": "depthwise_kernel"}
_EXPONENTS = range(-16, 9)


def fold_batch_normalization(model: Any) -> Any:
    """Return the same model with each BatchNormalization after a QConv or QDense layer folded into that layer.

    Kernel and bias keep their quantizers' bits and get a scale, a power of two, with which rounding changes the folded
    constants least. The bias takes the layer's `bias_quantizer`, also where the layer had no bias.

    Args:
        model: Functional Keras model. A layer that is used several times becomes several layers.

    Returns:
        A new model with weights, not compiled.

    Raises:
        ModelError: There is nothing to fold, or a quantizer is not `quantized_bits` with alpha=1, so that its range
            cannot be chosen.
    """
    keras = bring_up().keras
    model = single_use(model).model
    folded = {node.outbound_layer.name: layer for layer in model.layers for node in _normalized(layer)}
    if not folded:
        raise ModelError(
            f"the model {model.name} has no BatchNormalization after a QConv or QDense layer without "
            "activation, so there is nothing to fold; set training.folded_epochs: 0"
        )
    last = {layer.name: model.get_layer(name) for name, layer in folded.items()}
    values: dict[int, Any] = {}
    for tensor in model.inputs:
        layer = tensor.node.layer
        values[id(tensor)] = keras.Input(tensor.shape[1:], name=layer.name)
    for layer in model.layers:
        if id(layer.output) in values:
            continue
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        inputs = [values[id(tensor)] for tensor in given]
        if layer.name in folded:
            values[id(layer.output)] = inputs[0]
            continue
        weights = layer.get_weights()
        if layer.name in last:
            new, weights = _folded(layer, last[layer.name])
        else:
            new = made_again(layer)
        values[id(layer.output)] = new(inputs[0] if len(inputs) == 1 else inputs)
        new.set_weights(weights)
    return keras.Model(
        [values[id(tensor)] for tensor in model.inputs],
        [values[id(tensor)] for tensor in model.outputs],
        name=model.name,
    )


def _normalized(layer: Any) -> list[Any]:
    """Return the node of a BatchNormalization that is the only reader of a layer into which it can be folded."""
    linear = getattr(getattr(layer, "activation", None), "__name__", "linear") == "linear"
    if type(layer).__name__ not in _FOLDABLE or not linear or len(layer.outbound_nodes) != 1:
        return []
    return [node for node in layer.outbound_nodes if type(node.outbound_layer).__name__ == "BatchNormalization"]


def _folded(layer: Any, normalization: Any) -> tuple[Any, list[Any]]:
    """Return a new layer that does the work of both, and its weights."""
    name = _FOLDABLE[type(layer).__name__]
    role = name.removesuffix("_kernel")
    kernel = getattr(layer, name).numpy()
    factor, summand = _constants(normalization)
    bias = summand + (factor * layer.bias.numpy() if layer.use_bias else 0.0)
    # A depthwise kernel has the output channels in its last two axes.
    kernel = kernel * (factor.reshape(kernel.shape[-2:]) if role == "depthwise" else factor)
    kernel_quantizer = _fitted(layer, f"{role}_quantizer", kernel)
    bias_quantizer = _fitted(layer, "bias_quantizer", bias)
    config = layer.get_config() | {
        "use_bias": True,
        f"{role}_quantizer": kernel_quantizer,
        "bias_quantizer": bias_quantizer,
    }
    return type(layer).from_config(config), [kernel / kernel_quantizer.alpha, bias / bias_quantizer.alpha]


def _constants(normalization: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return factor and summand per channel."""
    factor = 1.0 / np.sqrt(normalization.moving_variance.numpy() + normalization.epsilon)
    if normalization.scale:
        factor = factor * normalization.gamma.numpy()
    summand = -factor * normalization.moving_mean.numpy()
    if normalization.center:
        summand = summand + normalization.beta.numpy()
    return factor, summand


def _fitted(layer: Any, field: str, values: npt.NDArray[np.float32]) -> Any:
    """Return a quantizer of as many bits as the layer's whose scale fits some values best.

    QKeras rounds a weight before it multiplies it by the scale: the layer's weights are the values over the scale. So
    they stay within the range that they had, and further training makes steps in proportion to it.
    """
    qkeras = bring_up().qkeras
    given: Any = getattr(layer, f"{field}_internal", None)
    if type(given).__name__ != "quantized_bits" or given.alpha != 1:
        raise ModelError(
            f"layer {layer.name}: batch normalization cannot be folded into it, since its {field} is no "
            "quantized_bits(bits, integer, alpha=1); use one, or set training.folded_epochs: 0"
        )
    config = given.get_config()
    fits = [qkeras.quantized_bits(**(config | {"alpha": 2.0**exponent})) for exponent in _EXPONENTS]
    return min(fits, key=lambda quantizer: float(np.square(quantizer(values / quantizer.alpha) - values).sum()))

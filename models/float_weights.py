"""Weights without a quantizer, rounded to a grid: plain layers of Keras become layers of QKeras."""

from __future__ import annotations

from typing import Any

import numpy as np

from trigcnn.common.keras2 import bring_up, made_again
from trigcnn.models.forms.walk import Form

_FLOAT = ("Dense", "Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D")
_ROLES = ("kernel", "depthwise", "pointwise", "bias")
_KEPT = (
    "name filters units kernel_size strides padding data_format dilation_rate groups use_bias depth_multiplier"
).split()


def rounded(model: Any, bits: int) -> Form:
    """Return a model whose weights all have quantizers, which round those that had none to a grid.

    Args:
        model: Functional or Sequential Keras 2 model with its weights.
        bits: Bits of these weights and biases, of which as many are left of the binary point as the largest needs.

    Returns:
        The model, itself if all weights have quantizers; and a line for each layer that was changed.
    """
    changes: dict[str, str] = {}

    def replaced(layer: Any) -> Any:
        found = {role: values for role in _ROLES if (values := _unquantized(layer, role)) is not None}
        if not found:
            return made_again(layer)
        chosen = {role: _quantizer(values, bits) for role, values in found.items()}
        quantizers = {f"{role}_quantizer": quantizer for role, quantizer in chosen.items()}
        moved = max(float(np.abs(chosen[role](values) - values).max()) for role, values in found.items())
        changes[layer.name] = (
            f"layer {layer.name}: its {' and '.join(found)} had no quantizer; they were rounded to {bits} bits, by "
            f"up to {moved:.3g}"
        )
        config = layer.get_config()
        if type(layer).__name__ not in _FLOAT:
            return type(layer).from_config(config | quantizers)
        kept = {name: value for name, value in config.items() if name in _KEPT}
        kind = getattr(bring_up().qkeras, f"Q{type(layer).__name__}")
        return kind(**kept, activation=layer.activation, **quantizers)

    result = bring_up().keras.models.clone_model(model, clone_function=replaced)
    if not changes:
        return Form(model)
    result.set_weights(model.get_weights())
    return Form(result, tuple(changes.values()))


def _unquantized(layer: Any, role: str) -> Any:
    """Return the weights of a role that have no quantizer; None if there are none."""
    kind = type(layer).__name__
    if kind.removeprefix("Q") not in _FLOAT or role not in _roles(kind):
        return None
    if getattr(layer, f"{role}_quantizer_internal", None) is not None or (role == "bias" and not layer.use_bias):
        return None
    return np.asarray(getattr(layer, role if role in ("kernel", "bias") else f"{role}_kernel"))


def _roles(kind: str) -> tuple[str, ...]:
    if "Depthwise" in kind:
        return ("depthwise", "bias")
    return ("depthwise", "pointwise", "bias") if "Separable" in kind else ("kernel", "bias")


def _quantizer(values: Any, bits: int) -> Any:
    """Return the finest quantized_bits that holds the values."""
    integer, largest = 0, 2 ** (bits - 1) - 1
    while np.rint(np.max(values, initial=0.0) * 2.0 ** (bits - 1 - integer)) > largest or (
        np.rint(np.min(values, initial=0.0) * 2.0 ** (bits - 1 - integer)) < -largest - 1
    ):
        integer += 1
    return bring_up().qkeras.quantized_bits(bits, integer, symmetric=0, alpha=1)

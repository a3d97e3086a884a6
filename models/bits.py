"""Bits of single layers, set on any QKeras model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from trigcnn.common.keras2 import bring_up, made_again
from trigcnn.common.suggestions import did_you_mean
from trigcnn.models.errors import ModelError

Part = Literal["weights", "bias", "activation"]
Bits = int | Mapping[Part, int]

_WEIGHTS = ("kernel", "depthwise", "pointwise")


def with_bits(model: Any, bits: Mapping[str, Bits]) -> Any:
    """Return the same model with other numbers of bits in some layers; ranges stay, steps become finer or coarser.

    Args:
        model: Functional or sequential Keras model with QKeras layers.
        bits: By layer name: bits of weights and bias together, or of the activation in a layer without weights; or
            those of `weights`, `bias` and `activation` separately.

    Returns:
        A new model with the same weights; the model itself if nothing changes.

    Raises:
        ModelError: No layer has such a name, or it has no quantizer of that many bits.
    """
    if not bits:
        return model
    names = [layer.name for layer in model.layers]
    for name in bits:
        if name not in names:
            raise ModelError(f"model.bits.{name}: the model has no such layer; {did_you_mean(name, names)}")

    def replaced(layer: Any) -> Any:
        return made_again(layer, **(_changed(layer, bits[layer.name]) if layer.name in bits else {}))

    changed = bring_up().keras.models.clone_model(model, clone_function=replaced)
    changed.set_weights(model.get_weights())
    return changed


def _changed(layer: Any, bits: Bits) -> dict[str, Any]:
    """Return the fields of a layer's configuration that change."""
    found = _quantizers(layer)
    if isinstance(bits, int):
        parts: tuple[Part, ...] = ("weights", "bias") if found["weights"] else ("activation",)
        wanted: Mapping[Part, int] = {part: bits for part in parts if found[part] or part != "bias"}
    else:
        wanted = bits
    changed = {}
    for part, number in wanted.items():
        if not found[part]:
            known = ", ".join(part for part, fields in found.items() if fields) or "nothing"
            raise ModelError(
                f"model.bits.{layer.name}: the {type(layer).__name__} has no quantizer of its {part}; it has one of "
                f"{known}"
            )
        for field, quantizer in found[part].items():
            config = quantizer.get_config()
            if "bits" not in config:
                raise ModelError(
                    f"model.bits.{layer.name}: its {field} {type(quantizer).__name__} has no number of bits; use "
                    "quantized_bits or quantized_relu there, or remove the layer from model.bits"
                )
            changed[field] = type(quantizer).from_config(config | {"bits": number})
    return changed


def _quantizers(layer: Any) -> dict[Part, dict[str, Any]]:
    """Return a layer's quantizers by part, and by the field of its configuration."""
    weights = {f"{role}_quantizer": getattr(layer, f"{role}_quantizer_internal", None) for role in _WEIGHTS}
    bias = {
        "bias_quantizer": getattr(layer, "bias_quantizer_internal", None) if getattr(layer, "use_bias", 1) else None
    }
    own = (
        getattr(layer, "quantizer", None) if type(layer).__name__ == "QActivation" else layer.__dict__.get("activation")
    )
    activation = {"activation": own if hasattr(own, "get_config") else None}

    def known(fields: dict[str, Any]) -> dict[str, Any]:
        return {field: quantizer for field, quantizer in fields.items() if quantizer is not None}

    return {"weights": known(weights), "bias": known(bias), "activation": known(activation)}

"""What becomes of each class of layer in the normal form."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hls.admission import label, refusal
from hls.admission.layers import TRAINING_ONLY
from hls.admission.quantizers import TOO_FINE
from hls.rewriting.constants import fold_batch_normalization, wide
from hls.rewriting.quantizers import as_cast, frozen, is_relu, plain
from hls.rewriting.rewrite import Rewriter


@dataclass(frozen=True)
class Site:
    """A layer to rewrite.

    Attributes:
        layer: The layer of the model.
        inputs: What feeds it in the normal form.
        state: The walk.
    """

    layer: Any
    inputs: list[Any]
    state: Rewriter

    @property
    def x(self) -> Any:
        """The only input."""
        (x,) = self.inputs
        return x

    @property
    def name(self) -> str:
        """Name of the layer."""
        return str(self.layer.name)

    @property
    def config(self) -> dict[str, Any]:
        """Configuration of the layer."""
        config: dict[str, Any] = self.layer.get_config()
        return config

    def note(self, change: str) -> None:
        """Say what was rewritten."""
        self.state.changes.append(f"layer {self.name}: {change}")


def _activated(site: Site, x: Any, name: str | None = None) -> Any:
    """Add what the layer's argument `activation` does, as a layer of its own."""
    activation = getattr(site.layer, "activation", None)
    if _is_linear(activation):
        return x
    label = name or f"{site.name}_activation"
    site.note(f"its activation became the layer {label}")
    return quantized(site, x, label, activation)


def _is_linear(activation: Any) -> bool:
    return activation is None or getattr(activation, "__name__", activation) == "linear"


def quantized(site: Site, x: Any, name: str, quantizer: Any) -> Any:
    """Add a quantizer or an activation function."""
    function_name = quantizer if isinstance(quantizer, str) else getattr(quantizer, "__name__", None)
    if function_name in ("softmax", "sigmoid") and site.name in site.state.finished:
        site.state.outputs_changed = True
        site.note(f"the {function_name} at the end was left out; outputs are logits, of which the largest is the class")
        return x
    if function_name == "relu":
        return site.state.quantize(x, name, "relu")
    if function_name == "linear":
        return x
    number_format = as_cast(quantizer)
    if number_format is not None:
        # The input's port does this cast, which for itself makes zeros of negative values.
        at_input = type(x.node.layer).__name__ == "InputLayer"
        role = "relu" if is_relu(quantizer) and not at_input else "cast"
        return site.state.quantize(x, name, role, number_format)
    site.note(f"{name if name != site.name else 'it'} became a table of what QKeras computes for each input value")
    return site.state.quantize(x, name, "table", function=quantizer)


def logits(tensor: Any) -> Any:
    """Give the tensor in front of a softmax or sigmoid that ends a model."""
    layer = tensor.node.layer
    keras = sys.modules["tf_keras"]
    if isinstance(layer, keras.layers.Softmax):
        return layer.input
    if label(getattr(layer, "activation", None)) not in ("softmax", "sigmoid"):
        return tensor
    if type(layer).__name__ in ("Activation", "QActivation"):
        return layer.input
    clone = type(layer).from_config({**layer.get_config(), "activation": None})
    result = clone(layer.input)
    clone.set_weights(layer.get_weights())
    return result


def _activation(site: Site) -> Any:
    return quantized(site, site.x, site.name, site.layer.activation)


def _qactivation(site: Site) -> Any:
    return quantized(site, site.x, site.name, site.layer.quantizer)


def _relu(site: Site) -> Any:
    """Keras' ReLU, LeakyReLU and ThresholdedReLU."""
    unbounded = type(site.layer).__name__ == "ReLU" and site.layer.max_value is None
    if unbounded and not site.layer.negative_slope and not site.layer.threshold:
        return site.state.quantize(site.x, site.name, "relu")
    site.note("it became a table of what Keras computes for each input value")
    return site.state.quantize(site.x, site.name, "table", function=site.layer.call)


def _softmax(site: Site) -> Any:
    return quantized(site, site.x, site.name, "softmax")


def _removed(site: Site) -> Any:
    site.note(f"a {type(site.layer).__name__} does nothing when the model is applied, and was left out")
    return site.x


def _weights(site: Site, role: str) -> Any:
    """The constants of a role (`kernel`, `depthwise`, `pointwise`)."""
    layer = site.layer
    return _frozen(site, role, getattr(layer, "kernel" if role == "kernel" else f"{role}_kernel"))


def _frozen(site: Site, role: str, values: Any) -> Any:
    """Quantize weights once and for all."""
    quantizer = getattr(site.layer, f"{role}_quantizer_internal", None)
    try:
        return frozen(quantizer, values)
    except ValueError as error:
        # A quantizer of powers of two has no scale.
        field = "alpha" if hasattr(quantizer, "alpha") else "bits"
        raise refusal(
            site.layer, f"{role}_quantizer {field}", plain(getattr(quantizer, field, None)), TOO_FINE
        ) from error


def _bias(site: Site) -> list[Any]:
    layer = site.layer
    if not layer.use_bias:
        return []
    return [_frozen(site, "bias", layer.bias)]


def _convolution(site: Site) -> Any:
    layer = site.layer
    kernel = _ungrouped(site, _weights(site, "kernel"))
    x = _convolve(site, site.x, site.name, kernel, _bias(site), layer.strides, layer.padding)
    return _activated(site, x)


def _ungrouped(site: Site, kernel: Any) -> Any:
    """Each group of filters sees its share of the channels only: zeros elsewhere."""
    groups = site.layer.groups
    if groups == 1:
        return kernel
    site.note(f"its {groups} groups became one kernel with zeros between them")
    inputs, filters = kernel.shape[-2] * groups, kernel.shape[-1]
    full = np.zeros((*kernel.shape[:-2], inputs, filters))
    for group in range(groups):
        rows = slice(group * inputs // groups, (group + 1) * inputs // groups)
        columns = slice(group * filters // groups, (group + 1) * filters // groups)
        full[..., rows, columns] = kernel[..., columns]
    return full


def _dilated(site: Site, kernel: Any) -> Any:
    """Zeros between the taps."""
    rates = getattr(site.layer, "dilation_rate", 1)
    rates = rates if isinstance(rates, (tuple, list)) else (rates,)
    axes = kernel.ndim - 2
    if all(rate == 1 for rate in rates) or kernel.shape[:axes] == (1,) * axes:
        return kernel
    site.note("its dilation became zeros between the taps of the kernel")
    shape = tuple((size - 1) * rate + 1 for size, rate in zip(kernel.shape, rates, strict=False))
    full = np.zeros((*shape, *kernel.shape[axes:]))
    full[tuple(slice(None, None, rate) for rate in rates)] = kernel
    return full


def _convolve(site: Site, x: Any, name: str, kernel: Any, bias: list[Any], strides: Any, padding: str) -> Any:
    kernel = _dilated(site, kernel)
    if padding == "causal":
        site.note("its causal padding became zeros in front")
        x = site.state.plain("ZeroPadding1D", f"{name}_padding", x, padding=(kernel.shape[0] - 1, 0))
        padding = "valid"
    return site.state.plain(
        f"Conv{kernel.ndim - 2}D",
        name,
        x,
        [kernel, *bias],
        filters=kernel.shape[-1],
        kernel_size=kernel.shape[:-2],
        strides=strides,
        padding=padding,
        use_bias=bool(bias),
    )


def _depthwise(site: Site) -> Any:
    layer = site.layer
    kernel = _weights(site, "depthwise")
    return _activated(site, _convolve_depthwise(site, site.name, kernel, _bias(site), layer.strides, layer.padding))


def _convolve_depthwise(site: Site, name: str, kernel: Any, bias: list[Any], strides: Any, padding: str) -> Any:
    """hls4ml knows one filter per channel; of the Resource strategy in io_parallel it has none.

    Keras knows equal strides only.
    """
    resource = site.name in site.state.options.resource and site.state.options.io_type == "io_parallel"
    if kernel.shape[-1] == 1 and not resource and len(set(strides)) == 1:
        kernel = _dilated(site, kernel)
        one = strides[0] if kernel.ndim == 3 else strides
        return site.state.plain(
            f"DepthwiseConv{kernel.ndim - 2}D",
            name,
            site.x,
            [kernel, *bias],
            kernel_size=kernel.shape[:-2],
            strides=one,
            padding=padding,
            use_bias=bool(bias),
        )
    channels, times = kernel.shape[-2:]
    full = np.zeros((*kernel.shape[:-1], channels * times))
    for channel in range(channels):
        full[..., channel, channel * times : (channel + 1) * times] = kernel[..., channel, :]
    site.note("hls4ml has no such depthwise convolution; it became a convolution with zeros between channels")
    return _convolve(site, site.x, name, full, bias, strides, padding)


def _separable(site: Site) -> Any:
    layer = site.layer
    depthwise, pointwise = _weights(site, "depthwise"), _weights(site, "pointwise")
    site.note("it became a depthwise convolution and a convolution of one pixel")
    x = _convolve_depthwise(site, f"{site.name}_depthwise", depthwise, [], layer.strides, layer.padding)
    ones = 1 if pointwise.ndim == 3 else (1, 1)
    return _activated(site, _convolve(site, x, site.name, pointwise, _bias(site), ones, "valid"))


def _dense(site: Site) -> Any:
    kernel, bias = _weights(site, "kernel"), _bias(site)
    if len(site.x.shape) == 2:
        x = site.state.plain("Dense", site.name, site.x, [kernel, *bias], units=kernel.shape[-1], use_bias=bool(bias))
    else:
        dimensions = len(site.x.shape) - 2
        site.note("a dense layer on each pixel is a convolution of one pixel")
        ones = (1,) * dimensions
        x = _convolve(site, site.x, site.name, kernel.reshape(*ones, *kernel.shape), bias, ones, "valid")
    return _activated(site, x)


def _folded(site: Site) -> Any:
    """QConv2DBatchnorm and QDepthwiseConv2DBatchnorm quantize the folded kernel; so it is constant, too."""
    layer = site.layer
    kernel, bias = layer.get_folded_weights()
    depthwise = "Depthwise" in type(layer).__name__
    role = "depthwise" if depthwise else "kernel"
    kernel = _frozen(site, role, kernel)
    kernel = kernel if depthwise else _ungrouped(site, kernel)
    quantizer = layer.bias_quantizer_internal
    if quantizer is None:
        site.state.wide.append(site.name)
        shift = wide(np.asarray(bias))
    else:
        shift = _frozen(site, "bias", bias)
    site.note("its batch normalization was folded into kernel and bias")
    arguments = (layer.strides, layer.padding)
    if depthwise:
        return _activated(site, _convolve_depthwise(site, site.name, kernel, [shift], *arguments))
    return _activated(site, _convolve(site, site.x, site.name, kernel, [shift], *arguments))


def _normalization(site: Site) -> Any:
    scale, shift, exact = fold_batch_normalization(site.layer)
    if not exact:
        site.state.wide.append(site.name)
    site.note(
        "it became one factor and one summand per channel, "
        + ("exact in few bits" if exact else "as exact as float32 knows them")
    )
    return site.state.scale_shift(site.x, site.name, scale, shift)


def _maximum_pooling(site: Site) -> Any:
    layer = site.layer
    x = site.x
    padding = _same_padding(x, layer) if layer.padding == "same" else ((0, 0),) * len(layer.pool_size)
    if any(side for axis in padding for side in axis):
        if id(x) not in site.state.unsigned:
            raise refusal(layer, "padding", "same", "same, behind signed values")
        site.note("its padding became zeros around the image, which is exact since no pixel is negative")
        kind = f"ZeroPadding{len(padding)}D"
        x = site.state.plain(kind, f"{site.name}_padding", x, padding=padding if len(padding) > 1 else padding[0])
    kind = type(layer).__name__
    return site.state.plain(kind, site.name, x, pool_size=layer.pool_size, strides=layer.strides, padding="valid")


def _same_padding(x: Any, layer: Any) -> tuple[tuple[int, int], ...]:
    """What padding='same' adds on both sides of each axis, as TensorFlow does."""
    pads = []
    for size, pool, stride in zip(x.shape[1:-1], layer.pool_size, layer.strides, strict=True):
        missing = max((-(-size // stride) - 1) * stride + pool - size, 0)
        pads.append((missing // 2, missing - missing // 2))
    return tuple(pads)


def _average_pooling(site: Site) -> Any:
    return _mean(site, tuple(site.layer.pool_size), tuple(site.layer.strides))


def _global_average_pooling(site: Site) -> Any:
    window = tuple(int(n) for n in site.x.shape[1:-1])
    return _mean(site, window, (1,) * len(window))


def _mean(site: Site, window: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    """The mean over a window, and what QKeras adds: a quantized factor 1 / count, and an activation."""
    layer, x = site.layer, site.x
    count = int(np.prod(window))
    kind = type(layer).__name__.removeprefix("Q")
    if getattr(layer, "average_quantizer_internal", None) is None:
        options = {} if kind.startswith("Global") else {"pool_size": window, "strides": strides, "padding": "valid"}
        result = site.state.plain(kind, site.name, x, **options)
    else:
        factor = float(np.asarray(_frozen(site, "average", 1.0 / count)))
        site.note(f"it became a depthwise convolution with the quantized factor {factor:g}")
        kernel = np.full((*window, int(x.shape[-1]), 1), factor)
        result = _convolve_depthwise(site, site.name, kernel, [], strides, "valid")
        if count & (count - 1):
            # QKeras divides by the count, and then multiplies by it.
            site.state.wide.append(site.name)
        if kind.startswith("Global"):
            result = site.state.plain("Flatten", f"{site.name}_flatten", result)
    return _activated(site, _kept(site, result) if kind.startswith("Global") else result)


def _global_maximum_pooling(site: Site) -> Any:
    return _kept(site, site.state.plain(type(site.layer).__name__, site.name, site.x))


def _kept(site: Site, x: Any) -> Any:
    """What keepdims=True does."""
    if not site.layer.keepdims:
        return x
    site.note("the axes that it keeps became a Reshape")
    shape = (*(1 for _ in site.x.shape[1:-1]), int(site.x.shape[-1]))
    return site.state.plain("Reshape", f"{site.name}_axes", x, target_shape=shape)


def _permute(site: Site) -> Any:
    """In io_stream, hls4ml transposes a matrix even where the axes stay."""
    if list(site.layer.dims) == sorted(site.layer.dims):
        site.note("it leaves the axes in their order, and was left out")
        return site.x
    return _copied("dims")(site)


def _copied(*fields: str) -> Callable[[Site], Any]:
    """The layer as it is, with some fields of its configuration."""

    def rule(site: Site) -> Any:
        options = {name: site.config[name] for name in fields}
        return site.state.plain(type(site.layer).__name__, site.name, site.x, **options)

    return rule


def _merge(site: Site) -> Any:
    """hls4ml merges two tensors at a time."""
    kind = type(site.layer).__name__
    options = {"axis": site.layer.axis} if kind == "Concatenate" else {}
    first, *others = site.inputs
    if len(others) > 1:
        site.note(f"{len(site.inputs)} inputs are merged two at a time")
    for number, other in enumerate(others, 1):
        name = site.name if number == len(others) else f"{site.name}_{number}"
        first = site.state.plain(kind, name, [first, other], **options)
    return first


def _average(site: Site) -> Any:
    site.note(f"it became a sum and the factor 1/{len(site.inputs)}")
    first, *others = site.inputs
    for number, other in enumerate(others, 1):
        first = site.state.plain("Add", f"{site.name}_{number}", [first, other])
    channels = int(first.shape[-1])
    return site.state.scale_shift(first, site.name, np.full(channels, 1 / len(site.inputs)), np.zeros(channels))


RULES: dict[str, Callable[[Site], Any]] = {
    "Activation": _activation,
    "QActivation": _qactivation,
    "ReLU": _relu,
    "LeakyReLU": _relu,
    "ThresholdedReLU": _relu,
    "Softmax": _softmax,
    "QConv1D": _convolution,
    "QConv2D": _convolution,
    "QDepthwiseConv2D": _depthwise,
    "QSeparableConv1D": _separable,
    "QSeparableConv2D": _separable,
    "QDense": _dense,
    "QConv2DBatchnorm": _folded,
    "QDepthwiseConv2DBatchnorm": _folded,
    "BatchNormalization": _normalization,
    "QBatchNormalization": _normalization,
    "MaxPooling1D": _maximum_pooling,
    "MaxPooling2D": _maximum_pooling,
    "AveragePooling1D": _average_pooling,
    "AveragePooling2D": _average_pooling,
    "QAveragePooling2D": _average_pooling,
    "GlobalMaxPooling1D": _global_maximum_pooling,
    "GlobalMaxPooling2D": _global_maximum_pooling,
    "GlobalAveragePooling1D": _global_average_pooling,
    "GlobalAveragePooling2D": _global_average_pooling,
    "QGlobalAveragePooling2D": _global_average_pooling,
    "ZeroPadding1D": _copied("padding"),
    "ZeroPadding2D": _copied("padding"),
    "UpSampling1D": _copied("size"),
    "UpSampling2D": _copied("size"),
    "Flatten": _copied(),
    "Reshape": _copied("target_shape"),
    "Permute": _permute,
    "Add": _merge,
    "Subtract": _merge,
    "Multiply": _merge,
    "Maximum": _merge,
    "Minimum": _merge,
    "Average": _average,
    "Concatenate": _merge,
    **dict.fromkeys(TRAINING_ONLY, _removed),
}

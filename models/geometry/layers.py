"""How each class of Keras and QKeras layers treats the axes of its input; its numbers of parameters and products."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from trigcnn.models.errors import ModelError
from trigcnn.models.geometry.axis import Axis, same_padding
from trigcnn.models.geometry.sight import Shape

# Layers that change each value by itself, or nothing when the model is applied.
POINTWISE = frozenset(
    "InputLayer QActivation QAdaptiveActivation Activation ReLU LeakyReLU ThresholdedReLU ELU Softmax "
    "BatchNormalization QBatchNormalization Rescaling Dropout SpatialDropout1D SpatialDropout2D AlphaDropout "
    "GaussianDropout GaussianNoise ActivityRegularization Identity".split()
)
MERGES = frozenset("Add Subtract Multiply Maximum Minimum Average".split())
# With a window over each axis, but without weights.
POOLING = frozenset(f"{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2))
GLOBAL_POOLING = frozenset(f"Global{kind}" for kind in POOLING)
CONVOLUTIONS = frozenset(
    "Conv1D Conv2D Conv2DBatchnorm SeparableConv1D SeparableConv2D DepthwiseConv1D DepthwiseConv2D "
    "DepthwiseConv2DBatchnorm".split()
)
RESIZING = frozenset(f"{kind}{n}D" for kind in ("ZeroPadding", "Cropping", "UpSampling") for n in (1, 2))

_KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")


def kind_of(layer: Any) -> str:
    """Return the name of a layer's class without the Q of QKeras: it treats axes like Keras' own class.

    Raises:
        ModelError: What the layer does is not known here.
    """
    name = type(layer).__name__
    kind = name if name in POINTWISE else name.removeprefix("Q")
    weighted = {"Dense"} | CONVOLUTIONS
    if kind not in POINTWISE | MERGES | POOLING | GLOBAL_POOLING | RESIZING | weighted | _MOVES:
        raise ModelError(
            f"layer {layer.name} ({name}): which values it computes from which is not known, so that the sizes of this "
            "network cannot be listed; use layers of docs/admission.md, directly in the model"
        )
    if getattr(layer, "data_format", None) == "channels_first":
        raise ModelError(f"layer {layer.name} ({name}): data_format='channels_first': use channels_last")
    return kind


_MOVES = frozenset("Concatenate Flatten Reshape Permute".split())


def axes_of(layer: Any, shape: Shape, blank: Shape) -> tuple[Axis, ...]:
    """Return what a layer does along the axes of its input, one axis each but that of channels.

    Args:
        layer: The layer.
        shape: Shape of its input, without the batch.
        blank: How many pixels at the end of each axis are zeros of padding.

    Returns:
        Nothing for layers that have no window, and for a dense layer on a vector.
    """
    kind = kind_of(layer)
    sizes = shape[:-1]
    options: list[dict[str, int]]
    if kind in CONVOLUTIONS | POOLING:
        options = list(_windows(layer, kind, sizes))
    elif kind in GLOBAL_POOLING:
        options = [{"window": size} for size in sizes]
    elif kind == "Dense":
        options = [{} for _ in sizes]
    elif kind in RESIZING:
        options = list(_resizing(layer, kind))
    else:
        return ()
    names = {1: ["width"], 2: ["height", "width"]}.get(len(sizes), [f"axis {number}" for number in range(len(sizes))])
    return tuple(
        Axis.of(name, size, blank=zeros, **chosen)
        for name, size, zeros, chosen in zip(names, sizes, blank, options, strict=False)
    )


def mixes_channels(layer: Any) -> bool:
    """Return whether each result is a sum over the channels."""
    kind = kind_of(layer)
    return kind == "Dense" or (
        kind in CONVOLUTIONS and ("Depthwise" not in kind or getattr(layer, "depth_multiplier", 1) > 1)
    )


def parameters_of(layer: Any, shape: Shape) -> int:
    """Count the numbers of a layer as it is applied: weights and biases, and a factor and a summand per normalization.

    Args:
        layer: The layer.
        shape: Shape of its result, without the batch.
    """
    kind = kind_of(layer)
    if kind.endswith("BatchNormalization"):
        return 2 * shape[-1]
    kernels = sum(_weights(layer, kind))
    # What is folded has a bias in any case.
    has_bias = bool(kernels) and (layer.use_bias or kind.endswith("Batchnorm"))
    return kernels + (shape[-1] if has_bias else 0)


def multiplications_of(layer: Any, shape: Shape) -> int:
    """Count products with a weight per event, zeros and windows in the padding too; `shape` is that of the result."""
    return math.prod(shape[:-1]) * sum(_weights(layer, kind_of(layer)))


def _weights(layer: Any, kind: str) -> Iterator[int]:
    if kind == "Dense" or kind in CONVOLUTIONS:
        yield from (math.prod(getattr(layer, name).shape) for name in _KERNELS if hasattr(layer, name))


def _windows(layer: Any, kind: str, sizes: Shape) -> Iterator[dict[str, int]]:
    def of_each_axis(name: str) -> list[int]:
        given = [int(value) for value in np.ravel(getattr(layer, name, 1))]
        return given * len(sizes) if len(given) == 1 else given

    taps, rates = of_each_axis("pool_size" if kind in POOLING else "kernel_size"), of_each_axis("dilation_rate")
    for size, tap, rate, stride in zip(sizes, taps, rates, of_each_axis("strides"), strict=True):
        window = (tap - 1) * rate + 1
        before, after = {
            "valid": (0, 0),
            "same": same_padding(size, window, stride),
            "causal": (window - 1, 0),
        }[layer.padding]
        yield {"window": window, "stride": stride, "before": before, "after": after}


def _resizing(layer: Any, kind: str) -> Iterator[dict[str, int]]:
    if kind.startswith("UpSampling"):
        yield from ({"repeat": int(times)} for times in np.ravel(layer.size))
        return
    sign, given = (1, layer.padding) if kind.startswith("Zero") else (-1, layer.cropping)
    yield from ({"before": sign * int(a), "after": sign * int(b)} for a, b in np.reshape(given, (-1, 2)))
